"""Reading a journal back: whole, torn, damaged, over several days."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.making import account_opened, filled
from tests.journal.story import Written, encoded, fold, story
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError, UsageError
from tradingd.journal.history import read_history
from tradingd.journal.segments import JournalLock, journal_id, load, read_records, segment_name, segment_paths


def test_a_folder_without_a_journal_is_an_empty_one(tmp_path: Path) -> None:
    books, tail = load(tmp_path / "none")
    assert (tail.seq, tail.segment, books.account) == (0, 0, None)
    assert list(read_records(tmp_path / "none", whole=True)) == []
    with pytest.raises(UsageError, match="no journal yet"):
        read_history(tmp_path / "none", 0, 1)


def test_the_books_are_the_fold_of_what_was_written(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story())
    tail = written.reopen()
    assert encoded(written.books) == encoded(fold(story()))
    assert (tail.seq, tail.bad, tail.lost) == (len(story()), None, 0)
    assert tail.size == segment_paths(tmp_path)[0].stat().st_size


def test_a_last_line_torn_at_any_byte_is_set_aside_and_writing_goes_on(tmp_path: Path) -> None:
    entries = story()
    written = Written(tmp_path / "whole")
    written.append(*entries)
    written.writer.close()
    name = segment_paths(tmp_path / "whole")[0].name
    content = (tmp_path / "whole" / name).read_bytes()
    ends = [number + 1 for number, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(ends[-3], len(content) + 1):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / name).write_bytes(content[:cut])
        whole_lines = sum(end <= cut for end in ends)
        books, tail = load(folder)
        assert encoded(books) == encoded(fold(entries[:whole_lines]))
        torn = cut - max(end for end in ends if end <= cut)
        assert (tail.seq, tail.lost) == (whole_lines, bool(torn))
        assert (b"" if tail.bad is None else tail.bad.content) == content[cut - torn : cut]
        if cut % 7:
            continue  # reading is shown at every byte, going on at every seventh
        again = Written(folder)
        aside = list(folder.glob("quarantine-*.bin"))
        assert [path.read_bytes() for path in aside] == ([content[cut - torn : cut]] if torn else [])
        again.append(*entries[whole_lines:])
        again.writer.close()
        assert (folder / name).read_bytes() == content


def test_a_first_line_that_is_torn_leaves_a_journal_that_can_begin(tmp_path: Path) -> None:
    (tmp_path / segment_name(1, 0)).write_bytes(b'{"seq":1,"ts":17')
    written = Written(tmp_path)
    written.append(*story())
    written.reopen()
    assert encoded(written.books) == encoded(fold(story()))
    assert len(list(tmp_path.glob("quarantine-*.bin"))) == 1


@pytest.mark.parametrize("line", [1, 3, 7])
def test_a_damaged_line_stops_everything_and_is_named(tmp_path: Path, line: int) -> None:
    written = Written(tmp_path)
    written.append(*story())
    written.writer.close()
    path = segment_paths(tmp_path)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"1", b"2", 1)
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(JournalError, match=f"{path.name}:{line}: "):
        load(tmp_path)
    assert path.read_bytes() == before


def several_days(folder: Path, days: int = 3) -> Written:
    written = Written(folder)
    for day in range(days):
        # The story's start and account come once, its orders under other names every day.
        for entry in story()[0 if day == 0 else 2 :]:
            name = getattr(entry, "client_order_id", None)
            if day and (name is not None or hasattr(entry, "order")):
                continue
            written.append(entry, ts=day * DAY_NS + 5)
    return written


def test_each_day_is_a_segment_that_opens_with_all_that_came_before(tmp_path: Path) -> None:
    written = several_days(tmp_path)
    assert [path.name for path in segment_paths(tmp_path)] == [
        "00000001-1970-01-01.jsonl",
        "00000002-1970-01-02.jsonl",
        "00000003-1970-01-03.jsonl",
    ]
    live = encoded(written.books)
    tail = written.reopen()
    assert encoded(written.books) == live
    whole = fold([record.entry for record in read_records(tmp_path, whole=True)])
    assert encoded(whole) == live
    assert tail.segment == 3
    assert [record.seq for record in read_records(tmp_path, whole=True)] == list(range(1, tail.seq + 1))


def test_old_segments_may_be_moved_away(tmp_path: Path) -> None:
    written = several_days(tmp_path)
    live = encoded(written.books)
    for path in segment_paths(tmp_path)[:-1]:
        path.unlink()
    written.reopen()
    assert encoded(written.books) == live


def test_every_byte_of_the_snapshot_that_a_segment_opens_with_is_proved(tmp_path: Path) -> None:
    written = several_days(tmp_path)
    written.writer.close()
    path = segment_paths(tmp_path)[-1]
    content = path.read_bytes()
    assert b'"cash":"' in content.splitlines()[0]
    path.write_bytes(content.replace(b'"cash":"9', b'"cash":"8', 1))
    with pytest.raises(JournalError, match=f"{path.name}:1: "):
        load(tmp_path)


def test_a_segment_without_its_snapshot_is_refused(tmp_path: Path) -> None:
    written = several_days(tmp_path)
    written.writer.close()
    path = segment_paths(tmp_path)[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    for older in segment_paths(tmp_path)[:-1]:
        older.unlink()
    path.write_bytes(b"".join(lines[1:]))
    with pytest.raises(JournalError, match="does not open with a snapshot"):
        load(tmp_path)


def test_a_segment_that_was_being_begun_when_the_machine_died_never_was(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story())
    written.writer.close()
    (tmp_path / "00000002-1970-01-02.new").write_bytes(b'{"seq":10,"ts":864')
    written.reopen()
    assert encoded(written.books) == encoded(fold(story()))
    written.append(filled("1", order_id="s1-1", execution="late"), ts=DAY_NS + 1)
    live = encoded(written.books)
    assert written.reopen().segment == 2
    assert encoded(written.books) == live


def test_history_is_cut_by_time_and_folded_whole(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story())
    written.writer.close()
    history = read_history(tmp_path, 3_000, 3_001)
    assert [trade.execution_id for trade in history.trades] == ["e1", "e2"]
    assert history.equity == ()
    assert history.account == account_opened()
    assert read_history(tmp_path, 0, 3_000).trades == ()
    assert encoded(history.books) == encoded(fold(story()))


def test_the_second_process_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    lock = JournalLock(tmp_path)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from tradingd.errors import UsageError\nfrom tradingd.journal.segments import JournalLock\n"
        "try: JournalLock(Path(sys.argv[1]))\nexcept UsageError as error: print(error)\nelse: print('mine')\n"
    )
    ask = [sys.executable, "-c", script, str(tmp_path)]
    told = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=True).stdout
    assert f"in use by process {os.getpid()}" in told
    lock.release()
    assert subprocess.run(ask, capture_output=True, text=True, timeout=30, check=True).stdout == "mine\n"


def test_a_journal_keeps_its_name(tmp_path: Path) -> None:
    first = journal_id(tmp_path)
    assert len(first) == 6
    assert journal_id(tmp_path) == first
