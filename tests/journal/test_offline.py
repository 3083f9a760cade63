"""Writing to the journal of a daemon that is stopped."""

from pathlib import Path

import pytest
from tests.core.making import ABC, S1, S2
from tests.journal.story import Written, encoded, story
from tradingd.core.entries import StrategyTransferred
from tradingd.core.market import DAY_NS
from tradingd.errors import UsageError
from tradingd.journal.offline import offline_journal
from tradingd.journal.segments import JournalLock, is_locked, load, segment_paths
from tradingd.journal.verify import verify

TRANSFER = StrategyTransferred(source=S1, target=S2, operator="ann")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = Written(tmp_path / "journal")
    written.append(*story())
    written.writer.close()
    return written.folder


def test_what_is_written_is_what_the_next_start_finds(folder: Path) -> None:
    with offline_journal(folder, lambda: 2_000) as journal:
        seq = journal.record(TRANSFER)
        assert is_locked(folder)
        books = journal.books
    assert not is_locked(folder)
    found, tail = load(folder)
    assert (tail.seq, encoded(found)) == (seq, encoded(books))
    assert found.portfolio.quantity_of(S2, ABC) == 20
    assert verify(folder).whole


def test_no_segment_is_begun_whatever_day_it_is(folder: Path) -> None:
    """One of root's could not be read by the daemon's user."""
    with offline_journal(folder, lambda: 9 * DAY_NS) as journal:
        journal.record(TRANSFER)
    assert len(segment_paths(folder)) == 1


def test_it_is_refused_while_a_daemon_runs(folder: Path) -> None:
    lock = JournalLock(folder)
    try:
        with pytest.raises(UsageError, match="the daemon runs"), offline_journal(folder, lambda: 0):
            pass
    finally:
        lock.release()


def test_it_is_refused_where_lines_may_be_lost_and_those_stay_for_the_next_start(folder: Path) -> None:
    [segment] = segment_paths(folder)
    with segment.open("ab") as file:
        file.write(b'{"seq":999\n')
    before = segment.read_bytes()
    with pytest.raises(UsageError, match="start the daemon first"), offline_journal(folder, lambda: 0):
        pass
    assert segment.read_bytes() == before
    assert not is_locked(folder)


def test_it_is_refused_where_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no journal yet"), offline_journal(tmp_path / "none", lambda: 0):
        pass
    assert not (tmp_path / "none").exists()
