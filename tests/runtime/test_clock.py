"""Where time comes from."""

import time

from tradingd.core.market import NS_PER_SECOND
from tradingd.runtime.clock import JumpWatch, SimulatedClock, SystemClock
from tradingd.runtime.simulation import SimulationClock


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


def test_a_wall_clock_that_jumps_or_is_slewed_is_seen_once_and_a_little_is_not() -> None:
    clock = SimulationClock(1_000 * NS_PER_SECOND)
    watch = JumpWatch(clock, limit_ns=2 * NS_PER_SECOND)
    clock.jump(NS_PER_SECOND)
    assert watch.look() == 0
    clock.jump(NS_PER_SECOND)
    assert watch.look() == 2 * NS_PER_SECOND
    assert watch.look() == 0
    clock.jump(-3_600 * NS_PER_SECOND)
    assert watch.look() == -3_600 * NS_PER_SECOND
