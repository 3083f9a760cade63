"""The edges between modules: bounded inboxes, each with a stated answer to being full.

    market data -> strategy      ticks conflate per symbol (counted); bars are kept
    strategy -> execution        the producer's task waits after the event that filled it
    broker -> execution          never full in order: beyond the hard bound the process stops
    execution -> strategy        as above
    anyone -> journal projection as above; the journal itself is written in place

An emitter never waits inside `handle`: it puts, and the task that runs the module waits for room afterwards. Only edges
that run with the stream (data to strategy to execution) are waited for, so no circle of waiting can close.
"""

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar

from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar, QuoteTick, TradeTick
from tradingd.errors import InvariantBroken

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Outlet(Protocol[T_contra]):
    """Where a module puts what it emits."""

    def put(self, event: T_contra) -> None:
        """Hand an event on; returns at once."""
        ...


class Inbox(Protocol[T]):
    """What a driver moves events into and a module's task takes them from."""

    def put(self, event: T) -> None:
        """Add an event."""
        ...

    def get_nowait(self) -> T:
        """Take the next event; raises `IndexError` when there is none."""
        ...

    def __len__(self) -> int: ...


class LocalInbox(Generic[T]):
    """An inbox of the replay and simulation drivers: one thread, drained after every event."""

    def __init__(self) -> None:
        self.events: deque[T] = deque()
        """What waits; the drivers look at it directly, many times for each event."""

    def put(self, event: T) -> None:
        """Add an event."""
        self.events.append(event)

    def get_nowait(self) -> T:
        """Take the next event."""
        return self.events.popleft()

    def __len__(self) -> int:
        return len(self.events)


class QueueInbox(Generic[T]):
    """An inbox of the live driver, with one task that takes: a soft bound to wait at, and a hard bound to stop at."""

    def __init__(self, name: str, *, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        self.high_water = 0
        self.taken = 0
        self._events: deque[T] = deque()
        self._taker: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    def put(self, event: T) -> None:
        """Add an event; raises `InvariantBroken` past the hard bound (eight times the capacity)."""
        events = self._events
        events.append(event)
        if self._taker is not None:
            if not self._taker.done():
                self._taker.set_result(None)
            self._taker = None
        size = len(events)
        self.high_water = max(self.high_water, size)
        if size >= self.capacity:
            self._room.clear()
            if size > 8 * self.capacity:
                raise InvariantBroken(f"{self.name} holds {size} events and nobody takes them")

    async def get(self) -> T:
        """Wait for the next event."""
        while not self._events:
            self._taker = taker = asyncio.get_running_loop().create_future()
            await taker
        return self.get_nowait()

    def get_nowait(self) -> T:
        """Take the next event; raises `IndexError` when there is none."""
        if not self._events:
            raise IndexError(self.name)
        event = self._events.popleft()
        self._taken()
        return event

    def take(self, most: int) -> list[T]:
        """Take what is there, at most so many events, all at once: cheaper than one by one."""
        pop = self._events.popleft
        events = [pop() for _ in range(min(most, len(self._events)))]
        self._taken(len(events))
        return events

    def _taken(self, count: int = 1) -> None:
        self.taken += count
        if not self._room.is_set() and len(self._events) <= self.capacity // 2:
            self._room.set()

    @property
    def is_full(self) -> bool:
        """True from the soft bound on, until half of it has been taken."""
        return not self._room.is_set()

    async def wait_room(self) -> None:
        """Wait until there is room again."""
        await self._room.wait()

    def __len__(self) -> int:
        return len(self._events)


class ConflatingInbox(QueueInbox[T]):
    """The strategy engine's inbox: past the soft bound only the latest tick of each symbol is kept.

    Nothing else is ever dropped. A symbol's events stay in order: once a tick of it waits aside, the next ones replace
    it there, and it is moved to the queue before a bar of that symbol is.
    """

    def __init__(self, name: str, *, capacity: int) -> None:
        super().__init__(name, capacity=capacity)
        self.conflated = 0
        self._waiting: dict[tuple[type, Symbol], T] = {}

    def put(self, event: T) -> None:
        """Add an event, or replace the waiting tick of its kind and symbol when the queue is full."""
        if not self._waiting and not self.is_full:
            super().put(event)
        elif isinstance(event, QuoteTick | TradeTick):
            key = (type(event), event.symbol)
            if self._waiting.pop(key, None) is not None:
                self.conflated += 1
            self._waiting[key] = event  # at the end: behind what came before it of the other kind
        else:
            if isinstance(event, PriceBar):
                self._release(event.symbol)
            super().put(event)

    def _taken(self, count: int = 1) -> None:
        super()._taken(count)
        if self._waiting and not self.is_full:
            self._release(None)

    def _release(self, symbol: Symbol | None) -> None:
        """Move waiting ticks to the queue: those of one symbol, or all."""
        for key in [key for key in self._waiting if symbol is None or key[1] == symbol]:
            super().put(self._waiting.pop(key))
