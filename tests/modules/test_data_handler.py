"""What the data handler lets in, what it keeps out, and in which order it passes it on."""

import math
from collections.abc import Sequence

import pytest
from tests.runtime.listening import ListeningLog
from tradingd.core.identifiers import Symbol
from tradingd.core.log import LogEvent
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, DataDefect, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.core.symbol_plan import SymbolPlan
from tradingd.feeds.base import BarHistory, FeedState, FeedStatus
from tradingd.modules.data_handler import DataConfig, DataHandler, merge_bars
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.inbox import LocalInbox
from tradingd.runtime.module import ClockTick

ABC, NOPE = Symbol("ABC"), Symbol("NOPE")
T0 = 100 * MINUTE_NS
SECOND = NS_PER_SECOND


def quote(bid: float = 99.5, ask: float = 100.5, *, ts: int = T0, size: float = 1, symbol: Symbol = ABC) -> QuoteTick:
    return QuoteTick(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, ts_event=ts, ts_recv=ts)


def print_(price: float = 100.0, size: float = 1, *, ts: int = T0) -> TradeTick:
    return TradeTick(symbol=ABC, price=price, size=size, ts_event=ts, ts_recv=ts)


def bar(
    close: float = 100.0, *, at: int = T0, high: float | None = None, volume: float = 1, interval: int = MINUTE_NS
) -> PriceBar:
    return PriceBar(
        symbol=ABC,
        interval_ns=interval,
        ts_open=at,
        open=close,
        high=close if high is None else high,
        low=close,
        close=close,
        volume=volume,
        ts_event=at + interval,
        ts_recv=at + interval,
    )


class Door:
    """A data handler with everything that it emits."""

    def __init__(
        self,
        *,
        ticks: bool = True,
        bar_interval: int | None = None,
        intervals: tuple[int, ...] = (MINUTE_NS,),
        histories: Sequence[BarHistory] = (),
    ) -> None:
        self.clock = SimulatedClock(T0)
        self.log = ListeningLog()
        self.strategies: LocalInbox[MarketDataEvent] = LocalInbox()
        self.marked: list[MarketDataEvent] = []
        self.stored: list[PriceBar] = []

        async def room() -> None:
            return

        self.handler = DataHandler(
            LocalInbox(),
            DataConfig(
                plans=[
                    SymbolPlan(
                        symbol=ABC,
                        intervals=intervals,
                        ticks=ticks,
                        trades=ticks,
                        bar_interval=bar_interval,
                        realtime=True,
                    )
                ],
                max_move_pct=20,
                stale_after_ns=30 * SECOND,
            ),
            market_sinks=[self.marked.append],
            strategies=self.strategies,
            bar_store=self.stored.append,
            histories=histories,
            until_quiescent=room,
            log=self.log,
            clock=self.clock,
        )

    def put(self, *events: MarketDataEvent) -> None:
        for row, event in enumerate(events, start=1):
            self.handler.ingest(event, row)

    def passed(self) -> list[MarketDataEvent]:
        return [self.strategies.get_nowait() for _ in range(len(self.strategies))]


NAN = math.nan
DEFECTS: list[tuple[str, MarketDataEvent, DataDefect]] = [
    ("a quote that is no number", quote(NAN), DataDefect.NOT_FINITE),
    ("an infinite quote", quote(ask=math.inf), DataDefect.NOT_FINITE),
    ("a negative quote", quote(-1), DataDefect.NOT_POSITIVE),
    ("no side at all", quote(0, 0), DataDefect.NOT_POSITIVE),
    ("a size that is no number", quote(size=NAN), DataDefect.NOT_POSITIVE),
    ("a crossed quote", quote(101, 100), DataDefect.CROSSED),
    ("a trade that is no number", print_(NAN), DataDefect.NOT_FINITE),
    ("a trade at zero", print_(0), DataDefect.NOT_POSITIVE),
    ("a trade of nothing", print_(size=0), DataDefect.NOT_POSITIVE),
    ("a bar that is no number", bar(NAN), DataDefect.NOT_FINITE),
    ("a bar with a negative volume", bar(volume=-1), DataDefect.NOT_POSITIVE),
    ("a bar whose high is not", bar(high=99.0), DataDefect.INCONSISTENT_BAR),
    ("a symbol that nobody named", quote(symbol=NOPE), DataDefect.UNKNOWN_SYMBOL),
    ("a quote from before the last", quote(ts=T0 - 1), DataDefect.OUT_OF_ORDER),
    ("a trade far off", print_(121.0), DataDefect.OUTLIER),
    ("a quote far off", quote(70, 71), DataDefect.OUTLIER),
]


