"""The account and each strategy over a span of time, as one fold over the journal. Pure.

Owns: curves of equity with the flows in them, and what was realised and paid between the span's ends. A position that
was opened before the span is known with its real entry. At each fill the account is valued at the fill's price, at each
sample at the sample's. An entry belongs to the time at which it was booked; what was handed over to another strategy is
that one's from its beginning.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.books import Books
from tradingd.core.coin_fees import FEE_CAUSES
from tradingd.core.entries import (
    AccountOpened,
    CashAdjusted,
    EquitySampled,
    JournalEntry,
    PositionAdjusted,
    Snapshot,
    StrategyTransferred,
)
from tradingd.core.equity_curve import EquityPoint
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import DAY_NS
from tradingd.core.orders import ZERO, FeeReported, Trade
from tradingd.core.round_trips import OpenInterval, RoundTrip, TradeFold


class SectionHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The account, or one strategy, over the span."""

    name: str
    points: tuple[EquityPoint, ...]
    """Equity; a strategy's is the account's starting equity and its own result since."""
    trades: tuple[Trade, ...]
    round_trips: tuple[RoundTrip, ...]
    intervals: tuple[OpenInterval, ...]
    realised: Decimal
    """Before fees."""
    fees: Decimal


class AccountHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that performance is measured by."""

    account: SectionHistory
    strategies: tuple[SectionHistory, ...]


class _Result(msgspec.Struct, frozen=True):
    """What was made so far: by one strategy in one symbol, or in sum."""

    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def profit(self) -> Decimal:
        """Realised and unrealised, less fees."""
        return EXACT.subtract(EXACT.add(self.realised, self.unrealised), self.fees)

    def plus(self, other: "_Result", sign: int = 1) -> "_Result":
        """The sum, or with -1 the difference."""
        return _Result(
            EXACT.add(self.realised, other.realised * sign),
            EXACT.add(self.unrealised, other.unrealised * sign),
            EXACT.add(self.fees, other.fees * sign),
        )


_Results: TypeAlias = dict[tuple[StrategyId, Symbol], _Result]

NOBODY = StrategyId("")
"""Whose the fees are that nobody can be named for."""
CORRECTIONS = Symbol("")
"""What fees that were booked as corrections are kept under."""


def _made(now: _Results, base: _Results) -> dict[StrategyId, _Result]:
    """What each strategy has made since the span began."""
    sums: dict[StrategyId, _Result] = {}
    for sign, results in ((1, now), (-1, base)):
        for (strategy_id, _), result in results.items():
            sums[strategy_id] = sums.get(strategy_id, _Result()).plus(result, sign)
    return sums


def _add_curves(one: list[EquityPoint], other: list[EquityPoint]) -> list[EquityPoint]:
    """The sum of two results over time, each of which lasts until its next point."""
    points = sorted([(point.ts, 0, point.equity) for point in one] + [(point.ts, 1, point.equity) for point in other])
    latest = [ZERO, ZERO]
    summed: list[EquityPoint] = []
    for ts, which, value in points:
        latest[which] = value
        summed.append(EquityPoint(ts, EXACT.add(latest[0], latest[1])))
    return summed


def utc_day(ts: int) -> int:
    """Number of the UTC day of an instant."""
    return ts // DAY_NS


class AccountFold:
    """Takes the journal's entries in order, from its first one on."""

    def __init__(self, start_ns: int, end_ns: int, day_of: Callable[[int], int] = utc_day) -> None:
        self.books = Books()
        self._start_ns, self._end_ns = start_ns, end_ns
        self._day_of = day_of
        self._moves: list[tuple[int, Trade | PositionAdjusted | Snapshot]] = []
        self._points: list[EquityPoint] = []
        self._curves: dict[StrategyId, list[EquityPoint]] = {}
        self._lines: _Results = {}
        """What each line of the books has made; fees that were booked as corrections stand beside them."""
        self._base: _Results | None = None
        self._ends: _Results | None = None
        self._untouched = True
        """True while nothing but the opening's own corrections has been booked."""

    def take(self, ts: int, entry: JournalEntry) -> Trade | None:
        """Fold one entry in; return the trade that it made."""
        if self._base is None and ts >= self._start_ns and self.books.account is not None:
            self._begin(self._start_ns)
        if self._ends is None and ts >= self._end_ns:
            self._ends = dict(self._lines)
        before = self.books.portfolio.equity() if isinstance(entry, CashAdjusted | PositionAdjusted) else ZERO
        trade = self.books.apply(entry)
        self._look(ts, entry, trade)
        if isinstance(entry, CashAdjusted | PositionAdjusted):
            self._correct(ts, entry, before)
        elif isinstance(entry, AccountOpened) and ts >= self._start_ns:
            self._begin(ts)
        elif self._within(ts) and (trade is not None or isinstance(entry, FeeReported | EquitySampled)):
            self._untouched = False
            self._point(ts, entry.equity if isinstance(entry, EquitySampled) else self.books.portfolio.equity())
        return trade

    def _look(self, ts: int, entry: JournalEntry, trade: Trade | None) -> None:
        """Keep what an entry moved, and value again what it touched."""
        if trade is not None:
            self.books.portfolio.marks[trade.symbol] = float(trade.price)
            self._moves.append((ts, trade))
            self._refresh(trade.symbol)
            return
        match entry:
            case PositionAdjusted():
                self._moves.append((ts, entry))
                self._refresh(entry.symbol)
            case FeeReported():
                self._take_fee(entry)
                self._refresh(None)
            case StrategyTransferred():
                self._hand_over(entry)
            case EquitySampled():
                self._refresh(None)
            case Snapshot():
                if not self._moves:
                    self._moves.append((ts, entry))
                self._refresh(None)
            case _:
                pass

    def _within(self, ts: int) -> bool:
        return self._base is not None and ts < self._end_ns

    def _begin(self, ts: int) -> None:
        self._base = dict(self._lines)
        self._points = [EquityPoint(ts, self.books.portfolio.equity())]
        self._untouched = self._untouched and not self._moves

    def _correct(self, ts: int, entry: CashAdjusted | PositionAdjusted, before: Decimal) -> None:
        value = _ledger_value(entry)
        is_fee = entry.cause in FEE_CAUSES
        if is_fee:
            payer = entry.strategy_id if isinstance(entry, PositionAdjusted) else NOBODY
            paid = self._lines.get((payer, CORRECTIONS), _Result())
            self._lines[payer, CORRECTIONS] = paid.plus(_Result(fees=-value))
        if not self._within(ts):
            return
        after = self.books.portfolio.equity()
        if self._untouched:
            self._begin(self._points[0].ts)  # what is found at the opening was there before
            return
        if entry.equity is not None:
            after, before = EXACT.add(entry.equity, EXACT.subtract(after, before)), entry.equity
        self._points.append(EquityPoint(ts, before))
        self._point(ts, after, ZERO if is_fee else value)

    def _point(self, ts: int, equity: Decimal, flow: Decimal = ZERO) -> None:
        self._points.append(EquityPoint(ts, equity, flow))
        for strategy_id, result in _made(self._lines, self._base or {}).items():
            self._curve(strategy_id, ts, result.profit)

    def _curve(self, strategy_id: StrategyId, ts: int, profit: Decimal) -> None:
        """Keep a strategy's point when it says something new: another result, or another day."""
        curve = self._curves.setdefault(strategy_id, [])
        if not curve or curve[-1].equity != profit or self._day_of(curve[-1].ts) != self._day_of(ts):
            curve.append(EquityPoint(ts, profit))

    def _refresh(self, symbol: Symbol | None) -> None:
        portfolio = self.books.portfolio
        for key, position in portfolio.lines.items():
            if symbol is None or key[1] == symbol:
                price = portfolio.price(key[1]) if position.quantity else None
                unrealised = ZERO if price is None else position.unrealised_pnl(price)
                self._lines[key] = _Result(position.realised_pnl, unrealised, position.fees)

    def _hand_over(self, entry: StrategyTransferred) -> None:
        """Put what one strategy did under the one that has its position and results now."""
        for index, (ts, move) in enumerate(self._moves):
            if not isinstance(move, Snapshot) and entry.covers(move.strategy_id, move.symbol):
                self._moves[index] = ts, msgspec.structs.replace(move, strategy_id=entry.target)
        for results in (self._lines, self._base or {}):
            for (name, symbol), result in list(results.items()):
                if entry.covers(name, symbol):
                    del results[name, symbol]
                    key = entry.target, symbol
                    results[key] = results.get(key, _Result()).plus(result)
        if entry.symbol is None and entry.source in self._curves:
            self._curves[entry.target] = _add_curves(self._curves.pop(entry.source), self._curves.get(entry.target, []))
        self._refresh(None)

    def _take_fee(self, told: FeeReported) -> None:
        """Put a fee that was told later with its execution, which is among the last ones."""
        for index in range(len(self._moves) - 1, -1, -1):
            ts, one = self._moves[index]
            if isinstance(one, Trade) and one.execution_id == told.execution_id:
                self._moves[index] = ts, msgspec.structs.replace(one, fee=told.fee, fee_pending=False)
                return

    def finish(self) -> AccountHistory:
        """The span, measured out."""
        trades, trips, intervals = self._fold_moves()
        capital = self._points[0].equity if self._points else None
        results = _made(self._lines if self._ends is None else self._ends, self._base or {})
        sections = []
        for name in sorted({trade.strategy_id for trade in trades} | set(results)):
            made = results.get(name, _Result())
            section = SectionHistory(
                name=name,
                points=self._strategy_points(name, capital, made.profit),
                trades=tuple(trade for trade in trades if trade.strategy_id == name),
                round_trips=tuple(trip for trip in trips if trip.strategy_id == name),
                intervals=tuple(one for one in intervals if one.strategy_id == name),
                realised=made.realised,
                fees=made.fees,
            )
            if name != NOBODY and (section.trades or made != _Result() or self._holds(name)):
                sections.append(section)
        total = _Result()
        for result in results.values():
            total = total.plus(result)
        account = SectionHistory(
            name="account",
            points=tuple(self._points),
            trades=trades,
            round_trips=trips,
            intervals=intervals,
            realised=total.realised,
            fees=total.fees,
        )
        return AccountHistory(account=account, strategies=tuple(sections))

    def _holds(self, name: StrategyId) -> bool:
        return any(own == name and line.quantity for (own, _), line in self.books.portfolio.lines.items())

    def _strategy_points(self, name: StrategyId, capital: Decimal | None, profit: Decimal) -> tuple[EquityPoint, ...]:
        if capital is None:
            return ()
        curve = [EquityPoint(point.ts, EXACT.add(capital, point.equity)) for point in self._curves.get(name, ())]
        last = EquityPoint(self._points[-1].ts, EXACT.add(capital, profit))
        return (EquityPoint(self._points[0].ts, capital), *curve, last)

    def _fold_moves(self) -> tuple[tuple[Trade, ...], tuple[RoundTrip, ...], tuple[OpenInterval, ...]]:
        fold, trades, trips = TradeFold(), list[Trade](), list[RoundTrip]()
        for ts, move in self._moves:
            match move:
                case Snapshot():
                    fold.hold(move.portfolio.lines, ts)
                case PositionAdjusted():
                    fold.adjust(move, ts)
                case Trade():
                    trip = fold.take(move)
                    if self._start_ns <= ts < self._end_ns:
                        trades.append(move)
                        trips += [] if trip is None else [trip]
        return tuple(trades), tuple(trips), fold.intervals


def _ledger_value(adjustment: CashAdjusted | PositionAdjusted) -> Decimal:
    """By how much a correction changes what was put in; what is held on margin has cost nothing."""
    if isinstance(adjustment, CashAdjusted):
        return adjustment.amount
    if adjustment.contract.margined:
        return ZERO
    return value_of(adjustment.contract, adjustment.quantity, adjustment.price)
