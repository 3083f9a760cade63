"""F. Market data and time: what the fault catalogue says of wrong prices, missing bars, and clocks that jump."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.brokers.making import Bench
from tests.brokers.scripted_venue import Reply, ScriptedVenue
from tests.modules.desk import ABC, START, Desk
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import Story, codes, fault, faults, tick, wish
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import Symbol
from tradingd.core.log import LogEvent
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent, PriceBar, TradeTick
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderExpired, OrderFilled, OrderType, TimeInForce

D = Decimal
F = FaultKind
S = OrderStatus
NAN, INF = float("nan"), float("inf")
BARS = "/v2/stocks/bars"


def print_of(desk: Desk, price: float, size: float = 100) -> TradeTick:
    now = desk.clock.now_ns()
    return TradeTick(symbol=ABC, price=price, size=size, ts_event=now, ts_recv=now)


def bar(ts_open: int, close: float, volume: float = 10) -> PriceBar:
    return PriceBar(
        symbol=ABC,
        interval_ns=MINUTE_NS,
        ts_open=ts_open,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=volume,
        ts_event=ts_open + MINUTE_NS,
        ts_recv=ts_open + MINUTE_NS,
    )


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


def test_F60_a_price_that_is_none_is_turned_away_at_the_door_and_counted(tmp_path: Path) -> None:
    """A price that is none (NaN, infinite, negative, zero) is turned away at the door and counted: nothing is shown,
    marked, sized or filled by it."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.act(lambda strategy: strategy.sell(ABC, D(10), stop_price=D(98)))
    before = (desk.strategy().kinds(), desk.modules.data.latest(ABC), dict(desk.books.portfolio.marks))
    bad: list[MarketDataEvent] = []
    for price in (NAN, INF, -INF, -1.0, 0.0):
        bad += [print_of(desk, price), tick(desk, price, price), bar(START, price)]
    bad += [print_of(desk, 100, NAN), print_of(desk, 100, 0), tick(desk, NAN, 100.5), tick(desk, -1, 100.5)]
    for event in bad:
        desk.modules.data.ingest(event)
        desk.pump()
    assert (desk.strategy().kinds(), desk.modules.data.latest(ABC), dict(desk.books.portfolio.marks)) == before
    assert desk.order().status is S.ACCEPTED
    assert sum(desk.modules.data.defects.values()) == len(bad)
    assert {line.symbol for line in desk.said(LogEvent.DATA_DEFECT)} == {ABC}


def test_F61_a_locked_quote_is_legal_and_a_crossed_one_prices_nothing_until_it_is_repaired(tmp_path: Path) -> None:
    """A locked quote is legal, and a crossed one prices nothing until it is repaired, nor does it keep a symbol
    fresh."""
    desk = Desk(tmp_path, stale_after_s=30).open()
    desk.quote(100, 100)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.order().average_price == D(100)
    fills = len(desk.broker._fills)
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D(96)))
    for _ in range(8):
        desk.wait(5)
        desk.quote(101, 95)
    assert len(desk.broker._fills) == fills
    assert desk.strategy().kinds().count("tick") == 3
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["PRICE_STALE"]
    desk.quote(99, 101)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.order().average_price == D(101)


def test_F62_a_single_wild_print_moves_no_stop_no_mark_and_no_strategy_unless_the_next_says_the_same(
    tmp_path: Path,
) -> None:
    """A single wild print moves no stop, no mark and no strategy, unless the next one says the same."""
    desk = Desk(tmp_path, "[risk]\nmax_daily_loss = 1000000\nmax_drawdown_pct = 100\n").open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.act(lambda strategy: strategy.sell(ABC, D(10), stop_price=D(97)))
    heard = len(desk.strategy().heard)
    for wild in (14.0, 645.57):
        desk.modules.data.ingest(print_of(desk, wild))
        desk.pump()
        desk.modules.data.ingest(print_of(desk, 100.0))
        desk.pump()
        assert desk.books.portfolio.marks[ABC] == 100.0
    assert len(desk.strategy().heard) == heard + 2
    assert desk.order().status is S.ACCEPTED
    for _ in range(2):
        desk.modules.data.ingest(print_of(desk, 14.0))
        desk.pump()
    assert desk.order().status is S.FILLED
    assert desk.modules.data.defect_counts() == {"ABC:outlier": 3}


