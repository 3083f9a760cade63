"""Appending: what a returned call promises, and what a full disk leaves."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.journal.story import Written, encoded, story
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.segments import load, segment_paths
from tradingd.journal.writer import Durability

FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.journal.story import Written, story
from tradingd.errors import JournalError

written = Written(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
count = 0
try:
    for entry in story(1000):
        written.writer.append(1, entry)
        count += 1
except JournalError as error:
    print(count, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
written.writer.append(1, story()[-1])
"""


def test_a_line_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    written = Written(tmp_path)
    for number, entry in enumerate(story(), start=1):
        assert written.writer.append(1, entry) == number
        assert segment_paths(tmp_path)[0].read_bytes().count(b"\n") == number


def test_power_forces_what_asks_for_it_to_the_disk_and_process_nothing(tmp_path: Path) -> None:
    power = Written(tmp_path / "power", durability=Durability.POWER).writer
    process = Written(tmp_path / "process").writer
    for writer in (power, process):
        writer.append(1, story()[0])
        writer.append(1, story()[1])
        assert writer.synced_seq == 0
        writer.append(1, story()[2], durable=True)
    assert (power.synced_seq, process.synced_seq) == (3, 0)
    process.sync()
    assert process.synced_seq == 3


@pytest.mark.parametrize("limit", [900, 1_000, 4_096])
def test_a_full_disk_is_an_error_and_the_file_ends_on_a_whole_line(tmp_path: Path, limit: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout
    count, message = told.split(" ", 1)
    assert "the journal cannot be written: File too large" in message
    _, tail = load(tmp_path)
    # One more line was written once there was room again, and the chain holds.
    assert (tail.bad, tail.seq) == (None, int(count) + 1)


def test_a_closed_journal_takes_nothing_more(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story())
    written.writer.close()
    written.writer.close()
    size = segment_paths(tmp_path)[0].stat().st_size
    for ts in (1, 2 * DAY_NS):
        with pytest.raises(JournalError, match="closed"):
            written.writer.append(ts, story()[0])
    assert [path.stat().st_size for path in segment_paths(tmp_path)] == [size]


def test_a_segment_that_cannot_be_begun_is_an_error_and_the_old_one_stands(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story())
    (tmp_path / "00000002-1970-01-02.new").mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        written.writer.append(DAY_NS, story()[-1])
    with pytest.raises(JournalError, match="closed"):
        written.writer.append(DAY_NS, story()[-1])
    books, tail = load(tmp_path)
    assert encoded(books) == encoded(written.books)
    assert tail.seq == len(story())


def test_a_clock_that_goes_back_does_not_open_an_older_day(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(story()[0], ts=5 * DAY_NS)
    written.append(story()[1], ts=2 * DAY_NS)
    assert len(segment_paths(tmp_path)) == 1
    assert written.reopen().seq == 2
