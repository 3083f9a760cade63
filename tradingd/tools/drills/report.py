"""What came of the drills: rows of a table, and one JSON document.

Reads: outcomes and scenarios. Never: prints.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tradingd.tools.drills.runner import Outcome
from tradingd.tools.drills.scenario import Scenario

HELD, BREACH, UNTESTED = "held", "BREACH", "not tested"
HEADINGS = ("scenario", "case", "seed", "faults", "orders", "checked", "result", "seconds")


def result_of(outcome: Outcome) -> str:
    """The word for an outcome."""
    if outcome.breaches:
        return BREACH
    return UNTESTED if outcome.untested else HELD


def rows_of(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """A row under `HEADINGS` for each outcome."""
    return [
        [
            outcome.scenario,
            outcome.case,
            str(outcome.seed),
            ", ".join(f"{count} {kind}" for kind, count in outcome.faults.items()) or "none",
            f"{outcome.orders} and {outcome.own_orders} own" if outcome.own_orders else str(outcome.orders),
            f"{len(outcome.checked)} checks",
            result_of(outcome),
            f"{outcome.seconds:.1f}",
        ]
        for outcome in outcomes
    ]


def details_of(outcome: Outcome) -> list[str]:
    """Everything about an outcome that a person needs who has to look into it; nothing for one that held."""
    if outcome.held:
        return []
    lines = [f"{outcome.scenario} (seed {outcome.seed}, {outcome.case}): {outcome.sentence}"]
    lines += [f"  BREACH {breach}" for breach in outcome.breaches]
    if outcome.untested:
        lines.append(f"  {outcome.untested}")
    if outcome.folder:
        lines.append(f"  files: {outcome.folder}")
    return lines


def document_of(outcomes: Sequence[Outcome], changes: Sequence[str]) -> dict[str, Any]:
    """The whole as one JSON document."""
    drills = [{"result": result_of(outcome), **msgspec.to_builtins(outcome)} for outcome in outcomes]
    return {"held": all(outcome.held for outcome in outcomes), "changed": list(changes), "drills": drills}


def list_rows(scenarios: Iterable[Scenario]) -> list[list[str]]:
    """A row of name, case and sentence for each scenario."""
    return [[scenario.name, scenario.case, scenario.sentence] for scenario in scenarios]
