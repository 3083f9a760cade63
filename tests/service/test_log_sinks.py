"""Where lines of the log end up, when the place does not take them."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tradingd.core.market import DAY_NS
from tradingd.service.log_sinks import MAX_WAITING, LogFile, LogStream


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 20_000 * DAY_NS

    def __call__(self) -> int:
        return self.ns


def told(sink: LogStream | LogFile) -> str:
    """What the sink has to say about itself."""
    news = sink.losses.take_news()
    return "" if news is None else news.message


def test_a_reader_that_goes_away_costs_lines_and_nothing_else() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        sink = LogStream(stream)
        sink.write("one\n")
        assert os.read(read, 100) == b"one\n"
        os.close(read)
        sink.write("two\n")
        sink.write("three\n")
        assert "Broken pipe; trading goes on" in told(sink)
        assert told(sink) == ""


def test_a_reader_that_stalls_holds_nothing_up_and_gets_what_waited() -> None:
    read, write = os.pipe()
    line = "x" * 9_999 + "\n"
    count = MAX_WAITING // len(line)
    with os.fdopen(write, "w") as stream:
        sink = LogStream(stream)
        for _ in range(count):
            sink.write(line)
        assert told(sink) == ""
        for _ in range(20):
            sink.write(line)
        assert "nobody reads it" in told(sink)
        got = 0
        while got < count * len(line):
            got += len(os.read(read, 65_536))
            sink.close()
        sink.write("again\n")
        sink.close()
        rest = b""
        while not rest.endswith(b"again\n"):
            rest += os.read(read, 65_536)
    os.close(read)
    assert set(rest.removesuffix(b"again\n")) <= set(line.encode())


def test_a_pipe_that_is_read_again_is_told_how_many_lines_were_lost(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    first = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with path.open("w") as stream:
        sink = LogStream(stream)
        os.close(first)
        for _ in range(3):
            sink.write("lost\n")
        told(sink)
        second = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        sink.write("seen\n")
        assert os.read(second, 100) == b"seen\n"
        os.close(second)
    assert "takes lines of the log again; 3 lines were lost (Broken pipe)" in told(sink)


def test_a_file_that_was_renamed_or_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "d.log"
    sink = LogFile(path)
    sink.write("one\n")
    path.rename(tmp_path / "d.log.1")
    sink.write("two\n")
    path.unlink()
    sink.write("three\n")
    sink.reopen()
    sink.write("four\n")
    sink.close()
    assert (tmp_path / "d.log.1").read_text() == "one\n"
    assert path.read_text() == "three\nfour\n"


def test_lines_go_to_the_file_that_logrotate_has_made(tmp_path: Path) -> None:
    path = tmp_path / "d.log"
    sink = LogFile(path)
    sink.write("one\n")
    path.rename(tmp_path / "d.log.1")
    path.touch()
    sink.write("two\n")
    sink.close()
    assert (path.read_text(), (tmp_path / "d.log.1").read_text()) == ("two\n", "one\n")


def test_a_file_that_was_cut_to_nothing_goes_on_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "d.log"
    sink = LogFile(path)
    sink.write("one\n")
    os.truncate(path, 0)
    sink.write("two\n")
    sink.close()
    assert path.read_text() == "two\n"


def test_a_full_disk_costs_lines_and_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "d.log"
    path.symlink_to("/dev/full")
    sink = LogFile(path, max_bytes=10, days=1, keep=1)
    sink.write("one\n")
    assert os.strerror(errno.ENOSPC) in told(sink)
    sink.write("two\n")
    assert told(sink) == ""
    path.unlink()
    sink.write("three\n")
    sink.close()
    assert path.read_text() == "three\n"
    assert "again; 2 lines were lost" in told(sink)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond a size, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["the log file", "standard output"])
def test_the_line_after_one_that_found_no_room_begins_anew(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "d.log"
    with path.open("w") as stream:
        sink = LogFile(path) if kind == "the log file" else LogStream(stream)
        with room_for(6):
            sink.write("one\n")
            sink.write("second\n")
        sink.write("three\n")
        sink.close()
    assert path.read_text() == "one\nse\nthree\n"


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    sink = LogFile(tmp_path / "a" / "b" / "d.log")
    sink.write("one\n")
    sink.close()
    assert (tmp_path / "a" / "b" / "d.log").read_text() == "one\n"


def test_a_name_that_cannot_be_a_file_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "d.log"):
        sink = LogFile(path)
        sink.write("one\n")
        assert "trading goes on" in told(sink)


def test_a_named_pipe_without_a_reader_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sink = LogFile(tmp_path / "pipe")
    sink.write("one\n")
    assert "trading goes on" in told(sink)


def test_a_file_is_rotated_by_size_and_only_rotated_files_are_deleted(tmp_path: Path) -> None:
    path, now = tmp_path / "d.log", Now()
    other = tmp_path / "d.notes.log"
    other.touch()
    sink = LogFile(path, max_bytes=10, keep=2, now_ns=now)
    for number in range(6):
        now.ns += 1_000_000_000
        sink.write(f"line {number}\n")
    sink.close()
    rotated = sorted(tmp_path.glob("d.2*.log"))
    assert path.read_text() == "line 5\n"
    assert [file.read_text() for file in rotated] == ["line 3\n", "line 4\n"]
    assert other.exists()


def test_without_rotation_a_file_grows_on(tmp_path: Path) -> None:
    path, now = tmp_path / "d.log", Now()
    sink = LogFile(path, now_ns=now)
    for _ in range(3):
        now.ns += DAY_NS
        sink.write("line\n")
    sink.close()
    assert path.read_text() == "line\n" * 3


def test_a_file_is_rotated_at_midnight(tmp_path: Path) -> None:
    path, now = tmp_path / "d.log", Now()
    sink = LogFile(path, days=1, now_ns=now)
    sink.write("one\n")
    now.ns += DAY_NS - 1
    sink.write("two\n")
    now.ns += 1
    sink.write("three\n")
    sink.close()
    assert path.read_text() == "three\n"
    assert [file.read_text() for file in tmp_path.glob("d.2*.log")] == ["one\ntwo\n"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_made_anew_goes_on_under_its_other_name(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "d.log"
    sink = LogFile(path)
    sink.write("one\n")
    path.rename(folder / "d.log.1")
    folder.chmod(0o500)
    try:
        sink.write("two\n")
        assert "cannot be made anew: Permission denied" in told(sink)
        sink.write("three\n")
        assert told(sink) == ""
    finally:
        folder.chmod(0o700)
    sink.write("four\n")
    sink.close()
    assert (folder / "d.log.1").read_text() == "one\ntwo\nthree\n"
    assert path.read_text() == "four\n"
