"""A market-data v2 server on loopback whose connections follow scripts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

Message: TypeAlias = dict[str, Any]


class Session:
    """The server's end of one connection, in the encoding that the client asked for."""

    def __init__(self, connection: ServerConnection, requests: list[Message]) -> None:
        self.connection = connection
        self._requests = requests
        assert connection.request is not None  # the handshake is over
        self.packed = connection.request.headers.get("Content-Type") == "application/msgpack"

    async def send(self, *messages: Message) -> None:
        await self.connection.send(self.encode(messages))

    async def send_fragments(self, *messages: Message) -> None:
        data = self.encode(messages)
        middle = len(data) // 2
        parts = [data[:middle], data[middle:]]
        await self.connection.send(parts)

    def encode(self, messages: Sequence[Message]) -> Any:
        if self.packed:
            return msgspec.msgpack.encode(messages)
        return msgspec.json.encode(messages).decode()

    async def expect(self) -> Message:
        data = await self.connection.recv(decode=False)
        request: Message = msgspec.msgpack.decode(data) if self.packed else msgspec.json.decode(data)
        self._requests.append(request)
        return request

    async def greet(self) -> Message:
        await self.send({"T": "success", "msg": "connected"})
        return await self.expect()

    async def log_in(self) -> None:
        await self.greet()
        await self.send({"T": "success", "msg": "authenticated"})
        wanted = await self.expect()
        await self.send({"T": "subscription", "trades": [], "quotes": [], "bars": []} | wanted | {"T": "subscription"})


Script: TypeAlias = Callable[[Session], Awaitable[None]]


class MarketDataServer:
    """Connection n follows script n, the last one serving all later ones; `statuses` refuse handshakes first."""

    def __init__(self, scripts: Sequence[Script], statuses: Sequence[HTTPStatus] = ()) -> None:
        self._scripts = list(scripts)
        self._statuses = list(statuses)
        self.requests: list[Message] = []
        self.connections = 0
        self.url = ""

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._statuses:
            return connection.respond(self._statuses.pop(0), "no\n")
        return None

    async def handle(self, connection: ServerConnection) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        await script(Session(connection, self.requests))


@asynccontextmanager
async def market_data_server(*scripts: Script, statuses: Sequence[HTTPStatus] = ()) -> AsyncIterator[MarketDataServer]:
    """Serve while the block runs."""
    server = MarketDataServer(scripts, statuses)
    async with serve(server.handle, "127.0.0.1", 0, process_request=server.refuse, close_timeout=1) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/v2/iex"
        yield server


async def stay(session: Session) -> None:
    """Keep a connection until the client leaves."""
    await session.connection.wait_closed()


async def forever(session: Session) -> None:
    """Log the client in and send nothing."""
    await session.log_in()
    await stay(session)


async def ended(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.done()
