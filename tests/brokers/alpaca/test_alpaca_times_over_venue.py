"""Trailing stops, auctions and extended hours: adapter and paper venue under a clock that the test moves."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.brokers.alpaca.making import make_order
from tests.brokers.scripted_venue import Recorder
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.alpaca.model import ALPACA
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.instruments import AssetClass
from tradingd.core.market import NS_PER_SECOND, TradeTick
from tradingd.core.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.settings.venue import VenueSettings
from tradingd.venue.server import PaperVenue

D = Decimal
AAPL = Symbol("AAPL")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


class Floor:
    """The exchange on a Monday: its clock, its venue, and the adapter."""

    def __init__(self, database: Path, recorder: Recorder) -> None:
        self.now = ns("2026-01-05T12:00:00-05:00")
        self.recorder = recorder
        self.venue = PaperVenue(
            VenueSettings.model_validate({"rate_limit_per_minute": 0, "session": "XNYS"}),
            database=database,
            symbols=[AAPL],
            clock=lambda: self.now,
            log=lambda _level, _event, _message, _details: None,
        )
        self._count = 0

    def open_adapter(self) -> AlpacaBroker:
        return AlpacaBroker(
            base_url=self.venue.base_url,
            stream_url=self.venue.stream_url,
            data_url=self.venue.base_url,
            api_key="paper",
            api_secret="paper-secret",
            account_kind="paper",
            sink=self.recorder.sink,
            clock=lambda: self.now,
            is_ours=lambda client_order_id: client_order_id.startswith("t-"),
            refusal=lambda client_order_id: None,
            on_problem=self.recorder.on_problem,
            failure=self.recorder.failure,
            rng=random.Random(5),
            timeout_s=2.0,
        )

    def trade(self, price: float) -> None:
        self.venue.on_market_data(TradeTick(symbol=AAPL, price=price, size=1000, ts_event=self.now, ts_recv=self.now))


@pytest.fixture
async def floor(tmp_path: Path, recorder: Recorder) -> AsyncIterator[Floor]:
    made = Floor(tmp_path / "venue.db", recorder)
    await made.venue.start()
    made.trade(100)
    yield made
    await made.venue.stop()


@pytest.fixture
async def trader(floor: Floor, recorder: Recorder) -> AsyncIterator[AlpacaBroker]:
    broker = floor.open_adapter()
    await broker.connect([AAPL])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    yield broker
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await broker.close()
    assert recorder.failures == []


async def test_a_trailing_stop_lives_its_life(floor: Floor, trader: AlpacaBroker, recorder: Recorder) -> None:
    trader.submit(make_order())
    await recorder.first(OrderFilled)
    terms = OrderTerms(order_type=OrderType.TRAILING_STOP, trail_amount=D("1.50"), time_in_force=TimeInForce.GTC)
    order = make_order(client_order_id=ClientOrderId("t-2"), side=Side.SELL, terms=terms)
    trader.submit(order)
    await recorder.wait(lambda: any(report.client_order_id == "t-2" for report in recorder.of(OrderAccepted)))
    floor.trade(110)
    found = await trader.find_order(ClientOrderId("t-2"))
    assert found is not None
    assert found.status is VenueOrderStatus.WORKING
    assert found.terms == msgspec.structs.replace(terms, stop_price=D("108.5"))
    trader.modify(order, found.venue_order_id, OrderModification(trail_amount=D(3)))
    replaced = await recorder.first(OrderReplaced)
    assert (replaced.trail_amount, replaced.trail_percent, replaced.stop_price) == (D(3), None, D(107))
    assert replaced.apply_to(terms).trail_amount == D(3)
    floor.trade(107)
    fill = await recorder.first(OrderFilled, 2)
    assert (fill.client_order_id, fill.venue_order_id, fill.price) == ("t-2", replaced.venue_order_id, D(107))


async def test_orders_on_open_and_on_close_meet_their_auctions(
    floor: Floor, trader: AlpacaBroker, recorder: Recorder
) -> None:
    closing = OrderTerms(time_in_force=TimeInForce.CLS)
    trader.submit(make_order(terms=closing))
    late = make_order(client_order_id=ClientOrderId("t-2"), terms=OrderTerms(time_in_force=TimeInForce.OPG))
    trader.submit(late)
    assert (await recorder.first(OrderRejected)).client_order_id == "t-2"
    await recorder.first(OrderAccepted)
    found = await trader.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.terms == closing
    floor.trade(104)
    floor.now = ns("2026-01-05T16:00:00-05:00")
    floor.trade(90)
    assert (await recorder.first(OrderFilled)).price == D(104)
    floor.now = ns("2026-01-05T19:00:00-05:00")
    low = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(80), time_in_force=TimeInForce.OPG)
    trader.submit(make_order(client_order_id=ClientOrderId("t-3"), terms=low))
    await recorder.wait(lambda: any(report.client_order_id == "t-3" for report in recorder.of(OrderAccepted)))
    floor.now = ns("2026-01-06T09:30:00-05:00")
    floor.trade(95)
    assert (await recorder.first(OrderCanceled)).client_order_id == "t-3"


async def test_a_limit_outside_the_session_trades_there(floor: Floor, trader: AlpacaBroker, recorder: Recorder) -> None:
    floor.now = ns("2026-01-05T17:00:00-05:00")
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(101), extended_hours=True)
    trader.submit(make_order(terms=terms))
    assert (await recorder.first(OrderFilled)).price == D(100)
    found = await trader.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.terms == terms


async def test_what_the_model_takes_the_venue_takes(floor: Floor, trader: AlpacaBroker, recorder: Recorder) -> None:
    """Send every pair of type and time in force: what is not in the table is refused by the venue, what is, is not."""
    assert trader.model is ALPACA
    floor.now = ns("2026-01-05T08:00:00-05:00")
    prices = {
        OrderType.MARKET: OrderTerms(),
        OrderType.LIMIT: OrderTerms(limit_price=D(50)),
        OrderType.STOP: OrderTerms(stop_price=D(150)),
        OrderType.STOP_LIMIT: OrderTerms(stop_price=D(150), limit_price=D(151)),
        OrderType.TRAILING_STOP: OrderTerms(trail_percent=D(5)),
    }
    taken: dict[str, bool] = {}
    for kind, base in prices.items():
        for tif in set(TimeInForce) - {TimeInForce.GTD}:
            for extended in (False, True):
                terms = msgspec.structs.replace(base, order_type=kind, time_in_force=tif, extended_hours=extended)
                name = f"t-{kind}-{tif}-{extended}"
                taken[name] = ALPACA.supports(terms, AssetClass.EQUITY)
                trader.submit(make_order(client_order_id=ClientOrderId(name), quantity=D(1), terms=terms))
    expected = {name for name, yes in taken.items() if yes}
    await recorder.wait(
        lambda: {r.client_order_id for r in (*recorder.of(OrderAccepted), *recorder.of(OrderRejected))} == set(taken)
    )
    assert {report.client_order_id for report in recorder.of(OrderAccepted)} == expected
