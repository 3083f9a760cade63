"""The bench of a data case: one feed, and what it delivers.

Owns: the feed and its task. Emits: `Failed`. Never: ends a case with the feed still running.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, DataDefect, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.errors import TradingdError
from tradingd.feeds.base import Feed, FeedState, FeedStatus
from tradingd.tools.conform.harness import AnyFeed, DataHarness, Market
from tradingd.tools.conform.record import Failed, Recorder

_MINUTES = 12
_AFTER_THE_END_S = 0.2
_TRADES_OF_A_MINUTE = (100.0, 101.0, 99.5, 100.5)


class Turned(msgspec.Struct, frozen=True):
    """Something that the feed could not read, and said so."""

    symbol: Symbol
    defect: DataDefect
    detail: str


Heard: TypeAlias = MarketDataEvent | FeedStatus | Turned


class DataBench:
    """What a case acts through."""

    def __init__(self, harness: DataHarness) -> None:
        self.harness = harness
        self.symbol = harness.symbols[0]
        self.heard: Recorder[Heard] = Recorder()
        self._feed: AnyFeed | None = None
        self._task: asyncio.Task[None] | None = None
        self._feeds: list[AnyFeed] = []

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self, *, symbols: tuple[Symbol, ...] | None = None, impatient: bool = False) -> None:
        """Make a feed, let it run, and wait until it is up."""
        heard = self.states.count(FeedState.UP)
        self._feed = self._kept(self.harness.make_feed(symbols, impatient=impatient))
        self._task = asyncio.create_task(self._feed.run(self), name="conform-feed")
        self._task.add_done_callback(lambda _: self.heard.wake())
        await self.until(lambda: self.states.count(FeedState.UP) > heard, "the feed says that it is up")

    async def stop(self) -> None:
        """Cancel the feed; raises `Failed` when it does not end, or ends by an error."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=self.harness.patience_s)
        if not done:
            raise Failed("the feed did not end when it was cancelled")
        if not task.cancelled() and (error := task.exception()) is not None:
            raise Failed(f"the feed ended by {type(error).__name__}: {error}")

    async def run_to_its_end(self, feed: Feed) -> None:
        """Run a feed that is expected to end by itself; raises what it ends by."""
        try:
            async with asyncio.timeout(self.harness.patience_s):
                await feed.run(self)
        except TimeoutError:
            raise Failed("the feed did not end") from None

    async def settle(self) -> None:
        """Give a feed that was ended, and whose market cannot be moved, the time to deliver once more."""
        await asyncio.sleep(_AFTER_THE_END_S)

    async def close(self) -> None:
        """End everything that is still there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=self.harness.patience_s)
        for feed in self._feeds:
            await feed.close()

    def _kept(self, feed: AnyFeed) -> AnyFeed:
        self._feeds.append(feed)
        return feed

    @property
    def ended_by(self) -> BaseException | None:
        """What ended the feed, while it has not been stopped."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    @property
    def market(self) -> Market:
        """The market, where it can be moved."""
        assert self.harness.market is not None, "a case that moves the market needs MARKET_CONTROL"
        return self.harness.market

    # -- the sink -----------------------------------------------------------------------------------------------------

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        """Take one event."""
        self.heard.put(event)

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        """Take note of something that could not be read."""
        self.heard.put(Turned(symbol, defect, detail))

    def feed_status(self, status: FeedStatus) -> None:
        """Take note of a change of state."""
        self.heard.put(status)

    async def ready(self) -> None:
        """There is always room."""

    # -- what was heard -----------------------------------------------------------------------------------------------

    @property
    def states(self) -> list[FeedState]:
        """The feed's states so far."""
        return [item.state for item in self.heard.all if isinstance(item, FeedStatus)]

    @property
    def events(self) -> list[MarketDataEvent]:
        """Everything that was delivered."""
        return [item for item in self.heard.all if isinstance(item, QuoteTick | TradeTick | PriceBar)]

    def quotes(self, symbol: Symbol | None = None) -> list[QuoteTick]:
        """The quotes of a symbol."""
        return [e for e in self.events if isinstance(e, QuoteTick) and e.symbol == (symbol or self.symbol)]

    def trades(self, symbol: Symbol | None = None) -> list[TradeTick]:
        """The trades of a symbol."""
        return [e for e in self.events if isinstance(e, TradeTick) and e.symbol == (symbol or self.symbol)]

    def bars(self, symbol: Symbol | None = None) -> list[PriceBar]:
        """The bars of a symbol."""
        return [e for e in self.events if isinstance(e, PriceBar) and e.symbol == (symbol or self.symbol)]

    def turned(self) -> list[Turned]:
        """What could not be read."""
        return [item for item in self.heard.all if isinstance(item, Turned)]

    async def until(self, condition: Callable[[], bool], wanted: str) -> None:
        """Wait for something that the feed says; a feed that ends by an error ends the wait with it."""
        await self.heard.until(
            lambda: condition() or self.ended_by is not None,
            self.harness.patience_s,
            lambda: f"it did not happen that {wanted}",
        )
        error = self.ended_by
        if error is not None and not condition():
            if isinstance(error, TradingdError):
                raise error
            raise Failed(f"the feed ended by {type(error).__name__}: {error}")

    # -- the market and the past --------------------------------------------------------------------------------------

    async def trade(self, price: float, size: float = 10.0, symbol: Symbol | None = None) -> None:
        """Print a trade."""
        await self.market.trade(symbol or self.symbol, price, size)

    async def next_minute(self) -> None:
        """Move the clock to the first second of the next minute."""
        await self.market.advance((MINUTE_NS - self.harness.now() % MINUTE_NS) / 1_000_000_000 + 1)

    async def past(self) -> tuple[int, int]:
        """Give a range of time, on minutes, that has bars; where the market can be moved, they are made now."""
        if self.harness.market is None:
            end = self.harness.now() // MINUTE_NS * MINUTE_NS - 5 * MINUTE_NS
            return end - 120 * MINUTE_NS, end
        await self.next_minute()
        start = self.harness.now() // MINUTE_NS * MINUTE_NS
        for number in range(_MINUTES):
            for price in _TRADES_OF_A_MINUTE:
                await self.trade(price + number)
            await self.market.advance(60)
        await self.trade(100.0)
        return start, start + _MINUTES * MINUTE_NS

    async def history(
        self, start_ns: int, end_ns: int, *, symbol: Symbol | None = None, interval_ns: int = MINUTE_NS
    ) -> Sequence[PriceBar]:
        """Ask for bars of the past."""
        if not self._feeds:
            self._kept(self.harness.make_feed())
        return await self._feeds[0].fetch_bars(symbol or self.symbol, interval_ns, start_ns, end_ns)
