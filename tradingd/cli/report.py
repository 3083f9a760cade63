"""`report`: performance as the journal has it."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.options import ConfigOption, UtcOption

if TYPE_CHECKING:
    from tradingd.settings.paths import StatePaths

_ALWAYS = 2**63 - 1


class Format(StrEnum):
    """How a performance report is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Rows(StrEnum):
    """What a row of a CSV report is."""

    ROUND_TRIPS = "round-trips"
    TRADES = "trades"


def report(
    config: ConfigOption,
    *,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            "--since",
            metavar="TIME",
            help="First moment: a time, a trading day's date, or an age such as 7d.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", "--until", metavar="TIME", help="First moment no longer included, written as for --from."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write the report.")] = Format.TEXT,
    rows: Annotated[
        Rows, typer.Option("--rows", help="What a row of CSV is: what a closing trade made, or an execution.")
    ] = Rows.ROUND_TRIPS,
    utc: UtcOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Measure performance from the journal.

    The daemon need not run; one that does is asked for its equity first.
    """
    import sys
    import time

    from tradingd.cli.loading import load
    from tradingd.cli.selection import read_selection
    from tradingd.errors import UsageError
    from tradingd.journal.history import read_history
    from tradingd.reporting.csv import render_round_trips, render_trades
    from tradingd.reporting.json import render_json
    from tradingd.reporting.measure import measure_history
    from tradingd.reporting.text import render_text
    from tradingd.reporting.times import Times
    from tradingd.settings.paths import StatePaths
    from tradingd.settings.to_core import trading_days

    settings = load(config).settings
    paths, days = StatePaths(settings.daemon.state_dir), trading_days(settings)
    now = time.time_ns()
    span = read_selection(since=start, until=end, times=Times(days.zone), now_ns=now, names=("--from", "--to"))
    if span.until_ns is None or span.until_ns > now:
        _sample_equity(paths)
    history = read_history(
        paths.journal,
        -_ALWAYS if span.since_ns is None else span.since_ns,
        _ALWAYS if span.until_ns is None else span.until_ns,
        day_of=days.number,
    )
    performance = measure_history(history, settings.reporting, days)
    match output_format:
        case Format.JSON:
            text = render_json(performance)
        case Format.CSV if rows is Rows.ROUND_TRIPS:
            text = render_round_trips(history.performance.account.round_trips, Times.of_operator(utc=utc))
        case Format.CSV:
            text = render_trades(history.performance.account.trades, Times.of_operator(utc=utc))
        case Format.TEXT:
            text = render_text(performance, Times.of_operator(utc=utc))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise UsageError(f"{output}: the report cannot be written: {error.strerror}") from error


def _sample_equity(paths: "StatePaths") -> None:
    """Have a running daemon write its equity of this moment into the journal, if one answers."""
    from tradingd.cli.ask import ask_daemon
    from tradingd.control.client import DaemonDown
    from tradingd.control.views import CommandResult
    from tradingd.errors import FatalError

    with contextlib.suppress(DaemonDown, FatalError):
        ask_daemon(paths, "/equity", CommandResult, body={}, timeout_s=3.0)
