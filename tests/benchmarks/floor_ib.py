"""The floors over Interactive Brokers: the smallest programs that turn the gateway's ticks into orders.

    python -m tests.benchmarks.floor_ib PORT bare       a socket, a split of the frame, and the bytes of placeOrder
    python -m tests.benchmarks.floor_ib PORT library    the same with the client of ib_insync or ib_async

on uvloop; no modules, no risk check, no journal, no log. What the daemon needs more than these is what it costs.
"""
# ruff: noqa: N802 - the names are those that the library calls

import asyncio
import importlib
import importlib.util
import struct
import sys
from collections.abc import Callable
from typing import Any, cast

import uvloop
from tests.benchmarks.trigger import MARK

LIBRARY = next((name for name in ("ib_insync", "ib_async") if importlib.util.find_spec(name)), "")
_CLIENT_ID, _REQUEST = 17, 1
_MARKED = str(int(MARK))

# placeOrder for a market order at version 176, with the fields that differ from order to order left open.
_ORDER = (
    "3|{order_id}|1|BENCH|STK||0.0|||SMART||USD|BENCH|BENCH|||{action}|1.0|MKT|||DAY||{account}|O|0|{ref}|1|0|0|0|0|0|0"
    "|0||0.0||||||||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||0||0|0|0|0|||||||0|||||||||0|0|0|0|||0||"
)


def place_order(order_id: int, action: str, ref: str, account: str) -> bytes:
    """The frame of a market order for one unit."""
    return _framed(_ORDER.format(order_id=order_id, action=action, ref=ref, account=account))


def _framed(text: str) -> bytes:
    payload = (text + "|").replace("|", "\0").encode()
    return struct.pack(">I", len(payload)) + payload


class Bare(asyncio.Protocol):
    """Socket in, socket out."""

    def __init__(self) -> None:
        self._bytes = b""
        self._transport: asyncio.Transport | None = None
        self._account = ""
        self._count = 0
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport.write(b"API\0" + struct.pack(">I", 9) + b"v157..176")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Cut frames out of the stream and answer the marked quote."""
        data = self._bytes + data if self._bytes else data
        at, size = 0, len(data)
        while size - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4])
            if end > size:
                break
            self._take(data[at + 4 : end].decode().split("\0"))
            at = end
        self._bytes = data[at:]

    def _take(self, fields: list[str]) -> None:
        assert self._transport is not None
        match fields:
            case ["99", _, "3", _, bid, ask, bid_size, ask_size, *_]:
                _, _, size, _ = float(bid), float(ask), float(bid_size), float(ask_size)
                if size == MARK:
                    self._count += 1
                    action = "BUY" if self._count % 2 else "SELL"
                    self._transport.write(place_order(self._count, action, f"floor-{self._count}", self._account))
            case ["15", _, accounts, *_]:
                self._account = accounts.partition(",")[0]
            case ["9", *_]:
                contract = "1|BENCH|STK||0.0|||SMART||USD|BENCH|BENCH"
                self._transport.write(_framed(f"97|{_REQUEST}|{contract}|BidAsk|0|0"))
            case [version, time, *_] if version == "176" and time:
                self._transport.write(_framed(f"71|2|{_CLIENT_ID}|"))
            case _:
                pass


async def bare(port: int) -> None:
    """Trade over a socket until it is closed."""
    _, client = await asyncio.get_running_loop().create_connection(Bare, "127.0.0.1", port)
    await client.lost.wait()


class Wrapper:
    """The other side of the library's decoder, for what the benchmark sends."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._contract = library.Contract(
            conId=1, symbol="BENCH", secType="STK", exchange="SMART", currency="USD", localSymbol="BENCH",
            tradingClass="BENCH",
        )  # fmt: skip
        self._account = ""
        self._count = 0
        self.client: Any = None
        self.lost = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take whatever else the decoder tells."""
        return lambda *_: None

    def setEventsDone(self) -> None:
        """The socket is gone."""
        self.lost.set()

    def connectionClosed(self) -> None:
        """The socket is gone."""
        self.lost.set()

    def managedAccounts(self, accounts: str) -> None:
        """The accounts of the login."""
        self._account = accounts.partition(",")[0]

    def subscribe(self) -> None:
        """Ask for quotes."""
        self.client.reqTickByTickData(_REQUEST, self._contract, "BidAsk", 0, False)

    def tickByTickBidAsk(
        self, _req_id: int, _seconds: int, _bid: float, _ask: float, bid_size: float, *_: object
    ) -> None:
        """Answer the marked quote with an order."""
        if bid_size == MARK:
            self.client.placeOrder(*self.next_order())

    def next_order(self) -> tuple[int, Any, Any]:
        """The arguments of the next placeOrder."""
        self._count += 1
        order = self._library.Order(
            orderId=self._count,
            action="BUY" if self._count % 2 else "SELL",
            totalQuantity=1.0,
            orderType="MKT",
            tif="DAY",
            orderRef=f"floor-{self._count}",
            account=self._account,
        )
        return self._count, self._contract, order


async def with_library(port: int) -> None:
    """Trade with the library's client until its socket is closed."""
    asyncio.set_event_loop(asyncio.get_running_loop())
    library: Any = importlib.import_module(LIBRARY)
    wrapper = Wrapper(library)
    wrapper.client = library.Client(wrapper)
    wrapper.client.MaxRequests = 0
    await wrapper.client.connectAsync("127.0.0.1", port, _CLIENT_ID, 5)
    wrapper.subscribe()
    await wrapper.lost.wait()


if __name__ == "__main__":
    uvloop.run({"bare": bare, "library": with_library}[sys.argv[2]](int(sys.argv[1])))
