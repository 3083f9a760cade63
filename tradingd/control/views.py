"""What the daemon shows of itself: one shape for the control socket, for `--json`, and for a daemon that is down."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tradingd.core.accounting import value_of
from tradingd.core.books import Books
from tradingd.core.encoding import rfc3339
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.limit_table import LimitTable, LimitUse
from tradingd.core.order_state import OrderState
from tradingd.core.orders import OrderDenied, Trade
from tradingd.core.plans.records import PlanState
from tradingd.core.reconcile import ReconciliationPlan
from tradingd.core.risk_metrics import RiskBreach, RiskMetrics
from tradingd.core.signals import Protection
from tradingd.core.statement import Statement
from tradingd.execution.correction_limit import describe


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's position in one symbol."""

    symbol: str
    strategy_id: str
    quantity: Decimal
    average_price: Decimal | None
    market_price: Decimal | None
    unpriced: str = ""
    """Why the price is not a fresh one, empty where it is."""
    market_value: Decimal | None
    unrealised_pnl: Decimal | None
    realised_pnl: Decimal
    fees: Decimal
    fees_pending: int
    """Executions of open and recent orders whose fee the venue has not told yet."""


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """One order and what became of it."""

    client_order_id: str
    venue_order_id: str | None
    strategy_id: str
    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    status: str
    reject_reason: str
    ts_created: str
    ts_updated: str
    plan_id: str = ""
    leg: str = ""
    """Which part of its plan the order is."""


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the daemon works on with orders of its own."""

    plan_id: str
    strategy_id: str
    symbol: str
    way: str
    side: str
    quantity: Decimal
    take_profit: Decimal | None
    stop: str
    started: str


class TradeView(msgspec.Struct, frozen=True, kw_only=True):
    """One execution."""

    execution_id: str
    client_order_id: str
    venue_order_id: str
    strategy_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_pending: bool
    trace_id: str
    ts_event: str


class DenialView(msgspec.Struct, frozen=True, kw_only=True):
    """One order that was refused before it left."""

    ts: str
    client_order_id: str
    strategy_id: str
    symbol: str
    side: str
    quantity: Decimal
    codes: tuple[str, ...]
    """Every rule that it breaks."""
    reason: str
    """The same in words."""
    trace_id: str


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's state."""

    name: str
    state: str
    detail: str


class DaemonStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon is."""

    state: str
    """`starting`, `reconciling`, `trading`, `halted` or `stopping`."""
    version: str
    pid: int
    run: int
    config: str
    broker: str
    account_id: str | None
    account_kind: str
    started: str
    uptime_s: int
    halt_reason: str | None
    quarantined: dict[str, str]
    halted_symbols: dict[str, str] = {}
    without_fresh_price: dict[str, str] = {}
    """Symbols that are held and have no fresh price, and why."""
    halted_scopes: dict[str, str] = {}
    """Strategies, symbols, and strategies in a symbol that an operator halted, and why."""
    closing: tuple[str, ...] = ()
    """What is being flattened."""
    messages_unreadable: int = 0
    """Messages of the venue that could not be read; the journal keeps them."""
    cash: Decimal
    equity: Decimal
    open_orders: int
    outbound_backlog: dict[str, int]
    """How many messages to the venue wait for its limit, by class."""
    orders_in_doubt: tuple[str, ...]
    plans: tuple[PlanView, ...] = ()
    order_stream: str
    feeds: tuple[FeedView, ...]
    events_accepted: int
    events_kept_out: dict[str, int]
    ticks_conflated: int
    journal_seq: int
    disk_shortage: str | None = None
    """Why no new order leaves for want of room on the journal's disk."""


