"""Commands over HTTP/1.1 connections of their own: the bytes of an order leave in the call that asks for it.

Owns: some kept connections to one host, one of them always spare and warm, and the time limit of each command. Emits:
how each command ended, exactly once, with what that proves: nothing was sent, no answer in time, the connection broke,
or an answer read to its end. Never: sends a command that may create or change an order a second time, follows a
redirect or a proxy, or shows a header in an error.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import httptools
import msgspec
from multidict import CIMultiDict
from yarl import URL

from tradingd.brokers.alpaca.outcomes import FaultKind, HttpAnswer, RequestEnd, TransportFault
from tradingd.errors import UsageError

MAX_CONNECTIONS = 16
MAX_ANSWER_BYTES = 1 << 20
_CLOSED = TransportFault(kind=FaultKind.NOT_SENT, detail="the connection to the venue is closed")

Gate: TypeAlias = Callable[[], str | None]
"""Says why nothing may be sent, None when it may."""
OnEnd: TypeAlias = Callable[[RequestEnd], None]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `gate` is asked at the last step before its bytes leave."""

    method: str
    path: str
    body: bytes | None
    on_end: OnEnd
    gate: Gate | None = None

    @property
    def may_repeat(self) -> bool:
        """True for what does the same thing done twice: a cancel, a question."""
        return self.method in ("DELETE", "GET")


