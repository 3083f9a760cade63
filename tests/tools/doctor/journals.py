"""Journals for the doctor to read."""

from tests.cli.command_line import NOON
from tradingd.core.books import Books
from tradingd.core.entries import JournalEntry
from tradingd.journal.segments import Tail, journal_id
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.settings.paths import StatePaths


def write_entries(paths: StatePaths, *entries: JournalEntry) -> None:
    """Write a journal of these entries."""
    paths.state_dir.mkdir(mode=0o700)
    paths.journal.mkdir()
    journal_id(paths.journal)
    books = Books()
    writer = JournalWriter(paths.journal, Tail(), durability=Durability.PROCESS, take_snapshot=books.snapshot)
    for entry in entries:
        writer.append(NOON, entry)
        books.apply(entry)
    writer.close()
