"""The far side of the benchmark: sends ticks, takes orders, and times what lies between.

Speaks as much of Alpaca's protocol as a client needs to start and trade. A tick is stamped just before it is written;
its order is stamped when the request has been read.
"""

import asyncio
import time
from uuid import uuid4

import msgspec
from aiohttp import WSMsgType, web
from tests.benchmarks.loads import Load, Stopwatch, Timing
from tests.benchmarks.trigger import MARK

SYMBOL = "BENCH"


class Exchange:
    """One venue for one client."""

    def __init__(self) -> None:
        self._market: web.WebSocketResponse | None = None
        self._updates: web.WebSocketResponse | None = None
        self.subscribed = asyncio.Event()
        self._watch = Stopwatch()
        self._cash = 1e9
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/v2/account", self._account),
                web.get("/v2/assets/{symbol}", self._asset),
                web.get("/v2/clock", self._clock),
                web.get("/v2/orders", self._nothing),
                web.get("/v2/positions", self._positions),
                web.get("/v2/account/activities/FILL", self._nothing),
                web.get("/v2/stocks/bars", self._bars),
                web.post("/v2/orders", self._order),
                web.get("/stream", self._serve_updates),
                web.get("/v2/iex", self._serve_market),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """Close everything."""
        for socket in (self._market, self._updates):
            if socket is not None and not socket.closed:
                await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- REST ---------------------------------------------------------------------------------------------------------

    async def _account(self, request: web.Request) -> web.Response:
        cash = f"{self._cash:.2f}"
        return web.json_response(
            {
                "id": "11111111-1111-4111-8111-111111111111",
                "account_number": "B1",
                "status": "ACTIVE",
                "currency": "USD",
                "cash": cash,
                "equity": cash,
                "buying_power": cash,
                "multiplier": "4",
                "shorting_enabled": True,
                "trading_blocked": False,
                "account_blocked": False,
                "trade_suspended_by_user": False,
            }
        )

    async def _asset(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "id": "22222222-2222-4222-8222-222222222222",
                "class": "us_equity",
                "exchange": "NASDAQ",
                "symbol": SYMBOL,
                "name": SYMBOL,
                "status": "active",
                "tradable": True,
                "marginable": True,
                "shortable": True,
                "easy_to_borrow": True,
                "fractionable": True,
            }
        )

    async def _clock(self, request: web.Request) -> web.Response:
        now = "2030-01-02T12:00:00-05:00"
        return web.json_response({"timestamp": now, "is_open": True, "next_open": now, "next_close": now})

    async def _nothing(self, request: web.Request) -> web.Response:
        return web.json_response([])

    async def _bars(self, request: web.Request) -> web.Response:
        return web.json_response({"bars": {}, "next_page_token": None})

    async def _positions(self, request: web.Request) -> web.Response:
        return web.json_response([])

    async def _order(self, request: web.Request) -> web.Response:
        arrived = time.perf_counter_ns()
        body = msgspec.json.decode(await request.read())
        self._watch.on_order(arrived)
        order = {
            "id": str(uuid4()),
            "client_order_id": body["client_order_id"],
            "created_at": _now(),
            "updated_at": _now(),
            "submitted_at": _now(),
            "symbol": SYMBOL,
            "asset_class": "us_equity",
            "qty": body["qty"],
            "filled_qty": "0",
            "type": "market",
            "side": body["side"],
            "time_in_force": "day",
            "limit_price": None,
            "stop_price": None,
            "status": "new",
            "extended_hours": False,
            "order_class": "",
            "legs": None,
        }
        await self._tell("new", order)
        filled = {**order, "status": "filled", "filled_qty": body["qty"], "filled_avg_price": "100.0"}
        await self._tell("fill", filled, price="100.0", qty=body["qty"], execution_id=str(uuid4()), position_qty="0")
        return web.Response(body=msgspec.json.encode(order), content_type="application/json")

    # -- websockets ---------------------------------------------------------------------------------------------------

    async def _tell(self, event: str, order: dict[str, object], **more: str) -> None:
        if self._updates is not None and not self._updates.closed:
            data = {"event": event, "order": order, "timestamp": _now(), **more}
            await self._updates.send_bytes(msgspec.json.encode({"stream": "trade_updates", "data": data}))

    async def _serve_updates(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            action = msgspec.json.decode(message.data)["action"]
            if action == "authenticate":
                answer = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
            else:
                answer = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
                self._updates = socket
            await socket.send_bytes(msgspec.json.encode(answer))
        return socket

    async def _serve_market(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.send_str('[{"T":"success","msg":"connected"}]')
        async for message in socket:
            if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                break
            action = msgspec.json.decode(message.data)["action"]
            if action == "auth":
                await socket.send_str('[{"T":"success","msg":"authenticated"}]')
            else:
                await socket.send_str(f'[{{"T":"subscription","trades":[],"quotes":["{SYMBOL}"],"bars":[]}}]')
                self._market = socket
                self.subscribed.set()
        return socket

    # -- loads --------------------------------------------------------------------------------------------------------

    async def run(self, load: Load) -> Timing:
        """Send a paced load and wait until every order that it asked for has come."""
        market = self._market
        assert market is not None
        stamp = _now()
        plain = f'{{"T":"q","S":"{SYMBOL}","bx":"V","bp":99.99,"bs":100,"ax":"V","ap":100.01,"as":100,"t":"{stamp}"}}'
        marked = plain.replace('"bs":100', f'"bs":{MARK:.0f}')
        filler = "[" + ",".join([plain] * load.per_frame) + "]"
        trigger = "[" + ",".join([*[plain] * (load.per_frame - 1), marked]) + "]"

        async def send(asks: bool) -> None:
            await market.send_str(trigger if asks else filler)

        return await self._watch.run(load, send)


def _now() -> str:
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanos:09d}Z"
