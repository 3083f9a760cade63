"""Where time comes from."""

import time

from tradingd.runtime.clock import SimulatedClock, SystemClock


def test_the_system_clock_tells_the_machines_time() -> None:
    before = time.time_ns()
    assert before <= SystemClock.now_ns() <= time.time_ns()
    first = SystemClock.monotonic_ns()
    assert SystemClock.monotonic_ns() >= first


def test_a_simulated_clock_moves_when_told_and_never_back() -> None:
    clock = SimulatedClock(5)
    clock.advance_to(10)
    clock.advance_to(7)
    assert (clock.now_ns(), clock.monotonic_ns()) == (10, 10)
