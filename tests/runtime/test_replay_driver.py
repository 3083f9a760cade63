"""The replay driver: one thread, the data's own time, the same order every time."""

from collections.abc import Generator, Iterator

import pytest
from tests.runtime.making import bar, print_, quote
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.errors import InvariantBroken
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.inbox import Inbox, LocalInbox
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.replay import ReplayDriver, merge, run_now

Row = tuple[MarketDataEvent, int]


class Recorder(Module[int | ClockTick]):
    """Writes down what it gets, and passes numbers on."""

    name = "recorder"

    def __init__(self, clock: SimulatedClock, heard: list[str], outlet: Inbox[int | ClockTick] | None = None) -> None:
        super().__init__(LocalInbox())
        self._clock, self._heard, self._outlet = clock, heard, outlet

    def handle(self, event: int | ClockTick) -> None:
        if isinstance(event, ClockTick):
            self._heard.append(f"tick {event.now_ns}")
        else:
            self._heard.append(f"{event} at {self._clock.now_ns()}")
            if self._outlet is not None and event:
                self._outlet.put(event - 1)


def rows(*times: int) -> Iterator[Row]:
    return iter([(quote(ts), number) for number, ts in enumerate(times, start=1)])


def test_every_event_is_followed_through_before_time_moves() -> None:
    clock, heard = SimulatedClock(), list[str]()
    second = Recorder(clock, heard)
    first = Recorder(clock, heard, second.inbox)
    driver = ReplayDriver(clock, [first, second], [], beat_ns=1_000)
    count = driver.run(rows(5, 7), lambda event, row: first.inbox.put(row), lambda: None, lambda *_: None)
    assert count == 2
    assert heard == ["1 at 5", "0 at 5", "2 at 7", "1 at 7"]


def test_the_beat_comes_when_its_time_has_come_and_at_the_end() -> None:
    clock, heard = SimulatedClock(), list[str]()
    module = Recorder(clock, heard)
    driver = ReplayDriver(clock, [module], [module], beat_ns=10)
    driver.run(rows(5, 7, 10, 34, 35), lambda event, row: None, lambda: None, lambda *_: None)
    assert heard == ["tick 5", "tick 10", "tick 34", "tick 35"]


def test_a_beat_comes_after_every_event_of_its_instant() -> None:
    clock, heard = SimulatedClock(), list[str]()
    module = Recorder(clock, heard)
    driver = ReplayDriver(clock, [module], [module], beat_ns=10)
    driver.run(rows(10, 10, 20), lambda event, row: heard.append(f"row {row}"), lambda: None, lambda *_: None)
    assert heard == ["row 1", "row 2", "tick 10", "row 3", "tick 20"]


def test_timers_fire_between_events_at_their_own_time() -> None:
    clock, heard = SimulatedClock(), list[str]()
    timers = [12, 15, 90]

    class Timed(Recorder):
        def handle(self, event: int | ClockTick) -> None:
            super().handle(event)
            if isinstance(event, ClockTick) and timers and timers[0] <= event.now_ns:
                timers.pop(0)

    module = Timed(clock, heard)
    driver = ReplayDriver(clock, [module], [module], beat_ns=1_000)
    driver.run(rows(1, 20), lambda event, row: None, lambda: timers[0] if timers else None, lambda *_: None)
    assert heard == ["tick 1", "tick 12", "tick 15", "tick 20"]


def test_a_timer_that_nobody_takes_does_not_stop_the_replay() -> None:
    clock, heard = SimulatedClock(), list[str]()
    module = Recorder(clock, heard)
    driver = ReplayDriver(clock, [module], [module], beat_ns=1_000)
    assert driver.run(rows(1, 20), lambda event, row: None, lambda: 12, lambda *_: None) == 2


def test_feeds_are_merged_by_event_time_and_bad_rows_left_out() -> None:
    xyz = Symbol("XYZ")
    first: list[tuple[MarketDataEvent | None, int]] = [(quote(1), 1), (None, 2), (quote(5), 3)]
    second: list[tuple[MarketDataEvent | None, int]] = [(print_(1, xyz), 1), (bar(4, xyz), 2)]
    merged = [(event.symbol, event.ts_event, row) for event, row in merge([iter(first), iter(second)])]
    assert merged == [("ABC", 1, 1), ("XYZ", 1, 1), ("XYZ", 4, 2), ("ABC", 5, 3)]
    assert [row for _, row in merge([iter(first)])] == [1, 3]


def test_what_has_to_wait_has_no_place_in_a_replay() -> None:
    done: list[int] = []

    async def at_once() -> None:
        done.append(1)

    class Never:
        def __await__(self) -> Generator[None, None, None]:
            yield None

    async def waits() -> None:
        await Never()

    run_now(at_once(), "a")
    assert done == [1]
    with pytest.raises(InvariantBroken, match="snapshot waited"):
        run_now(waits(), "snapshot")
