"""A venue on a loopback port, under a clock that the test moves, and a small REST client for it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND, PriceBar, QuoteTick, TradeTick
from tradingd.settings.venue import VenueSettings
from tradingd.venue.server import PaperVenue

KEYS = {"APCA-API-KEY-ID": "paper", "APCA-API-SECRET-KEY": "paper-secret"}
NOON = 1_767_632_400 * NS_PER_SECOND
"""2026-01-05 12:00 in New York, a Monday."""
SYMBOLS = [Symbol("AAPL"), Symbol("MSFT"), Symbol("BTC/USD")]


@dataclass
class Desk:
    """One running venue and the means to talk to it."""

    venue: PaperVenue
    session: aiohttp.ClientSession
    clock: "Clock"
    log: list[tuple[str, str, str]]

    async def call(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """Make one request; give status and decoded body."""
        async with self.session.request(method, self.venue.base_url + path, json=body, params=query) as response:
            text = await response.text()
            return response.status, await response.json() if text else None

    async def get(self, path: str, **query: str) -> Any:
        """Make one request that must succeed."""
        status, body = await self.call("GET", path, **query)
        assert status == 200, body
        return body

    async def submit(self, **body: object) -> Any:
        """Place an order that must be taken; AAPL, a day market order of one share unless told otherwise."""
        status, answer = await self.call("POST", "/v2/orders", _order(body))
        assert status == 200, answer
        return answer

    async def refuse(self, **body: object) -> tuple[int, int, str]:
        """Place an order that must not be taken."""
        status, answer = await self.call("POST", "/v2/orders", _order(body))
        assert status >= 400, answer
        return status, answer.get("code"), answer["message"]

    async def order(self, order_id: str, nested: bool = False) -> Any:
        """Ask for one order."""
        return await self.get(f"/v2/orders/{order_id}", nested=str(nested))

    async def until(self, order_id: str, status: str) -> None:
        """Ask for an order until it has a status."""
        async with asyncio.timeout(10):
            while (await self.order(order_id))["status"] != status:  # noqa: ASYNC110  # it is the venue's clock that ticks
                await asyncio.sleep(0.02)

    def quote(
        self, bid: float, ask: float, *, size: float = 0, bid_size: float | None = None, symbol: str = "AAPL"
    ) -> None:
        """Move the market."""
        now = self.clock.now
        self.venue.on_market_data(
            QuoteTick(
                symbol=Symbol(symbol),
                bid=bid,
                ask=ask,
                bid_size=size if bid_size is None else bid_size,
                ask_size=size,
                ts_event=now,
                ts_recv=now,
            )
        )

    def trade(self, price: float, size: float = 100, symbol: str = "AAPL", ago: int = 0) -> None:
        """Print a trade."""
        now = self.clock.now
        self.venue.on_market_data(
            TradeTick(symbol=Symbol(symbol), price=price, size=size, ts_event=now - ago, ts_recv=now)
        )

    def bar(self, ts_open: int, interval_ns: int, values: tuple[float, float, float, float], symbol: str) -> None:
        """Deliver a bar, as a feed of bars would."""
        open_, high, low, close = values
        end = ts_open + interval_ns
        self.venue.on_market_data(
            PriceBar(
                symbol=Symbol(symbol),
                interval_ns=interval_ns,
                ts_open=ts_open,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=10,
                ts_event=end,
                ts_recv=end,
            )
        )


def _order(body: dict[str, object]) -> dict[str, object]:
    return {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"} | body


@dataclass
class Clock:
    """Time that stands until it is moved."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move it."""
        self.now += int(seconds * NS_PER_SECOND)


@dataclass
class Starter:
    """Starts venues and stops what is left of them."""

    database: Path
    running: list[Desk] = field(default_factory=list)

    async def __call__(self, clock: Clock | None = None, **settings: object) -> Desk:
        clock = clock or Clock()
        log: list[tuple[str, str, str]] = []
        venue = PaperVenue(
            VenueSettings.model_validate({"rate_limit_per_minute": 0} | settings),
            database=self.database,
            symbols=SYMBOLS,
            clock=clock,
            log=lambda level, event, message, details: log.append((level, event, message)),
        )
        await venue.start()
        desk = Desk(venue, aiohttp.ClientSession(headers=KEYS), clock, log)
        self.running.append(desk)
        return desk

    async def stop(self, desk: Desk) -> None:
        """Stop one venue."""
        self.running.remove(desk)
        await desk.session.close()
        await desk.venue.stop()
