"""The replay driver: the modules pumped in a fixed order on one thread, under the data's own time.

Two runs over the same data give the same journal, byte for byte: there is no clock but the data, no randomness, and no
order of events but the one written here.
"""

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from tradingd.core.market import MarketDataEvent
from tradingd.errors import InvariantBroken
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.inbox import LocalInbox
from tradingd.runtime.module import ClockTick, Module


def run_now(work: Coroutine[Any, Any, None], name: str) -> None:
    """Run a coroutine that has nothing to wait for; the simulated broker answers at once."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise InvariantBroken(f"{name} waited for something in a replay")


def drain(modules: Sequence[Module[Any]]) -> None:
    """Handle what is in the inboxes, and what comes into them meanwhile, until all are empty."""
    busy = True
    while busy:
        busy = False
        for module in modules:
            while len(module.inbox):
                module.handle(module.inbox.get_nowait())
                busy = True


class ReplayDriver:
    """Moves events from one inbox to the next until all are empty, then moves time."""

    def __init__(
        self,
        clock: SimulatedClock,
        modules: Sequence[Module[Any]],
        listeners: Sequence[Module[Any]],
        *,
        beat_ns: int,
    ) -> None:
        self._clock = clock
        self._listeners = listeners
        self._queues = tuple((_events_of(module), module.handle) for module in modules)
        self._beat_ns = beat_ns
        self._next_beat_ns = 0

    def pump(self) -> None:
        """Drain every inbox, those that fill meanwhile included."""
        queues = self._queues
        busy = True
        while busy:
            busy = False
            for events, handle in queues:
                while events:
                    handle(events.popleft())
                    busy = True

    def beat(self) -> None:
        """Send the time to every module that listens to it."""
        tick = ClockTick(self._clock.now_ns())
        for module in self._listeners:
            module.handle(tick)
        self.pump()

    def run(
        self,
        events: Iterator[tuple[MarketDataEvent, int]],
        ingest: Callable[[MarketDataEvent, int], None],
        next_timer: Callable[[], int | None],
        on_progress: Callable[[int, int], None],
    ) -> int:
        """Play every event; return how many there were."""
        count = 0
        beat_due = False
        for event, row in events:
            ts = event.ts_event
            if beat_due and ts > self._clock.now_ns():
                # After all events of an instant: what is sampled then has seen them, as it would have live.
                beat_due = False
                self.beat()
            timer = next_timer()
            while timer is not None and timer <= ts:
                self._clock.advance_to(timer)
                self.beat()
                following = next_timer()
                timer = None if following == timer else following
            self._clock.advance_to(ts)
            if ts >= self._next_beat_ns:
                self._next_beat_ns = ts - ts % self._beat_ns + self._beat_ns
                beat_due = True
            ingest(event, row)
            self.pump()
            count += 1
            if not count & 0x3FFF:
                on_progress(count, ts)
        self.beat()
        on_progress(count, self._clock.now_ns())
        return count


def merge(
    streams: Sequence[Iterator[tuple[MarketDataEvent | None, int]]],
) -> Iterator[tuple[MarketDataEvent, int]]:
    """Several feeds as one, in order of event time; rows that did not decode are left out."""

    def good(stream: Iterator[tuple[MarketDataEvent | None, int]]) -> Iterator[tuple[MarketDataEvent, int]]:
        for event, row in stream:
            if event is not None:
                yield event, row

    if len(streams) == 1:
        return good(streams[0])
    return heapq.merge(*map(good, streams), key=lambda item: item[0].ts_event)


def _events_of(module: Module[Any]) -> deque[Any]:
    inbox = module.inbox
    assert isinstance(inbox, LocalInbox)
    return inbox.events
