"""Runs of many seeds, side by side, and the table of what came of them."""

import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context

import msgspec
from tests.simulation.plans import draw
from tests.simulation.world import Outcome, run_plan


def run_seed(seed: int) -> Outcome:
    """Run one seed; the journal's bytes stay behind."""
    return msgspec.structs.replace(run_plan(draw(seed)), journal=b"")


def outcomes(first: int, count: int, jobs: int) -> Iterator[Outcome]:
    """Run seeds side by side, in order."""
    if jobs == 1:
        yield from map(run_seed, range(first, first + count))
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run_seed, range(first, first + count), chunksize=4)


def hunt(first: int, count: int, jobs: int, *, show: int) -> int:
    """Run seeds and print a table; the number of breaches."""
    began = time.monotonic()
    injected: Counter[str] = Counter()
    broken: list[Outcome] = []
    entries: Counter[str] = Counter()
    steps = restarts = 0
    for outcome in outcomes(first, count, jobs):
        injected.update(outcome.injected)
        steps += outcome.steps
        restarts += outcome.restarts
        entries.update(outcome.entries)
        if outcome.invariant is not None:
            broken.append(outcome)
            print(f"seed {outcome.seed} step {outcome.steps}: {outcome.message[:400]}", flush=True)
    minutes = (time.monotonic() - began) / 60
    for outcome in broken[:show]:
        print(f"\nseed {outcome.seed}, step {outcome.steps}: {outcome.message}\nthe last events:")
        print("\n".join(outcome.trace))
    print(f"\n{'fault':32} injected")
    for kind, number in sorted(injected.items()):
        print(f"{kind:32} {number:8}")
    print(f"\n{'journal entry':32} written")
    for kind, number in sorted(entries.items()):
        print(f"{kind:32} {number:8}")
    print(
        f"\n{count} seeds from {first}, {steps} steps, {entries.total()} journal entries, {restarts} restarts, "
        f"{sum(injected.values())} faults, {len(broken)} breaches, {count / minutes:.0f} seeds a minute"
    )
    for invariant, number in Counter(str(outcome.invariant) for outcome in broken).most_common():
        print(f"  {invariant}: {number}")
    return len(broken)
