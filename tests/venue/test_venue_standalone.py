"""The venue alone, fed by feeds of its own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from tests.venue.running_venue import KEYS, NOON, Clock
from tradingd.core.identifiers import Symbol
from tradingd.core.market import QuoteTick
from tradingd.errors import FeedError, UsageError
from tradingd.feeds.base import MarketDataSink
from tradingd.settings.venue import VenueSettings
from tradingd.venue.standalone import serve

AAPL = Symbol("AAPL")


class ScriptedFeed:
    """A feed that plays steps: an error to raise or quotes to deliver."""

    name = "scripted"
    symbols: tuple[Symbol, ...] = (AAPL,)
    realtime = True

    def __init__(self, *steps: Exception | tuple[float, float]) -> None:
        self._steps = list(steps)

    async def run(self, sink: MarketDataSink) -> None:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Exception):
                raise step
            bid, ask = step
            await sink.ready()
            sink.ingest(QuoteTick(symbol=AAPL, bid=bid, ask=ask, bid_size=0, ask_size=0, ts_event=NOON, ts_recv=NOON))


class Log:
    """What was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self._changed = asyncio.Event()

    def __call__(self, level: str, event: str, message: str, details: dict[str, object]) -> None:
        self.told.append((event, message))
        self._changed.set()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def events(self) -> list[str]:
        return [event for event, _ in self.told]


async def test_it_serves_what_its_feeds_deliver_and_drops_what_is_unsound(tmp_path: Path) -> None:
    log = Log()
    feed = ScriptedFeed((99.9, 100), FeedError("the line is dead"), (101, 100), (100.9, 101))
    serving = asyncio.create_task(
        serve(VenueSettings(), [feed], tmp_path / "venue.db", Clock(), log), name="standalone-venue"
    )
    await log.wait(lambda: "data.rejected" in log.events())
    assert log.events()[:3] == ["venue.started", "feed.down", "data.rejected"]
    url = log.told[0][1].rpartition(" ")[2]
    async with (
        aiohttp.ClientSession(headers=KEYS) as session,
        session.get(f"{url}/v2/stocks/quotes/latest?symbols=AAPL") as response,
    ):
        assert (await response.json())["quotes"]["AAPL"]["bp"] == 100.9
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert log.events()[-1] == "venue.stopped"


async def test_a_feed_that_cannot_go_on_ends_it_with_its_own_error(tmp_path: Path) -> None:
    feed = ScriptedFeed(UsageError("no such file"))
    async with asyncio.timeout(10):
        with pytest.raises(UsageError, match="no such file"):
            await serve(VenueSettings(), [feed], tmp_path / "venue.db", Clock(), Log())
