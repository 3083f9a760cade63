"""The far side of the benchmark over Interactive Brokers: as much of a gateway as a client needs to start and trade.

Owns: the clients' sockets and the stamps. A tick is stamped just before its frame is written, its order when the bytes
of placeOrder have been read. Every order fills at once.
"""

import asyncio
import os
import time
from decimal import Decimal
from typing import cast

import msgspec
from tests.benchmarks.loads import Load, Stopwatch, Timing
from tests.benchmarks.trigger import MARK
from tests.tws import answers, answers_orders
from tests.tws.contracts import IbContract
from tests.tws.records import Execution, IbOrder, Status
from tests.tws.requests import OrderAsked, read_order
from tests.tws.session import START_API
from tests.tws.wire import Fields, FrameReader, frame, read_version_range, split
from tradingd.core.market import NS_PER_SECOND

CONTRACT = IbContract(con_id=1, symbol="BENCH", local_symbol="BENCH")
VERSION = 176
ACCOUNT = f"DU{os.getpid()}"
"""Of its own, since a daemon locks its account on the whole machine."""
_PRICE = Decimal(100)
_CASH = Decimal(1_000_000_000)
_FIGURES = ("NetLiquidation", "TotalCashValue", "AvailableFunds", "BuyingPower")


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._frames = FrameReader(expects_greeting=True)
        self._greeted = False
        self._client_id = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._gateway.clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the socket."""
        self._gateway.clients.discard(self)

    def data_received(self, data: bytes) -> None:
        """Stamp what came, and answer it."""
        arrived_ns = time.perf_counter_ns()
        for payload in self._frames.feed(data):
            if self._greeted:
                self._answer(Fields(split(payload)), arrived_ns)
            else:
                assert read_version_range(payload)[1] >= VERSION
                self._greeted = True
                self.send(frame(VERSION, "20300102 12:00:00 EST"))

    def send(self, *messages: bytes) -> None:
        """Write some messages as one packet."""
        assert self._transport is not None
        self._transport.write(b"".join(messages))

    def close(self) -> None:
        """End the connection."""
        assert self._transport is not None
        self._transport.close()

    def _answer(self, fields: Fields, arrived_ns: int) -> None:
        match fields.integer():
            case 3:
                self._gateway.watch.on_order(arrived_ns)
                self._fill(read_order(fields, VERSION))
            case 5 | 16:  # reqOpenOrders, reqAllOpenOrders
                self.send(frame(53, 1))
            case 7:  # reqExecutions
                fields.skip(1)
                self.send(frame(55, 1, fields.integer()))
            case 9:  # reqContractDetails
                fields.skip(1)
                number = fields.integer()
                details = answers.contract_details(VERSION, number, CONTRACT, "SMART", time.time_ns())
                self.send(details, frame(52, 1, number))
            case 49:
                self.send(answers.current_time(time.time_ns()))
            case 61:  # reqPositions
                self.send(frame(62, 1))
            case 76:  # reqAccountUpdatesMulti
                fields.skip(1)
                number = fields.integer()
                told = [frame(73, 1, number, ACCOUNT, "", figure, _CASH, "USD") for figure in _FIGURES]
                self.send(*told, frame(74, 1, number))
            case 91:
                self.send(answers.market_rule(fields.integer()))
            case 97:  # reqTickByTickData
                number = fields.integer()
                fields.skip(12)
                if fields.text() == "BidAsk":
                    self._gateway.on_subscribed(self, number)
            case 99:  # reqCompletedOrders
                self.send(frame(102))
            case message if message == START_API:
                fields.skip(1)
                self._client_id = fields.integer()
                self.send(answers.managed_accounts((ACCOUNT,)), answers.next_valid_id(1))
            case _:
                pass

    def _fill(self, asked: OrderAsked) -> None:
        perm_id = self._gateway.next_perm_id()
        placed = IbOrder(
            perm_id=perm_id,
            client_id=self._client_id,
            order_id=asked.order_id,
            con_id=CONTRACT.con_id,
            action=asked.action,
            quantity=asked.quantity,
            order_type=asked.order_type,
            account=ACCOUNT,
            order_ref=asked.order_ref,
            status=Status.SUBMITTED,
        )
        filled = msgspec.structs.replace(
            placed, status=Status.FILLED, filled=asked.quantity, average_price=_PRICE, last_price=_PRICE
        )
        told = Execution(
            exec_id=f"0000e0d5.{perm_id:08x}.01.01",
            perm_id=perm_id,
            client_id=self._client_id,
            order_id=asked.order_id,
            con_id=CONTRACT.con_id,
            account=ACCOUNT,
            exchange="SMART",
            side="BOT" if asked.action == "BUY" else "SLD",
            shares=asked.quantity,
            price=_PRICE,
            cum_quantity=asked.quantity,
            average_price=_PRICE,
            order_ref=asked.order_ref,
            ts_ns=time.time_ns(),
            commission=Decimal(1),
            currency="USD",
        )
        self.send(answers_orders.open_order(VERSION, placed, CONTRACT), answers_orders.order_status(placed))
        self.send(
            answers.execution(VERSION, -1, told, CONTRACT, "US/Eastern"),
            answers_orders.open_order(VERSION, filled, CONTRACT),
            answers_orders.order_status(filled),
            answers.commission(told),
        )


class Gateway:
    """One gateway; whoever asks for quotes tick by tick gets the load."""

    def __init__(self) -> None:
        self.port = 0
        self.subscribed = asyncio.Event()
        self.watch = Stopwatch()
        self.clients: set[Client] = set()
        self._subscription: tuple[Client, int] | None = None
        self._server: asyncio.Server | None = None
        self._perm_id = 1_893_044_000

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Client(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        for client in tuple(self.clients):
            client.close()
        await self._server.wait_closed()

    def next_perm_id(self) -> int:
        """A number for an order."""
        self._perm_id += 1
        return self._perm_id

    def on_subscribed(self, client: Client, number: int) -> None:
        """Take note of who gets the ticks."""
        self._subscription = client, number
        self.subscribed.set()

    async def run(self, load: Load) -> Timing:
        """Send a paced load and wait until every order that it asked for has come."""
        assert self._subscription is not None
        client, number = self._subscription
        at = time.time_ns() // NS_PER_SECOND

        def quote(bid_size: float) -> bytes:
            return frame(99, number, 3, at, 99.99, 100.01, f"{bid_size:.0f}", 100, 0)

        plain, marked = quote(100), quote(MARK)
        filler, trigger = plain * load.per_frame, plain * (load.per_frame - 1) + marked

        async def send(asks: bool) -> None:
            client.send(trigger if asks else filler)

        return await self.watch.run(load, send)
