"""The Alpaca feed over the paper venue's data stream, with a relay between them that breaks when it is told to."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tradingd.brokers.alpaca.feed import AlpacaFeed
from tradingd.brokers.alpaca.history import AlpacaHistory
from tradingd.core.identifiers import Symbol
from tradingd.runtime.backoff import Backoff
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.venue_harness import VenueHarness, venue_harness
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

_C = Capability
_OFFERS = frozenset(
    {
        _C.MARKET_CONTROL,
        _C.CLOCK_CONTROL,
        _C.FAULTS,
        _C.STRANGER,
        _C.OPEN_MARKET,
        _C.SYMBOL_DIRECTORY,
        _C.MULTI_SYMBOL,
        _C.QUOTES,
        _C.TRADES,
        _C.BARS,
        _C.HISTORY,
    }
)


class Relay:
    """Passes a websocket's messages on both ways."""

    def __init__(self, far_side: str) -> None:
        self._far_side = far_side
        self._clients: set[ServerConnection] = set()
        self._muted: set[ServerConnection] = set()

    async def handle(self, client: ServerConnection) -> None:
        assert client.request is not None  # the handshake is over
        headers = {"Content-Type": client.request.headers.get("Content-Type", "application/json")}
        self._clients.add(client)
        try:
            async with connect(self._far_side, additional_headers=headers, compression=None) as venue:
                up = asyncio.create_task(self._pass_up(client, venue))
                try:
                    async for message in venue:
                        if client not in self._muted:
                            await client.send(message)
                finally:
                    up.cancel()
                    await asyncio.gather(up, return_exceptions=True)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    async def _pass_up(self, client: ServerConnection, venue: ClientConnection) -> None:
        try:
            async for message in client:
                await venue.send(message)
        except ConnectionClosed:
            pass
        finally:
            await venue.close()

    def cut(self) -> None:
        for client in self._clients:
            client.transport.abort()

    def mute(self) -> None:
        self._muted |= self._clients

    async def garble(self) -> None:
        for client in self._clients:
            await client.send(b"\xc1 this is neither msgpack nor JSON")


class AlpacaDataHarness:
    """One relay and one venue behind it."""

    name = "alpaca"
    symbols = (Symbol("AAPL"), Symbol("MSFT"))
    offers = _OFFERS
    patience_s = 5.0

    def __init__(self, venue: VenueHarness, relay: Relay, url: str) -> None:
        self.market = venue.market
        self.now = venue.now
        self._venue = venue
        self._relay = relay
        self._url = url

    def make_feed(
        self, symbols: tuple[Symbol, ...] | None = None, *, impatient: bool = False, secret: str = "paper-secret"
    ) -> AlpacaFeed:
        return AlpacaFeed(
            self._url,
            "paper",
            secret,
            symbols or self.symbols,
            channels=("quotes", "trades", "bars"),
            history=AlpacaHistory(self._venue.venue.base_url, "paper", secret, clock=self.now),
            backoff=Backoff(0.02, 0.1, random.Random(1)),
            slot_backoff=Backoff(0.02, 0.1, random.Random(1)),
            expects_data=lambda: impatient,
            mute_after_s=0.3,
            clock=self.now,
        )

    def make_stranger(self) -> AlpacaFeed:
        return self.make_feed(secret="not-the-secret")

    async def cut(self) -> None:
        self._relay.cut()

    async def mute(self) -> None:
        self._relay.mute()

    async def garble(self) -> None:
        await self._relay.garble()


@asynccontextmanager
async def alpaca_data_harness() -> AsyncIterator[AlpacaDataHarness]:
    """Run a venue and a relay before it while the block runs."""
    async with venue_harness() as venue:
        relay = Relay(venue.venue.data_stream_url)
        async with serve(relay.handle, "127.0.0.1", 0, compression=None, close_timeout=1) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            yield AlpacaDataHarness(venue, relay, f"ws://127.0.0.1:{port}/v2/iex")
