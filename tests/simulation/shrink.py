"""Making a failing run short: leave out what it does not need, by halves, then thirds, and so on down to one by one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from tests.simulation.faults import Fault
from tests.simulation.plans import Edit, Event, Market, Plan, Wish
from tests.simulation.world import Outcome, run_plan

T = TypeVar("T")


def smallest(items: Sequence[T], still_fails: Callable[[Sequence[T]], bool], *, tries: int) -> list[T]:
    """A sublist that still fails and, with enough tries, of which nothing can be left out (delta debugging)."""
    kept = list(items)
    parts = 2
    while len(kept) > 1 and tries > 0:
        size = -(-len(kept) // parts)
        for begin in range(0, len(kept), size):
            candidate = kept[:begin] + kept[begin + size :]
            tries -= 1
            if still_fails(candidate):
                kept, parts = candidate, max(parts - 1, 2)
                break
            if tries <= 0:
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return kept


def shrink(plan: Plan, invariant: str, *, tries: int = 400, run: Callable[[Plan], Outcome] = run_plan) -> Plan:
    """The plan with as few events as still break the same invariant."""

    def with_events(events: Sequence[Event]) -> Plan:
        return msgspec.structs.replace(plan, events=tuple(events))

    def fails(events: Sequence[Event]) -> bool:
        return run(with_events(sorted(events, key=lambda event: event.at_ns))).invariant == invariant

    for simpler in ({"haste": 0.0}, {"max_behind_s": 0.02}, {"tight": False}, {"halts_on_external": False}):
        candidate = msgspec.structs.replace(plan, **simpler)
        if run(candidate).invariant == invariant:
            plan = candidate
    # Faults and wishes say what the run is about; quotes are many and mostly say nothing.
    told = [event for event in plan.events if not isinstance(event, Market)]
    quotes = [event for event in plan.events if isinstance(event, Market)]
    told = smallest(told, lambda some: fails([*some, *quotes]), tries=tries // 2)
    quotes = smallest(quotes, lambda some: fails([*told, *some]), tries=tries // 2)
    return with_events(sorted([*told, *quotes], key=lambda event: event.at_ns))


def describe(plan: Plan) -> list[str]:
    """The events of a plan, one line each."""
    lines = []
    for event in plan.events:
        at = f"{event.at_ns / 1e9:8.3f}"
        match event:
            case Market():
                lines.append(
                    f"{at} quote {event.symbol} {event.bid:.2f} x {event.bid_size:g}"
                    f" / {event.ask:.2f} x {event.ask_size:g}"
                )
            case Wish():
                lines.append(
                    f"{at} {event.strategy_id} wants {event.verb} {event.quantity} {event.symbol} ({event.cents})"
                )
            case Fault():
                lines.append(f"{at} fault: {event.kind} ({event.size:.3f})")
            case Edit():
                lines.append(f"{at} edit: {event.kind} {event.strategy_id}")
    return lines
