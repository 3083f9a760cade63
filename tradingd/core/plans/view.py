"""What a step of a plan looks at, and what it may answer."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import ClientOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import ZERO, OrderModification, OrderTerms, Side
from tradingd.core.plans.records import EXITS, Leg

S = OrderStatus


class PriceRange(msgspec.Struct, frozen=True):
    """One kind of price since the plan last looked: its extremes, and the latest."""

    low: Decimal
    high: Decimal
    last: Decimal


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What the market did since a plan last looked; a kind that was never seen is None."""

    trade: PriceRange | None = None
    bid: PriceRange | None = None
    ask: PriceRange | None = None

    def reference(self, side: Side) -> PriceRange | None:
        """What elects a stop of this side: prints, or the quote it would meet while there never was a print."""
        return self.trade or (self.ask if side is Side.BUY else self.bid)

    def settled(self) -> "Prices":
        """The latest prices alone: what a second look may go by, since the first has answered to the extremes."""

        def latest(lane: PriceRange | None) -> PriceRange | None:
            return None if lane is None else PriceRange(lane.last, lane.last, lane.last)

        return Prices(trade=latest(self.trade), bid=latest(self.bid), ask=latest(self.ask))

    def touch(self, side: Side) -> Decimal | None:
        """The best price of an order's own side; without quotes the last print."""
        lane = (self.bid if side is Side.BUY else self.ask) or self.trade
        return None if lane is None else lane.last


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """The world as a plan sees it."""

    now: int
    prices: Prices
    held: Decimal
    """The strategy's own position, signed."""
    others: Decimal
    """What the strategy's orders outside this plan could still take from that position."""
    account: Decimal
    """The account's position, signed."""
    instrument: Instrument
    peers: tuple[OrderState, ...] = ()
    """The strategy's open orders in the symbol outside this plan; for a target alone."""
    entering: bool = False
    """Whether another plan of the strategy may still send a part of its entry; for a target alone."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Send an order."""

    leg: str
    side: Side
    quantity: Decimal
    terms: OrderTerms
    alarm: str = ""
    """What an operator should know about it."""


class Cancel(msgspec.Struct, frozen=True):
    """Ask for a cancel."""

    order_id: ClientOrderId


class Modify(msgspec.Struct, frozen=True):
    """Ask for new terms."""

    order_id: ClientOrderId
    details: OrderModification


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Follow the market with the mark of a trailing stop."""

    entry_mark: Decimal | None = None
    stop_mark: Decimal | None = None


class CloseEntry(msgspec.Struct, frozen=True):
    """Send no more of the plan's quantity."""


class CloseOtherEntries(msgspec.Struct, frozen=True):
    """Send no more of the entries of the strategy's other plans in the symbol."""


class ReachStop(msgspec.Struct, frozen=True):
    """Leave at the stop, wherever the market goes from here."""


class WatchStop(msgspec.Struct, frozen=True):
    """Watch the stop here from now on: the venue does not take it."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Pursue the plan no longer."""

    reason: str
    alarm: bool = False


PlanAction: TypeAlias = Place | Cancel | Modify | Move | CloseEntry | CloseOtherEntries | ReachStop | WatchStop | End


class Legs:
    """The orders of one plan, by what they are for."""

    def __init__(self, orders: Iterable[OrderState]) -> None:
        self.entries: list[OrderState] = []
        self.exits: list[OrderState] = []
        self.backs: list[OrderState] = []
        self.then: OrderState | None = None
        for state in orders:
            leg = state.order.leg
            if leg in EXITS:
                self.exits.append(state)
            elif leg == Leg.BACK:
                self.backs.append(state)
            elif leg == Leg.THEN:
                self.then = state
            else:
                self.entries.append(state)
        self.entered = filled(self.entries)
        self.exited = filled(self.exits)
        self.reversed_quantity = filled(self.backs)

    def named(self, leg: str) -> list[OrderState]:
        """The orders of one leg, oldest first."""
        return [state for state in (*self.entries, *self.exits, *self.backs) if state.order.leg == leg]


def filled(states: Sequence[OrderState]) -> Decimal:
    """What some orders have filled together."""
    return sum((state.filled_quantity for state in states), ZERO)


def working(states: Iterable[OrderState]) -> list[OrderState]:
    """Orders that may still do something; one in doubt is among them."""
    return [state for state in states if not state.is_terminal]


def cancels(states: Iterable[OrderState]) -> list[PlanAction]:
    """A cancel for each order that one can be asked for; what became of one in doubt has to be known first."""
    able = (S.ACCEPTED, S.PENDING_SUBMIT, S.PENDING_REPLACE)
    return [Cancel(state.client_order_id) for state in states if state.status in able]


def better(side: Side, one: Decimal, other: Decimal) -> bool:
    """True when a price is better than another for a holder: higher for one who will sell, lower for one who buys."""
    return one > other if side is Side.SELL else one < other


def worst(side: Side, lane: PriceRange) -> Decimal:
    """The price of a lane that is the worst for one who will sell, or buy."""
    return lane.low if side is Side.SELL else lane.high


def best(side: Side, lane: PriceRange) -> Decimal:
    """The price of a lane that is the best for one who will sell, or buy."""
    return lane.high if side is Side.SELL else lane.low


def followed(side: Side, mark: Decimal | None, lane: PriceRange | None) -> Decimal | None:
    """The mark of a trailing stop after what the market did; it moves one way only."""
    if lane is None:
        return mark
    price = best(side, lane)
    return price if mark is None or better(side, price, mark) else mark


def reaches(side: Side, lane: PriceRange | None, level: Decimal | None) -> bool:
    """True when a stop of this side at this level was reached."""
    return lane is not None and level is not None and not better(side, worst(side, lane), level)
