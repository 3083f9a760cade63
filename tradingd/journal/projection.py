"""The database behind the trading path: one SQLite file, one writing connection, batches.

It answers questions and is never asked by the trading path itself. When it is missing, damaged, of another journal, or
ahead of the journal, it is rebuilt; when it is behind, it catches up. When it fails, or somebody takes one of its files
away under it, trading goes on and it is opened anew. What waits while it is down is bounded: entries are in the
journal, and of log lines and bars, which are not, only so many are kept.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import aiosqlite
import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import JournalEntry, Snapshot, StrategyTransferred
from tradingd.core.identifiers import Symbol
from tradingd.core.log import LogEntry
from tradingd.core.market import DAY_NS, PriceBar
from tradingd.errors import RecoverableError
from tradingd.journal.rows import INSERT_BAR, INSERT_LOG, SET_META, OrderOf, Row, project
from tradingd.journal.segments import journal_id, read_records

BATCH_DELAY_S = 0.1
_OF_THE_MACHINE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Failures that say nothing about the file: it is kept, and opened again later."""
LOG_DAYS = 30
WAITING_MOST = 50_000
"""Log lines and bars that wait for a database that is down; what comes after them is not kept in it."""


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry that has been written, on its way to the database."""

    seq: int
    ts: int
    entry: JournalEntry


Projected: TypeAlias = JournalRow | LogEntry | PriceBar


def schema_scripts() -> list[str]:
    """The steps that make the schema, in order; the database's `user_version` counts those it has taken."""
    folder = files("tradingd.journal").joinpath("schema")
    return [step.read_text() for step in sorted(folder.iterdir(), key=lambda step: step.name)]


def _read_after(journal: Path, seq: int) -> list[tuple[int, dict[str, list[Row]]]]:
    """Fold the journal as far back as is needed; return its newest numbers, each with what is missing up to it."""
    # The last segment opens with all that came before it, except the trades and denials of closed days.
    first = next(iter(read_records(journal, whole=False)), None)
    whole = first is not None and first.seq > seq + 1
    books = Books()
    missing: list[JournalEntry] = []
    batches: list[tuple[int, dict[str, list[Row]]]] = []
    newest = 0
    for record in read_records(journal, whole=whole):
        if missing and isinstance(record.entry, Snapshot | StrategyTransferred):
            # A snapshot leaves out orders that closed long ago, and after a transfer they are another strategy's: what
            # is missing of them is projected before it.
            batches.append((newest, project(missing, books.orders.get)))
            missing = []
        books.apply(record.entry)
        newest = record.seq
        if newest > seq:
            missing.append(record.entry)
    return [*batches, (newest, project(missing, books.orders.get))]


