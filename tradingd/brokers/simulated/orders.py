"""One order at the simulated venue: its terms as they now are, and what became of it."""

from decimal import Decimal

import msgspec

from tradingd.core.identifiers import VenueOrderId
from tradingd.core.matching import MatchOrder
from tradingd.core.orders import ZERO, Order, OrderModification, OrderTerms, OrderType, TimeInForce
from tradingd.core.trailing import trailing_stop
from tradingd.core.venue_view import VenueOrder, VenueOrderStatus

AUCTIONS = (TimeInForce.OPG, TimeInForce.CLS)


class SimulatedOrder:
    """Kept by the broker alone; `view` is what others see of it."""

    __slots__ = (
        "arrived", "auction_at", "day_end", "elected", "filled", "high_water", "order", "parked", "quantity",
        "replaced_by", "replaces", "spent", "status", "terms", "venue_id",
    )  # fmt: skip

    def __init__(
        self, order: Order, venue_id: VenueOrderId, quantity: Decimal, terms: OrderTerms, arrived: int
    ) -> None:
        self.order = order
        self.venue_id = venue_id
        self.quantity = quantity
        self.terms = terms
        self.arrived = arrived
        self.filled = ZERO
        self.spent = ZERO
        self.status = VenueOrderStatus.WORKING
        self.replaces: VenueOrderId | None = None
        self.replaced_by: VenueOrderId | None = None
        self.day_end: int | None = None
        """When a day order ends; None until the first market data after it tells which day it works in."""
        self.auction_at = 0
        self.parked = False
        """True while the session that it trades in is closed."""
        self.elected = False
        self.high_water: Decimal | None = None

    def match_order(self) -> MatchOrder:
        """What is left of it, as the matching takes it."""
        return MatchOrder(
            order_id=self.venue_id,
            symbol=self.order.symbol,
            side=self.order.side,
            quantity=self.quantity - self.filled,
            terms=self.terms,
            ts_arrived=self.arrived,
            elected=self.elected,
            high_water=self.high_water,
        )

    def trail(self, high_water: Decimal, stop_price: Decimal) -> None:
        """Take note of where its stop stands now."""
        self.high_water = high_water
        self.terms = msgspec.structs.replace(self.terms, stop_price=stop_price)

    def take_over(self, old: "SimulatedOrder") -> None:
        """Go on where the order that this one replaces had come to."""
        self.filled, self.spent = old.filled, old.spent
        self.high_water = old.high_water
        self.elected = old.elected and self.terms.asked == old.terms.asked  # a moved stop must be reached anew
        self.replaces, old.replaced_by = old.venue_id, self.venue_id
        if self.terms.order_type is OrderType.TRAILING_STOP and self.high_water is not None:
            self.trail(self.high_water, trailing_stop(self.terms, self.order.side, self.high_water))

    def view(self, ts_updated: int) -> VenueOrder:
        """Describe it as a venue would."""
        return VenueOrder(
            client_order_id=self.order.client_order_id,
            venue_order_id=self.venue_id,
            symbol=self.order.symbol,
            side=self.order.side,
            quantity=self.quantity,
            filled_quantity=self.filled,
            average_fill_price=self.spent / self.filled if self.filled else None,
            terms=self.terms,
            status=self.status,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            ts_submitted=self.order.ts_created,
            ts_updated=ts_updated,
        )


def modified_terms(terms: OrderTerms, details: OrderModification) -> OrderTerms:
    """The terms with what a modification changes of them."""
    return msgspec.structs.replace(
        terms,
        limit_price=details.limit_price or terms.limit_price,
        stop_price=details.stop_price or terms.stop_price,
        trail_amount=details.trail_amount or terms.trail_amount,
        trail_percent=details.trail_percent or terms.trail_percent,
    )


def refusal(terms: OrderTerms, quantity: Decimal, filled: Decimal, now: int) -> tuple[str, str] | None:
    """Why the venue does not take such an order: a code and a reason; None for one that it takes."""
    kind, tif = terms.order_type, terms.time_in_force
    trails = kind is OrderType.TRAILING_STOP
    distances = [distance for distance in (terms.trail_amount, terms.trail_percent) if distance is not None]
    if quantity <= filled:
        return "QUANTITY_INVALID", "the quantity must exceed what is filled" if filled else "it must be positive"
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and not terms.limit_price:
        return "PRICE_INVALID", "a limit price is needed"
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT) and not terms.stop_price:
        return "PRICE_INVALID", "a stop price is needed"
    if len(distances) != trails or any(distance <= 0 for distance in distances):
        return "ORDER_TERMS", "a trailing stop has one distance above zero, and another order has none"
    if tif is TimeInForce.GTD and (terms.expires_ns is None or terms.expires_ns <= now):
        return "ORDER_TERMS", "a GTD order needs a time to come that it ends at"
    if tif in AUCTIONS and kind not in (OrderType.MARKET, OrderType.LIMIT):
        return "TIME_IN_FORCE", "an order in an auction is a market or limit order"
    return None
