"""A real HTTP and websocket server on loopback that answers as each test scripts it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from tradingd.core.broker_events import BrokerEvent

KEY, SECRET = "PKTEST", "hunter2-secret"
BOUND_S = 30.0  # reached where something is broken alone: every wait ends with its condition


@dataclass(frozen=True)
class Reply:
    """An answer; `body` None is an empty one."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True)
class Drop:
    """Read the request, then reset the connection."""


@dataclass(frozen=True)
class Hang:
    """Read the request, then say nothing."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


Answer = Reply | Drop | Hang | Callable[[Seen], Reply]


class ScriptedVenue:
    """Answers per method and path; the last answer of a script is given for ever."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.binary_frames = True
        self.answer_pings = True
        self.streams: list[web.WebSocketResponse] = []
        self.handshake_statuses: list[int] = []
        self.handshakes: list[Mapping[str, str]] = []
        """Headers of each connection to the order stream."""
        self.authorization_message = ""
        self.port = 0
        self.connections = 0
        self._stream_requests: list[web.Request] = []
        self._scripts: dict[tuple[str, str], list[Answer]] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Script the answers to a request, in order."""
        self._scripts[method, path] = list(answers)

    def requests(self, method: str, path: str) -> list[Seen]:
        """What arrived for one method and path."""
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self._stopping.set()
        for socket in self.streams:
            await socket.close()
        assert self._runner is not None
        await self._runner.cleanup()

    async def push(self, message: object) -> None:
        """Send one message on the newest stream connection; bytes go as they are."""
        socket = self.streams[-1]
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        if self.binary_frames:
            await socket.send_bytes(data)
        else:
            await socket.send_str(data.decode())

    async def cut_stream(self) -> None:
        """Break the newest stream connection without a closing handshake."""
        transport = self._stream_requests[-1].transport
        assert transport is not None
        transport.abort()

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds after a request."""
        async with asyncio.timeout(BOUND_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(
            request.method,
            request.raw_path.split("?")[0],
            dict(request.query),
            await request.read(),
            dict(request.headers),
        )
        self.seen.append(seen)
        self._changed.set()
        script = self._scripts.get((seen.method, seen.path))
        if script is None:
            return web.json_response({"code": 40410000, "message": f"nothing scripted for {seen.path}"}, status=404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(seen)
        match answer:
            case Drop():
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case Hang():
                await self._stopping.wait()
                return web.Response()
            case Reply(body=body, status=status, headers=headers, raw=raw):
                data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
                return web.Response(body=data, status=status, headers=headers, content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        self.handshakes.append(dict(request.headers))
        if self.handshake_statuses:
            return web.Response(status=self.handshake_statuses.pop(0))
        socket = web.WebSocketResponse(autoping=self.answer_pings)
        await socket.prepare(request)
        self.streams.append(socket)
        self._stream_requests.append(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            wanted = json.loads(message.data)
            match wanted["action"]:
                case "authenticate":
                    good = wanted["data"] == {"key_id": KEY, "secret_key": SECRET}
                    status = "authorized" if good else "unauthorized"
                    data = {"status": status, "action": "authenticate"}
                    if self.authorization_message:
                        data["message"] = self.authorization_message
                    await self.push({"stream": "authorization", "data": data})
                case "listen":
                    await self.push({"stream": "listening", "data": wanted["data"]})
        return socket


class Recorder:
    """Keeps what an adapter emits and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.events: list[BrokerEvent] = []
        self.problems: list[tuple[str, str, dict[str, Any]]] = []
        self.failures: list[BaseException] = []
        self.fault: Exception | None = None
        self._changed = asyncio.Event()

    def sink(self, event: BrokerEvent) -> None:
        if self.fault is not None:
            raise self.fault
        self.events.append(event)
        self._changed.set()

    def on_problem(self, event: str, message: str, details: dict[str, Any]) -> None:
        self.problems.append((event, message, details))
        self._changed.set()

    def failure(self, error: BaseException) -> None:
        self.failures.append(error)
        self._changed.set()

    def of(self, kind: type[BrokerEvent]) -> list[Any]:
        """Events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds after an event, a problem or a failure."""
        async with asyncio.timeout(BOUND_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def first(self, kind: type[BrokerEvent], count: int = 1) -> Any:
        """The event of a kind that makes `count` of them."""
        await self.wait(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


def order_json(client_order_id: str = "t-1", **changes: Any) -> dict[str, Any]:
    """An order object with every key that the venue always sends."""
    order: dict[str, Any] = {
        "id": "0b9e7c0a-0000-4000-8000-000000000001",
        "client_order_id": client_order_id,
        "created_at": "2026-03-02T14:30:00.000000001Z",
        "updated_at": "2026-03-02T14:30:00.000000003Z",
        "submitted_at": "2026-03-02T14:30:00.000000002Z",
        "filled_at": None,
        "expired_at": None,
        "canceled_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "notional": None,
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "time_in_force": "day",
        "limit_price": "100.5",
        "stop_price": None,
        "status": "new",
        "extended_hours": False,
        "legs": None,
    }
    return order | changes


def update_json(event: str, order: dict[str, Any], **data: Any) -> dict[str, Any]:
    """A `trade_updates` message."""
    body = {"event": event, "order": order, "timestamp": "2026-03-02T14:30:01.5Z", "execution_id": None}
    return {"stream": "trade_updates", "data": body | data}


ACCOUNT = {
    "id": "904837e3-3b76-47ec-b432-046db621571b",
    "account_number": "PA1",
    "status": "ACTIVE",
    "currency": "USD",
    "cash": "100000.25",
    "equity": "101000",
    "buying_power": "200000",
    "multiplier": "2",
    "shorting_enabled": True,
}
AAPL = {
    "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
    "class": "us_equity",
    "symbol": "AAPL",
    "status": "active",
    "tradable": True,
    "shortable": True,
    "fractionable": True,
}
BTC = {
    "id": "276e2673-764b-4ab6-a611-caf665ca6340",
    "class": "crypto",
    "symbol": "BTC/USD",
    "status": "active",
    "tradable": True,
    "fractionable": True,
    "min_order_size": "0.000016",
    "min_trade_increment": "0.000000001",
    "price_increment": "0.01",
}
