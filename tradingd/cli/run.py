"""`run` and `replay`: the configuration's strategies, live or over the past."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.options import ConfigOption, FormatOption, FromOption, ReportFormat, ToOption

if TYPE_CHECKING:
    from tradingd.assembly.replay_run import ReplayResult
    from tradingd.settings.paths import StatePaths

JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="PATH",
        help="New or empty folder for the replay's own journal. Left out: one under STATE/replay.",
    ),
]


RISK_LINES = 20
"""How many of a replay's warnings a person is shown; a halt early on makes a refusal of every later order."""


AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Start although the file was changed against what is held: another class, no feed, a lower limit, or a "
        "new state folder. Kept in "
        "the journal with your name.",
    ),
]


def run(
    config: ConfigOption,
    *,
    halted: Annotated[
        bool, typer.Option("--halted", help="Start halted: only reductions leave until `tradingd resume`.")
    ] = False,
    accept_changes: AcceptOption = False,
) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    A second signal forces; SIGHUP opens the log file anew and ends nothing. Exit codes: 0 stopped in order; 2 usage or
    configuration; 3 fault; 4 credentials refused by the venue.
    """
    import signal

    # A closed session must end nothing, from the first instant: the daemon takes the signal over once it has a log.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    from tradingd.cli.loading import load_startable, operator_name

    loaded = load_startable(config)

    from tradingd.assembly.startup import StartOptions
    from tradingd.orchestrator import run_daemon

    name = operator_name()
    options = StartOptions(accepts=name if accept_changes else None, halts=name if halted else None)
    raise typer.Exit(run_daemon(loaded, os.environ, options))


def replay(
    config: ConfigOption,
    start: FromOption = None,
    end: ToOption = None,
    journal: JournalOption = None,
    output_format: FormatOption = ReportFormat.TEXT,
) -> None:
    """Run the strategies over the past.

    The feeds are read in simulated time, as fast as the machine can. The report goes to stdout; the folder of
    the replay's journal and the speed go to stderr.
    """
    from tradingd.cli.interrupts import Interrupts
    from tradingd.cli.loading import load_checked
    from tradingd.cli.moments import parse_span
    from tradingd.cli.progress import progress_bar
    from tradingd.settings.paths import StatePaths

    start_ns, end_ns = parse_span(start, end)
    loaded = load_checked(config)
    folder = _replay_folder(StatePaths(loaded.settings.daemon.state_dir), journal)

    from tradingd.assembly.replay_run import replay as replay_past

    with Interrupts() as interrupts, progress_bar("replaying") as show:

        def on_progress(fraction: float | None, events: int, ts: int) -> None:
            interrupts.check()
            show(fraction, events, ts)

        result = replay_past(loaded, start_ns=start_ns, end_ns=end_ns, journal=folder, on_progress=on_progress)
    speed = f"{result.events / result.seconds:,.0f} events/s" if result.seconds > 0 else "no time"
    typer.echo(f"replay: {result.events:,} events in {result.seconds:.2f} s ({speed})", err=True)
    typer.echo(f"replay: journal {result.journal}", err=True)
    sys.stdout.write(_report(result, output_format))


def _replay_folder(paths: "StatePaths", asked: Path | None) -> Path:
    """Give a folder of its own to each replay.

    A replay empties its folder first, so one that holds anything is refused: it could be anybody's.
    """
    from datetime import UTC, datetime

    from tradingd.errors import UsageError

    if asked is None:
        return paths.replay_journal / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"
    folder = asked.resolve()
    if folder == paths.journal.resolve() or (folder.exists() and not folder.is_dir()) or any(folder.glob("*")):
        raise UsageError(f"--journal: {folder} is in use (name a new or empty folder, or leave the option out)")
    return folder


def _report(result: "ReplayResult", output_format: ReportFormat) -> str:
    from datetime import UTC

    from tradingd.core.encoding import to_json, to_plain
    from tradingd.reporting.text import render_text
    from tradingd.reporting.times import Times

    if output_format is ReportFormat.JSON:
        document = to_plain(result.performance)
        assert isinstance(document, dict)
        # Nothing here depends on the machine or the hour: the same replay gives the same document.
        document["replay"] = {
            "events": result.events,
            "orders": result.orders,
            "risk_events": result.risk_events,
            "defects": result.defects,
        }
        return to_json(document) + "\n"
    lines = ["", f"Events {result.events:,}, orders {result.orders:,}"]
    lines += [f"Risk: {event}" for event in result.risk_events[:RISK_LINES]]
    if len(result.risk_events) > RISK_LINES:
        lines.append(
            f"Risk: and {len(result.risk_events) - RISK_LINES:,} more lines like these (--format json has all)"
        )
    lines += [f"Data kept out, {defect}: {count:,}" for defect, count in sorted(result.defects.items())]
    return render_text(result.performance, Times(UTC)) + "\n".join(lines) + "\n"
