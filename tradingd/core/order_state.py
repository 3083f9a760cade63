"""The life of one order: a table of states and reports, and the pure function that walks it.

Executions are facts: a fill is booked in every state, also after a cancel or an expiry. Status words are hints: a
report that would move an order backwards changes nothing. Nothing but evidence from the venue ends an order.
"""

from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from tradingd.core.executions import FeeCharge, execution_names, most_of, trade_of
from tradingd.core.identifiers import ClientOrderId, ExecutionId, VenueOrderId
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    CancelRequested,
    CancelUnknown,
    ExecutionReport,
    FeeReported,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    OrderUnknown,
    ReplaceRefused,
    ReplaceRequested,
    ReplaceUnknown,
    Trade,
)


class OrderStatus(StrEnum):
    """Where an order stands, as far as this process can know."""

    PENDING_SUBMIT = "PENDING_SUBMIT"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


NOT_AT_VENUE = "NOT_AT_VENUE"
"""Why an order was given up that the venue, asked in two ways after the grace time, did not know."""
NOT_SENT = "not_sent"
"""Why an order ended of which no byte had left."""

S = OrderStatus
TERMINAL = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED})

# (state, report) -> next state. A pair that is not here changes nothing: it is a repeat or would move the order back.
# Fills are not here: they are booked in every state, and end the order when nothing is left of it. So does an answer to
# a replace that leaves an order with nothing to fill.
TRANSITIONS: dict[tuple[OrderStatus, type], OrderStatus] = {
    # The intent is in the journal; the order is on its way or was when the process died.
    (S.PENDING_SUBMIT, OrderAccepted): S.ACCEPTED,
    (S.PENDING_SUBMIT, OrderRejected): S.REJECTED,
    (S.PENDING_SUBMIT, OrderUnknown): S.UNKNOWN,  # no answer, or one that proves nothing
    (S.PENDING_SUBMIT, OrderCanceled): S.CANCELED,  # IOC or FOK that found nothing: no acknowledgement need come first
    (S.PENDING_SUBMIT, OrderExpired): S.EXPIRED,
    (S.PENDING_SUBMIT, OrderReplaced): S.ACCEPTED,  # replaced by somebody else before its acknowledgement was heard
    (S.PENDING_SUBMIT, CancelRequested): S.PENDING_CANCEL,
    # The venue was asked (to take, cancel or replace it) and has not proved anything yet; counted at full size.
    (S.UNKNOWN, OrderAccepted): S.ACCEPTED,  # of a submit in doubt alone: see `_is_stale`
    (S.UNKNOWN, OrderRejected): S.REJECTED,  # only from the resolver: two sources agree after the grace time
    (S.UNKNOWN, OrderCanceled): S.CANCELED,
    (S.UNKNOWN, OrderExpired): S.EXPIRED,
    (S.UNKNOWN, OrderReplaced): S.ACCEPTED,
    (S.UNKNOWN, CancelRequested): S.PENDING_CANCEL,
    (S.UNKNOWN, CancelRefused): S.ACCEPTED,  # the venue works it: the cancel in doubt came to nothing
    (S.UNKNOWN, ReplaceRefused): S.ACCEPTED,
    # The venue works it.
    (S.ACCEPTED, OrderRejected): S.REJECTED,  # asynchronous rejection after a 2xx answer
    (S.ACCEPTED, OrderCanceled): S.CANCELED,
    (S.ACCEPTED, OrderExpired): S.EXPIRED,
    (S.ACCEPTED, OrderReplaced): S.ACCEPTED,  # replaced by somebody else, or our request was forgotten in a crash
    (S.ACCEPTED, ReplaceRefused): S.ACCEPTED,  # the answer comes after a cancel was asked for and refused
    (S.ACCEPTED, CancelRequested): S.PENDING_CANCEL,
    (S.ACCEPTED, ReplaceRequested): S.PENDING_REPLACE,
    # A cancel is a request; the order can still fill, and only the venue ends it.
    (S.PENDING_CANCEL, OrderRejected): S.REJECTED,
    (S.PENDING_CANCEL, OrderCanceled): S.CANCELED,
    (S.PENDING_CANCEL, OrderExpired): S.EXPIRED,
    (S.PENDING_CANCEL, OrderUnknown): S.UNKNOWN,  # the cancel was asked for before the submit was answered
    (S.PENDING_CANCEL, CancelUnknown): S.UNKNOWN,
    (S.PENDING_CANCEL, CancelRefused): S.ACCEPTED,  # still working, or about to be reported as done by its own event
    (S.PENDING_CANCEL, OrderReplaced): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, ReplaceRefused): S.PENDING_CANCEL,  # the cancel was asked for while the replace was under way
    # Old and new terms both count until the answer.
    (S.PENDING_REPLACE, OrderReplaced): S.ACCEPTED,
    (S.PENDING_REPLACE, ReplaceRefused): S.ACCEPTED,
    (S.PENDING_REPLACE, ReplaceUnknown): S.UNKNOWN,
    (S.PENDING_REPLACE, OrderRejected): S.REJECTED,
    (S.PENDING_REPLACE, OrderCanceled): S.CANCELED,
    (S.PENDING_REPLACE, OrderExpired): S.EXPIRED,
    (S.PENDING_REPLACE, CancelRequested): S.PENDING_CANCEL,
}


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """An order with what became of it so far; made by `intend`, changed by `apply_report` alone."""

    order: Order
    status: OrderStatus
    quantity: Decimal
    """Current total quantity; a replace changes it."""
    terms: OrderTerms
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    fees: Decimal = ZERO
    fees_pending: tuple[ExecutionId, ...] = ()
    """Executions whose fee the venue has not told yet."""
    reported_fees: dict[ExecutionId, Decimal] = msgspec.field(name="fees_told", default_factory=dict)
    """Commissions reported after their execution."""
    venue_order_ids: tuple[VenueOrderId, ...] = ()
    """The venue's names of this order, oldest first; replaces add to it."""
    executions: tuple[str, ...] = ()
    """Names of the executions booked: execution ids, and `venue order id @ cumulative quantity` where there is one."""
    requested_quantity: Decimal = ZERO
    """Total quantity that a replace under way asks for."""
    requested_price: Decimal = ZERO
    """The price that a replace under way would be counted at; zero while none is under way."""
    filled_before: Decimal = ZERO
    """What had filled before the order was adopted: part of `filled_quantity`, booked with the venue's position."""
    reject_code: str = ""
    reject_reason: str = ""
    ts_updated: int

    @property
    def client_order_id(self) -> ClientOrderId:
        """Our name of the order."""
        return self.order.client_order_id

    @property
    def is_terminal(self) -> bool:
        """True when nothing more of the order can be working."""
        return self.status in TERMINAL

    @property
    def open_quantity(self) -> Decimal:
        """What could still fill in the worst case; zero once terminal."""
        if self.status in TERMINAL:
            return ZERO
        return max(max(self.quantity, self.requested_quantity) - self.filled_quantity, ZERO)

    @property
    def worst_price(self) -> Decimal:
        """The price that exposure is counted at: of old and requested terms the higher one."""
        price = self.terms.counted_price(self.order.side, self.order.reference_price)
        return max(price, self.requested_price)

    @property
    def venue_order_id(self) -> VenueOrderId | None:
        """The venue's latest name of the order, None before the venue gave one."""
        return self.venue_order_ids[-1] if self.venue_order_ids else None

    @property
    def average_price(self) -> Decimal | None:
        """Average price of what filled, as far as it was booked."""
        booked = self.filled_quantity - self.filled_before
        return self.filled_value / booked if booked else None


