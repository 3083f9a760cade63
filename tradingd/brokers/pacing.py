"""Outbound pacing: one token bucket for each limit that a venue sets, with cancels before orders before questions.

Owns: who may send when. Reads: the venue's own words about its limit, where it gives any. Never: sends anything itself,
repeats anything, or lets a new order wait so long that somebody could take it for lost.

A bucket of `burst` tokens that fills at `per_s` lets at most `burst + per_s * t` messages pass in any `t` seconds. A
lower class leaves part of the bucket to those above it, so that a page-long question never keeps a cancel waiting.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Protocol

import msgspec

from tradingd.errors import VenueUnavailable

ORDER_WAITS_S = 1.0
"""A new order that could not leave within this is refused: it would come to a market that it was not meant for."""


class Priority(IntEnum):
    """Who goes first."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2
    HISTORY = 3


_LEFT_TO_OTHERS = {Priority.CANCEL: 0.0, Priority.ORDER: 0.1, Priority.QUERY: 0.4, Priority.HISTORY: 0.6}
"""The share of the bucket that each class leaves to those above it."""


class Timer(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call back after some seconds."""
        ...


class _Waiting(msgspec.Struct):
    send: Callable[[], None]
    give_up: Callable[[], None] | None
    until: float


class Pacer:
    """One token bucket; needs a running loop, or a timer in its place."""

    def __init__(self, *, per_s: float, burst: int, timer: Timer | None = None) -> None:
        if per_s <= 0 or burst < 1:
            raise ValueError(f"a bucket holds one token or more and fills, not {burst} at {per_s} a second")
        self._timer = timer
        self._per_s = per_s
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at = 0.0 if timer is None else timer.time()
        self._held_until = 0.0
        self._queues: tuple[deque[_Waiting], ...] = tuple(deque() for _ in Priority)
        self._least = tuple(1.0 + min(int(share * burst), burst - 1) for share in _LEFT_TO_OTHERS.values())
        self._turns: set[asyncio.Future[None]] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._closed = False
        self.delayed = 0
        """How many messages have had to wait so far."""

    @property
    def backlog(self) -> Mapping[str, int]:
        """How many messages of each class wait."""
        return {priority.name.lower(): len(self._queues[priority]) for priority in Priority}

    def submit(self, priority: Priority, send: Callable[[], None], give_up: Callable[[], None] | None = None) -> None:
        """Call `send` as soon as the rate allows: at once, before this returns, where nothing is in its way.

        With `give_up`, that is called instead when the wait would be longer than `ORDER_WAITS_S`.
        """
        if self._closed:
            return
        timer = self._clock()
        now = timer.time()
        self._fill(now)
        if now >= self._held_until and self._tokens >= self._least[priority] and not self._anyone_before(priority):
            self._tokens -= 1.0
            send()
            return
        self.delayed += 1
        until = now + ORDER_WAITS_S if give_up is not None else float("inf")
        self._queues[priority].append(_Waiting(send=send, give_up=give_up, until=until))
        self._wake(timer, now)

    async def turn(self, priority: Priority) -> None:
        """Wait until one message of a class may leave; raises `VenueUnavailable` once closed."""
        if self._closed:
            raise _closed()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def pass_on() -> None:
            if done.done():
                self._tokens = min(self._burst, self._tokens + 1.0)  # nobody waits for this turn any more
            else:
                done.set_result(None)

        self._turns.add(done)
        try:
            self.submit(priority, pass_on)
            await done
        finally:
            self._turns.discard(done)

    def hold(self, seconds: float) -> None:
        """Let nothing pass for a time: the venue has said that it was too much."""
        timer = self._clock()
        now = timer.time()
        self._held_until = max(self._held_until, now + seconds)
        self._wake(timer, now)

    def correct(self, remaining: int) -> None:
        """Take the venue's word for how many messages it would still take, where that is fewer than was thought."""
        self._fill(self._clock().time())
        self._tokens = min(self._tokens, float(remaining))

    def close(self) -> None:
        """Forget what waits; nothing of it will leave, nor anything else."""
        self._closed = True
        for turn in self._turns:
            if not turn.done():
                turn.set_exception(_closed())
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        for queue in self._queues:
            queue.clear()

    def _clock(self) -> Timer:
        if self._timer is None:
            self._timer = asyncio.get_running_loop()
            self._filled_at = self._timer.time()
        return self._timer

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now

    def _anyone_before(self, priority: Priority) -> bool:
        return any(self._queues[before] for before in Priority if before <= priority)

    def _wake(self, timer: Timer, now: float) -> None:
        """Come back when the first in line may go, or gives up."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        moments = [queue[0].until for queue in self._queues if queue]
        first = next((priority for priority in Priority if self._queues[priority]), None)
        if first is None:
            return
        missing = max(self._least[first] - self._tokens, 0.0)
        moments.append(max(now + missing / self._per_s, self._held_until))
        # A timer may fire a hair early; a millisecond more spares a turn for nothing.
        self._handle = timer.call_later(max(min(moments) - now, 0.0) + 0.001, self._go_on)

    def _go_on(self) -> None:
        self._handle = None
        timer = self._clock()
        now = timer.time()
        self._fill(now)
        for priority in Priority:
            queue = self._queues[priority]
            while queue:
                head = queue[0]
                if now >= self._held_until and self._tokens >= self._least[priority]:
                    queue.popleft()
                    self._tokens -= 1.0
                    head.send()
                elif now >= head.until and head.give_up is not None:
                    queue.popleft()
                    head.give_up()
                else:
                    break
            if queue:
                self._expire_below(priority, now)
                break
        self._wake(timer, now)

    def _expire_below(self, priority: Priority, now: float) -> None:
        """Let orders give up that wait behind cancels."""
        for below in Priority:
            queue = self._queues[below]
            while below > priority and queue and queue[0].give_up is not None and now >= queue[0].until:
                given = queue.popleft()
                assert given.give_up is not None
                given.give_up()


def _closed() -> VenueUnavailable:
    return VenueUnavailable("the connection to the venue is closed")


def per_minute(limit: int) -> Pacer:
    """A bucket that keeps a limit of messages a minute, a quarter of them at once."""
    burst = max(limit // 4, 1)
    return Pacer(per_s=max(limit - burst, 1) / 60, burst=burst)
