"""How each answer of the daemon looks to a person: within 80 columns, unless the wide table is asked for."""

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import typer

from tradingd.cli.render import ABSENT, WIDTH, Column, cell, show_json, show_pairs, show_table
from tradingd.control.views import (
    DaemonStatus,
    DenialView,
    OrderView,
    PositionView,
    ReconcileView,
    RiskView,
    TradeView,
)
from tradingd.core.limit_table import LimitUse, Unit
from tradingd.core.numbers import money, percent, price, quantity, ratio
from tradingd.core.timestamps import parse_timestamp
from tradingd.reporting.times import Times

_FIGURE = True


def show_status(status: DaemonStatus, *, as_json: bool, times: Times) -> None:
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
        ("started", f"{times.full(parse_timestamp(status.started))}, up {_age(status.uptime_s)}"),
        ("equity", money(status.equity)),
        ("cash", money(status.cash)),
        ("open orders", str(status.open_orders)),
        ("to be sent", _backlog(status.outbound_backlog)),
        ("orders in doubt", ", ".join(status.orders_in_doubt) or ABSENT),
        ("order stream", status.order_stream),
        ("market data", f"{status.events_accepted:,} events, {status.ticks_conflated:,} conflated"),
        ("kept out", ", ".join(f"{name} {count}" for name, count in status.events_kept_out.items()) or ABSENT),
        ("journal", f"entry {status.journal_seq:,}"),
        ("disk", status.disk_shortage or "ok"),
    ]
    pairs += [(f"feed {feed.name}", f"{feed.state}  {feed.detail}".rstrip()) for feed in status.feeds]
    if status.messages_unreadable:
        pairs.append(("unreadable messages", f"{status.messages_unreadable} (kept in the journal)"))
    pairs += [
        (
            f"plan {plan.plan_id}",
            f"{plan.way}: {plan.side} {quantity(plan.quantity)} {plan.symbol} for {plan.strategy_id}",
        )
        for plan in status.plans
    ]
    pairs += [(f"no fresh price {symbol}", reason) for symbol, reason in status.without_fresh_price.items()]
    pairs += [(f"halted {symbol}", reason) for symbol, reason in status.halted_symbols.items()]
    pairs += [(f"halted {scope}", reason) for scope, reason in status.halted_scopes.items()]
    pairs += [("closing", scope) for scope in status.closing]
    pairs += [(f"quarantined {name}", reason) for name, reason in status.quarantined.items()]
    show_pairs(pairs)


