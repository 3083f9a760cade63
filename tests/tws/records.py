"""What the emulated account consists of, as records that JSON holds.

Reads nothing. An `IbOrder` is never changed: a new one takes its place, so that what was told about it stays as told.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

ZERO = Decimal(0)
NOT_AN_API_ORDER = 0


class Status(StrEnum):
    """The words of orderStatus that the server itself says."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"

    @property
    def is_over(self) -> bool:
        """True when nothing more can happen to the order."""
        return self in (Status.CANCELLED, Status.FILLED)


class IbOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as TWS keeps it; prices are those that the client sent, in the fields that it sent them in."""

    perm_id: int
    client_id: int
    order_id: int
    con_id: int
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None = None
    aux_price: Decimal | None = None
    tif: str = "DAY"
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    order_ref: str = ""
    parent_id: int = 0
    exchange: str = "SMART"
    outside_rth: bool = False
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    good_till: str = ""
    good_after: str = ""
    all_or_none: bool = False
    what_if: bool = False
    transmit: bool = True
    status: Status = Status.PRE_SUBMITTED
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    last_price: Decimal = ZERO
    why_held: str = ""
    elected: bool = False
    high_water: Decimal | None = None
    expires_ns: int | None = None
    activates_ns: int | None = None
    placed_ns: int = 0
    done_ns: int = 0
    done_text: str = ""
    commission: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        """What is still to fill."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """True while the order can still trade."""
        return not self.status.is_over

    @property
    def is_manual(self) -> bool:
        """True for an order that was typed in TWS and is not bound to an API id."""
        return self.order_id == NOT_AN_API_ORDER


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, and what its commission report says."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    con_id: int
    account: str
    exchange: str
    side: str
    shares: Decimal
    price: Decimal
    cum_quantity: Decimal
    average_price: Decimal
    order_ref: str
    ts_ns: int
    commission: Decimal
    currency: str
    realized_pnl: Decimal | None = None
    liquidation: int = 0


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position; `average_cost` is for one contract, with multiplier and commission."""

    account: str
    con_id: int
    quantity: Decimal
    average_cost: Decimal
    realized_pnl: Decimal = ZERO


class Truth(msgspec.Struct, kw_only=True):
    """Everything that outlives a connection and, when it is saved, the process."""

    orders: dict[int, IbOrder] = msgspec.field(default_factory=dict)
    """By permId, in the order in which they came."""
    executions: list[Execution] = msgspec.field(default_factory=list)
    """Each as it stands now; a correction takes the place of what it corrects."""
    holdings: dict[str, Holding] = msgspec.field(default_factory=dict)
    """By `account/conId`."""
    cash: dict[str, Decimal] = msgspec.field(default_factory=dict)
    """By `account/currency`."""
    floors: dict[int, int] = msgspec.field(default_factory=dict)
    """The next valid order id of each client id."""
    next_perm_id: int = 1_893_044_001
    next_execution: int = 1


# -- what the desk tells ----------------------------------------------------------------------------------------------


class Shown(msgspec.Struct, frozen=True):
    """An order changed: openOrder and orderStatus."""

    order: IbOrder


class Executed(msgspec.Struct, frozen=True):
    """An execution: execDetails, the order, and then the commission report."""

    execution: Execution
    order: IbOrder | None
    """None for an execution that belongs to no order of the API (a liquidation), and for a correction."""


class WhatIf(msgspec.Struct, frozen=True):
    """The answer to a what-if order: an openOrder with figures, and no order."""

    order: IbOrder
    margin: Decimal
    commission: Decimal
    equity: Decimal
    margin_before: Decimal


class Said(msgspec.Struct, frozen=True):
    """An error or a notice that carries an order id."""

    client_id: int
    order_id: int
    code: int
    text: str


DeskEvent: TypeAlias = Shown | Executed | WhatIf | Said
