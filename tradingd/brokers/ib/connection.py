"""One socket to TWS: opened, shaken hands over, asked over, and closed for good.

Owns: the library's client. Emits: records, and once that it is lost. Never: comes back; the session makes a new one.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from tradingd.brokers.ib.inbox import AnyRecord, Inbox
from tradingd.brokers.ib.library import Library
from tradingd.brokers.ib.questions import Key
from tradingd.brokers.pacing import Pacer, Priority
from tradingd.errors import VenueUnavailable

_CLOSE_S = 1.0
UNDECODABLE = "broker.frame_undecodable"
Problem = Callable[[str, str, dict[str, Any]], None]
"""Takes something that an operator should know: event name, message, details."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast messages leave: by default at most 48 in any second.

    TWS takes half as many a second as the login has lines of market data, which is 50 for most; it complains of the
    51st, and at the third time hangs up.
    """

    per_s: float = 30.0
    burst: int = 18


class Cause(StrEnum):
    """Why a connection did not come about."""

    UNREACHABLE = "unreachable"
    NO_HANDSHAKE = "no_handshake"
    CLIENT_ID_TAKEN = "client_id_taken"
    CLOSED = "closed"


class NotConnected(VenueUnavailable):
    """No connection came about; `cause` says how far it got."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class _Undecodable(logging.Handler):
    """Hears of messages that the decoder could not read: their content is lost."""

    def __init__(self, on_problem: Problem) -> None:
        super().__init__(logging.ERROR)
        self._on_problem = on_problem

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        message = f"TWS sent a message that cannot be read: {cause!r}"
        self._on_problem(UNDECODABLE, message, {"raw": record.getMessage()})


class IbConnection:
    """A connection; `listener` gets each record after the packet that it came in, `on_lost` why the socket is gone,
    `after_packet` is called once a packet's records are all handed over.
    """

    def __init__(
        self,
        library: Library,
        *,
        listener: Callable[[AnyRecord], None],
        on_lost: Callable[[str], None],
        on_problem: Problem,
        failure: Callable[[BaseException], None],
        after_packet: Callable[[], None] | None = None,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self.inbox = Inbox(listener, lambda: self._lose("TWS closed the connection"), after_packet)
        self.pacer = Pacer(per_s=pace.per_s, burst=pace.burst)
        self.is_up = False
        self._on_lost = on_lost
        self._failure = failure
        self._locks: dict[str, asyncio.Lock] = {}
        quiet = logging.getLogger(library.name)
        quiet.propagate = False  # all that it logs reaches us as a record or a fault
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())
        self.client: Any = library.client(self.inbox)
        self.client.MaxRequests = 0  # its throttle knows no priorities, and forgets what waits when it disconnects
        self.client.decoder.logger = logging.Logger("tws")
        self.client.decoder.logger.addHandler(_Undecodable(on_problem))
        # What a listener raises is a fault of this program: the library's events would only log it.
        self.client.conn.hasData.error_event += self._on_raised

    def _on_raised(self, _event: object, error: BaseException) -> None:
        self._failure(error)

    async def open(self, host: str, port: int, client_id: int, timeout_s: float) -> None:
        """Connect, and wait until TWS has named its accounts and the next order id. Raises `NotConnected`."""
        loop = asyncio.get_running_loop()
        closed: asyncio.Future[None] = loop.create_future()

        def on_closed(_message: str) -> None:
            if not closed.done():
                closed.set_result(None)

        self.client.conn.disconnected += on_closed
        attempt = loop.create_task(self.client.connectAsync(host, port, client_id, timeout_s), name="tws connect")
        try:
            # The library goes on waiting when TWS hangs up during the handshake.
            await asyncio.wait({attempt, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                attempt.cancel()
                await asyncio.wait({attempt})
            if attempt.cancelled():
                if self.inbox.client_id_taken:
                    raise NotConnected(Cause.CLIENT_ID_TAKEN, f"client id {client_id} is in use at {host}:{port} (326)")
                raise NotConnected(Cause.CLOSED, f"{host}:{port} hung up during the handshake")
            self._judge(attempt.exception(), host, port)
        except asyncio.CancelledError:
            attempt.cancel()
            await self.close()
            raise
        finally:
            self.client.conn.disconnected -= on_closed
        self.is_up = True

    def _judge(self, error: BaseException | None, host: str, port: int) -> None:
        if error is None:
            return
        if isinstance(error, TimeoutError) and self.client.conn.numBytesSent:
            message = (
                f"{host}:{port} takes connections and does not answer: a login may be waiting for its second factor"
            )
            raise NotConnected(Cause.NO_HANDSHAKE, message) from error
        if isinstance(error, OSError | TimeoutError):
            raise NotConnected(
                Cause.UNREACHABLE,
                f"nothing listens at {host}:{port} ({type(error).__name__}): start TWS or IB Gateway, "
                "or give the port that its API settings name",
            ) from error
        raise error

    async def close(self) -> None:
        """Close the socket; questions under way fail."""
        if self.client.conn.isConnected():
            gone = asyncio.Event()
            self.client.conn.disconnected += lambda _message: gone.set()
            self.client.disconnect()
            self._lose("the connection was closed", told=False)
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await gone.wait()
            except TimeoutError:
                self.abort()
        self._lose("the connection was closed", told=False)

    def abort(self) -> None:
        """Give a dead socket up without waiting for the other side."""
        transport = self.client.conn.transport
        if transport is not None:
            transport.abort()

    def drop(self, reason: str) -> None:
        """Take the connection for dead."""
        self.abort()
        self._lose(reason)

    def _lose(self, reason: str, *, told: bool = True) -> None:
        was_up, self.is_up = self.is_up, False
        self.pacer.close()
        self.inbox.questions.fail_all(reason)
        if was_up and told:
            self._on_lost(reason)

    def send(self, act: Callable[[Any], None], priority: Priority = Priority.QUERY) -> None:
        """Send a message that has no answer to wait for; `act` gets the client."""
        self.pacer.submit(priority, lambda: act(self.client))

    async def ask(
        self, key: Key, send: Callable[[], None], *, what: str, timeout_s: float, priority: Priority = Priority.QUERY
    ) -> list[Any]:
        """Put a question and wait for the end of its answer.

        Raises `VenueUnavailable` when that does not come in time, `QuestionRefused` when an error comes instead. Of the
        questions without a number one of a kind is asked at a time.
        """
        if isinstance(key, str):
            async with self._locks.setdefault(key, asyncio.Lock()):
                return await self._ask(key, send, what=what, timeout_s=timeout_s, priority=priority)
        return await self._ask(key, send, what=what, timeout_s=timeout_s, priority=priority)

    async def _ask(
        self, key: Key, send: Callable[[], None], *, what: str, timeout_s: float, priority: Priority
    ) -> list[Any]:
        if not self.is_up:
            raise VenueUnavailable(f"{what}: there is no connection to TWS")
        questions = self.inbox.questions
        future = questions.begin(key)
        self.pacer.submit(priority, send)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError as error:
            raise VenueUnavailable(f"{what}: no end of the answer within {timeout_s:g} s") from error
        finally:
            questions.drop(key)
