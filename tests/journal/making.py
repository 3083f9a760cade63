"""A database beside a journal."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from tests.journal.story import Written
from tradingd.core.entries import JournalEntry
from tradingd.journal.projection import JournalRow, Projection
from tradingd.service.structured_log import render_json

TABLES = ("orders", "trades", "denials", "equity")


class Bench:
    """A journal with its database beside it."""

    def __init__(self, folder: Path) -> None:
        self.written = Written(folder / "journal")
        self.path = folder / "tradingd.db"
        self.rebuilt: list[str] = []

    def projection(self, busy_timeout_ms: int = 5000) -> Projection:
        return Projection(
            self.path,
            self.written.folder,
            order_of=self.written.books.orders.get,
            render_line=render_json,
            history_days=30,
            on_rebuilt=self.rebuilt.append,
            busy_timeout_ms=busy_timeout_ms,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Projection]:
        projection = self.projection()
        await projection.open()
        try:
            yield projection
        finally:
            await projection.close()

    def append(self, projection: Projection, *entries: JournalEntry) -> None:
        for entry in entries:
            self.written.append(entry)
            projection.put(JournalRow(seq=self.written.writer.seq, ts=1_000, entry=entry))

    def rows(self, table: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        return {table: self.rows(table) for table in TABLES}
