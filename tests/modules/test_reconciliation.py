"""Books and venue kept together over time: doubts, lost reports, foreign hands, and corrections with a bound."""

from pathlib import Path

import pytest
from tests.modules.desk import ABC, ONE, START, XYZ, Desk
from tests.modules.making import D, bid, outside
from tradingd.core.entries import CashAdjusted, PositionAdjusted, SymbolHalted
from tradingd.core.identifiers import EXTERNAL, ExecutionId, Symbol
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import (
    DenialCode,
    OrderDenied,
    OrderFilled,
    OrderModification,
    Side,
)
from tradingd.core.reconcile import ReconciliationPlan
from tradingd.journal.segments import read_records

S = OrderStatus


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).open()


def denial(desk: Desk) -> DenialCode:
    report = desk.strategy().heard[-1][1]
    assert isinstance(report, OrderDenied)
    return report.breaches[0].code


# -- commands in doubt ------------------------------------------------------------------------------------------------


def test_a_cancel_that_never_arrived_leaves_the_order_in_doubt_and_counted_until_the_venue_shows_it(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.loses_commands = True
    desk.modules.execution.cancel_order(desk.order().client_order_id)
    desk.pump()
    assert desk.order().status is S.UNKNOWN
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert list(desk.modules.execution.reconciliation.in_doubt()) == [desk.order().client_order_id]
    desk.broker.unreachable = True
    desk.wait(600)
    assert desk.order().status is S.UNKNOWN
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert len(desk.said(LogEvent.ORDER_OVERDUE)) == 1
    desk.broker.unreachable = False
    desk.wait(5)
    assert desk.order().status is S.ACCEPTED
    desk.check()


def test_a_cancel_that_arrived_unheard_is_found_done(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.loses_answers = True
    desk.modules.execution.cancel_order(desk.order().client_order_id)
    desk.pump()
    assert desk.order().status is S.UNKNOWN
    desk.wait(3)
    assert desk.order().status is S.CANCELED
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == 0
    desk.check()


def test_a_replace_in_doubt_counts_at_the_worse_of_both_terms(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.loses_commands = True
    change = OrderModification(quantity=D(25), limit_price=D("99.50"))
    assert desk.modules.execution.modify_order(desk.order().client_order_id, change).approved
    desk.pump()
    assert desk.order().status is S.UNKNOWN
    exposure = desk.books.portfolio.open_exposure(ABC)
    assert (exposure.buy_quantity, exposure.buy_value) == (D(25), D("2487.50"))
    desk.wait(5)
    assert (desk.order().status, desk.order().open_quantity) == (S.ACCEPTED, D(10))
    assert desk.books.portfolio.open_exposure(ABC).buy_value == D(990)
    desk.check()


def test_a_replace_that_was_refused_to_us_and_carried_out_is_found_with_its_new_name(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.loses_answers = True
    change = OrderModification(quantity=D(25))
    desk.modules.execution.modify_order(desk.order().client_order_id, change)
    desk.pump()
    assert desk.order().status is S.UNKNOWN
    desk.wait(3)
    state = desk.order()
    assert (state.status, state.quantity, state.venue_order_ids) == (S.ACCEPTED, D(25), ("SIM-1", "SIM-2"))
    desk.check()


def test_an_order_whose_answer_is_still_out_is_not_taken_for_lost(desk: Desk) -> None:
    desk.broker.slow = []
    desk.act(bid)
    desk.wait(9)
    assert desk.order().status is S.PENDING_SUBMIT
    (order,), desk.broker.slow = desk.broker.slow, None
    desk.broker.submit(order)
    desk.pump()
    assert desk.order().status is S.ACCEPTED


# -- reports that never come ------------------------------------------------------------------------------------------


def test_a_fill_that_the_stream_dropped_is_found_by_the_list_of_working_orders(desk: Desk) -> None:
    desk.act(bid)
    desk.broker.deafly(lambda: desk.quote(98.0, 98.5))
    assert desk.order().status is S.ACCEPTED
    desk.wait(12)
    assert desk.order().status is S.FILLED
    assert desk.strategy().position(ABC) == D(10)
    assert desk.books.portfolio.cash == D(100_000) - D(990)
    desk.check()


def test_an_answer_that_was_asked_for_before_an_order_changed_proves_nothing_about_the_change(desk: Desk) -> None:
    desk.act(bid)
    order_id = desk.order().client_order_id
    sync = desk.modules.execution.reconciliation
    asked_at = sync.in_flight.books_version
    assert sync.in_flight.untouched_since(order_id, asked_at)
    desk.broker.loses_commands = True
    desk.modules.execution.cancel_order(order_id)
    desk.pump()
    assert not sync.in_flight.untouched_since(order_id, asked_at)
    assert order_id not in sync.in_flight.settled(asked_at)


# -- foreign hands ----------------------------------------------------------------------------------------------------


def test_a_claimed_symbol_gives_foreign_positions_and_orders_to_the_strategy(tmp_path: Path) -> None:
    desk = Desk(tmp_path, claims='["XYZ"]').open()
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "5", symbol=XYZ))
    desk.broker.deafly(outside(desk, "hand-2", Side.BUY, "3", symbol=XYZ, limit="40"))
    desk.wait(75)
    assert desk.strategy().position(XYZ) == D(5)
    assert desk.order().order.strategy_id == ONE
    desk.check()


def test_foreign_things_in_symbols_that_nobody_trades_can_be_left_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path, '[execution]\nexternal = "ignore"\n').open()
    other = Symbol("ZZZ")
    desk.quote(9.0, 10.0, XYZ)
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "5", symbol=other, limit="1"))
    desk.broker.deafly(outside(desk, "hand-2", Side.BUY, "5"))
    desk.wait(75)
    assert len(desk.books.orders) == 0
    assert desk.books.portfolio.quantity_of(EXTERNAL, ABC) == D(5)
    assert desk.books.portfolio.quantity(other) == 0


