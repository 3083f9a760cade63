"""Reconciliation as a pure difference between the books and a venue's snapshot.

The answer is a plan: reports that enter the books like any other, adoptions of orders that are not ours, and
adjustments of positions and cash. It never invents an execution: where the venue says that more filled than its own
history lists, the order stays open in the plan and is asked for again. Applying a plan twice changes nothing.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, OrderAdopted, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, Symbol, TraceId, VenueOrderId
from tradingd.core.order_state import OrderState, OrderStatus, execution_names
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    ExecutionReport,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    ReplaceRefused,
)
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueOrderStatus, VenueSnapshot

NOT_AT_VENUE = "NOT_AT_VENUE"
CASH_TOLERANCE = Decimal("0.01")
"""A venue that shows cash in cents differs from exact books by less than this."""


class ReconciliationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What has to enter the books so that they say what the venue says."""

    reports: tuple[ExecutionReport, ...]
    adoptions: tuple[OrderAdopted, ...]
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...]
    unresolved: tuple[ClientOrderId, ...]
    """Open orders of ours that the snapshot does not show: to be asked for one by one."""
    incomplete: tuple[ClientOrderId, ...]
    """Orders of which the venue has filled more than its history lists so far."""

    @property
    def empty(self) -> bool:
        """True when the books and the venue agree and nothing is left to ask."""
        return not (self.reports or self.adoptions or self.adjustments or self.unresolved or self.incomplete)


def diff(
    books: Books,
    venue: VenueSnapshot,
    *,
    now_ns: int,
    not_found: Collection[ClientOrderId] = (),
    settle_requests: bool = False,
) -> ReconciliationPlan:
    """Compare the books with a snapshot.

    `not_found` names orders that the venue, asked for each by our id after the grace time, does not know: together with
    their absence from the snapshot's list that is evidence that they never arrived.

    `settle_requests` is for a start: a cancel or replace that a former process asked for, and that the venue does not
    show, is taken for lost. While commands can be under way their own answers settle them.
    """
    ours = _match_orders(books, venue.orders)
    fills = _match_fills(books, ours, venue.fills)
    reports: list[ExecutionReport] = []
    unresolved: list[ClientOrderId] = []
    incomplete: list[ClientOrderId] = []
    seen: dict[ClientOrderId, list[VenueOrder]] = {}
    for order in venue.orders:
        if (owner := ours.get(order.venue_order_id)) is not None:
            seen.setdefault(owner, []).append(order)
    for owner in dict.fromkeys([*seen, *fills, *(s.client_order_id for s in books.orders.open)]):
        state = books.orders.get(owner)
        assert state is not None
        legs = seen.get(owner, [])
        missing = fills.get(owner, [])
        if not legs and not state.is_terminal:
            if owner in not_found and not missing:
                reports.append(_never_arrived(owner, now_ns))
                continue
            unresolved.append(owner)
        reports += _identity_reports(state, legs, now_ns)
        reports += [_fill_report(owner, fill, now_ns) for fill in missing]
        booked = state.filled_quantity + sum((fill.quantity for fill in missing), ZERO)
        if legs and _total_filled(legs) > booked:
            incomplete.append(owner)
        elif legs and not state.is_terminal:
            reports += _end_reports(owner, legs[-1], now_ns)
            if legs[-1].status is VenueOrderStatus.FILLED and state.requested_quantity:
                reports.append(_replace_refused(owner, "the order had filled", now_ns))
            elif settle_requests and legs[-1].status is VenueOrderStatus.WORKING:
                reports += _lost_request_reports(state, now_ns)
    adoptions = tuple(
        _adopt(order)
        for order in venue.orders
        if order.status is VenueOrderStatus.WORKING and order.venue_order_id not in ours
    )
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...] = ()
    if not unresolved and not incomplete:
        adjustments = _adjust(books, venue, reports)
    return ReconciliationPlan(
        reports=tuple(reports),
        adoptions=adoptions,
        adjustments=adjustments,
        unresolved=tuple(unresolved),
        incomplete=tuple(incomplete),
    )


def _match_orders(books: Books, orders: tuple[VenueOrder, ...]) -> dict[VenueOrderId, ClientOrderId]:
    """Which venue ids are legs of which of our orders, following replaces back to an id that we know."""
    ours: dict[VenueOrderId, ClientOrderId] = {}
    for order in orders:
        known = books.orders.by_venue_id(order.venue_order_id) or books.orders.get(order.client_order_id)
        if known is not None:
            ours[order.venue_order_id] = known.client_order_id
        elif order.replaces is not None:
            parent = books.orders.by_venue_id(order.replaces)
            owner = parent.client_order_id if parent is not None else ours.get(order.replaces)
            if owner is not None:
                ours[order.venue_order_id] = owner
    return ours


def _match_fills(
    books: Books, ours: Mapping[VenueOrderId, ClientOrderId], fills: tuple[VenueFill, ...]
) -> dict[ClientOrderId, list[VenueFill]]:
    """Executions of our orders that the books do not have, oldest first."""
    missing: dict[ClientOrderId, list[VenueFill]] = {}
    before_adoption = {state.client_order_id: state.filled_before for state in books.orders if state.filled_before}
    for fill in fills:
        state = books.orders.by_venue_id(fill.venue_order_id)
        owner = state.client_order_id if state is not None else ours.get(fill.venue_order_id)
        if owner is None:
            continue
        state = books.orders.get(owner)
        assert state is not None
        if any(name in state.executions for name in execution_names(_fill_report(owner, fill, 0))):
            continue
        # The oldest executions of an adopted order came in with the venue's position.
        if fill.quantity <= before_adoption.get(owner, ZERO):
            before_adoption[owner] -= fill.quantity
        else:
            missing.setdefault(owner, []).append(fill)
    return missing


