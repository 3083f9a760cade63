"""One step of a plan: from its orders, the market and the time to what is to be done now.

Pure, so that a plan goes on after a restart as if nothing had been.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tradingd.core.order_state import OrderState
from tradingd.core.orders import ZERO, Side
from tradingd.core.plans.entering import step_entry
from tradingd.core.plans.leaving import step_exit
from tradingd.core.plans.records import (
    EXITS,
    EmulatedStop,
    ExistingPosition,
    Leg,
    PlanState,
    RepriceEntry,
    TargetPosition,
    UnfilledAction,
)
from tradingd.core.plans.targeting import step_target
from tradingd.core.plans.view import End, Legs, Place, PlanAction, PlanView, working


def step(state: PlanState, orders: Iterable[OrderState], view: PlanView) -> Sequence[PlanAction]:
    """Say what a plan asks for now; a repeated question gets the same answer until something has come of it."""
    plan, legs = state.plan, Legs(orders)
    if isinstance(plan.method, TargetPosition):
        return step_target(plan, plan.method, legs, view)
    entering, entry_over = step_entry(state, legs, view)
    actions = list(entering)
    done = True
    if plan.guard is not None:
        leaving, done = step_exit(state, plan.guard, legs, view, entry_over=entry_over)
        actions += leaving
    if plan.then is not None and legs.then is None and legs.entered >= plan.quantity and entry_over:
        follow = plan.then
        return [*actions, Place(leg=Leg.THEN, side=follow.side, quantity=follow.quantity, terms=follow.terms)]
    if entry_over and done and not any(isinstance(action, End) for action in actions):
        actions.append(End(reason=_outcome(state, legs)))
    return actions


def _outcome(state: PlanState, legs: Legs) -> str:
    if isinstance(state.plan.method, ExistingPosition) or legs.exited:
        return f"{legs.exited:f} closed"
    return f"{legs.entered:f} of {state.plan.quantity:f} filled"


def needs_prices(state: PlanState) -> bool:
    """True for a plan that waits for a price, and not for its orders and the time alone."""
    plan = state.plan
    if isinstance(plan.method, EmulatedStop | RepriceEntry):
        return True
    if plan.patience is not None and plan.patience.action is UnfilledAction.REPRICE:
        return True
    guard = plan.guard
    if guard is None or not guard.protection.stops:
        return False
    protection = guard.protection
    moves = protection.trails and not guard.trails_there
    return protection.take_profit is not None or moves or guard.waits or state.stop_watched or not guard.stop_rests


def to_come(state: PlanState, orders: Iterable[OrderState]) -> Decimal:
    """Signed quantity that a plan is still going to send as its entry, beside what of it works already."""
    plan, legs = state.plan, Legs(orders)
    if state.entry_over or legs.exited or isinstance(plan.method, ExistingPosition | TargetPosition):
        return ZERO
    open_quantity = sum((entry.open_quantity for entry in working(legs.entries)), ZERO)
    return max(plan.quantity - legs.entered - open_quantity, ZERO) * plan.side.sign


def resting_exits(orders: Iterable[OrderState]) -> Decimal:
    """Signed quantity of a plan's exits that only work if the market comes to them."""
    return sum(
        (state.open_quantity * state.order.side.sign for state in orders if state.order.leg in (Leg.STOP, Leg.TARGET)),
        ZERO,
    )


def open_exits(orders: Iterable[OrderState], side: Side) -> Decimal:
    """What a plan's exits of one side could still fill."""
    return sum((state.open_quantity for state in orders if state.order.leg in EXITS and state.order.side is side), ZERO)
