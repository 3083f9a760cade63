"""Covers: `execution.admission`, and the way out that halts and limits leave to an order which can only reduce."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, XYZ, Desk
from tradingd.core.log import LogEvent
from tradingd.core.orders import DenialCode, OrderDenied
from tradingd.core.scopes import Scope

D = Decimal


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(10))


def sell(strategy: Acting) -> None:
    strategy.sell(ABC, D(10))


def rest_a_sale(strategy: Acting) -> None:
    strategy.sell(ABC, D(6), limit_price=D(104))


def denials(desk: Desk) -> list[str]:
    heard = [report for _, report in desk.strategy().heard if isinstance(report, OrderDenied)]
    return ["+".join(breach.code for breach in denial.breaches) for denial in heard]


def held(desk: Desk) -> Decimal:
    return desk.books.portfolio.quantity(ABC)


@pytest.fixture
def holder(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path).open()
    desk.act(buy)
    assert held(desk) == 10
    return desk


def test_a_strategy_sells_what_it_holds_under_a_halt_and_the_log_says_why(holder: Desk) -> None:
    holder.modules.risk.halt("enough", "operator")
    holder.act(sell)
    assert held(holder) == 0
    (line,) = [line for line in holder.said(LogEvent.ORDER_SUBMITTED) if "reduction" in line.message]
    assert "passed as a reduction of the position although trading is halted: enough" in line.message
    assert line.details["waived"] == ["HALTED"]
    holder.check()


def test_a_target_nearer_to_zero_is_reached_under_a_halt(holder: Desk) -> None:
    holder.modules.risk.halt("enough", "operator")
    holder.act(lambda strategy: strategy.target_position(ABC, D(4)))
    assert held(holder) == 4
    holder.act(lambda strategy: strategy.target_position(ABC, D(0)))
    assert held(holder) == 0


def test_more_than_is_held_is_refused_under_a_halt_and_the_refusal_says_how_much_would_pass(holder: Desk) -> None:
    holder.modules.risk.halt("enough", "operator")
    holder.act(lambda strategy: strategy.sell(ABC, D(11)))
    assert (held(holder), denials(holder)) == (D(10), ["HALTED"])
    (line,) = holder.said(LogEvent.ORDER_DENIED)
    assert line.message == (
        "SELL 11 ABC market refused: trading is halted: enough (SELL of up to 10 would pass as a reduction)"
    )


def test_what_rests_already_counts_as_sold(holder: Desk) -> None:
    holder.act(rest_a_sale)
    holder.modules.risk.halt("enough", "operator")
    holder.act(lambda strategy: strategy.sell(ABC, D(5)))
    assert denials(holder) == ["HALTED"]
    holder.act(lambda strategy: strategy.sell(ABC, D(4)))
    assert held(holder) == 6


def test_a_short_is_bought_back_under_a_halt(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    desk.act(sell)
    desk.modules.risk.halt("enough", "operator")
    desk.act(buy)
    assert held(desk) == 0
    desk.act(buy)
    assert (held(desk), denials(desk)) == (D(0), ["HALTED"])


def test_a_position_worth_more_than_one_order_may_be_is_sold_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path).open()
    for _ in range(3):
        desk.act(buy)
    lower = (
        "[risk]\nmax_order_value = 100\nmax_order_quantity = 1\nmax_position_value = 100\nmax_gross_exposure = 100\n"
    )
    second = desk.again(lower).open()
    second.act(lambda strategy: strategy.sell(ABC, D(30)))
    assert held(second) == 0
    assert denials(second) == []


def test_a_reduction_passes_a_price_that_is_stale(tmp_path: Path) -> None:
    desk = Desk(tmp_path, stale_after_s=5).open()
    desk.act(buy)
    desk.wait(10)
    desk.act(buy)
    assert denials(desk) == ["PRICE_STALE"]
    desk.act(sell)
    assert held(desk) == 0


def test_the_kill_switch_of_a_stop_holds_a_reduction_back(holder: Desk) -> None:
    holder.modules.execution.close_gate()
    holder.act(sell)
    assert (held(holder), denials(holder)) == (D(10), ["STOPPING"])


def test_nothing_is_a_reduction_of_a_position_that_is_not_known(holder: Desk) -> None:
    holder.stream_down()
    holder.act(sell)
    assert (held(holder), denials(holder)) == (D(10), ["NOT_RECONCILED"])


def test_the_measure_is_the_position_of_the_account(holder: Desk) -> None:
    holder.act(lambda strategy: strategy.sell(ABC, D(10)), TWO)
    assert held(holder) == 0
    holder.modules.risk.halt("enough", "operator")
    holder.act(sell)  # the strategy holds ten and the account nothing: its sale would open a short
    assert denials(holder) == ["HALTED"]
    assert holder.books.portfolio.quantity_of(ONE, ABC) == 10


def test_a_change_of_a_resting_exit_passes_a_halt_as_long_as_it_only_reduces(holder: Desk) -> None:
    holder.act(rest_a_sale)
    exit_id = holder.order().client_order_id
    holder.modules.risk.halt("enough", "operator")
    holder.act(lambda strategy: strategy.modify(exit_id, quantity=D(10), limit_price=D(103)))
    assert (holder.order().quantity, holder.order().terms.limit_price) == (D(10), D(103))
    holder.act(lambda strategy: strategy.modify(exit_id, quantity=D(11)))
    assert holder.order().quantity == 10
    assert holder.said(LogEvent.ORDER_REPLACE_REFUSED)


def test_a_halted_symbol_can_be_left(holder: Desk) -> None:
    holder.modules.risk.halt_symbol(ABC, "odd")
    holder.act(buy)
    assert denials(holder) == ["SYMBOL_HALTED"]
    holder.act(sell)
    assert held(holder) == 0
    holder.act(lambda strategy: strategy.buy(XYZ, D(1)))
    assert holder.books.portfolio.quantity(XYZ) == 1


def test_exits_pass_the_order_rate_a_while_longer_than_entries(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_orders_per_minute = 2\n").open()
    desk.act(buy)
    desk.act(buy)
    desk.act(buy)
    assert denials(desk) == [DenialCode.ORDER_RATE]
    desk.act(sell)
    desk.act(sell)
    assert held(desk) == 0


def test_a_sale_that_is_to_reduce_only_is_cut_to_what_is_held_and_never_opens(holder: Desk) -> None:
    holder.act(rest_a_sale)
    holder.act(lambda strategy: strategy.sell(ABC, D(50), reduce_only=True))
    assert (held(holder), holder.order().order.quantity) == (D(6), D(4))
    holder.act(lambda strategy: strategy.sell(ABC, D(50), reduce_only=True))
    assert denials(holder) == ["NOTHING_TO_REDUCE"]
    (line,) = holder.said(LogEvent.ORDER_DENIED)
    assert "one holds 6 ABC, with 6 in working orders: a SELL has nothing to reduce" in line.message
    holder.act(lambda strategy: strategy.buy(ABC, D(1), reduce_only=True))
    assert denials(holder)[-1] == "NOTHING_TO_REDUCE"


def test_what_is_to_reduce_only_is_measured_by_the_strategys_own_position_too(holder: Desk) -> None:
    holder.act(lambda strategy: strategy.sell(ABC, D(5), reduce_only=True), TWO)
    assert held(holder) == 10
    holder.act(lambda strategy: strategy.sell(ABC, D(5), reduce_only=True, limit_price=D(101)))
    assert holder.order().open_quantity == 5


def test_reduce_only_is_for_one_plain_order(holder: Desk) -> None:
    holder.act(lambda strategy: strategy.sell(ABC, D(5), reduce_only=True, take_profit=D(90)))
    assert denials(holder) == ["ORDER_TERMS"]
    holder.act(lambda strategy: strategy.sell(ABC, D("NaN"), reduce_only=True))
    assert denials(holder)[-1] == "QUANTITY_INVALID"


def test_new_terms_reduce_only_if_the_old_ones_did(holder: Desk) -> None:
    holder.act(lambda strategy: strategy.sell(ABC, D(12), limit_price=D(104)))
    exit_id = holder.order().client_order_id
    holder.modules.risk.halt("enough", "operator")
    holder.act(lambda strategy: strategy.modify(exit_id, quantity=D(8)))
    assert holder.order().quantity == 12  # before the venue takes the new terms, twelve may have been sold
    holder.act(lambda strategy: strategy.cancel(exit_id))
    holder.act(lambda strategy: strategy.sell(ABC, D(8), limit_price=D(104)))
    assert holder.order().open_quantity == 8


def test_a_halted_strategy_leaves_by_its_own_position_and_opens_none_against_anothers(holder: Desk) -> None:
    holder.act(lambda strategy: strategy.sell(ABC, D(15)), TWO)
    assert held(holder) == -5
    holder.modules.risk.halt_scope(Scope(ONE), "look", "anna")
    holder.act(lambda strategy: strategy.buy(ABC, D(5)))  # the account would hold less, the strategy more
    assert denials(holder) == ["SCOPE_HALTED"]
    holder.act(sell)
    assert holder.books.portfolio.quantity_of(ONE, ABC) == 0
    assert held(holder) == -15
    holder.act(sell)
    assert denials(holder) == ["SCOPE_HALTED", "SCOPE_HALTED"]
