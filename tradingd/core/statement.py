"""A day's statement: what the venue says of orders, executions, fees, cash and positions, beside the own books.

Pure. Each difference is either explained, by something else that is on record, or open: for a person to look at.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.accounting import value_of
from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, PositionAdjusted
from tradingd.core.executions import execution_names
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import SPOT, ZERO, OrderFilled
from tradingd.core.reconcile import CASH_TOLERANCE
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueOrderStatus, VenueSnapshot


class Part(StrEnum):
    """What a line is about."""

    ORDER = "order"
    EXECUTION = "execution"
    FEE = "fee"
    CORRECTION = "correction"
    POSITION = "position"
    CASH = "cash"


class Standing(StrEnum):
    """How a line, and a whole statement, stands; the worst line decides."""

    CLEAN = "clean"
    EXPLAINED = "explained"
    OPEN = "open"


_WORSE = {Standing.CLEAN: 0, Standing.EXPLAINED: 1, Standing.OPEN: 2}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that books and venue tell differently, or that the books only hold by a correction."""

    part: Part
    subject: str
    ours: str
    venue: str
    standing: Standing
    explanation: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One figure on both sides, at the time that the statement was taken."""

    name: str
    ours: Decimal
    venue: Decimal


class DayBook(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal holds of one day, and the books as they are."""

    label: str
    start_ns: int
    end_ns: int
    books: Books
    fills: tuple[OrderFilled, ...]
    """Every execution of ours since the day began."""
    corrections: tuple[PositionAdjusted | CashAdjusted, ...]
    """Corrections booked since the day began."""
    opening_cash: Decimal
    opening_positions: Mapping[Symbol, Decimal]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The day, as both sides have it."""

    account_id: str
    account_kind: str
    day: str
    ts_taken: int
    orders: int
    """Orders of ours that were sent or ended on the day."""
    executions: int
    bought: Decimal
    sold: Decimal
    fees: Decimal
    opening_cash: Decimal
    opening_positions: dict[Symbol, Decimal]
    cash: Balance
    positions: tuple[Balance, ...]
    differences: tuple[Difference, ...]
    standing: Standing
    zone: str = "America/New_York"
    """Whose midnights the day is between."""


def compare(day: DayBook, venue: VenueSnapshot, *, moving: bool = False) -> Statement:
    """Put a day's books beside the venue's account, asked for from the day's beginning on.

    `moving` tells that orders changed between one side and the other, so that no difference proves anything.
    """
    within = [fill for fill in day.fills if day.start_ns <= fill.ts_event < day.end_ns]
    orders = [state for state in day.books.orders if _is_of(day, state)]
    differences = [
        *_orders(day, orders, venue),
        *_executions(day, venue),
        *(_correction(entry) for entry in day.corrections),
        *_balances(day, venue),
    ]
    if moving:
        differences = [_excuse(difference) for difference in differences]
    bought = sold = ZERO
    for fill in within:
        state = day.books.orders.get(fill.client_order_id)
        value = value_of(SPOT if state is None else state.order.contract, fill.quantity, fill.price)
        if state is not None and state.order.side.sign > 0:
            bought += value
        else:
            sold += value
    held = {position.symbol: position.quantity for position in venue.positions}
    symbols = sorted({symbol for symbol, quantity in day.books.portfolio.net.items() if quantity} | set(held))
    return Statement(
        account_id=venue.account.account_id,
        account_kind=venue.account.account_kind,
        day=day.label,
        ts_taken=venue.ts_requested,
        orders=len(orders),
        executions=len(within),
        bought=bought,
        sold=sold,
        fees=sum((fill.fee for fill in within), ZERO),
        opening_cash=day.opening_cash,
        opening_positions={symbol: quantity for symbol, quantity in day.opening_positions.items() if quantity},
        cash=Balance(name="cash", ours=day.books.portfolio.settled_cash, venue=venue.account.cash),
        positions=tuple(
            Balance(name=symbol, ours=day.books.portfolio.quantity(symbol), venue=held.get(symbol, ZERO))
            for symbol in symbols
        ),
        differences=tuple(differences),
        standing=max((found.standing for found in differences), key=_WORSE.__getitem__, default=Standing.CLEAN),
    )


def _excuse(difference: Difference) -> Difference:
    if difference.standing is not Standing.OPEN:
        return difference
    explanation = f"{difference.explanation}; orders were on their way while the two sides were read"
    return msgspec.structs.replace(difference, standing=Standing.EXPLAINED, explanation=explanation)


def _is_of(day: DayBook, state: OrderState) -> bool:
    return day.start_ns <= state.order.ts_created < day.end_ns or day.start_ns <= state.ts_updated < day.end_ns


# -- orders -----------------------------------------------------------------------------------------------------------

_AGREES = {
    OrderStatus.FILLED: {VenueOrderStatus.FILLED},
    OrderStatus.CANCELED: {VenueOrderStatus.CANCELED},
    OrderStatus.EXPIRED: {VenueOrderStatus.EXPIRED},
    OrderStatus.REJECTED: {VenueOrderStatus.REJECTED},
    OrderStatus.ACCEPTED: {VenueOrderStatus.WORKING},
}
_IN_FLIGHT = {OrderStatus.PENDING_SUBMIT, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE}


def _orders(day: DayBook, orders: list[OrderState], venue: VenueSnapshot) -> list[Difference]:
    last: dict[ClientOrderId, VenueOrder] = {}
    foreign: list[VenueOrder] = []
    for order in venue.orders:
        state = day.books.orders.by_venue_id(order.venue_order_id) or day.books.orders.get(order.client_order_id)
        if state is not None:
            last[state.client_order_id] = order
        elif day.start_ns <= order.ts_submitted < day.end_ns:
            foreign.append(order)
    differences = [found for state in orders if (found := _order(state, last.get(state.client_order_id))) is not None]
    differences += [
        Difference(
            part=Part.ORDER,
            subject=f"{order.venue_order_id} ({order.side} {order.quantity:f} {order.symbol})",
            ours="no such order",
            venue=order.status.value,
            standing=Standing.EXPLAINED,
            explanation="placed by somebody else in the same account",
        )
        for order in foreign
    ]
    return differences


def _order(state: OrderState, order: VenueOrder | None) -> Difference | None:
    if order is None and state.status is OrderStatus.REJECTED:
        return None  # what a venue refuses at the door it need not list
    theirs = "not listed" if order is None else f"{order.status.value}, {order.filled_quantity:f} filled"
    if order is not None:
        same = order.status in _AGREES.get(state.status, set())
        if same and (order.filled_quantity == state.filled_quantity or len(state.venue_order_ids) > 1):
            return None
    in_flight = state.status in _IN_FLIGHT
    return Difference(
        part=Part.ORDER,
        subject=f"{state.client_order_id} ({state.order.side} {state.quantity:f} {state.order.symbol})",
        ours=f"{state.status.value}, {state.filled_quantity:f} filled",
        venue=theirs,
        standing=Standing.EXPLAINED if in_flight else Standing.OPEN,
        explanation="a command is under way" if in_flight else "the two sides tell different ends",
    )


# -- executions -------------------------------------------------------------------------------------------------------


def _executions(day: DayBook, venue: VenueSnapshot) -> list[Difference]:
    known = {name: fill for fill in day.fills for name in execution_names(fill)}
    corrected = {entry.symbol: entry for entry in day.corrections if isinstance(entry, PositionAdjusted)}
    differences: list[Difference] = []
    heard: set[str] = set()
    for execution in venue.fills:
        fill = next((known[name] for name in _names(execution) if name in known), None)
        if fill is not None:
            heard.add(fill.execution_id)
        if not day.start_ns <= execution.ts_event < day.end_ns:
            continue
        if fill is None:
            differences.append(_unknown_execution(day, execution, corrected))
        else:
            differences += _terms(execution, fill)
    for fill in day.fills:
        if fill.execution_id not in heard and day.start_ns <= fill.ts_event < day.end_ns:
            differences.append(
                Difference(
                    part=Part.EXECUTION,
                    subject=f"{fill.execution_id} of {fill.client_order_id}",
                    ours=f"{fill.quantity:f} at {fill.price:f}",
                    venue="not listed",
                    standing=Standing.OPEN,
                    explanation="the venue's history does not hold it",
                )
            )
    return differences


def _names(execution: VenueFill) -> tuple[str, ...]:
    return execution_names(
        OrderFilled(
            client_order_id=ClientOrderId(""),
            venue_order_id=execution.venue_order_id,
            execution_id=execution.execution_id,
            quantity=execution.quantity,
            price=execution.price,
            cum_quantity=execution.cum_quantity,
            ts_event=execution.ts_event,
            ts_recv=execution.ts_event,
        )
    )


def _unknown_execution(day: DayBook, execution: VenueFill, corrected: Mapping[Symbol, PositionAdjusted]) -> Difference:
    ours = day.books.orders.by_venue_id(execution.venue_order_id) is not None
    entry = None if ours else corrected.get(execution.symbol)
    if entry is not None:
        explanation = f"of an order that is not ours; in the books by the correction {entry.adjustment_id}"
    elif ours:
        explanation = "of an order of ours, and not in the books"
    else:
        explanation = "of an order that is not ours, and no correction has booked it"
    return Difference(
        part=Part.EXECUTION,
        subject=f"{execution.execution_id} of {execution.venue_order_id}",
        ours="not in the books",
        venue=f"{execution.side} {execution.quantity:f} {execution.symbol} at {execution.price:f}",
        standing=Standing.OPEN if entry is None else Standing.EXPLAINED,
        explanation=explanation,
    )


def _terms(execution: VenueFill, fill: OrderFilled) -> list[Difference]:
    subject = f"{fill.execution_id} of {fill.client_order_id}"
    differences = []
    if (execution.quantity, execution.price) != (fill.quantity, fill.price):
        differences.append(
            Difference(
                part=Part.EXECUTION,
                subject=subject,
                ours=f"{fill.quantity:f} at {fill.price:f}",
                venue=f"{execution.quantity:f} at {execution.price:f}",
                standing=Standing.OPEN,
                explanation="quantity or price differ",
            )
        )
    if fill.fee_pending or execution.fee_pending:
        differences.append(
            Difference(
                part=Part.FEE,
                subject=subject,
                ours="pending" if fill.fee_pending else f"{fill.fee:f}",
                venue="pending" if execution.fee_pending else f"{execution.fee:f}",
                standing=Standing.EXPLAINED,
                explanation="the venue tells its fee later",
            )
        )
    elif execution.fee != fill.fee:
        differences.append(
            Difference(
                part=Part.FEE,
                subject=subject,
                ours=f"{fill.fee:f}",
                venue=f"{execution.fee:f}",
                standing=Standing.OPEN if execution.fee else Standing.EXPLAINED,
                explanation="the fees differ" if execution.fee else "the venue lists fees apart from executions",
            )
        )
    return differences


# -- balances ---------------------------------------------------------------------------------------------------------


def _correction(entry: PositionAdjusted | CashAdjusted) -> Difference:
    what = f"{entry.amount:+f}" if isinstance(entry, CashAdjusted) else f"{entry.quantity:+f} {entry.symbol}"
    return Difference(
        part=Part.CORRECTION,
        subject=entry.adjustment_id,
        ours=f"{what}, booked",
        venue=what,
        standing=Standing.EXPLAINED,
        explanation=entry.cause,
    )


def _balances(day: DayBook, venue: VenueSnapshot) -> list[Difference]:
    portfolio = day.books.portfolio
    held = {position.symbol: position.quantity for position in venue.positions}
    lines: list[tuple[Part, str, Decimal, Decimal]] = [
        (Part.POSITION, symbol, portfolio.quantity(symbol), held.get(symbol, ZERO))
        for symbol in sorted({*portfolio.net, *held})
    ]
    if abs(portfolio.settled_cash - venue.account.cash) >= CASH_TOLERANCE:
        lines.append((Part.CASH, venue.account.currency, portfolio.settled_cash, venue.account.cash))
    return [
        Difference(
            part=part,
            subject=subject,
            ours=f"{ours:f}",
            venue=f"{theirs:f}",
            standing=Standing.OPEN,
            explanation=f"the venue has {theirs - ours:+f}",
        )
        for part, subject, ours, theirs in lines
        if ours != theirs
    ]
