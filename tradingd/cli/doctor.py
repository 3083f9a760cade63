"""`doctor`: everything that can be asked before the first trade, without placing an order."""

from typing import Annotated

import typer

from tradingd.cli.options import ConfigOption, JsonOption


def doctor(
    config: ConfigOption,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither venue nor feeds: files, journal and limits alone.")
    ] = False,
    within_s: Annotated[
        float, typer.Option("--within", min=0.1, metavar="SECONDS", help="How long each part may wait for answers.")
    ] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Examine everything before the first trade.

    Configuration, secrets, state folder, journal, account, symbols, feeds, clocks and limits are looked at; no order is
    placed and nothing is written. Exit codes: 0 nothing failed; 1 something FAILED; 2 usage or configuration;
    4 credentials refused by the venue.
    """
    import asyncio
    import time

    from tradingd.cli.loading import load_startable
    from tradingd.cli.render import Column, show_json, show_table
    from tradingd.tools.doctor.examine import examine
    from tradingd.tools.doctor.report import (
        LIMIT_HEADINGS,
        document_of,
        exit_code_of,
        finding_lines,
        limit_rows_of,
        lines_of,
    )

    loaded = load_startable(config)
    examination = asyncio.run(examine(loaded, offline=offline, within_s=within_s, clock=time.time_ns))
    if as_json:
        show_json(document_of(examination))
    else:
        for line in finding_lines(examination):
            typer.echo(line)
        typer.echo()
        columns = [Column(heading, is_figure=at > 1) for at, heading in enumerate(LIMIT_HEADINGS)]
        show_table(columns, limit_rows_of(examination), empty="no limits")
        typer.echo()
        for line in lines_of(examination):
            typer.echo(line)
    raise typer.Exit(exit_code_of(examination))
