"""`report`: performance as the journal has it."""

from pathlib import Path
from typing import Annotated

import typer

from tradingd.cli.options import ConfigOption, FormatOption, FromOption, ReportFormat, ToOption

_ALWAYS = 2**63 - 1


def report(
    config: ConfigOption,
    start: FromOption = None,
    end: ToOption = None,
    output_format: FormatOption = ReportFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Measure performance from the journal.

    The daemon need not run.
    """
    import sys

    from tradingd.cli.loading import load
    from tradingd.cli.moments import parse_span
    from tradingd.errors import UsageError
    from tradingd.journal.history import read_history
    from tradingd.reporting.json import render_json
    from tradingd.reporting.measure import measure_history
    from tradingd.reporting.text import render_text
    from tradingd.settings.paths import StatePaths

    start_ns, end_ns = parse_span(start, end)
    settings = load(config).settings
    history = read_history(
        StatePaths(settings.daemon.state_dir).journal,
        -_ALWAYS if start_ns is None else start_ns,
        _ALWAYS if end_ns is None else end_ns,
    )
    performance = measure_history(history, settings.reporting)
    text = render_json(performance) if output_format is ReportFormat.JSON else render_text(performance)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise UsageError(f"{output}: the report cannot be written: {error.strerror}") from error
