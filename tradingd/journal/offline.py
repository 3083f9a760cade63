"""Writing to a journal while no daemon runs: an operator's word that the next start finds.

Owns: the lock meanwhile. Never: touches last lines that cannot be believed; a start of the daemon has to ask the venue
about what may be lost there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tradingd.core.books import Books
from tradingd.core.entries import JournalEntry
from tradingd.errors import UsageError
from tradingd.journal.segments import JournalLock, is_locked, load, segment_paths
from tradingd.journal.writer import Durability, JournalWriter


class OfflineJournal:
    """The books as the journal tells them, and the pen."""

    def __init__(self, books: Books, writer: JournalWriter, clock: Callable[[], int]) -> None:
        self.books = books
        self._writer = writer
        self._clock = clock

    def record(self, entry: JournalEntry) -> int:
        """Write one entry, durable when this returns, and take it into the books; return its number."""
        seq = self._writer.append(self._clock(), entry, durable=True)
        self.books.apply(entry)
        return seq


@contextmanager
def offline_journal(folder: Path, clock: Callable[[], int]) -> Iterator[OfflineJournal]:
    """Take a journal over for a moment.

    Raises `UsageError` while a daemon runs, and where a start has to come first. No segment is begun: one of another
    user, root's say, could not be read by the daemon.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    if is_locked(folder):
        holder = (folder / "LOCK").read_text().strip() or "unknown"
        raise UsageError(f"the daemon runs (process {holder}): this is written while it is stopped (stop it first)")
    lock = JournalLock(folder)
    try:
        books, tail = load(folder)
        if tail.lost:
            raise UsageError(
                f"{folder}: its last lines cannot be believed (start the daemon first: it sets them aside and asks the "
                "venue what they would have said)"
            )
        writer = JournalWriter(
            folder, tail, durability=Durability.POWER, take_snapshot=books.snapshot, roll_daily=False
        )
        try:
            yield OfflineJournal(books, writer, clock)
        finally:
            writer.close()
    finally:
        lock.release()
