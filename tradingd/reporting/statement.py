"""A day's statement as text, Markdown or JSON; all three say the same."""

from collections.abc import Sequence

from tradingd.core.encoding import rfc3339, to_json
from tradingd.core.numbers import money, quantity
from tradingd.core.statement import Difference, Standing, Statement
from tradingd.reporting.table import Column, pairs, table
from tradingd.reporting.times import Times

_HEADS = ("part", "what", "ours", "venue", "stands", "why")


def render_statement_text(statement: Statement, times: Times) -> str:
    """Aligned text for a terminal or a mail."""
    lines = [
        f"Statement of {statement.day} ({statement.zone}), {statement.account_kind} account {statement.account_id}",
        f"Taken {times.full(statement.ts_taken)}: {statement.standing.value.upper()}",
        "",
        *pairs(_figures(statement)),
        "",
    ]
    if statement.differences:
        lines += table([Column(head) for head in _HEADS], [_row(one) for one in statement.differences])
    else:
        lines.append("Nothing differs.")
    return "\n".join(lines) + "\n"


def render_statement_markdown(statement: Statement) -> str:
    """Markdown, for a ticket or a wiki."""
    lines = [
        f"# Statement of {statement.day}",
        "",
        f"{statement.account_kind} account {statement.account_id}, taken {rfc3339(statement.ts_taken)}: "
        f"**{statement.standing.value.upper()}**",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in _figures(statement)),
        "",
    ]
    if statement.differences:
        lines += [f"| {' | '.join(_HEADS)} |", f"|{'---|' * len(_HEADS)}"]
        lines += [f"| {' | '.join(map(_cell, _row(difference)))} |" for difference in statement.differences]
    else:
        lines.append("Nothing differs.")
    return "\n".join(lines) + "\n"


def render_statement_json(statement: Statement) -> str:
    """One JSON document: decimals are strings, times RFC 3339."""
    return to_json(statement)


def _figures(statement: Statement) -> list[tuple[str, str]]:
    figures = [
        ("orders", str(statement.orders)),
        ("executions", str(statement.executions)),
        ("bought", money(statement.bought)),
        ("sold", money(statement.sold)),
        ("fees", money(statement.fees)),
        ("opening", _opening(statement)),
        ("cash", f"{money(statement.cash.ours)} (venue {money(statement.cash.venue)})"),
    ]
    figures += [
        (balance.name, f"{quantity(balance.ours)} (venue {quantity(balance.venue)})") for balance in statement.positions
    ]
    return figures


def _opening(statement: Statement) -> str:
    held = [f"{quantity(size)} {symbol}" for symbol, size in sorted(statement.opening_positions.items())]
    return ", ".join([f"cash {money(statement.opening_cash)}", *held])


def _row(difference: Difference) -> Sequence[str]:
    stands = "OPEN" if difference.standing is Standing.OPEN else difference.standing.value
    return (
        difference.part.value,
        difference.subject,
        difference.ours,
        difference.venue,
        stands,
        difference.explanation,
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
