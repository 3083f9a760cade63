"""Commands on the wire, against a server that does what it likes: what each end proves, and what is sent how often."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop
from tests.brokers.alpaca.making import BOUND_S, OK, Sender, fault, status
from tradingd.brokers.alpaca.commands import MAX_ANSWER_BYTES, MAX_CONNECTIONS, Command, CommandConnections
from tradingd.brokers.alpaca.outcomes import FaultKind, HttpAnswer, RequestEnd, TransportFault
from tradingd.errors import UsageError
from yarl import URL

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Server:
    """Counts connections, and keeps every request as it came."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.requests: list[bytes] = []
        self.connections = 0
        self._over: list[asyncio.Event] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, over = self.connections, asyncio.Event()
        self.connections += 1
        self._over.append(over)
        try:
            await self._talk(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            over.set()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request to its end."""
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        whole = head + (await reader.readexactly(int(lengths[0])) if lengths else b"")
        self.requests.append(whole)
        return whole

    async def wait_over(self) -> None:
        for over in self._over:
            await over.wait()


@asynccontextmanager
async def listening(talk: Talk, timeout_s: float = BOUND_S) -> AsyncIterator[tuple[Server, "Sender"]]:
    server = Server(talk)
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with running:
        port = running.sockets[0].getsockname()[1]
        sender = Sender(f"http://127.0.0.1:{port}", timeout_s)
        yield server, sender
        await sender.connections.close()
        await server.wait_over()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


def answering(answer: bytes) -> Talk:
    """Gives the same answer to every request."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST"):
                await reader.readexactly(2)
            writer.write(answer)

    return talk


async def test_a_command_is_a_whole_request_and_its_answer_comes_with_headers_and_body() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            writer.write(OK)

    async with listening(talk) as (server, sender):
        end = await sender.ask()
        assert isinstance(end, HttpAnswer)
        assert (end.status, end.body, end.headers["x-request-id"]) == (200, b"{}", "r1")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /v2/orders HTTP/1.1"
        assert b"X-Key: secret" in lines
        assert b"Content-Length: 2" in lines
        assert body == b"{}"
        assert sender.answers == [end]


def test_with_a_warm_connection_the_bytes_leave_in_the_call_itself() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sender = Sender(f"http://127.0.0.1:{listener.getsockname()[1]}")
            peer, _ = await asyncio.to_thread(listener.accept)
            await until(lambda: bool(sender.connections._idle))
            end = sender.send()
            # The loop has had no turn since, and has none while this thread waits for the bytes.
            with peer:
                peer.settimeout(BOUND_S)
                assert peer.recv(1 << 16).startswith(b"POST /v2/orders HTTP/1.1\r\n")
                peer.sendall(OK)
                assert status(await end) == 200
            await sender.connections.close()

    for run in (asyncio.run, uvloop.run):
        run(scenario())


async def test_connections_are_kept_and_one_is_always_spare() -> None:
    async with listening(answering(OK)) as (server, sender):
        for _ in range(10):
            assert status(await sender.ask()) == 200
        assert server.connections == 2


async def test_a_spare_connection_that_the_venue_has_closed_is_made_anew_when_it_would_be_touched() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 0:
            return  # closed at once
        await answering(OK)(reader, writer, number)

    async with listening(talk) as (server, sender):
        await until(
            lambda: server.connections == 1 and not sender.connections._open and not sender.connections._opening
        )
        sender.connections.touch("/v2/clock")
        await until(lambda: bool(sender.connections._idle))
        assert server.connections == 2
        assert status(await sender.ask()) == 200


@pytest.mark.parametrize(
    ("base", "host"),
    [
        ("http://[::1]:8080", b"Host: [::1]:8080\r\n"),
        ("https://paper-api.alpaca.markets", b"Host: paper-api.alpaca.markets\r\n"),
        ("http://127.0.0.1:80", b"Host: 127.0.0.1\r\n"),
    ],
)
async def test_the_host_is_named_as_http_wants_it(base: str, host: bytes) -> None:
    connections = CommandConnections(
        URL(base), {}, timeout_s=1, failure=lambda error: None, on_answer=lambda answer: None
    )
    assert connections._fixed == host


async def test_without_a_connection_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sender = Sender(f"http://127.0.0.1:{port}")
    assert [fault(end) for end in await asyncio.gather(sender.send(), sender.send("DELETE"))] == [
        FaultKind.NOT_SENT
    ] * 2
    await sender.connections.close()


