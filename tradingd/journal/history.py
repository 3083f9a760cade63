"""The past as the journal has it: trades, equity and books, for reports and for questions when the daemon is down."""

from pathlib import Path

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import AccountOpened, EquitySampled
from tradingd.core.orders import Trade
from tradingd.errors import UsageError
from tradingd.journal.segments import read_records, segment_paths


class History(msgspec.Struct, frozen=True):
    """What happened within a span of time, and the books after all of it."""

    trades: tuple[Trade, ...]
    equity: tuple[EquitySampled, ...]
    account: AccountOpened | None
    books: Books


def read_history(folder: Path, start_ns: int, end_ns: int) -> History:
    """Fold the whole journal; keep trades and equity with `start_ns <= time < end_ns`.

    Raises `UsageError` when there is no journal, `JournalError` when it is damaged.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    books = Books()
    trades: list[Trade] = []
    equity: list[EquitySampled] = []
    for record in read_records(folder, whole=True):
        trade = books.apply(record.entry)
        if trade is not None and start_ns <= trade.ts_event < end_ns:
            trades.append(trade)
        elif isinstance(record.entry, EquitySampled) and start_ns <= record.entry.ts < end_ns:
            equity.append(record.entry)
    return History(tuple(trades), tuple(equity), books.account, books)
