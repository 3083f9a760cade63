"""The paper venue alone: a server with feeds of its own, for clients of any language.

Owns the feed tasks. A feed that loses its source is started again with growing pauses; one whose data end is done.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DataDefect, MarketDataEvent, find_defect
from tradingd.errors import RecoverableError
from tradingd.feeds.base import Feed, FeedStatus
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.settings.venue import VenueSettings
from tradingd.venue.log_sink import LogSink
from tradingd.venue.server import PaperVenue

_FIRST_PAUSE, _MAX_PAUSE = 0.5, 30.0
_YIELD_EVERY = 256


class VenueSink:
    """Hands a feed's sound events to the venue and drops the others."""

    def __init__(self, venue: PaperVenue, log: LogSink) -> None:
        self._venue = venue
        self._log = log
        self._since_yield = 0

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        """Take one event."""
        defect = find_defect(event)
        if defect is None:
            self._venue.on_market_data(event)
        else:
            self.reject(event.symbol, defect, row, "")

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        """Take note of a piece of data that is of no use."""
        details: dict[str, object] = {"symbol": symbol, "defect": defect.value, "row": row}
        self._log("WARNING", "data.rejected", detail or f"{symbol}: {defect.value}", details)

    def feed_status(self, status: FeedStatus) -> None:
        """Take note of a feed's change of state."""
        self._log("INFO", f"feed.{status.state.value}", f"{status.feed}: {status.detail}", {"feed": status.feed})

    async def ready(self) -> None:
        """Let the venue's clients have the loop now and then."""
        self._since_yield += 1
        if self._since_yield >= _YIELD_EVERY:
            self._since_yield = 0
            await asyncio.sleep(0)


async def serve(
    settings: VenueSettings, feeds: Sequence[Feed], database: Path, clock: Callable[[], int], log: LogSink
) -> None:
    """Run the venue with its feeds until cancelled; raises a `FatalError` when it cannot go on."""
    symbols = sorted({symbol for feed in feeds for symbol in feed.symbols})
    venue = PaperVenue(settings, database=database, symbols=symbols, clock=clock, log=log)
    try:
        await venue.start()
        for feed in feeds:
            if isinstance(feed, SyntheticFeed):  # an invented market goes on where the run before has left it
                feed.go_on_from(venue.last_prices())
        sink = VenueSink(venue, log)
        async with asyncio.TaskGroup() as group:
            for feed in feeds:
                group.create_task(_run_feed(feed, sink, log), name=f"venue-feed-{feed.name}")
            group.create_task(asyncio.Event().wait(), name="venue-until-cancelled")
    except ExceptionGroup as failures:
        # One failure is told as itself: callers match on the kind of error, not on a group of them.
        raise failures.exceptions[0] from failures
    finally:
        await venue.stop()


async def _run_feed(feed: Feed, sink: VenueSink, log: LogSink) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            await feed.run(sink)
            return
        except RecoverableError as error:
            log("WARNING", "feed.down", f"{feed.name}: {error}", {"feed": feed.name, "retry_in_s": pause})
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter needs no secrecy
        pause = min(pause * 2, _MAX_PAUSE)
