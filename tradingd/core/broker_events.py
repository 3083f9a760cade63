"""What a broker adapter delivers: execution reports, the state of its order stream, and orders of others."""

from typing import TypeAlias

import msgspec

from tradingd.core.orders import ExecutionReport
from tradingd.core.venue_view import VenueOrder


class OrderStreamUp(msgspec.Struct, frozen=True, kw_only=True, tag="order_stream_up"):
    """The order stream is authorised and listening (again): time to take a snapshot."""

    ts_recv: int


class OrderStreamDown(msgspec.Struct, frozen=True, kw_only=True, tag="order_stream_down"):
    """The order stream is gone; no new risk until it is back and reconciled."""

    ts_recv: int
    reason: str


class ForeignOrderEvent(msgspec.Struct, frozen=True, kw_only=True, tag="foreign_order"):
    """An event about an order that this adapter did not send: for the reconciliation to explain."""

    ts_recv: int
    order: VenueOrder


BrokerEvent: TypeAlias = ExecutionReport | OrderStreamUp | OrderStreamDown | ForeignOrderEvent
