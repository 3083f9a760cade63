"""Events that travel between modules and are neither market data, signals, reports nor journal entries."""

from typing import TypeAlias

import msgspec

from tradingd.brokers.base import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, StrategyId
from tradingd.core.orders import ExecutionReport, OrderDenied, StrategySignal, Trade
from tradingd.core.venue_view import VenueOrder, VenueSnapshot
from tradingd.runtime.module import ClockTick


class SnapshotTaken(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot_taken"):
    """The venue's answer; `fence` tells how far the books had come when it was asked."""

    snapshot: VenueSnapshot
    fence: int


class SnapshotFailed(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot_failed"):
    """The venue could not be asked: nothing is known, and nothing changes."""

    reason: str


class OrderLookup(msgspec.Struct, frozen=True, kw_only=True, tag="order_lookup"):
    """The venue's answer about one order; None is its own "not found"."""

    client_order_id: ClientOrderId
    order: VenueOrder | None


class LookupFailed(msgspec.Struct, frozen=True, kw_only=True, tag="lookup_failed"):
    """The venue could not be asked about one order."""

    client_order_id: ClientOrderId
    reason: str


class StrategyFailed(msgspec.Struct, frozen=True, kw_only=True, tag="strategy_failed"):
    """A strategy was quarantined: its working orders are to be cancelled."""

    strategy_id: StrategyId


class OrderUpdate(msgspec.Struct, frozen=True, kw_only=True, tag="order_update"):
    """What a strategy hears about one of its orders; `trade` is there when it filled."""

    strategy_id: StrategyId
    report: ExecutionReport | OrderDenied
    trade: Trade | None


ExecutionEvent: TypeAlias = (
    StrategySignal
    | BrokerEvent
    | SnapshotTaken
    | SnapshotFailed
    | OrderLookup
    | LookupFailed
    | StrategyFailed
    | ClockTick
)