def test_F63_strategies_see_each_bar_once_repeated_and_late_ones_are_dropped_a_revised_one_is_told(
    tmp_path: Path,
) -> None:
    """Strategies see each bar once, in order: repeated and late ones are dropped and counted, a revised one is told
    and kept for history."""
    desk = Desk(tmp_path).open()
    first = START + MINUTE_NS
    for event in (
        bar(first, 100.0),
        bar(first + MINUTE_NS, 101.0),
        bar(first + MINUTE_NS, 101.0),
        bar(first + MINUTE_NS, 101.5, volume=99),  # revised half a minute later
        bar(first, 100.0),
        bar(first - 5 * MINUTE_NS, 99.0),
        bar(first + 2 * MINUTE_NS, 102.0),
    ):
        desk.modules.data.ingest(event)
        desk.pump()
    seen = [what for kind, what in desk.strategy().heard if kind == "bar"]
    assert [what.close for what in seen if isinstance(what, PriceBar)] == [100.0, 101.0, 102.0]
    assert [known.close for known in desk.strategy().bars(ABC, 9)] == [100.0, 101.0, 102.0]
    assert desk.modules.data.defect_counts() == {"ABC:duplicate": 1, "ABC:out_of_order": 2, "ABC:revised": 1}
    (told,) = desk.said(LogEvent.DATA_REVISED)
    assert "101.5" in str(told.details["after"])


