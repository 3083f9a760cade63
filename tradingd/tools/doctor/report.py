"""What came of an examination: rows of tables, lines, one JSON document and the exit code.

Never: prints.
"""

from collections import Counter
from textwrap import wrap
from typing import Any

from tradingd.core.encoding import to_plain
from tradingd.core.numbers import ABSENT, money, quantity
from tradingd.errors import EXIT_CREDENTIALS, EXIT_NOT_RIGHT, EXIT_OK
from tradingd.reporting.table import WIDTH, Column, table
from tradingd.reporting.times import Times
from tradingd.tools.doctor.findings import Examination, Finding, LimitRow, Verdict

HEADINGS = ("part", "check", "verdict", "finding")
LIMIT_HEADINGS = ("scope", "limit", "value", "money", "% of equity")


def exit_code_of(examination: Examination) -> int:
    """The code for a service manager: 0 go on, 1 something failed, 4 the venue refused the keys."""
    if examination.credentials_refused:
        return EXIT_CREDENTIALS
    failed = any(finding.verdict is Verdict.FAILED for finding in examination.findings)
    return EXIT_NOT_RIGHT if failed else EXIT_OK


def finding_lines(examination: Examination, width: int = WIDTH) -> list[str]:
    """A line under headings for each finding, its remedy in brackets; what is too long goes on below."""
    rows = [(finding.part.value, finding.check, finding.verdict.value) for finding in examination.findings]
    heads = table([Column(heading) for heading in HEADINGS[:-1]], rows)
    size = max(map(len, heads))
    lines = []
    for head, words in zip(heads, [HEADINGS[-1], *map(_words, examination.findings)], strict=True):
        lines += _wrapped(f"{head.ljust(size)}  {words}", width, indent=size + 2)
    return lines


def _wrapped(line: str, width: int, *, indent: int) -> list[str]:
    """A line with its alignment kept, gone on below under `indent`."""
    head, rest = line[:indent], line[indent:]
    parts = wrap(rest, max(width - indent, 30), break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{head}{parts[0]}".rstrip(), *(" " * indent + part for part in parts[1:])]


def _words(finding: Finding) -> str:
    return f"{finding.text} ({finding.remedy})" if finding.remedy else finding.text


def limit_rows_of(examination: Examination) -> list[list[str]]:
    """A row under `LIMIT_HEADINGS` for each limit."""
    return [_limit_row(row) for row in examination.limits]


def _limit_row(row: LimitRow) -> list[str]:
    value = money(row.value) if row.unit == "money" else f"{quantity(row.value)} {row.unit}"
    return [row.scope, row.limit, value, money(row.money), ABSENT if row.share_pct is None else quantity(row.share_pct)]


def lines_of(examination: Examination) -> list[str]:
    """The worst day, the interruptions to come, and one line over everything."""
    lines = []
    day = examination.worst_day
    if day is not None:
        total = "without a bound" if day.total is None else money(day.total)
        share = "" if day.share_pct is None else f", {quantity(day.share_pct)} % of the equity"
        lines.append(f"the worst day under these limits: {total}{share}")
        for loss in day.losses:
            amount = "no bound" if loss.amount is None else money(loss.amount)
            lines.append(f"  {loss.kind}: {amount}. {loss.sentence}")
    for away in examination.interruptions:
        times = Times.of_operator()
        begin, end, zone = times.minute(away.ts_begin), times.minute(away.ts_end), times.zone(away.ts_end)
        lines.append(f"the venue is away from {begin} to {end} {zone}: {away.reason}")
    counts = Counter(finding.verdict for finding in examination.findings)
    lines.append(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    return [part for line in lines for part in _wrapped(line, WIDTH, indent=4 if line.startswith("  ") else 0)]


def document_of(examination: Examination) -> dict[str, Any]:
    """The whole as one JSON document."""
    document = to_plain(examination)
    assert isinstance(document, dict)
    code = exit_code_of(examination)
    return {"passed": code == EXIT_OK, "exit_code": code, **document}
