"""Time that a test moves: a week passes in seconds, over real sockets."""

import asyncio
import heapq
from datetime import datetime
from zoneinfo import ZoneInfo

from tradingd.core.market import NS_PER_SECOND

NEW_YORK = ZoneInfo("America/New_York")
_BOUND_S = 10.0
_TURNS = 20
"""More turns of the loop than a session takes from an event to its next wait, where no socket is in between."""


def new_york(text: str) -> int:
    """`2026-02-09 23:45` in New York, as ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * NS_PER_SECOND


class WeekTime:
    """The time of day for everybody, and the waits of one session by it."""

    def __init__(self, begin: str) -> None:
        self.now_ns = new_york(begin)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self._changed = asyncio.Event()

    def clock(self) -> int:
        return self.now_ns

    # -- what the session sees ----------------------------------------------------------------------------------------

    def time(self) -> float:
        return self.now_ns / NS_PER_SECOND

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now_ns + int(seconds * NS_PER_SECOND), self._count, future))
        self._changed.set()
        await future

    async def happens(self, event: asyncio.Event, within_s: float) -> bool:
        if event.is_set():
            return True
        waits = [asyncio.create_task(event.wait()), asyncio.create_task(self.sleep(within_s))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return event.is_set()

    # -- what the test does -------------------------------------------------------------------------------------------

    async def at_rest(self) -> None:
        """Wait until the session waits for time to pass, and has nothing else to do."""
        async with asyncio.timeout(_BOUND_S):
            while True:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                self._sleepers = [one for one in self._sleepers if not one[2].done()]
                heapq.heapify(self._sleepers)
                if self._sleepers:
                    return
                self._changed.clear()
                await self._changed.wait()

    async def until(self, moment: str, *, step_s: float = 3600.0) -> None:
        """Let time pass: in the smaller steps of what is due, or in those of `step_s` where less is of interest."""
        end_ns = new_york(moment)
        assert end_ns >= self.now_ns, f"{moment} is over"
        await self.at_rest()
        while self.now_ns < end_ns:
            due_ns = max(self._sleepers[0][0], self.now_ns)
            step_ns = int(step_s * NS_PER_SECOND)
            self.now_ns = min(end_ns, max(due_ns, self.now_ns + step_ns))
            self._wake()
            await self.at_rest()

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self.now_ns:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
