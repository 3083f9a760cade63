"""Orders and records for the tests of the Interactive Brokers adapter."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from tests.feeds.recording import RecordingSink
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.brokers.ib.feed import IbFeed
from tradingd.brokers.ib.wire import WireContract, WireExecution, WireOrder, WireStatus
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.orders import Order, OrderTerms, OrderType, Side
from tradingd.feeds.base import Feed, FeedState

D = Decimal
AAPL = Symbol("AAPL")
SYMBOLS = (AAPL, Symbol("EUR/USD"), Symbol("PENY"))
SHARE = WireContract(
    con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD", local_symbol="AAPL"
)


class Making(Protocol):
    """Makes an adapter for the emulator of the test."""

    def __call__(self, **changes: Any) -> IbBroker:
        """Make one, with other arguments than the usual ones."""
        ...


def order(
    name: str = "t-1", *, quantity: str = "100", side: Side = Side.BUY, symbol: str = "AAPL", **terms: Any
) -> Order:
    """An order of ours; at market unless the terms say otherwise."""
    return Order(
        client_order_id=ClientOrderId(name),
        strategy_id=StrategyId("s"),
        symbol=Symbol(symbol),
        side=side,
        quantity=D(quantity),
        terms=OrderTerms(**terms),
        trace_id=TraceId("t"),
        ts_created=time.time_ns(),
        reference_price=D(190),
    )


def resting(name: str = "t-1", price: str = "180", **changes: Any) -> Order:
    """A limit order far below the market."""
    return order(name, order_type=OrderType.LIMIT, limit_price=D(price), **changes)


def wire_order(**changes: Any) -> WireOrder:
    """openOrder of a limit order of ours."""
    wire = WireOrder(
        contract=SHARE,
        order_id=11,
        client_id=7,
        perm_id=501,
        ref="t-1",
        account="DU1",
        action="BUY",
        quantity=D(100),
        order_type="LMT",
        limit_price=D(180),
        aux_price=D(0),
        trail_stop=None,
        trail_percent=None,
        tif="DAY",
        good_till="",
        outside_rth=False,
        status="Submitted",
    )
    return msgspec.structs.replace(wire, **changes)


def wire_status(status: str = "Submitted", **changes: Any) -> WireStatus:
    """orderStatus of the same order."""
    wire = WireStatus(
        order_id=11, client_id=7, perm_id=501, status=status, filled=D(0), average_price=None, why_held=""
    )
    return msgspec.structs.replace(wire, **changes)


def wire_execution(exec_id: str = "0000e0d5.65a1.01.01", **changes: Any) -> WireExecution:
    """execDetails of the same order."""
    wire = WireExecution(
        contract=SHARE,
        exec_id=exec_id,
        order_id=11,
        client_id=7,
        perm_id=501,
        ref="t-1",
        account="DU1",
        side="BOT",
        quantity=D(40),
        price=D("180.5"),
        cum_quantity=D(40),
        liquidation=0,
        ts_event=1_000_000_000,
        is_live=True,
    )
    return msgspec.structs.replace(wire, **changes)


Problems = list[tuple[str, str, dict[str, Any]]]


class Listening:
    """A feed that runs, with what it has told."""

    def __init__(self, feed: IbFeed, sink: RecordingSink, problems: Problems) -> None:
        self.feed, self.sink, self.problems = feed, sink, problems

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event, _ in self.sink.events if isinstance(event, kind)]

    async def up(self, times: int = 1) -> None:
        await self.sink.until(lambda: self.sink.states.count(FeedState.UP) >= times)

    async def asked(self, tws: TwsEmulator, requests: int = 1, client_id: int = 8) -> None:
        """Wait until the emulator has the feed's requests: only from then on is anything told."""
        async with asyncio.timeout(10):
            while True:
                session = tws.sessions.get(client_id)
                if session is not None:
                    data = session.data
                    if len(data._lines) + len(data._by_tick) + len(data._bars) >= requests:
                        return
                await asyncio.sleep(0.01)

    async def count(self, kind: type[Any], least: int) -> list[Any]:
        await self.sink.until(lambda: len(self.of(kind)) >= least)
        return self.of(kind)


@asynccontextmanager
async def listening(tws: TwsEmulator, **changes: Any) -> AsyncIterator[Listening]:
    problems: Problems = []
    arguments: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": tws.port,
        "client_id": 8,
        "symbols": (AAPL,),
        "contracts": {},
        "on_problem": lambda event, message, details: problems.append((event, message, details)),
        "timeout_s": 2.0,
        "rng": random.Random(3),
    }
    feed = IbFeed(**{**arguments, **changes})
    offered: Feed = feed  # the type checker's proof that it offers everything
    assert offered.realtime
    sink = RecordingSink()
    task = asyncio.create_task(feed.run(sink))
    try:
        yield Listening(feed, sink, problems)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
