"""Alpaca's market-data websocket, or a server that speaks like it.

Owns: one connection, its login, its subscriptions and its coming back. Emits: quotes, trades and minute bars as they
come, and a status at each change. Never gives up but on refused keys or a subscription that can never be had; never
dies of a message that it cannot read.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import assert_never
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DataDefect, PriceBar
from tradingd.errors import CredentialsRefused, FeedError, UsageError
from tradingd.feeds.alpaca import wire
from tradingd.feeds.alpaca.history import AlpacaHistory
from tradingd.feeds.base import FeedState, FeedStatus, MarketDataSink
from tradingd.runtime.backoff import Backoff

_KEYS_REFUSED = frozenset({402, 408, 409, 411})
_NEVER_GRANTED = frozenset({400, 405, 410, 412, 413})
_SLOT_TAKEN = 406
_ALREADY_AUTHENTICATED = 403
_MAX_FRAME_BYTES = 1 << 24
_QUEUED_FRAMES = 1 << 12
_FRAMES_PER_YIELD = 8
_CONTENT_TYPES = {"json": "application/json", "msgpack": "application/msgpack"}


class SlotTaken(FeedError):
    """The venue still holds our former connection (up to 90 s after a break) or is refusing handshakes for a while."""


class AlpacaFeed:
    """Market data of one Alpaca stream.

    After a break it comes back with `backoff`, and with the slower `slot_backoff` while the venue says 406 (a key has
    one connection, and a dead one holds its place for up to 90 s). Both start over once data came or the connection
    held for `steady_s`. `expects_data` says whether silence is strange now (a session is open): a stream that is then
    mute for `mute_after_s` is replaced, since a connected stream that answers pings can still be dead.
    """

    realtime = True

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        symbols: Sequence[Symbol],
        *,
        channels: Sequence[str] = ("quotes", "trades"),
        encoding: str = "msgpack",
        history: AlpacaHistory | None = None,
        backoff: Backoff | None = None,
        slot_backoff: Backoff | None = None,
        expects_data: Callable[[], bool] = lambda: False,
        mute_after_s: float = 60.0,
        steady_s: float = 60.0,
        answer_timeout_s: float = 10.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"alpaca:{urlsplit(url).path.strip('/') or 'stream'}"
        self.symbols = tuple(symbols)
        self.unknown_messages = 0
        """Messages of kinds that this program does not know."""
        self._url = url
        self._api_key = api_key
        self._api_secret = api_secret
        self._channels = tuple(channels)
        self._encoding = encoding
        self._history = history
        self._backoff = backoff or Backoff(0.5, 30.0)
        self._slot_backoff = slot_backoff or Backoff(10.0, 90.0)
        self._expects_data = expects_data
        self._mute_after_s = mute_after_s
        self._steady_s = steady_s
        self._answer_timeout_s = answer_timeout_s
        self._clock = clock
        self._has_data = False
        self._subscribed = False
        self._last_data_s = 0.0

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver until cancelled; raises `CredentialsRefused`, or `UsageError` for what the plan never grants."""
        loop = asyncio.get_running_loop()
        while True:
            self._status(sink, FeedState.CONNECTING, f"connecting to {self._url}")
            self._has_data = self._subscribed = False
            began = loop.time()
            waits = self._backoff
            try:
                await self._session(sink)
                reason = "the stream ended"
            except SlotTaken as error:
                reason, waits = str(error), self._slot_backoff
            except (FeedError, ConnectionClosed, InvalidHandshake, OSError) as error:  # OSError covers TimeoutError
                reason = str(error) or type(error).__name__
            if self._has_data or (self._subscribed and loop.time() - began >= self._steady_s):
                self._backoff.reset()
                self._slot_backoff.reset()
            delay = waits.next_delay()
            self._status(sink, FeedState.DOWN, f"{reason}; next attempt in {delay:.1f} s")
            await asyncio.sleep(delay)

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)` from the venue's history, in order."""
        if self._history is None:
            return ()
        return await self._history.fetch_bars(symbol, interval_ns, start_ns, end_ns)

    async def close(self) -> None:
        """Close the connection that history is asked over."""
        if self._history is not None:
            await self._history.close()

    async def _session(self, sink: MarketDataSink) -> None:
        """One connection from handshake to break."""
        headers = {"Content-Type": _CONTENT_TYPES[self._encoding]}
        try:
            connection = await connect(
                self._url,
                additional_headers=headers,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                max_queue=_QUEUED_FRAMES,
                ping_interval=10,
                ping_timeout=10,
                open_timeout=self._answer_timeout_s,
                close_timeout=1,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise CredentialsRefused(f"{self._url} refused the keys with HTTP {status}") from error
            if status == 429:
                raise SlotTaken("the venue refuses connections for a while (HTTP 429)") from error
            raise
        async with connection:
            async with asyncio.timeout(self._answer_timeout_s):
                while not self._subscribed:
                    for message in self._take(await connection.recv(decode=False), sink):
                        await self._control(connection, message, sink)
            watch = self._watch_silence(connection)
            try:
                while True:
                    # `recv` does not wait while frames are queued; the rest of the daemon must have its turn as well.
                    for _ in range(_FRAMES_PER_YIELD):
                        for message in self._take(await connection.recv(decode=False), sink):
                            await self._control(connection, message, sink)
                    await asyncio.sleep(0)
            finally:
                watch()

    def _take(self, data: bytes, sink: MarketDataSink) -> Sequence[wire.Message]:
        """Hand a frame's events on; return its control messages, which need an answer."""
        ts_recv = self._clock()
        frame = wire.decode_frame(data)
        control: list[wire.Message] | None = None
        for message in frame.messages:
            if isinstance(message, wire.DATA_MESSAGES):
                try:
                    event = wire.to_event(message, ts_recv)
                except ValueError as error:
                    sink.reject(message.symbol, DataDefect.MALFORMED, 0, str(error))
                    continue
                self._has_data = True
                sink.ingest(event)
            else:
                control = [message] if control is None else [*control, message]
        if frame.undecodable or frame.unknown:
            self.unknown_messages += frame.unknown
            for bad in frame.undecodable:
                sink.reject(bad.symbol, DataDefect.MALFORMED, 0, bad.detail)
        self._last_data_s = time.monotonic()
        return control or ()

    async def _control(self, connection: ClientConnection, message: wire.Message, sink: MarketDataSink) -> None:
        match message:
            case wire.Success(msg="connected"):
                await self._send(connection, {"action": "auth", "key": self._api_key, "secret": self._api_secret})
            case wire.Success(msg="authenticated"):
                channels = {channel: list(self.symbols) for channel in self._channels}
                await self._send(connection, {"action": "subscribe", **channels})
            case wire.Subscription():
                self._confirm(message, sink)
            case wire.StreamError(code=code, msg=text):
                self._complain(code, text)
            case (
                wire.Success()
                | wire.UpdatedBar()
                | wire.DailyBar()
                | wire.TradingStatus()
                | wire.TradeCorrection()
                | wire.TradeCancel()
            ):
                pass
            case wire.QuoteMessage() | wire.TradeMessage() | wire.BarMessage():
                raise AssertionError("data messages are no control messages")
            case _:
                assert_never(message)

    async def _send(self, connection: ClientConnection, request: dict[str, object]) -> None:
        data = wire.encode_request(request, self._encoding)
        await connection.send(data, text=self._encoding == "json")

    def _confirm(self, message: wire.Subscription, sink: MarketDataSink) -> None:
        granted = {"trades": message.trades, "quotes": message.quotes, "bars": message.bars}
        missing = [f"{c} of {s}" for c in self._channels for s in self.symbols if s not in granted[c]]
        self._subscribed = True
        lacks = f", but not {', '.join(missing)}" if missing else ""
        self._status(sink, FeedState.UP, f"{self._url} delivers {', '.join(self._channels)}{lacks}")

    def _complain(self, code: int, text: str) -> None:
        """React to the server's complaint by what it means for the next attempt."""
        said = f"the stream said {code}: {text}"
        if code in _KEYS_REFUSED:
            raise CredentialsRefused(f"{self._url}: {said}")
        if code in _NEVER_GRANTED:
            raise UsageError(f"{self._url}: {said}; asked for {', '.join(self.symbols)}")
        if code == _SLOT_TAKEN:
            raise SlotTaken(said)
        if code != _ALREADY_AUTHENTICATED:
            raise FeedError(said)

    def _watch_silence(self, connection: ClientConnection) -> Callable[[], None]:
        """Drop the connection when it is mute for too long while data are due; returns what ends the watch."""
        loop = asyncio.get_running_loop()
        self._last_data_s = time.monotonic()
        timers: list[asyncio.TimerHandle] = []

        def look() -> None:
            silent_s = time.monotonic() - self._last_data_s
            if not self._expects_data():
                self._last_data_s, silent_s = time.monotonic(), 0.0  # silence counts from when data are due
            if silent_s >= self._mute_after_s:
                connection.transport.abort()
            else:
                timers[:] = [loop.call_later(self._mute_after_s - silent_s, look)]

        def end() -> None:
            timers.pop().cancel()

        timers.append(loop.call_later(self._mute_after_s, look))
        return end

    def _status(self, sink: MarketDataSink, state: FeedState, detail: str) -> None:
        sink.feed_status(FeedStatus(feed=self.name, state=state, detail=detail, symbols=self.symbols))
