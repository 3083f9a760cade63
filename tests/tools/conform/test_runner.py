"""A case's way to its verdict, and what is left of it."""

import asyncio

from tests.contract.simulated_bench import simulated_harness
from tests.tools.conform.broken_brokers import Broken, DeafToCancels, Raises, broken_harness
from tradingd.core.orders import ZERO
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import Case, Chapter, ExecutionCase
from tradingd.tools.conform.cases import EXECUTION
from tradingd.tools.conform.harness import kept
from tradingd.tools.conform.record import Failed
from tradingd.tools.conform.runner import INTERRUPTED, Result, Verdict, play_all, play_execution

BY_NUMBER = {case.number: case for case in EXECUTION}


async def leaves_things_behind(bench: Bench) -> None:
    """Trade, leave an order at work, and end by a sentence that is wrong."""
    await bench.fill(bench.order(lots=3))
    await bench.place(bench.resting())
    raise Failed("the moon is not made of cheese")


UNTIDY: ExecutionCase = Case("E00", "an untidy case", Chapter.FILL, frozenset(), leaves_things_behind)


async def test_a_case_that_fails_is_cleaned_up_after() -> None:
    async with simulated_harness() as harness:
        result = await play_execution(UNTIDY, harness, "cf-t")
        snapshot = await harness.broker.snapshot(0)
        assert await harness.broker.open_orders() == ()
    assert (result.verdict, result.reasons) == (Verdict.FAILED, ("the moon is not made of cheese",))
    assert result.left_behind == ()
    assert sum((position.quantity for position in snapshot.positions), ZERO) == 0


async def test_what_cannot_be_cleaned_up_is_said() -> None:
    async with broken_harness(DeafToCancels) as harness:
        result = await play_execution(BY_NUMBER["E10"], harness, "cf-t")
    assert result.verdict is Verdict.FAILED
    (left,) = result.left_behind
    assert "cf-t-1" in left


async def test_what_an_adapter_breaks_by_is_a_verdict() -> None:
    async with broken_harness(Raises) as harness:
        result = await play_execution(BY_NUMBER["E10"], harness, "cf-t")
    assert result.reasons[0] == "ValueError: no wire"


async def test_a_case_that_needs_what_is_not_there_is_skipped_with_the_reason() -> None:
    async with simulated_harness() as harness:
        result = await play_execution(BY_NUMBER["E115"], harness, "cf-t")
    assert (result.verdict, result.reasons) == (Verdict.SKIPPED, (Capability.FAULTS.value,))


async def test_an_adapter_that_only_passes_on_is_not_called_broken() -> None:
    async with broken_harness(Broken) as harness:
        result = await play_execution(BY_NUMBER["E10"], harness, "cf-t")
    assert result.verdict is Verdict.HELD


async def test_an_interrupt_cleans_up_and_ends_the_run() -> None:
    waiting = asyncio.Event()

    async def waits(bench: Bench) -> None:
        await bench.place(bench.resting())
        waiting.set()
        await asyncio.Event().wait()

    endless: ExecutionCase = Case("E00", "an endless case", Chapter.FILL, frozenset(), waits)
    async with simulated_harness() as harness:

        async def play() -> list[Result]:
            return [result async for result in play_all([(lambda: kept(harness), [endless, UNTIDY])], [], "t")]

        task = asyncio.create_task(play())
        await waiting.wait()
        task.cancel()
        results = await asyncio.wait_for(task, 5)
        assert await harness.broker.open_orders() == ()
    assert [result.reasons for result in results] == [(INTERRUPTED,)]
    assert results[0].left_behind == ()
