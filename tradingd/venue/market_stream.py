"""The market-data websockets: stocks under `/v2/{feed}`, crypto under `/v1beta3/crypto/{location}`.

Emits trades, quotes, bars, revised bars and running daily bars (of crypto also one-level order books) to whoever
subscribed, in JSON or msgpack by the handshake's Content-Type. An event that nobody wants costs one look-up; one that
somebody wants is encoded once for each encoding, whatever the number of clients. One connection a key and endpoint.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.venue.bars import BarKind, BarNews
from tradingd.venue.gate import Credentials
from tradingd.venue.market_wire import (
    CRYPTO_CHANNELS,
    MIRRORS,
    STOCK_CHANNELS,
    Codec,
    Message,
    bar_message,
    book_message,
    quote_message,
    trade_message,
)
from tradingd.venue.outbox import Outbox
from tradingd.venue.sockets import SocketServer

_QUEUE = 20_000
_BAR_CHANNELS = {BarKind.CLOSED: "bars", BarKind.UPDATED: "updatedBars", BarKind.DAILY: "dailyBars"}


class MarketStream:
    """All subscribers of market data."""

    def __init__(
        self, credentials: Credentials, sockets: SocketServer, symbol_limit: int, auth_seconds: float = 10.0
    ) -> None:
        self._credentials = credentials
        self._sockets = sockets
        self._symbol_limit = symbol_limit
        self._auth_seconds = auth_seconds
        self._by_endpoint: dict[str, _Subscriber] = {}
        self._targets: dict[tuple[str, str], tuple[_Subscriber, ...]] = {}
        self._trade_count = 0

    # -- what happens in the market -----------------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Queue one tick for its subscribers; bars come by `publish_bar`."""
        if not self._by_endpoint:
            return
        match event:
            case TradeTick():
                self._trade_count += 1
                count = self._trade_count
                self._send("trades", event.symbol, lambda: trade_message(event, count))
            case QuoteTick():
                self._send("quotes", event.symbol, lambda: quote_message(event))
                if "/" in event.symbol:
                    self._send("orderbooks", event.symbol, lambda: book_message(event))
            case PriceBar():
                pass

    def publish_bar(self, news: BarNews) -> None:
        """Queue one bar for its subscribers."""
        if self._by_endpoint:
            self._send(_BAR_CHANNELS[news.kind], news.bar.symbol, lambda: bar_message(news))

    def _send(self, channel: str, symbol: str, build: Callable[[], Message]) -> None:
        key = (channel, symbol)
        targets = self._targets.get(key)
        if targets is None:
            targets = self._targets[key] = tuple(
                subscriber for subscriber in self._by_endpoint.values() if subscriber.wants(channel, symbol)
            )
        if not targets:
            return
        message = build()
        encoded: dict[Codec, bytes] = {}
        for subscriber in targets:
            frame = encoded.get(subscriber.codec)
            if frame is None:
                frame = encoded[subscriber.codec] = subscriber.codec.encode(message)
            subscriber.outbox.put(frame)

    # -- who listens --------------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        codec = Codec.MSGPACK if request.headers.get("Content-Type") == "application/msgpack" else Codec.JSON
        by_header = self._credentials.match(
            request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")
        )
        crypto = request.path.startswith("/v1beta3/crypto/")
        return await self._sockets.serve(
            request,
            lambda socket: _Subscriber(
                hub=self, socket=socket, codec=codec, endpoint=request.path, crypto=crypto, by_header=by_header
            ),
        )

    def admit(self, subscriber: "_Subscriber") -> bool:
        """Give an endpoint to a client that proved its key; False while another has it."""
        if self._by_endpoint.setdefault(subscriber.endpoint, subscriber) is not subscriber:
            return False
        self._targets.clear()
        return True

    def changed(self) -> None:
        """Forget who gets what: a subscription changed."""
        self._targets.clear()

    def leave(self, subscriber: "_Subscriber") -> None:
        """Forget a client."""
        if self._by_endpoint.get(subscriber.endpoint) is subscriber:
            del self._by_endpoint[subscriber.endpoint]
            self._targets.clear()

    @property
    def credentials(self) -> Credentials:
        """The keys that clients must present."""
        return self._credentials

    @property
    def symbol_limit(self) -> int:
        """Symbols that one connection may subscribe to; 0 sets no limit."""
        return self._symbol_limit

    @property
    def auth_seconds(self) -> float:
        """How long a client may take to authenticate."""
        return self._auth_seconds