class Anomaly(StrEnum):
    """Something that the books take in but an operator should know."""

    OVERFILL = "overfill"
    LATE_FILL = "late_fill"
    CUMULATIVE = "cumulative"
    """The execution came with the order's cumulative quantity for its own; its own is booked."""
    REVIVED = "revived"
    """It was taken for ended, and works."""


class Transition(msgspec.Struct, frozen=True):
    """What one report did: the state after it, the trade it made, and what was odd about it."""

    state: OrderState
    changed: bool
    trade: Trade | None = None
    anomaly: Anomaly | None = None
    charge: FeeCharge | None = None


def intend(order: Order) -> OrderState:
    """Begin an order's life: decided, approved, about to be journaled."""
    return OrderState(
        order=order,
        status=S.PENDING_SUBMIT,
        quantity=order.quantity,
        terms=order.terms,
        ts_updated=order.ts_created,
    )


def apply_report(state: OrderState, report: ExecutionReport) -> Transition:
    """Return what `report` makes of `state`; a repeated report returns it unchanged."""
    if isinstance(report, FeeReported):
        return _apply_fee(state, report)
    if _proves_alive(state, report):
        revived = msgspec.structs.replace(state, status=S.UNKNOWN, reject_code="", reject_reason="")
        transition = apply_report(revived, report)
        return msgspec.structs.replace(transition, anomaly=transition.anomaly or Anomaly.REVIVED)
    if isinstance(report, OrderFilled):
        return _apply_fill(state, report)
    target = TRANSITIONS.get((state.status, type(report)))
    if target is None or _is_stale(state, report):
        told = _learn_venue_id(state, report)
        if isinstance(report, OrderReplaced) and report.venue_order_id == told.venue_order_id:
            concluded = _conclude(told)  # the terms of a leg that filled unheard of are known now: they are these
            return Transition(concluded, changed=concluded is not told)
        return Transition(told, changed=False)
    changed = msgspec.structs.replace(
        _learn_venue_id(state, report), status=target, ts_updated=max(state.ts_updated, report.ts_event)
    )
    match report:
        case OrderReplaced():
            changed = msgspec.structs.replace(
                changed,
                quantity=report.quantity,
                requested_quantity=ZERO,
                requested_price=ZERO,
                terms=report.apply_to(state.terms),
            )
        case ReplaceRequested():
            changed = msgspec.structs.replace(
                changed,
                requested_quantity=report.quantity,
                requested_price=report.limit_price or report.stop_price or ZERO,
            )
        case ReplaceRefused():
            changed = msgspec.structs.replace(changed, requested_quantity=ZERO, requested_price=ZERO)
        case OrderRejected():
            changed = msgspec.structs.replace(changed, reject_code=report.code, reject_reason=report.reason)
        case (
            OrderAccepted()
            | OrderCanceled()
            | OrderExpired()
            | OrderUnknown()
            | CancelRequested()
            | CancelRefused()
            | CancelUnknown()
            | ReplaceUnknown()
        ):
            pass
        case _:
            assert_never(report)
    return Transition(_conclude(changed), changed=True)


