"""Every broker adapter against the same numbered cases."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests.contract.ib_bench import ib_harness
from tests.contract.known import KNOWN
from tests.contract.simulated_bench import simulated_harness
from tradingd.tools.conform.case import ExecutionCase
from tradingd.tools.conform.cases import EXECUTION
from tradingd.tools.conform.harness import Harness
from tradingd.tools.conform.runner import Verdict, play_execution
from tradingd.tools.conform.venue_harness import venue_harness

BROKERS: dict[str, Callable[[], AbstractAsyncContextManager[Harness]]] = {
    "simulated": simulated_harness,
    "alpaca": venue_harness,
    "ib": ib_harness,
}


def tried(broker: str, case: ExecutionCase) -> object:
    """One case on one broker, with what is known of it."""
    reason = KNOWN.get((broker, case.number))
    marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)]
    return pytest.param(broker, case, id=f"{broker}-{case.number}", marks=marks)


@pytest.mark.parametrize(("broker", "case"), [tried(broker, case) for broker in BROKERS for case in EXECUTION])
async def test_execution(broker: str, case: ExecutionCase) -> None:
    async with BROKERS[broker]() as harness:
        result = await play_execution(case, harness, "cf-t")
    if result.verdict is Verdict.SKIPPED:
        pytest.skip("; ".join(result.reasons))
    assert result.verdict is Verdict.HELD, "\n".join((case.title, *result.reasons, *result.left_behind))
