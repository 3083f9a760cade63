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
