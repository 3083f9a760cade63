"""Targets in the engine: cancels are confirmed before the order that depends on them, over restarts too."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, Desk
from tests.modules.planning import RISK, Trading
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderDenied
from tradingd.core.plans.records import TargetPosition

D = Decimal
S = OrderStatus


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(10))


def bid_below(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D(97))


def to_zero(strategy: Acting) -> None:
    strategy.target_position(ABC, D(0))


@pytest.fixture(params=[False, True], ids=["one run", "a new run after each step"])
def trading(request: pytest.FixtureRequest, tmp_path: Path) -> Trading:
    return Trading(tmp_path, restarts=request.param)


def test_a_target_of_zero_is_flat_whatever_rests(trading: Trading) -> None:
    trading.act(buy)
    trading.act(bid_below)
    trading.act(to_zero)
    assert trading.is_over
    assert trading.desk.books.orders.open_count == 0
    trading.quote(96, 97)
    assert trading.position == 0


def test_the_sale_leaves_only_once_the_cancel_is_confirmed(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below)
    desk.broker.held = []
    desk.act(to_zero)
    assert [state.status for state in desk.books.orders] == [S.FILLED, S.PENDING_CANCEL]
    assert desk.strategy().working(ABC) == -10
    desk.broker.release()
    desk.pump()
    assert [state.status for state in desk.books.orders] == [S.FILLED, S.CANCELED, S.FILLED]
    assert (desk.strategy().position(ABC), desk.books.plans) == (D(0), {})


def test_an_entry_that_fills_while_it_is_being_cancelled_is_sold_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below)
    desk.broker.loses_commands = True
    desk.act(to_zero)
    desk.broker.loses_commands = False
    desk.quote(96, 97)
    assert desk.strategy().position(ABC) == 0
    assert desk.order().order.quantity == 20


def test_a_cancel_of_which_nothing_is_known_is_waited_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below)
    desk.broker.loses_commands = True
    desk.act(to_zero)
    assert len(desk.broker.seen) == 2
    desk.broker.loses_commands = False
    desk.wait(30)
    assert (desk.strategy().position(ABC), desk.books.orders.open_count) == (D(0), 0)


def test_a_process_that_dies_while_it_waits_goes_on_with_the_target(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below)
    desk.broker.held = []
    desk.act(to_zero)
    (plan,) = desk.books.plans.values()
    assert plan.plan.method == TargetPosition(goal=D(0))
    second = desk.again().open()
    second.wait(5)
    assert (second.strategy().position(ABC), second.books.orders.open_count) == (D(0), 0)
    second.check()


def test_a_protective_stop_makes_room_and_keeps_what_is_left(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), stop_loss=D(95)))
    trading.act(lambda one: one.target_position(ABC, D(4)))
    assert trading.position == 4
    assert trading.leg("stop").open_quantity == 4
    trading.act(to_zero)
    assert trading.is_over
    assert trading.desk.books.orders.open_count == 0


def test_protection_returns_where_the_target_came_to_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(lambda one: one.buy(ABC, D(10), stop_loss=D(95)))
    desk.act(lambda one: one.sell(ABC, D(1), limit_price=D(120)), TWO)
    assert desk.books.portfolio.quantity(ABC) == 10
    desk.broker.loses_orders = True
    desk.act(to_zero)
    desk.broker.loses_orders = False
    desk.wait(60)
    assert desk.strategy().position(ABC) == 10
    (stop,) = [state for state in desk.books.orders.open if state.order.leg == "stop"]
    assert stop.open_quantity == 10


def test_a_stop_that_a_strategy_placed_itself_stays_where_the_position_grows(trading: Trading) -> None:
    trading.act(buy)
    trading.act(lambda one: one.sell(ABC, D(10), stop_price=D(95)))
    stop = trading.desk.order().client_order_id
    trading.act(lambda one: one.target_position(ABC, D(20)))
    assert trading.position == 20
    state = trading.desk.books.orders.get(stop)
    assert state is not None and state.status is S.ACCEPTED


def test_a_target_that_is_asked_for_again_asks_for_nothing_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(bid_below)
    desk.broker.held = []
    for _ in range(3):
        desk.act(lambda one: one.target_position(ABC, D(10)))
    assert len(desk.said(LogEvent.STRATEGY_SIGNAL)) == 2
    assert desk.said(LogEvent.STRATEGY_SIGNAL)[-1].message == "target 10 ABC, nothing to go"
    desk.broker.release()
    desk.pump()
    assert (desk.strategy().position(ABC), desk.books.orders.open_count) == (D(10), 0)
    desk.act(lambda one: one.target_position(ABC, D(10)))
    assert len(desk.said(LogEvent.STRATEGY_SIGNAL)) == 2


def test_a_later_target_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below)
    desk.broker.held = []
    desk.act(to_zero)
    desk.act(lambda one: one.target_position(ABC, D(7)))
    desk.broker.release()
    desk.pump()
    assert (desk.strategy().position(ABC), desk.books.plans) == (D(7), {})


def test_the_part_of_a_target_that_opens_is_held_back_by_a_halt_and_the_part_that_closes_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.modules.risk.halt("enough", "operator")
    desk.act(lambda one: one.target_position(ABC, D(-5)))
    assert desk.strategy().position(ABC) == 0
    (denial,) = [report for _, report in desk.strategy().heard if isinstance(report, OrderDenied)]
    assert (denial.breaches[0].code, denial.order.quantity) == ("HALTED", D(5))
    assert desk.books.plans == {}


def test_a_target_of_one_strategy_leaves_the_orders_of_another_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    desk.act(bid_below, TWO)
    desk.act(to_zero)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == 0
    (resting,) = desk.books.orders.open
    assert resting.order.strategy_id == TWO
