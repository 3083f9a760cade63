"""The simulation driver: a clock that only it moves, and a seeded choice of what comes next."""

import random
from collections.abc import Callable

from tradingd.runtime.inbox import LocalInbox
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.simulation import Agenda, Pause, SimulationClock, SimulationDriver, Step, Tasks


class Listener(Module[str | ClockTick]):
    """Writes down what it gets."""

    name = "listener"

    def __init__(self, name: str, heard: list[str]) -> None:
        super().__init__(LocalInbox())
        self._label, self._heard = name, heard

    def handle(self, event: str | ClockTick) -> None:
        self._heard.append(f"{self._label} {event.now_ns if isinstance(event, ClockTick) else event}")


def test_the_time_of_day_can_be_set_wrong_and_waits_cannot() -> None:
    clock = SimulationClock(1_000)
    clock.advance_to(50)
    clock.jump(-500)
    clock.advance_to(40)
    assert (clock.now_ns(), clock.monotonic_ns()) == (550, 50)


def test_appointments_come_in_the_order_of_their_times_and_then_of_their_making() -> None:
    agenda = Agenda(SimulationClock(0))
    heard: list[str] = []

    def note(label: str) -> Callable[[], None]:
        return lambda: heard.append(f"{label} {agenda.clock.monotonic_ns()}")

    for delay, label in ((7, "late"), (3, "first"), (3, "second")):
        agenda.after(delay, label, note(label))
    while agenda.next_due_ns is not None:
        agenda.take().action()
    assert heard == ["first 3", "second 3", "late 7"]


def test_coroutines_wait_on_the_agenda_and_others_act_meanwhile() -> None:
    agenda = Agenda(SimulationClock(0))
    tasks = Tasks(agenda)
    heard: list[str] = []

    async def work(name: str, delay: int) -> None:
        heard.append(f"{name} begins")
        await Pause(delay)
        heard.append(f"{name} ends at {agenda.clock.monotonic_ns()}")

    tasks.spawn(work("slow", 10), "slow")
    tasks.spawn(work("quick", 4), "quick")
    while agenda.next_due_ns is not None:
        agenda.take().action()
    assert heard == ["slow begins", "quick begins", "quick ends at 4", "slow ends at 10"]


def test_a_dead_process_leaves_its_coroutines_where_they_stand() -> None:
    agenda = Agenda(SimulationClock(0))
    tasks = Tasks(agenda)
    heard: list[str] = []

    async def work() -> None:
        try:
            await Pause(5)
            heard.append("went on")
        finally:
            heard.append("gone")

    tasks.spawn(work(), "work")
    agenda.take().action()
    tasks.close()
    assert heard == ["gone"]
    agenda.take().action()
    assert heard == ["gone"]


def drive(seed: int, haste: float, max_behind_ns: int) -> list[str]:
    agenda = Agenda(SimulationClock(0))
    heard: list[str] = []
    one, two = Listener("one", heard), Listener("two", heard)
    driver = SimulationDriver(
        agenda, random.Random(seed), [one, two], [one, two], haste=haste, max_behind_ns=max_behind_ns
    )
    for at in (10, 20, 30):
        agenda.after(at, f"beat {at}", driver.beat)
    one.inbox.put("a")
    two.inbox.put("b")
    steps: list[Step] = []
    while driver.step(steps.append):
        pass
    assert driver.idle
    assert len(steps) == len(heard) + 3
    return heard


def test_one_seed_gives_one_order_and_another_seed_another() -> None:
    orders = [drive(seed, 0.3, 1_000) for seed in range(20)]
    assert orders == [drive(seed, 0.3, 1_000) for seed in range(20)]
    assert len({tuple(order) for order in orders}) > 5
    for order in orders:
        assert [line for line in order if line.startswith("one")] == ["one a", "one 10", "one 20", "one 30"]


def test_time_waits_for_the_inboxes_unless_it_is_told_to_hurry() -> None:
    patient = drive(1, 0.0, 1_000)
    assert sorted(patient[:2]) == ["one a", "two b"]
    hasty = [drive(seed, 0.9, 1_000) for seed in range(20)]
    assert any("one 10" in order[:2] or sorted(order[:2]) != ["one a", "two b"] for order in hasty)


def test_nothing_waits_for_longer_than_the_program_may_be_behind() -> None:
    for seed in range(20):
        order = drive(seed, 0.9, 15)
        assert max(order.index("one a"), order.index("two b")) < min(order.index("one 20"), order.index("two 20"))
