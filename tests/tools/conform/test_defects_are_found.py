"""Each broken promise is found by the cases that are about it: a suite that passes anything proves nothing."""

import pytest
from tests.tools.conform.broken_brokers import DEFECTS, Broken, broken_harness
from tradingd.tools.conform.cases import EXECUTION
from tradingd.tools.conform.runner import Verdict, play_execution

BY_NUMBER = {case.number: case for case in EXECUTION}
PAIRS = [(defect, number) for defect, numbers in DEFECTS.items() for number in numbers]


@pytest.mark.parametrize(("defect", "number"), PAIRS, ids=lambda value: value if isinstance(value, str) else None)
async def test_the_case_finds_the_defect(defect: type[Broken], number: str) -> None:
    async with broken_harness(defect) as harness:
        result = await play_execution(BY_NUMBER[number], harness, "cf-t")
    assert result.verdict is Verdict.FAILED
    assert all(result.reasons)