def _is_damage(error: Exception) -> bool:
    """Whether a failure says that the file itself is of no use."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF not in _OF_THE_MACHINE


class DatabaseError(RecoverableError):
    """The database could not be read or written; the journal has everything that it projected."""


class Projection:
    """Writer and reader of the database; `run` is its long-lived task."""

    def __init__(
        self,
        path: Path,
        journal: Path,
        *,
        order_of: OrderOf,
        render_line: Callable[[LogEntry], str],
        history_days: int,
        on_rebuilt: Callable[[str], None],
        busy_timeout_ms: int = 5000,
    ) -> None:
        self._path = path
        self._journal = journal
        self._order_of = order_of
        self._render_line = render_line
        self._history_days = history_days
        self._on_rebuilt = on_rebuilt
        self._busy_timeout_ms = busy_timeout_ms
        self._connection: aiosqlite.Connection | None = None
        self._waiting: list[Projected] = []
        self._wake = asyncio.Event()
        self._one_flush = asyncio.Lock()
        self._damaged = ""
        self._files: dict[Path, tuple[int, int]] = {}
        self.seq = 0
        self.left_out = 0
        """Log lines and bars that found no place while the database was down."""

    def put(self, event: Projected) -> None:
        """Queue something for the next batch."""
        if self._connection is None:
            if isinstance(event, JournalRow):
                return  # it is in the journal, and what is missing is read from there when the database opens
            if len(self._waiting) >= WAITING_MOST:
                self.left_out += 1
                return
        self._waiting.append(event)
        self._wake.set()

    # -- opening ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the database and bring it up to the journal. Raises `DatabaseError`."""
        try:
            if self._damaged:
                await self._drop(f"the database cannot be used ({self._damaged})")
                self._damaged = ""
            await self._open()
        except (sqlite3.Error, OSError) as error:
            if not _is_damage(error):
                await self._disconnect()
                raise DatabaseError(f"{self._path}: {error}") from error
            # Not a database, or damaged: everything that matters is in the journal.
            try:
                await self._drop(f"the database cannot be used ({error})")
                await self._open()
            except (sqlite3.Error, OSError) as again:
                await self._disconnect()
                raise DatabaseError(f"{self._path}: {again}") from again
        self._files = self._look_at_files()

    def _look_at_files(self) -> dict[Path, tuple[int, int]]:
        """Which files the names stand for now."""
        found = {}
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            try:
                status = path.stat()
            except OSError:
                continue
            found[path] = (status.st_dev, status.st_ino)
        return found

    async def _require_own_files(self) -> None:
        """Raise when a file was deleted or replaced: SQLite would go on writing into one that nobody can open."""
        if (gone := [path for path, file in self._files.items() if self._look_at_files().get(path) != file]) and (
            self._connection is not None
        ):
            self._damaged = f"{gone[0].name} was taken away while it was in use"
            await self._fail()
            raise DatabaseError(f"{self._path}: {self._damaged}")

    async def _fail(self, error: sqlite3.Error | None = None) -> None:
        """Let go of the connection; what a damaged file caused makes it be dropped at the next opening."""
        if error is not None and _is_damage(error):
            self._damaged = str(error)
        try:
            await self._disconnect()
        except sqlite3.Error:
            self._connection = None

    async def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        self._connection = connection
        await connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms}")
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = NORMAL")
        scripts = schema_scripts()
        version = int((await self._fetch("PRAGMA user_version"))[0][0] or 0)
        if version > len(scripts):
            await self._drop(f"the database has schema {version}, this program knows {len(scripts)}")
            await self._open()
            return
        for number, script in enumerate(scripts[version:], start=version + 1):
            # One transaction a step: a process that dies between two leaves a database of the step before.
            await connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        meta = {str(key): str(value) for key, value in await self._fetch("SELECT key, value FROM meta")}
        self.seq = int(meta.get("seq", 0))
        identity = journal_id(self._journal)
        if meta.get("journal", identity) != identity:
            await self._drop("the database belongs to another journal")
            await self._open()
            return
        await connection.execute(SET_META, ("journal", identity))
        await self._catch_up()

    async def _drop(self, reason: str) -> None:
        """Set the file aside; bars and log lines that only it kept stay readable there."""
        await self._disconnect()
        for suffix in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + suffix)
            if file.exists():
                file.rename(file.with_name(f"{self._path.name}.unusable{suffix}"))
        self._on_rebuilt(reason)

    async def _catch_up(self) -> None:
        # In a thread: a long journal takes longer to read than the loop may wait.
        batches = await asyncio.to_thread(_read_after, self._journal, self.seq)
        if batches[-1][0] < self.seq:
            await self._drop("the database is ahead of the journal")
            await self._open()
            return
        for newest, statements in batches:
            await self._write(statements, newest)

    # -- writing ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what is put, a batch at a time, until cancelled. Raises `DatabaseError`."""
        if self._connection is None:
            await self.open()
        next_prune = 0
        while True:
            await self._wake.wait()
            await asyncio.sleep(BATCH_DELAY_S)
            # Shielded: a stop in the middle of a batch lets the batch finish, and the last flush waits for it.
            newest = await asyncio.shield(self.flush())
            if newest >= next_prune:
                next_prune = newest + DAY_NS
                await self._prune(newest)

    async def flush(self) -> int:
        """Write everything that waits; return the time of the newest of it. Raises `DatabaseError`."""
        async with self._one_flush:
            return await self._flush()

    async def _flush(self) -> int:
        self._wake.clear()
        if self._connection is None:
            raise DatabaseError(f"{self._path}: the database is not open")
        await self._require_own_files()
        waiting, self._waiting = self._waiting, []
        rows = [event for event in waiting if isinstance(event, JournalRow) and event.seq > self.seq]
        statements = project([row.entry for row in rows], self._order_of)
        newest = rows[-1].ts if rows else 0
        for event in waiting:
            if isinstance(event, LogEntry):
                newest = max(newest, event.ts)
                row: Row = (
                    event.ts,
                    event.level.value,
                    event.event.value,
                    event.strategy_id,
                    event.client_order_id,
                    self._render_line(event),
                )
                statements.setdefault(INSERT_LOG, []).append(row)
            elif isinstance(event, PriceBar):
                row = (
                    event.symbol,
                    event.interval_ns,
                    event.ts_open,
                    event.open,
                    event.high,
                    event.low,
                    event.close,
                    event.volume,
                )
                statements.setdefault(INSERT_BAR, []).append(row)
        try:
            await self._write(statements, rows[-1].seq if rows else self.seq)
        except sqlite3.Error as error:
            await self._fail(error)
            # Entries come back from the journal; log lines and bars wait for the next opening.
            kept: list[Projected] = [event for event in (*waiting, *self._waiting) if not isinstance(event, JournalRow)]
            self._waiting = kept[:WAITING_MOST]
            self._wake.set()
            self.left_out += len(kept) - len(self._waiting)
            raise DatabaseError(f"{self._path}: {error}") from error
        return newest

    async def _write(self, statements: dict[str, list[Row]], seq: int) -> None:
        if not statements and seq == self.seq:
            return
        connection = self._connection
        assert connection is not None
        await connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in statements.items():
                await connection.executemany(statement, rows)
            await connection.execute(SET_META, ("seq", str(seq)))
            await connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                await connection.execute("ROLLBACK")
            raise
        self.seq = seq

    async def _prune(self, now_ns: int) -> None:
        connection = self._connection
        if connection is None:
            return
        await connection.execute("DELETE FROM log WHERE ts < ?", (now_ns - LOG_DAYS * DAY_NS,))
        await connection.execute("DELETE FROM bars WHERE ts_open < ?", (now_ns - self._history_days * DAY_NS,))

    async def close(self) -> None:
        """Close the connection; what still waits is in the journal."""
        async with self._one_flush:  # a batch that is being written is finished first
            await self._disconnect()

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _fetch(self, statement: str, values: Sequence[str | int] = ()) -> list[Row]:
        connection = self._connection
        assert connection is not None
        async with connection.execute(statement, values) as cursor:
            return [tuple(row) for row in await cursor.fetchall()]

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Stored bars with open time in `[start_ns, end_ns)`, in order; none while the database cannot be read."""
        if self._connection is None:
            return ()
        try:
            rows = await self._fetch(
                "SELECT ts_open, open, high, low, close, volume FROM bars"
                " WHERE symbol = ? AND interval_ns = ? AND ts_open >= ? AND ts_open < ? ORDER BY ts_open",
                (symbol, interval_ns, start_ns, end_ns),
            )
        except (sqlite3.Error, ValueError):  # aiosqlite raises ValueError for a connection that was closed meanwhile
            return ()
        return [
            PriceBar(
                symbol=symbol,
                interval_ns=interval_ns,
                ts_open=int(row[0] or 0),
                open=float(row[1] or 0),
                high=float(row[2] or 0),
                low=float(row[3] or 0),
                close=float(row[4] or 0),
                volume=float(row[5] or 0),
                ts_event=int(row[0] or 0) + interval_ns,
                ts_recv=int(row[0] or 0) + interval_ns,
            )
            for row in rows
        ]
