"""The venue's SQLite file: the account, every order and execution, equity and bars.

Owns the one connection. Each `commit` is one transaction that has reached the write-ahead log when it returns (WAL,
`synchronous=NORMAL`: safe against the death of the process at any instruction), at about ten microseconds on the event
loop. Reads give only what was committed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import msgspec

from tradingd.core.accounting import Position
from tradingd.core.identifiers import Symbol
from tradingd.errors import JournalError, UsageError
from tradingd.venue.records import Execution, OrderRecord

_VERSION = 2
_OLDEST = 1
"""Orders are kept as documents: what version 2 adds to them (trailing stops, auctions) version 1 simply lacks."""
_LOG_PAGES_AT_MOST = 4_000
_COMMITS_WORTH_FOLDING = 200


class StoredBar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar as clients may ask for it again."""

    symbol: Symbol
    interval_ns: int
    ts_open: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int
    vwap: float


class OrderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of orders is narrowed to; times are exclusive."""

    is_open: bool | None = None
    after: int | None = None
    until: int | None = None
    symbols: tuple[str, ...] = ()
    side: str | None = None
    crypto: bool | None = None
    top_level: bool = False
    ascending: bool = False
    limit: int = 50


class VenueStore:
    """Reads and writes of the file; raises `UsageError` at opening and `JournalError` when it can write no more."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
            # Two venues on one file would each sell the same shares: the second is kept out.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            # Folding the log back into the file waits for the disk, some ten milliseconds: `tidy` does it in a quiet
            # moment, and SQLite itself only when there is none for long.
            self._db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES_AT_MOST}")
            self._db.execute("BEGIN IMMEDIATE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in (files("tradingd.venue") / "schema.sql").read_text().split(";"):
                    self._db.execute(statement)
            if version == 0 or _OLDEST <= version < _VERSION:
                self._db.execute(f"PRAGMA user_version={_VERSION}")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(f"{path}: another process is using this paper venue's database") from error
            raise UsageError(f"{path}: the paper venue's database cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{path}: not a paper venue's database: {error}") from error
        if version and not _OLDEST <= version <= _VERSION:
            self._db.close()
            raise UsageError(f"{path}: made by another version of tradingd (schema {version}, here {_VERSION})")
        self.path = path
        self._commits = self._commits_seen = 0
        self._order_decoder = msgspec.json.Decoder(OrderRecord)
        self._execution_decoder = msgspec.json.Decoder(Execution)

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
            self._commits += 1
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise JournalError(f"{self.path}: the paper venue cannot write its database: {error}") from error

    def tidy(self) -> None:
        """Fold the write-ahead log into the file when it has grown and nothing was written since the last call."""
        if self._commits >= _COMMITS_WORTH_FOLDING and self._commits == self._commits_seen:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._commits = 0
        self._commits_seen = self._commits

    # -- the account and its orders -----------------------------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """Everything that is kept by name."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def commit(
        self,
        orders: Iterable[OrderRecord] = (),
        executions: Iterable[Execution] = (),
        positions: Mapping[Symbol, Position] | None = None,
        meta: Mapping[str, str] | None = None,
        marks: Mapping[Symbol, str] | None = None,
    ) -> None:
        """Write what one operation changed, all or nothing."""
        with self._transaction() as db:
            encode = msgspec.json.encode
            db.executemany(
                "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET"
                " is_open = excluded.is_open, parent_id = excluded.parent_id, body = excluded.body",
                [
                    (
                        o.id,
                        o.client_order_id,
                        o.symbol,
                        o.crypto,
                        o.side.value.lower(),
                        o.parent_id,
                        o.submitted_at,
                        o.is_open,
                        encode(o),
                    )
                    for o in orders
                ],
            )
            for execution in executions:
                db.execute(
                    "INSERT INTO executions (activity_id, ts, body) VALUES (?,?,?)",
                    (execution.activity_id, execution.ts, encode(execution)),
                )
            for symbol, position in (positions or {}).items():
                if position.quantity:
                    db.execute("INSERT OR REPLACE INTO positions VALUES (?,?)", (symbol, encode(position)))
                else:
                    db.execute("DELETE FROM positions WHERE symbol = ?", (symbol,))
            for item in (meta or {}).items():
                db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", item)
            for item in (marks or {}).items():
                db.execute("INSERT OR REPLACE INTO marks VALUES (?,?)", item)

    def positions(self) -> dict[Symbol, Position]:
        """What is held."""
        rows = self._db.execute("SELECT symbol, body FROM positions ORDER BY symbol")
        return {Symbol(symbol): msgspec.json.decode(body, type=Position) for symbol, body in rows}

    def marks(self) -> dict[Symbol, Decimal]:
        """The last prices that were written."""
        return {Symbol(symbol): Decimal(price) for symbol, price in self._db.execute("SELECT * FROM marks")}

    def symbols(self) -> set[Symbol]:
        """Every symbol that an order was ever placed in."""
        return {Symbol(symbol) for (symbol,) in self._db.execute("SELECT DISTINCT symbol FROM orders")}

    def order(self, order_id: str) -> OrderRecord | None:
        """One order by the venue's id."""
        return self._one("SELECT body FROM orders WHERE id = ?", order_id)

    def order_by_client_id(self, client_order_id: str) -> OrderRecord | None:
        """One order by the client's id."""
        return self._one("SELECT body FROM orders WHERE client_order_id = ?", client_order_id)

    def _one(self, sql: str, key: str) -> OrderRecord | None:
        row = self._db.execute(sql, (key,)).fetchone()
        return None if row is None else self._order_decoder.decode(row[0])

    def legs(self, parent_id: str) -> list[OrderRecord]:
        """The orders whose parent this is, replaced ones among them."""
        rows = self._db.execute("SELECT body FROM orders WHERE parent_id = ? ORDER BY rowid", (parent_id,))
        return [self._order_decoder.decode(body) for (body,) in rows]

    def orders(self, query: OrderQuery) -> list[OrderRecord]:
        """The orders that a query describes, by time of submission."""
        where, values = ["1"], list[object]()
        if query.is_open is not None:
            where.append(f"is_open = {int(query.is_open)}")
        if query.crypto is not None:
            where.append(f"crypto = {int(query.crypto)}")
        if query.top_level:
            where.append("parent_id IS NULL")
        for clause, value in (
            ("submitted_at > ?", query.after),
            ("submitted_at < ?", query.until),
            ("side = ?", query.side),
        ):
            if value is not None:
                where.append(clause)
                values.append(value)
        if query.symbols:
            where.append(f"symbol IN ({','.join('?' * len(query.symbols))})")
            values.extend(query.symbols)
        direction = "ASC" if query.ascending else "DESC"
        rows = self._db.execute(
            f"SELECT body FROM orders WHERE {' AND '.join(where)}"  # noqa: S608  # every part is a constant above
            f" ORDER BY submitted_at {direction}, rowid {direction} LIMIT ?",
            [*values, query.limit],
        )
        return [self._order_decoder.decode(body) for (body,) in rows]

    def executions(
        self, after: int | None, until: int | None, page_token: str | None, ascending: bool, limit: int
    ) -> list[Execution]:
        """Executions in `(after, until)`, from behind the one that `page_token` names."""
        where, values = ["1"], list[object]()
        # `compare` and `direction` are the only parts that vary, and are constants.
        compare, direction = (">", "ASC") if ascending else ("<", "DESC")
        for clause, value in (
            ("ts > ?", after),
            ("ts < ?", until),
            (f"seq {compare} (SELECT seq FROM executions WHERE activity_id = ?)", page_token),  # noqa: S608
        ):
            if value is not None:
                where.append(clause)
                values.append(value)
        rows = self._db.execute(
            f"SELECT body FROM executions WHERE {' AND '.join(where)}"  # noqa: S608  # every part is a constant above
            f" ORDER BY seq {direction} LIMIT ?",
            [*values, limit],
        )
        return [self._execution_decoder.decode(body) for (body,) in rows]

    # -- history that may be lost without harm ------------------------------------------------------------------------

    def add_equity(self, interval_ns: int, ts: int, equity: Decimal, keep_from: int) -> None:
        """Write one sample and drop those of its interval before `keep_from`."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO equity VALUES (?,?,?)", (interval_ns, ts, str(equity)))
            db.execute("DELETE FROM equity WHERE interval_ns = ? AND ts < ?", (interval_ns, keep_from))

    def equity(self, interval_ns: int, start: int, end: int) -> list[tuple[int, Decimal]]:
        """The samples of an interval in `[start, end]`, in order."""
        rows = self._db.execute(
            "SELECT ts, equity FROM equity WHERE interval_ns = ? AND ts BETWEEN ? AND ? ORDER BY ts",
            (interval_ns, start, end),
        )
        return [(ts, Decimal(equity)) for ts, equity in rows]

    def add_bars(self, bars: Iterable[StoredBar], keep_minutes_from: int, minute_ns: int) -> None:
        """Write bars and drop minute bars that opened before `keep_minutes_from`."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO bars VALUES (?,?,?,?,?,?,?,?,?,?)", [msgspec.structs.astuple(b) for b in bars]
            )
            db.execute("DELETE FROM bars WHERE interval_ns <= ? AND ts_open < ?", (minute_ns, keep_minutes_from))

    def bar_intervals(self, symbol: Symbol) -> list[int]:
        """The intervals that bars of a symbol are kept in, shortest first."""
        rows = self._db.execute("SELECT DISTINCT interval_ns FROM bars WHERE symbol = ? ORDER BY 1", (symbol,))
        return [interval for (interval,) in rows]

    def last_close(self, symbol: Symbol, before: int) -> float | None:
        """The close of the last bar that opened before an instant and was over by it."""
        row = self._db.execute(
            "SELECT close FROM bars WHERE symbol = ? AND ts_open + interval_ns <= ? ORDER BY ts_open DESC LIMIT 1",
            (symbol, before),
        ).fetchone()
        return None if row is None else float(row[0])

    def bars(self, symbol: Symbol, interval_ns: int, start: int, end: int) -> list[StoredBar]:
        """Bars that opened in `[start, end]`, in order."""
        rows = self._db.execute(
            "SELECT * FROM bars WHERE symbol = ? AND interval_ns = ? AND ts_open BETWEEN ? AND ? ORDER BY ts_open",
            (symbol, interval_ns, start, end),
        )
        return [
            StoredBar(
                symbol=Symbol(row[0]),
                interval_ns=row[1],
                ts_open=row[2],
                open=row[3],
                high=row[4],
                low=row[5],
                close=row[6],
                volume=row[7],
                trades=row[8],
                vwap=row[9],
            )
            for row in rows
        ]
