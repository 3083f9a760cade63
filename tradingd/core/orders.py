"""Orders, execution reports and trades: what travels from a decision to the books.

Quantities, prices and money are `Decimal`. An order's static terms (`Order`) are apart from its life
(`core.order_state.OrderState`); a report is one of a closed set of structs, each with only the fields that its case
has.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.explained import ExplainedEnum
from tradingd.core.identifiers import ClientOrderId, ExecutionId, PlanId, StrategyId, Symbol, TraceId, VenueOrderId

ZERO = Decimal(0)


class Side(StrEnum):
    """Direction of an order or a trade."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that undoes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class SignalAction(StrEnum):
    """What a strategy asks for; HOLD is a recorded decision to do nothing."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"
    """A stop that follows the market at a distance, and never goes back."""


class TimeInForce(StrEnum):
    """How long an order works."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    """Until a stated time."""
    OPG = "OPG"
    """In the opening auction alone: with MARKET or LIMIT, an order on open."""
    CLS = "CLS"
    """In the closing auction alone: with MARKET or LIMIT, an order on close."""


class StopPolicy(StrEnum):
    """What an orderly stop does with a strategy's orders and positions."""

    LEAVE = "leave"
    CANCEL = "cancel"
    FLATTEN = "flatten"
    """Cancel the orders, then close the positions at market."""


class Contract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a price becomes money."""

    multiplier: Decimal = Decimal(1)
    """Value of one unit at a price of one."""
    margined: bool = False
    """True for futures: only profit, loss and fees move cash, the value of what is held does not."""


SPOT = Contract()
"""What is paid for in full when it is bought: shares, crypto, currencies."""


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the market; the prices are present exactly where the type needs them."""

    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    """Where a stop is elected; of a trailing stop where it stands now, which whoever trails it moves."""
    time_in_force: TimeInForce = TimeInForce.DAY
    trail_amount: Decimal | None = None
    """Distance of a trailing stop from the best price since it was placed, in money."""
    trail_percent: Decimal | None = None
    """The same distance in percent; a trailing stop has one of the two."""
    expires_ns: int | None = None
    """End of a GTD order, ns UTC."""
    extended_hours: bool = False
    """Whether the order may also trade before the open and after the close."""

    @property
    def asked(self) -> tuple[Decimal | None, ...]:
        """The prices that were asked for, by which two versions of an order are compared: no stop that trails."""
        trails = self.order_type is OrderType.TRAILING_STOP
        return self.limit_price, None if trails else self.stop_price, self.trail_amount, self.trail_percent

    def counted_price(self, side: Side, reference: Decimal) -> Decimal:
        """The price that exposure is counted at: the limit, else the stop, else the reference.

        A buy that trails from the reference starts with its stop above it.
        """
        price = self.limit_price or self.stop_price
        if price:
            return price
        if self.order_type is not OrderType.TRAILING_STOP or side is Side.SELL:
            return reference
        return reference + (self.trail_amount or reference * (self.trail_percent or ZERO) / 100)


class OrderModification(msgspec.Struct, frozen=True, kw_only=True):
    """New terms for a working order; what is None stays as it is."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, tag="order", omit_defaults=True):
    """The terms of one order, as intended; its life is `OrderState`."""

    client_order_id: ClientOrderId
    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    quantity: Decimal
    terms: OrderTerms
    trace_id: TraceId
    ts_created: int
    reference_price: Decimal
    """Last good price when the order was made: what a market order is valued at before it fills."""
    plan_id: PlanId = PlanId("")
    """The plan that it is part of, empty for an order that stands alone."""
    leg: str = ""
    """Which part of the plan it is."""
    contract: Contract = SPOT

    @property
    def working_price(self) -> Decimal:
        """The price that exposure is counted at: the limit, else the stop, else the reference."""
        return self.terms.counted_price(self.side, self.reference_price)


# -- execution reports ------------------------------------------------------------------------------------------------


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    client_order_id: ClientOrderId
    ts_event: int
    ts_recv: int


class OrderAccepted(_Report, frozen=True, kw_only=True, tag="accepted"):
    """The venue has the order and works it."""

    venue_order_id: VenueOrderId


class OrderFilled(_Report, frozen=True, kw_only=True, tag="filled"):
    """One execution. `quantity` is this execution's own; never a cumulative one.

    `cum_quantity` is the venue's cumulative figure after it where the venue gives one: a second name of the same
    execution, by which a fill read from a stream and the same fill read from a query are known to be one.
    """

    venue_order_id: VenueOrderId
    execution_id: ExecutionId
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO
    cum_quantity: Decimal | None = None
    fee_pending: bool = False
    """True where the venue tells the fee apart from the execution, and has not yet."""


class FeeReported(_Report, frozen=True, kw_only=True, tag="fee_reported"):
    """What one execution cost in all, told apart from it; a later report takes the place of an earlier one."""

    execution_id: ExecutionId
    fee: Decimal


class OrderRejected(_Report, frozen=True, kw_only=True, tag="rejected"):
    """The venue's answer proves that it did not take the order."""

    code: str
    reason: str


