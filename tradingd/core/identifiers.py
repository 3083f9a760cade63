"""Names of things. Each is a distinct type so that one can never stand where another is meant."""

from typing import NewType

Symbol = NewType("Symbol", str)
"""A tradable instrument as the venue spells it in orders: `AAPL`, `BTC/USD`."""

StrategyId = NewType("StrategyId", str)
"""The `id` of a `[[strategies]]` table."""

ClientOrderId = NewType("ClientOrderId", str)
"""Our name of an order, unique for ever: in the journal before the venue can see it."""

VenueOrderId = NewType("VenueOrderId", str)
"""The venue's name of an order; a replaced order gets a new one."""

ExecutionId = NewType("ExecutionId", str)
"""The venue's name of one execution; it counts once, for ever."""

PlanId = NewType("PlanId", str)
"""Our name of a plan, unique for ever; of the same kind as an order's, so that either can be given to a cancel."""

TraceId = NewType("TraceId", str)
"""Ties a signal to its order and that to its fills, in the log and in the journal."""

EXTERNAL = StrategyId("EXTERNAL")
"""Owner of orders and positions that this daemon did not make: visible, counted in risk, traded by nobody."""


def names_order(asked: str, order_id: str | None) -> bool:
    """True when what was asked for is the id of an order, or its end after the strategy's name, as tables show it."""
    return order_id is not None and (order_id == asked or order_id.endswith(f"-{asked}"))
