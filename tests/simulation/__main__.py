"""Hunt for bugs: run seeds, and tell what was injected and what broke.

python -m tests.simulation --seeds 1000              seeds 0 to 999, on every core
python -m tests.simulation --first 5000 --seeds 200  seeds 5000 to 5199
python -m tests.simulation --seed 17 --trace         one seed, step by step
python -m tests.simulation --seed 17 --shrink        the fewest events that still break it
"""

import argparse
import os
import sys

from tests.simulation.hunt import hunt
from tests.simulation.plans import draw
from tests.simulation.shrink import describe, shrink
from tests.simulation.world import run_plan

LAST = 30


def one(seed: int, *, trace: bool, shrunk: bool) -> int:
    """Run one seed and tell about it."""
    plan = draw(seed)
    outcome = run_plan(plan, trace=1_000_000 if trace and not shrunk else LAST)
    if shrunk and outcome.invariant is not None:
        plan = shrink(plan, outcome.invariant)
        outcome = run_plan(plan, trace=1_000_000 if trace else LAST)
    if shrunk:
        print(f"plan: tight={plan.tight} halts_on_external={plan.halts_on_external} haste={plan.haste}")
        print("\n".join(describe(plan)), end="\n\n")
    print("\n".join(outcome.trace))
    print(
        f"\nseed {seed}, {outcome.steps} steps, {outcome.restarts} restarts: {outcome.message or 'all invariants hold'}"
    )
    print(f"faults: {outcome.injected}\njournal: {outcome.entries}")
    return int(outcome.invariant is not None)


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: every step")
    parser.add_argument("--shrink", action="store_true", help="with --seed: as few events as still break it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--show", type=int, default=1, help="of how many breaches to show the last events")
    options = parser.parse_args()
    if options.seed is not None:
        return one(options.seed, trace=options.trace, shrunk=options.shrink)
    return int(hunt(options.first, options.seeds, options.jobs, show=options.show) > 0)


if __name__ == "__main__":
    sys.exit(main())
