"""What a message means for an order of ours, without a socket."""

from typing import Any

import pytest
from tests.brokers.ib.making import D, order, resting, wire_execution, wire_order, wire_status
from tradingd.brokers.ib.codes import Command, Verdict
from tradingd.brokers.ib.convert import SymbolBook
from tradingd.brokers.ib.executions import Executions
from tradingd.brokers.ib.ledger import Entry, OrderLedger
from tradingd.brokers.ib.orders import Terms
from tradingd.brokers.ib.translate import Translator
from tradingd.brokers.ib.wire import Record, WireCommission, WireError, WireExecution, WireOrder
from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.orders import (
    CancelUnknown,
    FeeReported,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
)

NOW = 2_000_000_000


class Desk:
    """A translator with what it reads."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.ledger = OrderLedger(7, lambda name: name.startswith("t-"))
        self.translator = Translator(
            self.ledger,
            SymbolBook(),
            Executions(),
            lambda: "DU1",
            lambda event, _message, _details: self.problems.append(event),
        )

    def send(self, sent: Order, order_id: int = 11) -> Entry:
        entry = self.ledger.begin(sent, order_id, Terms(quantity=sent.quantity, terms=sent.terms), NOW)
        entry.pending[Command.SUBMIT] = 1.0
        return entry

    def take(self, *records: Record) -> list[BrokerEvent]:
        return [event for record in records for event in self.translator.translate(record, NOW)]

    def kinds(self, *records: Record) -> list[Any]:
        return [type(event) for event in self.take(*records)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_order_is_accepted_once_it_has_a_name(desk: Desk) -> None:
    desk.send(resting())
    assert desk.take(wire_order(perm_id=0, status="PendingSubmit")) == []
    (report,) = desk.take(wire_order(), wire_status(), wire_order(), wire_status())
    assert isinstance(report, OrderAccepted)
    assert report.venue_order_id == "501"


def test_an_order_that_waits_for_a_locate_is_neither_taken_nor_refused(desk: Desk) -> None:
    desk.send(resting())
    held = WireError(req_id=11, code=404, text="Shares for this order are not immediately available for short sale")
    assert desk.take(held, wire_order(status="Inactive"), wire_status("Inactive")) == []
    assert desk.kinds(wire_status("PreSubmitted")) == [OrderAccepted]


def test_a_cancelled_order_without_a_name_was_never_taken(desk: Desk) -> None:
    desk.send(resting())
    assert desk.kinds(wire_status("Cancelled", perm_id=0)) == [OrderRejected]


def test_the_end_is_told_once_by_whatever_message_comes_first(desk: Desk) -> None:
    desk.send(resting())
    end = WireError(req_id=11, code=202, text="Order Canceled - reason:")
    assert desk.kinds(wire_order(), end, wire_order(status="Cancelled"), wire_status("Cancelled"), end) == [
        OrderAccepted,
        OrderCanceled,
    ]


def test_the_end_says_what_had_filled_by_then(desk: Desk) -> None:
    desk.send(resting())
    *_, end = desk.take(wire_order(), wire_status("Cancelled", filled=D(60)))
    assert isinstance(end, OrderCanceled)
    assert end.filled_quantity == 60


def test_an_error_that_the_library_would_take_for_an_end_is_none(desk: Desk) -> None:
    entry = desk.send(resting())
    desk.take(wire_order(), wire_status())
    entry.pending[Command.CANCEL] = 1.0
    lost = WireError(req_id=11, code=10147, text="OrderId 11 that needs to be cancelled is not found.")
    assert desk.kinds(lost) == [CancelUnknown]
    assert desk.kinds(wire_execution()) == [OrderFilled]


def test_a_status_is_no_execution(desk: Desk) -> None:
    desk.send(resting())
    assert desk.kinds(wire_order(), wire_status("Filled", filled=D(100))) == [OrderAccepted]


def test_a_fill_after_the_end_is_told(desk: Desk) -> None:
    desk.send(resting())
    assert desk.kinds(wire_order(), wire_status("Cancelled"), wire_execution()) == [
        OrderAccepted,
        OrderCanceled,
        OrderFilled,
    ]


def test_an_execution_counts_once_and_a_correction_is_told(desk: Desk) -> None:
    desk.send(resting())
    first, again = wire_execution(), wire_execution()
    revised = wire_execution("0000e0d5.65a1.01.02", price=D("180.4"))
    other = wire_execution("0000e0d5.65a1.02.01", cum_quantity=D(80))
    assert desk.kinds(wire_order(), first, again, revised, revised, other) == [OrderAccepted, OrderFilled, OrderFilled]
    assert desk.problems == ["broker.execution_revised"]


def test_an_older_revision_that_comes_after_a_newer_changes_nothing(desk: Desk) -> None:
    desk.send(resting())
    revised, first = wire_execution("0000e0d5.65a1.01.02", price=D("180.4")), wire_execution()
    assert desk.kinds(wire_order(), revised, first) == [OrderAccepted, OrderFilled]
    assert desk.problems == []


def test_executions_that_were_asked_for_are_left_to_who_asked(desk: Desk) -> None:
    desk.send(resting())
    desk.take(wire_order())
    fee = WireCommission(exec_id="0000e0d5.65a1.01.01", fee=D("1.05"), currency="USD")
    assert desk.kinds(wire_execution(is_live=False), fee) == [FeeReported]


def test_a_fee_that_comes_first_is_part_of_the_fill(desk: Desk) -> None:
    desk.send(resting())
    fee = WireCommission(exec_id="0000e0d5.65a1.01.01", fee=D("-0.2"), currency="USD")
    assert desk.take(fee) == []
    *_, fill = desk.take(wire_order(), wire_execution())
    assert isinstance(fill, OrderFilled)
    assert (fill.fee, fill.fee_pending) == (D("-0.2"), False)
    assert desk.take(fee) == []


def test_a_fee_that_is_told_anew_is_told_on(desk: Desk) -> None:
    desk.send(resting())
    desk.take(wire_order(), wire_execution())
    told = [WireCommission(exec_id="0000e0d5.65a1.01.01", fee=fee, currency="USD") for fee in (D(0), None, D(1), D(1))]
    reports = desk.take(*told)
    assert [report.fee for report in reports if isinstance(report, FeeReported)] == [0, 1]


def test_an_order_changed_by_hand_is_told(desk: Desk) -> None:
    desk.send(resting())
    desk.take(wire_order())
    (report,) = desk.take(wire_order(limit_price=D(179)))
    assert isinstance(report, OrderReplaced)
    assert report.limit_price == 179
    assert report.replaces == report.venue_order_id == "501"


def test_the_numbers_of_other_clients_are_not_ours(desk: Desk) -> None:
    desk.send(resting())
    desk.take(wire_order())
    others = wire_order(client_id=3, perm_id=777, ref="")
    (event,) = desk.take(others, others)
    assert isinstance(event, ForeignOrderEvent)
    assert event.order.venue_order_id == "777"
    assert desk.take(wire_status("Cancelled", client_id=3, perm_id=777)) == []
    assert desk.kinds(wire_execution(client_id=3, perm_id=777, ref="", order_id=11)) == [ForeignOrderEvent]


def test_a_number_that_was_given_out_again_is_another_order(desk: Desk) -> None:
    desk.send(resting("t-1"))
    desk.take(wire_order())
    assert desk.kinds(wire_order(perm_id=900, ref="t-9")) == [OrderAccepted]
    assert desk.ledger.get(ClientOrderId("t-9")) is not None
    (fill,) = desk.take(wire_execution(perm_id=501))
    assert isinstance(fill, OrderFilled)
    assert fill.client_order_id == "t-1"


def test_orders_of_another_account_are_left_alone(desk: Desk) -> None:
    assert desk.take(wire_order(account="DU2"), wire_execution(account="DU2")) == []


def test_an_adopted_order_is_reported_under_the_name_that_it_was_given(desk: Desk) -> None:
    desk.ledger.adopt({VenueOrderId("777"): ClientOrderId("x-1")})
    events = desk.take(wire_order(client_id=0, order_id=0, perm_id=777, ref=""), wire_status("Cancelled", perm_id=777))
    assert [(type(event), getattr(event, "client_order_id", "")) for event in events] == [(OrderCanceled, "x-1")]


def test_an_unknown_code_leaves_a_submit_in_doubt_and_the_answer_settles_it(desk: Desk) -> None:
    desk.send(resting())
    odd = WireError(req_id=11, code=9999, text="?")
    doubted, settled = desk.kinds(odd, odd, wire_order())
    assert (doubted, settled) == (OrderUnknown, OrderAccepted)


def test_a_command_is_concluded_once(desk: Desk) -> None:
    entry = desk.send(order())
    reports = [
        desk.translator.conclude(entry, command, Verdict.AMBIGUOUS, code="", reason="", now_ns=NOW)
        for command in (Command.SUBMIT, Command.SUBMIT, Command.CANCEL, Command.MODIFY)
    ]
    assert [len(told) for told in reports] == [1, 0, 0, 0]


def test_each_order_of_others_has_a_name_of_its_own(desk: Desk) -> None:
    """Typed in by hand they have no reference, and other programs give one to many."""
    desk.send(resting())
    desk.take(wire_order())
    told: list[WireOrder | WireExecution] = [
        wire_order(client_id=0, order_id=0, perm_id=777, ref=""),
        wire_order(client_id=0, order_id=0, perm_id=778, ref=""),
        wire_order(client_id=3, perm_id=779, ref="theirs"),
        wire_order(client_id=3, perm_id=780, ref="theirs"),
        wire_execution(client_id=0, order_id=-1, perm_id=781, ref="", exec_id="0000e0d5.00000009.01.01"),
        wire_order(client_id=3, perm_id=782, ref="t-1"),
    ]
    events = [event for event in desk.take(*told) if isinstance(event, ForeignOrderEvent)]
    names = ["ib-777", "ib-778", "theirs", "theirs-780", "ib-781", "t-1-782"]
    assert [event.order.client_order_id for event in events] == names
    assert [desk.ledger.owner(one.perm_id, one.ref) for one in told] == names
