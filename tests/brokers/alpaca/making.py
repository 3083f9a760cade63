"""Frames, feeds, orders and answers as Alpaca words them, and what sends and hears them."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.msgpack import Ext
from tests.brokers.alpaca.market_data_server import MarketDataServer, Session, ended, stay
from tests.feeds.recording import RecordingSink
from tradingd.brokers.alpaca.commands import Command, CommandConnections, Gate
from tradingd.brokers.alpaca.feed import AlpacaFeed
from tradingd.brokers.alpaca.outcomes import FaultKind, HttpAnswer, RequestEnd, TransportFault
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.orders import Order, OrderTerms, Side
from tradingd.runtime.backoff import Backoff
from yarl import URL

BOUND_S = 20.0


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r1\r\n\r\n{}"


class Sender:
    """Sends commands and keeps how they ended."""

    def __init__(self, base: str, timeout_s: float = BOUND_S) -> None:
        self.failures: list[BaseException] = []
        self.answers: list[HttpAnswer] = []
        self.connections = CommandConnections(
            URL(base),
            {"X-Key": "secret"},
            timeout_s=timeout_s,
            failure=self.failures.append,
            on_answer=self.answers.append,
        )
        self.connections.open()

    def send(
        self, method: str = "POST", body: bytes | None = b"{}", *, gate: Gate | None = None
    ) -> "asyncio.Future[RequestEnd]":
        end: asyncio.Future[RequestEnd] = asyncio.get_running_loop().create_future()
        tell = end.set_result  # which raises when it is told twice
        body = body if method == "POST" else None
        self.connections.send(Command(method=method, path="/v2/orders", body=body, on_end=tell, gate=gate))
        return end

    async def ask(self, method: str = "POST") -> RequestEnd:
        async with asyncio.timeout(BOUND_S):
            return await self.send(method)


def fault(end: RequestEnd) -> FaultKind:
    assert isinstance(end, TransportFault), end
    return end.kind


def status(end: RequestEnd) -> int:
    assert isinstance(end, HttpAnswer), end
    return end.status


AAPL = Symbol("AAPL")


NOW = 1_700_000_000_000_000_000


TIME = "2021-02-22T15:51:44.208123456Z"


TIME_NS = 1_614_009_104_208_123_456


PACKED_TIME = Ext(-1, ((208_123_456 << 34) | 1_614_009_104).to_bytes(8, "big"))


QUOTE = {
    "T": "q",
    "S": "AAPL",
    "bx": "V",
    "bp": 10.0,
    "bs": 100,
    "ap": 10.5,
    "as": 200,
    "c": ["R"],
    "z": "C",
    "t": TIME,
}


TRADE = {"T": "t", "S": "AAPL", "i": 5, "x": "V", "p": 10.25, "s": 7, "c": ["@"], "z": "C", "t": TIME}


BAR = {"T": "b", "S": "AAPL", "o": 1, "h": 3, "l": 1, "c": 2, "v": 9, "n": 2, "vw": 2.0, "t": "1970-01-01T00:05:00Z"}


def quick() -> Backoff:
    return Backoff(0.001, 0.005, random.Random(1))


def make_feed(server: MarketDataServer, **options: Any) -> AlpacaFeed:
    defaults: dict[str, Any] = {
        "symbols": [AAPL], "backoff": quick(), "slot_backoff": quick(), "encoding": "json", "clock": lambda: NOW,
    }  # fmt: skip
    return AlpacaFeed(server.url, "key", "secret", **(defaults | options))


@asynccontextmanager
async def running(feed: AlpacaFeed, sink: RecordingSink) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run(sink))
    try:
        yield
    finally:
        await ended(task)


def says(*messages: dict[str, object]) -> Callable[[Session], Any]:
    async def script(session: Session) -> None:
        await session.log_in()
        await session.send(*messages)
        await stay(session)

    return script


def complains(code: int) -> Callable[[Session], Any]:
    async def script(session: Session) -> None:
        await session.greet()
        await session.send({"T": "error", "code": code, "msg": f"message {code}"})
        await stay(session)

    return script


class Heard:
    """What a stream said, as words, and a way to wait for the next."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._changed = asyncio.Event()

    def note(self, word: str) -> None:
        self.words.append(word)
        self._changed.set()

    async def until(self, word: str, count: int = 1) -> None:
        async with asyncio.timeout(BOUND_S):
            while self.words.count(word) < count:
                self._changed.clear()
                await self._changed.wait()


ORDERS = "/v2/orders"


FILLS = "/v2/account/activities/FILL"


BARS = "/v2/stocks/bars"


START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


SINCE_NS = int(START.timestamp()) * 1_000_000_000


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def bar_json(minute: int) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    return {"t": stamp(at), "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 100, "n": 3, "vw": 1.2}


D = Decimal


def make_order(**changes: object) -> Order:
    order = Order(
        client_order_id=ClientOrderId("t-1"),
        strategy_id=StrategyId("t"),
        symbol=Symbol("AAPL"),
        side=Side.BUY,
        quantity=D("10"),
        terms=OrderTerms(),
        trace_id=TraceId("tr"),
        ts_created=1,
        reference_price=D("100"),
    )
    return msgspec.structs.replace(order, **changes)
