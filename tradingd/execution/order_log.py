"""How execution reports read in the log."""

from typing import assert_never

from tradingd.core.log import Level, LogEvent
from tradingd.core.numbers import money, plain
from tradingd.core.order_state import NOT_SENT, Anomaly, OrderState
from tradingd.core.order_words import order_in_words, terms_in_words
from tradingd.core.orders import (
    Breach,
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
)
from tradingd.core.venue_view import VenueOrder
from tradingd.errors import JournalError
from tradingd.runtime.ports import EventLog

MODULE = "execution_engine"


def log_report(log: EventLog, report: ExecutionReport, state: OrderState) -> None:
    """Say what a report made of its order; fills have a line of their own."""
    if isinstance(report, OrderFilled):
        return
    level, event, message = _line(report)
    details: dict[str, object] = {"status": state.status.value, "filled": state.filled_quantity, "of": state.quantity}
    if state.venue_order_id is not None:
        details["venue_order_id"] = state.venue_order_id
    if isinstance(report, FeeReported):
        details["execution_id"] = report.execution_id
    log.log_order(level, event, f"{order_in_words(state.order, state)}: {message}", state.order, **details)


def _line(report: ExecutionReport) -> tuple[Level, LogEvent, str]:
    match report:
        case OrderAccepted():
            return Level.INFO, LogEvent.ORDER_ACCEPTED, "accepted, the venue works it"
        case OrderRejected(code=code, reason=reason) if code == NOT_SENT:
            return Level.WARNING, LogEvent.ORDER_REJECTED, f"not sent: {reason}"
        case OrderRejected(code=code, reason=reason):
            return Level.WARNING, LogEvent.ORDER_REJECTED, f"the venue refused it: {reason} ({code})"
        case OrderCanceled():
            return Level.INFO, LogEvent.ORDER_CANCELED, "cancelled"
        case OrderExpired():
            return Level.INFO, LogEvent.ORDER_EXPIRED, "expired, its time is over"
        case OrderReplaced():
            return Level.INFO, LogEvent.ORDER_REPLACED, "works on these terms now"
        case OrderUnknown(reason=reason):
            return Level.ERROR, LogEvent.ORDER_UNKNOWN, f"it is not known whether the venue has it: {reason}"
        case CancelRequested():
            return Level.INFO, LogEvent.ORDER_CANCEL_REQUESTED, "a cancel was asked for"
        case CancelRefused(reason=reason):
            return Level.WARNING, LogEvent.ORDER_CANCEL_REFUSED, f"the venue did not cancel: {reason}"
        case CancelUnknown(reason=reason):
            return Level.ERROR, LogEvent.ORDER_UNKNOWN, f"it is not known whether the venue cancels: {reason}"
        case ReplaceRequested():
            return Level.INFO, LogEvent.ORDER_REPLACE_REQUESTED, "new terms were asked for"
        case ReplaceRefused(reason=reason):
            return Level.WARNING, LogEvent.ORDER_REPLACE_REFUSED, f"the venue kept the old terms: {reason}"
        case ReplaceUnknown(reason=reason):
            return Level.ERROR, LogEvent.ORDER_UNKNOWN, f"it is not known whether the venue takes new terms: {reason}"
        case OrderFilled():
            return Level.INFO, LogEvent.ORDER_FILLED, "filled"
        case FeeReported(fee=fee, execution_id=execution_id):
            return Level.INFO, LogEvent.ORDER_FEE, f"execution {execution_id} cost {money(fee)}"
        case _:
            assert_never(report)


def log_submitted(log: EventLog, order: Order, waived: tuple[Breach, ...] = ()) -> None:
    """Say that an order is in the journal and on its way, and which rules it passed only because it reduces."""
    message = order_in_words(order)
    details = price_details(order.terms)
    if waived:
        reasons = "; ".join(breach.message for breach in waived)
        message = f"{message}, passed as a reduction of the position although {reasons}"
        details["waived"] = [breach.code.value for breach in waived]
    log.log_order(Level.INFO, LogEvent.ORDER_SUBMITTED, message, order, **details)


def log_kept(log: EventLog, order: Order, reason: str, breaches: tuple[Breach, ...]) -> None:
    """Say that new terms may not leave, and that the order goes on as it was."""
    codes = [breach.code.value for breach in breaches]
    message = f"{order_in_words(order)}: goes on as it is, {reason}"
    log.log_order(Level.WARNING, LogEvent.ORDER_REPLACE_REFUSED, message, order, codes=codes)


def log_anomaly(log: EventLog, anomaly: Anomaly, order: Order) -> None:
    """Say what was odd about an execution that is booked all the same."""
    log.log_order(
        Level.ERROR, LogEvent.ORDER_ANOMALY, f"{order_in_words(order)}: {anomaly.value}, booked as it is", order
    )


def log_foreign(log: EventLog, order: VenueOrder) -> None:
    """Say that something happened to an order that is not ours."""
    log.log_event(
        Level.WARNING,
        f"{order.side} {plain(order.quantity)} {order.symbol} {terms_in_words(order.terms)}: an order that is not ours",
        {"venue_order_id": order.venue_order_id, "status": order.status.value},
        event=LogEvent.ORDER_FOREIGN,
        module=MODULE,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
    )


def log_unheld(log: EventLog, report: ExecutionReport) -> None:
    """Say that a report is about an order that the books do not hold."""
    log.log_event(
        Level.WARNING,
        f"a report about order {report.client_order_id}, which the books do not hold",
        {"report": type(report).__name__},
        event=LogEvent.ORDER_FOREIGN,
        module=MODULE,
        client_order_id=report.client_order_id,
    )


def price_details(terms: OrderTerms) -> dict[str, object]:
    """The terms of an order as log details."""
    details: dict[str, object] = {"time_in_force": terms.time_in_force.value}
    if terms.limit_price is not None:
        details["limit_price"] = terms.limit_price
    if terms.stop_price is not None:
        details["stop_price"] = terms.stop_price
    for name, value in (
        ("trail_amount", terms.trail_amount),
        ("trail_percent", terms.trail_percent),
        ("expires_ns", terms.expires_ns),
        ("extended_hours", terms.extended_hours or None),
    ):
        if value is not None:
            details[name] = value
    return details


def log_not_sent(log: EventLog, error: JournalError, order: Order) -> None:
    """Say that an order, or a change of one, was held back since the disk did not take what the journal says of it."""
    message = f"{order_in_words(order)}: not sent: {error}"
    log.log_order(Level.CRITICAL, LogEvent.JOURNAL_UNWRITABLE, message, order)


def log_unwritten(log: EventLog, error: JournalError, order: Order) -> None:
    """Say that a cancel goes out although the journal did not take it."""
    message = f"{order_in_words(order)}: the cancel is sent all the same, unrecorded: {error}"
    log.log_order(Level.CRITICAL, LogEvent.JOURNAL_UNWRITABLE, message, order)
