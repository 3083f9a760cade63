"""What the venue's view of one order adds to what the books know of it, as ordinary execution reports.

Acknowledgements and replaces that were missed, executions, ends, and requests that left no trace. Nothing is invented:
where the venue has filled more than can be told, that is said instead.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.order_state import NOT_AT_VENUE, OrderState, OrderStatus
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    ExecutionReport,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    ReplaceRefused,
)
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueOrderStatus


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's view of one order adds to what the books know of it."""

    reports: tuple[ExecutionReport, ...]
    incomplete: bool
    """True when the venue has filled more, or replaced it more often, than could be told from this view."""


def judge_order(
    state: OrderState, legs: Sequence[VenueOrder], missing: Sequence[VenueFill], *, now_ns: int, settled: bool
) -> Findings:
    """What one order's legs at the venue, oldest first, and executions that the books lack come to."""
    owner = state.client_order_id
    reports = _identity_reports(state, legs, now_ns)
    reports += [fill_report(owner, fill, now_ns) for fill in missing]
    booked = state.filled_quantity + sum((fill.quantity for fill in missing), ZERO)
    if legs and _total_filled(legs) > booked:
        return Findings(reports=tuple(reports), incomplete=True)
    if legs and not state.is_terminal:
        reports += _end_reports(owner, legs[-1], now_ns)
        if legs[-1].status is VenueOrderStatus.FILLED and state.requested_quantity:
            reports.append(_replace_refused(owner, "the order had filled", now_ns))
        elif legs[-1].status is VenueOrderStatus.FILLED and legs[-1].notional is not None:
            reports.append(_spent(owner, legs[-1], now_ns))
        elif legs[-1].status is VenueOrderStatus.FILLED and legs[-1].replaces is not None:
            # It filled by a leg whose terms were never heard of, and which turn out to be the old ones.
            reports.append(_replaced(owner, legs[-1], legs[-1].replaces, now_ns))
        elif settled and legs[-1].status is VenueOrderStatus.WORKING and not legs[-1].changing:
            reports += _lost_request_reports(state, now_ns)
    return Findings(reports=tuple(reports), incomplete=bool(legs) and _is_loose(state, legs[0]))


def _is_loose(state: OrderState, first: VenueOrder) -> bool:
    """True for a leg that replaced one which the books have never heard of: there are more between."""
    return first.replaces is not None and first.replaces not in state.venue_order_ids and bool(state.venue_order_ids)


def strays_of(state: OrderState, legs: Sequence[VenueOrder], findings: Findings) -> list[VenueOrderId]:
    """Legs that work although a later one does, or although the order has ended and nothing tells otherwise."""
    working = [leg.venue_order_id for leg in legs if leg.status is VenueOrderStatus.WORKING and not leg.changing]
    return working if state.is_terminal and not findings.reports else working[:-1]


def _identity_reports(state: OrderState, legs: Sequence[VenueOrder], now_ns: int) -> list[ExecutionReport]:
    """Acknowledgement and replaces that the books missed."""
    reports: list[ExecutionReport] = []
    owner = state.client_order_id
    known = set(state.venue_order_ids)
    for number, leg in enumerate(legs):
        if leg.status is VenueOrderStatus.REJECTED:
            continue
        # One intent twice at the venue, without a link: the later one is taken for what replaced the earlier.
        twin_of = legs[number - 1].venue_order_id if number and leg.replaces is None else None
        if twin_of is not None and leg.venue_order_id != state.venue_order_id:
            reports.append(_replaced(owner, leg, twin_of, now_ns))
            known.add(leg.venue_order_id)
            continue
        if leg.venue_order_id in known and not _is_missed_replace(state, leg) and not _is_misplaced(state, leg):
            continue
        if leg.replaces is not None and leg.replaces in known:
            reports.append(_replaced(owner, leg, leg.replaces, now_ns))
        else:
            reports.append(
                OrderAccepted(
                    client_order_id=owner,
                    venue_order_id=leg.venue_order_id,
                    ts_event=leg.ts_submitted,
                    ts_recv=now_ns,
                )
            )
            if leg.replaces is not None:
                # The books have never heard of the leg before it: an acknowledgement alone would keep the old terms.
                reports.append(_replaced(owner, leg, leg.replaces, now_ns))
        known.add(leg.venue_order_id)
    return reports


