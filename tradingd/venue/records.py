"""Orders and executions as the venue keeps them, in memory and in its database."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.matching import MatchOrder
from tradingd.core.orders import ZERO, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.trailing import trailing_stop


class OrderStatus(StrEnum):
    """Alpaca's words for where an order stands, as far as this venue uses them."""

    ACCEPTED = "accepted"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    HELD = "held"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


TERMINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REPLACED, OrderStatus.REJECTED}
)


class OrderClass(StrEnum):
    """How an order belongs to others."""

    SIMPLE = ""
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"


class Role(StrEnum):
    """What an order is for within its class."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


class OrderEvent(StrEnum):
    """Words of the trade_updates stream."""

    ACCEPTED = "accepted"
    NEW = "new"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    RESTATED = "restated"


class OrderRecord(msgspec.Struct, kw_only=True):
    """One order; times are whole microseconds in ns, so that clients that cut them to microseconds lose nothing."""

    id: str
    client_order_id: str
    symbol: Symbol
    crypto: bool
    side: Side
    qty: Decimal | None
    """As asked for; None for a notional order."""
    notional: Decimal | None
    work_qty: Decimal | None
    """What is worked; None while a notional order waits for a price."""
    order_type: OrderType
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce
    order_class: OrderClass
    role: Role
    parent_id: str | None
    extended_hours: bool
    opening: bool
    """True when it may enlarge a position and so takes buying power; else it takes shares of the position."""
    reserve_price: Decimal | None
    """What a unit is counted at against buying power; None while no price is known."""
    status: OrderStatus
    created_at: int
    submitted_at: int
    updated_at: int
    expires_at: int | None
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    elected: bool = False
    filled_at: int | None = None
    expired_at: int | None = None
    canceled_at: int | None = None
    failed_at: int | None = None
    replaced_at: int | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    """Best price since a trailing stop went to work, the lowest for a buy; `stop_price` follows it."""
    auction_at: int | None = None
    """When the auction is held that an opg or cls order waits for."""

    @property
    def is_open(self) -> bool:
        """True until a terminal status."""
        return self.status not in TERMINAL

    @property
    def is_exit(self) -> bool:
        """True for a leg that closes what an entry opened."""
        return self.role is not Role.ENTRY

    @property
    def leaves(self) -> Decimal:
        """What is still to fill; 0 while a notional order has no quantity."""
        # Never below zero: an order may have filled for more than it asked.
        return ZERO if self.work_qty is None else max(ZERO, self.work_qty - self.filled_qty)

    @property
    def family(self) -> str:
        """The id under which an order and its legs belong together."""
        return self.parent_id or self.id

    @property
    def terms(self) -> OrderTerms:
        """The terms as the matching needs them."""
        return OrderTerms(
            order_type=self.order_type,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            time_in_force=self.time_in_force,
            trail_amount=self.trail_price,
            trail_percent=self.trail_percent,
        )

    def match_order(self, ts_arrived: int) -> MatchOrder:
        """What is left of it, as the matching takes it."""
        return MatchOrder(
            order_id=self.id,
            symbol=self.symbol,
            side=self.side,
            quantity=self.leaves,
            terms=self.terms,
            ts_arrived=ts_arrived,
            elected=self.elected,
            high_water=self.hwm,
        )

    def trail(self, hwm: Decimal) -> None:
        """Move the high-water mark, and the stop after it."""
        self.hwm = hwm
        self.stop_price = trailing_stop(self.terms, self.side, hwm)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, as the stream tells it and the activities list it."""

    id: str
    activity_id: str
    order_id: str
    symbol: Symbol
    side: Side
    short: bool
    """True for a sale that opened a short."""
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    position_qty: Decimal
    order_status: OrderStatus
    ts: int
