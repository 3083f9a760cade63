"""What the journal keeps of a plan: what is to be done, and the little of its progress that its orders do not tell."""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import PlanId, StrategyId, Symbol, TraceId
from tradingd.core.orders import OrderTerms, Side, TimeInForce
from tradingd.core.signals import FollowUp, Protection


class Leg(StrEnum):
    """Which part of a plan an order is; those of orders that are worked off over time are numbered, `part1` and on."""

    ENTRY = "entry"
    REST = "rest"
    """Sends at market what a limit order has not filled in time."""
    THEN = "then"
    """The order that follows once all of the entry has filled."""
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"
    """The stop, once it was reached while it did not rest at the venue."""
    BACK = "back"
    """Reverses what two exits together sold too much."""


EXITS = frozenset({Leg.STOP, Leg.TARGET, Leg.EXIT})
"""Legs that leave a position."""
CLOSING = EXITS | {Leg.BACK}
"""Legs that only ever bring a position nearer to zero."""


class UnfilledAction(StrEnum):
    """What becomes of a limit order that has not filled in time."""

    CANCEL = "cancel"
    REPRICE = "reprice"
    MARKET = "market"


class UnfilledTimeout(msgspec.Struct, frozen=True, kw_only=True):
    """How long a limit order may work, and what then."""

    after_ns: int
    action: UnfilledAction


class Single(msgspec.Struct, frozen=True, kw_only=True, tag="single"):
    """One order."""

    terms: OrderTerms


class EmulatedStop(msgspec.Struct, frozen=True, kw_only=True, tag="armed"):
    """A stop that the venue does not offer: watched here, and sent as a market or limit order when it is reached."""

    terms: OrderTerms
    sent: OrderTerms


class ZeroCross(msgspec.Struct, frozen=True, kw_only=True, tag="split"):
    """An order across zero: what closes the account's position first, the rest once that has filled."""

    terms: OrderTerms


class TwapEntry(msgspec.Struct, frozen=True, kw_only=True, tag="sliced"):
    """Equal orders over a time."""

    terms: OrderTerms
    duration_ns: int
    slices: int
    slice_quantity: Decimal
    sends_rest: bool


class RepriceEntry(msgspec.Struct, frozen=True, kw_only=True, tag="chase"):
    """A limit order at the touch that follows it."""

    time_in_force: TimeInForce
    interval_ns: int
    bound: Decimal
    """The price that it does not follow beyond."""


class ExistingPosition(msgspec.Struct, frozen=True, kw_only=True, tag="held"):
    """Nothing to send: the position is there."""


class TargetPosition(msgspec.Struct, frozen=True, kw_only=True, tag="target_position"):
    """A position of the strategy to come to: what could carry it past that is cancelled first."""

    goal: Decimal
    """Signed."""


EntryMethod: TypeAlias = (
    Single | EmulatedStop | ZeroCross | TwapEntry | RepriceEntry | ExistingPosition | TargetPosition
)
"""How the quantity of a plan is come by."""


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """How a position is left, with what the venue offers for it."""

    protection: Protection
    stop_rests: bool
    """Whether the stop works at the venue; otherwise it is watched here."""
    trails_there: bool
    """Whether the venue trails it; otherwise its price is moved from here."""
    waits: bool
    """Whether it can only rest once nothing more is bought: the venue takes no orders that could meet each other."""
    time_in_force: TimeInForce
    fraction_time_in_force: TimeInForce


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One intent. `side` and `quantity` are of the position that is to come, or that is there."""

    plan_id: PlanId
    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    quantity: Decimal
    method: EntryMethod = msgspec.field(name="way")
    until_ns: int = 0
    """When what has not filled is given up, ns UTC; 0 for never."""
    patience: UnfilledTimeout | None = None
    guard: Bracket | None = None
    then: FollowUp | None = None
    trace_id: TraceId
    ts_started: int

    @property
    def method_name(self) -> str:
        """How the quantity is come by, as journal, log and `orders` call it."""
        return str(self.method.__struct_config__.tag)


class PlanState(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that is being pursued, with what its orders do not tell of it."""

    plan: Plan
    entry_over: bool = False
    """True once nothing more of its quantity is to be sent, whatever has filled."""
    entry_mark: Decimal | None = None
    """Best price since a trailing stop that is watched here was armed."""
    stop_mark: Decimal | None = None
    """Best price since there was a position for a trailing stop to protect."""
    stop_watched: bool = False
    """True once the stop could not be placed at the venue and is watched here instead."""
    stop_reached: bool = False
    """True once a stop that did not rest at the venue was reached: it stays so, wherever the market goes."""


class PlanStarted(msgspec.Struct, frozen=True, kw_only=True, tag="plan_started"):
    """The daemon begins to pursue a plan; its orders follow."""

    plan: Plan


class PlanMoved(msgspec.Struct, frozen=True, kw_only=True, tag="plan_moved"):
    """What of a plan's progress its orders do not tell, as it now is."""

    plan_id: PlanId
    entry_over: bool = False
    entry_mark: Decimal | None = None
    stop_mark: Decimal | None = None
    stop_watched: bool = False
    stop_reached: bool = False

    def apply_to(self, state: PlanState) -> PlanState:
        """The state with this progress."""
        return msgspec.structs.replace(
            state,
            entry_over=self.entry_over,
            entry_mark=self.entry_mark,
            stop_mark=self.stop_mark,
            stop_watched=self.stop_watched,
            stop_reached=self.stop_reached,
        )


class PlanEnded(msgspec.Struct, frozen=True, kw_only=True, tag="plan_ended"):
    """The daemon no longer pursues a plan."""

    plan_id: PlanId
    reason: str


def moved(state: PlanState) -> PlanMoved:
    """The journal's word on a plan's progress."""
    return PlanMoved(
        plan_id=state.plan.plan_id,
        entry_over=state.entry_over,
        entry_mark=state.entry_mark,
        stop_mark=state.stop_mark,
        stop_watched=state.stop_watched,
        stop_reached=state.stop_reached,
    )