async def test_no_answer_in_time_is_told_so_and_the_next_command_has_a_connection_of_its_own() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            if len(server.requests) > 1:
                writer.write(OK)

    async with listening(talk, timeout_s=0.1) as (server, sender):
        assert fault(await sender.ask()) is FaultKind.TIMEOUT
        assert status(await sender.ask()) == 200
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "after", [b"", b"HTTP/1.1 200", OK[:-1]], ids=["nothing", "a part of the head", "a part of the body"]
)
async def test_a_connection_that_breaks_before_the_answer_is_whole_proves_nothing_and_nothing_is_sent_again(
    after: bytes,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await server.request(reader)
        writer.write(after)

    async with listening(talk) as (server, sender):
        for method in ("POST", "DELETE"):
            assert fault(await sender.ask(method)) is FaultKind.BROKEN
        assert len(server.requests) == 2


@pytest.mark.parametrize(("method", "sent"), [("POST", 2), ("PATCH", 2), ("DELETE", 3)])
async def test_on_a_kept_connection_that_the_venue_has_closed_only_a_cancel_is_sent_again(
    method: str, sent: int
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await server.request(reader)
        if number != 0 or len(server.requests) == 1:
            writer.write(OK)
            if number == 0:
                await server.request(reader)  # the second one, and not a word to it

    async with listening(talk) as (server, sender):
        assert status(await sender.ask()) == 200
        sender.connections._idle.rotate(1 if sender.connections._idle[0]._used else 0)  # the kept one is taken next
        end = await sender.ask(method)
        assert isinstance(end, HttpAnswer) is (method == "DELETE")
        assert len(server.requests) == sent


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunked", "100", "103", "close", "1.0", "204", "redirect"],
)
async def test_every_form_of_answer_is_read_to_its_end(answer: bytes, body: bytes) -> None:
    async with listening(answering(answer)) as (_, sender):
        for _ in range(3):
            end = await sender.ask()
            assert isinstance(end, HttpAnswer)
            assert end.body == body


async def test_an_answer_that_comes_byte_by_byte_is_one_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            for byte in OK:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0)

    async with listening(talk) as (server, sender):
        assert [status(await sender.ask()) for _ in range(2)] == [200, 200]


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await server.request(reader)
        writer.write(b"HTTP/1.1 422 Unprocessable\r\n\r\nno such thing")

    async with listening(talk) as (server, sender):
        end = await sender.ask()
        assert isinstance(end, HttpAnswer)
        assert (end.status, end.body) == (422, b"no such thing")


async def test_an_answer_before_the_request_was_read_counts() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readexactly(1)
        writer.write(b"HTTP/1.1 429 Slow down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with listening(talk) as (_, sender):
        assert status(await sender.ask()) == 429


@pytest.mark.parametrize(
    "answer",
    [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x00\x01\x02" * 100],
    ids=["words", "length", "bytes"],
)
async def test_garbage_proves_nothing_and_costs_its_connection_alone(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            writer.write(answer if len(server.requests) == 1 else OK)

    async with listening(talk) as (server, sender):
        assert fault(await sender.ask()) is FaultKind.BROKEN
        assert status(await sender.ask()) == 200


async def test_an_answer_that_is_too_long_is_given_up() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * MAX_ANSWER_BYTES) + b"x" * (2 * MAX_ANSWER_BYTES)
    async with listening(answering(long)) as (_, sender):
        assert fault(await sender.ask()) is FaultKind.BROKEN


async def test_words_that_nobody_asked_for_are_never_taken_for_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            writer.write(OK + (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" if len(server.requests) == 1 else b""))

    async with listening(talk) as (server, sender):
        assert status(await sender.ask()) == 200
        await asyncio.sleep(0.05)
        assert [status(await sender.ask()) for _ in range(3)] == [200] * 3


async def test_commands_beyond_the_connections_wait_and_each_is_told_once() -> None:
    release = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            await release.wait()
            writer.write(OK)

    async with listening(talk) as (server, sender):
        ends = [sender.send() for _ in range(3 * MAX_CONNECTIONS)]
        await until(lambda: len(server.requests) >= MAX_CONNECTIONS)
        await asyncio.sleep(0.05)
        assert (server.connections, len(server.requests)) == (MAX_CONNECTIONS, MAX_CONNECTIONS)
        release.set()
        assert [status(end) for end in await asyncio.gather(*ends)] == [200] * len(ends)
        assert len(server.requests) == len(ends)


async def test_the_gate_is_asked_at_the_last_step_of_a_command_that_had_to_wait() -> None:
    release = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await server.request(reader)
            await release.wait()
            writer.write(OK)

    closed: list[str] = []
    async with listening(talk) as (server, sender):
        ends = [sender.send(gate=lambda: closed[0] if closed else None) for _ in range(MAX_CONNECTIONS + 2)]
        await until(lambda: len(server.requests) >= MAX_CONNECTIONS)
        closed.append("halted")
        release.set()
        told = await asyncio.gather(*ends)
        assert [status(end) for end in told[:MAX_CONNECTIONS]] == [200] * MAX_CONNECTIONS
        assert [end.detail for end in told[MAX_CONNECTIONS:] if isinstance(end, TransportFault)] == ["halted"] * 2
        assert len(server.requests) == MAX_CONNECTIONS
        assert sender.failures == []


async def test_after_the_close_nothing_is_sent_and_what_was_under_way_is_not_told() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await server.request(reader)
        await reader.read()

    async with listening(talk) as (server, sender):
        under_way = sender.send()
        await until(lambda: bool(server.requests))
        await sender.connections.close()
        assert fault(await sender.ask()) is FaultKind.NOT_SENT
        assert not under_way.done()


async def test_what_a_listener_raises_is_handed_on_and_harms_no_connection() -> None:
    def fail(end: RequestEnd) -> None:
        raise RuntimeError("a fault of this program")

    async with listening(answering(OK)) as (_, sender):
        sender.connections.send(Command(method="POST", path="/v2/orders", body=b"{}", on_end=fail))
        await until(lambda: bool(sender.failures))
        assert [str(failure) for failure in sender.failures] == ["a fault of this program"]
        assert status(await sender.ask()) == 200


def test_a_key_that_would_break_the_request_is_refused_by_the_name_of_its_header() -> None:
    with pytest.raises(UsageError, match="the header X-Key cannot hold"):
        CommandConnections(
            URL("http://127.0.0.1:1"),
            {"X-Key": "a\r\nX-Evil: b"},
            timeout_s=1,
            failure=lambda error: None,
            on_answer=lambda answer: None,
        )