def _age(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{days} days {clock}" if days else clock


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


def show_positions(positions: Sequence[PositionView], *, as_json: bool, wide: bool) -> None:
    """Show what is held; all figures, and what is flat by now, when asked for the wide table."""
    if as_json:
        show_json(positions)
        return
    shown = [view for view in positions if wide or view.quantity]
    columns = [
        Column("symbol", min_width=5),
        Column("strategy", min_width=6),
        Column("quantity", _FIGURE),
        Column("average", _FIGURE),
        Column("price", _FIGURE),
        Column("value", _FIGURE),
        Column("unrealised", _FIGURE),
    ]
    rows = [
        [
            view.symbol,
            view.strategy_id,
            quantity(view.quantity),
            price(view.average_price),
            price(view.market_price) + ("*" if view.unpriced else ""),
            money(view.market_value),
            money(view.unrealised_pnl),
        ]
        for view in shown
    ]
    if wide:
        columns += [Column("realised", _FIGURE), Column("fees", _FIGURE)]
        for row, view in zip(rows, shown, strict=True):
            pending = f" ({view.fees_pending} pending)" if view.fees_pending else ""
            row += [money(view.realised_pnl), money(view.fees) + pending]
    show_table(columns, rows, empty="no position is open", width=None if wide else WIDTH)
    reasons: dict[str, list[str]] = {}
    for view in shown:
        if view.unpriced and view.symbol not in reasons.setdefault(view.unpriced, []):
            reasons[view.unpriced].append(view.symbol)
    for reason, symbols in reasons.items():
        typer.echo(f"* not a fresh price: {', '.join(symbols)}: {reason}")
    if flat := len(positions) - len(shown):
        typer.echo(f"{flat} closed by now, with their results: --wide")


def show_orders(orders: Sequence[OrderView], *, as_json: bool, wide: bool, times: Times, empty: str) -> None:
    """Show orders, oldest first."""
    if as_json:
        show_json(orders)
    elif wide:
        _show_all_of_orders(orders, times, empty)
    else:
        now = time.time_ns()
        columns = (
            Column(f"time ({times.zone(now)})"),
            Column("id"),
            Column("strategy", min_width=6),
            Column("symbol", min_width=5),
            Column("side"),
            Column("quantity", _FIGURE),
            Column("price", _FIGURE),
            Column("state", min_width=8),
        )
        rows = [
            [
                times.short(parse_timestamp(view.ts_created), now),
                short_id(view.client_order_id, view.strategy_id),
                view.strategy_id,
                view.symbol,
                view.side,
                _filled_of(view),
                _price_of(view),
                view.status.lower().replace("_", " "),
            ]
            for view in orders
        ]
        show_table(columns, rows, empty=empty, width=WIDTH)


def short_id(client_order_id: str, strategy_id: str) -> str:
    """An order's id without the strategy's name, which stands beside it; commands take both."""
    return client_order_id.removeprefix(f"{strategy_id}-")


def _filled_of(view: OrderView) -> str:
    whole = quantity(view.quantity)
    return f"{quantity(view.filled_quantity)}/{whole}" if 0 < view.filled_quantity < view.quantity else whole


def _price_of(view: OrderView) -> str:
    if view.average_price is not None:
        return price(view.average_price)
    if view.limit_price is not None:
        return price(view.limit_price)
    return f"stop {price(view.stop_price)}" if view.stop_price is not None else "market"


def _show_all_of_orders(orders: Sequence[OrderView], times: Times, empty: str) -> None:
    columns = (
        Column(f"created ({times.zone(time.time_ns())})"),
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
            times.second(parse_timestamp(view.ts_created)),
            view.client_order_id,
            cell(view.plan_id),
            cell(view.leg),
            view.strategy_id,
            view.symbol,
            view.side,
            quantity(view.quantity),
            quantity(view.filled_quantity),
            price(view.average_price),
            view.order_type,
            price(view.limit_price),
            price(view.stop_price),
            view.status,
            cell(view.reject_reason),
        ]
        for view in orders
    ]
    show_table(columns, rows, empty=empty)


def show_trades(trades: Sequence[TradeView], *, as_json: bool, wide: bool, times: Times, empty: str) -> None:
    """Show executions, oldest first."""
    if as_json:
        show_json(trades)
        return
    now = time.time_ns()
    columns = [
        Column(f"time ({times.zone(now)})"),
        Column("order"),
        Column("strategy", min_width=6),
        Column("symbol", min_width=5),
        Column("side"),
        Column("quantity", _FIGURE),
        Column("price", _FIGURE),
        Column("fee", _FIGURE),
    ]
    if wide:
        columns += [Column("execution_id")]
    rows = []
    for view in trades:
        at = parse_timestamp(view.ts_event)
        rows.append(
            [
                times.second(at) if wide else times.short(at, now),
                view.client_order_id if wide else short_id(view.client_order_id, view.strategy_id),
                view.strategy_id,
                view.symbol,
                view.side,
                quantity(view.quantity),
                price(view.price),
                "pending" if view.fee_pending else money(view.fee),
                *([view.execution_id] if wide else []),
            ]
        )
    show_table(columns, rows, empty=empty, width=None if wide else WIDTH)