@pytest.mark.parametrize(("name", "event", "defect"), DEFECTS, ids=[case[0] for case in DEFECTS])
def test_a_defect_is_kept_out_counted_and_said_once(name: str, event: MarketDataEvent, defect: DataDefect) -> None:
    door = Door()
    door.put(quote(), print_())
    door.passed()
    door.marked.clear()
    for row in (7, 8):
        door.handler.ingest(event, row)
        if defect is DataDefect.OUTLIER:
            door.put(quote())  # a good one in between, so that the second is not a confirmation
            door.passed()
            door.marked.clear()
    assert door.handler.defects[defect, event.symbol] == 2, name
    assert (door.passed(), door.marked) == ([], [])
    assert door.log.events == [LogEvent.DATA_DEFECT]
    assert door.log.details[0]["row"] == 7
    assert door.handler.defect_counts() == {f"{event.symbol}:{defect.value}": 2}
    assert door.handler.latest(ABC) in (quote(), print_())


def test_each_kind_of_defect_is_said_once() -> None:
    door = Door()
    door.put(quote(NAN), quote(NAN), print_(0), quote(101, 100), print_(-1))
    assert len(door.log.events) == 3
    assert sum(door.handler.defects.values()) == 5


def test_what_a_feed_could_not_decode_is_counted_with_its_row() -> None:
    door = Door()
    door.handler.reject(ABC, DataDefect.MALFORMED, 12, "no number")
    assert door.log.details == [{"defect": "malformed", "row": 12, "data": "no number"}]


def test_a_move_that_a_second_print_confirms_is_believed() -> None:
    door = Door()
    door.put(print_(100), print_(50, ts=T0 + 1), print_(51, ts=T0 + 2), print_(50, ts=T0 + 3))
    assert [event.price for event in door.passed() if isinstance(event, TradeTick)] == [100, 51, 50]
    assert door.handler.defects[DataDefect.OUTLIER, ABC] == 1


def test_two_stray_prints_that_disagree_confirm_nothing() -> None:
    door = Door()
    door.put(print_(100), print_(50, ts=T0 + 1), print_(500, ts=T0 + 2), print_(101, ts=T0 + 3))
    assert [event.price for event in door.passed() if isinstance(event, TradeTick)] == [100, 101]


def test_a_stray_print_from_the_future_does_not_turn_the_present_away() -> None:
    door = Door()
    door.put(print_(100), print_(1_000, ts=T0 + 10**15), print_(101, ts=T0 + 1))
    assert [event.price for event in door.passed() if isinstance(event, TradeTick)] == [100, 101]


def test_quotes_and_trades_are_ordered_each_by_themselves() -> None:
    door = Door()
    door.put(quote(ts=T0 + 10), print_(ts=T0 + 5), quote(ts=T0 + 10))
    assert len(door.passed()) == 3


def test_locked_and_one_sided_quotes_are_legal() -> None:
    door = Door()
    door.put(quote(100, 100), quote(0, 100.5), quote(99.5, 0))
    assert len(door.passed()) == 3


def test_a_bar_comes_before_the_tick_that_closed_it() -> None:
    door = Door()
    door.put(print_(100), print_(101, ts=T0 + 5), print_(102, ts=T0 + MINUTE_NS))
    kinds = [type(event) for event in door.passed()]
    assert kinds == [TradeTick, TradeTick, PriceBar, TradeTick]
    latest = door.handler.get_latest_bar(ABC)
    assert latest is not None
    assert (latest.open, latest.close, latest.ts_event) == (100, 101, T0 + MINUTE_NS)
    assert door.stored == [latest]
    assert door.handler.get_latest_bar(NOPE) is None


def test_the_clock_closes_the_bar_of_a_quiet_symbol_after_its_grace() -> None:
    door = Door()
    door.put(print_(100))
    door.passed()
    for late, bars in ((MINUTE_NS, 0), (MINUTE_NS + SECOND, 1), (3 * MINUTE_NS, 0)):
        door.handler.handle(ClockTick(T0 + late))
        assert [type(event) for event in door.passed()] == [PriceBar] * bars


