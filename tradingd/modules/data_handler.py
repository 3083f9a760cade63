"""Data handler: the door that market data comes in by.

Owns: the last good event of each symbol, the bars under construction, the counts of what was turned away. Reads: feeds,
which call `ingest`. Emits: good events as they came to the market sinks (marks, paper venue), and ticks and every
closed bar to the strategies, a bar before the tick that closed it. Never: passes on what is malformed, crossed, out of
order or wild.
"""

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tradingd.core.bars import BarAggregator, BarBuilder, BarSource
from tradingd.core.identifiers import Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import (
    NS_PER_SECOND,
    DataDefect,
    MarketDataEvent,
    PriceBar,
    QuoteTick,
    TradeTick,
    find_defect,
    reference_price,
)
from tradingd.core.symbol_plan import SymbolPlan
from tradingd.feeds.base import BarHistory, FeedState, FeedStatus
from tradingd.runtime.clock import Clock
from tradingd.runtime.inbox import Inbox, Outlet
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import EventLog

MarketSink: TypeAlias = Callable[[MarketDataEvent], None]

CLOSE_GRACE_NS = NS_PER_SECOND
"""How long after its end a bar of a real-time feed waits for late ticks before the clock closes it."""


class _SymbolState:
    """What is remembered of one symbol between events."""

    __slots__ = (
        "aggregators",
        "arrived_ns",
        "builders",
        "latest",
        "latest_bars",
        "plan",
        "reference",
        "seen",
        "stale",
        "suspect",
    )

    def __init__(self, plan: SymbolPlan) -> None:
        self.plan = plan
        self.latest: MarketDataEvent | None = None
        self.arrived_ns = 0
        self.latest_bars: dict[int, PriceBar] = {}
        self.seen = [0, 0]
        self.reference = 0.0
        self.suspect = 0.0
        self.stale = False
        self.builders: list[BarBuilder] = []
        self.aggregators: list[BarAggregator] = []
        for interval in plan.intervals:
            if plan.bar_interval is not None and interval > plan.bar_interval:
                self.aggregators.append(BarAggregator(plan.symbol, interval))
            elif plan.ticks and plan.bar_interval != interval:
                self.builders.append(
                    BarBuilder(plan.symbol, interval, BarSource.TRADES if plan.trades else BarSource.QUOTES)
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Frozen for a run."""

    plans: Sequence[SymbolPlan]
    max_move_pct: float
    stale_after_ns: int
    tick_readers: Collection[Symbol] | None = None
    """Symbols whose ticks some strategy reads; None means all."""
    due: Callable[[Symbol], bool] = lambda symbol: True
    """Tells whether a symbol's market is open, so that silence is strange."""


class DataHandler(Module[ClockTick]):
    """Judges, stamps and passes on market data; builds bars."""

    name = "data_handler"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        config: DataConfig,
        *,
        clock: Clock,
        log: EventLog,
        market_sinks: Sequence[MarketSink],
        strategies: Outlet[MarketDataEvent],
        bar_store: Callable[[PriceBar], None] | None,
        histories: Sequence[BarHistory],
        until_quiescent: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(inbox)
        self._symbols = {plan.symbol: _SymbolState(plan) for plan in config.plans}
        self._market_sinks = tuple(market_sinks)
        self._strategies = strategies
        self._tick_readers = config.tick_readers
        self._bar_store = bar_store
        self._histories = tuple(histories)
        self._until_quiescent = until_quiescent
        self._log = log
        self._clock = clock
        self._max_move = config.max_move_pct / 100
        self._stale_after_ns = config.stale_after_ns
        self._due = config.due
        self._began_ns = clock.monotonic_ns()
        self.defects: Counter[tuple[DataDefect, Symbol]] = Counter()
        self.accepted = 0
        self.feeds: dict[str, FeedStatus] = {}

    # -- what feeds call ----------------------------------------------------------------------------------------------

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        """Judge one event and pass it on, or turn it away, count it, and say so once per kind and symbol."""
        state = self._symbols.get(event.symbol)
        if state is None:
            self.reject(event.symbol, DataDefect.UNKNOWN_SYMBOL, row, "no strategy and no feed names this symbol")
            return
        defect = find_defect(event) or self._find_defect_in_sequence(state, event)
        if defect is not None:
            if isinstance(event, PriceBar) and defect is DataDefect.REVISED:
                self._revise(state, event)
            else:
                self.reject(event.symbol, defect, row, _describe(event))
            return
        self.accepted += 1
        state.arrived_ns = self._clock.monotonic_ns()
        if isinstance(event, PriceBar):
            self._take_bar(state, event)
            return
        for builder in state.builders:
            for bar in builder.apply(event):
                self._deliver_bar(state, bar)
        state.latest = event
        for sink in self._market_sinks:
            sink(event)
        if self._tick_readers is None or event.symbol in self._tick_readers:
            self._strategies.put(event)

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        """Count a piece of data that is kept out; say so the first time for its kind and symbol."""
        key = (defect, symbol)
        self.defects[key] += 1
        if self.defects[key] == 1:
            self._log.log_event(
                Level.WARNING,
                f"{symbol}: {defect.value} data kept out; further ones are counted, not logged",
                {"defect": defect.value, "row": row, "data": detail},
                event=LogEvent.DATA_DEFECT,
                module=self.name,
                symbol=symbol,
            )

    def feed_status(self, status: FeedStatus) -> None:
        """Take note of a feed's change of state."""
        self.feeds[status.feed] = status
        self._log.log_event(
            Level.WARNING if status.state is FeedState.DOWN else Level.INFO,
            f"feed {status.feed} is {status.state.value}: {status.detail}",
            {"feed": status.feed, "state": status.state.value},
            event=LogEvent.FEED_STATE,
            module=self.name,
        )

    async def ready(self) -> None:
        """Wait until there is room downstream."""
        await self._until_quiescent()

    # -- judging ------------------------------------------------------------------------------------------------------

    def _find_defect_in_sequence(self, state: _SymbolState, event: MarketDataEvent) -> DataDefect | None:
        kind = type(event)
        if isinstance(event, PriceBar):
            last = state.latest_bars.get(event.interval_ns)
            if last is not None and event.ts_open <= last.ts_open:
                if event.ts_open < last.ts_open:
                    return DataDefect.OUT_OF_ORDER
                return DataDefect.DUPLICATE if _figures(event) == _figures(last) else DataDefect.REVISED
        elif event.ts_event < state.seen[kind is TradeTick]:
            return DataDefect.OUT_OF_ORDER
        price = reference_price(event)
        reference = state.reference
        if reference and abs(price - reference) > self._max_move * reference:
            # A wild print is believed only when the next one says the same (a split does, a stray print does not).
            suspect, state.suspect = state.suspect, price
            if not suspect or abs(price - suspect) > self._max_move * suspect:
                return DataDefect.OUTLIER
        # Only what is believed moves time: a stray print from the future must not turn the present away.
        if kind is not PriceBar:
            state.seen[kind is TradeTick] = event.ts_event
        state.suspect = 0.0
        state.reference = price
        return None

    # -- bars ---------------------------------------------------------------------------------------------------------

    def _take_bar(self, state: _SymbolState, bar: PriceBar) -> None:
        if not state.plan.ticks:
            state.latest = bar
            for sink in self._market_sinks:
                sink(bar)
        self._deliver_bar(state, bar)
        for aggregator in state.aggregators:
            for bigger in aggregator.apply(bar):
                self._deliver_bar(state, bigger)

    def _revise(self, state: _SymbolState, bar: PriceBar) -> None:
        """Keep a bar's new figures for whoever asks for history; strategies have seen it, and see each bar once."""
        self.defects[DataDefect.REVISED, bar.symbol] += 1
        before = state.latest_bars[bar.interval_ns]
        state.latest_bars[bar.interval_ns] = bar
        if self._bar_store is not None:
            self._bar_store(bar)
        self._log.log_event(
            Level.WARNING,
            f"{bar.symbol}: the source has revised a bar that the strategies have seen",
            {"before": _describe(before), "after": _describe(bar)},
            event=LogEvent.DATA_REVISED,
            module=self.name,
            symbol=bar.symbol,
        )

    def _deliver_bar(self, state: _SymbolState, bar: PriceBar) -> None:
        state.latest_bars[bar.interval_ns] = bar
        if self._bar_store is not None:
            self._bar_store(bar)
        self._strategies.put(bar)

    # -- questions ----------------------------------------------------------------------------------------------------

    def latest(self, symbol: Symbol) -> MarketDataEvent | None:
        """The last good event of a symbol."""
        state = self._symbols.get(symbol)
        return None if state is None else state.latest

    def age_ns(self, symbol: Symbol) -> int:
        """How long ago the last good event of a symbol arrived, by this process's clock."""
        state = self._symbols.get(symbol)
        return 0 if state is None else self._clock.monotonic_ns() - state.arrived_ns

    def unpriced(self, symbol: Symbol) -> str | None:
        """Why there is no fresh price of a symbol, None where there is one, or where none is due."""
        state = self._symbols.get(symbol)
        if state is None:
            return "no feed delivers it"
        if not self._stale_after_ns or not state.plan.realtime:
            return None
        age_ns = self._clock.monotonic_ns() - (self._began_ns if state.latest is None else state.arrived_ns)
        # Where bars alone are delivered, one in each interval is all that is due.
        between_ns = 0 if state.plan.ticks else state.plan.bar_interval or 0
        if age_ns <= self._stale_after_ns + between_ns or not self._due(symbol):
            return None
        seconds = age_ns // NS_PER_SECOND
        return f"no price since the start {seconds} s ago" if state.latest is None else f"no price for {seconds} s"

    def start(self) -> None:
        """Count silence from now on: before, no feed was running."""
        self._began_ns = self._clock.monotonic_ns()

    def get_latest_bar(self, symbol: Symbol, interval_ns: int | None = None) -> PriceBar | None:
        """The last closed bar of a symbol, of the shortest length unless one is asked for; None before the first."""
        state = self._symbols.get(symbol)
        if state is None or not state.latest_bars:
            return None
        return state.latest_bars.get(min(state.latest_bars) if interval_ns is None else interval_ns)

    async def get_historical_bars(
        self, symbol: Symbol, start_time: int, end_time: int, interval_ns: int | None = None
    ) -> tuple[PriceBar, ...]:
        """Closed bars with open time in `[start_time, end_time)` ns UTC, ordered, each open time once.

        Asks every history there is: bars seen live, files, the venue. Where two have the same bar, the one named first
        counts. Raises `VenueUnavailable` when the venue's history cannot be had.
        """
        state = self._symbols.get(symbol)
        interval = interval_ns or (min(state.plan.intervals) if state and state.plan.intervals else 60 * NS_PER_SECOND)
        sources = [await history.fetch_bars(symbol, interval, start_time, end_time) for history in self._histories]
        return merge_bars(sources)

    # -- time ---------------------------------------------------------------------------------------------------------

    def handle(self, event: ClockTick) -> None:
        """Close the bars of quiet real-time symbols, and say which symbols have gone stale."""
        for symbol, state in self._symbols.items():
            if state.plan.realtime:
                for builder in state.builders:
                    for bar in builder.close_until(event.now_ns - CLOSE_GRACE_NS):
                        self._deliver_bar(state, bar)
            if self._stale_after_ns and state.plan.realtime and state.latest is not None:
                stale = self._clock.monotonic_ns() - state.arrived_ns > self._stale_after_ns
                if stale and not state.stale:
                    self._log.log_event(
                        Level.WARNING,
                        f"{symbol}: no good data for {self._stale_after_ns / NS_PER_SECOND:g} s: no new orders",
                        {"last_event": state.latest.ts_event},
                        event=LogEvent.DATA_STALE,
                        module=self.name,
                        symbol=symbol,
                    )
                state.stale = stale

    def defect_counts(self) -> Mapping[str, int]:
        """How much was kept out so far, as `symbol:defect`."""
        return {f"{symbol}:{defect.value}": count for (defect, symbol), count in sorted(self.defects.items())}


def merge_bars(sources: Sequence[Sequence[PriceBar]]) -> tuple[PriceBar, ...]:
    """Merge ordered bar sequences into one, each open time once; an earlier source wins over a later one."""
    merged: list[PriceBar] = []
    ranked = ([(bar.ts_open, rank, bar) for bar in source] for rank, source in enumerate(sources))
    for _, _, bar in heapq.merge(*ranked, key=lambda item: item[:2]):
        if not merged or bar.ts_open > merged[-1].ts_open:
            merged.append(bar)
    return tuple(merged)


def _figures(bar: PriceBar) -> tuple[float, ...]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume


def _describe(event: MarketDataEvent) -> str:
    match event:
        case QuoteTick():
            return f"bid {event.bid} ask {event.ask} sizes {event.bid_size} {event.ask_size} ts {event.ts_event}"
        case TradeTick():
            return f"price {event.price} size {event.size} ts {event.ts_event}"
        case PriceBar():
            return f"ohlcv {event.open} {event.high} {event.low} {event.close} {event.volume} open time {event.ts_open}"
