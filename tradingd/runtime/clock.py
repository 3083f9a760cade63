"""Where time comes from: the machine in live, the data in replay."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for labels, monotonic time for waiting; both in integer nanoseconds."""

    def now_ns(self) -> int:
        """Time of day, UTC; may jump."""
        ...

    def monotonic_ns(self) -> int:
        """Time for measuring waits; never jumps."""
        ...


class SystemClock:
    """The machine's clocks."""

    @staticmethod
    def now_ns() -> int:
        """Time of day, UTC."""
        return time.time_ns()

    @staticmethod
    def monotonic_ns() -> int:
        """Time since some point in the past."""
        return time.monotonic_ns()


class JumpWatch:
    """Sees when the wall clock parts from the monotonic one: a resumed machine, a step of the time service."""

    def __init__(self, clock: Clock, *, limit_ns: int) -> None:
        self._clock = clock
        self._limit_ns = limit_ns
        self._offset = clock.now_ns() - clock.monotonic_ns()

    def look(self) -> int:
        """By how many ns the wall clock has jumped since the last look; 0 for less than the limit.

        Small differences add up until they are told: a clock that is slewed is seen as well.
        """
        offset = self._clock.now_ns() - self._clock.monotonic_ns()
        jump = offset - self._offset
        if abs(jump) < self._limit_ns:
            return 0
        self._offset = offset
        return jump


class SimulatedClock:
    """A clock that its driver moves, and that never goes back."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Simulated time."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Simulated time: it is monotonic already."""
        return self._now_ns

    def advance_to(self, ts_ns: int) -> None:
        """Move forward to `ts_ns`; an earlier time changes nothing."""
        self._now_ns = max(self._now_ns, ts_ns)
