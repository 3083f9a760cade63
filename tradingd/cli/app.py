"""The list of commands, and the way from an error to one line and an exit code.

Owns: names, examples and exit codes of the command line. Never: imports at its top what a command may not need, since
the time from exec to ready counts.
"""

import os
import sys
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup

from tradingd import __version__
from tradingd.cli import (
    act,
    ask,
    config,
    conform,
    doctor,
    drill,
    explain,
    handing_over,
    journal,
    logs,
    report,
    run,
    statement,
    venue,
)
from tradingd.cli.exit_codes import ExitCode, table
from tradingd.errors import FatalError, TradingdError


class _Commands(TyperGroup):
    """The commands, with their errors told in one place."""

    def invoke(self, ctx: Any) -> Any:  # the context's class is typer's own or click's, by typer's version
        """Run a command; no error that is foreseen leaves as a traceback."""
        try:
            return super().invoke(ctx)
        except TradingdError as error:
            raise typer.Exit(_print_error(error)) from error
        except BrokenPipeError as error:
            raise typer.Exit(ExitCode.DONE) from error
        except PermissionError as error:
            _say(f"tradingd: error: {_forbidden(error)}")
            raise typer.Exit(ExitCode.USAGE) from error
        except OSError as error:
            _say(f"tradingd: error: {error}")
            raise typer.Exit(ExitCode.FAULT) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(ExitCode.INTERRUPTED) from error


def _print_error(error: TradingdError) -> int:
    """Print an error on stderr and give its exit code."""
    from tradingd.settings.problems import ConfigurationProblems

    # Problems of the configuration bring their own place, one a line.
    text = str(error) if isinstance(error, ConfigurationProblems) else f"tradingd: error: {error}"
    _say(text)
    return error.exit_code if isinstance(error, FatalError) else ExitCode.FAULT


def _forbidden(error: PermissionError) -> str:
    """Name the file that may not be opened, whose it is, and who could."""
    from pathlib import Path

    from tradingd.settings.places import owner_name

    if error.filename is None:
        return str(error)
    place = Path(os.fsdecode(error.filename))
    for found in (place, *place.parents):
        with suppress(OSError):
            uid = found.stat().st_uid
            return (
                f"{place}: permission denied, owned by UID {uid} ({owner_name(uid)}): run this as that user, or as root"
            )
    return f"{place}: permission denied"


def _say(text: str) -> None:
    """Print on stderr, whether or not somebody reads it: the exit code stays what it is."""
    with suppress(OSError):
        typer.echo(text, err=True)


def _example(text: str) -> str:
    return f"Example: tradingd {text}"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tradingd {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Trade unattended: market data in, orders out, none lost."""


def build_app() -> typer.Typer:
    """Make the whole command line."""
    # Without rich in typer's own messages: it would be imported for every command.
    app = typer.Typer(
        cls=_Commands,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=f"{table()}\n\n{_example('check -c config/paper.toml')}")(_root)

    app.command("run", epilog=_example("run -c config/paper.toml"))(run.run)
    app.command("check", epilog=_example("check -c config/paper.toml"))(config.check)
    app.command("replay", epilog=_example("replay -c config/paper.toml --from 2026-03-02 --to 2026-03-07"))(run.replay)
    app.command("report", epilog=_example("report -c config/paper.toml --from 2026-03-01 --format json"))(report.report)
    app.command("statement", epilog=_example("statement -c config/paper.toml --date 2026-03-02"))(statement.statement)

    app.command("status", epilog=_example("status -c config/paper.toml"))(ask.status)
    app.command("positions", epilog=_example("positions -c config/paper.toml --json"))(ask.positions)
    app.command("orders", epilog=_example("orders -c config/paper.toml --all"))(ask.orders)
    app.command("trades", epilog=_example("trades -c config/paper.toml --json"))(ask.trades)
    app.command("denials", epilog=_example("denials -c config/paper.toml --since 1d"))(ask.denials)
    app.command("risk", epilog=_example("risk -c config/paper.toml"))(ask.risk)
    app.command("logs", epilog=_example("logs -c config/paper.toml -f --event 'order.*' --since 10m"))(logs.logs)

    app.command("halt", epilog=_example('halt -c config/paper.toml --strategy trend --reason "odd fills"'))(act.halt)
    app.command("resume", epilog=_example("resume -c config/paper.toml"))(act.resume)
    app.command("flatten", epilog=_example("flatten -c config/paper.toml --yes"))(act.flatten)
    app.command("close", epilog=_example("close -c config/paper.toml --strategy trend"))(act.close)
    app.command("cancel", epilog=_example("cancel -c config/paper.toml trend-k3v9q2-17"))(act.cancel)
    app.command("cancel-all", epilog=_example("cancel-all -c config/paper.toml"))(act.cancel_all)
    app.command("reconcile", epilog=_example("reconcile -c config/paper.toml --plan"))(act.reconcile)

    app.command("transfer", epilog=_example("transfer -c config/paper.toml trend trend2 AAPL"))(handing_over.transfer)
    app.command("accept", epilog=_example("accept -c config/paper.toml"))(handing_over.accept)

    app.command("venue", epilog=_example("venue -c config/venue.toml"))(venue.venue)
    app.command("drill", epilog=_example("drill -c config/paper.toml --scenario answer-lost"))(drill.drill)
    app.command("conform", epilog=_example("conform -c config/paper.toml --case E17 --case D"))(conform.conform)
    app.command("doctor", epilog=_example("doctor -c config/paper.toml --json"))(doctor.doctor)

    app.command("explain", epilog=_example("explain HALTED order.overdue 6"))(explain.explain)

    settings = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What the configuration says and may say.")
    settings.command("show", epilog=_example("config show -c config/paper.toml"))(config.show)
    settings.command("schema", epilog=_example("config schema > tradingd.schema.json"))(config.schema)
    app.add_typer(settings, name="config", epilog=_example("config show -c config/paper.toml"))

    books = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The journal: prove, export, copy it.")
    books.command("verify", epilog=_example("journal verify -c config/paper.toml"))(journal.verify)
    books.command("export", epilog=_example("journal export -c config/paper.toml --from 2026-03-02 --format csv"))(
        journal.export
    )
    books.command("backup", epilog=_example("journal backup -c config/paper.toml paper-journal.tar.gz"))(journal.backup)
    books.command("rebuild", epilog=_example("journal rebuild -c config/paper.toml"))(journal.rebuild)
    app.add_typer(books, name="journal", epilog=_example("journal verify -c config/paper.toml"))
    return app


def _open_standard_streams() -> None:
    """Put /dev/null where a standard stream is closed: else the journal could get its number, and what is meant for it.

    A program that is started so has no `sys.stdout` or `sys.stderr`, and gets one that goes nowhere.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    # Kept open to the end of the process.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123


def main() -> None:
    """Run the command line and exit."""
    _open_standard_streams()
    try:
        build_app()(prog_name="tradingd")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone: what is left goes nowhere, and nobody is told at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
