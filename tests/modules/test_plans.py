"""Brackets and protection at the desk: from the strategy's call to the venue, and a restart between any two steps."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC
from tests.modules.making import unwritable
from tests.modules.planning import ALPACA, Trading, bracket
from tradingd.core.entries import OrderIntended
from tradingd.core.identifiers import ExecutionId
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderFilled, OrderTerms, OrderType, Side
from tradingd.core.plans.records import PlanStarted
from tradingd.core.signals import FollowUp, Twap
from tradingd.journal.segments import read_records

D = Decimal
S = OrderStatus


# -- brackets ---------------------------------------------------------------------------------------------------------


def test_a_bracket_rests_its_stop_and_leaves_at_it(trading: Trading) -> None:
    trading.act(bracket)
    assert trading.legs == [("entry", "10", "10", S.FILLED), ("stop", "10", "0", S.ACCEPTED)]
    assert (trading.leg("stop").terms.stop_price, trading.leg("stop").order.side) == (D(95), Side.SELL)
    trading.quote(94, 95)
    assert trading.legs[1:] == [("stop", "10", "10", S.FILLED)]
    assert trading.is_over


def test_a_bracket_leaves_at_its_target_after_the_stop_was_cancelled(trading: Trading) -> None:
    trading.act(bracket)
    trading.quote(110, 111)
    assert trading.legs[1:] == [("stop", "10", "0", S.CANCELED), ("target", "10", "10", S.FILLED)]
    assert trading.leg("target").average_price == D(110)
    assert trading.is_over


def test_a_target_that_was_only_touched_gives_way_to_the_stop_again(trading: Trading) -> None:
    trading.act(bracket)
    trading.print(100)
    trading.print(110)  # the quote stays below: the limit order rests
    assert trading.legs[1:] == [("stop", "10", "0", S.CANCELED), ("target", "10", "0", S.ACCEPTED)]
    trading.print(108)
    trading.wait(4)
    assert trading.legs[-1] == ("stop", "10", "0", S.ACCEPTED)
    trading.print(94)
    assert trading.is_over
    assert len(trading.legs) == 4


def test_a_stop_that_is_reached_while_the_target_is_out_leaves_at_market(trading: Trading) -> None:
    trading.act(bracket)
    trading.print(100)
    trading.print(110)
    trading.print(94)
    assert trading.legs[2:] == [("target", "10", "0", S.CANCELED), ("exit", "10", "10", S.FILLED)]
    assert trading.is_over


def test_the_legs_grow_with_each_fill_of_the_entry(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), take_profit=D(110), stop_loss=D(95)))
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    for size, filled in ((4, 4), (3, 7)):
        trading.print(97.9, size)
        trading.wait(2)
        assert trading.legs == [("entry", "10", str(filled), S.ACCEPTED), ("stop", str(filled), "0", S.ACCEPTED)]
    entry = trading.leg("entry").client_order_id
    trading.act(lambda one: one.cancel(entry))
    assert trading.legs == [("entry", "10", "7", S.CANCELED), ("stop", "7", "0", S.ACCEPTED)]
    trading.print(94)
    assert trading.is_over


def test_a_stop_that_fills_ends_what_is_left_of_the_entry(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), stop_loss=D(95)))
    trading.desk.quote(98.5, 99)
    trading.print(97.9, 4)
    assert trading.legs == [("entry", "10", "4", S.ACCEPTED), ("stop", "4", "0", S.ACCEPTED)]
    trading.print(95, 0.5)
    trading.wait(2)
    assert trading.leg("entry").is_terminal
    assert trading.is_over


def test_a_trailing_bracket_moves_its_stop_and_never_back(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), take_profit=D(120), stop_trail_amount=D(5)))
    trading.print(100)
    trading.wait(2)
    assert trading.leg("stop").terms.order_type is OrderType.STOP
    trading.print(106)
    trading.wait(2)
    assert trading.leg("stop").terms.stop_price == D(101)
    trading.print(103)
    trading.wait(2)
    assert trading.leg("stop").terms.stop_price == D(101)
    trading.print(101)
    assert trading.is_over


def test_a_trail_alone_is_left_to_a_venue_that_can(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), stop_trail_percent=D(5)))
    assert trading.leg("stop").terms.order_type is OrderType.TRAILING_STOP
    assert trading.legs[1:] == [("stop", "10", "0", S.ACCEPTED)]


def test_a_short_position_is_protected_the_other_way_round(trading: Trading) -> None:
    trading.act(lambda one: one.sell(ABC, D(10), take_profit=D(90), stop_loss=D(105)))
    assert trading.leg("stop").order.side is Side.BUY
    trading.quote(89, 90)
    assert trading.leg("target").status is S.FILLED
    assert trading.is_over


def test_what_an_exit_needs_passes_a_halt(trading: Trading) -> None:
    trading.act(bracket)
    trading.desk.modules.risk.halt("enough", "operator")
    trading.quote(110, 111)
    assert trading.is_over


def test_an_entry_that_is_refused_ends_its_plan(trading: Trading) -> None:
    trading.desk.modules.risk.halt("enough", "operator")
    trading.desk.act(bracket)
    assert trading.denials() == [DenialCode.HALTED]
    assert (trading.plans, trading.legs) == (0, [])


def stumble(strategy: Acting) -> None:
    raise ZeroDivisionError(strategy.id)


def test_a_cancel_does_not_wait_for_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    with unwritable(trading.desk):
        trading.desk.modules.execution.cancel_all()
    trading.desk.pump()
    assert (trading.plans, trading.leg("stop").status) == (0, S.CANCELED)


def test_what_a_plan_does_follows_from_its_beginning(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    records = list(read_records(trading.desk.journal, whole=True))
    (started,) = (record for record in records if isinstance(record.entry, PlanStarted))
    sent = [record for record in records if isinstance(record.entry, OrderIntended)]
    assert [record.cause for record in sent] == [started.seq, started.seq]
    assert {record.trace for record in (started, *sent)} == {trading.leg("stop").order.trace_id}


@pytest.mark.parametrize("how", ["cancel-all", "flatten", "quarantine", "plan", "leg"])
def test_who_cancels_ends_the_plan_first(tmp_path: Path, how: str) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    stop, engine = trading.leg("stop").client_order_id, trading.desk.modules.execution
    match how:
        case "cancel-all":
            engine.cancel_all()
        case "flatten":
            engine.flatten()
        case "quarantine":
            trading.desk.strategy().on_next["tick"] = stumble
            trading.desk.quote(99.5, 100.5)
        case "plan":
            (plan,) = trading.desk.strategy().plans(ABC)
            trading.desk.act(lambda one: one.cancel(plan))
        case _:
            trading.desk.act(lambda one: one.cancel(stop))
    trading.desk.pump()
    assert (trading.plans, trading.leg("stop").status) == (0, S.CANCELED)
    assert trading.position == (0 if how == "flatten" else 10)
    trading.wait(5)
    assert len(trading.legs) == 2


def test_a_plan_counts_as_what_it_will_still_buy_and_its_exits_do_not_count(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(12), algorithm=Twap(duration_s=30, slices=3), stop_loss=D(95)))
    assert trading.desk.strategy().working(ABC) == 8
    assert trading.position == 4


def test_a_target_takes_the_place_of_an_entry_that_is_still_being_sent(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(12), algorithm=Twap(duration_s=30, slices=3), stop_loss=D(95)))
    trading.act(lambda one: one.target_position(ABC, D(6)))
    assert (trading.position, trading.desk.strategy().working(ABC)) == (D(6), D(0))
    trading.wait(60)
    assert trading.position == 6
    assert trading.leg("stop").open_quantity == 4


# -- protection of what is held ---------------------------------------------------------------------------------------


def test_a_position_is_protected_as_wished_and_as_wished_again(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.protect(ABC, take_profit=D(110), stop_loss=D(95)))
    assert trading.legs == [("stop", "10", "0", S.ACCEPTED)]
    trading.act(lambda one: one.protect(ABC, take_profit=D(108), stop_loss=D(97)))
    assert trading.legs == [("stop", "10", "0", S.CANCELED), ("stop", "10", "0", S.ACCEPTED)]
    trading.quote(108, 109)
    assert trading.leg("target").terms.limit_price == D(108)
    assert trading.is_over


def test_protection_shrinks_with_the_position_and_ends_with_it(tmp_path: Path) -> None:
    trading = Trading(tmp_path, model=msgspec.structs.replace(ALPACA, splits_zero_crossing=False))
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.protect(ABC, stop_loss=D(95)))
    trading.act(lambda one: one.sell(ABC, D(4)))
    trading.wait(2)
    assert trading.leg("stop").quantity == 6
    trading.act(lambda one: one.sell(ABC, D(6)))
    trading.wait(2)
    assert trading.leg("stop").status is S.CANCELED
    assert trading.is_over


def test_there_is_nothing_to_protect_without_a_position(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(lambda one: one.protect(ABC, stop_loss=D(95)))
    assert trading.denials() == [DenialCode.ORDER_TERMS]


def test_a_second_order_follows_once_the_first_has_filled(trading: Trading) -> None:
    follow = FollowUp(side=Side.SELL, quantity=D(5), terms=OrderTerms(order_type=OrderType.LIMIT, limit_price=D(105)))
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), then=follow))
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.quote(97, 98)
    assert trading.legs == [("entry", "10", "10", S.FILLED), ("then", "5", "0", S.ACCEPTED)]
    assert trading.plans == 0
    trading.wait(3)
    assert len(trading.legs) == 2


# -- doubts -----------------------------------------------------------------------------------------------------------


def test_an_entry_in_doubt_is_not_sent_again(trading: Trading) -> None:
    trading.desk.broker.loses_orders = True
    trading.desk.act(bracket)
    trading.step()
    assert [leg[0] for leg in trading.legs] == ["entry"]
    trading.wait(1)
    assert trading.legs[0][3] in (S.UNKNOWN, S.REJECTED)
    assert len(trading.legs) == 1


def test_a_stop_in_doubt_holds_the_target_back(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    trading.desk.broker.loses_commands = True
    trading.quote(110, 111)
    assert trading.leg("stop").status is S.UNKNOWN
    assert len(trading.legs) == 2
    trading.desk.broker.loses_commands = False
    trading.wait(10)
    assert trading.is_over


def test_a_cancel_that_is_refused_because_the_stop_filled_changes_nothing(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    trading.desk.broker.held = []
    trading.desk.quote(94, 95)  # the stop fills, and nobody hears of it yet
    trading.desk.quote(110, 111)
    trading.desk.broker.release()
    trading.desk.pump()
    trading.wait(5)
    assert [leg[0] for leg in trading.legs] == ["entry", "stop"]
    assert trading.is_over


# -- when both sides fill ---------------------------------------------------------------------------------------------


def test_a_cancelled_stop_that_fills_after_its_plan_has_ended_is_taken_back_and_halts_its_symbol(
    tmp_path: Path,
) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    trading.quote(110, 111)
    assert trading.is_over
    stop = trading.leg("stop")
    assert stop.venue_order_id is not None
    now = trading.desk.clock.now_ns()
    trading.desk.broker.tell(
        OrderFilled(
            client_order_id=stop.client_order_id,
            venue_order_id=stop.venue_order_id,
            execution_id=ExecutionId("late"),
            quantity=D(10),
            price=D(95),
            ts_event=now,
            ts_recv=now,
        )
    )
    trading.desk.pump()
    back = trading.desk.order()
    assert (back.order.side.value, back.quantity, back.order.plan_id) == ("BUY", D(10), "")
    trading.desk.quote(110, 111)
    trading.wait(2)
    assert trading.desk.strategy().position(ABC) == 0
    assert "after its plan had ended" in trading.desk.books.halted_symbols[ABC].reason
