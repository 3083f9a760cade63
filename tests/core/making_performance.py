"""Trades to be measured."""

from decimal import Decimal

from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.orders import Side, Trade

D = Decimal


def trade(
    side: Side,
    quantity: str,
    price: str,
    fee: str = "0",
    *,
    ts: int = 0,
    strategy: str = "s1",
    symbol: str = "AAPL",
) -> Trade:
    return Trade(
        execution_id=ExecutionId(f"x{ts}"),
        client_order_id=ClientOrderId("c"),
        venue_order_id=VenueOrderId("v"),
        strategy_id=StrategyId(strategy),
        symbol=Symbol(symbol),
        side=side,
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        trace_id=TraceId("t"),
        ts_event=ts,
        ts_recv=ts,
    )
