"""A strategy that the file retires: its code does not run, its exits go on, nothing is opened."""

from decimal import Decimal
from pathlib import Path

from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, Desk
from tests.modules.planning import RISK, bracket
from tradingd.core.identifiers import TraceId
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderTerms, SignalAction
from tradingd.core.signals import TradingSignal, Twap

D = Decimal


def retire(desk: Desk) -> Desk:
    """The next run, in which the file retires both strategies."""
    desk.stop()
    return desk.again(retired=(ONE, TWO)).open()


def status(desk: Desk) -> list[tuple[str, str, OrderStatus]]:
    return [(state.order.leg, f"{state.quantity:f}", state.status) for state in desk.books.orders]


def test_its_code_does_not_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(lambda one: one.buy(ABC, D(10)))
    before = desk.strategy()
    again = retire(desk)
    again.quote(101, 102)
    again.wait(120)
    assert Acting.latest[ONE] is before
    assert again.said(LogEvent.STRATEGY_STARTED) == []
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(10)
    again.check()


def test_what_rests_and_could_open_is_taken_back_and_what_reduces_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(lambda one: one.buy(ABC, D(10)))
    desk.act(lambda one: one.buy(ABC, D(5), limit_price=D(97)))
    desk.act(lambda one: one.sell(ABC, D(4), limit_price=D(103)))
    again = retire(desk)
    assert status(again)[1:] == [("", "5", OrderStatus.CANCELED), ("", "4", OrderStatus.ACCEPTED)]
    again.quote(103.5, 104)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(6)
    again.check()


def test_the_protection_of_what_it_holds_goes_on_to_its_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(bracket)
    again = retire(desk)
    again.quote(94, 95)
    again.wait(3)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(0)
    assert again.books.plans == {}
    again.check()


def test_an_entry_that_is_half_way_ends_there_and_what_came_of_it_stays_protected(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    twap = Twap(duration_s=60, slices=3)
    desk.act(lambda one: one.buy(ABC, D(9), algorithm=twap, stop_loss=D(95)))
    assert desk.books.portfolio.quantity_of(ONE, ABC) == D(3)
    again = retire(desk)
    again.wait(90)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(3)
    again.quote(94, 95)
    again.wait(3)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(0)
    again.check()


def test_an_order_that_opens_is_refused_with_a_code_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK, retired=(ONE,)).open()
    signal = TradingSignal(
        strategy_id=ONE,
        symbol=ABC,
        action=SignalAction.BUY,
        quantity=D(1),
        terms=OrderTerms(),
        trace_id=TraceId("t"),
        ts_event=desk.clock.now_ns(),
    )
    desk.modules.execution.process_signal(signal)
    desk.pump()
    [line] = desk.said(LogEvent.ORDER_DENIED)
    assert DenialCode.STRATEGY_RETIRED in str(line.details)
    assert "one is retired" in line.message
    assert len(desk.books.orders) == 0


def test_a_target_goes_on_to_zero_and_no_further(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(lambda one: one.buy(ABC, D(10)))
    desk.act(lambda one: one.buy(ABC, D(5), limit_price=D(97)))
    desk.broker.held = []
    desk.act(lambda one: one.target_position(ABC, D(-5)))
    again = retire(desk)
    again.wait(10)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(0)
    assert (again.books.plans, again.books.orders.open_count) == ({}, 0)
    again.check()


def test_it_opens_nothing_though_the_account_would_hold_less(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK).open()
    desk.act(lambda two: two.sell(ABC, D(10)), TWO)
    desk.act(lambda one: one.buy(ABC, D(5), limit_price=D(97)))
    again = retire(desk)
    assert again.order().status is OrderStatus.CANCELED
    again.quote(96, 97)
    assert again.books.portfolio.quantity_of(ONE, ABC) == D(0)
