"""Limits that halt, and halts that last."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.desk import ABC, ONE, TWO, Desk
from tradingd.core.entries import CashAdjusted
from tradingd.core.log import LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import DenialCode, OrderDenied

D = Decimal
DAY_S = 86_400


def holding(folder: Path, config: str) -> Desk:
    """Ten thousand in ABC, bought at 100."""
    desk = Desk(folder, f"[risk]\nmax_order_value = 50000\nmax_position_value = 50000\n{config}").open()
    desk.quote(100, 100)
    desk.act(lambda strategy: strategy.buy(ABC, D(100)))
    desk.wait(1)
    return desk


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("max_daily_loss = 500\nmax_drawdown_pct = 90", "since the day began"),
        ("max_drawdown_pct = 0.5\nmax_daily_loss = 90000", "below its peak"),
    ],
)
def test_a_loss_halts_trading_for_good(tmp_path: Path, config: str, reason: str) -> None:
    desk = holding(tmp_path, config)
    desk.quote(95.01, 95.01)
    desk.wait(1)
    assert desk.modules.risk.halted is None
    desk.quote(94.99, 94.99)
    desk.wait(1)
    assert desk.modules.risk.halted is not None
    assert reason in desk.modules.risk.halted.lower()
    desk.wait(5)
    assert len(desk.said(LogEvent.RISK_HALTED)) == 1, "it is said once"
    desk.check()
    second = desk.again().open()
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    report = second.strategy().heard[-1][1]
    assert isinstance(report, OrderDenied)
    assert report.breaches[0].code is DenialCode.HALTED
    second.check()


def test_the_day_and_the_peak_are_remembered_over_a_restart(tmp_path: Path) -> None:
    desk = holding(tmp_path, "max_daily_loss = 500\nmax_drawdown_pct = 90")
    desk.quote(95.01, 95.01)
    desk.wait(61)
    second = desk.again().open()
    second.quote(95.005, 95.005)
    second.wait(1)
    assert second.modules.risk.halted is None
    second.quote(94.9, 94.9)
    second.wait(1)
    assert second.modules.risk.halted is not None


def test_a_new_day_begins_with_no_loss(tmp_path: Path) -> None:
    desk = holding(tmp_path, "max_daily_loss = 500\nmax_drawdown_pct = 90")
    desk.quote(95.01, 95.01)
    desk.wait(61)
    desk.clock.advance_to(desk.clock.now_ns() + DAY_S * NS_PER_SECOND)
    desk.wait(2)
    desk.quote(91, 91)
    desk.wait(1)
    assert desk.modules.risk.halted is None
    desk.quote(89, 89)
    desk.wait(1)
    assert desk.modules.risk.halted is not None


@pytest.mark.parametrize(("price", "better"), [(150.0, True), (60.0, False)])
def test_a_restart_before_the_first_price_feigns_no_loss_and_no_peak(
    tmp_path: Path, price: float, better: bool
) -> None:
    desk = holding(tmp_path, "max_daily_loss = 1000000\nmax_drawdown_pct = 4.5")
    desk.modules.risk.resume("cli")
    for step in range(1, 40):
        desk.quote(100 + (price - 100) * step / 39, 100 + (price - 100) * step / 39)
    desk.modules.portfolio.sample_equity()
    equity = desk.books.portfolio.equity()
    second = desk.again()
    second.stream_up()
    second.wait(2)
    assert second.books.portfolio.equity() == equity
    assert second.books.equity.peak == desk.books.equity.peak
    if better:
        assert second.modules.risk.halted is None
    second.check()


def test_metrics_stay_fresh_while_trading_is_halted(tmp_path: Path) -> None:
    desk = holding(tmp_path, "")
    desk.modules.risk.halt("by hand", "cli")
    before = desk.modules.risk.get_current_risk_metrics()
    desk.quote(99, 99)
    desk.wait(1)
    assert desk.modules.risk.get_current_risk_metrics() != before


def test_a_second_halt_changes_nothing(desk: Desk) -> None:
    desk.modules.risk.halt("first", "cli")
    desk.modules.risk.halt("second", "cli")
    assert desk.modules.risk.halted == "first"


def test_the_order_rate_counts_what_was_let_through(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_orders_per_minute = 3\n").open()
    for _ in range(5):
        desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert len(desk.broker.seen) == 3
    desk.wait(61)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert len(desk.broker.seen) == 4


def test_two_strategies_that_race_for_the_last_of_a_limit_do_not_both_get_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_position_quantity = 10\n").open()
    desk.broker.held = []
    for strategy in (ONE, TWO):
        desk.strategy(strategy).on_next["tick"] = lambda s: s.buy(ABC, D(6))
    desk.quote(99.4, 100.4)
    assert len(desk.broker.seen) == 1
    assert desk.said(LogEvent.ORDER_DENIED)[0].details["codes"] == ["POSITION_LIMIT"]
    desk.check()


def test_equity_is_sampled_in_steps_and_adjustments_are_booked(desk: Desk) -> None:
    samples = len(desk.said(LogEvent.PORTFOLIO_EQUITY))
    desk.wait(121)
    assert len(desk.said(LogEvent.PORTFOLIO_EQUITY)) - samples in (2, 3)
    desk.modules.portfolio.adjust(CashAdjusted(amount=D("-5.25"), cause="fee"))
    assert desk.modules.portfolio.state.cash == D("99994.75")


def test_performance_is_measured_from_the_journal(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.wait(61)
    desk.act(lambda strategy: strategy.sell(ABC, D(10)))
    desk.wait(61)
    performance = desk.modules.portfolio.get_performance_snapshot()
    assert performance.account.ending_equity == D(99_990)