def _conclude(state: OrderState) -> OrderState:
    """End an order of which nothing is left to fill."""
    if not state.is_terminal and 0 < max(state.quantity, state.requested_quantity) <= state.filled_quantity:
        return msgspec.structs.replace(state, status=S.FILLED)
    return state


def _proves_alive(state: OrderState, report: ExecutionReport) -> bool:
    """True for evidence from the venue against an end that this program had only concluded.

    Two ends are no word of the venue's: an order that was found nowhere, and one whose quantity had filled before a
    replace, heard of late, raised it.
    """
    if state.status is S.REJECTED and state.reject_code == NOT_AT_VENUE:
        return isinstance(report, OrderAccepted | OrderFilled | OrderReplaced | OrderCanceled | OrderExpired)
    return (
        state.status is S.FILLED
        and isinstance(report, OrderReplaced)
        and report.quantity > state.filled_quantity
        and not _is_known(state, report)
    )


def _is_stale(state: OrderState, report: ExecutionReport) -> bool:
    """True for a report that tells of a time which the state has left behind."""
    if isinstance(report, OrderReplaced):
        return _is_known(state, report)
    if isinstance(report, OrderCanceled) and (report.filled_quantity or ZERO) > state.filled_quantity:
        return True  # nobody may take the rest for known before what is missing has been found
    if isinstance(report, OrderCanceled | OrderExpired):
        # A name that another has taken the place of: its end says nothing about the order.
        return report.venue_order_id in state.venue_order_ids[:-1]
    # A second acknowledgement says nothing about the cancel or replace that is in doubt.
    return isinstance(report, OrderAccepted) and state.status is S.UNKNOWN and bool(state.venue_order_ids)


def _is_known(state: OrderState, report: OrderReplaced) -> bool:
    """True for a replace that was taken in before: it is superseded, or its terms are the present ones."""
    if _linked(state.venue_order_ids, report) != state.venue_order_ids:
        return False
    terms = (state.quantity, state.terms.asked)
    return report.venue_order_id != state.venue_order_id or terms == (
        report.quantity,
        report.apply_to(state.terms).asked,
    )


