"""`statement`: a day's orders, executions, fees, cash and positions at the venue beside the own books."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import ConfigOption, UtcOption


class StatementFormat(StrEnum):
    """How a statement is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def statement(
    config: ConfigOption,
    day: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="A trading day, YYYY-MM-DD; today's when left out.")
    ] = None,
    output_format: Annotated[
        StatementFormat, typer.Option("--format", help="How to write the statement.")
    ] = StatementFormat.TEXT,
    utc: UtcOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Compare a day's books with the venue's account.

    Asks the running daemon, or the venue itself when none runs. The exit code is 0 when nothing differs or every
    difference is explained, 1 when one is open, 7 for a day of which the journal has nothing.
    """
    import sys
    import time
    from collections.abc import Callable
    from functools import partial

    from tradingd.cli.ask import ask_daemon
    from tradingd.cli.loading import load
    from tradingd.control.client import DaemonDown
    from tradingd.control.views import StatementView
    from tradingd.core.statement import Standing, Statement
    from tradingd.errors import Refused, UsageError
    from tradingd.reporting.statement import (
        render_statement_json,
        render_statement_markdown,
        render_statement_text,
    )
    from tradingd.reporting.times import Times
    from tradingd.settings.paths import StatePaths
    from tradingd.settings.to_core import trading_days

    try:
        asked = None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise UsageError(f"--date {day}: this is no date (write YYYY-MM-DD)") from error
    loaded = load(config)
    days = trading_days(loaded.settings)
    today = days.date(time.time_ns())
    if asked is not None and asked > today:
        raise UsageError(f"--date {day}: this day is still to come (in {days.name} it is {today})")
    paths = StatePaths(loaded.settings.daemon.state_dir)
    try:
        path = "/statement" if asked is None else f"/statement?date={asked.isoformat()}"
        view = ask_daemon(paths, path, StatementView, timeout_s=120)
        if view.statement is None:
            raise Refused(view.message)
        taken = view.statement
    except DaemonDown:
        from tradingd.cli.lone_statement import take_alone

        taken = take_alone(loaded, asked)
    render: dict[StatementFormat, Callable[[Statement], str]] = {
        StatementFormat.TEXT: partial(render_statement_text, times=Times.of_operator(utc=utc)),
        StatementFormat.JSON: render_statement_json,
        StatementFormat.MARKDOWN: render_statement_markdown,
    }
    text = render[output_format](taken)
    if output is None:
        sys.stdout.write(text)
    else:
        try:
            output.write_text(text)
        except OSError as error:
            raise UsageError(f"{output}: the statement cannot be written: {error.strerror}") from error
    if taken.standing is Standing.EXPLAINED:
        typer.echo("every difference is explained", err=True)
    raise typer.Exit(ExitCode.NOT_RIGHT if taken.standing is Standing.OPEN else ExitCode.DONE)
