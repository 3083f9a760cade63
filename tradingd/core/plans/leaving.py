"""The second half of a plan: leaving a position at a target or at a stop.

Everything is sized from what has filled, and bounded by what the strategy holds. One order at a time works on this
side, since venues hold shares back for working sells: the stop rests, the target is watched. When the market touches
the target, the stop is cancelled, and the target goes out once the cancel is confirmed with what had filled by then;
when it does not fill and the market falls back, the stop is put back. An order in doubt is a working order.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import ZERO, OrderModification, OrderTerms, OrderType, Side
from tradingd.core.plans.records import Bracket, ExistingPosition, Leg, PlanState
from tradingd.core.plans.view import (
    CloseEntry,
    End,
    Legs,
    Modify,
    Move,
    Place,
    PlanAction,
    PlanView,
    ReachStop,
    WatchStop,
    best,
    better,
    cancels,
    followed,
    reaches,
    working,
)
from tradingd.core.trailing import trailing_stop

S = OrderStatus
SETTLE_NS = 3 * NS_PER_SECOND
"""How long a target that was touched may take to fill before the stop is put back."""
MAX_EXITS = 3
"""How often an exit at market is tried that the venue ends without a fill."""

Leaving = tuple[Sequence[PlanAction], bool]
"""What is to be done now, and whether nothing is left to do."""
WAIT: Leaving = ((), False)
DONE: Leaving = ((), True)


class _Exit:
    """One look at the side of a plan that leaves the position."""

    def __init__(self, state: PlanState, guard: Bracket, legs: Legs, view: PlanView, *, entry_over: bool) -> None:
        plan = state.plan
        self.state, self.guard, self.legs, self.view, self.entry_over = state, guard, legs, view, entry_over
        self.protection = guard.protection
        self.side = plan.side.opposite
        entered = plan.quantity if isinstance(plan.method, ExistingPosition) else legs.entered
        self.remaining = entered - legs.exited + legs.reversed_quantity
        self.held = max(view.held * plan.side.sign, ZERO)
        free = max(self.held - view.others, ZERO)
        self.wanted = view.instrument.round_quantity(min(max(self.remaining, ZERO), free))
        self.active = working(legs.exits)
        self.lane = view.prices.reference(self.side)
        before, self.mark = state.stop_mark, state.stop_mark
        self.trails_there = guard.trails_there and not state.stop_watched
        at_stop = reaches(self.side, self.lane, self._level(before))
        if self.protection.trails and not self.trails_there and self.remaining > 0 and not at_stop:
            self.mark = followed(self.side, before, self.lane)
            if self.mark != before and self.lane is not None:
                # As for one that is watched: of what moved the stop only the latest print can have reached it.
                latest = msgspec.structs.replace(self.lane, low=self.lane.last, high=self.lane.last)
                at_stop = reaches(self.side, latest, self._level(self.mark))
        self.at_stop = at_stop or state.stop_reached
        self.level = self._level(self.mark)

    def _level(self, mark: Decimal | None) -> Decimal | None:
        """Where the stop stands; unknown while the venue trails it."""
        if not self.protection.trails:
            return self.protection.stop_loss
        if mark is None or self.trails_there:
            return None
        exact = trailing_stop(self._trail(), self.side, mark)
        return self.view.instrument.round_price(exact, self.side)

    def _trail(self) -> OrderTerms:
        return OrderTerms(
            order_type=OrderType.TRAILING_STOP,
            trail_amount=self.protection.trail_amount,
            trail_percent=self.protection.trail_percent,
        )

    @property
    def at_target(self) -> bool:
        """True when the market has touched the target, in a print or in the quote that it would fill at."""
        target = self.protection.take_profit
        if target is None or any(state.status is S.REJECTED for state in self.legs.named(Leg.TARGET)):
            return False
        prices = self.view.prices
        lanes = (prices.trade, prices.bid if self.side is Side.SELL else prices.ask)
        return any(lane is not None and not better(self.side, target, best(self.side, lane)) for lane in lanes)

    @property
    def has_fallen_back(self) -> bool:
        """True when the market is on the near side of the target again."""
        target = self.protection.take_profit
        return self.lane is not None and target is not None and better(self.side, target, self.lane.last)

    @property
    def rests(self) -> bool:
        """True when the stop is to work at the venue now."""
        waits = self.guard.waits and not self.entry_over
        return self.guard.stop_rests and not self.state.stop_watched and not waits

    @property
    def is_refused(self) -> bool:
        """True when the venue did not take the stop, and nothing was made of that yet."""
        refused = any(state.status is S.REJECTED for state in self.legs.named(Leg.STOP))
        return refused and not self.state.stop_watched

    def place(self, leg: str, kind: OrderType, limit: Decimal | None = None) -> Leaving:
        """Send one exit for all that is wanted."""
        whole = self.wanted == self.wanted.to_integral_value()
        terms = OrderTerms(
            order_type=kind,
            limit_price=limit,
            time_in_force=self.guard.time_in_force if whole else self.guard.fraction_time_in_force,
        )
        if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
            terms = msgspec.structs.replace(terms, stop_price=self.level)
        elif kind is OrderType.TRAILING_STOP:
            trail = self._trail()
            terms = msgspec.structs.replace(terms, trail_amount=trail.trail_amount, trail_percent=trail.trail_percent)
        return (Place(leg=leg, side=self.side, quantity=self.wanted, terms=terms),), False

    def place_stop(self) -> Leaving:
        """Let the stop rest, in the form that it has at this venue."""
        if self.protection.trails and self.trails_there:
            return self.place(Leg.STOP, OrderType.TRAILING_STOP)
        if self.level is None:
            return WAIT  # no price yet that it could trail from
        limit = self.protection.stop_limit
        return self.place(Leg.STOP, OrderType.STOP if limit is None else OrderType.STOP_LIMIT, limit)

    def resize(self, order: OrderState) -> Leaving:
        """Bring a resting exit to what is wanted, and to where its stop stands."""
        if order.status is not S.ACCEPTED:
            return WAIT
        if not self.wanted:
            return cancels((order,)), False
        total = order.filled_quantity + self.wanted
        moves = order.order.leg == Leg.STOP and order.terms.order_type is OrderType.STOP and self.protection.trails
        level = self.level if moves and self.level is not None else order.terms.stop_price
        improves = level is not None and order.terms.stop_price is not None
        if improves and level is not None and order.terms.stop_price is not None:
            improves = better(self.side, level, order.terms.stop_price)
        if total == order.quantity and not improves:
            return WAIT
        details = OrderModification(
            quantity=None if total == order.quantity else total, stop_price=level if improves else None
        )
        return (Modify(order.client_order_id, details),), False


def step_exit(state: PlanState, guard: Bracket, legs: Legs, view: PlanView, *, entry_over: bool) -> Leaving:
    """Go on with leaving the position as far as is possible now."""
    look = _Exit(state, guard, legs, view, entry_over=entry_over)
    moves = () if look.mark in (state.stop_mark, None) else (Move(stop_mark=look.mark),)
    actions, done = _leave(look)
    return (*moves, *actions), done


def _leave(look: _Exit) -> Leaving:
    if look.remaining < 0:
        return _reverse_excess(look)
    if not look.active:
        return _start(look)
    order = look.active[0]
    if len(look.active) > 1:  # one that was taken for lost has come back
        return cancels(look.active[1:]), False
    if order.order.leg == Leg.STOP and look.at_target and look.wanted:
        return _after_entry(look, (tuple(cancels((order,))), False))
    if order.order.leg == Leg.TARGET and look.protection.stops:
        age = look.view.now - order.order.ts_created
        if look.at_stop:
            return (*_reach(look), *cancels((order,))), False
        if age >= SETTLE_NS and look.has_fallen_back:
            return cancels((order,)), False
    if order.terms.order_type is OrderType.MARKET:
        return WAIT
    return look.resize(order)


def _reach(look: _Exit) -> Sequence[PlanAction]:
    return () if look.state.stop_reached else (ReachStop(),)


def _after_entry(look: _Exit, leaving: Leaving) -> Leaving:
    """Leave only once no more is coming: what is left to buy could meet what is to be sold."""
    if look.entry_over:
        return leaving
    return WAIT if look.state.entry_over else ((CloseEntry(),), False)


def _start(look: _Exit) -> Leaving:
    """Send the exit that is called for, while none works."""
    if not look.remaining or (look.entry_over and not look.held):
        return ((), look.entry_over)
    if look.wanted < look.view.instrument.min_quantity or not look.wanted:
        # Below the venue's minimum nothing can be sent; what other orders hold back may come free again.
        return ((), look.entry_over and min(look.remaining, look.held) < look.view.instrument.min_quantity)
    if look.at_stop:
        exits = look.legs.named(Leg.EXIT)
        if any(state.status is S.REJECTED for state in exits) or len(exits) >= MAX_EXITS:
            return (End(reason="the venue does not take the exit: the position is unprotected", alarm=True),), False
        limit = look.protection.stop_limit
        leaving = look.place(Leg.EXIT, OrderType.MARKET if limit is None else OrderType.LIMIT, limit)
        actions, done = _after_entry(look, leaving)
        return (*_reach(look), *actions), done
    target = look.protection.take_profit
    if target is not None and look.at_target:
        return _after_entry(look, look.place(Leg.TARGET, OrderType.LIMIT, target))
    if not look.protection.stops:
        if any(state.status is S.REJECTED for state in look.legs.named(Leg.TARGET)):
            return (End(reason="the venue does not take the target", alarm=True),), False
        if look.guard.waits and not look.entry_over:
            return WAIT
        return look.place(Leg.TARGET, OrderType.LIMIT, target)
    if look.is_refused:
        return (WatchStop(),), False
    return look.place_stop() if look.rests else WAIT


def _reverse_excess(look: _Exit) -> Leaving:
    """Undo what target and stop together sold too much, as far as it turned the position round."""
    if look.active:
        return cancels(look.active), False
    if working(look.legs.backs):
        return WAIT
    view, side = look.view, look.state.plan.side
    turned = max(-view.held * side.sign, ZERO)
    quantity = view.instrument.round_quantity(min(-look.remaining, turned))
    said = f"target and stop both filled, {-look.remaining:f} too much"
    if look.legs.backs or quantity < view.instrument.min_quantity or not quantity:
        return (End(reason=said, alarm=True),), False
    terms = OrderTerms(time_in_force=look.guard.fraction_time_in_force)
    return (Place(leg=Leg.BACK, side=side, quantity=quantity, terms=terms, alarm=f"{said}: it is taken back"),), False
