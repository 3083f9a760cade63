"""Our orders as the orders of TWS, and back. No I/O.

Owns: the words of TWS for types and times in force. Never: sends a figure that a double cannot hold exactly.
"""

from decimal import Decimal
from typing import Any

import msgspec

from tradingd.brokers.ib.library import Library
from tradingd.brokers.ib.wire import WireOrder, WireStatus, read_time, write_time
from tradingd.core.orders import Order, OrderModification, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.venue_view import VenueOrderStatus

_WORDS = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
}
_TYPES = {word: kind for kind, word in _WORDS.items()}
_AT_CLOSE = {OrderType.MARKET: "MOC", OrderType.LIMIT: "LOC"}
_CLOSING = {word: kind for kind, word in _AT_CLOSE.items()}
_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
CANCEL_IF_ONE_FILLS = 1
"""ocaType: the others of the group are cancelled, and what is left is guarded against a fill of both."""

ENDED_WORDS = frozenset({"Cancelled", "ApiCancelled"})
"""Not Inactive, which can mean refused as well as waiting (for a locate): it ends an order only with a refusal."""
PROVING_WORDS = frozenset({"PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Filled"})
"""Words that prove, once there is a permId, that the order was taken."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An order's quantity with its terms: what a modify changes, and what has to be sent whole each time."""

    quantity: Decimal
    terms: OrderTerms

    def changed_by(self, details: OrderModification) -> "Terms":
        """The terms after a modify; what it leaves out stays."""
        given = {name: value for name, value in msgspec.structs.asdict(details).items() if value is not None}
        quantity = given.pop("quantity", self.quantity)
        return Terms(quantity=quantity, terms=msgspec.structs.replace(self.terms, **given))

    def says_the_same(self, other: "Terms") -> bool:
        """True when the venue was asked for the same, wherever a trailing stop stands by now."""
        return (self.quantity, self.terms.asked) == (other.quantity, other.terms.asked)


def exact_float(value: Decimal) -> float:
    """The double that stands for a figure; raises `ValueError` when none does so exactly."""
    double = float(value)
    if Decimal(repr(double)) != value:
        raise ValueError(f"{value} has more digits than the venue's protocol carries")
    return double


def build_order(
    library: Library, order: Order, wanted: Terms, *, order_id: int, account: str, oca_group: str = ""
) -> Any:
    """The library's order; raises `ValueError` for a figure that cannot be sent exactly."""
    terms, kind = wanted.terms, wanted.terms.order_type
    built = library.order(
        orderId=order_id,
        action=order.side.value,
        totalQuantity=exact_float(wanted.quantity),
        orderType=_WORDS[kind],
        tif=terms.time_in_force.value,
        orderRef=order.client_order_id,
        account=account,
        outsideRth=terms.extended_hours,
        transmit=True,
    )
    if kind in _LIMITED and terms.limit_price is not None:
        built.lmtPrice = exact_float(terms.limit_price)
    match kind:
        case OrderType.STOP | OrderType.STOP_LIMIT if terms.stop_price is not None:
            built.auxPrice = exact_float(terms.stop_price)
        case OrderType.TRAILING_STOP:
            if terms.trail_percent is not None:
                built.trailingPercent = exact_float(terms.trail_percent)
            elif terms.trail_amount is not None:
                built.auxPrice = exact_float(terms.trail_amount)
            if terms.stop_price is not None:
                built.trailStopPrice = exact_float(terms.stop_price)
        case _:
            pass
    if terms.time_in_force is TimeInForce.CLS:
        built.orderType, built.tif = _AT_CLOSE[kind], "DAY"
    if terms.expires_ns is not None:
        built.goodTillDate = write_time(terms.expires_ns)
    if oca_group:
        built.ocaGroup, built.ocaType = oca_group, CANCEL_IF_ONE_FILLS
    return built


def read_terms(wire: WireOrder) -> Terms:
    """What an order of TWS asks for, as far as our words go; one of a type that we have no word for is priced as best
    it can be, and only ever an order that somebody else made."""
    closing = _CLOSING.get(wire.order_type)
    kind = closing or _TYPES.get(wire.order_type)
    if kind is None:
        kind = OrderType.LIMIT if wire.limit_price else OrderType.MARKET
    trails, stops = kind is OrderType.TRAILING_STOP, kind in (OrderType.STOP, OrderType.STOP_LIMIT)
    percent = wire.trail_percent if trails and wire.trail_percent else None
    in_force = TimeInForce.CLS if closing else _in_force(wire.tif)
    return Terms(
        quantity=wire.quantity,
        terms=OrderTerms(
            order_type=kind,
            limit_price=wire.limit_price if kind in _LIMITED else None,
            stop_price=wire.trail_stop if trails else wire.aux_price if stops else None,
            time_in_force=in_force,
            trail_amount=wire.aux_price if trails and percent is None else None,
            trail_percent=percent,
            expires_ns=read_time(wire.good_till) if in_force is TimeInForce.GTD else None,
            extended_hours=wire.outside_rth,
        ),
    )


def _in_force(word: str) -> TimeInForce:
    try:
        return TimeInForce(word)
    except ValueError:
        return TimeInForce.DAY


def read_side(word: str) -> Side:
    """The side that an order's action or an execution's side names."""
    return Side.BUY if word in ("BUY", "BOT") else Side.SELL


def read_status(wire: WireOrder, status: WireStatus | None) -> VenueOrderStatus:
    """What the words say about an order's life; a later orderStatus goes before the word in openOrder."""
    if wire.is_completed:
        if wire.status == "Filled":
            return VenueOrderStatus.FILLED
        refused = wire.status == "Inactive" and not wire.filled
        return VenueOrderStatus.REJECTED if refused else VenueOrderStatus.CANCELED
    word = wire.status if status is None else status.status
    if word == "Filled":
        return VenueOrderStatus.FILLED
    return VenueOrderStatus.CANCELED if word in ENDED_WORDS else VenueOrderStatus.WORKING
