"""What a venue says when it is asked: account, orders, fills, positions.

A snapshot is complete or it does not exist: a query that failed or was cut raises in the adapter and never arrives
here as an empty list.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.identifiers import ClientOrderId, ExecutionId, Symbol, VenueOrderId
from tradingd.core.orders import SPOT, Contract, OrderTerms, Side


class VenueOrderStatus(StrEnum):
    """The venue's status word, reduced to what it says about the order's life."""

    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    REPLACED = "REPLACED"


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the venue keeps it."""

    account_id: str
    account_kind: str
    """`paper` or `live`."""
    currency: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    multiplier: Decimal
    shorting_enabled: bool


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the venue keeps it; quantity is negative for a short."""

    symbol: Symbol
    quantity: Decimal
    average_price: Decimal
    """As quoted: without the contract's multiplier."""
    contract: Contract = SPOT


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue keeps it."""

    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId
    symbol: Symbol
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    average_fill_price: Decimal | None
    terms: OrderTerms
    status: VenueOrderStatus
    replaces: VenueOrderId | None
    replaced_by: VenueOrderId | None
    ts_submitted: int
    ts_updated: int
    changing: bool = False
    """True while the venue itself says that a cancel or a replace of the order is under way."""
    contract: Contract = SPOT
    notional: Decimal | None = None
    """Money that the order is to spend, where it was placed by that: its quantity is zero until it has ended."""


class VenueFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as the venue's history lists it."""

    execution_id: ExecutionId
    venue_order_id: VenueOrderId
    symbol: Symbol
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    cum_quantity: Decimal | None
    ts_event: int
    fee_pending: bool = False
    """True where the venue lists the execution and not yet what it cost."""


class VenueSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the venue knows that matters, asked for in one go after the order stream was listening.

    `orders` holds every open order and every order touched since the asked-for time, oldest first; `fills` every
    execution since that time, oldest first.
    """

    ts_requested: int
    account: AccountInfo
    orders: tuple[VenueOrder, ...]
    fills: tuple[VenueFill, ...]
    positions: tuple[VenuePosition, ...]
