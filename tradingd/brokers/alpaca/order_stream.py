"""The `trade_updates` websocket: connect, authenticate, listen, deliver, and again.

Owns: the connection and its reconnection.
Emits: decoded updates, up, down, problems, each by a callback.
Never: calls itself up before the venue said `listening`; goes on with keys that the venue refused.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeAlias

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from tradingd.brokers.alpaca.socket import VenueSocket, open_socket
from tradingd.brokers.alpaca.wire import (
    UNREADABLE,
    Authorization,
    Listening,
    StreamFault,
    StreamMessage,
    TradeUpdate,
    decode_stream_message,
    encode_authenticate,
    encode_listen,
)
from tradingd.errors import CredentialsRefused, UsageError
from tradingd.runtime.backoff import Backoff

_HELD_S = 10.0
"""A connection that lived this long was no failure: the next reconnect starts from the shortest wait again."""
_MAX_WAIT_S = 3.0
"""Books are to be right within five seconds of the venue's return: the order stream is never waited for long."""
_FRAME_LIMIT = 4 * 2**20

Problem: TypeAlias = Callable[[str, str, dict[str, Any]], None]


class _Lost(Exception):
    """The connection is of no use; its text says why."""


class _Session:
    """How far one connection has come."""

    def __init__(self) -> None:
        self.authorised = False
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class TradeUpdateStream:
    """Keeps one order stream up until cancelled."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        api_secret: str,
        on_update: Callable[[TradeUpdate], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_problem: Problem,
        rng: random.Random,
        timeout_s: float,
        ping_interval_s: float = 10.0,
        pong_timeout_s: float = 5.0,
        first_wait_s: float = 0.5,
    ) -> None:
        self._url = url
        self._authenticate = encode_authenticate(api_key, api_secret)
        self._on_update = on_update
        self._on_up = on_up
        self._on_down = on_down
        self._on_problem = on_problem
        self._timeout_s = timeout_s
        self._ping_interval_s = ping_interval_s
        self._pong_timeout_s = pong_timeout_s
        self._backoff = Backoff(first_wait_s, _MAX_WAIT_S, rng)
        self._up = False

    async def run(self) -> None:
        """Stay connected until cancelled; raises `CredentialsRefused`, or `UsageError` for an impossible address."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            reason = ""
            try:
                await self._serve_one_connection()
            except _Lost as lost:
                reason = str(lost)
            except CredentialsRefused as refused:
                if self._up:
                    self._on_down(str(refused))
                raise
            finally:
                was_up, self._up = self._up, False
            if was_up:
                if loop.time() - began >= _HELD_S:
                    self._backoff.reset()
                self._on_down(reason)
            else:
                self._on_problem("broker.stream_unreachable", f"no order stream: {reason}", {})
            await asyncio.sleep(self._backoff.next_delay())

    async def _serve_one_connection(self) -> None:
        # Only what the network raises becomes `_Lost`: a callback's own OSError must not pass for a lost connection.
        self._session = session = _Session()
        socket = await self._connect()
        self._socket = socket
        try:
            async with asyncio.timeout(self._timeout_s):
                socket.send(self._authenticate, text=True)
                socket.release()
                await socket.wait(session.listening)
            await socket.end()
        except TimeoutError as error:
            if self._up:
                raise
            raise _Lost("the venue did not let us listen in time") from error
        except ConnectionClosed as error:
            raise _Lost(_closing(error)) from error
        finally:
            await socket.close()

    async def _connect(self) -> VenueSocket:
        try:
            return await open_socket(
                self._url,
                self._take,
                headers={"User-Agent": "tradingd"},
                timeout_s=self._timeout_s,
                max_bytes=_FRAME_LIMIT,
                ping_interval_s=self._ping_interval_s,
                pong_timeout_s=self._pong_timeout_s,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status == 401:
                raise CredentialsRefused("the venue refuses the keys for the order stream (HTTP 401)") from error
            raise _Lost(f"the handshake was answered with HTTP {status}") from error
        except TimeoutError as error:
            raise _Lost("no answer to the handshake in time") from error
        except InvalidURI as error:
            raise UsageError("the order stream's address is not a ws:// or wss:// one") from error
        except (InvalidHandshake, OSError) as error:
            raise _Lost(f"no connection ({type(error).__name__})") from error

    def _take(self, frame: bytes) -> None:
        message = self._decode(frame)
        session = self._session
        match message:
            case TradeUpdate() if self._up:
                self._on_update(message)
            case Authorization():
                _check_authorization(message)
                if not session.authorised:
                    session.authorised = True
                    self._socket.send(encode_listen(), text=True)
            case Listening(streams=streams) if session.authorised:
                if "trade_updates" not in streams:
                    raise _Lost(f"the venue {'stopped delivering' if self._up else 'does not deliver'} trade_updates")
                if not self._up:
                    self._up = True
                    self._on_up()
                    session.listening.set_result(None)
            case _:
                self._complain(message)

    def _decode(self, frame: bytes) -> StreamMessage | None:
        try:
            return decode_stream_message(frame)
        except UNREADABLE as error:
            # What it said is lost: whoever hears this takes a snapshot.
            self._on_problem(
                "broker.frame_undecodable",
                f"the order stream sent a frame that cannot be read: {error}",
                {"raw": frame.decode(errors="replace")},
            )
            return None

    def _complain(self, message: StreamMessage | None) -> None:
        if isinstance(message, StreamFault):
            self._on_problem("broker.stream_fault", f"the order stream says: {message.message}", {})


def _check_authorization(message: Authorization) -> None:
    if message.status != "authorized":
        said = f"{message.status}: {message.message}" if message.message else message.status
        raise CredentialsRefused(f"the venue refuses the keys for the order stream ({said})")


def _closing(error: ConnectionClosed) -> str:
    return f"the connection closed ({error})"