def test_bars_of_a_feed_are_passed_on_and_made_into_bigger_ones() -> None:
    door = Door(ticks=False, bar_interval=MINUTE_NS, intervals=(MINUTE_NS, 5 * MINUTE_NS))
    door.put(*(bar(100 + n, at=T0 + n * MINUTE_NS) for n in range(5)))
    passed = door.passed()
    assert [event.interval_ns for event in passed if isinstance(event, PriceBar)] == [MINUTE_NS] * 5 + [5 * MINUTE_NS]
    big = door.handler.get_latest_bar(ABC, 5 * MINUTE_NS)
    assert big is not None
    assert (big.open, big.high, big.close, big.volume) == (100, 104, 104, 5)
    assert len(door.marked) == 5, "a bigger bar is nothing new to the marks"


@pytest.mark.parametrize(("at", "defect"), [(T0, DataDefect.DUPLICATE), (T0 - MINUTE_NS, DataDefect.OUT_OF_ORDER)])
def test_a_bar_is_passed_on_once_and_in_order(at: int, defect: DataDefect) -> None:
    door = Door(ticks=False, bar_interval=MINUTE_NS)
    door.put(bar(), bar(at=at))
    assert len(door.passed()) == 1
    assert door.handler.defects[defect, ABC] == 1


def test_a_quiet_symbol_is_said_to_be_stale_once_until_it_speaks_again() -> None:
    door = Door()
    door.put(quote())
    for seconds in (30, 31, 60):
        door.clock.advance_to(T0 + seconds * SECOND)
        door.handler.handle(ClockTick(door.clock.now_ns()))
    assert door.log.events == [LogEvent.DATA_STALE]
    assert door.handler.age_ns(ABC) == 60 * SECOND
    door.put(quote(ts=T0 + 60 * SECOND))
    for seconds in (61, 91):
        door.clock.advance_to(T0 + seconds * SECOND)
        door.handler.handle(ClockTick(door.clock.now_ns()))
    assert door.log.events == [LogEvent.DATA_STALE] * 2


def test_data_that_is_kept_out_does_not_make_a_symbol_fresh() -> None:
    door = Door()
    door.put(quote())
    door.clock.advance_to(T0 + 40 * SECOND)
    door.put(quote(NAN))
    assert door.handler.age_ns(ABC) == 40 * SECOND


def test_a_feed_that_goes_down_is_said() -> None:
    door = Door()
    door.handler.feed_status(FeedStatus(feed="alpaca", state=FeedState.DOWN, detail="closed"))
    assert door.log.messages == ["feed alpaca is down: closed"]
    assert door.handler.feeds["alpaca"].state is FeedState.DOWN


class Shelf:
    """A history with bars in it."""

    def __init__(self, *bars: PriceBar) -> None:
        self.bars = bars

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        return [one for one in self.bars if start_ns <= one.ts_open < end_ns and one.interval_ns == interval_ns]


async def test_history_is_every_shelf_together_each_bar_once() -> None:
    near = Shelf(bar(1, at=T0 + MINUTE_NS), bar(2, at=T0 + 2 * MINUTE_NS))
    far = Shelf(bar(9, at=T0), bar(9, at=T0 + MINUTE_NS), bar(9, at=T0 + 3 * MINUTE_NS), bar(9, at=T0 + 9 * MINUTE_NS))
    door = Door(histories=[near, far])
    await door.handler.ready()
    bars = await door.handler.get_historical_bars(ABC, T0, T0 + 5 * MINUTE_NS)
    assert [(one.ts_open - T0, one.close) for one in bars] == [
        (0, 9),
        (MINUTE_NS, 1),
        (2 * MINUTE_NS, 2),
        (3 * MINUTE_NS, 9),
    ]
    assert await door.handler.get_historical_bars(ABC, T0, T0 + MINUTE_NS, 5 * MINUTE_NS) == ()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_merging_nothing_or_one_source_changes_nothing(count: int) -> None:
    bars = tuple(bar(at=T0 + n * MINUTE_NS) for n in range(count))
    assert merge_bars([]) == ()
    assert merge_bars([bars]) == merge_bars([bars, bars]) == bars
