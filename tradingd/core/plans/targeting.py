"""Reaching a target position without ever passing it: what stands in the way is cancelled first, and confirmed.

Counted is what can still fill. A resting order that could fill beside the order for the target would carry the position
past it, so that one is cancelled, and only its confirmed end lets the order leave. Orders at market on the way to the
target are counted; exits of plans make room by themselves (see `leaving`), and stay where the position grows.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from tradingd.core.identifiers import PlanId, StrategyId, Symbol
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import ZERO, OrderTerms, OrderType, Side
from tradingd.core.plans.records import CLOSING, ExistingPosition, Leg, Plan, PlanState, TargetPosition
from tradingd.core.plans.view import CloseOtherEntries, End, Legs, Place, PlanAction, PlanView, cancels, working

S = OrderStatus
MAX_PARTS = 8
"""Orders that one target may take: to zero and beyond, and what filled while others were being cancelled."""


class Approach(msgspec.Struct, frozen=True, kw_only=True):
    """The next stretch of the way from a position to a target."""

    missing: Decimal
    """Signed quantity to the target, or to zero where the target lies on the other side of it."""
    quantity: Decimal
    """Signed quantity to send now; zero while something has to end first."""
    obstacles: tuple[OrderState, ...]
    """Orders that could carry the position past the target: they are cancelled first."""
    waits: bool
    """True while something has to end before an order may leave."""

    @property
    def is_direct(self) -> bool:
        """True when one order is all that is needed, or none."""
        return not self.obstacles and not self.waits


def approach(goal: Decimal, held: Decimal, peers: Sequence[OrderState]) -> Approach:
    """Say what brings a strategy's position nearer to its target; `peers` are its open orders in the symbol."""
    missing = (ZERO if held * goal < 0 else goal) - held
    side = Side.BUY if missing > 0 else Side.SELL
    obstacles: list[OrderState] = []
    helpers: list[OrderState] = []
    promised = ZERO
    blocked = False
    for state in peers:
        order = state.order
        leaves = held * order.side.sign < 0
        if order.leg in CLOSING:
            blocked = blocked or order.leg == Leg.BACK
            promised += state.open_quantity if missing and order.side is side else ZERO
        elif missing and order.side is side and _fills_at_once(state):
            helpers.append(state)
        elif not leaves or (missing and order.side is side):
            obstacles.append(state)
    under_way = sum((state.open_quantity for state in helpers), ZERO)
    if under_way > abs(missing):
        obstacles += helpers
    left = abs(missing) - under_way
    if missing * held < 0 and left > 0:
        blocked = blocked or left > abs(held) - promised - under_way
    waits = bool(obstacles) or blocked
    return Approach(
        missing=missing,
        quantity=ZERO if waits else left * side.sign,
        obstacles=tuple(obstacles),
        waits=waits,
    )


def overshoots(goal: Decimal, held: Decimal, side: Side, peers: Sequence[OrderState]) -> bool:
    """True when the open orders of a side, the one for the target among them, would carry a position past its target.

    Asked right before that order leaves: while its intent was being committed the position may have changed.
    """
    stretch = ZERO if held * goal < 0 else goal
    mine = [state for state in peers if state.order.side is side and state.order.leg not in CLOSING]
    entries = sum((state.open_quantity for state in mine), ZERO)
    return (held + entries * side.sign - stretch) * side.sign > 0


def _fills_at_once(state: OrderState) -> bool:
    return state.terms.order_type is OrderType.MARKET and state.status is not S.PENDING_CANCEL


def step_target(plan: Plan, method: TargetPosition, legs: Legs, view: PlanView) -> Sequence[PlanAction]:
    """Go on towards a target as far as is possible now."""
    if working(legs.entries):
        return ()
    if legs.entries and legs.entries[-1].status is not S.FILLED:
        last = legs.entries[-1]
        return (
            End(reason=f"given up at {view.held:f}, target {method.goal:f}: its order ended {last.status.lower()}"),
        )
    look = approach(method.goal, view.held, view.peers)
    closing: tuple[PlanAction, ...] = (CloseOtherEntries(),) if view.entering else ()
    if closing or look.waits:
        return (*closing, *cancels(look.obstacles))
    side = Side.BUY if look.quantity > 0 else Side.SELL
    quantity = view.instrument.round_quantity(abs(look.quantity))
    if quantity < view.instrument.min_quantity or not quantity:
        if look.missing and not look.quantity:
            return ()  # an order that works already brings it there
        return (End(reason=f"{view.held:f} held, target {method.goal:f}"),)
    if len(legs.entries) >= MAX_PARTS:
        return (End(reason=f"given up at {view.held:f}, target {method.goal:f}: it keeps moving away", alarm=True),)
    against = max(-view.account * side.sign, ZERO)
    if ZERO < against < quantity:
        quantity = against  # venues take no order that carries the account across zero
    return (Place(leg=f"part{len(legs.entries) + 1}", side=side, quantity=quantity, terms=OrderTerms()),)


def pursued(plans: Mapping[PlanId, PlanState], strategy_id: StrategyId, symbol: Symbol) -> PlanState | None:
    """The target that is pursued for a strategy in a symbol, None when there is none."""
    for state in plans.values():
        plan = state.plan
        if isinstance(plan.method, TargetPosition) and plan.strategy_id == strategy_id and plan.symbol == symbol:
            return state
    return None


def entering(plans: Mapping[PlanId, PlanState], strategy_id: StrategyId, symbol: Symbol) -> list[PlanState]:
    """Plans of a strategy in a symbol that may still send a part of their entry."""
    return [
        state
        for state in plans.values()
        if state.plan.strategy_id == strategy_id
        and state.plan.symbol == symbol
        and not state.entry_over
        and not isinstance(state.plan.method, ExistingPosition | TargetPosition)
    ]


def peers_of(
    orders: Iterable[OrderState], strategy_id: StrategyId, symbol: Symbol, besides: PlanId | None = None
) -> tuple[OrderState, ...]:
    """Open orders of a strategy in a symbol, but for those of one plan."""
    return tuple(
        state
        for state in orders
        if state.order.symbol == symbol
        and state.order.strategy_id == strategy_id
        and (besides is None or state.order.plan_id != besides)
    )


def still_to_leave(goal: Decimal, held: Decimal, own: Iterable[OrderState]) -> Decimal:
    """What a target will still take from a position beside its open orders: exits of plans make that much room."""
    away = max(abs(held) - (abs(goal) if held * goal > 0 else ZERO), ZERO)
    open_quantity = sum((state.open_quantity for state in working(own)), ZERO)
    return max(away - open_quantity, ZERO)