class Connection(asyncio.Protocol):
    """One kept connection, with at most one command under way."""

    def __init__(self, pool: "CommandConnections", timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._command: Command | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._used = False
        self._start_answer()

    def _start_answer(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._body: list[bytes] = []
        self._size = 0
        self._heard = self._has_headers = False

    # -- a command ----------------------------------------------------------------------------------------------------

    def send(self, command: Command, head: bytes) -> None:
        """Write a command's bytes, now."""
        assert self._transport is not None
        assert self._command is None
        self._command = command
        self._timer = self._loop.call_later(self._timeout_s, self._on_timeout)
        self._transport.write(head if command.body is None else head + command.body)

    def _on_timeout(self) -> None:
        self._finish(TransportFault(kind=FaultKind.TIMEOUT, detail="no answer in time"), keep=False)

    def _finish(self, end: RequestEnd, *, keep: bool) -> None:
        """The command under way has ended."""
        command, self._command = self._command, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        is_first, self._used = not self._used, True
        if not keep and self._transport is not None:
            self._transport.abort()
        if command is None:
            return
        # A kept connection may have been closed by the venue just before the bytes came: what may be repeated is, once.
        if not is_first and not self._heard and command.may_repeat and _is_broken(end):
            self._pool.send_again(command)
        else:
            self._pool.tell(command, end)
        self._start_answer()
        if keep:
            self._pool.give_back(self)

    @property
    def is_open(self) -> bool:
        """True while it can take a command."""
        return self._transport is not None and not self._transport.is_closing()

    def abort(self) -> None:
        """Drop it, and whatever is under way."""
        self._command = None
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    # -- the transport ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the venue."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read an answer, or a part of one."""
        if self._command is None:
            self.abort()  # an answer to nothing: what comes next could be taken for the answer to something
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._break("the venue's answer is no HTTP")

    def eof_received(self) -> None:
        """An answer without a length ends with its connection."""
        if self._command is not None and self._has_headers and not self._has_length():
            self._answer(keep=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way, and make room for another connection."""
        if self._command is not None:
            name = "closed by the venue" if exc is None else type(exc).__name__
            self._break(f"the connection broke before the answer ({name})")
        self._pool.lost(self)

    def _break(self, detail: str) -> None:
        self._finish(TransportFault(kind=FaultKind.BROKEN, detail=detail), keep=False)

    # -- the answer (called by the parser) ----------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header."""
        self._headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Take note that a body may follow."""
        self._has_headers = True

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._size += len(body)
        if self._size > MAX_ANSWER_BYTES:
            raise ValueError("too long")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only says that another one will come."""
        if self._parser.get_status_code() < 200:
            self._headers = CIMultiDict()
            self._body = []
            return
        self._answer(keep=bool(self._parser.should_keep_alive()))

    def _answer(self, *, keep: bool) -> None:
        answer = HttpAnswer(status=self._parser.get_status_code(), body=b"".join(self._body), headers=self._headers)
        self._finish(answer, keep=keep)

    def _has_length(self) -> bool:
        return "Content-Length" in self._headers or "Transfer-Encoding" in self._headers


def _is_broken(end: RequestEnd) -> bool:
    return isinstance(end, TransportFault) and end.kind is FaultKind.BROKEN


class CommandConnections:
    """The connections of one account to one host; `failure` takes what an `on_end` raised, a fault of this program."""

    def __init__(
        self,
        base: URL,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        failure: Callable[[BaseException], None],
        on_answer: Callable[[HttpAnswer], None],
    ) -> None:
        if base.host is None or base.port is None:
            raise UsageError(f"{base}: this is no http:// or https:// address")
        for name, value in headers.items():
            if not value.isprintable() or not value.isascii():
                raise UsageError(f"the header {name} cannot hold what it is set to: it has characters that are no text")
        self._host, self._port = base.host, base.port
        self._ssl = ssl.create_default_context() if base.scheme == "https" else None
        name = f"[{base.host}]" if ":" in base.host else base.host
        shown = name if base.is_default_port() else f"{name}:{base.port}"
        lines = {"Host": shown, **headers}
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("ascii")
        self._timeout_s = timeout_s
        self._failure = failure
        self._on_answer = on_answer
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[Command] = deque()
        self._is_closed = True

    def open(self) -> None:
        """Begin; a first connection is made at once."""
        self._is_closed = False
        self._keep_spare()

    async def close(self) -> None:
        """Drop every connection; what is under way or waits is heard of no more."""
        self._is_closed = True
        self._waiting.clear()
        tasks = tuple(self._opening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in tuple(self._open):
            connection.abort()
        self._idle.clear()

    # -- commands -----------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Send a command, at once where a connection is free; its end is told exactly once, unless closed before."""
        if self._is_closed:
            self.tell(command, _CLOSED)
            return
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                self._write(connection, command)
                self._keep_spare()
                return
        self._waiting.append(command)
        if len(self._open) + len(self._opening) < MAX_CONNECTIONS:
            self._connect()

    def send_again(self, command: Command) -> None:
        """Send a command whose kept connection turned out dead, over a new one."""
        self._idle.clear()
        self.send(command)

    def touch(self, path: str) -> None:
        """Keep the connection that was used longest ago open, by a question; none while commands wait."""
        if not self._idle or self._waiting:
            self._keep_spare()  # the venue has closed what was spare
            return
        self._idle.rotate(-1)  # the oldest is taken next
        self.send(Command(method="GET", path=path, body=None, on_end=lambda _end: None))

    def _write(self, connection: Connection, command: Command) -> None:
        refusal = None if command.gate is None else command.gate()
        if refusal is not None:
            self._idle.append(connection)
            self.tell(command, TransportFault(kind=FaultKind.NOT_SENT, detail=refusal))
            return
        length = b"" if command.body is None else b"Content-Length: %d\r\n" % len(command.body)
        start = f"{command.method} {command.path} HTTP/1.1\r\n".encode("ascii")
        connection.send(command, b"".join((start, self._fixed, length, b"\r\n")))

    def tell(self, command: Command, end: RequestEnd) -> None:
        """Hand the end of a command to whoever sent it."""
        try:
            if isinstance(end, HttpAnswer):
                self._on_answer(end)
            command.on_end(end)
        except Exception as error:  # noqa: BLE001 - a call of the transport has nobody else to tell
            self._failure(error)

    # -- connections --------------------------------------------------------------------------------------------------

    def give_back(self, connection: Connection) -> None:
        """Take a connection whose command has been answered."""
        if self._is_closed:
            connection.abort()
        elif self._waiting:
            self._write(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting and not self._is_closed:
            self._connect()

    def _keep_spare(self) -> None:
        if not (self._is_closed or self._idle or self._opening) and len(self._open) < MAX_CONNECTIONS:
            self._connect()

    def _connect(self) -> None:
        task = asyncio.get_running_loop().create_task(self._make(), name="alpaca connect")
        self._opening.add(task)
        task.add_done_callback(self._made)

    def _made(self, task: "asyncio.Task[None]") -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure(error)

    async def _make(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s / 2):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, self._timeout_s), self._host, self._port, ssl=self._ssl
                )
        except (OSError, TimeoutError) as error:
            self._fail_waiting(
                TransportFault(kind=FaultKind.NOT_SENT, detail=f"no connection ({type(error).__name__})")
            )
            return
        self._open.add(connection)
        self.give_back(connection)

    def _fail_waiting(self, fault: TransportFault) -> None:
        """No connection can be had: of what waits for one nothing leaves."""
        waiting, self._waiting = self._waiting, deque[Any]()
        for command in waiting:
            self.tell(command, fault)