class OrderCanceled(_Report, frozen=True, kw_only=True, tag="canceled"):
    """The rest of the order is gone on request, or was never eligible (IOC, sibling of a bracket)."""

    venue_order_id: VenueOrderId
    filled_quantity: Decimal | None = None
    """What had filled by then, where the venue says so: more than is booked means that an execution was not heard."""


class OrderExpired(_Report, frozen=True, kw_only=True, tag="expired"):
    """The rest of the order is gone because its time was over."""

    venue_order_id: VenueOrderId


class OrderReplaced(_Report, frozen=True, kw_only=True, tag="replaced"):
    """The order lives on under a new venue id and new terms."""

    venue_order_id: VenueOrderId
    """The new id."""
    replaces: VenueOrderId
    quantity: Decimal
    """Total quantity of the order, filled part included."""
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None

    def apply_to(self, terms: OrderTerms) -> OrderTerms:
        """The terms that the order goes on with; a trail that the report does not name stays."""
        trailed = self.trail_amount is not None or self.trail_percent is not None
        return msgspec.structs.replace(
            terms,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            trail_amount=self.trail_amount if trailed else terms.trail_amount,
            trail_percent=self.trail_percent if trailed else terms.trail_percent,
        )


class OrderUnknown(_Report, frozen=True, kw_only=True, tag="unknown"):
    """A submit ended without an answer that proves anything; only evidence from the venue resolves it."""

    reason: str


class CancelRequested(_Report, frozen=True, kw_only=True, tag="cancel_requested"):
    """We asked for a cancel; the order can still fill."""


class CancelRefused(_Report, frozen=True, kw_only=True, tag="cancel_refused"):
    """The venue would not cancel (already done, or pending); the order's own events tell what became of it."""

    reason: str


class CancelUnknown(_Report, frozen=True, kw_only=True, tag="cancel_unknown"):
    """A cancel ended without an answer that proves anything; the order counts at full size until the venue is heard."""

    reason: str


class ReplaceRequested(_Report, frozen=True, kw_only=True, tag="replace_requested"):
    """We asked for new terms; until the answer both old and new terms count."""

    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


class ReplaceRefused(_Report, frozen=True, kw_only=True, tag="replace_refused"):
    """The venue kept the old terms."""

    reason: str


class ReplaceUnknown(_Report, frozen=True, kw_only=True, tag="replace_unknown"):
    """A replace ended without an answer that proves anything; old and new terms both count until the venue is heard."""

    reason: str


ExecutionReport: TypeAlias = (
    OrderAccepted
    | OrderFilled
    | FeeReported
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderReplaced
    | OrderUnknown
    | CancelRequested
    | CancelRefused
    | CancelUnknown
    | ReplaceRequested
    | ReplaceRefused
    | ReplaceUnknown
)


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag="trade"):
    """One of our executions, as the books and the reports keep it."""

    execution_id: ExecutionId
    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId
    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    trace_id: TraceId
    ts_event: int
    ts_recv: int
    fee_pending: bool = False
    """True while the fee is not known; `fee` is zero then."""
    contract: Contract = SPOT


# -- verdicts ---------------------------------------------------------------------------------------------------------


