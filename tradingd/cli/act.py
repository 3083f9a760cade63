"""`halt`, `resume`, `flatten`, `close`, `cancel`, `cancel-all` and `reconcile`: commands to the running daemon.

A command that cancels or closes waits, within a bound, until it is done, shows what is left, and ends with a code of
its own while anything is.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias
from urllib.parse import quote

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from tradingd.control.views import CommandResult, OrderView
    from tradingd.core.scopes import Scope
    from tradingd.settings.paths import StatePaths

OfStrategyOption: TypeAlias = Annotated[
    str | None, typer.Option("--strategy", metavar="ID", help="Only what is this strategy's.")
]
InSymbolOption: TypeAlias = Annotated[
    str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only what is in this symbol.")
]
ReasonOption: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the journal and the log.")
]
MAX_WAIT_S = 86_400.0
WaitOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0.0,
        max=MAX_WAIT_S,
        help="How long to wait until it is done, a day at most; 0: not at all.",
    ),
]
YesOption: TypeAlias = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")
]
WAIT_S = 30.0


def halt(
    config: ConfigOption,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    reason: ReasonOption = "operator",
) -> None:
    """Stop new orders until `resume`.

    Of the account, of a strategy, in a symbol, or of a strategy in a symbol. A halt outlives a restart; orders that
    only reduce a position pass; working orders stay as they are. Without a running daemon the halt is set for the next
    start.
    """
    from tradingd.cli.halting import halt_offline
    from tradingd.control.client import DaemonDown

    paths, body = _paths(config), _body(strategy, symbol, reason)
    try:
        result = _order(paths, "/halt", body)
    except DaemonDown:
        typer.echo(halt_offline(paths, _scope(strategy, symbol), reason))
        return
    _print_result(result)
    _show_working(paths, set(result.orders_working), "still working")


def resume(
    config: ConfigOption,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    reason: ReasonOption = "",
) -> None:
    """Let orders leave again after a halt.

    Without a scope everything is lifted: the halts of the account, of strategies and symbols, and quarantines. With
    --strategy or --symbol exactly that is. What was lifted is shown. Exit code 6 when a limit is still broken, which
    halts the account again at once.
    """
    from tradingd.control.client import DaemonDown
    from tradingd.errors import DaemonUnreachable

    try:
        result = _order(_paths(config), "/resume", _body(strategy, symbol, reason))
    except DaemonDown as error:
        raise DaemonUnreachable(
            f"{error}; a halt is lifted by the daemon alone, once it has compared its books with the venue: start it "
            "(it starts halted), then resume"
        ) from error
    _print_result(result)
    for line in result.left:
        typer.echo(line)
    if result.left:
        raise typer.Exit(ExitCode.UNFINISHED)


def flatten(
    config: ConfigOption,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    *,
    reason: ReasonOption = "",
    wait_s: WaitOption = WAIT_S,
    yes: YesOption = False,
) -> None:
    """Halt, cancel and close everything.

    New orders are stopped, working ones cancelled, and every position is closed at the market; with --strategy or
    --symbol only there. Exit code 6 while anything is left.
    """
    from tradingd.errors import UsageError

    scope = _scope(strategy, symbol)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("flatten closes every position: say --yes where there is no terminal to ask on")
        _confirm(f"Halt {scope}, cancel every order and close every position of it at the market?")
    paths = _paths(config)
    result = _order(paths, "/flatten", _body(strategy, symbol, reason))
    _print_result(result)
    _wait_until_flat(paths, scope, wait_s)


def close(
    config: ConfigOption,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    *,
    no_halt: Annotated[
        bool, typer.Option("--no-halt", help="Do not halt what is closed: it may open positions again.")
    ] = False,
    reason: ReasonOption = "",
    wait_s: WaitOption = WAIT_S,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
) -> None:
    """Close positions and orders of a strategy, a symbol, or both.

    What it names is halted first, so that it does not open again what is closed (--no-halt leaves it free). Its orders
    are cancelled, and once that is confirmed its positions are closed at the market. Exit code 6 while something is
    left.
    """
    from tradingd.errors import UsageError

    scope = _scope(strategy, symbol)
    if scope.is_account:
        raise UsageError("close needs --strategy ID, --symbol SYMBOL or both (flatten closes everything)")
    if not yes and sys.stdin.isatty():
        _confirm(f"Cancel every order and close every position of {scope} at the market?")
    paths = _paths(config)
    result = _order(paths, "/close", _body(strategy, symbol, reason) | {"halt": not no_halt})
    _print_result(result)
    _wait_until_flat(paths, scope, wait_s)


def cancel(
    config: ConfigOption,
    order_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The client_order_id or plan, as `orders` shows it.")
    ] = None,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    *,
    reason: ReasonOption = "",
    wait_s: WaitOption = WAIT_S,
) -> None:
    """Cancel one working order, or those of a strategy or symbol.

    Exit code 6 while one of them still works, 7 for an order that is not known or has filled.
    """
    from tradingd.errors import UsageError

    scope = _scope(strategy, symbol)
    if order_id is None and scope.is_account:
        raise UsageError("cancel needs the id of an order, --strategy or --symbol (cancel-all cancels everything)")
    if order_id is not None and not scope.is_account:
        raise UsageError("cancel takes the id of an order, or --strategy and --symbol, not both")
    if order_id is not None and not order_id.strip("./"):
        raise UsageError(f"{order_id!r} is no order id (see `tradingd orders`)")
    path = "/cancel-all" if order_id is None else f"/cancel/{quote(order_id, safe='')}"
    _cancel(config, path, _body(strategy, symbol, reason), wait_s)


def cancel_all(
    config: ConfigOption,
    strategy: OfStrategyOption = None,
    symbol: InSymbolOption = None,
    *,
    reason: ReasonOption = "",
    wait_s: WaitOption = WAIT_S,
) -> None:
    """Cancel every working order.

    With --strategy or --symbol only those. Trading goes on: `halt` first where nothing new may come. Exit code 6 while
    one of them still works.
    """
    _cancel(config, "/cancel-all", _body(strategy, symbol, reason), wait_s)


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
    from tradingd.cli.loading import operator_name
    from tradingd.control.views import ReconcileView
    from tradingd.errors import Refused

    body = None if plan else {"operator": operator_name()}
    view = ask_daemon(_paths(config), "/reconcile", ReconcileView, body=body, timeout_s=45)
    if not view.done:
        raise Refused(view.message)
    show_reconciliation(view, as_json=as_json)
    if view.reports or view.foreign or view.unresolved:
        raise typer.Exit(ExitCode.NOT_RIGHT)


# -- giving a command --------------------------------------------------------------------------------------------------


def _paths(config: Path) -> "StatePaths":
    from tradingd.cli.loading import state_paths_for_command

    return state_paths_for_command(config)


def _scope(strategy: str | None, symbol: str | None) -> "Scope":
    from tradingd.core.identifiers import StrategyId, Symbol
    from tradingd.core.scopes import Scope

    return Scope(None if strategy is None else StrategyId(strategy), None if symbol is None else Symbol(symbol))


def _body(strategy: str | None, symbol: str | None, reason: str) -> dict[str, object]:
    from tradingd.cli.loading import operator_name

    return {"operator": operator_name(), "strategy": strategy, "symbol": symbol, "reason": reason}


def _confirm(question: str) -> None:
    from tradingd.errors import UsageError

    if not typer.confirm(question, err=True):
        raise UsageError("nothing was done")


def _order(paths: "StatePaths", path: str, body: dict[str, object]) -> "CommandResult":
    """Give one command; a refusal is an error with the daemon's own words."""
    from tradingd.cli.ask import ask_daemon
    from tradingd.control.views import CommandResult
    from tradingd.errors import Refused

    result = ask_daemon(paths, path, CommandResult, body=body)
    if not result.done:
        raise Refused(result.message)
    return result


