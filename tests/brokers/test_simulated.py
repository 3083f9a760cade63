"""The simulated broker: commands in, reports out, in the same call and always the same."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tradingd.brokers.base import BrokerAdapter
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND, PriceBar, QuoteTick
from tradingd.core.orders import (
    CancelRefused,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    OrderType,
    ReplaceRefused,
    Side,
    TimeInForce,
)
from tradingd.core.venue_view import VenueOrderStatus

ABC = Symbol("ABC")
D = Decimal
NOON = 1_767_632_400 * NS_PER_SECOND  # 2026-01-05 12:00 in New York


class Bench:
    """A broker under a clock that only moves when told."""

    def __init__(self, fee_bps: str = "0") -> None:
        self.now = NOON
        self.reports: list[BrokerEvent] = []
        self.broker = SimulatedBroker(self.reports.append, lambda: self.now, D(100_000), D(fee_bps))
        self._count = 0

    def quote(self, bid: float, ask: float, size: float = 0) -> None:
        self.broker.on_market_data(
            QuoteTick(symbol=ABC, bid=bid, ask=ask, bid_size=size, ask_size=size, ts_event=self.now, ts_recv=self.now)
        )

    def bar(self, low: float, high: float, ts_open: int) -> None:
        self.now = ts_open + MINUTE_NS
        self.broker.on_market_data(
            PriceBar(
                symbol=ABC,
                interval_ns=MINUTE_NS,
                ts_open=ts_open,
                open=high,
                high=high,
                low=low,
                close=low,
                volume=1,
                ts_event=self.now,
                ts_recv=self.now,
            )
        )

    def order(
        self, side: Side = Side.BUY, quantity: str = "10", limit: str | None = None, tif: TimeInForce = TimeInForce.DAY
    ) -> Order:
        self._count += 1
        terms = OrderTerms(
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else D(limit),
            time_in_force=tif,
        )
        return Order(
            client_order_id=ClientOrderId(f"c{self._count}"),
            strategy_id=StrategyId("s"),
            symbol=ABC,
            side=side,
            quantity=D(quantity),
            terms=terms,
            trace_id=TraceId("t"),
            ts_created=self.now,
            reference_price=D(10),
        )

    def kinds(self) -> list[type[object]]:
        return [type(report) for report in self.reports]


def test_it_is_a_broker_adapter() -> None:
    adapter: BrokerAdapter = Bench().broker
    assert adapter.instruments == {}


def test_a_market_order_is_accepted_and_filled_before_submit_returns() -> None:
    bench = Bench(fee_bps="10")
    bench.quote(9.9, 10.1)
    bench.broker.submit(bench.order())
    accepted, filled = bench.reports
    assert isinstance(accepted, OrderAccepted)
    assert accepted.venue_order_id == "SIM-1"
    assert isinstance(filled, OrderFilled)
    assert (filled.execution_id, filled.quantity, filled.price) == ("SIM-1-1", D(10), D("10.1"))
    assert filled.fee == D("0.101")
    assert filled.ts_event == NOON
    account = bench.broker.account()
    assert account.cash == D(100_000) - D(101) - D("0.101")
    assert account.equity == account.cash + D(100)


async def test_partial_fills_carry_the_cumulative_quantity() -> None:
    bench = Bench()
    order = bench.order()
    bench.quote(9.9, 10.1, size=6)
    bench.broker.submit(order)
    bench.quote(9.9, 10.2, size=6)
    fills = [report for report in bench.reports if isinstance(report, OrderFilled)]
    assert [(fill.execution_id, fill.quantity, fill.cum_quantity) for fill in fills] == [
        ("SIM-1-1", D(6), D(6)),
        ("SIM-1-2", D(4), D(10)),
    ]
    found = await bench.broker.find_order(order.client_order_id)
    assert found is not None
    assert found.status is VenueOrderStatus.FILLED
    assert found.average_fill_price == D("10.14")
    snapshot = await bench.broker.snapshot(0)
    assert [fill.execution_id for fill in snapshot.fills] == ["SIM-1-1", "SIM-1-2"]
    assert [(position.quantity, position.average_price) for position in snapshot.positions] == [(D(10), D("10.14"))]


def test_an_order_is_cancelled_once() -> None:
    bench = Bench()
    bench.quote(9.9, 10.1)
    order = bench.order(limit="9")
    bench.broker.submit(order)
    bench.broker.cancel(order, VenueOrderId("SIM-1"))
    bench.broker.cancel(order, VenueOrderId("SIM-1"))
    expected: list[type[object]] = [OrderAccepted, OrderCanceled, CancelRefused]
    assert bench.kinds() == expected
    bench.quote(8, 8.1)
    assert len(bench.reports) == 3


def test_the_rest_of_an_ioc_is_cancelled() -> None:
    bench = Bench()
    bench.quote(9.9, 10.1, size=4)
    bench.broker.submit(bench.order(tif=TimeInForce.IOC))
    assert bench.kinds() == [OrderAccepted, OrderFilled, OrderCanceled]


def test_a_replaced_order_keeps_what_it_filled_and_gets_a_new_id() -> None:
    bench = Bench()
    bench.quote(9.9, 10, size=4)
    order = bench.order(limit="10")
    bench.broker.submit(order)
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(quantity=D(4)))
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(quantity=D(20), limit_price=D("9.5")))
    refused, replaced = bench.reports[2:]
    assert isinstance(refused, ReplaceRefused)
    assert isinstance(replaced, OrderReplaced)
    assert (replaced.venue_order_id, replaced.replaces, replaced.quantity) == ("SIM-2", "SIM-1", D(20))
    bench.quote(9.4, 9.5)
    last = bench.reports[-1]
    assert isinstance(last, OrderFilled)
    assert (last.quantity, last.price, last.cum_quantity) == (D(16), D("9.5"), D(20))


def test_an_id_counts_once_and_senseless_terms_are_refused() -> None:
    bench = Bench()
    order = bench.order(limit="9")
    bench.broker.submit(order)
    bench.broker.submit(order)
    bench.broker.submit(msgspec.structs.replace(bench.order(), quantity=D(0)))
    bench.broker.submit(msgspec.structs.replace(bench.order(), terms=OrderTerms(order_type=OrderType.LIMIT)))
    bench.broker.submit(msgspec.structs.replace(bench.order(), terms=OrderTerms(order_type=OrderType.STOP)))
    assert bench.kinds() == [OrderAccepted, *[OrderRejected] * 4]


def test_a_day_order_ends_with_its_day() -> None:
    bench = Bench()
    bench.bar(10, 10, NOON)
    bench.broker.submit(bench.order(limit="9"))
    bench.bar(10, 10, NOON + MINUTE_NS)
    bench.bar(8, 8, NOON + DAY_NS)
    assert bench.kinds() == [OrderAccepted, OrderExpired]


def test_a_day_order_after_the_last_data_of_a_day_works_on_the_next_day_with_data() -> None:
    bench = Bench()
    bench.bar(10, 10, NOON)
    bench.broker.submit(bench.order(limit="9"))
    bench.bar(8, 8.5, NOON + 3 * DAY_NS)
    assert bench.kinds() == [OrderAccepted, OrderFilled]


def test_a_good_till_cancelled_order_outlives_the_day() -> None:
    bench = Bench()
    bench.bar(10, 10, NOON)
    bench.broker.submit(bench.order(limit="9", tif=TimeInForce.GTC))
    bench.bar(10, 10, NOON + MINUTE_NS)
    bench.bar(8, 8.5, NOON + 30 * DAY_NS)
    assert bench.kinds() == [OrderAccepted, OrderFilled]


def test_a_command_from_within_a_report_is_carried_out_in_its_turn() -> None:
    reports: list[BrokerEvent] = []
    bench = Bench()
    first, second = bench.order(), bench.order(Side.SELL)

    def sink(report: BrokerEvent) -> None:
        reports.append(report)
        if isinstance(report, OrderFilled) and report.client_order_id == first.client_order_id:
            broker.submit(second)

    broker = SimulatedBroker(sink, lambda: NOON, D(1000))
    broker.on_market_data(QuoteTick(symbol=ABC, bid=9.9, ask=10.1, bid_size=0, ask_size=0, ts_event=1, ts_recv=1))
    broker.submit(first)
    assert [type(report) for report in reports] == [OrderAccepted, OrderFilled, OrderAccepted, OrderFilled]


async def test_connect_describes_the_symbols() -> None:
    bench = Bench()
    account = await bench.broker.connect([ABC])
    assert account.cash == D(100_000)
    assert bench.broker.instruments[ABC].symbol == ABC
    assert await bench.broker.find_order(ClientOrderId("nobody")) is None
    assert await bench.broker.fetch_bars(ABC, MINUTE_NS, 0, 1) == ()


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(900, 1100)), max_size=20))
def test_cash_and_cost_always_add_up(trades: list[tuple[Side, int, int]]) -> None:
    bench = Bench(fee_bps="3")
    for side, quantity, cents in trades:
        bench.quote(cents / 100, cents / 100)
        bench.broker.submit(bench.order(side, str(quantity)))
    fills = [report for report in bench.reports if isinstance(report, OrderFilled)]
    sides = [side for side, _, _ in trades]
    spent = sum(
        (fill.quantity * fill.price * side.sign + fill.fee for fill, side in zip(fills, sides, strict=True)), D(0)
    )
    assert bench.broker.account().cash == D(100_000) - spent
