"""What both kinds of websocket share: opening, reading, the outbox task, and closing all of them at the stop."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from tradingd.venue.outbox import Outbox

_CLOSE_SECONDS = 2.0
_MAX_REQUEST = 1 << 20


class SocketClient(Protocol):
    """One client's conversation."""

    outbox: Outbox

    async def greet(self) -> None:
        """Say what the server says first, if anything."""
        ...

    async def receive(self, raw: bytes) -> None:
        """Take one message; closing the socket ends the conversation."""
        ...

    async def send_batch(self, messages: Sequence[bytes]) -> None:
        """Send queued messages."""
        ...

    async def part_slow(self) -> None:
        """Say farewell to a client that does not keep up."""
        ...

    def leave(self) -> None:
        """Forget the client."""
        ...


class SocketServer:
    """Runs conversations and can end them all."""

    def __init__(self) -> None:
        self._open: dict[web.WebSocketResponse, web.Request] = {}

    async def serve(
        self, request: web.Request, join: Callable[[web.WebSocketResponse], SocketClient]
    ) -> web.WebSocketResponse:
        """Hold one conversation until either side ends it."""
        # No compression: the venue is on loopback, where it only costs time.
        socket = web.WebSocketResponse(compress=False, timeout=_CLOSE_SECONDS, max_msg_size=_MAX_REQUEST)
        await socket.prepare(request)
        self._open[socket] = request
        client = join(socket)
        pump = asyncio.create_task(self._pump(request, socket, client), name="venue-outbox")
        try:
            await client.greet()
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await client.receive(message.data.encode())
                elif message.type is WSMsgType.BINARY:
                    await client.receive(message.data)
        except ConnectionError:
            pass  # the peer vanished while it was being answered; its conversation is over either way
        finally:
            client.leave()
            self._open.pop(socket, None)
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
        return socket

    async def _pump(self, request: web.Request, socket: web.WebSocketResponse, client: SocketClient) -> None:
        await client.outbox.pump(client.send_batch)
        if not client.outbox.slow.is_set():
            return
        # Its buffers may be full, so that not even the farewell gets through.
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.part_slow()
                await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
        if request.transport is not None:
            request.transport.abort()

    def abort(self, path: str) -> None:
        """Reset every connection whose path begins so, without a farewell."""
        for request in self._open.values():
            if request.path.startswith(path) and request.transport is not None:
                request.transport.abort()

    async def close(self) -> None:
        """End every conversation."""
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in list(self._open)))