def _replaced(owner: ClientOrderId, leg: VenueOrder, replaces: VenueOrderId, now_ns: int) -> OrderReplaced:
    return OrderReplaced(
        client_order_id=owner,
        venue_order_id=leg.venue_order_id,
        replaces=replaces,
        quantity=leg.quantity,
        limit_price=leg.terms.limit_price,
        stop_price=leg.terms.stop_price,
        trail_amount=leg.terms.trail_amount,
        trail_percent=leg.terms.trail_percent,
        ts_event=leg.ts_submitted,
        ts_recv=now_ns,
    )


def _is_misplaced(state: OrderState, leg: VenueOrder) -> bool:
    """True when the books hold a leg for older than the one that it took the place of."""
    ids = state.venue_order_ids
    return leg.replaces in ids and leg.venue_order_id in ids and ids.index(leg.venue_order_id) < ids.index(leg.replaces)


def _is_missed_replace(state: OrderState, leg: VenueOrder) -> bool:
    """True when the books know the latest leg by name (a fill told it) but not the terms that it came with."""
    ended = state.is_terminal and not (
        # That it had filled was concluded from terms that the leg has replaced.
        state.status is OrderStatus.FILLED and leg.status is VenueOrderStatus.WORKING
    )
    if ended or leg.replaces is None or leg.venue_order_id != state.venue_order_id:
        return False
    return (state.quantity, state.terms.asked) != (leg.quantity, leg.terms.asked)


def _end_reports(owner: ClientOrderId, leg: VenueOrder, now_ns: int) -> list[ExecutionReport]:
    match leg.status:
        case VenueOrderStatus.CANCELED:
            return [
                OrderCanceled(
                    client_order_id=owner,
                    venue_order_id=leg.venue_order_id,
                    ts_event=leg.ts_updated,
                    ts_recv=now_ns,
                )
            ]
        case VenueOrderStatus.EXPIRED:
            return [
                OrderExpired(
                    client_order_id=owner,
                    venue_order_id=leg.venue_order_id,
                    ts_event=leg.ts_updated,
                    ts_recv=now_ns,
                )
            ]
        case VenueOrderStatus.REJECTED:
            return [
                OrderRejected(
                    client_order_id=owner,
                    code="REJECTED",
                    reason="the venue rejected the order after taking it",
                    ts_event=leg.ts_updated,
                    ts_recv=now_ns,
                )
            ]
        case VenueOrderStatus.WORKING | VenueOrderStatus.FILLED | VenueOrderStatus.REPLACED:
            return []  # fills end a filled order, and a replaced leg lives on in the next one


def _spent(owner: ClientOrderId, leg: VenueOrder, now_ns: int) -> OrderCanceled:
    """Say that an order is over that was to spend a sum: nothing is left, and it never had a quantity to be full."""
    return OrderCanceled(
        client_order_id=owner, venue_order_id=leg.venue_order_id, ts_event=leg.ts_updated, ts_recv=now_ns
    )


def _lost_request_reports(state: OrderState, now_ns: int) -> list[ExecutionReport]:
    owner, reason = state.client_order_id, "the venue shows no trace of the request"
    reports: list[ExecutionReport] = []
    if state.requested_quantity:
        reports.append(_replace_refused(owner, reason, now_ns))
    doubted = state.status is OrderStatus.UNKNOWN and state.venue_order_ids and not reports
    if state.status is OrderStatus.PENDING_CANCEL or doubted:
        reports.append(CancelRefused(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns))
    return reports


def _replace_refused(owner: ClientOrderId, reason: str, now_ns: int) -> ReplaceRefused:
    return ReplaceRefused(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)


def _total_filled(legs: Sequence[VenueOrder]) -> Decimal:
    """At least this much has filled; whether a replacement's figure carries its forerunner's on differs by venue."""
    return max(leg.filled_quantity for leg in legs)


def never_arrived(owner: ClientOrderId, now_ns: int) -> OrderRejected:
    """Say that an order was found nowhere."""
    return OrderRejected(
        client_order_id=owner,
        code=NOT_AT_VENUE,
        reason="the venue knows no order of this id, neither in its list nor when asked for it",
        ts_event=now_ns,
        ts_recv=now_ns,
    )


def fill_report(owner: ClientOrderId, fill: VenueFill, now_ns: int) -> OrderFilled:
    """Say that an execution of the venue's history happened."""
    return OrderFilled(
        client_order_id=owner,
        venue_order_id=fill.venue_order_id,
        execution_id=fill.execution_id,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        cum_quantity=fill.cum_quantity,
        fee_pending=fill.fee_pending,
        ts_event=fill.ts_event,
        ts_recv=now_ns,
    )
