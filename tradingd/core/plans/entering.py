"""The first half of a plan: coming by its quantity, one way or another."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

import msgspec

from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import ZERO, OrderModification, OrderTerms, OrderType, Side
from tradingd.core.plans.records import (
    EmulatedStop,
    ExistingPosition,
    Leg,
    Plan,
    PlanState,
    RepriceEntry,
    Single,
    TargetPosition,
    TwapEntry,
    UnfilledAction,
    ZeroCross,
)
from tradingd.core.plans.view import (
    Legs,
    Modify,
    Move,
    Place,
    PlanAction,
    PlanView,
    cancels,
    followed,
    reaches,
    working,
)
from tradingd.core.trailing import trailing_stop

S = OrderStatus

Entering = tuple[Sequence[PlanAction], bool]
"""What is to be done now, and whether nothing more will come of the entry."""


def step_entry(state: PlanState, legs: Legs, view: PlanView) -> Entering:
    """Go on with the entry as far as is possible now."""
    plan = state.plan
    active = working(legs.entries)
    past = bool(plan.until_ns) and view.now >= plan.until_ns
    if state.entry_over or past or legs.exited > 0 or legs.entered >= plan.quantity:
        return cancels(active), not active
    match plan.method:
        case Single(terms=terms):
            return _one_order(plan, legs, view, active, terms)
        case EmulatedStop() as method:
            return _armed(state, method, legs, view, active)
        case ZeroCross(terms=terms):
            return _split(plan, legs, view, active, terms)
        case TwapEntry() as method:
            return _sliced(plan, method, legs, view, active)
        case RepriceEntry() as method:
            return _chase(plan, method, legs, view, active)
        case ExistingPosition() | TargetPosition():
            return (), True
        case _:
            assert_never(plan.method)


def _place(plan: Plan, leg: str, quantity: Decimal, terms: OrderTerms) -> Entering:
    return (Place(leg=leg, side=plan.side, quantity=quantity, terms=terms),), False


def _one_order(
    plan: Plan, legs: Legs, view: PlanView, active: Sequence[OrderState], terms: OrderTerms | None
) -> Entering:
    """Send one order; look after it while it works, and after what it leaves."""
    if not legs.entries:
        return ((), False) if terms is None else _place(plan, Leg.ENTRY, plan.quantity, terms)
    order = legs.entries[-1]
    if active:
        return _schedule_next_query(plan, order, view), False
    patience = plan.patience
    left = plan.quantity - legs.entered
    if (
        patience is not None
        and patience.action is UnfilledAction.MARKET
        and order.order.leg == Leg.ENTRY
        and order.status is S.CANCELED  # only a confirmed cancel tells how much is left
        and view.now >= order.order.ts_created + patience.after_ns
        and left >= view.instrument.min_quantity
    ):
        return _place(plan, Leg.REST, left, OrderTerms(time_in_force=order.terms.time_in_force))
    return (), True


def _schedule_next_query(plan: Plan, order: OrderState, view: PlanView) -> Sequence[PlanAction]:
    patience = plan.patience
    if patience is None or order.status is not S.ACCEPTED or order.terms.order_type is not OrderType.LIMIT:
        return ()
    if patience.action is not UnfilledAction.REPRICE:
        return cancels((order,)) if view.now >= order.order.ts_created + patience.after_ns else ()
    return _reprice(order, view, view.prices.touch(plan.side), patience.after_ns)


def _reprice(order: OrderState, view: PlanView, price: Decimal | None, pause_ns: int) -> Sequence[PlanAction]:
    if price is None or order.status is not S.ACCEPTED or view.now - order.ts_updated < pause_ns:
        return ()
    rounded = view.instrument.round_price(price, order.order.side)
    if rounded == order.terms.limit_price or rounded <= 0:
        return ()
    return (Modify(order.client_order_id, OrderModification(limit_price=rounded)),)


def _armed(
    state: PlanState, method: EmulatedStop, legs: Legs, view: PlanView, active: Sequence[OrderState]
) -> Entering:
    plan = state.plan
    if legs.entries:
        return _one_order(plan, legs, view, active, None)
    lane, mark, level = view.prices.reference(plan.side), state.entry_mark, method.terms.stop_price
    moves: tuple[PlanAction, ...] = ()
    if method.terms.order_type is OrderType.TRAILING_STOP:
        level = None if mark is None else trailing_stop(method.terms, plan.side, mark)
        if not reaches(plan.side, lane, level) and (moved := followed(plan.side, mark, lane)) not in (mark, None):
            moves = (Move(entry_mark=moved),)
            # A print that moved the stop may have been followed by one that reached it: the latest one tells.
            assert moved is not None
            assert lane is not None
            level = trailing_stop(method.terms, plan.side, moved)
            lane = msgspec.structs.replace(lane, low=lane.last, high=lane.last)
    if not reaches(plan.side, lane, level):
        return moves, False
    actions, over = _place(plan, Leg.ENTRY, plan.quantity, method.sent)
    return (*moves, *actions), over


def _split(plan: Plan, legs: Legs, view: PlanView, active: Sequence[OrderState], terms: OrderTerms) -> Entering:
    if active:
        return (), False
    if legs.entries and legs.entries[-1].status is not S.FILLED:
        return (), True  # a part that came to nothing: the position is not where the next part begins
    left = plan.quantity - legs.entered
    against = max(-view.account * plan.side.sign, ZERO)
    return _place(plan, f"part{len(legs.entries) + 1}", min(left, against) if against else left, terms)


def _sliced(plan: Plan, method: TwapEntry, legs: Legs, view: PlanView, active: Sequence[OrderState]) -> Entering:
    elapsed = view.now - plan.ts_started
    if elapsed >= method.duration_ns or any(state.status is S.REJECTED for state in legs.entries):
        return cancels(active), not active
    # A clock that was set back finds slices of times to come: the next one is never one that was sent already.
    number = max(elapsed * method.slices // method.duration_ns, 0)
    if legs.named(f"slice{number + 1}"):
        return (), not active and number == method.slices - 1
    if active:
        return cancels(active), False
    left = plan.quantity - legs.entered
    quantity = min(method.slice_quantity, left)
    if number == method.slices - 1:
        planned = plan.quantity - method.slice_quantity * (method.slices - 1)
        quantity = left if method.sends_rest else min(planned, left)
    if quantity < view.instrument.min_quantity:
        return (), True
    return _place(plan, f"slice{number + 1}", quantity, method.terms)


def _chase(plan: Plan, method: RepriceEntry, legs: Legs, view: PlanView, active: Sequence[OrderState]) -> Entering:
    touch = view.prices.touch(plan.side)
    price = None
    if touch is not None:
        price = min(touch, method.bound) if plan.side is Side.BUY else max(touch, method.bound)
    if not legs.entries:
        if price is None:
            return (), False
        terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=price, time_in_force=method.time_in_force)
        return _place(plan, Leg.ENTRY, plan.quantity, terms)
    actions, over = _one_order(plan, legs, view, active, None)
    if active and not actions and legs.entries[-1].order.leg == Leg.ENTRY:
        return _reprice(legs.entries[-1], view, price, method.interval_ns), False
    return actions, over
