"""`logs`: the structured log as a person reads it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.options import (
    ConfigOption,
    LeastLevel,
    LimitOption,
    SinceOption,
    StrategyOption,
    SymbolOption,
    UntilOption,
    UtcOption,
)

if TYPE_CHECKING:
    from tradingd.cli.log_lines import LogLine


def logs(
    config: ConfigOption,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="NAME", help="Only this event, or a pattern such as 'order.*'; repeatable."),
    ] = None,
    strategy: StrategyOption = None,
    symbol: SymbolOption = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="Only this order, and the signal that it came of.")
    ] = None,
    level: Annotated[
        LeastLevel, typer.Option("--level", case_sensitive=False, help="Only this level and above.")
    ] = LeastLevel.DEBUG,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    utc: UtcOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are, one JSON object each.")] = False,
) -> None:
    """Read the structured log.

    It is read from [daemon].log_file, rotated files included, else from the database.
    """
    import time
    from collections import deque

    from tradingd.cli.loading import load
    from tradingd.cli.log_lines import LogFilter, read_line, select, show_line
    from tradingd.cli.log_source import read_database, read_file
    from tradingd.cli.selection import read_selection
    from tradingd.errors import UsageError
    from tradingd.reporting.times import Times
    from tradingd.settings.paths import StatePaths

    if follow and limit is not None:
        raise UsageError("--limit shows the last lines there are: leave out --follow, or use --since")
    times = Times.of_operator(utc=utc)
    span = read_selection(since=since, until=until, times=times, now_ns=time.time_ns())
    daemon = load(config).settings.daemon
    wanted = LogFilter(
        events=tuple(event or ()),
        strategy=strategy,
        symbol=symbol,
        order=order,
        min_level=level.value,
        since_ns=span.since_ns,
        until_ns=span.until_ns,
    )
    if daemon.log_file is not None:
        lines = read_file(daemon.log_file, span.since_ns, follow=follow)
    else:
        lines = read_database(StatePaths(daemon.state_dir).database, span.since_ns, follow=follow)
    unreadable = shown = 0

    def readable() -> Iterator[tuple[str, "LogLine"]]:
        nonlocal unreadable
        for text in lines:
            line = read_line(text)
            if line is None:
                unreadable += 1
            else:
                yield text, line

    found = select(readable(), wanted)
    for text, line in found if limit is None else deque(found, maxlen=limit):
        shown += 1
        typer.echo(text if as_json else show_line(line, times))
    if unreadable:
        typer.echo(f"note: {unreadable} lines were left out: they are not log lines", err=True)
    if not shown and not follow:
        typer.echo("note: no line of the log is of what was asked for", err=True)
