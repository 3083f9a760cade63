"""One websocket to the venue, against a real server on loopback: order, bounds, turns, and every way to end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import uvloop
from tests.brokers.alpaca.making_socket import BOUND_S, Collector, connect
from tradingd.brokers.alpaca.socket import MAX_TURN, MAX_WAITING
from tradingd.errors import FeedError
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.utils import accept_key

Talk = Callable[[ServerConnection], Awaitable[None]]
RawTalk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk, **options: object) -> AsyncIterator[str]:
    async with serve(talk, "127.0.0.1", 0, **options) as running:  # type: ignore[arg-type]
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/stream"


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that need not speak websocket."""
    over = list[asyncio.Event]()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over.append(asyncio.Event())
        await talk(reader, writer)
        writer.close()
        over[-1].set()

    raw = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with raw:
        yield f"ws://127.0.0.1:{raw.sockets[0].getsockname()[1]}/"
        for event in over:
            await event.wait()


async def stay(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_messages_come_whole_and_in_order_whatever_their_frames_were() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("text")
        await connection.send(b"binary")
        await connection.send(["in ", "three ", "parts"])
        await connection.send("last")
        await stay(connection)

    collector = Collector(4)
    async with server(talk) as url:
        socket = await connect(url, collector)
        socket.release()
        await socket.wait(collector.all)
        assert collector.messages == [b"text", b"binary", b"in three parts", b"last"]
        await socket.close()


async def test_what_is_sent_arrives_with_the_headers_of_the_handshake() -> None:
    heard: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        first, second = await connection.recv(), await connection.recv()
        heard.set_result((connection.request.headers["X-Key"], first, second))
        await stay(connection)

    async with server(talk) as url:
        socket = await connect(url, lambda _message: None)
        socket.send(b"as text", text=True)
        socket.send(b"as bytes", text=False)
        assert await socket.wait(heard) == ("k", "as text", b"as bytes")
        await socket.close()


async def test_what_comes_while_held_is_kept_and_comes_first_when_released() -> None:
    async def talk(connection: ServerConnection) -> None:
        for number in range(300):
            await connection.send(str(number))
        await stay(connection)

    collector = Collector(300)
    async with server(talk) as url:
        socket = await connect(url, collector)
        await asyncio.sleep(0.05)
        assert collector.messages == []
        socket.release()
        await socket.wait(collector.all)
        assert collector.messages == [str(number).encode() for number in range(300)]
        await socket.close()


async def test_no_more_than_a_bounded_number_of_messages_waits_for_a_slow_owner() -> None:
    sent = 0

    async def talk(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(200_000):
            await connection.send(b"x" * 1000)
            sent += 1
        await stay(connection)

    async with server(talk, close_timeout=0.1) as url:
        socket = await connect(url, lambda _message: None)
        before = -1
        while sent != before or sent < MAX_WAITING:  # until the kernel's buffers are full as well
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 200_000
        assert MAX_WAITING <= len(socket._waiting) < MAX_WAITING + 1000
        socket.abort()


async def test_others_have_their_turn_during_a_flood() -> None:
    count = 100 * MAX_TURN

    async def talk(connection: ServerConnection) -> None:
        for _ in range(count):
            await connection.send(b"tick")
        await stay(connection)

    collector = Collector(count)
    async with server(talk) as url:
        socket = await connect(url, collector)
        await asyncio.sleep(0.2)  # let much of it wait
        socket.release()
        turns = [0]
        while not collector.all.done():
            await asyncio.sleep(0)
            turns.append(len(collector.messages))
        assert max(later - earlier for earlier, later in pairwise(turns)) <= 2 * MAX_TURN
        await socket.close()


async def test_what_the_owner_raises_ends_the_connection_and_comes_out_where_it_waits() -> None:
    async def talk(connection: ServerConnection) -> None:
        for number in range(5):
            await connection.send(str(number))
        await stay(connection)

    seen: list[bytes] = []

    def take(message: bytes) -> None:
        seen.append(message)
        if message == b"2":
            raise FeedError("no more of this")

    async with server(talk) as url:
        socket = await connect(url, take)
        socket.release()
        with pytest.raises(FeedError, match="no more of this"):
            await socket.end()
        assert seen == [b"0", b"1", b"2"]


@pytest.mark.parametrize("code", [1000, 1012])
async def test_a_close_of_the_venue_ends_it_with_its_code(code: int) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.close(code, "bye")

    async with server(talk) as url:
        socket = await connect(url, lambda _message: None)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.end()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, "bye")
        with pytest.raises(ConnectionClosed):
            socket.send(b"late", text=True)


async def test_a_cut_connection_ends_whoever_waits() -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with server(talk) as url:
        socket = await connect(url, lambda _message: None)
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with pytest.raises(ConnectionClosed):
            await socket.wait(never)


async def test_a_message_over_the_bound_ends_the_connection() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"x" * (1 << 17))
        await stay(connection)

    async with server(talk) as url:
        socket = await connect(url, lambda _message: None, max_bytes=1 << 16)
        socket.release()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.end()
        assert closed.value.sent is not None
        assert closed.value.sent.code == 1009


async def test_a_peer_that_answers_no_ping_is_dropped_and_one_that_does_is_kept() -> None:
    async def talk(connection: ServerConnection) -> None:
        await stay(connection)

    async with server(talk) as url:
        socket = await connect(url, lambda _message: None, ping_interval_s=0.01, pong_timeout_s=BOUND_S)
        ended = asyncio.create_task(socket.end())
        await asyncio.wait({ended}, timeout=0.3)
        assert not ended.done()
        await socket.close()
        with pytest.raises(ConnectionClosed):
            await ended

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = [
            line
            for line in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            if b"sec-websocket-key" in line.lower()
        ]
        writer.write(upgrade(key[0].split(b": ")[1]))
        await reader.read()

    async with raw_server(mute) as url:
        socket = await connect(url, lambda _message: None, ping_interval_s=0.01, pong_timeout_s=0.05)
        with pytest.raises(ConnectionClosed, match="keepalive ping timeout"):
            await socket.end()


def upgrade(key: bytes) -> bytes:
    lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    accept = f"Sec-WebSocket-Accept: {accept_key(key.decode())}"
    return "\r\n".join((*lines, accept, "", "")).encode()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", InvalidStatus),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", InvalidStatus),
        (b"nonsense\r\n\r\n", InvalidHandshake),
        (b"", (InvalidHandshake, OSError)),
    ],
    ids=["401", "redirect", "no http", "nothing"],
)
async def test_a_handshake_that_is_answered_otherwise_is_an_error(
    answer: bytes, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with raw_server(talk) as url:
        with pytest.raises(error):
            await connect(url, lambda _message: None)


async def test_a_handshake_that_is_not_answered_is_given_up() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(talk) as url:
        with pytest.raises(TimeoutError):
            await connect(url, lambda _message: None, timeout_s=0.05)


def test_it_works_on_the_daemon_s_own_event_loop() -> None:
    async def talk(connection: ServerConnection) -> None:
        for number in range(1000):
            await connection.send(str(number))
        assert await connection.recv() == "thanks"
        await connection.close(1012, "restart")

    async def scenario() -> None:
        collector = Collector(1000)
        async with server(talk) as url:
            socket = await connect(url, collector, ping_interval_s=0.001)
            socket.release()
            await socket.wait(collector.all)
            socket.send(b"thanks", text=True)
            with pytest.raises(ConnectionClosed, match="restart"):
                await socket.end()

    uvloop.run(scenario())
