"""A websocket whose messages are handed over in the very call that read their bytes: no task, queue or future for each.

Owns: one connection: its handshake, pings, fragments and closing, by the sans-I/O protocol of `websockets`. Never:
follows a redirect or a proxy, since the keys are for the configured host alone; grows without bound when its owner is
slow, since it stops reading; hands over more than a few messages before the rest of the daemon has its turn.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar, cast

from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidMessage
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

MAX_TURN = 64
"""Messages handed over before others have their turn."""
MAX_WAITING = 1 << 12
"""Messages that may wait for their turn, or for `release`; past it nothing more is read."""
_CLOSE_WITHIN_S = 1.0

T = TypeVar("T")
OnMessage: TypeAlias = Callable[[bytes], None]
"""Takes one message, text as UTF-8; what it raises ends the connection and comes out of `wait`."""


class VenueSocket(asyncio.Protocol):
    """One connection; made by `open_socket`."""

    def __init__(
        self, protocol: ClientProtocol, on_message: OnMessage, *, ping_interval_s: float, pong_timeout_s: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._on_message = on_message
        self._ping_interval_s = ping_interval_s
        self._pong_timeout_s = pong_timeout_s
        self._waiting: deque[bytes] = deque()
        self._held = True
        self._turn_is_due = False
        self._in_turn = 0
        self._parts: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._ping: bytes | None = None
        self._failure: BaseException | None = None
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.opened.add_done_callback(_retrieve)  # who asked may have given up by then
        self._ended: asyncio.Future[None] = self._loop.create_future()

    # -- what its owner does ------------------------------------------------------------------------------------------

    def send(self, data: bytes, *, text: bool) -> None:
        """Send one message. Raises `ConnectionClosed` when there is no connection any more."""
        if self._protocol.state is not State.OPEN:
            raise self._closed()
        if text:
            self._protocol.send_text(data)
        else:
            self._protocol.send_binary(data)
        self._write()

    def hold(self) -> None:
        """Keep what comes until `release`."""
        self._held = True

    def release(self) -> None:
        """Hand over what was kept, in turns, and then what comes."""
        self._held = False
        self._take_turn()

    async def wait(self, event: "asyncio.Future[T]") -> T:
        """Wait for something that messages bring about.

        Raises what `on_message` raised, or `ConnectionClosed` when the connection ended first.
        """
        await asyncio.wait((event, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if event.done() and self._failure is None:
            return event.result()
        raise self._failure or self._closed()

    async def end(self) -> None:
        """Wait for the end of the connection, and raise why: what `on_message` raised, or `ConnectionClosed`."""
        await asyncio.shield(self._ended)
        raise self._failure or self._closed()

    def abort(self, failure: BaseException | None = None) -> None:
        """Drop the connection at once; `failure` is what waits then raise."""
        self._failure = self._failure or failure
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Close the connection in order, within a second."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._write()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await asyncio.shield(self._ended)
        except TimeoutError:
            self.abort()

    def _closed(self) -> ConnectionClosed:
        protocol = self._protocol
        if protocol.state is State.CLOSED:
            return protocol.close_exc
        return ConnectionClosedError(protocol.close_rcvd, protocol.close_sent, protocol.close_rcvd_then_sent)

    # -- what the transport does --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade to a websocket."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, headers: Mapping[str, str]) -> None:
        """Send the handshake's request."""
        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        self._write()

    def data_received(self, data: bytes) -> None:
        """Decode, answer what the protocol answers, and hand messages over."""
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if type(event) is Frame:
                self._take_frame(event)
            elif isinstance(event, Response):
                self._take_response()
        self._write()
        if protocol.parser_exc is not None or protocol.close_expected():
            self._close_soon()

    def eof_received(self) -> None:
        """Let the protocol know; the transport closes itself."""
        self._protocol.receive_eof()
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait."""
        if self._timer is not None:
            self._timer.cancel()
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self._waiting.clear()
        if not self.opened.done():
            failure = self._failure or self._protocol.handshake_exc or exc
            self.opened.set_exception(failure or InvalidMessage("the connection ended before the handshake did"))
        if not self._ended.done():
            self._ended.set_result(None)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        transport = self._transport
        assert transport is not None
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()

    def _take_response(self) -> None:
        """The handshake is over, one way or the other."""
        if self._protocol.handshake_exc is not None:
            if not self.opened.done():
                self.opened.set_exception(self._protocol.handshake_exc)
            self.abort()
        elif not self.opened.done():
            self.opened.set_result(None)
            self._timer = self._loop.call_later(self._ping_interval_s, self._send_ping)

    def _take_frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._take_message(bytes(frame.data))
            else:
                self._parts = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._take_message(message)
        elif opcode is Opcode.PONG and bytes(frame.data) == self._ping:
            self._ping = None
            self._set_timer(self._ping_interval_s, self._send_ping)

    def _take_message(self, message: bytes) -> None:
        if self._failure is not None:
            return  # it ended its connection: nothing of it counts any more
        if not self._held and not self._waiting and not self._turn_is_due:
            self._hand_over(message)
            self._in_turn += 1
            if self._in_turn >= MAX_TURN:
                self._end_turn()
            return
        self._waiting.append(message)
        if len(self._waiting) == MAX_WAITING and self._transport is not None:
            self._transport.pause_reading()

    def _end_turn(self) -> None:
        self._turn_is_due = True
        self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        """Hand over some of what waits."""
        self._turn_is_due = False
        self._in_turn = 0
        waiting = self._waiting
        while waiting and not self._held and self._failure is None:
            self._hand_over(waiting.popleft())
            self._in_turn += 1
            if self._in_turn >= MAX_TURN:
                self._end_turn()
                break
        if len(waiting) < MAX_WAITING and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _hand_over(self, message: bytes) -> None:
        try:
            self._on_message(message)
        except Exception as failure:  # noqa: BLE001 - it comes out where the owner waits
            self.abort(failure)

    def _set_timer(self, delay_s: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, action)

    def _send_ping(self) -> None:
        if self._protocol.state is State.OPEN:
            self._ping = b"tradingd"
            self._protocol.send_ping(self._ping)
            self._write()
            self._set_timer(self._pong_timeout_s, self._on_silence)

    def _on_silence(self) -> None:
        self._protocol.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
        self._write()
        self.abort()

    def _close_soon(self) -> None:
        """Give the venue a moment to close its side."""
        self._set_timer(_CLOSE_WITHIN_S, self.abort)


def _retrieve(future: "asyncio.Future[None]") -> None:
    if not future.cancelled():
        future.exception()


async def open_socket(
    url: str,
    on_message: OnMessage,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    max_bytes: int,
    ping_interval_s: float,
    pong_timeout_s: float,
) -> VenueSocket:
    """Connect, with TLS for `wss://`; messages are kept until `release`.

    Raises `InvalidURI`, `InvalidStatus` or another `InvalidHandshake`, `TimeoutError`, `OSError`.
    """
    uri = parse_uri(url)
    protocol = ClientProtocol(uri, max_size=max_bytes)
    async with asyncio.timeout(timeout_s):
        _, socket = await asyncio.get_running_loop().create_connection(
            lambda: VenueSocket(protocol, on_message, ping_interval_s=ping_interval_s, pong_timeout_s=pong_timeout_s),
            uri.host,
            uri.port,
            ssl=ssl.create_default_context() if uri.secure else None,
            server_hostname=uri.host if uri.secure else None,
        )
        try:
            socket.ask(headers)
            await asyncio.shield(socket.opened)
        except BaseException:
            socket.abort()
            raise
    return socket
