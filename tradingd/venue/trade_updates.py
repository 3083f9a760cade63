"""The `/stream` websocket: authenticate, listen, then every event of every order.

Emits JSON in binary frames, as Alpaca's paper venue does, or msgpack to a client that asked for it at the handshake.
Delivery is at most once: a client that was away asks for what it missed by REST.
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from tradingd.venue.fault_frames import FrameFaults
from tradingd.venue.gate import Credentials
from tradingd.venue.outbox import Outbox
from tradingd.venue.sockets import SocketServer

_STREAM = "trade_updates"
_QUEUE = 10_000


class TradeUpdates:
    """All listeners of the account's order events."""

    def __init__(self, credentials: Credentials, sockets: SocketServer) -> None:
        self._credentials = credentials
        self._sockets = sockets
        self._listeners: set[_Listener] = set()
        self.faults: FrameFaults | None = None
        self.sent = 0
        """Events handed to listeners so far, each counted once for each listener."""

    def publish(self, data: dict[str, object]) -> None:
        """Queue one event for every listener; the frames leave on the next turn of the loop."""
        if self.faults is None:
            self.deliver(data)
        else:
            self.faults.publish(data)

    def deliver(self, data: dict[str, object]) -> None:
        """Queue one event as it is."""
        if not self._listeners:
            return
        frames: dict[bool, bytes] = {}
        for listener in self._listeners:
            frame = frames.get(listener.msgpack)
            if frame is None:
                frame = frames[listener.msgpack] = listener.encode({"stream": _STREAM, "data": data})
            listener.outbox.put(frame)
            self.sent += 1

    def deliver_raw(self, frame: bytes) -> None:
        """Queue bytes as they are."""
        for listener in self._listeners:
            listener.outbox.put(frame)

    def cut(self) -> None:
        """Reset the connection of every listener."""
        self._sockets.abort("/stream")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection."""
        if self.faults is not None and self.faults.is_refused:
            return web.Response(status=406, text="connection limit exceeded")
        msgpack = request.headers.get("Content-Type") == "application/msgpack"
        return await self._sockets.serve(request, lambda socket: _Listener(self, self._credentials, socket, msgpack))

    def listen(self, listener: "_Listener", wanted: bool) -> None:
        """Put a client on the list or take it off."""
        if wanted:
            self._listeners.add(listener)
            if self.faults is not None:
                self.faults.listening()
        else:
            self._listeners.discard(listener)


class _Listener:
    def __init__(
        self, hub: TradeUpdates, credentials: Credentials, socket: web.WebSocketResponse, msgpack: bool
    ) -> None:
        self.outbox = Outbox(_QUEUE)
        self.msgpack = msgpack
        self._hub = hub
        self._credentials = credentials
        self._socket = socket
        self._authorized = False

    def encode(self, message: object) -> bytes:
        return msgspec.msgpack.encode(message) if self.msgpack else msgspec.json.encode(message)

    async def greet(self) -> None:
        """Say nothing: the client speaks first."""

    async def receive(self, raw: bytes) -> None:
        """Answer one request."""
        try:
            request = msgspec.msgpack.decode(raw) if self.msgpack else msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            request = None
        if not isinstance(request, dict):
            await self._answer({"action": "error", "data": {"error_message": "invalid message"}})
            return
        data = request.get("data")
        data = data if isinstance(data, dict) else {}
        match request.get("action"):
            case "authenticate":
                await self._authenticate(data.get("key_id"), data.get("secret_key"))
            case "auth":
                await self._authenticate(request.get("key"), request.get("secret"))
            case "listen" if self._authorized:
                streams = data.get("streams")
                wanted = isinstance(streams, list) and _STREAM in streams
                # On the list before the answer: an event that comes between the two is not lost.
                self._hub.listen(self, wanted)
                await self._answer({"stream": "listening", "data": {"streams": [_STREAM] if wanted else []}})
            case "listen":
                await self._answer(_authorization("unauthorized", "listen"))
            case other:
                await self._answer({"action": "error", "data": {"error_message": f"unknown action {other!r}"}})

    async def _authenticate(self, key: object, secret: object) -> None:
        self._authorized = self._credentials.match(key, secret)
        await self._answer(_authorization("authorized" if self._authorized else "unauthorized", "authenticate"))

    async def _answer(self, message: object) -> None:
        await self._socket.send_bytes(self.encode(message))

    async def send_batch(self, messages: Sequence[bytes]) -> None:
        """Send queued events, a frame each."""
        for message in messages:
            await self._socket.send_bytes(message)

    async def part_slow(self) -> None:
        """Say why the connection ends."""
        await self._answer({"action": "error", "data": {"error_message": "slow client"}})

    def leave(self) -> None:
        """Take the client off the list."""
        self._hub.listen(self, False)


def _authorization(status: str, action: str) -> dict[str, object]:
    return {"stream": "authorization", "data": {"status": status, "action": action}}