class _Subscriber:
    def __init__(
        self,
        *,
        hub: MarketStream,
        socket: web.WebSocketResponse,
        codec: Codec,
        endpoint: str,
        crypto: bool,
        by_header: bool,
    ) -> None:
        self.outbox = Outbox(_QUEUE)
        self.codec = codec
        self.endpoint = endpoint
        self._hub = hub
        self._socket = socket
        self._crypto = crypto
        self._by_header = by_header
        self._channels = CRYPTO_CHANNELS if crypto else STOCK_CHANNELS
        self._subscriptions: dict[str, set[str]] = {channel: set() for channel in self._channels}
        self._authenticated = False
        self._timeout: asyncio.Task[None] | None = None

    def wants(self, channel: str, symbol: str) -> bool:
        """Tell whether the client subscribed to this."""
        if ("/" in symbol) is not self._crypto:
            return False
        symbols = self._subscriptions.get(channel)
        return symbols is not None and (symbol in symbols or "*" in symbols)

    async def greet(self) -> None:
        """Say that the connection stands, and start the clock for its authentication."""
        await self._answer({"T": "success", "msg": "connected"})
        if self._by_header:
            await self._admit()
        else:
            self._timeout = asyncio.create_task(self._expect_auth(), name="venue-auth-timeout")

    async def _expect_auth(self) -> None:
        await asyncio.sleep(self._hub.auth_seconds)
        with suppress(ConnectionError):
            await self._refuse(404, "auth timeout")

    async def receive(self, raw: bytes) -> None:
        """Answer one request."""
        request = self.codec.decode(raw)
        if not isinstance(request, dict):
            await self._error(400, "invalid syntax")
            return
        match request.get("action"):
            case "auth" if self._authenticated:
                await self._error(403, "already authenticated")
            case "auth":
                if self._hub.credentials.match(request.get("key"), request.get("secret")):
                    await self._admit()
                else:
                    await self._refuse(402, "auth failed")
            case "subscribe" | "unsubscribe" if not self._authenticated:
                await self._error(401, "not authenticated")
            case "subscribe" | "unsubscribe" as action:
                await self._change(request, action == "subscribe")
            case _:
                await self._error(400, "invalid syntax")

    async def _admit(self) -> None:
        if not self._hub.admit(self):
            await self._refuse(406, "connection limit exceeded")
            return
        self._authenticated = True
        self._stop_waiting()
        await self._answer({"T": "success", "msg": "authenticated"})

    async def _change(self, request: dict[str, object], adding: bool) -> None:
        asked: dict[str, set[str]] = {}
        for channel, symbols in request.items():
            if channel == "action":
                continue
            if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
                await self._error(400, "invalid syntax")
                return
            if channel not in self._channels:
                known = channel in STOCK_CHANNELS or channel in CRYPTO_CHANNELS
                await self._error(
                    *((410, "invalid subscribe action for this feed") if known else (400, "invalid syntax"))
                )
                return
            asked[channel] = set(symbols)
        after = {
            channel: symbols | asked.get(channel, set()) if adding else symbols - asked.get(channel, set())
            for channel, symbols in self._subscriptions.items()
        }
        if "trades" in asked:
            after |= {mirror: after["trades"] for mirror in MIRRORS if mirror in after}
        limit = self._hub.symbol_limit
        if adding and limit and len(set().union(*after.values())) > limit:
            await self._error(405, "symbol limit exceeded")
            return
        self._subscriptions = after
        self._hub.changed()
        state: Message = {"T": "subscription"}
        await self._answer(state | {channel: sorted(symbols) for channel, symbols in after.items()})

    async def _answer(self, message: Message) -> None:
        await self.send_batch([self.codec.encode(message)])

    async def _error(self, code: int, text: str) -> None:
        await self._answer({"T": "error", "code": code, "msg": text})

    async def _refuse(self, code: int, text: str) -> None:
        await self._error(code, text)
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)

    async def send_batch(self, messages: Sequence[bytes]) -> None:
        """Send messages as one array."""
        frame = self.codec.join(messages)
        if self.codec is Codec.MSGPACK:
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_frame(frame, WSMsgType.TEXT)

    async def part_slow(self) -> None:
        """Say why the connection ends."""
        await self._error(407, "slow client")

    def _stop_waiting(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()

    def leave(self) -> None:
        """Free the endpoint."""
        self._stop_waiting()
        self._hub.leave(self)
