"""`logs`: the structured log as a person reads it."""

from typing import Annotated

import typer

from tradingd.cli.options import ConfigOption, LeastLevel


def logs(
    config: ConfigOption,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="NAME", help="Only this event, or a pattern such as 'order.*'; repeatable."),
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", metavar="ID", help="Only this strategy.")] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="Only the order with this client_order_id.")
    ] = None,
    level: Annotated[
        LeastLevel, typer.Option("--level", case_sensitive=False, help="Only this level and above.")
    ] = LeastLevel.DEBUG,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only lines after a time, or of the last 10m, 2h, 1d.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are, one JSON object each.")] = False,
) -> None:
    """Read the structured log.

    It is read from [daemon].log_file, rotated files included, else from the database.
    """
    import time

    from tradingd.cli.loading import load
    from tradingd.cli.log_lines import LogFilter, read_line, show_line
    from tradingd.cli.log_source import read_database, read_file
    from tradingd.cli.moments import parse_since
    from tradingd.settings.paths import StatePaths

    since_ns = parse_since(since, time.time_ns())
    daemon = load(config).settings.daemon
    wanted = LogFilter(
        events=tuple(event or ()), strategy=strategy, order=order, least_level=level.value, since_ns=since_ns
    )
    if daemon.log_file is not None:
        lines = read_file(daemon.log_file, since_ns, follow=follow)
    else:
        lines = read_database(StatePaths(daemon.state_dir).database, since_ns, follow=follow)
    unreadable = 0
    for text in lines:
        line = read_line(text)
        if line is None:
            unreadable += 1
        elif wanted.admits(line):
            typer.echo(text if as_json else show_line(line))
    if unreadable:
        typer.echo(f"note: {unreadable} lines were left out: they are not log lines", err=True)
