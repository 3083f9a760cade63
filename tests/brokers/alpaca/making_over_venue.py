"""An adapter that talks to a real paper venue."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.brokers.alpaca.making import make_order
from tests.brokers.scripted_venue import Recorder
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.market import QuoteTick
from tradingd.core.orders import (
    Order,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)
from tradingd.settings.venue import VenueSettings
from tradingd.venue.server import PaperVenue

D = Decimal


AAPL, BTC = Symbol("AAPL"), Symbol("BTC/USD")


SETTINGS = VenueSettings(rate_limit_per_minute=0)


def make_broker(venue: PaperVenue, recorder: Recorder, secret: str = "paper-secret") -> AlpacaBroker:
    return AlpacaBroker(
        base_url=venue.base_url,
        stream_url=venue.stream_url,
        data_url=venue.base_url,
        api_key="paper",
        api_secret=secret,
        account_kind="paper",
        sink=recorder.sink,
        clock=time.time_ns,
        is_ours=lambda client_order_id: client_order_id.startswith("t-"),
        refusal=lambda client_order_id: None,
        on_problem=recorder.on_problem,
        failure=recorder.failure,
        rng=random.Random(5),
        timeout_s=2.0,
    )


@pytest.fixture
async def paper(tmp_path: Path) -> AsyncIterator[PaperVenue]:
    venue = PaperVenue(
        SETTINGS,
        database=tmp_path / "venue.db",
        symbols=[AAPL, BTC],
        clock=time.time_ns,
        log=lambda _level, _event, _message, _details: None,
    )
    await venue.start()
    quote(venue, AAPL, 99.0, 101.0)
    quote(venue, BTC, 59_990.0, 60_010.0)
    yield venue
    await venue.stop()


@pytest.fixture
async def trader(paper: PaperVenue, recorder: Recorder) -> AsyncIterator[AlpacaBroker]:
    broker = make_broker(paper, recorder)
    await broker.connect([AAPL, BTC])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    yield broker
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await broker.close()
    assert recorder.failures == []


def quote(venue: PaperVenue, symbol: Symbol, bid: float, ask: float, size: float = 1000.0) -> None:
    now = time.time_ns()
    venue.on_market_data(
        QuoteTick(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, ts_event=now, ts_recv=now)
    )


def limit_order(name: str, price: str, *, side: Side = Side.BUY, quantity: str = "10") -> Order:
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(price), time_in_force=TimeInForce.DAY)
    return make_order(client_order_id=ClientOrderId(name), terms=terms, side=side, quantity=D(quantity))
