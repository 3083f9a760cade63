"""`statement`: a day's orders, executions, fees, cash and positions at the venue beside the own books."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tradingd.cli.options import ConfigOption


class StatementFormat(StrEnum):
    """How a statement is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def statement(
    config: ConfigOption,
    day: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="A New York date, YYYY-MM-DD; today when left out.")
    ] = None,
    output_format: Annotated[
        StatementFormat, typer.Option("--format", help="How to write the statement.")
    ] = StatementFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Compare a day's books with the venue's account.

    Asks the running daemon, or the venue itself when none runs. The exit code is 0 when nothing differs, 1 when every
    difference is explained, 2 when one is open.
    """
    import sys

    from tradingd.cli.ask import ask_daemon
    from tradingd.cli.loading import load
    from tradingd.control.client import DaemonDown
    from tradingd.control.views import StatementView
    from tradingd.core.statement import Standing
    from tradingd.errors import UsageError
    from tradingd.reporting.statement import (
        render_statement_json,
        render_statement_markdown,
        render_statement_text,
    )
    from tradingd.settings.paths import StatePaths

    try:
        asked = None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise UsageError(f"--date {day}: this is no date (write YYYY-MM-DD)") from error
    loaded = load(config)
    paths = StatePaths(loaded.settings.daemon.state_dir)
    try:
        path = "/statement" if asked is None else f"/statement?date={asked.isoformat()}"
        view = ask_daemon(paths, path, StatementView, timeout_s=120)
        if view.statement is None:
            raise UsageError(view.message)
        taken = view.statement
    except DaemonDown:
        from tradingd.stating import take_alone

        taken = take_alone(loaded, asked)
    render = {
        StatementFormat.TEXT: render_statement_text,
        StatementFormat.JSON: render_statement_json,
        StatementFormat.MARKDOWN: render_statement_markdown,
    }[output_format]
    if output is None:
        sys.stdout.write(render(taken))
    else:
        try:
            output.write_text(render(taken))
        except OSError as error:
            raise UsageError(f"{output}: the statement cannot be written: {error.strerror}") from error
    codes = {Standing.CLEAN: 0, Standing.EXPLAINED: 1, Standing.OPEN: 2}
    raise typer.Exit(codes[taken.standing])
