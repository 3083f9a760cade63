"""A strategy that asks for the same order again and again is stopped, alone, until an operator has looked."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, XYZ, Desk
from tradingd.core.log import LogEvent
from tradingd.core.orders import DenialCode, OrderDenied

D = Decimal


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(1))


def codes(desk: Desk) -> list[DenialCode]:
    heard = [report for _, report in desk.strategy().heard if isinstance(report, OrderDenied)]
    return [denial.breaches[0].code for denial in heard]


def test_the_runaway_is_stopped_also_after_a_restart_and_its_neighbour_trades_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\n").open()
    for _ in range(6):
        desk.act(buy)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == D(3)
    assert codes(desk)[0] is DenialCode.REPEATED_ORDER
    assert "again and again" in desk.books.quarantined[ONE].reason
    desk.act(buy, TWO)
    assert desk.books.portfolio.quantity_of(TWO, ABC) == D(1)
    second = desk.again().open()
    assert ONE in second.books.quarantined
    second.modules.risk.resume("me")
    second.modules.execution.resume()
    second.modules.strategies.resume()
    second.act(buy)
    assert second.books.portfolio.quantity_of(ONE, ABC) == D(4)


def test_an_order_that_is_refused_each_time_counts_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\n").open()
    for _ in range(4):
        desk.act(lambda strategy: strategy.sell(ABC, D(0)))
    assert codes(desk) == [DenialCode.QUANTITY_INVALID] * 3 + [DenialCode.REPEATED_ORDER]
    assert ONE in desk.books.quarantined


def persist(desk: Desk, kind: str, wish: Callable[[Acting, int], None]) -> None:
    """Have the strategy answer each report of a kind with another wish, for as long as it is asked."""
    made = 0

    def again(strategy: Acting) -> None:
        nonlocal made
        made += 1
        strategy.on_next[kind] = again
        wish(strategy, made)

    desk.act(again)


@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        ("OrderDenied", lambda strategy, n: strategy.buy(ABC, D(100_000 + n))),
        ("OrderDenied", lambda strategy, n: strategy.buy(ABC, D(0), limit_price=D(n))),
        ("OrderDenied", lambda strategy, n: strategy.protect(XYZ, stop_loss=D(n))),
        ("OrderDenied", lambda strategy, n: strategy.target_position(ABC, D(100_000 + n))),
    ],
    ids=["too large", "none", "nothing to protect", "a target too large"],
)
def test_one_that_answers_each_refusal_with_another_wish_is_stopped_whatever_its_terms(
    tmp_path: Path, kind: str, wish: Callable[[Acting, int], None]
) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_refused_orders = 5\nmax_repeated_orders = 0\n").open()
    persist(desk, kind, wish)
    assert "5 orders of one were refused within a minute (max_refused_orders)" in desk.books.quarantined[ONE].reason
    assert codes(desk)[-1] is DenialCode.REFUSED_TOO_OFTEN
    assert len(codes(desk)) == 6
    desk.act(buy, TWO)
    assert desk.books.portfolio.quantity_of(TWO, ABC) == 1


def test_changes_of_an_order_that_are_refused_count_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_refused_orders = 5\n").open()
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D(98)))
    name = desk.order().client_order_id
    persist(desk, "ReplaceRefused", lambda strategy, n: strategy.modify(name, limit_price=D(1000 + n)))
    assert ONE in desk.books.quarantined


def test_an_operator_who_has_looked_lets_it_begin_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_refused_orders = 5\n").open()
    persist(desk, "OrderDenied", lambda strategy, n: strategy.buy(ABC, D(100_000 + n)))
    desk.strategy().on_next.clear()
    desk.modules.risk.resume("me")
    desk.modules.execution.resume()
    desk.modules.strategies.resume()
    desk.act(buy)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == 1


def test_one_that_trades_round_and_round_within_one_instant_comes_to_an_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 0\nmax_refused_orders = 5\n").open()

    def turn(strategy: Acting) -> None:
        strategy.on_next.update(fill=turn, OrderDenied=turn)
        held = strategy.position(ABC)
        (strategy.sell if held > 0 else strategy.buy)(ABC, held or D(1))

    desk.act(turn)
    assert ONE in desk.books.quarantined


def test_one_that_rests_and_cancels_round_and_round_comes_to_an_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 0\nmax_refused_orders = 5\n").open()
    desk.act(buy)
    made = 0

    def rest(strategy: Acting) -> None:
        nonlocal made
        made += 1
        strategy.on_next.update(OrderAccepted=take_back, OrderCanceled=rest, OrderDenied=rest)
        strategy.sell(ABC, D(1), limit_price=D("101") + D(made) / 100)  # a way out: limits do not hold it back

    def take_back(strategy: Acting) -> None:
        strategy.cancel(desk.order().client_order_id)

    desk.act(rest)
    assert ONE in desk.books.quarantined


def test_one_that_asks_on_at_every_tick_under_a_halt_has_not_run_away(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\nmax_refused_orders = 5\n").open()
    desk.modules.risk.halt("look", "anna")
    for _ in range(20):
        desk.act(buy)
    assert codes(desk) == [DenialCode.HALTED] * 5  # what more it asks for within the minute is counted in the log alone
    assert [line.details["count"] for line in desk.said(LogEvent.ORDER_DENIED)] == [1, 10]
    assert desk.books.quarantined == {}
    desk.modules.risk.resume("anna")
    desk.act(buy)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == 1


def test_one_that_answers_each_refusal_of_a_halt_is_stopped(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 0\nmax_refused_orders = 5\n").open()
    desk.modules.risk.halt("look", "anna")
    persist(desk, "OrderDenied", lambda strategy, n: strategy.buy(ABC, D(n)))
    assert ONE in desk.books.quarantined
