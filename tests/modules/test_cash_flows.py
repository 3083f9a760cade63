"""Cash that comes or goes without an order: what stops trading, what trips a limit, and what does neither."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.desk import ABC, Desk
from tests.modules.making import outside
from tradingd.core.log import LogEvent
from tradingd.core.orders import Side

D = Decimal
HALTS = '[execution]\nexternal = "halt"\n'
ADOPTS = "[risk]\nmax_drawdown_pct = 10\nmax_daily_loss = 1000\n"


def moved(desk: Desk, amount: str) -> None:
    """Cash came or went at the venue, and reconciliation has had the time to see it."""
    desk.broker._cash += D(amount)
    desk.wait(75)


@pytest.mark.parametrize("amount", ["-0.02", "-100", "99.99"])
def test_a_thousandth_of_equity_may_come_or_go_under_external_halt(tmp_path: Path, amount: str) -> None:
    desk = Desk(tmp_path, HALTS).open()
    moved(desk, amount)
    assert desk.modules.risk.halted is None
    (line,) = desk.said(LogEvent.RECONCILE_CASH)
    assert f"{abs(D(amount)):,.2f}" in line.message
    assert desk.said(LogEvent.RECONCILE_CORRECTED) == []
    desk.check()


def test_more_cash_than_that_halts_under_external_halt(tmp_path: Path) -> None:
    desk = Desk(tmp_path, HALTS).open()
    moved(desk, "-100.01")
    assert "cash: -100.01" in (desk.modules.risk.halted or "")
    desk.modules.risk.resume("me")
    desk.wait(120)
    assert desk.modules.risk.halted is None
    assert desk.said(LogEvent.RECONCILE_CASH) == []


def test_the_bound_may_be_an_amount_and_none_at_all(tmp_path: Path) -> None:
    for name in ("5", "0"):
        (tmp_path / name).mkdir()
    desk = Desk(tmp_path / "5", HALTS + "max_unexplained_cash = 5\n").open()
    moved(desk, "-5")
    assert desk.modules.risk.halted is None
    moved(desk, "-5.01")
    assert desk.modules.risk.halted is not None
    strict = Desk(tmp_path / "0", HALTS + "max_unexplained_cash = 0\n").open()
    moved(strict, "-0.02")
    assert strict.modules.risk.halted is not None


def test_a_fee_while_the_daemon_was_down_is_booked_at_the_start_and_trading_begins(tmp_path: Path) -> None:
    desk = Desk(tmp_path, HALTS).open()
    desk.stop()
    second = desk.again()
    second.broker._cash -= D("0.02")
    second.open()
    second.wait(5)
    assert second.modules.risk.halted is None
    assert len(second.said(LogEvent.RECONCILE_CASH)) == 1
    assert second.modules.execution.reconciliation.reconciled
    second.check()


def test_a_withdrawal_trips_no_limit_now_nor_after_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ADOPTS).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    moved(desk, "-12000")
    desk.wait(120)
    assert desk.modules.risk.halted is None
    assert desk.modules.risk.get_current_risk_metrics().daily_loss < 10
    second = desk.again().open()
    second.wait(120)
    assert second.modules.risk.halted is None
    assert second.books.equity.peak is not None
    assert second.books.equity.peak < D(88_100)
    second.check()


def test_a_withdrawal_while_the_daemon_was_down_trips_no_limit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ADOPTS).open()
    desk.stop()
    second = desk.again()
    second.broker._cash -= D(12_000)
    second.open()
    second.wait(120)
    assert second.modules.risk.halted is None
    assert second.books.portfolio.cash == D(88_000)


def test_a_deposit_hides_no_loss(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ADOPTS + "max_order_value = 100000\nmax_position_value = 100000\n").open()
    desk.quote(99.5, 100.5)
    desk.act(lambda strategy: strategy.buy(ABC, D(90)))
    moved(desk, "50000")
    desk.quote(89, 90)
    desk.quote(89, 90)
    desk.wait(2)
    before = desk.modules.risk.get_current_risk_metrics().daily_loss
    assert before > 900
    desk.quote(88, 88.2)
    desk.wait(2)
    assert "since the day began" in (desk.modules.risk.halted or "")


def test_shares_bought_by_hand_are_no_profit_whatever_they_cost(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ADOPTS).open()
    desk.quote(100, 100)
    desk.broker.deafly(outside(desk, "hand-1", Side.BUY, "10"))
    desk.quote(104, 104)
    desk.wait(75)
    metrics = desk.modules.risk.get_current_risk_metrics()
    assert metrics.daily_loss == 0
    assert desk.books.equity.peak == desk.books.portfolio.equity()
    desk.check()
