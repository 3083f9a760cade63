"""What each closing trade realised, at average cost like the books, net of fees. Pure.

A trade that reduces a position closes that part of it: its profit is the books' realised figure, less its own fee and
less the share of the fees that were paid to open what it closes. A trade that turns a position around closes the old
side and opens the rest; its fee is split by quantity. Positions are told apart by strategy and symbol, and are taken
to be flat before the first trade.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT, Position, apply_trade
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.orders import ZERO, Side, Trade

_FEE_STEP = Decimal("1e-18")


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One closing: (part of) a position, from the trade that opened it to the trade that closed it."""

    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    """Of the position: BUY for a long one."""
    quantity: Decimal
    gross: Decimal
    fees: Decimal
    ts_opened: int
    ts_closed: int

    @property
    def net(self) -> Decimal:
        """Profit after fees."""
        return EXACT.subtract(self.gross, self.fees)


class _Held(msgspec.Struct, kw_only=True):
    position: Position = msgspec.field(default_factory=Position)
    entry_fees: Decimal = ZERO
    ts_opened: int = 0


class OpenInterval(msgspec.Struct, frozen=True):
    """A time during which a position was not flat; still open when `ts_end` is None."""

    strategy_id: StrategyId
    symbol: Symbol
    ts_start: int
    ts_end: int | None


class TradeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Trades, folded."""

    round_trips: tuple[RoundTrip, ...]
    intervals: tuple[OpenInterval, ...]
    realised: tuple[tuple[int, Decimal], ...]
    """Time of each trade, and what had been realised less all fees paid by then."""


def fold_trades(trades: Iterable[Trade]) -> TradeHistory:
    """Fold trades, in order of time, into closings, times in the market and the realised result."""
    held: dict[tuple[StrategyId, Symbol], _Held] = {}
    trips: list[RoundTrip] = []
    intervals: list[OpenInterval] = []
    realised: list[tuple[int, Decimal]] = []
    total = ZERO
    for trade in trades:
        state = held.setdefault((trade.strategy_id, trade.symbol), _Held())
        before = state.position
        after = apply_trade(before, trade.side, trade.quantity, trade.price, trade.fee, contract=trade.contract)
        gross = EXACT.subtract(after.realised_pnl, before.realised_pnl)
        total = EXACT.add(total, EXACT.subtract(gross, trade.fee))
        realised.append((trade.ts_event, total))
        closed = _closed_quantity(before.quantity, after.quantity)
        if closed:
            trips.append(_close(state, trade, closed, gross))
        state.position = after
        opened = EXACT.subtract(trade.quantity, closed)
        if opened:
            exit_fee = _share(trade.fee, closed, trade.quantity)
            state.entry_fees = EXACT.add(state.entry_fees, EXACT.subtract(trade.fee, exit_fee))
        if before.quantity and (not after.quantity or (before.quantity > 0) != (after.quantity > 0)):
            intervals.append(OpenInterval(trade.strategy_id, trade.symbol, state.ts_opened, trade.ts_event))
        if after.quantity and (not before.quantity or (before.quantity > 0) != (after.quantity > 0)):
            state.ts_opened = trade.ts_event
    for (strategy_id, symbol), state in held.items():
        if state.position.quantity:
            intervals.append(OpenInterval(strategy_id, symbol, state.ts_opened, None))
    return TradeHistory(round_trips=tuple(trips), intervals=tuple(intervals), realised=tuple(realised))


def time_in_market(intervals: Sequence[OpenInterval], ts_from: int, ts_to: int) -> int:
    """Nanoseconds of `[ts_from, ts_to]` in which at least one of the intervals was open."""
    total = 0
    covered = ts_from
    for interval in sorted(intervals, key=lambda one: one.ts_start):
        end = ts_to if interval.ts_end is None else min(interval.ts_end, ts_to)
        start = max(interval.ts_start, covered)
        if end > start:
            total += end - start
            covered = end
    return total


def _close(state: _Held, trade: Trade, closed: Decimal, gross: Decimal) -> RoundTrip:
    size = abs(state.position.quantity)
    entry_fee = _share(state.entry_fees, closed, size)
    state.entry_fees = EXACT.subtract(state.entry_fees, entry_fee)
    return RoundTrip(
        strategy_id=trade.strategy_id,
        symbol=trade.symbol,
        side=trade.side.opposite,
        quantity=closed,
        gross=gross,
        fees=EXACT.add(entry_fee, _share(trade.fee, closed, trade.quantity)),
        ts_opened=state.ts_opened,
        ts_closed=trade.ts_event,
    )


def _closed_quantity(before: Decimal, after: Decimal) -> Decimal:
    if before == 0 or (after != 0 and (after > 0) == (before > 0) and abs(after) >= abs(before)):
        return ZERO
    if after == 0 or (after > 0) != (before > 0):
        return abs(before)
    return EXACT.subtract(abs(before), abs(after))


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The part's share of an amount, cut to 18 decimals; the whole gets all of it."""
    if part == whole:
        return amount
    share = EXACT.divide(EXACT.multiply(amount, part), whole).quantize(_FEE_STEP, context=EXACT)
    return share.normalize(EXACT)
