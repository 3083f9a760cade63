"""The simulation driver: the modules pumped in a seeded random order, on a clock that only the driver moves.

Owns the agenda (what is to happen when), the coroutines under way, and the choice of what comes next. What waits in
live waits here on the agenda: answers of the venue, frames on their way, beats of the clock. One seed gives one run: no
event loop, no thread, no wall clock, and no randomness but the generator that it is handed.
"""

import heapq
import random
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

import msgspec

from tradingd.runtime.inbox import LocalInbox
from tradingd.runtime.module import ClockTick, Module


class SimulationClock:
    """Monotonic time that the driver moves forward, and a time of day that may be set wrong by a fault."""

    def __init__(self, start_ns: int) -> None:
        self._elapsed_ns = 0
        self._offset_ns = start_ns

    def now_ns(self) -> int:
        """Time of day of the simulated machine."""
        return self._elapsed_ns + self._offset_ns

    def monotonic_ns(self) -> int:
        """Time since the run began."""
        return self._elapsed_ns

    def advance_to(self, elapsed_ns: int) -> None:
        """Move to an instant of monotonic time; an earlier one changes nothing."""
        self._elapsed_ns = max(self._elapsed_ns, elapsed_ns)

    def jump(self, by_ns: int) -> None:
        """Set the time of day forward or back, as an operator or a time server would."""
        self._offset_ns += by_ns


class Appointment(msgspec.Struct, frozen=True, order=True):
    """One thing that is to happen; those of one instant come in the order in which they were made."""

    due_ns: int
    number: int
    label: str
    action: Callable[[], None]


class Agenda:
    """What is to happen when, in monotonic time."""

    def __init__(self, clock: SimulationClock) -> None:
        self.clock = clock
        self._heap: list[Appointment] = []
        self._made = 0

    def after(self, delay_ns: int, label: str, action: Callable[[], None]) -> None:
        """Have `action` called once `delay_ns` have passed."""
        self._made += 1
        due_ns = self.clock.monotonic_ns() + delay_ns
        heapq.heappush(self._heap, Appointment(due_ns, self._made, label, action))

    @property
    def next_due_ns(self) -> int | None:
        """When the next thing is to happen, None when nothing is."""
        return self._heap[0].due_ns if self._heap else None

    def take(self) -> Appointment:
        """Move time to the next appointment and return it."""
        appointment = heapq.heappop(self._heap)
        self.clock.advance_to(appointment.due_ns)
        return appointment


class Pause:
    """What a coroutine awaits to let simulated time pass; others act meanwhile."""

    def __init__(self, delay_ns: int) -> None:
        self._delay_ns = delay_ns

    def __await__(self) -> Generator[int, None, None]:
        yield self._delay_ns


class Tasks:
    """Coroutines driven by an agenda: each `Pause` that one awaits is an appointment."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._under_way: dict[int, Coroutine[Any, Any, None]] = {}
        self._made = 0

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begin a coroutine at the agenda's next turn; what it raises comes out of the step that resumed it."""
        self._made += 1
        number = self._made
        self._under_way[number] = work
        self._agenda.after(0, f"task {name}", lambda: self._resume(number, name))

    def _resume(self, number: int, name: str) -> None:
        work = self._under_way.get(number)
        if work is None:
            return
        try:
            delay_ns: int = work.send(None)
        except StopIteration:
            del self._under_way[number]
        else:
            self._agenda.after(delay_ns, f"task {name}", lambda: self._resume(number, name))

    def close(self) -> None:
        """Drop every coroutine where it stands, as the death of a process does."""
        for work in self._under_way.values():
            work.close()
        self._under_way.clear()


class Step(msgspec.Struct, frozen=True):
    """What the driver did: a module handled an event, or (with `event` None) an appointment was kept."""

    elapsed_ns: int
    actor: str
    event: object


class SimulationDriver:
    """Chooses what happens next: an event of some inbox, or what is due on the agenda."""

    def __init__(
        self,
        agenda: Agenda,
        rng: random.Random,
        modules: Sequence[Module[Any]],
        listeners: Sequence[Module[Any]],
        *,
        haste: float,
        max_behind_ns: int,
    ) -> None:
        """Pump `modules`; `haste` is how likely time moves on, per step, before the inboxes are empty.

        They are emptied once what waits in them is `max_behind_ns` old: never keeping up is another fault.
        """
        self._agenda = agenda
        self._rng = rng
        self._modules = [(module, _events_of(module)) for module in modules]
        self._listeners = listeners
        self._haste = haste
        self._max_behind_ns = max_behind_ns
        self._idle_at_ns = agenda.clock.monotonic_ns()

    def choose(self) -> Module[Any] | None:
        """Pick a module that has something to handle, or None for the agenda's turn."""
        ready = [module for module, events in self._modules if events]
        due_ns = self._agenda.next_due_ns
        if not ready:
            self._idle_at_ns = self._agenda.clock.monotonic_ns()
            return None
        if due_ns is None or due_ns - self._idle_at_ns > self._max_behind_ns:
            return ready[self._rng.randrange(len(ready))]
        if due_ns <= self._agenda.clock.monotonic_ns():
            number = self._rng.randrange(len(ready) + 1)
            return ready[number] if number < len(ready) else None
        if self._rng.random() < self._haste:
            return None
        return ready[self._rng.randrange(len(ready))]

    def step(self, on_choice: Callable[[Step], None]) -> bool:
        """Let one thing happen, after telling `on_choice` what; False when nothing is left that could."""
        module = self.choose()
        if module is not None:
            event = module.inbox.get_nowait()
            on_choice(Step(self._agenda.clock.monotonic_ns(), module.name, event))
            module.handle(event)
            return True
        if self._agenda.next_due_ns is None:
            return False
        appointment = self._agenda.take()
        on_choice(Step(appointment.due_ns, appointment.label, None))
        appointment.action()
        return True

    def beat(self) -> None:
        """Send every listening module the time, by its inbox as in live."""
        tick = ClockTick(self._agenda.clock.now_ns())
        for module in self._listeners:
            module.inbox.put(tick)

    @property
    def idle(self) -> bool:
        """True when every inbox is empty."""
        return not any(events for _, events in self._modules)


def _events_of(module: Module[Any]) -> Any:
    inbox = module.inbox
    assert isinstance(inbox, LocalInbox), "the simulation pumps local inboxes"
    return inbox.events
