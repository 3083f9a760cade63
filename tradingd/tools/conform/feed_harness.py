"""A feed that a configuration names, as it is: its market and its connection do as they like.

Owns: the wrapping of feeds that have no history or no connection of their own. Never: changes a setting.
"""

import time
from collections.abc import Callable, Sequence

from tradingd.assembly.feeds import AnyFeed as BuiltFeed
from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar
from tradingd.errors import UsageError
from tradingd.feeds.base import Feed, MarketDataSink
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.harness import AnyFeed, Market

_C = Capability
_SCHEMAS = {"quotes": _C.QUOTES, "trades": _C.TRADES, "bars": _C.BARS}
_PATIENCE_S = 30.0


class WithHistory:
    """A feed with the history that it has, or none."""

    def __init__(self, feed: BuiltFeed) -> None:
        self.name, self.symbols, self.realtime = feed.name, feed.symbols, feed.realtime
        self._feed = feed

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver until cancelled, or until the data ends."""
        await self._feed.run(sink)

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order."""
        if isinstance(self._feed, FileFeed):
            return ()
        return await self._feed.fetch_bars(symbol, interval_ns, start_ns, end_ns)

    async def close(self) -> None:
        """Close what the feed keeps open for its history."""
        if not isinstance(self._feed, FileFeed | SyntheticFeed):
            await self._feed.close()


class FeedHarness:
    """One feed of a configuration; `make` makes it anew."""

    market: Market | None = None

    def __init__(
        self,
        make: Callable[[], BuiltFeed],
        schemas: Sequence[str],
        *,
        is_open: Callable[[int], bool],
        has_history: bool,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        feed = make()
        self._make = make
        self.name, self.symbols, self.patience_s = feed.name, feed.symbols, patience_s
        offers = {_SCHEMAS[schema] for schema in schemas}
        offers |= {_C.HISTORY} if has_history else set()
        offers |= {_C.MULTI_SYMBOL} if len(feed.symbols) > 1 else set()
        self._offers = frozenset(offers)
        self._is_open = is_open

    @property
    def offers(self) -> frozenset[Capability]:
        """What the feed brings at this moment."""
        return self._offers | {_C.OPEN_MARKET} if self._is_open(self.now()) else self._offers

    def now(self) -> int:
        """The machine's time."""
        return time.time_ns()

    def make_feed(self, symbols: tuple[Symbol, ...] | None = None, *, impatient: bool = False) -> AnyFeed:
        """Make the feed as it is configured."""
        assert symbols is None and not impatient, "cases that ask for this need what this harness does not offer"
        return WithHistory(self._make())

    def make_stranger(self) -> Feed:
        """Refuse: a user's keys are his own."""
        raise UsageError(f"{self.name}: wrong keys are not tried here")

    async def cut(self) -> None:
        """Refuse."""
        raise UsageError(f"{self.name}: {_C.FAULTS}")

    async def mute(self) -> None:
        """Refuse."""
        raise UsageError(f"{self.name}: {_C.FAULTS}")

    async def garble(self) -> None:
        """Refuse."""
        raise UsageError(f"{self.name}: {_C.FAULTS}")
