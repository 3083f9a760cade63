"""A paced load, and the stopwatch between a tick that asks for an order and that order.

Owns: which ticks ask for one, and the stamps. Never: knows a protocol; the far sides do.
"""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec


class Load(msgspec.Struct, frozen=True):
    """One paced load: ticks a second, ticks in a frame, orders a second, for how long."""

    ticks_per_s: int
    per_frame: int
    orders_per_s: int
    seconds: float


class Timing(msgspec.Struct, frozen=True):
    """What a load came to; times in microseconds."""

    p50: float
    p99: float
    orders: int
    expected: int
    drain_s: float
    behind: bool
    """True when the sender itself could not keep its pace: the load was not what it says."""


class FarSide(Protocol):
    """What a program under measurement is connected to."""

    port: int
    subscribed: asyncio.Event
    """Set once the program has asked for ticks."""

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        ...

    async def stop(self) -> None:
        """Close everything."""
        ...

    async def run(self, load: Load) -> Timing:
        """Send a load and wait until every order that it asked for has come."""
        ...


class Stopwatch:
    """Times orders in the sequence in which they were asked for."""

    def __init__(self) -> None:
        self._sent: deque[int] = deque()
        self._latencies: list[int] = []

    def on_order(self, arrived_ns: int) -> None:
        """Take the moment at which an order arrived."""
        if self._sent:
            self._latencies.append(arrived_ns - self._sent.popleft())

    async def run(self, load: Load, send: Callable[[bool], Awaitable[None]]) -> Timing:
        """Send a load, frame by frame, and wait for its orders; `send` takes whether the frame asks for one."""
        self._sent.clear()
        self._latencies.clear()
        frames_per_s = load.ticks_per_s / load.per_frame
        frames = round(frames_per_s * load.seconds)
        every = max(1, round(frames_per_s / load.orders_per_s))
        began = time.perf_counter()
        worst = 0.0
        expected = 0
        for number in range(frames):
            due = began + number / frames_per_s
            ahead = due - time.perf_counter()
            if ahead > 0.0005:
                await asyncio.sleep(ahead)
            elif number % 50 == 0:
                await asyncio.sleep(0)
                worst = max(worst, -ahead)
            asks = number % every == 0
            if asks:
                expected += 1
                self._sent.append(time.perf_counter_ns())
            await send(asks)
        ended = time.perf_counter()
        while len(self._latencies) < expected and time.perf_counter() - ended < 10:  # noqa: ASYNC110 - bounded poll
            await asyncio.sleep(0.002)
        micros = sorted(latency / 1000 for latency in self._latencies) or [float("inf")]
        return Timing(
            p50=statistics.median(micros),
            p99=micros[min(len(micros) - 1, int(len(micros) * 0.99))],
            orders=len(self._latencies),
            expected=expected,
            drain_s=time.perf_counter() - ended,
            behind=worst > 0.05,
        )
