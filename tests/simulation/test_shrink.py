"""A failing run is made as short as it can be and still fail."""

from collections.abc import Sequence

import msgspec
import pytest
from tests.simulation.faults import Fault, FaultKind
from tests.simulation.plans import Market, Plan, draw
from tests.simulation.shrink import describe, shrink, smallest
from tests.simulation.world import Outcome


@pytest.mark.parametrize("needed", [{3}, {0, 99}, {10, 11, 12}, {5, 50, 70, 71}, set(range(0, 100, 9))])
def test_only_what_is_needed_is_left(needed: set[int]) -> None:
    tries = []

    def fails(items: Sequence[int]) -> bool:
        tries.append(len(items))
        return needed <= set(items)

    assert smallest(range(100), fails, tries=2_000) == sorted(needed)
    assert len(tries) < 700


def test_what_is_left_fails_even_when_the_tries_run_out() -> None:
    kept = smallest(range(100), lambda items: {5, 80} <= set(items), tries=4)
    assert {5, 80} <= set(kept)
    assert len(kept) < 100


def outcome_of(plan: Plan) -> Outcome:
    """A run that breaks when the stream goes down after a crash, and needs one quote."""
    kinds = [event.kind for event in plan.events if isinstance(event, Fault)]
    quotes = sum(isinstance(event, Market) for event in plan.events)
    late = FaultKind.CRASH in kinds and FaultKind.STREAM_DOWN in kinds[kinds.index(FaultKind.CRASH) :]
    return Outcome(
        seed=plan.seed,
        steps=0,
        invariant="I2" if late and quotes else None,
        message="",
        trace=(),
        injected={},
        entries={},
        restarts=0,
        journal=b"",
    )


def test_a_plan_shrinks_to_its_cause() -> None:
    plan = draw(1)
    cause = [
        Fault(at_ns=9_000_000_000, kind=FaultKind.CRASH, size=0.5),
        Fault(at_ns=10_000_000_000, kind=FaultKind.STREAM_DOWN, size=0.5),
    ]
    events = sorted([*plan.events, *cause], key=lambda event: event.at_ns)
    plan = msgspec.structs.replace(plan, events=tuple(events), haste=0.3)
    assert outcome_of(plan).invariant == "I2"
    short = shrink(plan, "I2", run=outcome_of)
    assert short.haste == 0
    assert [type(event) for event in short.events].count(Market) == 1
    assert len(short.events) == 3
    assert [line.split(":", 1)[-1].split(" (")[0].strip() for line in describe(short) if "fault" in line] == [
        "crash",
        "stream down",
    ]
