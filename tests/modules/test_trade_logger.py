"""What stands beside an entry in the journal, and what still works when the journal cannot be written."""

from decimal import Decimal

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, Desk
from tests.modules.making import unwritable
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderDenied, TimeInForce
from tradingd.errors import JournalError
from tradingd.journal.codec import Record
from tradingd.journal.segments import read_records

D = Decimal


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(10))


def bid(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D(99), time_in_force=TimeInForce.GTC)


def records(desk: Desk) -> list[Record]:
    return list(read_records(desk.journal, whole=True))


def told(desk: Desk, kind: str) -> list[Record]:
    return [record for record in records(desk) if type(record.entry).__name__ == kind]


def test_what_happens_to_an_order_is_one_chain_with_one_trace(desk: Desk) -> None:
    desk.act(buy)
    (intent,), (accepted,), (fill,) = (told(desk, kind) for kind in ("OrderIntended", "OrderAccepted", "OrderFilled"))
    assert [record.cause for record in (intent, accepted, fill)] == [0, intent.seq, accepted.seq]
    assert {record.trace for record in (intent, accepted, fill)} == {desk.order().order.trace_id}


def test_an_order_that_answers_a_fill_is_caused_by_it(desk: Desk) -> None:
    desk.strategy().on_next["fill"] = bid
    desk.act(buy)
    first, second = told(desk, "OrderIntended")
    (fill,) = told(desk, "OrderFilled")
    assert (first.cause, second.cause) == (0, fill.seq)
    assert first.trace != second.trace
    desk.act(bid)
    assert told(desk, "OrderIntended")[-1].cause == 0, "the next decision is the market's again"


def test_a_denial_is_caused_as_its_order_would_have_been_and_its_answer_by_the_denial(desk: Desk) -> None:
    desk.strategy().on_next["OrderDenied"] = bid
    desk.act(lambda strategy: strategy.buy(ABC, D(-1)))
    (denied,), (intent,) = told(desk, "OrderDenied"), told(desk, "OrderIntended")
    assert (denied.cause, intent.cause) == (0, denied.seq)
    assert isinstance(denied.entry, OrderDenied)
    assert denied.trace == denied.entry.order.trace_id != ""


def test_a_chain_goes_on_in_the_next_run(desk: Desk) -> None:
    desk.act(bid)
    last = records(desk)[-1]
    again = desk.again().open()
    again.modules.execution.cancel_order(again.order().client_order_id)
    again.pump()
    (requested,), (canceled,) = told(again, "CancelRequested"), told(again, "OrderCanceled")
    assert (requested.cause, canceled.cause) == (last.seq, requested.seq)
    assert {requested.trace, canceled.trace} == {again.order().order.trace_id}
    desk.books = again.books


def test_what_a_comparison_with_the_venue_found_has_no_cause_but_its_trace(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.held = []
    desk.quote(98, 98.5)
    again = desk.again().open()
    (fill,) = told(again, "OrderFilled")
    assert (fill.cause, fill.trace) == (0, again.order().order.trace_id)
    desk.books = again.books


def test_many_orders_that_ended_are_not_remembered_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingd.modules.trade_logger.MIN_REMEMBERED", 4)
    again = desk.again().open()
    again.act(bid)
    working = again.order().client_order_id
    for _ in range(12):
        again.act(buy)
    again.modules.execution.cancel_order(working)
    again.pump()
    assert told(again, "CancelRequested")[-1].cause != 0
    desk.books = again.books


def test_a_halt_and_cancels_do_not_wait_for_a_journal_that_cannot_be_written(desk: Desk) -> None:
    desk.act(bid)
    order_id = desk.order().client_order_id
    with unwritable(desk):
        desk.modules.risk.halt("the disk is broken", "operator")
        assert desk.modules.risk.halted == "the disk is broken"
        assert desk.modules.execution.cancel_all() == 1
        assert desk.broker.cancels == [order_id]
        with pytest.raises(JournalError):
            desk.modules.risk.resume("operator")
        assert desk.modules.risk.halted is not None
    desk.pump()
    said = desk.said(LogEvent.RISK_HALTED)[-1]
    assert "COULD NOT BE WRITTEN" in said.message
    assert desk.said(LogEvent.JOURNAL_UNWRITABLE)[-1].client_order_id == order_id
    assert told(desk, "HaltEngaged") == []
    desk.wait(1)
    assert len(told(desk, "HaltEngaged")) == 1, "tried again at every beat"
    assert desk.order().status is OrderStatus.CANCELED
    again = desk.again()
    assert again.modules.risk.halted == "the disk is broken"
    desk.books = again.books


def test_without_room_nothing_new_leaves_and_what_is_out_is_written(desk: Desk) -> None:
    desk.act(bid)
    seq = records(desk)[-1].seq
    desk.writer.reserve.release()
    desk.act(buy)
    kind, report = desk.strategy(ONE).heard[-1]
    assert isinstance(report, OrderDenied), kind
    assert report.breaches[0].code is DenialCode.DISK_SPACE
    assert records(desk)[-1].seq == seq, "a denial takes none of the room that is left"
    desk.quote(98, 98.5)
    assert [type(record.entry).__name__ for record in records(desk) if record.seq > seq] == ["OrderFilled"]
    desk.modules.execution.flatten()
    desk.pump()
    assert desk.books.portfolio.net.get(ABC, D(0)) == 0
