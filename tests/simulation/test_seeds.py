"""Three hundred seeded runs of the whole daemon under faults: every invariant holds in each."""

import pytest
from tests.simulation.plans import draw
from tests.simulation.world import run_plan

CHUNK = 30


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_every_invariant_holds_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + CHUNK):
        outcome = run_plan(draw(seed))
        told = "\n".join((f"seed {seed}, step {outcome.steps}: {outcome.message}", *outcome.trace))
        assert outcome.invariant is None, f"{told}\npython -m tests.simulation --seed {seed} --shrink"


def test_the_runs_are_about_something() -> None:
    outcomes = [run_plan(draw(seed)) for seed in range(40)]
    entries = [outcome.entries for outcome in outcomes]
    for kind in ("OrderFilled", "OrderCanceled", "OrderReplaced", "OrderUnknown"):
        assert sum(counts.get(kind, 0) for counts in entries) > 3, kind
    assert sum(outcome.restarts for outcome in outcomes) > 10
    kinds = {kind for outcome in outcomes for kind in outcome.injected}
    assert len(kinds) > 30
    assert sum(kind.startswith("edit: ") for kind in kinds) > 4
    assert sum(counts.get("StrategyTransferred", 0) for counts in entries) > 2
