"""A disk that fills: what the reserve is for. On a small file system of its own where one can be mounted."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journal.story import Written, encoded, story
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.reserve import MEGABYTE, DiskReserve
from tradingd.journal.segments import load, segment_paths
from tradingd.journal.verify import verify

SIZE = MEGABYTE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        mounted = (
            os.geteuid() == 0 and subprocess.run(mount, capture_output=True, timeout=30, check=False).returncode == 0
        )
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=30)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(folder: Path, leave: int) -> None:
    """Leave so many bytes free."""
    with (folder / "ballast").open("ab") as file:
        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free(folder) - leave)


def test_the_reserve_is_set_aside_once_and_kept(disk: Path) -> None:
    reserve = DiskReserve(disk, SIZE)
    reserve.prepare()
    before = free(disk)
    assert (disk / "RESERVE").stat().st_size == SIZE
    assert (reserve.shortage, reserve.health.is_held, reserve.health.free_bytes) == (None, True, before)
    again = DiskReserve(disk, SIZE)
    again.prepare()
    assert free(disk) == before
    DiskReserve(disk, SIZE // 2).prepare()
    assert (disk / "RESERVE").stat().st_size == SIZE // 2
    off = DiskReserve(disk, 0)
    off.prepare()
    assert not (disk / "RESERVE").exists()
    fill(disk, 0)
    assert (off.look(), off.shortage) == (False, None)


def test_orders_stop_below_the_reserve_and_go_on_well_above_it(disk: Path) -> None:
    reserve = DiskReserve(disk, SIZE)
    reserve.prepare()
    fill(disk, SIZE - 4096)
    assert reserve.look()
    assert "nearly full" in str(reserve.shortage)
    assert not reserve.look()
    os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - 8192)
    assert not reserve.look(), "just above is not enough: it would flicker"
    (disk / "ballast").unlink()
    assert reserve.look()
    assert reserve.shortage is None


def test_a_start_on_a_full_disk_is_short_until_the_reserve_can_be_made(disk: Path) -> None:
    fill(disk, SIZE // 2)
    reserve = DiskReserve(disk, SIZE)
    reserve.prepare()
    assert reserve.shortage is not None
    assert not (disk / "RESERVE").exists(), "half a reserve would take the last room and promise nothing"
    os.truncate(disk / "ballast", 0)
    assert reserve.look()
    assert (reserve.health.shortage, (disk / "RESERVE").stat().st_size) == (None, SIZE)


def test_a_line_that_finds_no_room_takes_it_from_the_reserve_and_nothing_new_may_leave(disk: Path) -> None:
    written = Written(disk / "journal", reserve=SIZE)
    written.append(*story()[:3])
    fill(disk, 0)
    count = 3
    while written.writer.reserve.shortage is None:
        written.append(story()[-1])
        count += 1
    assert "was given up" in str(written.writer.reserve.shortage)
    assert not (disk / "journal" / "RESERVE").exists()
    (disk / "ballast").unlink()
    assert not written.writer.reserve.look()
    assert written.writer.reserve.shortage is not None, "until the next start"
    tail = written.reopen()
    assert (tail.seq, tail.bad) == (count, None)
    assert verify(disk / "journal").whole
    assert written.writer.reserve.shortage is None


def test_when_even_the_reserve_is_used_up_the_file_ends_on_a_whole_line(disk: Path) -> None:
    written = Written(disk / "journal", reserve=64 * 1024)
    written.append(*story())
    fill(disk, 0)
    with pytest.raises(JournalError, match="No space left on device"):
        for _ in range(2_000):
            written.append(story()[-1])
    live = encoded(written.books)
    books, tail = load(disk / "journal")
    assert (encoded(books), tail.bad, tail.seq) == (live, None, written.writer.seq)
    (disk / "ballast").unlink()
    written.append(story()[-1])
    assert verify(disk / "journal").whole


def test_while_room_is_short_the_new_day_waits_for_its_segment(disk: Path) -> None:
    written = Written(disk / "journal", reserve=SIZE)
    written.append(*story())
    fill(disk, SIZE // 2)
    written.writer.reserve.look()
    written.append(story()[-1], ts=DAY_NS)
    assert len(segment_paths(disk / "journal")) == 1
    (disk / "ballast").unlink()
    written.writer.reserve.look()
    written.append(story()[-1], ts=DAY_NS)
    assert len(segment_paths(disk / "journal")) == 2
    assert verify(disk / "journal").whole


def test_a_new_day_on_a_full_disk_finds_its_room_in_the_reserve(disk: Path) -> None:
    written = Written(disk / "journal", reserve=SIZE)
    written.append(*story())
    fill(disk, 0)
    written.append(story()[-1], ts=DAY_NS)
    assert len(segment_paths(disk / "journal")) == 2
    assert written.writer.reserve.shortage is not None
    assert verify(disk / "journal").whole
