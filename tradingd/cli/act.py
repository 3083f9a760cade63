"""`halt`, `resume`, `flatten`, `cancel`, `cancel-all` and `reconcile`: commands to the running daemon."""

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import ConfigOption, JsonOption


def halt(
    config: ConfigOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the journal and the log.")] = "operator",
) -> None:
    """Stop new orders until `resume`.

    A halt outlives a restart. Working orders stay as they are.
    """
    _tell(config, "/halt", {"reason": reason, "operator": _operator()})


def resume(config: ConfigOption) -> None:
    """Let orders leave again after a halt."""
    _tell(config, "/resume", {"operator": _operator()})


def flatten(
    config: ConfigOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")] = False,
) -> None:
    """Halt, cancel and close everything.

    New orders are stopped, working ones cancelled, and every position is closed at the market.
    """
    from tradingd.errors import UsageError

    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("flatten closes every position: say --yes where there is no terminal to ask on")
        if not typer.confirm("Halt, cancel every order and close every position at the market?", err=True):
            raise UsageError("nothing was done")
    _tell(config, "/flatten", {"operator": _operator()})


def cancel(
    config: ConfigOption,
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The client_order_id, as `orders` shows it.")],
) -> None:
    """Ask the venue to cancel one working order."""
    from tradingd.errors import UsageError

    if not order_id.strip("./"):
        raise UsageError(f"{order_id!r} is no order id (see `tradingd orders`)")
    _tell(config, f"/cancel/{quote(order_id, safe='')}", {})


def cancel_all(config: ConfigOption) -> None:
    """Ask the venue to cancel every working order."""
    _tell(config, "/cancel-all", {})


def reconcile(
    config: ConfigOption,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what differs; change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the books with the venue now, and correct them.

    With --plan nothing is changed. The exit code is 0 when both agree, and 1 when they differ.
    """
    from tradingd.cli.answers import show_reconciliation
    from tradingd.cli.ask import ask_daemon
    from tradingd.cli.loading import state_paths_for_command
    from tradingd.control.views import ReconcileView
    from tradingd.errors import Refused

    body: dict[str, str] | None = None if plan else {}
    view = ask_daemon(state_paths_for_command(config), "/reconcile", ReconcileView, body=body, timeout_s=45)
    if not view.done:
        raise Refused(view.message)
    show_reconciliation(view, as_json=as_json)
    if view.reports or view.foreign or view.unresolved:
        raise typer.Exit(ExitCode.NOT_RIGHT)


def _tell(config: Path, path: str, body: dict[str, str]) -> None:
    """Give one command; a refusal is an error with the daemon's own words."""
    from tradingd.cli.ask import ask_daemon
    from tradingd.cli.loading import state_paths_for_command
    from tradingd.control.views import CommandResult
    from tradingd.errors import Refused

    result = ask_daemon(state_paths_for_command(config), path, CommandResult, body=body)
    if not result.done:
        raise Refused(result.message)
    typer.echo(result.message)
    for order_id in result.orders_working:
        typer.echo(f"still working: {order_id}")


def _operator() -> str:
    from tradingd.cli.loading import operator_name

    return operator_name()