# -- corrections ------------------------------------------------------------------------------------------------------


def adjustments(desk: Desk) -> list[PositionAdjusted]:
    entries = [record.entry for record in read_records(desk.journal, whole=True)]
    return [entry for entry in entries if isinstance(entry, PositionAdjusted)]


def test_a_correction_has_a_name_made_of_what_it_stands_for(desk: Desk) -> None:
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "5"))
    desk.wait(75)
    desk.broker.deafly(outside(desk, "hand-2", Side.BUY, "2"))
    desk.wait(75)
    assert [entry.adjustment_id for entry in adjustments(desk)] == ["ABC#1:0->5", "ABC#2:5->7"]
    cash = [record.entry for record in read_records(desk.journal, whole=True) if isinstance(record.entry, CashAdjusted)]
    assert [entry.adjustment_id for entry in cash] == ["cash#1:100000->99497.5", "cash#2:99497.5->99296.5"]
    again = desk.again()
    assert again.books.corrections == {"ABC": 2, "cash": 2}


def test_corrections_past_their_bound_halt_the_symbol_for_all_but_reducing_orders(desk: Desk) -> None:
    for number in range(4):
        desk.broker.deafly(outside(desk, f"hand-{number}", Side.BUY, "1"))
        desk.wait(75)
    assert list(desk.books.halted_symbols) == [ABC]
    assert "max_corrections" in desk.said(LogEvent.RISK_SYMBOL_HALTED)[0].message
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert denial(desk) is DenialCode.SYMBOL_HALTED
    desk.act(lambda strategy: strategy.sell(ABC, D(5)))
    assert denial(desk) is DenialCode.SYMBOL_HALTED
    desk.act(lambda strategy: strategy.sell(ABC, D(4)))
    assert desk.order().status is S.FILLED
    desk.act(lambda strategy: strategy.buy(XYZ, D(1)))
    assert desk.order().status is S.FILLED
    second = desk.again().open()
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert denial(second) is DenialCode.SYMBOL_HALTED
    second.modules.risk.resume("me")
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert second.order().status is S.FILLED
    second.check()


def test_a_correction_past_its_value_halts_the_symbol(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[execution]\nmax_correction_value = 1000\n").open()
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "11"))
    desk.wait(75)
    assert "max_correction_value" in desk.books.halted_symbols[ABC].reason
    assert desk.books.portfolio.quantity(ABC) == D(11)


def test_a_quantity_that_jumps_by_a_ratio_of_splits_halts_the_symbol(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    paid = desk.broker.account().cash
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "10"))
    desk.broker._cash = paid  # a split costs nothing
    desk.wait(75)
    assert "splits" in desk.books.halted_symbols[ABC].reason


def test_more_filled_than_ordered_is_booked_and_halts_the_symbol(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    state = desk.order()
    assert state.venue_order_id is not None
    desk.broker.tell(
        OrderFilled(
            client_order_id=state.client_order_id,
            venue_order_id=state.venue_order_id,
            execution_id=ExecutionId("one-more"),
            quantity=D(1),
            price=D(100),
            ts_event=START,
            ts_recv=START,
        )
    )
    desk.pump()
    assert desk.strategy().position(ABC) == D(11)
    entries = [record.entry for record in read_records(desk.journal, whole=True)]
    assert [entry.symbol for entry in entries if isinstance(entry, SymbolHalted)] == [ABC]


def test_a_plan_tells_what_would_change_and_changes_nothing(desk: Desk) -> None:
    plans: list[ReconciliationPlan | str] = []
    desk.act(bid)
    desk.broker.deafly(lambda: desk.quote(98.0, 98.5))
    desk.modules.execution.reconciliation.reconcile_now(plans.append, plan_only=True)
    desk.pump()
    (plan,) = plans
    assert isinstance(plan, ReconciliationPlan)
    assert [type(report).__name__ for report in plan.reports] == ["OrderFilled"]
    assert desk.order().status is S.ACCEPTED
    desk.modules.execution.reconciliation.reconcile_now(plans.append, plan_only=False)
    desk.pump()
    assert desk.order().status is S.FILLED


def test_a_plan_that_cannot_be_had_says_why(desk: Desk) -> None:
    plans: list[ReconciliationPlan | str] = []
    desk.broker.unreachable = True
    desk.modules.execution.reconciliation.reconcile_now(plans.append, plan_only=True)
    desk.pump()
    assert plans == ["the venue could not be asked: no route to host"]