def show_denials(denials: Sequence[DenialView], *, as_json: bool, wide: bool, times: Times, empty: str) -> None:
    """Show orders that were refused before they left, oldest first."""
    if as_json:
        show_json(denials)
        return
    now = time.time_ns()
    columns = (
        Column(f"time ({times.zone(now)})"),
        Column("strategy", min_width=6),
        Column("symbol", min_width=5),
        Column("side"),
        Column("quantity", _FIGURE),
        Column("why", min_width=12),
    )
    rows = []
    for view in denials:
        at = parse_timestamp(view.ts)
        rows.append(
            [
                times.second(at) if wide else times.short(at, now),
                view.strategy_id,
                view.symbol,
                view.side,
                quantity(view.quantity),
                view.reason if wide else ", ".join(view.codes),
            ]
        )
    show_table(columns, rows, empty=empty, width=None if wide else WIDTH)


def show_risk(view: RiskView, *, as_json: bool) -> None:
    """Show the account's risk and every limit, the broken ones first."""
    if as_json:
        show_json(view)
        return
    _show_limits("BROKEN", [use for use in view.limits if use.broken])
    _show_limits("kept", [use for use in view.limits if not use.broken])
    metrics = view.metrics
    show_pairs(
        [
            ("equity", money(metrics.equity)),
            ("exposure", f"{money(metrics.gross_exposure)} gross, {money(metrics.net_exposure)} net"),
            ("leverage", ratio(metrics.leverage)),
            ("lost today", money(metrics.daily_loss)),
            ("below the peak", percent(metrics.drawdown_pct)),
            ("margin used", percent(metrics.margin_utilisation_pct)),
            ("volatility", _each("a day", metrics.volatility_daily_pct, "a year", metrics.volatility_annual_pct)),
            ("value at risk", _each("at 95 %", metrics.var_95_pct, "at 99 %", metrics.var_99_pct)),
            (
                "and beyond it",
                _each("at 95 %", metrics.expected_shortfall_95_pct, "at 99 %", metrics.expected_shortfall_99_pct),
            ),
        ]
    )
    typer.echo("")
    for line in _verdict(view):
        typer.echo("\n".join(textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)))


def _each(first: str, one: float | None, second: str, other: float | None) -> str:
    if one is None and other is None:
        return "not known before there are more days"
    return f"{percent(one)} {first}, {percent(other)} {second}"


def _verdict(view: RiskView) -> list[str]:
    lines = [f"halts trading: {breach.code.value}: {breach.message}" for breach in view.breaches]
    broken = sum(use.broken for use in view.limits)
    if view.within_limits is None:
        return ["not known yet whether limits are kept: the venue has not told the account's cash and positions"]
    if broken:
        lines.append(f"{broken} of {len(view.limits)} limits broken")
    else:
        lines.append("within all limits")
    if unpriced := [symbol for symbol in view.unpriced if symbol not in view.without_fresh_price]:
        lines.append(f"without a fresh price, counted at the worst that is known: {', '.join(unpriced)}")
    for symbol, reason in view.without_fresh_price.items():
        lines.append(f"no fresh price of {symbol}, counted at the worst that is known: {reason}")
    return lines


_SHOWN: dict[Unit, Callable[[Decimal | None], str]] = {
    Unit.MONEY: money,
    Unit.QUANTITY: quantity,
    Unit.COUNT: quantity,
    Unit.PERCENT: percent,
    Unit.RATIO: ratio,
}


def _show_limits(title: str, uses: Sequence[LimitUse]) -> None:
    if not uses:
        return
    columns = (
        Column(f"limit ({title})"),
        Column("scope"),
        Column("value", _FIGURE),
        Column("limit", _FIGURE),
        Column("headroom", _FIGURE),
    )
    rows = []
    for use in uses:
        shown = _SHOWN[use.unit]
        rows.append([use.name, use.scope, shown(use.value), shown(use.limit), shown(use.headroom)])
    show_table(columns, rows, empty="")
    typer.echo("")
