"""What is under way, for how long, and what an answer can prove about it."""

import msgspec
from tests.core.making import V1, accepted, cancel_requested, cancel_unknown, canceled, filled, order, unknown
from tradingd.core.books import OrderTable
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, apply_report, intend
from tradingd.core.orders import CancelRequested, ExecutionReport
from tradingd.execution.config import InFlightConfig
from tradingd.execution.in_flight import FORGOTTEN_NS, InFlight
from tradingd.runtime.clock import SimulatedClock

SECOND = NS_PER_SECOND
ID = ClientOrderId("s1-1")


class Flight:
    """One order, and a clock."""

    def __init__(self) -> None:
        self.table, self.clock = OrderTable(), SimulatedClock(1_000 * SECOND)
        self.watch = InFlight(
            self.table,
            self.clock,
            InFlightConfig(
                interval_ns=2 * SECOND, grace_ns=3 * SECOND, former_grace_ns=10 * SECOND, alarm_after_ns=60 * SECOND
            ),
        )

    def send(self) -> None:
        self.table.put(intend(order()))
        self.watch.sent(ID)

    def report(self, *reports: ExecutionReport) -> None:
        for report in reports:
            self.table.put(apply_report(self.state(), report).state)
            if isinstance(report, CancelRequested):
                self.watch.commanded(ID)
            self.watch.changed(self.state())

    def state(self) -> OrderState:
        state = self.table.get(ID)
        assert state is not None
        return state

    def wait(self, seconds: int) -> None:
        self.clock.advance_to(self.clock.now_ns() + seconds * SECOND)


def test_not_found_proves_nothing_while_the_answer_is_out() -> None:
    flight = Flight()
    flight.send()
    flight.wait(3_600)
    assert not flight.watch.may_be_lost(flight.state())
    flight.report(unknown())
    assert not flight.watch.may_be_lost(flight.state())
    flight.wait(3)
    assert flight.watch.may_be_lost(flight.state())


def test_an_order_of_a_former_run_has_its_grace_from_the_start_of_this_one() -> None:
    flight = Flight()
    flight.table.put(intend(order()))
    flight.wait(9)
    assert not flight.watch.may_be_lost(flight.state()), "what the dead process wrote last may still be on its way"
    flight.wait(1)
    assert flight.watch.may_be_lost(flight.state())


def test_an_order_that_the_venue_once_named_must_be_missing_for_long() -> None:
    flight = Flight()
    flight.send()
    flight.report(accepted(venue_id=V1))
    flight.wait(3)
    assert not flight.watch.may_be_lost(flight.state())
    flight.wait(FORGOTTEN_NS // SECOND)
    assert flight.watch.may_be_lost(flight.state())


def test_a_request_in_doubt_settles_by_answers_asked_for_after_it_and_its_grace() -> None:
    flight = Flight()
    flight.send()
    flight.report(accepted())
    before = flight.watch.books_version
    flight.report(cancel_requested(), cancel_unknown())
    flight.wait(5)
    assert flight.watch.settled(before) == frozenset()
    assert flight.watch.settled(flight.watch.books_version) == {ID}


def test_a_request_that_the_venue_has_acknowledged_is_never_settled_by_time() -> None:
    flight = Flight()
    flight.send()
    flight.report(accepted(), cancel_requested())
    flight.wait(3_600)
    assert flight.watch.settled(flight.watch.books_version) == frozenset()


def test_a_request_of_a_former_run_settles_although_the_order_fills_on() -> None:
    flight = Flight()
    flight.table.put(intend(order()))
    for before in (accepted(), cancel_requested()):
        flight.table.put(apply_report(flight.state(), before).state)
    flight.report(filled("4"))
    assert flight.watch.settled(flight.watch.books_version) == frozenset()
    flight.wait(10)
    assert flight.watch.settled(flight.watch.books_version) == {ID}


def test_those_longest_not_asked_for_come_first_and_only_so_many() -> None:
    flight = Flight()
    ids = [ClientOrderId(f"s1-{number}") for number in range(4)]
    for order_id in ids:
        flight.table.put(intend(order(order_id)))
        flight.watch.sent(order_id)
    assert flight.watch.due(9) == []
    flight.wait(2)
    assert flight.watch.due(3) == ids[:3]
    flight.wait(1)
    assert flight.watch.due(3) == [ids[3], *ids[:2]]


def test_an_alarm_is_given_once_and_what_has_ended_is_forgotten() -> None:
    flight = Flight()
    flight.send()
    flight.wait(60)
    assert [state.client_order_id for state in flight.watch.overdue()] == [ID]
    assert flight.watch.overdue() == []
    flight.report(canceled())
    assert flight.watch.due(9) == []
    late = msgspec.structs.replace(flight.state())
    flight.watch.changed(late)
    assert flight.watch.untouched_since(ID, 0)