def _identity_reports(state: OrderState, legs: list[VenueOrder], now_ns: int) -> list[ExecutionReport]:
    """Acknowledgement and replaces that the books missed."""
    reports: list[ExecutionReport] = []
    owner = state.client_order_id
    known = set(state.venue_order_ids)
    for leg in legs:
        if leg.status is VenueOrderStatus.REJECTED:
            continue
        if leg.venue_order_id in known and not _is_missed_replace(state, leg):
            continue
        if leg.replaces is not None and leg.replaces in known:
            reports.append(
                OrderReplaced(
                    client_order_id=owner,
                    venue_order_id=leg.venue_order_id,
                    replaces=leg.replaces,
                    quantity=leg.quantity,
                    limit_price=leg.terms.limit_price,
                    stop_price=leg.terms.stop_price,
                    ts_event=leg.ts_submitted,
                    ts_recv=now_ns,
                )
            )
        else:
            reports.append(
                OrderAccepted(
                    client_order_id=owner,
                    venue_order_id=leg.venue_order_id,
                    ts_event=leg.ts_submitted,
                    ts_recv=now_ns,
                )
            )
        known.add(leg.venue_order_id)
    if not reports and legs and state.status is OrderStatus.UNKNOWN and legs[-1].status is VenueOrderStatus.WORKING:
        reports.append(
            OrderAccepted(
                client_order_id=owner,
                venue_order_id=legs[-1].venue_order_id,
                ts_event=legs[-1].ts_submitted,
                ts_recv=now_ns,
            )
        )
    return reports


def _is_missed_replace(state: OrderState, leg: VenueOrder) -> bool:
    """True when the books know the latest leg by name (a fill told it) but not the terms that it came with."""
    if state.is_terminal or leg.replaces is None or leg.venue_order_id != state.venue_order_id:
        return False
    terms = (state.quantity, state.terms.limit_price, state.terms.stop_price)
    return terms != (leg.quantity, leg.terms.limit_price, leg.terms.stop_price)


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


def _lost_request_reports(state: OrderState, now_ns: int) -> list[ExecutionReport]:
    owner, reason = state.client_order_id, "the venue shows no trace of the request"
    reports: list[ExecutionReport] = []
    if state.requested_quantity:
        reports.append(_replace_refused(owner, reason, now_ns))
    if state.status is OrderStatus.PENDING_CANCEL:
        reports.append(CancelRefused(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns))
    return reports


def _replace_refused(owner: ClientOrderId, reason: str, now_ns: int) -> ReplaceRefused:
    return ReplaceRefused(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)


def _total_filled(legs: list[VenueOrder]) -> Decimal:
    """At least this much has filled; whether a replacement's figure carries its forerunner's on differs by venue."""
    return max(leg.filled_quantity for leg in legs)


def _never_arrived(owner: ClientOrderId, now_ns: int) -> OrderRejected:
    return OrderRejected(
        client_order_id=owner,
        code=NOT_AT_VENUE,
        reason="the venue knows no order of this id, neither in its list nor when asked for it",
        ts_event=now_ns,
        ts_recv=now_ns,
    )


def _fill_report(owner: ClientOrderId, fill: VenueFill, now_ns: int) -> OrderFilled:
    return OrderFilled(
        client_order_id=owner,
        venue_order_id=fill.venue_order_id,
        execution_id=fill.execution_id,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        cum_quantity=fill.cum_quantity,
        ts_event=fill.ts_event,
        ts_recv=now_ns,
    )


def _adopt(order: VenueOrder) -> OrderAdopted:
    price = order.terms.limit_price or order.terms.stop_price or order.average_fill_price or ZERO
    return OrderAdopted(
        order=Order(
            client_order_id=order.client_order_id,
            strategy_id=EXTERNAL,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            terms=order.terms,
            trace_id=TraceId(f"external-{order.venue_order_id}"),
            ts_created=order.ts_submitted,
            reference_price=price,
        ),
        venue_order_id=order.venue_order_id,
        already_filled=order.filled_quantity,
    )


def _adjust(
    books: Books, venue: VenueSnapshot, reports: list[ExecutionReport]
) -> tuple[PositionAdjusted | CashAdjusted, ...]:
    """What positions and cash still differ by once the plan's own fills are counted."""
    quantities = dict(books.portfolio.net)
    cash = books.portfolio.cash
    for report in reports:
        if isinstance(report, OrderFilled):
            state = books.orders.get(report.client_order_id)
            assert state is not None
            signed = report.quantity * state.order.side.sign
            quantities[state.order.symbol] = quantities.get(state.order.symbol, ZERO) + signed
            cash -= signed * report.price + report.fee
    held = {position.symbol: position for position in venue.positions}
    adjustments: list[PositionAdjusted | CashAdjusted] = []
    symbols: list[Symbol] = sorted({*quantities, *held})
    for symbol in symbols:
        position = held.get(symbol)
        difference = (position.quantity if position else ZERO) - quantities.get(symbol, ZERO)
        if difference:
            price = position.average_price if position else (books.portfolio.price(symbol) or ZERO)
            adjustments.append(
                PositionAdjusted(
                    strategy_id=EXTERNAL,
                    symbol=symbol,
                    quantity=difference,
                    price=price,
                    cause="the venue's position differs from the books",
                )
            )
    difference = venue.account.cash - cash
    if abs(difference) >= CASH_TOLERANCE:
        adjustments.append(CashAdjusted(amount=difference, cause="the venue's cash differs from the books"))
    return tuple(adjustments)