def test_F64_a_quiet_time_makes_no_bars_and_is_told_when_it_lasts(tmp_path: Path) -> None:
    """A quiet time makes no bars, and is told when it lasts: no flat bar is invented for it."""
    desk = Desk(tmp_path, stale_after_s=60).open()
    opened = desk.clock.now_ns()
    desk.modules.data.ingest(print_of(desk, 100.0))
    desk.wait(7 * 60)
    desk.modules.data.ingest(print_of(desk, 101.0))
    desk.wait(90)
    bars = [what for kind, what in desk.strategy().heard if isinstance(what, PriceBar) and what.symbol == ABC]
    assert [(known.ts_open - opened) // MINUTE_NS for known in bars] == [0, 7]
    assert [known.volume for known in bars] == [100, 100]
    assert [line.symbol for line in desk.said(LogEvent.DATA_STALE)].count(ABC) >= 1


async def test_F65_a_bar_is_shown_only_after_its_close_built_here_or_fetched(
    venue: ScriptedVenue, broker: AlpacaBroker, tmp_path: Path
) -> None:
    """A bar is shown only after its close, built here or fetched from a history that lists the forming one."""
    desk = Desk(tmp_path).open()
    opened = desk.clock.now_ns()
    assert opened % MINUTE_NS == 0
    for price in (100.0, 103.0, 99.0, 101.0):
        desk.modules.data.ingest(print_of(desk, price))
        desk.wait(14)
        assert not [what for _, what in desk.strategy().heard if isinstance(what, PriceBar)]
    desk.wait(8)
    (known,) = [what for _, what in desk.strategy().heard if isinstance(what, PriceBar) and what.symbol == ABC]
    assert (known.open, known.high, known.low, known.close) == (100.0, 103.0, 99.0, 101.0)
    assert known.ts_event == opened + MINUTE_NS <= desk.clock.now_ns()

    row = {"o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 1}
    rows = [row | {"t": f"2026-03-02T14:{minute}:00Z"} for minute in (29, 30, 31)]
    venue.on("GET", BARS, Reply({"bars": {"AAPL": rows}, "next_page_token": None}))
    await broker.connect([])
    now = ns("2026-03-02T14:31:40+00:00")
    bars = await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, now - 10 * MINUTE_NS, now)
    assert [known.ts_open for known in bars] == [ns("2026-03-02T14:29:00+00:00"), ns("2026-03-02T14:30:00+00:00")]


def test_F66_an_order_is_neither_priced_nor_sized_by_an_old_quote_it_is_refused(tmp_path: Path) -> None:
    """An order is neither priced nor sized by an old quote, nor by a price from before a restart: it is refused."""
    desk = Desk(tmp_path, stale_after_s=30).open()
    desk.wait(21 * 86_400 // 300)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D(99)))
    assert codes(desk) == ["PRICE_STALE", "PRICE_STALE"]
    desk.quote(99.5, 100.5)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.order().status is S.FILLED
    second = desk.again()
    second.stream_up()
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(second) == ["PRICE_MISSING"]
    assert len(second.broker.seen) == 1
    second.check()


@pytest.mark.parametrize(
    ("noon", "opens", "closes"),
    [
        ("2013-03-08T12:00:00-05:00", "2013-03-08T14:30:00+00:00", "2013-03-08T21:00:00+00:00"),
        ("2013-03-11T12:00:00-04:00", "2013-03-11T13:30:00+00:00", "2013-03-11T20:00:00+00:00"),
        ("2013-11-29T12:00:00-05:00", "2013-11-29T14:30:00+00:00", "2013-11-29T18:00:00+00:00"),
        ("2015-12-24T12:00:00-05:00", "2015-12-24T14:30:00+00:00", "2015-12-24T18:00:00+00:00"),
    ],
    ids=["before summer time", "in summer time", "half day 2013", "half day 2015"],
)
def test_F67_days_open_and_close_in_the_exchange_s_own_time_and_take_their_day_orders_along(
    noon: str, opens: str, closes: str
) -> None:
    """Days open and close in the exchange's own time, half days at one, and take their day orders along."""
    exchange = NewYorkStockExchange()
    for instant, is_open in ((ns(opens), True), (ns(closes), False)):
        assert exchange.is_open(instant) is is_open
        assert exchange.is_open(instant - 1) is not is_open
    assert exchange.next_close(ns(noon)) == ns(closes)
    bench = Bench(ns(noon), regular_hours=True)
    bench.quote(99.0, 101.0)
    day = bench.place(TimeInForce.DAY, OrderType.LIMIT, limit="90")
    lasting = bench.place(TimeInForce.GTC, OrderType.LIMIT, limit="90")
    bench.quote(99.0, 101.0, ns(closes) - NS_PER_SECOND)
    assert not [report for report in bench.reports if isinstance(report, OrderExpired)]
    bench.quote(80.0, 81.0, ns(closes))
    (expired,) = [report for report in bench.reports if isinstance(report, OrderExpired)]
    assert expired.client_order_id == day.client_order_id
    assert not [report for report in bench.reports if isinstance(report, OrderFilled)]
    morning = exchange.next_open(ns(closes))
    bench.quote(80.0, 81.0, morning)
    fills = [report for report in bench.reports if isinstance(report, OrderFilled)]
    assert {fill.client_order_id for fill in fills} == {lasting.client_order_id}


@pytest.mark.parametrize("kind", [F.CLOCK_FORWARD, F.CLOCK_BACK])
def test_F68_a_wall_clock_that_jumps_raises_an_alarm_ends_no_wait_and_no_order(tmp_path: Path, kind: FaultKind) -> None:
    """A wall clock that jumps by an hour raises an alarm, ends no wait and no order, and what came meanwhile is
    found."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        wish(7, Verb.BUY_LIMIT, 7, cents=20),
        fault(7.05, F.SUBMIT_ANSWER_LOST),
        *faults(1, 7.05, F.REPORT_LOST),
        *faults(60, 7.05, F.LOOKUP_FAILS),
        *faults(60, 7.05, F.SNAPSHOT_FAILS),
        staging.quote(7.1, 50.0),
        fault(10, kind),
        staging.quote(12, 49.0),
        seconds=40,
    )

    def waits(story: Story) -> None:
        assert story.world.daemon is not None
        lines = story.world.daemon.lines
        assert [line.level.value for line in lines if line.event is LogEvent.CLOCK_JUMPED] == ["ERROR"]
        assert not [line for line in lines if line.event is LogEvent.ORDER_OVERDUE]
        assert not story.order().is_terminal
        assert story.books.portfolio.open_exposure(ABC).buy_quantity == 7

    story.look(11.9, waits)
    story.tell()
    assert (story.order().status, story.books.portfolio.quantity(ABC)) == (S.FILLED, D(7))
