"""Events that travel between modules and are neither market data, signals, reports nor journal entries."""

from typing import TypeAlias

import msgspec

from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.orders import ExecutionReport, OrderDenied, Trade
from tradingd.core.signals import StrategySignal
from tradingd.core.venue_view import VenueOrder, VenueSnapshot
from tradingd.runtime.module import ClockTick


class SnapshotTaken(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot_taken"):
    """The venue's answer; `books_version` tells how far the books had come when it was asked."""

    snapshot: VenueSnapshot
    books_version: int
    plan_only: bool = False
    """True when somebody only wants to know what it would change."""


class OpenOrdersTaken(msgspec.Struct, frozen=True, kw_only=True, tag="open_orders_taken"):
    """The venue's list of working orders, read to its end."""

    orders: tuple[VenueOrder, ...]
    books_version: int


class SnapshotFailed(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot_failed"):
    """The venue could not be asked for everything, or its working orders: nothing is known, and nothing changes."""

    reason: str


class OrderLookup(msgspec.Struct, frozen=True, kw_only=True, tag="order_lookup"):
    """The venue's answer about one order; None is its own "not found"."""

    client_order_id: ClientOrderId
    order: VenueOrder | None
    books_version: int


class LookupFailed(msgspec.Struct, frozen=True, kw_only=True, tag="lookup_failed"):
    """The venue could not be asked about one order."""

    client_order_id: ClientOrderId
    reason: str


class StrategyFailed(msgspec.Struct, frozen=True, kw_only=True, tag="strategy_failed"):
    """A strategy was quarantined: its working orders are to be cancelled."""

    strategy_id: StrategyId


class PricesMoved(msgspec.Struct, frozen=True, kw_only=True, tag="prices_moved"):
    """The market moved in a symbol that a plan waits for a price of."""

    symbol: Symbol


class OrderUpdate(msgspec.Struct, frozen=True, kw_only=True, tag="order_update"):
    """What a strategy hears about one of its orders; `trade` is there when it filled."""

    strategy_id: StrategyId
    report: ExecutionReport | OrderDenied
    trade: Trade | None
    cause: int = 0
    """Number of the journal's entry that it tells of."""
    runaway: str = ""
    """Why the strategy is to be stopped, if it is: it has run away."""


ExecutionEvent: TypeAlias = (
    StrategySignal
    | BrokerEvent
    | SnapshotTaken
    | OpenOrdersTaken
    | SnapshotFailed
    | OrderLookup
    | LookupFailed
    | StrategyFailed
    | PricesMoved
    | ClockTick
)
