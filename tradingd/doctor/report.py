"""What came of an examination: rows of tables, lines, one JSON document and the exit code.

Never: prints.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from tradingd.doctor.findings import Examination, Finding, LimitRow, Verdict
from tradingd.errors import EXIT_CREDENTIALS, EXIT_NOT_RIGHT, EXIT_OK
from tradingd.reporting.encoding import plain_decimal, rfc3339, to_plain

HEADINGS = ("part", "check", "verdict", "finding")
LIMIT_HEADINGS = ("scope", "limit", "value", "money", "% of equity")
_CENT = Decimal("0.01")


def exit_code_of(examination: Examination) -> int:
    """The code for a service manager: 0 go on, 1 something failed, 4 the venue refused the keys."""
    if examination.credentials_refused:
        return EXIT_CREDENTIALS
    failed = any(finding.verdict is Verdict.FAILED for finding in examination.findings)
    return EXIT_NOT_RIGHT if failed else EXIT_OK


def rows_of(examination: Examination) -> list[list[str]]:
    """A row under `HEADINGS` for each finding, its remedy in brackets."""
    return [
        [finding.part.value, finding.check, finding.verdict.value, _words(finding)] for finding in examination.findings
    ]


def _words(finding: Finding) -> str:
    return f"{finding.text} ({finding.remedy})" if finding.remedy else finding.text


def limit_rows_of(examination: Examination) -> list[list[str]]:
    """A row under `LIMIT_HEADINGS` for each limit."""
    return [_limit_row(row) for row in examination.limits]


def _limit_row(row: LimitRow) -> list[str]:
    unit = "" if row.unit == "money" else f" {row.unit}"
    return [row.scope, row.limit, f"{plain_decimal(row.value)}{unit}", _money(row.money), _share(row.share_pct)]


def _money(value: Decimal | None) -> str:
    return (
        "-" if value is None else plain_decimal(value if value == value.to_integral_value() else value.quantize(_CENT))
    )


def _share(value: Decimal | None) -> str:
    return "-" if value is None else plain_decimal(value)


def lines_of(examination: Examination) -> list[str]:
    """The worst day, the interruptions to come, and one line over everything."""
    lines = []
    day = examination.worst_day
    if day is not None:
        total = "without a bound" if day.total is None else _money(day.total)
        share = "" if day.share_pct is None else f", {plain_decimal(day.share_pct)} % of the equity"
        lines.append(f"the worst day under these limits: {total}{share}")
        for loss in day.losses:
            amount = "no bound" if loss.amount is None else _money(loss.amount)
            lines.append(f"  {loss.kind}: {amount}. {loss.sentence}")
    for away in examination.interruptions:
        begin, end = rfc3339(away.ts_begin)[:16], rfc3339(away.ts_end)[:16]
        lines.append(f"the venue is away from {begin}Z to {end}Z: {away.reason}")
    counts = Counter(finding.verdict for finding in examination.findings)
    lines.append(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    return lines


def document_of(examination: Examination) -> dict[str, Any]:
    """The whole as one JSON document."""
    document = to_plain(examination)
    assert isinstance(document, dict)
    code = exit_code_of(examination)
    return {"passed": code == EXIT_OK, "exit_code": code, **document}
