"""Deposits and withdrawals are neither profit nor loss, for whatever is measured by past equity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import S1
from tradingd.core.coin_fees import COIN_FEE_CAUSE, SALE_FEE_CAUSE
from tradingd.core.entries import CashAdjusted, EquityTrack, PositionAdjusted
from tradingd.core.flows import SPLIT_CAUSE, flow_of, shift_equity, unexplained_bound
from tradingd.core.identifiers import Symbol
from tradingd.core.orders import Contract
from tradingd.core.risk_metrics import daily_loss, drawdown_pct, return_statistics

D = Decimal
ABC = Symbol("ABC")
money = st.decimals(1, 10**7, places=2)


def cash(amount: str | Decimal, equity: str | Decimal | None = None, cause: str = "x") -> CashAdjusted:
    return CashAdjusted(amount=D(amount), cause=cause, equity=None if equity is None else D(equity))


def shares(quantity: str, price: str, cause: str = "x", contract: Contract | None = None) -> PositionAdjusted:
    return PositionAdjusted(
        strategy_id=S1,
        symbol=ABC,
        quantity=D(quantity),
        price=D(price),
        cause=cause,
        contract=contract or Contract(),
    )


@pytest.mark.parametrize(
    ("adjustment", "flow"),
    [
        (cash("-12000"), "-12000"),
        (cash("-0.02"), "-0.02"),
        (shares("10", "99.5"), "995"),
        (shares("-10", "99.5"), "-995"),
        (cash("-3", cause=SALE_FEE_CAUSE), "0"),
        (shares("-0.001", "60000", cause=COIN_FEE_CAUSE), "0"),
        (shares("10", "50", cause=SPLIT_CAUSE), "0"),
        (shares("1", "5000", contract=Contract(multiplier=D(50), margined=True)), "0"),
    ],
)
def test_fees_splits_and_what_is_held_on_margin_are_no_flows(
    adjustment: CashAdjusted | PositionAdjusted, flow: str
) -> None:
    assert flow_of(adjustment) == D(flow)


@given(equity=money, peak=money, day_open=money, flow=st.decimals(-(10**7), 10**7, places=2))
def test_a_flow_changes_neither_the_days_loss_nor_the_drawdown(
    equity: Decimal, peak: Decimal, day_open: Decimal, flow: Decimal
) -> None:
    peak = max(peak, equity)
    track = EquityTrack(peak=peak, day=1, day_open=day_open, last=equity, daily=(peak, equity))
    moved = shift_equity(track, cash(flow, equity))
    after = equity + flow
    assert moved.day_open is not None
    assert daily_loss(after, moved.day_open) == daily_loss(equity, day_open)
    if after > 0:
        assert moved.peak is not None
        before_pct, after_pct = drawdown_pct(equity, peak), drawdown_pct(after, moved.peak)
        assert before_pct is not None
        assert after_pct is not None
        assert float(after_pct) == pytest.approx(float(before_pct), abs=1e-6)


def test_returns_of_past_days_stay_what_they_were() -> None:
    daily = tuple(D(100 + number % 7) for number in range(40))
    track = EquityTrack(peak=D(106), day=1, day_open=D(100), last=D(104), daily=daily)
    moved = shift_equity(track, cash("-52", "104"))
    assert moved.last == D(52)
    before, after = return_statistics(daily), return_statistics(moved.daily)
    assert after.var_99_pct == pytest.approx(before.var_99_pct)
    assert after.volatility_daily_pct == pytest.approx(before.volatility_daily_pct)


def test_a_flow_without_a_figure_of_equity_goes_by_the_last_sample() -> None:
    track = EquityTrack(peak=D(200), day=1, day_open=D(100), last=D(100))
    assert shift_equity(track, cash("100")).peak == D(400)


def test_when_everything_was_withdrawn_the_record_begins_anew() -> None:
    track = EquityTrack(peak=D(200), day=1, day_open=D(100), last=D(100), daily=(D(1), D(2)))
    moved = shift_equity(track, cash("-100", "100"))
    assert (moved.peak, moved.day_open, moved.daily) == (D(0), D(0), ())


def test_before_the_first_sample_there_is_nothing_to_move() -> None:
    assert shift_equity(EquityTrack(), cash("5", "100")) == EquityTrack()


def test_the_bound_is_a_thousandth_of_equity_or_what_the_configuration_says() -> None:
    assert unexplained_bound(D(50_000), None) == D(50)
    assert unexplained_bound(D(-1), None) == D(0)
    assert unexplained_bound(D(50_000), D(7)) == D(7)
