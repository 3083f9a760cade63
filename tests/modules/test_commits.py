"""Covers: `modules.execution_engine`, between an order's intent and its bytes, while the disk takes its time."""

import errno
import os
from decimal import Decimal
from pathlib import Path

import pytest
from tests.journal.story import HandDisk
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, Desk
from tradingd.core.entries import PositionAdjusted
from tradingd.core.log import LogEvent
from tradingd.core.order_state import NOT_SENT, OrderStatus
from tradingd.core.orders import OrderDenied, OrderModification
from tradingd.core.scopes import Scope
from tradingd.errors import JournalError

D = Decimal
S = OrderStatus


def bid(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D(98))


def cancel_last(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))


@pytest.fixture
def disk() -> HandDisk:
    return HandDisk()


@pytest.fixture
def desk(tmp_path: Path, disk: HandDisk) -> Desk:
    """Open for trading, everything of the start on the disk."""
    desk = Desk(tmp_path, disk=disk)
    desk.open()
    while disk.under_way:
        disk.finish()
    return desk


def finish(desk: Desk, disk: HandDisk) -> None:
    disk.finish()
    desk.pump()


def sent(desk: Desk) -> list[str]:
    return [order.client_order_id for order, _ in desk.broker.seen]


def test_an_order_leaves_when_its_intent_is_committed_and_not_before(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    assert (sent(desk), desk.order().status) == ([], S.PENDING_SUBMIT)
    assert desk.said(LogEvent.ORDER_SUBMITTED) == []
    finish(desk, disk)
    assert (sent(desk), desk.order().status) == ([desk.order().client_order_id], S.ACCEPTED)
    assert len(desk.said(LogEvent.ORDER_SUBMITTED)) == 1
    desk.check()


def test_prices_and_reports_are_handled_while_orders_wait(desk: Desk, disk: HandDisk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(99)))
    finish(desk, disk)
    desk.act(bid)
    desk.quote(98.5, 98.9)  # fills the first one
    assert desk.strategy().position(ABC) == 10
    assert len(sent(desk)) == 1
    finish(desk, disk)
    assert len(sent(desk)) == 2
    desk.check()


def test_orders_that_wait_for_the_same_commit_leave_in_the_order_of_their_intents(desk: Desk, disk: HandDisk) -> None:
    begun = disk.begun
    for _ in range(4):
        desk.act(bid)
    while disk.under_way:
        finish(desk, disk)
    assert sent(desk) == [state.client_order_id for state in desk.books.orders]
    assert disk.begun == begun + 2  # the first order's, and one that the three others share


def test_what_waits_counts_as_reserved(tmp_path: Path, disk: HandDisk) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_position_value = 1500\n", disk=disk).open()
    while disk.under_way:
        disk.finish()
    desk.act(bid)
    desk.act(bid)
    (denial,) = [report for _, report in desk.strategy().heard if isinstance(report, OrderDenied)]
    assert denial.breaches[0].code == "POSITION_VALUE"
    assert sent(desk) == []


def test_an_order_that_is_cancelled_before_it_has_left_never_leaves(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    cancel_last(desk)
    assert desk.order().status is S.PENDING_CANCEL
    finish(desk, disk)
    assert sent(desk) == []
    assert (desk.order().status, desk.order().reject_code) == (S.REJECTED, NOT_SENT)
    desk.check()


def test_a_halt_between_intent_and_commit_holds_the_order_back(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    desk.modules.risk.halt("enough", "operator")
    while disk.under_way:
        finish(desk, disk)
    assert sent(desk) == []
    assert (desk.order().status, desk.order().reject_code) == (S.REJECTED, NOT_SENT)


def test_new_terms_leave_when_the_request_is_committed(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    finish(desk, disk)
    order_id = desk.order().client_order_id
    desk.modules.execution.modify_order(order_id, OrderModification(limit_price=D(97)))
    desk.pump()
    assert (desk.order().status, desk.order().terms.limit_price) == (S.PENDING_REPLACE, D(98))
    finish(desk, disk)
    assert (desk.order().status, desk.order().terms.limit_price) == (S.ACCEPTED, D(97))


def test_a_halt_between_request_and_commit_holds_new_terms_back(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    finish(desk, disk)
    order_id = desk.order().client_order_id
    desk.modules.execution.modify_order(order_id, OrderModification(limit_price=D(97)))
    desk.modules.risk.halt("enough", "operator")
    while disk.under_way:
        finish(desk, disk)
    assert (desk.order().status, desk.order().terms.limit_price) == (S.ACCEPTED, D(98))
    assert desk.said(LogEvent.ORDER_REPLACE_REFUSED)[-1].message.endswith("trading is halted: enough")


def test_new_terms_of_an_order_that_is_being_cancelled_do_not_leave(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    finish(desk, disk)
    order_id = desk.order().client_order_id
    desk.modules.execution.modify_order(order_id, OrderModification(limit_price=D(97)))
    cancel_last(desk)
    while disk.under_way:
        finish(desk, disk)
    assert (desk.order().status, desk.order().terms.limit_price) == (S.CANCELED, D(98))


@pytest.mark.parametrize("scope", [Scope(symbol=ABC), Scope(ONE), Scope(ONE, ABC)], ids=str)
def test_a_halt_of_a_part_between_intent_and_commit_holds_its_orders_back(
    desk: Desk, disk: HandDisk, scope: Scope
) -> None:
    desk.act(bid)
    if scope.strategy_id is None:
        desk.modules.risk.halt_symbol(ABC, "it looks odd")
    else:
        desk.modules.risk.halt_scope(scope, "enough", "operator")
    while disk.under_way:
        finish(desk, disk)
    assert sent(desk) == []
    assert (desk.order().status, desk.order().reject_code) == (S.REJECTED, NOT_SENT)


def test_an_order_for_a_target_does_not_leave_once_the_position_has_moved_on(desk: Desk, disk: HandDisk) -> None:
    desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    found = PositionAdjusted(strategy_id=ONE, symbol=ABC, quantity=D(4), price=D(100), cause="found at the venue")
    desk.modules.execution.adjust(found)
    while disk.under_way:
        finish(desk, disk)
    assert sent(desk) == []
    (line,) = desk.said(LogEvent.ORDER_REJECTED)
    assert "the position is 4 by now: it would pass the target of 10" in line.message
    desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    while disk.under_way:
        finish(desk, disk)
    assert desk.strategy().position(ABC) == 10


def test_a_commit_that_fails_sends_nothing_and_says_so_of_each_order(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    desk.act(bid)
    with pytest.raises(JournalError, match="the disk did not take the journal"):
        disk.finish(OSError(errno.EIO, os.strerror(errno.EIO)))
    desk.pump()
    assert sent(desk) == []
    told = desk.said(LogEvent.JOURNAL_UNWRITABLE)
    assert [line.client_order_id for line in told] == [state.client_order_id for state in desk.books.orders]
    assert all("not sent: " in line.message and "Input/output error" in line.message for line in told)
    with pytest.raises(JournalError):  # the gate is closed: no further intent can be written
        desk.act(bid)
    assert sent(desk) == []


def test_an_order_whose_commit_never_came_is_settled_at_the_next_start(desk: Desk, disk: HandDisk) -> None:
    desk.act(bid)
    again = desk.again()
    again.open()
    again.wait(120)
    assert sent(again) == []
    assert again.order().status is S.REJECTED
    again.check()
