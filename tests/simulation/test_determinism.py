"""One seed gives one run, to the byte."""

import os
import subprocess
import sys
from hashlib import blake2b

import pytest
from tests.simulation.plans import draw
from tests.simulation.world import run_plan

SEEDS = (3, 11, 22)
PROGRAM = """
import sys
from hashlib import blake2b
from tests.simulation.plans import draw
from tests.simulation.world import run_plan
for seed in map(int, sys.argv[1:]):
    print(blake2b(run_plan(draw(seed)).journal).hexdigest())
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_journal_twice(seed: int) -> None:
    first, second = run_plan(draw(seed)), run_plan(draw(seed))
    assert first.journal == second.journal
    assert first == second
    assert first.journal.count(b"\n") > 20


def test_the_journal_does_not_depend_on_how_this_process_hashes() -> None:
    here = [blake2b(run_plan(draw(seed)).journal).hexdigest() for seed in SEEDS]
    for hash_seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, SEEDS)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert there.stdout.split() == here
