"""Wishes of strategies, and what is found at the venue."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from tests.modules.acting import Acting
from tests.modules.desk import ABC, START, Desk
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.orders import (
    Order,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)

D = Decimal


def bid(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D(99), time_in_force=TimeInForce.GTC)


def outside(
    desk: Desk, order_id: str, side: Side, quantity: str, *, symbol: Symbol = ABC, limit: str | None = None
) -> Callable[[], None]:
    """Somebody else's order in the same account."""
    terms = OrderTerms(
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=None if limit is None else D(limit),
        time_in_force=TimeInForce.GTC,
    )
    order = Order(
        client_order_id=ClientOrderId(order_id),
        strategy_id=StrategyId("by-hand"),
        symbol=symbol,
        side=side,
        quantity=D(quantity),
        terms=terms,
        trace_id=TraceId("t"),
        ts_created=START,
        reference_price=D(100),
    )
    return lambda: super(type(desk.broker), desk.broker).submit(order)


@contextmanager
def unwritable(desk: Desk) -> Iterator[None]:
    """No file of this process may grow beyond what the journal is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(path.stat().st_size for path in desk.journal.glob("*.jsonl"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
