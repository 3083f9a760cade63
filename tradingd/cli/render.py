"""Showing answers: one JSON document for programs, a table on a terminal, aligned plain text elsewhere."""

import sys
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import typer

from tradingd.reporting.encoding import plain_decimal, to_json

ABSENT = "-"
_GAP = "  "
_EIGHT_PLACES = Decimal("1e-8")


class Column(msgspec.Struct, frozen=True):
    """One column of a table: its heading, and whether it holds figures."""

    heading: str
    is_figure: bool = False


def show_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(to_json(value))


def cell(value: object) -> str:
    """Write a value for a person; decimals are cut to eight places, which an average price may exceed."""
    match value:
        case None | "":
            return ABSENT
        case Decimal():
            exponent = value.as_tuple().exponent
            long = isinstance(exponent, int) and exponent < -8
            return plain_decimal(value.quantize(_EIGHT_PLACES) if long else value)
        case float():
            return f"{value:.4f}"
        case _:
            return str(value)


def moment(text: str | None) -> str:
    """Shorten an RFC 3339 time to milliseconds."""
    return text[:23].replace("T", " ") if text else ABSENT


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under headings, or `empty` when there is none."""
    if not rows:
        typer.echo(empty)
    elif sys.stdout.isatty():
        _show_rich(columns, rows)
    else:
        for line in _aligned(columns, rows):
            typer.echo(line)


def show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values beside each other."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        typer.echo(f"{name.ljust(width)}{_GAP}{value}".rstrip())


def _show_rich(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        justify = "right" if column.is_figure else "left"
        table.add_column(Text(column.heading), justify=justify, overflow="fold")  # type: ignore[arg-type]  # two words
    for row in rows:
        # As text, not as markup: a reason from a venue may hold square brackets.
        table.add_row(*map(Text, row))
    Console().print(table)


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [[column.heading for column in columns], *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return [
        _GAP.join(
            text.rjust(width) if column.is_figure else text.ljust(width)
            for column, text, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