class DenialCode(ExplainedEnum):
    """Why an order never left; the closed vocabulary of log, journal, control socket and documentation."""

    HALTED = "HALTED", "trading is halted, and the order could do more than reduce a position"
    STOPPING = "STOPPING", "the daemon is stopping"
    NOT_RECONCILED = "NOT_RECONCILED", "the books have not been compared with the venue since the order stream came up"
    STRATEGY_QUARANTINED = "STRATEGY_QUARANTINED", "its strategy raised and is quarantined until `tradingd resume`"
    STRATEGY_RETIRED = (
        "STRATEGY_RETIRED",
        "its strategy is retired in the configuration: only what reduces its position passes",
    )
    SYMBOL_NOT_ALLOWED = (
        "SYMBOL_NOT_ALLOWED",
        "the symbol is not in `risk.allowed_symbols`, or the venue does not trade it",
    )
    QUANTITY_INVALID = (
        "QUANTITY_INVALID",
        "the quantity is no positive number after rounding, or below the venue's minimum",
    )
    PRICE_INVALID = (
        "PRICE_INVALID",
        "a price is missing that its type needs, is there and should not be, or is no positive number",
    )
    PRICE_MISSING = "PRICE_MISSING", "no good price of the symbol has been seen yet"
    PRICE_STALE = "PRICE_STALE", "the last good price is older than `data.stale_after_s`"
    PRICE_COLLAR = "PRICE_COLLAR", "its price is further than `risk.price_collar_pct` from the last good price"
    ORDER_QUANTITY = "ORDER_QUANTITY", "it is larger than `max_order_quantity`"
    ORDER_VALUE = "ORDER_VALUE", "it is worth more than `max_order_value`"
    POSITION_LIMIT = "POSITION_LIMIT", "the position with all open orders would exceed `max_position_quantity`"
    POSITION_VALUE = "POSITION_VALUE", "the position with all open orders would be worth more than `max_position_value`"
    GROSS_EXPOSURE = "GROSS_EXPOSURE", "gross exposure with all open orders would exceed `risk.max_gross_exposure`"
    BUYING_POWER = "BUYING_POWER", "gross exposure with all open orders would exceed equity times `risk.max_leverage`"
    SHORT_NOT_ALLOWED = (
        "SHORT_NOT_ALLOWED",
        "it could leave the symbol short, and `risk.allow_short` or the venue forbids that",
    )
    ORDER_RATE = "ORDER_RATE", "`risk.max_orders_per_minute` orders have left within a minute"
    ORDER_NOT_WORKING = "ORDER_NOT_WORKING", "it asks for new terms of an order that is not working"
    ORDER_TYPE = "ORDER_TYPE", "the venue does not trade that type of order in this kind of asset"
    TIME_IN_FORCE = "TIME_IN_FORCE", "the venue does not take that type with that time in force, or not at this hour"
    EXTENDED_HOURS = "EXTENDED_HOURS", "the venue does not trade such an order outside the regular session"
    ORDER_TERMS = (
        "ORDER_TERMS",
        "its terms are incomplete or contradict each other: a limit or trail missing or too many, a GTD order "
        "without a time to come; or a bracket, an algorithm that cannot be",
    )
    PRICE_TICK = "PRICE_TICK", "a price is off the instrument's tick"
    LOT = "LOT", "the quantity is off the lot, or part of a unit where the venue takes whole ones"
    ORDER_MINIMUM = "ORDER_MINIMUM", "it is smaller, or worth less, than the venue takes"
    SELF_CROSS = "SELF_CROSS", "it could trade with another order of the account, and the venue refuses that"
    ZERO_CROSSING = (
        "ZERO_CROSSING",
        "it would take the account from long to short or back while other orders hold the position back",
    )
    SCOPE_HALTED = (
        "SCOPE_HALTED",
        "an operator halted its strategy, its symbol, or its strategy in that symbol: only orders that reduce "
        "the position pass",
    )
    SYMBOL_HALTED = (
        "SYMBOL_HALTED",
        "the symbol is halted after a correction past its bound, or an overfill: only orders that reduce the "
        "position pass",
    )
    ORDER_IN_DOUBT = (
        "ORDER_IN_DOUBT",
        "nobody knows yet what became of another order in the symbol: only orders that reduce the position pass",
    )
    REPEATED_ORDER = "REPEATED_ORDER", "the strategy repeats the same order too often"
    NOTHING_TO_REDUCE = "NOTHING_TO_REDUCE", "it was to reduce only, and nothing is held that it could reduce"
    REFUSED_TOO_OFTEN = (
        "REFUSED_TOO_OFTEN",
        "`max_refused_orders` of the strategy were refused within a minute, whatever their terms",
    )
    DISK_SPACE = "DISK_SPACE", "the reserve of disk space is used up"


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that an order breaks, with the figure it met and the limit it met it at."""

    code: DenialCode
    message: str
    value: str = ""
    limit: str = ""


class ValidationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict on one order: every breached rule, none meaning that it may leave."""

    breaches: tuple[Breach, ...] = ()
    waived: tuple[Breach, ...] = ()
    """Rules that an order breaks and passes all the same, since it can only reduce the position."""

    @property
    def approved(self) -> bool:
        """True when no rule was broken."""
        return not self.breaches


class OrderDenied(_Report, frozen=True, kw_only=True, tag="denied"):
    """Our own refusal: nothing was sent."""

    order: Order
    breaches: tuple[Breach, ...]
