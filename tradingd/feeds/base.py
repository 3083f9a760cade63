"""What every market-data feed offers, and what it delivers to.

A feed is an edge: it waits for its source, decodes, and hands each event to the sink synchronously. It never judges an
event (the data handler does) except that it cannot decode one.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DataDefect, MarketDataEvent, PriceBar


class FeedState(StrEnum):
    """Where a feed stands."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    ENDED = "ended"


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True, tag="feed_status"):
    """A change of a feed's state; `detail` is one line for the operator."""

    feed: str
    state: FeedState
    detail: str
    symbols: tuple[Symbol, ...] = ()


class MarketDataSink(Protocol):
    """The data handler, as a feed sees it."""

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        """Take one event; `row` is its line in the file it came from, 0 where there is none."""
        ...

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        """Take note of a piece of data that could not even be decoded."""
        ...

    def feed_status(self, status: FeedStatus) -> None:
        """Take note of a feed's change of state."""
        ...

    async def ready(self) -> None:
        """Return once there is room downstream; a feed that can pause (a file) awaits it before each event."""
        ...


class Feed(Protocol):
    """One source of market data."""

    name: str
    symbols: tuple[Symbol, ...]
    realtime: bool
    """True when events carry the present time, so that a quiet minute can be closed by the clock."""

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver until cancelled, or until the data ends (then return). Raises `FeedError` or a `FatalError`."""
        ...


class BarHistory(Protocol):
    """Where closed bars of the past can be had."""

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order."""
        ...
