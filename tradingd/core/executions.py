"""Executions: the names that one comes under, the trade that it is, how much it can be, and what it cost. Pure."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.orders import Order, OrderFilled, Trade


class FeeCharge(msgspec.Struct, frozen=True, kw_only=True):
    """What a fee that was told apart from its execution adds to what was booked; negative for a rebate."""

    strategy_id: StrategyId
    symbol: Symbol
    amount: Decimal


def execution_names(report: OrderFilled) -> tuple[str, ...]:
    """Every name that this execution may come under again, from the stream or from a query."""
    if report.cum_quantity is None:
        return (report.execution_id,)
    return (report.execution_id, f"{report.venue_order_id}@{report.cum_quantity.normalize():f}")


def trade_of(order: Order, report: OrderFilled) -> Trade:
    """The trade that an execution of an order is."""
    return Trade(
        execution_id=report.execution_id,
        client_order_id=order.client_order_id,
        venue_order_id=report.venue_order_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        quantity=report.quantity,
        price=report.price,
        fee=report.fee,
        trace_id=order.trace_id,
        ts_event=report.ts_event,
        ts_recv=report.ts_recv,
        fee_pending=report.fee_pending,
        contract=order.contract,
    )


def most_of(booked: Sequence[str], report: OrderFilled) -> Decimal | None:
    """The most that an execution can be by its leg's cumulative quantity, less what of it is `booked` before it."""
    cum, prefix = report.cum_quantity, f"{report.venue_order_id}@"
    if cum is None or report.quantity != cum:
        return None  # only what equals the cumulative figure can be it
    before = [known for name in booked if name.startswith(prefix) if (known := Decimal(name[len(prefix) :])) < cum]
    return cum - max(before) if before else None
