"""Options and arguments that several commands share, each with its help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class ReportFormat(StrEnum):
    """How a performance report is written."""

    TEXT = "text"
    JSON = "json"


class LeastLevel(StrEnum):
    """Levels of the structured log, least first."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


ConfigOption: TypeAlias = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file (TOML).", show_default=False)
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout: decimals are strings, times RFC 3339 UTC.")
]
FromOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", "--since", metavar="TIME", help="First moment: RFC 3339, or YYYY-MM-DD for midnight UTC."),
]
ToOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--to", "--until", metavar="TIME", help="First moment no longer included, written as for --from."),
]
WideOption: TypeAlias = Annotated[
    bool, typer.Option("--wide", help="Every column, whole ids, times to the millisecond.")
]
UtcOption: TypeAlias = Annotated[bool, typer.Option("--utc", help="Times in UTC instead of your own zone.")]
SinceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only from then on: a time, a date, or the last 30s, 10m, 2h, 1d.",
    ),
]
UntilOption: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only before then, written as for --since.")
]
SymbolOption: TypeAlias = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
StrategyOption: TypeAlias = Annotated[str | None, typer.Option("--strategy", metavar="ID", help="Only this strategy.")]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Only the last N.", show_default=False)
]
FormatOption: TypeAlias = Annotated[ReportFormat, typer.Option("--format", help="How to write the report.")]
