"""Showing answers: one JSON document for programs, aligned plain text for people, on a terminal and in a pipe alike."""

from collections.abc import Sequence

import typer

from tradingd.core.encoding import to_json
from tradingd.core.numbers import ABSENT
from tradingd.reporting.table import WIDTH, Column, pairs, table

__all__ = ["ABSENT", "WIDTH", "Column", "cell", "show_json", "show_pairs", "show_table"]


def show_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(to_json(value))


def cell(value: str | None) -> str:
    """Write a word, or a dash where there is none."""
    return value or ABSENT


def show_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, empty: str, width: int | None = None
) -> None:
    """Print rows under headings, or `empty` when there is none."""
    for line in table(columns, rows, width=width) if rows else [empty]:
        typer.echo(line)


def show_pairs(named: Sequence[tuple[str, str]]) -> None:
    """Print names and values beside each other, within the width of a terminal."""
    for line in pairs(named, width=WIDTH):
        typer.echo(line)
