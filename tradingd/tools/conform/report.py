"""What came of the cases: rows of a table, and one JSON document.

Never: prints.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tradingd.tools.conform.case import DataCase, ExecutionCase
from tradingd.tools.conform.runner import Result, Verdict

HEADINGS = ("case", "on", "title", "verdict", "seconds")


def rows_of(results: Iterable[Result]) -> list[list[str]]:
    """A row under `HEADINGS` for each result."""
    return [
        [result.case, result.target, result.title, verdict_of(result), f"{result.seconds:.1f}"] for result in results
    ]


def verdict_of(result: Result) -> str:
    """The word for a result, with the reason of one that was left out."""
    match result.verdict:
        case Verdict.SKIPPED:
            return f"skipped: {'; '.join(result.reasons)}"
        case Verdict.FAILED:
            return "FAILED"
        case Verdict.HELD:
            return "held"


def details_of(result: Result) -> list[str]:
    """What a person needs who has to look into a case that failed; nothing for others."""
    if result.verdict is not Verdict.FAILED:
        return []
    lines = [f"{result.case} on {result.target}: {result.title}"]
    lines += [f"  FAILED: {reason}" for reason in result.reasons]
    return lines + [f"  LEFT BEHIND: {what}" for what in result.left_behind]


def summary_of(results: Sequence[Result]) -> str:
    """One line over all of them."""
    counts = Counter(result.verdict for result in results)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)


def document_of(results: Sequence[Result]) -> dict[str, Any]:
    """The whole as one JSON document."""
    failed = any(result.verdict is Verdict.FAILED for result in results)
    return {"held": not failed, "cases": [msgspec.to_builtins(result) for result in results]}


def list_rows(cases: Iterable[ExecutionCase | DataCase]) -> list[list[str]]:
    """A row of number, chapter and title for each case."""
    return [[case.number, case.chapter, case.title] for case in cases]
