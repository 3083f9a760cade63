"""Cases played one after another, with a verdict each.

Owns: what becomes of a case that does not hold, and that the account is cleaned up after every one. Never: prints.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.errors import TradingdError
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import Case, DataCase, ExecutionCase
from tradingd.tools.conform.cleaning import audit, clean_up
from tradingd.tools.conform.data_bench import DataBench
from tradingd.tools.conform.harness import DataHarness, Harness
from tradingd.tools.conform.record import Failed

_BOUND = 8
"""How many times the patience for one report a whole case may take."""
INTERRUPTED = "interrupted"
_SHARE = 0.75
"""How much of a venue's allowance of requests the cases use."""

OpenHarness: TypeAlias = Callable[[], AbstractAsyncContextManager[Harness]]
OpenDataHarness: TypeAlias = Callable[[], AbstractAsyncContextManager[DataHarness]]


class Verdict(StrEnum):
    """What came of a case."""

    HELD = "held"
    FAILED = "failed"
    SKIPPED = "skipped"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one account or feed."""

    case: str
    target: str
    title: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why it was skipped, or what did not hold."""
    left_behind: tuple[str, ...] = ()
    """What could not be cleaned up: somebody has to look after it."""
    seconds: float = 0.0


async def play_execution(case: ExecutionCase, harness: Harness, token: str) -> Result:
    """Play one case on an account and clean up after it."""
    began = time.monotonic()
    bench = Bench(harness, token)
    reasons: list[str] = []
    left: list[str] = []
    skipped = ""
    try:
        async with asyncio.timeout(_BOUND * harness.patience_s):
            await bench.open()
            skipped = missing(case, bench.capabilities)
            if not skipped:
                bench.tolerant = Capability.FAULTS in case.needs
                await case.play(bench)
    except TimeoutError:
        reasons.append(f"the case did not end within {_BOUND * harness.patience_s:g} s")
    except asyncio.CancelledError:
        reasons.append(INTERRUPTED)  # what is under way at the venue is cleaned up all the same
    except (Failed, TradingdError) as error:
        reasons.append(str(error))
    except Exception as error:  # noqa: BLE001  # what an adapter breaks by is a verdict, and is cleaned up after
        reasons.append(f"{type(error).__name__}: {error}")
    for one in (*bench.others, bench):
        if one.sent:
            left += await clean_up(one)
        reasons += audit(one)
        await one.leave()
    if INTERRUPTED not in reasons:
        await _pause(bench.requests, harness.requests_per_minute, began)
    return _result(case, harness.name, began, reasons, left=left, skipped=skipped)


async def play_data(case: DataCase, harness: DataHarness) -> Result:
    """Play one case on a feed."""
    began = time.monotonic()
    bench = DataBench(harness)
    reasons: list[str] = []
    skipped = missing(case, harness.offers)
    if not skipped:
        try:
            async with asyncio.timeout(_BOUND * harness.patience_s):
                await case.play(bench)
        except TimeoutError:
            reasons.append(f"the case did not end within {_BOUND * harness.patience_s:g} s")
        except (Failed, TradingdError) as error:
            reasons.append(str(error))
        except Exception as error:  # noqa: BLE001  # as above
            reasons.append(f"{type(error).__name__}: {error}")
        finally:
            await bench.close()
    return _result(case, harness.name, began, reasons, left=[], skipped=skipped)


def missing(case: Case[object] | ExecutionCase | DataCase, offered: frozenset[Capability]) -> str:
    """Say why a case cannot be tried, empty when it can."""
    return "; ".join(need.value for need in sorted(case.needs - offered))


def _result(
    case: ExecutionCase | DataCase, target: str, began: float, reasons: list[str], *, left: list[str], skipped: str
) -> Result:
    verdict = Verdict.FAILED if reasons or left else Verdict.SKIPPED if skipped else Verdict.HELD
    return Result(
        case=case.number,
        target=target,
        title=case.title,
        verdict=verdict,
        reasons=tuple(dict.fromkeys(reasons)) or ((skipped,) if skipped else ()),
        left_behind=tuple(left),
        seconds=round(time.monotonic() - began, 2),
    )


async def _pause(requests: int, per_minute: float, began: float) -> None:
    """Keep within the venue's allowance."""
    if per_minute:
        await asyncio.sleep(max(0.0, requests * 60 / (per_minute * _SHARE) - (time.monotonic() - began)))


async def play_all(
    execution: Sequence[tuple[OpenHarness, Sequence[ExecutionCase]]],
    data: Sequence[tuple[OpenDataHarness, Sequence[DataCase]]],
    token: str,
) -> AsyncIterator[Result]:
    """Play cases, each on a harness of its own; an account that cannot be opened ends the run with its error."""
    for open_harness, cases in execution:
        for number, case in enumerate(cases):
            async with open_harness() as harness:
                result = await play_execution(case, harness, f"cf-{token}-{number}")
            yield result
            if INTERRUPTED in result.reasons:
                return
    for open_data, data_cases in data:
        for data_case in data_cases:
            async with open_data() as data_harness:
                yield await play_data(data_case, data_harness)
