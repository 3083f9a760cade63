"""How each answer of the daemon looks to a person."""

from collections.abc import Mapping, Sequence

import typer

from tradingd.cli.render import ABSENT, Column, cell, moment, show_json, show_pairs, show_table
from tradingd.control.views import DaemonStatus, OrderView, PositionView, ReconcileView, TradeView
from tradingd.core.risk_metrics import RiskAssessment
from tradingd.reporting.encoding import rfc3339

_FIGURE = True


def show_status(status: DaemonStatus, *, as_json: bool) -> None:
    """Show how the daemon is."""
    if as_json:
        show_json(status)
        return
    pairs = [
        ("state", status.state),
        ("halt reason", cell(status.halt_reason)),
        ("version", f"{status.version}, run {status.run}, pid {status.pid}"),
        ("configuration", status.config),
        ("broker", f"{status.broker} ({status.account_kind} account {cell(status.account_id)})"),
        ("started", f"{moment(status.started)} UTC, up {status.uptime_s} s"),
        ("equity", cell(status.equity)),
        ("cash", cell(status.cash)),
        ("open orders", str(status.open_orders)),
        ("to be sent", _backlog(status.outbound_backlog)),
        ("orders in doubt", ", ".join(status.orders_in_doubt) or ABSENT),
        ("order stream", status.order_stream),
        ("market data", f"{status.events_accepted} events, {status.ticks_conflated} conflated"),
        ("kept out", ", ".join(f"{name} {count}" for name, count in status.events_kept_out.items()) or ABSENT),
        ("journal", f"entry {status.journal_seq}"),
        ("disk", status.disk_shortage or "ok"),
    ]
    pairs += [(f"feed {feed.name}", f"{feed.state}  {feed.detail}".rstrip()) for feed in status.feeds]
    if status.messages_unreadable:
        pairs.append(("unreadable messages", f"{status.messages_unreadable} (kept in the journal)"))
    pairs += [
        (f"plan {plan.plan_id}", f"{plan.way}: {plan.side} {cell(plan.quantity)} {plan.symbol} for {plan.strategy_id}")
        for plan in status.plans
    ]
    pairs += [(f"halted {symbol}", reason) for symbol, reason in status.halted_symbols.items()]
    pairs += [(f"quarantined {name}", reason) for name, reason in status.quarantined.items()]
    show_pairs(pairs)


def show_reconciliation(view: ReconcileView, *, as_json: bool) -> None:
    """Show how the books and the venue compare."""
    if as_json:
        show_json(view)
        return
    typer.echo(view.message)
    for title, lines in (("order", view.reports), ("foreign", view.foreign), ("in doubt", view.unresolved)):
        for line in lines:
            typer.echo(f"{title}: {line}")


def _backlog(waiting: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in waiting.items() if count) or ABSENT


def show_positions(positions: Sequence[PositionView], *, as_json: bool) -> None:
    """Show what is held."""
    if as_json:
        show_json(positions)
        return
    columns = (
        Column("symbol"),
        Column("strategy"),
        Column("quantity", _FIGURE),
        Column("average", _FIGURE),
        Column("price", _FIGURE),
        Column("value", _FIGURE),
        Column("unrealised", _FIGURE),
        Column("realised", _FIGURE),
        Column("fees", _FIGURE),
    )
    rows = [
        [
            view.symbol,
            view.strategy_id,
            cell(view.quantity),
            cell(view.average_price),
            cell(view.market_price),
            cell(view.market_value),
            cell(view.unrealised_pnl),
            cell(view.realised_pnl),
            cell(view.fees) + (f" ({view.fees_pending} pending)" if view.fees_pending else ""),
        ]
        for view in positions
    ]
    show_table(columns, rows, empty="no positions")


def show_orders(orders: Sequence[OrderView], *, as_json: bool) -> None:
    """Show orders, oldest first."""
    if as_json:
        show_json(orders)
        return
    columns = (
        Column("created (UTC)"),
        Column("client_order_id"),
        Column("plan"),
        Column("leg"),
        Column("strategy"),
        Column("symbol"),
        Column("side"),
        Column("quantity", _FIGURE),
        Column("filled", _FIGURE),
        Column("average", _FIGURE),
        Column("type"),
        Column("limit", _FIGURE),
        Column("stop", _FIGURE),
        Column("status"),
        Column("reason"),
    )
    rows = [
        [
            moment(view.ts_created),
            view.client_order_id,
            cell(view.plan_id),
            cell(view.leg),
            view.strategy_id,
            view.symbol,
            view.side,
            cell(view.quantity),
            cell(view.filled_quantity),
            cell(view.average_price),
            view.order_type,
            cell(view.limit_price),
            cell(view.stop_price),
            view.status,
            cell(view.reject_reason),
        ]
        for view in orders
    ]
    show_table(columns, rows, empty="no orders")


def show_trades(trades: Sequence[TradeView], *, as_json: bool) -> None:
    """Show executions, oldest first."""
    if as_json:
        show_json(trades)
        return
    columns = (
        Column("time (UTC)"),
        Column("execution_id"),
        Column("client_order_id"),
        Column("strategy"),
        Column("symbol"),
        Column("side"),
        Column("quantity", _FIGURE),
        Column("price", _FIGURE),
        Column("fee", _FIGURE),
    )
    rows = [
        [
            moment(view.ts_event),
            view.execution_id,
            view.client_order_id,
            view.strategy_id,
            view.symbol,
            view.side,
            cell(view.quantity),
            cell(view.price),
            "pending" if view.fee_pending else cell(view.fee),
        ]
        for view in trades
    ]
    show_table(columns, rows, empty="no trades")


def show_risk(assessment: RiskAssessment, *, as_json: bool) -> None:
    """Show the account's risk and the limits that it breaks."""
    if as_json:
        show_json(assessment)
        return
    metrics = assessment.metrics
    names = [name for name in metrics.__struct_fields__ if name != "ts"]
    show_pairs(
        [
            ("time (UTC)", moment(rfc3339(metrics.ts))),
            *((name.replace("_pct", " %").replace("_", " "), cell(getattr(metrics, name))) for name in names),
        ]
    )
    for breach in assessment.breaches:
        typer.echo(f"breach: {breach.code.value}: {breach.message}")
    if assessment.within_limits:
        typer.echo("within all limits")
