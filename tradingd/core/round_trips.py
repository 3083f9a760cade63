"""What each closing trade realised, at average cost like the books, net of fees. Pure.

A trade that reduces a position closes that part of it: its profit is the books' realised figure, less its own fee and
less the share of the fees that were paid to open what it closes. A trade that turns a position around closes the old
side and opens the rest; its fee is split by quantity. Positions are told apart by strategy and symbol.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT, Position, apply_trade
from tradingd.core.entries import PositionAdjusted
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.orders import ZERO, Side, Trade
from tradingd.core.portfolio import PositionLine

_FEE_STEP = Decimal("1e-18")


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One closing: (part of) a position, from the trade that opened it to the trade that closed it."""

    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    """Of the position: BUY for a long one."""
    quantity: Decimal
    entry_price: Decimal
    """Average price of what is closed."""
    exit_price: Decimal
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


class TradeFold:
    """Trades, one after the other, and what came to a position otherwise."""

    def __init__(self) -> None:
        self._held: dict[tuple[StrategyId, Symbol], _Held] = {}
        self._intervals: list[OpenInterval] = []

    def hold(self, lines: Iterable[PositionLine], ts: int) -> None:
        """Begin with positions whose trades are not known any more."""
        for line in lines:
            position = msgspec.structs.replace(line.position, realised_pnl=ZERO, fees=ZERO)
            self._held[line.strategy_id, line.symbol] = _Held(position=position, ts_opened=ts)

    def adjust(self, entry: PositionAdjusted, ts: int) -> None:
        """Take in a correction: it opens and closes, and is no trade."""
        state = self._held.setdefault((entry.strategy_id, entry.symbol), _Held())
        side = Side.BUY if entry.quantity > 0 else Side.SELL
        before = state.position
        quantity = abs(entry.quantity)
        state.position = apply_trade(before, side, quantity, entry.price, ZERO, contract=entry.contract)
        closed = _closed_quantity(before.quantity, state.position.quantity)
        if closed:
            state.entry_fees = EXACT.subtract(state.entry_fees, _share(state.entry_fees, closed, abs(before.quantity)))
        self._follow(entry.strategy_id, entry.symbol, state, before.quantity, ts)

    def take(self, trade: Trade) -> RoundTrip | None:
        """Take in a trade; return what it closed."""
        state = self._held.setdefault((trade.strategy_id, trade.symbol), _Held())
        before = state.position
        after = apply_trade(before, trade.side, trade.quantity, trade.price, trade.fee, contract=trade.contract)
        gross = EXACT.subtract(after.realised_pnl, before.realised_pnl)
        closed = _closed_quantity(before.quantity, after.quantity)
        trip = _close(state, trade, closed, gross) if closed else None
        state.position = after
        opened = EXACT.subtract(trade.quantity, closed)
        if opened:
            exit_fee = _share(trade.fee, closed, trade.quantity)
            state.entry_fees = EXACT.add(state.entry_fees, EXACT.subtract(trade.fee, exit_fee))
        self._follow(trade.strategy_id, trade.symbol, state, before.quantity, trade.ts_event)
        return trip

    def _follow(self, strategy_id: StrategyId, symbol: Symbol, state: _Held, before: Decimal, ts: int) -> None:
        after = state.position.quantity
        turned = bool(before) and bool(after) and (before > 0) != (after > 0)
        if before and (not after or turned):
            self._intervals.append(OpenInterval(strategy_id, symbol, state.ts_opened, ts))
        if after and (not before or turned):
            state.ts_opened = ts

    @property
    def intervals(self) -> tuple[OpenInterval, ...]:
        """Every time in which a position was not flat so far."""
        still = (
            OpenInterval(strategy_id, symbol, state.ts_opened, None)
            for (strategy_id, symbol), state in self._held.items()
            if state.position.quantity
        )
        return (*self._intervals, *still)


def fold_trades(trades: Iterable[Trade]) -> TradeHistory:
    """Fold trades, in order of time and from flat, into closings and times in the market."""
    fold = TradeFold()
    trips = [trip for trade in trades if (trip := fold.take(trade)) is not None]
    return TradeHistory(round_trips=tuple(trips), intervals=fold.intervals)


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
        entry_price=state.position.average_price or ZERO,
        exit_price=trade.price,
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
