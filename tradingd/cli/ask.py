"""`status`, `positions`, `orders`, `trades` and `risk`: questions to the running daemon.

The journal answers for positions, orders and trades when no daemon does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tradingd.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from tradingd.journal.history import History
    from tradingd.settings.paths import StatePaths

T = TypeVar("T")
_ALWAYS = 2**63 - 1


def status(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show how the running daemon is."""
    from tradingd.cli import answers
    from tradingd.cli.loading import state_paths
    from tradingd.control.views import DaemonStatus

    answers.show_status(ask_daemon(state_paths(config), "/status", DaemonStatus), as_json=as_json)


def positions(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show what each strategy holds.

    When the daemon is down, the journal answers.
    """
    from tradingd.cli import answers
    from tradingd.control.views import PositionView, position_views

    views = _ask_or_read(config, "/positions", list[PositionView], lambda history: position_views(history.books))
    answers.show_positions(views, as_json=as_json)


def orders(
    config: ConfigOption,
    show_all: Annotated[bool, typer.Option("--all", help="Also orders that are done, of the last days.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show working orders.

    When the daemon is down, the journal answers.
    """
    from tradingd.cli import answers
    from tradingd.control.views import OrderView, order_views

    path = "/orders" if show_all else "/orders?open=true"

    def from_journal(history: "History") -> list[OrderView]:
        return order_views(history.books.orders if show_all else history.books.orders.open)

    answers.show_orders(_ask_or_read(config, path, list[OrderView], from_journal), as_json=as_json)


def trades(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show every execution in the journal.

    The daemon need not run.
    """
    from tradingd.cli import answers
    from tradingd.control.views import TradeView, trade_views

    views = _ask_or_read(config, "/trades", list[TradeView], lambda history: trade_views(history.trades))
    answers.show_trades(views, as_json=as_json)


def risk(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show the account's risk.

    Figures as they are now, and every limit that they break.
    """
    from tradingd.cli import answers
    from tradingd.cli.loading import state_paths
    from tradingd.core.risk_metrics import RiskAssessment

    answers.show_risk(ask_daemon(state_paths(config), "/risk", RiskAssessment), as_json=as_json)


def ask_daemon(paths: "StatePaths", path: str, answer: type[T], *, body: object = None, timeout_s: float = 10.0) -> T:
    """Ask the running daemon; raises `DaemonDown`, or a fault when what it says cannot be understood."""
    import msgspec

    from tradingd.control.client import ask
    from tradingd.errors import FatalError

    try:
        return ask(paths.control_socket, path, answer, body=body, timeout_s=timeout_s)
    except msgspec.MsgspecError as error:
        raise FatalError(
            f"{paths.control_socket}: the daemon's answer cannot be read ({error}); is it of another version?"
        ) from error


def _ask_or_read(config: Path, path: str, answer: type[T], from_journal: Callable[["History"], T]) -> T:
    """Ask the daemon, or the journal with a note when no daemon answers."""
    from tradingd.cli.loading import state_paths
    from tradingd.control.client import DaemonDown
    from tradingd.journal.history import read_history

    paths = state_paths(config)
    try:
        return ask_daemon(paths, path, answer)
    except DaemonDown:
        read = from_journal(read_history(paths.journal, -_ALWAYS, _ALWAYS))
        typer.echo(f"note: no daemon answers at {paths.control_socket}; this is what the journal has", err=True)
        return read
