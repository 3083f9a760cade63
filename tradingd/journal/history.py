"""The past as the journal has it: trades, equity and books, for reports and for questions when the daemon is down."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from tradingd.core.account_history import AccountFold, AccountHistory, utc_day
from tradingd.core.books import Books
from tradingd.core.entries import AccountOpened, CashAdjusted, EquitySampled, PositionAdjusted, StrategyTransferred
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import FeeReported, OrderDenied, OrderFilled, Trade
from tradingd.core.statement import DayBook
from tradingd.errors import Refused, UsageError
from tradingd.journal.segments import read_records, segment_paths


class History(msgspec.Struct, frozen=True):
    """What happened within a span of time, and the books after all of it."""

    trades: tuple[Trade, ...]
    equity: tuple[EquitySampled, ...]
    account: AccountOpened | None
    books: Books
    performance: AccountHistory
    """The account and each strategy over the span, for measuring."""


def read_history(folder: Path, start_ns: int, end_ns: int, *, day_of: Callable[[int], int] = utc_day) -> History:
    """Fold the whole journal; keep trades and equity with `start_ns <= time < end_ns`.

    `day_of` tells the number of the day that a curve has a point of at least.

    Raises `UsageError` when there is no journal, `JournalError` when it is damaged.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    fold = AccountFold(start_ns, end_ns, day_of)
    books = fold.books
    trades: list[Trade] = []
    equity: list[EquitySampled] = []
    for record in read_records(folder, whole=True):
        trade = fold.take(record.ts, record.entry)
        if trade is not None and start_ns <= trade.ts_event < end_ns:
            trades.append(trade)
        elif isinstance(record.entry, FeeReported):
            _take_fee(trades, record.entry)
        elif isinstance(record.entry, StrategyTransferred):
            _hand_over(trades, record.entry)
        elif isinstance(record.entry, EquitySampled) and start_ns <= record.entry.ts < end_ns:
            equity.append(record.entry)
    return History(tuple(trades), tuple(equity), books.account, books, fold.finish())


def read_denials(folder: Path) -> list[tuple[int, OrderDenied]]:
    """Every order that was refused before it left, with the time of its entry, under the strategy that it is of now.

    Raises `UsageError` when there is no journal, `JournalError` when it is damaged.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    denials: list[tuple[int, OrderDenied]] = []
    for record in read_records(folder, whole=True):
        match record.entry:
            case OrderDenied() as denial:
                denials.append((record.ts, denial))
            case StrategyTransferred() as transfer:
                denials = [(ts, _handed_over(denial, transfer)) for ts, denial in denials]
    return denials


def _handed_over(denial: OrderDenied, transfer: StrategyTransferred) -> OrderDenied:
    order = denial.order
    if not transfer.covers(order.strategy_id, order.symbol):
        return denial
    return msgspec.structs.replace(denial, order=msgspec.structs.replace(order, strategy_id=transfer.target))


def _hand_over(trades: list[Trade], transfer: StrategyTransferred) -> None:
    """Put earlier trades under the strategy that has the position and its results now."""
    for index, trade in enumerate(trades):
        if transfer.covers(trade.strategy_id, trade.symbol):
            trades[index] = msgspec.structs.replace(trade, strategy_id=transfer.target)


_Costed = TypeVar("_Costed", Trade, OrderFilled)


def _take_fee(executions: list[_Costed], told: FeeReported) -> None:
    """Put a fee that was told later with its execution, which is among the last ones."""
    for index in range(len(executions) - 1, -1, -1):
        one = executions[index]
        if one.execution_id == told.execution_id and one.client_order_id == told.client_order_id:
            executions[index] = msgspec.structs.replace(one, fee=told.fee, fee_pending=False)
            return


def _day_of(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NS_PER_SECOND, UTC):%Y-%m-%d}"


def read_day(folder: Path, label: str, start_ns: int, end_ns: int) -> DayBook:
    """Fold the whole journal; keep what a statement of the day `[start_ns, end_ns)` needs.

    Raises `UsageError` when there is no journal, `Refused` when it has nothing of the day, `JournalError` when it is
    damaged.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    books = Books()
    first = last = ""
    has_records = False
    fills: list[OrderFilled] = []
    corrections: list[PositionAdjusted | CashAdjusted] = []
    opening: tuple[Decimal, dict[Symbol, Decimal]] | None = None
    for record in read_records(folder, whole=True):
        entry = record.entry
        has_records = has_records or start_ns <= record.ts < end_ns
        first, last = first or _day_of(record.ts), _day_of(record.ts)
        if opening is None and record.ts >= start_ns and books.account is not None:
            opening = books.portfolio.settled_cash, dict(books.portfolio.net)
        trade = books.apply(entry)
        if isinstance(entry, OrderFilled) and trade is not None and entry.ts_event >= start_ns:
            fills.append(entry)
        elif isinstance(entry, FeeReported):
            _take_fee(fills, entry)
        elif isinstance(entry, PositionAdjusted | CashAdjusted) and record.ts >= start_ns:
            corrections.append(entry)
    if not has_records and not any(fill.ts_event < end_ns for fill in fills):
        raise Refused(f"{label}: the journal has nothing of this day (it goes from {first} to {last}, UTC)")
    cash, positions = opening or (books.portfolio.settled_cash, dict(books.portfolio.net))
    return DayBook(
        label=label,
        start_ns=start_ns,
        end_ns=end_ns,
        books=books,
        fills=tuple(fills),
        corrections=tuple(corrections),
        opening_cash=cash,
        opening_positions=positions,
    )