def _linked(known: tuple[VenueOrderId, ...], report: OrderReplaced) -> tuple[VenueOrderId, ...]:
    """Put the new name right after the one that it takes the place of; either may have been heard of before."""
    old, new = report.replaces, report.venue_order_id
    if old in known and new in known[known.index(old) :]:
        return known
    ids = [name for name in known if name != new]
    if old not in ids:
        ids.insert(known.index(new) if new in known else len(ids), old)
    ids.insert(ids.index(old) + 1, new)
    return tuple(ids)


def _learn_venue_id(state: OrderState, report: ExecutionReport) -> OrderState:
    if isinstance(report, OrderReplaced):
        linked = _linked(state.venue_order_ids, report)
        if linked == state.venue_order_ids:
            return state
        return msgspec.structs.replace(state, venue_order_ids=linked)
    match report:
        case OrderAccepted(venue_order_id=venue_id):
            if venue_id in state.venue_order_ids:
                return state
            # An acknowledgement is of the first leg, also when it comes after what was told of the later ones.
            return msgspec.structs.replace(state, venue_order_ids=(venue_id, *state.venue_order_ids))
        case (
            OrderCanceled(venue_order_id=venue_id)
            | OrderExpired(venue_order_id=venue_id)
            | OrderFilled(venue_order_id=venue_id)
        ):
            if venue_id in state.venue_order_ids:
                return state
            return msgspec.structs.replace(state, venue_order_ids=(*state.venue_order_ids, venue_id))
        case _:
            return state


def _apply_fill(state: OrderState, report: OrderFilled) -> Transition:
    names = execution_names(report)
    if report.quantity <= 0 or any(name in state.executions for name in names):
        return Transition(state, changed=False)
    order = state.order
    anomaly = None
    if (most := most_of(state.executions, report)) is not None and report.quantity > most:
        # Some messages give the order's cumulative quantity for the execution's own.
        report, anomaly = msgspec.structs.replace(report, quantity=most), Anomaly.CUMULATIVE
    filled = state.filled_quantity + report.quantity
    status = state.status
    # The terms of a leg that was never heard of are not known either: its replace will tell how much it may fill.
    known = not state.venue_order_ids or report.venue_order_id in state.venue_order_ids
    # An order that was adopted by what it may spend has no quantity: it ends when the venue says so.
    known = known and state.quantity > 0
    if status in TERMINAL:
        anomaly = anomaly or Anomaly.LATE_FILL
    if known and filled > max(state.quantity, state.requested_quantity):
        anomaly = Anomaly.OVERFILL
    if status not in TERMINAL:
        if known and filled >= max(state.quantity, state.requested_quantity):
            status = S.FILLED
        elif status in (S.PENDING_SUBMIT, S.UNKNOWN):
            status = S.ACCEPTED  # the acknowledgement is inferred; a late one changes nothing
    changed = msgspec.structs.replace(
        _learn_venue_id(state, report),
        status=status,
        filled_quantity=filled,
        filled_value=state.filled_value + report.quantity * report.price,
        fees=state.fees + report.fee,
        fees_pending=(*state.fees_pending, report.execution_id) if report.fee_pending else state.fees_pending,
        executions=state.executions + names,
        ts_updated=max(state.ts_updated, report.ts_event),
    )
    return Transition(changed, changed=True, trade=trade_of(order, report), anomaly=anomaly)


def _apply_fee(state: OrderState, report: FeeReported) -> Transition:
    execution_id, pending = report.execution_id, report.execution_id in state.fees_pending
    booked = ZERO if pending else state.reported_fees.get(execution_id)
    if booked is None or (not pending and booked == report.fee):
        return Transition(state, changed=False)  # it came with its execution, or is known already
    amount = report.fee - booked
    changed = msgspec.structs.replace(
        state,
        fees=state.fees + amount,
        fees_pending=tuple(known for known in state.fees_pending if known != execution_id),
        reported_fees={**state.reported_fees, execution_id: report.fee},
        ts_updated=max(state.ts_updated, report.ts_event),
    )
    charge = FeeCharge(strategy_id=state.order.strategy_id, symbol=state.order.symbol, amount=amount)
    return Transition(changed, changed=True, charge=charge)
