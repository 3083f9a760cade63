"""A sink that keeps what it is given, and waits for it."""

import asyncio
from collections.abc import Callable

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DataDefect, MarketDataEvent
from tradingd.feeds.base import FeedState, FeedStatus

WAIT_S = 10.0


class RecordingSink:
    """Keeps events with their rows, rejections and statuses; `room` closed makes `ready` wait."""

    def __init__(self) -> None:
        self.events: list[tuple[MarketDataEvent, int]] = []
        self.rejected: list[tuple[Symbol, DataDefect, int, str]] = []
        self.statuses: list[FeedStatus] = []
        self.room = asyncio.Event()
        self.room.set()
        self._changed = asyncio.Event()

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        self.events.append((event, row))
        self._changed.set()

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        self.rejected.append((symbol, defect, row, detail))
        self._changed.set()

    def feed_status(self, status: FeedStatus) -> None:
        self.statuses.append(status)
        self._changed.set()

    async def ready(self) -> None:
        await self.room.wait()

    @property
    def states(self) -> list[FeedState]:
        return [status.state for status in self.statuses]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that was recorded makes the condition true."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
