"""Alpaca's market-data websocket, or a server that speaks like it.

Owns: one connection, its login, its subscriptions and its coming back, with the bars that it missed. Emits: quotes,
trades, minute bars and their revisions as they come, and a status at each change. Never gives up but on refused keys or
a subscription that can never be had; never dies of a message that it cannot read.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import assert_never
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tradingd.brokers.alpaca import market_wire
from tradingd.brokers.alpaca.history import AlpacaHistory
from tradingd.brokers.alpaca.socket import VenueSocket, open_socket
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, DataDefect, PriceBar
from tradingd.errors import CredentialsRefused, FeedError, UsageError
from tradingd.feeds.base import FeedState, FeedStatus, MarketDataSink
from tradingd.runtime.backoff import Backoff

_KEYS_REFUSED = frozenset({402, 408, 409, 411})
_NEVER_GRANTED = frozenset({400, 405, 410, 412, 413})
_SLOT_TAKEN = 406
_ALREADY_AUTHENTICATED = 403
_REMEDIES = {
    400: "check how the symbols are spelled",
    402: "check the keys of this feed or of the broker",
    405: "the data plan takes fewer symbols, 30 on the free one: give this feed fewer, or take a larger plan",
    408: "the account has no such stream",
    409: "the data plan does not cover this stream: use wss://stream.data.alpaca.markets/v2/iex, or take a larger plan",
    410: "this stream lacks one of the channels",
    411: "the keys may not read market data",
    412: 'set encoding = "msgpack"',
}
_MUTE_PATIENCE = 16
"""How far the patience with a silent stream grows, as a multiple of what it begins with."""
_BACKFILL_NS = 30 * MINUTE_NS
"""Bars missed for longer than this are left to whoever asks for history: strategies are not to act on them."""
_MAX_FRAME_BYTES = 1 << 24
_CONTENT_TYPES = {"json": "application/json", "msgpack": "application/msgpack"}


class SlotTaken(FeedError):
    """The venue still holds our former connection (up to 90 s after a break) or is refusing handshakes for a while."""


class AlpacaFeed:
    """Market data of one Alpaca stream.

    After a break it comes back with `backoff`, and with the slower `slot_backoff` while the venue says 406 (a key has
    one connection, and a dead one holds its place for up to 90 s), which is told once, and once more when it has lasted
    for `slot_patience_s`. Both start over once data came or the connection held for `steady_s`. `expects_data` says
    whether silence is strange now (a session is open): a stream that is then mute for `mute_after_s` is replaced, since
    a connected stream that answers pings can still be dead; after longer each time when that does not help, since a
    market can be quiet.
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
        slot_patience_s: float = 120.0,
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
        self._mute_after_s = self._patience_s = mute_after_s
        self._slot_patience_s = slot_patience_s
        self._steady_s = steady_s
        self._answer_timeout_s = answer_timeout_s
        self._clock = clock
        self._socket: VenueSocket | None = None
        self._has_data = False
        self._subscribed = False
        self._last_data_s = 0.0
        self._slot_told = ""
        self._slot_since_s: float | None = None
        self._last_bars: dict[Symbol, int] = {}

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver until cancelled; raises `CredentialsRefused`, or `UsageError` for what the plan never grants."""
        loop = asyncio.get_running_loop()
        while True:
            if self._slot_since_s is None:
                self._status(sink, FeedState.CONNECTING, f"connecting to {self._url}")
            self._has_data = self._subscribed = False
            began = loop.time()
            waits, taken = self._backoff, False
            try:
                await self._session(sink)
                reason = "the stream ended"
            except SlotTaken as error:
                reason, waits, taken = str(error), self._slot_backoff, True
            except (FeedError, ConnectionClosed, InvalidHandshake, OSError) as error:  # OSError covers TimeoutError
                reason = str(error) or type(error).__name__
            if self._has_data or (self._subscribed and loop.time() - began >= self._steady_s):
                self._backoff.reset()
                self._slot_backoff.reset()
            delay = waits.next_delay()
            if taken:
                self._tell_slot(sink, reason, loop.time())
            else:
                self._slot_since_s = None
                self._status(sink, FeedState.DOWN, f"{reason}; next attempt in {delay:.1f} s")
            await asyncio.sleep(delay)

    def _tell_slot(self, sink: MarketDataSink, reason: str, now_s: float) -> None:
        """Say that the place is taken, once; and once more when no dead connection can be the reason any longer."""
        if self._slot_since_s is None:
            self._slot_since_s, self._slot_told = now_s, ""
        said = f"{reason}; a lost connection may hold the place for up to 90 s: trying on"
        if now_s - self._slot_since_s >= self._slot_patience_s:
            said = f"{reason}; another program seems to use these keys on this stream, which takes one: trying on"
        if said != self._slot_told:
            self._slot_told = said
            self._status(sink, FeedState.DOWN, said)

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
        loop = asyncio.get_running_loop()
        self._granted: asyncio.Future[None] = loop.create_future()
        try:
            socket = await open_socket(
                self._url,
                lambda data: self._take(data, sink),
                headers={"Content-Type": _CONTENT_TYPES[self._encoding]},
                timeout_s=self._answer_timeout_s,
                max_bytes=_MAX_FRAME_BYTES,
                ping_interval_s=10,
                pong_timeout_s=10,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise CredentialsRefused(f"{self._url} refused the keys with HTTP {status}") from error
            if status == 429:
                raise SlotTaken("the venue refuses connections for a while (HTTP 429)") from error
            raise
        self._socket = socket
        try:
            socket.release()
            async with asyncio.timeout(self._answer_timeout_s):
                await socket.wait(self._granted)
            await self._backfill(sink)
            socket.release()
            watch = asyncio.create_task(self._watch_silence(socket), name=f"{self.name} silence")
            try:
                await socket.end()
            finally:
                watch.cancel()
        finally:
            self._socket = None
            await socket.close()

    def _take(self, data: bytes, sink: MarketDataSink) -> None:
        """Hand a frame's events on, then answer its control messages."""
        ts_recv = self._clock()
        frame = market_wire.decode_frame(data)
        control: list[market_wire.Message] | None = None
        for message in frame.messages:
            if isinstance(message, market_wire.DATA_MESSAGES):
                try:
                    event = market_wire.to_event(message, ts_recv)
                except ValueError as error:
                    sink.reject(message.symbol, DataDefect.MALFORMED, 0, str(error))
                    continue
                self._has_data = True
                if type(event) is PriceBar:
                    self._last_bars[event.symbol] = event.ts_open
                sink.ingest(event)
            else:
                control = [message] if control is None else [*control, message]
        if frame.undecodable or frame.unknown:
            self.unknown_messages += frame.unknown
            for bad in frame.undecodable:
                sink.reject(bad.symbol, DataDefect.MALFORMED, 0, bad.detail)
        self._last_data_s = time.monotonic()
        for message in control or ():
            self._control(message, sink)

    def _control(self, message: market_wire.Message, sink: MarketDataSink) -> None:
        match message:
            case market_wire.Success(msg="connected"):
                self._send({"action": "auth", "key": self._api_key, "secret": self._api_secret})
            case market_wire.Success(msg="authenticated"):
                channels = {channel: list(self.symbols) for channel in self._channels}
                if "bars" in channels:
                    channels["updatedBars"] = list(self.symbols)
                self._send({"action": "subscribe", **channels})
            case market_wire.Subscription():
                self._confirm(message, sink)
            case market_wire.StreamError(code=code, msg=text):
                self._complain(code, text)
            case market_wire.TradeCorrection() as told:
                new = f"{told.corrected_price} × {told.corrected_size}"
                detail = f"trade {told.trade_id} at {told.price} × {told.size} was corrected to {new}"
                sink.reject(told.symbol, DataDefect.REVISED, 0, detail)
            case market_wire.TradeCancel() as told:
                detail = f"trade {told.trade_id} at {told.price} × {told.size} was taken back"
                sink.reject(told.symbol, DataDefect.REVISED, 0, detail)
            case (
                market_wire.Success()
                | market_wire.DailyBar()
                | market_wire.TradingStatus()
                | market_wire.PriceLimits()
                | market_wire.Imbalance()
                | market_wire.OrderBook()
            ):
                pass
            case (
                market_wire.QuoteMessage()
                | market_wire.TradeMessage()
                | market_wire.BarMessage()
                | market_wire.UpdatedBar()
            ):
                raise AssertionError("data messages are no control messages")
            case _:
                assert_never(message)

    def _send(self, request: dict[str, object]) -> None:
        socket = self._socket
        assert socket is not None  # it is an answer to what came over it
        socket.send(market_wire.encode_request(request, self._encoding), text=self._encoding == "json")

    def _confirm(self, message: market_wire.Subscription, sink: MarketDataSink) -> None:
        granted = {"trades": message.trades, "quotes": message.quotes, "bars": message.bars}
        missing = [f"{c} of {s}" for c in self._channels for s in self.symbols if s not in granted[c]]
        if not self._subscribed and self._socket is not None:
            self._socket.hold()  # what was missed comes first
            self._granted.set_result(None)
        self._subscribed = True
        self._slot_since_s = None
        lacks = f", but not {', '.join(missing)}" if missing else ""
        self._status(sink, FeedState.UP, f"{self._url} delivers {', '.join(self._channels)}{lacks}")

    def _complain(self, code: int, text: str) -> None:
        """React to the server's complaint by what it means for the next attempt."""
        said = f"the stream said {code}: {text}"
        remedy = f" ({_REMEDIES[code]})" if code in _REMEDIES else ""
        if code in _KEYS_REFUSED:
            raise CredentialsRefused(f"{self._url}: {said}{remedy}")
        if code in _NEVER_GRANTED:
            raise UsageError(f"{self._url}: {said}; asked for {', '.join(self.symbols)}{remedy}")
        if code == _SLOT_TAKEN:
            raise SlotTaken(said)
        if code != _ALREADY_AUTHENTICATED:
            raise FeedError(said)

    async def _backfill(self, sink: MarketDataSink) -> None:
        """Deliver the bars that were missed while the stream was away, before its own go on."""
        now = self._clock()
        missed = {
            symbol: max(last + MINUTE_NS, now - _BACKFILL_NS)
            for symbol, last in self._last_bars.items()
            if last + 2 * MINUTE_NS <= now
        }
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                for symbol, since in missed.items():
                    for bar in await self.fetch_bars(symbol, MINUTE_NS, since, now):
                        self._last_bars[symbol] = bar.ts_open
                        sink.ingest(bar)
        except (FeedError, CredentialsRefused, TimeoutError) as error:  # the stream has just taken the keys
            detail = f"{self._url} is back, but bars that it missed cannot be had: {str(error) or 'no answer in time'}"
            self._status(sink, FeedState.UP, detail)

    async def _watch_silence(self, socket: VenueSocket) -> None:
        """Drop a connection that is mute for too long while data are due."""
        began = self._last_data_s = time.monotonic()
        patience, due = self._patience_s, True
        while True:
            silent_s = time.monotonic() - self._last_data_s
            if silent_s < patience:
                await asyncio.sleep(patience - silent_s)
                continue
            # The answer may need a calendar that takes a moment to load.
            before, due = due, await asyncio.to_thread(self._expects_data)
            if before and due and time.monotonic() - self._last_data_s >= patience:
                break
            self._last_data_s = time.monotonic()  # silence counts from when data are due
        helped = time.monotonic() - began > 10 * patience
        self._patience_s = self._mute_after_s if helped else min(2 * patience, _MUTE_PATIENCE * self._mute_after_s)
        socket.abort(FeedError(f"no data for {patience:g} s while the market is open"))

    def _status(self, sink: MarketDataSink, state: FeedState, detail: str) -> None:
        sink.feed_status(FeedStatus(feed=self.name, state=state, detail=detail, symbols=self.symbols))