class RiskView(msgspec.Struct, frozen=True, kw_only=True, tag="risk_assessment"):
    """The account's risk, and every limit beside what it limits."""

    metrics: RiskMetrics
    breaches: tuple[RiskBreach, ...]
    """Broken limits that halt trading."""
    limits: tuple[LimitUse, ...]
    """All limits, the broken ones first."""
    unpriced: tuple[str, ...]
    """Symbols that are held without a fresh price: they count at the worst that is known."""
    without_fresh_price: dict[str, str] = {}
    """Symbols that are held and have no fresh price, and why: limits on size count the worst that is known."""
    within_limits: bool | None
    """None while it cannot be known, since the account has not answered yet."""


class ReconcileView(msgspec.Struct, frozen=True, kw_only=True):
    """How the books and the venue compare."""

    done: bool
    message: str
    applied: bool = False
    """Whether the corrections were made; False for a plan alone."""
    reports: tuple[str, ...] = ()
    """What became of orders of ours that the books did not know."""
    foreign: tuple[str, ...] = ()
    """Orders, positions and cash that no order of ours explains."""
    unresolved: tuple[str, ...] = ()
    """Orders in doubt that the venue does not show, or not fully."""


class StatementView(msgspec.Struct, frozen=True, kw_only=True):
    """A day's statement, or why there is none."""

    message: str = ""
    statement: Statement | None = None


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to."""

    done: bool
    message: str
    already: bool = False
    """Whether it was so before, and nothing had to be done."""
    lifted: tuple[str, ...] = ()
    """What a resume let go on."""
    left: tuple[str, ...] = ()
    """What keeps it from being done."""
    orders_working: tuple[str, ...] = ()
    """The orders that it concerns, which may still do something."""


def reconcile_view(plan: ReconciliationPlan | str, *, applied: bool) -> ReconcileView:
    """A plan, or why there is none, in words."""
    if isinstance(plan, str):
        return ReconcileView(done=False, message=plan)
    reports = [f"{type(report).__name__} {report.client_order_id}" for report in plan.reports]
    reports += [f"cancel of {venue_order_id}, which should not work" for venue_order_id in plan.strays]
    foreign = describe(plan.adoptions, plan.adjustments)
    unresolved = (*plan.unresolved, *plan.incomplete)
    if plan.empty:
        message = "the books and the venue agree"
    elif applied:
        message = "the books are being corrected from the venue"
    else:
        message = "the books differ from the venue; nothing was changed"
    return ReconcileView(
        done=True,
        message=message,
        applied=applied and not plan.empty,
        reports=tuple(reports),
        foreign=tuple(foreign),
        unresolved=tuple(unresolved),
    )


_FINEST = Decimal("1e-8")
_SIXTH = Decimal("1e-6")


def _shown(price: Decimal | None) -> Decimal | None:
    """A price with at most eight decimals, which an average exceeds."""
    if price is None:
        return None
    exponent = price.as_tuple().exponent
    return price.quantize(_FINEST) if isinstance(exponent, int) and exponent < -8 else price


def _trimmed(quantity: Decimal) -> Decimal:
    """A quantity without zeros at its end."""
    return Decimal(f"{quantity.normalize():f}")


def risk_view(metrics: RiskMetrics, breaches: tuple[RiskBreach, ...], table: LimitTable, *, known: bool) -> RiskView:
    """The account's risk; `known` tells that the venue has told the account's cash and positions."""
    quotients = ("drawdown_pct", "leverage", "margin_utilisation_pct")
    shown = {name: None if (value := getattr(metrics, name)) is None else value.quantize(_SIXTH) for name in quotients}
    return RiskView(
        metrics=msgspec.structs.replace(metrics, **shown),
        breaches=breaches,
        limits=table.limits,
        unpriced=table.unpriced,
        within_limits=table.within_limits if known else None,
    )


def position_views(books: Books, *, unpriced: str = "") -> list[PositionView]:
    """Every position that is open, and every one that made or lost money.

    `unpriced` says why no price at all is a fresh one, where that is so.
    """
    views = []
    pending: Counter[tuple[StrategyId, Symbol]] = Counter()
    for state in books.orders:
        pending[state.order.strategy_id, state.order.symbol] += len(state.fees_pending)
    for (strategy_id, symbol), position in sorted(books.portfolio.lines.items()):
        price = books.portfolio.price(symbol) if position.quantity else None
        views.append(
            PositionView(
                symbol=symbol,
                strategy_id=strategy_id,
                quantity=_trimmed(position.quantity),
                average_price=_shown(position.average_price),
                market_price=_shown(price),
                unpriced=(unpriced or books.portfolio.unpriced.get(symbol, "")) if position.quantity else "",
                market_value=None if price is None else value_of(position.contract, position.quantity, price),
                unrealised_pnl=None if price is None else position.unrealised_pnl(price),
                realised_pnl=position.realised_pnl,
                fees=position.fees,
                fees_pending=pending[strategy_id, symbol],
            )
        )
    return views


def order_views(states: Iterable[OrderState]) -> list[OrderView]:
    """Orders, oldest first."""
    return [
        OrderView(
            client_order_id=state.client_order_id,
            venue_order_id=state.venue_order_id,
            strategy_id=state.order.strategy_id,
            symbol=state.order.symbol,
            side=state.order.side.value,
            order_type=state.terms.order_type.value,
            quantity=_trimmed(state.quantity),
            filled_quantity=_trimmed(state.filled_quantity),
            average_price=_shown(state.average_price),
            limit_price=state.terms.limit_price,
            stop_price=state.terms.stop_price,
            time_in_force=state.terms.time_in_force.value,
            status=state.status.value,
            reject_reason=state.reject_reason,
            ts_created=rfc3339(state.order.ts_created),
            ts_updated=rfc3339(state.ts_updated),
            plan_id=state.order.plan_id,
            leg=state.order.leg,
        )
        for state in sorted(states, key=lambda state: state.order.ts_created)
    ]


def plan_views(states: Iterable[PlanState]) -> tuple[PlanView, ...]:
    """Plans that are pursued, oldest first."""
    return tuple(map(_plan_view, states))


def denial_views(denials: Iterable[tuple[int, OrderDenied]]) -> list[DenialView]:
    """Refusals with their times, oldest first."""
    return [
        DenialView(
            ts=rfc3339(ts),
            client_order_id=denial.order.client_order_id,
            strategy_id=denial.order.strategy_id,
            symbol=denial.order.symbol,
            side=denial.order.side.value,
            quantity=_trimmed(denial.order.quantity),
            codes=tuple(breach.code.value for breach in denial.breaches),
            reason="; ".join(breach.message for breach in denial.breaches),
            trace_id=denial.order.trace_id,
        )
        for ts, denial in denials
    ]


def _plan_view(state: PlanState) -> PlanView:
    plan = state.plan
    protection = Protection() if plan.guard is None else plan.guard.protection
    stop = ""
    if protection.stop_loss is not None:
        stop = f"{protection.stop_loss:f}"
    elif protection.trails:
        stop = f"trails {protection.trail_amount or f'{protection.trail_percent} %'}"
    return PlanView(
        plan_id=plan.plan_id,
        strategy_id=plan.strategy_id,
        symbol=plan.symbol,
        way=plan.method_name,
        side=plan.side.value,
        quantity=plan.quantity,
        take_profit=protection.take_profit,
        stop=stop,
        started=rfc3339(plan.ts_started),
    )


def trade_views(trades: Iterable[Trade]) -> list[TradeView]:
    """Executions, oldest first."""
    return [
        TradeView(
            execution_id=trade.execution_id,
            client_order_id=trade.client_order_id,
            venue_order_id=trade.venue_order_id,
            strategy_id=trade.strategy_id,
            symbol=trade.symbol,
            side=trade.side.value,
            quantity=_trimmed(trade.quantity),
            price=trade.price,
            fee=trade.fee,
            fee_pending=trade.fee_pending,
            trace_id=trade.trace_id,
            ts_event=rfc3339(trade.ts_event),
        )
        for trade in trades
    ]
