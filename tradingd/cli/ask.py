"""`status`, `positions`, `orders`, `trades`, `denials` and `risk`: questions to the running daemon.

The journal answers for positions, orders and trades when no daemon does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tradingd.cli.options import (
    ConfigOption,
    JsonOption,
    LimitOption,
    SinceOption,
    StrategyOption,
    SymbolOption,
    UntilOption,
    UtcOption,
    WideOption,
)

if TYPE_CHECKING:
    from tradingd.journal.history import History
    from tradingd.settings.paths import StatePaths

T = TypeVar("T")
_ALWAYS = 2**63 - 1


def status(config: ConfigOption, as_json: JsonOption = False, utc: UtcOption = False) -> None:
    """Show how the running daemon is."""
    from tradingd.cli import answers
    from tradingd.cli.loading import state_paths
    from tradingd.control.views import DaemonStatus
    from tradingd.reporting.times import Times

    view = ask_daemon(state_paths(config), "/status", DaemonStatus)
    answers.show_status(view, as_json=as_json, times=Times.of_operator(utc=utc))


def positions(
    config: ConfigOption,
    *,
    symbol: SymbolOption = None,
    strategy: StrategyOption = None,
    limit: LimitOption = None,
    wide: WideOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what each strategy holds.

    When the daemon is down, the journal answers.
    """
    from tradingd.cli import answers
    from tradingd.cli.selection import Selection
    from tradingd.control.views import PositionView, position_views

    wanted = Selection(symbol=symbol, strategy=strategy, limit=limit)

    def from_journal(history: "History") -> list[PositionView]:
        return position_views(history.books, unpriced="the last that the daemon wrote down")

    views = _ask_or_read(config, "/positions", list[PositionView], from_journal)
    answers.show_positions(wanted.pick(views), as_json=as_json, wide=wide)


def orders(
    config: ConfigOption,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Also orders that are done, of the last days.")] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    symbol: SymbolOption = None,
    strategy: StrategyOption = None,
    limit: LimitOption = None,
    wide: WideOption = False,
    utc: UtcOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show working orders.

    When the daemon is down, the journal answers.
    """
    import time

    from tradingd.cli import answers
    from tradingd.cli.selection import read_selection
    from tradingd.control.views import OrderView, order_views
    from tradingd.reporting.times import Times

    times = Times.of_operator(utc=utc)
    wanted = read_selection(
        since=since, until=until, symbol=symbol, strategy=strategy, limit=limit, times=times, now_ns=time.time_ns()
    )
    path = "/orders" if show_all else "/orders?open=true"

    def from_journal(history: "History") -> list[OrderView]:
        return order_views(history.books.orders if show_all else history.books.orders.open)

    views = _ask_or_read(config, path, list[OrderView], from_journal)
    answers.show_orders(
        wanted.pick(views, lambda view: view.ts_created),
        as_json=as_json,
        wide=wide,
        times=times,
        empty=wanted.empty("orders" if show_all else "working orders", of_all=len(views)),
    )


def trades(
    config: ConfigOption,
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    symbol: SymbolOption = None,
    strategy: StrategyOption = None,
    limit: LimitOption = None,
    wide: WideOption = False,
    utc: UtcOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show every execution in the journal.

    The daemon need not run.
    """
    import time

    from tradingd.cli import answers
    from tradingd.cli.selection import read_selection
    from tradingd.control.views import TradeView, trade_views
    from tradingd.reporting.times import Times

    times = Times.of_operator(utc=utc)
    wanted = read_selection(
        since=since, until=until, symbol=symbol, strategy=strategy, limit=limit, times=times, now_ns=time.time_ns()
    )
    views = _ask_or_read(config, "/trades", list[TradeView], lambda history: trade_views(history.trades))
    answers.show_trades(
        wanted.pick(views, lambda view: view.ts_event),
        as_json=as_json,
        wide=wide,
        times=times,
        empty=wanted.empty("trades", of_all=len(views)),
    )


def denials(
    config: ConfigOption,
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    symbol: SymbolOption = None,
    strategy: StrategyOption = None,
    limit: LimitOption = None,
    wide: WideOption = False,
    utc: UtcOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show orders that were refused before they left, and why.

    Read from the journal; the daemon need not run.
    """
    import time

    from tradingd.cli import answers
    from tradingd.cli.loading import state_paths
    from tradingd.cli.selection import read_selection
    from tradingd.control.views import denial_views
    from tradingd.journal.history import read_denials
    from tradingd.reporting.times import Times

    times = Times.of_operator(utc=utc)
    wanted = read_selection(
        since=since, until=until, symbol=symbol, strategy=strategy, limit=limit, times=times, now_ns=time.time_ns()
    )
    views = denial_views(read_denials(state_paths(config).journal))
    answers.show_denials(
        wanted.pick(views, lambda view: view.ts),
        as_json=as_json,
        wide=wide,
        times=times,
        empty=wanted.empty("refused orders", of_all=len(views)),
    )


def risk(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show the account's risk.

    Figures as they are now, and every limit with its value and what is left of it; the broken ones first.
    """
    from tradingd.cli import answers
    from tradingd.cli.loading import state_paths
    from tradingd.control.views import RiskView

    answers.show_risk(ask_daemon(state_paths(config), "/risk", RiskView), as_json=as_json)


def ask_daemon(paths: "StatePaths", path: str, answer: type[T], *, body: object = None, timeout_s: float = 10.0) -> T:
    """Ask the running daemon; raises `DaemonUnreachable`, or a fault when what it says cannot be understood."""
    import msgspec

    from tradingd.control.client import ask
    from tradingd.errors import FatalError

    try:
        return ask(paths, path, answer, body=body, timeout_s=timeout_s)
    except msgspec.MsgspecError as error:
        raise FatalError(
            f"{paths.control_socket}: the daemon's answer cannot be read ({error}); is it of another version?"
        ) from error


def _ask_or_read(config: Path, path: str, answer: type[T], from_journal: Callable[["History"], T]) -> T:
    """Ask the daemon, or the journal with a note when no daemon answers."""
    from tradingd.cli.loading import state_paths
    from tradingd.control.client import DaemonForbidden
    from tradingd.errors import DaemonUnreachable
    from tradingd.journal.history import read_history

    paths = state_paths(config)
    try:
        return ask_daemon(paths, path, answer)
    except DaemonForbidden:
        raise  # who may not ask may not read the journal either
    except DaemonUnreachable as error:
        read = from_journal(read_history(paths.journal, -_ALWAYS, _ALWAYS))
        typer.echo(f"note: {error}; this is what the journal has", err=True)
        return read
