"""Aligned plain text: rows under headings, and names beside values. The same on a terminal, in a pipe and in a file."""

import textwrap
from collections.abc import Sequence

import msgspec

WIDTH = 80
"""Columns of a terminal that nobody has widened."""
_GAP = "  "
_CUT = "…"


class Column(msgspec.Struct, frozen=True):
    """One column of a table: its heading, and whether it holds figures."""

    heading: str
    is_figure: bool = False
    min_width: int = 0
    """To how many characters it may be cut to make the table fit; 0 never."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, width: int | None = None) -> list[str]:
    """Lines of a table, figures to the right; the headings come first.

    With a `width`, columns that may be cut give up characters, the last of them first, until the lines fit.
    """
    lines = [[column.heading for column in columns], *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    if width is not None:
        _fit(columns, widths, width)
    return [
        _GAP.join(
            text.rjust(size) if column.is_figure else _cut(text, size).ljust(size)
            for column, text, size in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def pairs(named: Sequence[tuple[str, str]], *, width: int | None = None) -> list[str]:
    """Lines of names and values beside each other; with a `width` long values go on below."""
    size = max((len(name) for name, _ in named), default=0)
    lines = []
    for name, value in named:
        room = None if width is None else max(width - size - len(_GAP), 20)
        parts = [value] if room is None else textwrap.wrap(value, room, break_on_hyphens=False) or [""]
        for number, part in enumerate(parts):
            lines.append(f"{(name if not number else '').ljust(size)}{_GAP}{part}".rstrip())
    return lines


def _fit(columns: Sequence[Column], widths: list[int], width: int) -> None:
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    for at in range(len(columns) - 1, -1, -1):
        if excess > 0 and columns[at].min_width:
            given = min(excess, max(widths[at] - columns[at].min_width, 0))
            widths[at] -= given
            excess -= given


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + _CUT