def _print_result(result: "CommandResult") -> None:
    typer.echo(result.message)
    for line in result.lifted:
        typer.echo(f"lifted: {line}")


# -- waiting for what it comes to --------------------------------------------------------------------------------------


def _cancel(config: Path, path: str, body: dict[str, object], wait_s: float) -> None:
    from tradingd.cli.waiting import wait_until

    paths = _paths(config)
    result = _order(paths, path, body)
    _print_result(result)
    targets = set(result.orders_working)
    if not targets:
        return
    wait_until(lambda: not _working(paths, targets), wait_s)
    if _show_working(paths, targets, "still working"):
        raise typer.Exit(ExitCode.UNFINISHED)
    ended = [order for order in _orders(paths, "/orders") if order.client_order_id in targets]
    for order in ended:
        note = f" ({order.filled_quantity:f} of {order.quantity:f} filled)" if order.filled_quantity else ""
        typer.echo(f"{order.client_order_id}: {order.status}{note}")
    if len(targets) == 1 and all(order.status == "FILLED" for order in ended):
        typer.echo("the cancel came too late: the order has filled", err=True)
        raise typer.Exit(ExitCode.REFUSED)


def _wait_until_flat(paths: "StatePaths", scope: "Scope", wait_s: float) -> None:
    """Wait until nothing works and nothing is held, or nothing more is being done about it."""
    from tradingd.cli.ask import ask_daemon
    from tradingd.cli.waiting import wait_until
    from tradingd.control.views import DaemonStatus, PositionView
    from tradingd.core.identifiers import StrategyId, Symbol

    def held() -> list[PositionView]:
        return [
            view
            for view in ask_daemon(paths, "/positions", list[PositionView])
            if view.quantity and scope.covers(StrategyId(view.strategy_id), Symbol(view.symbol))
        ]

    def working() -> list["OrderView"]:
        return [
            view
            for view in _orders(paths, "/orders?open=true")
            if scope.covers(StrategyId(view.strategy_id), Symbol(view.symbol))
        ]

    def ended() -> bool:
        if working():
            return False
        return not held() or not ask_daemon(paths, "/status", DaemonStatus).closing

    wait_until(ended, wait_s)
    orders, positions = working(), held()
    for order in orders:
        typer.echo(f"still working: {_describe(order)}")
    for position in positions:
        typer.echo(f"still held: {position.quantity:f} {position.symbol} of {position.strategy_id}")
    if orders or positions:
        raise typer.Exit(ExitCode.UNFINISHED)
    typer.echo(f"{scope}: no orders, no positions")


def _orders(paths: "StatePaths", path: str) -> "list[OrderView]":
    from tradingd.cli.ask import ask_daemon
    from tradingd.control.views import OrderView

    return ask_daemon(paths, path, list[OrderView])


def _working(paths: "StatePaths", targets: set[str]) -> "list[OrderView]":
    return [order for order in _orders(paths, "/orders?open=true") if order.client_order_id in targets]


def _show_working(paths: "StatePaths", targets: set[str], what: str) -> bool:
    """Show which of some orders may still do something; True when there are any."""
    working = _working(paths, targets) if targets else []
    for order in working:
        typer.echo(f"{what}: {_describe(order)}")
    return bool(working)


def _describe(order: "OrderView") -> str:
    price = next((f" at {price:f}" for price in (order.limit_price, order.stop_price) if price is not None), "")
    filled = f", {order.filled_quantity:f} filled" if order.filled_quantity else ""
    return (
        f"{order.client_order_id}  {order.side} {order.quantity:f} {order.symbol} {order.order_type}{price}  "
        f"{order.status}{filled}"
    )
