"""Risk figures against hand-checked cases, and the limits that judge them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tradingd.core.equity_curve import simple_returns
from tradingd.core.risk_metrics import (
    RiskInputs,
    RiskLimitCode,
    RiskLimits,
    assess,
    daily_loss,
    drawdown_pct,
    expected_shortfall,
    historical_var,
    leverage,
    margin_utilisation_pct,
    measure_risk,
    volatility,
)

D = Decimal


def make_inputs(**changes: object) -> RiskInputs:
    values: dict[str, object] = {
        "ts": 1,
        "equity": D(95),
        "peak_equity": D(100),
        "day_open_equity": D(98),
        "gross_exposure": D(190),
        "net_exposure": D(-10),
        "margin_multiplier": D(4),
    }
    return RiskInputs(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("equity", "peak", "expected"),
    [
        (D(100), D(100), D(0)),
        (D(90), D(100), D(10)),
        (D(110), D(100), D(0)),
        (D(-20), D(100), D(120)),
        (D(1), D(0), None),
    ],
)
def test_drawdown_is_a_share_of_the_peak(equity: Decimal, peak: Decimal, expected: Decimal | None) -> None:
    assert drawdown_pct(equity, peak) == expected


def test_a_days_gain_is_no_loss() -> None:
    assert (daily_loss(D(95), D(98)), daily_loss(D(99), D(98))) == (D(3), D(0))


def test_leverage_and_margin_need_equity() -> None:
    assert (leverage(D(190), D(95)), leverage(D(190), D(0)), leverage(D(0), D(-1))) == (D(2), None, None)
    assert margin_utilisation_pct(D(190), D(95), D(4)) == D(50)
    assert margin_utilisation_pct(D(190), D(-95), D(4)) is None


def test_returns_end_where_equity_does() -> None:
    assert simple_returns([D(100), D(110), D(99), D(0), D(50)]) == pytest.approx([0.1, -0.1, -1.0])
    assert simple_returns([D(100)]) == []


def test_volatility_of_a_hand_checked_series() -> None:
    # mean 0.02; squares 0.0001 + 0.0001 over n - 1 = 1
    per_period, annual = volatility([0.01, 0.03], 252)
    assert per_period == pytest.approx(0.0141421356)
    assert annual == pytest.approx(0.2244994432)
    assert volatility([0.01], 252) == (None, None)
    assert volatility([0.01] * 30, 252) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("count", "level", "var", "shortfall"),
    [
        # Losses are 1, 2 ... n hundredths of a percent: rank ceil(level × n), and the mean from there on.
        (100, 95, 95, 97.5),
        (100, 99, 99, 99.5),
        (20, 95, 19, 19.5),
        (20, 99, 20, 20.0),
        (250, 99, 248, 249.0),
        (40, 95, 38, 39.0),
    ],
)
def test_value_at_risk_is_an_observed_loss(count: int, level: int, var: float, shortfall: float) -> None:
    returns = [-number / 10_000 for number in range(1, count + 1)]
    assert historical_var(returns, level) == pytest.approx(var / 10_000)
    assert expected_shortfall(returns, level) == pytest.approx(shortfall / 10_000)


def test_too_little_history_has_no_tail_and_gains_are_no_risk() -> None:
    assert historical_var([-0.01] * 19, 95) is None
    assert expected_shortfall([-0.01] * 19, 95) is None
    assert historical_var([0.01] * 20, 95) == 0.0
    assert expected_shortfall([0.01] * 20, 99) == 0.0


@given(st.lists(st.floats(-0.5, 0.5), min_size=20, max_size=120), st.floats(0.1, 10))
def test_the_tail_is_ordered_and_scales(returns: list[float], factor: float) -> None:
    var_95, var_99 = historical_var(returns, 95), historical_var(returns, 99)
    assert var_95 is not None
    assert var_99 is not None
    shortfall = expected_shortfall(returns, 95)
    assert shortfall is not None
    assert var_95 <= var_99
    assert var_95 <= shortfall + 1e-12
    assert historical_var([value * factor for value in returns], 95) == pytest.approx(var_95 * factor)


def test_metrics_of_one_instant() -> None:
    metrics = measure_risk(make_inputs(daily_equity=(D(100), D(101), D(100))), days_per_year=365)
    assert (metrics.drawdown_pct, metrics.daily_loss, metrics.leverage) == (D(5), D(3), D(2))
    assert (metrics.margin_utilisation_pct, metrics.net_exposure) == (D(50), D(-10))
    assert metrics.volatility_daily_pct == pytest.approx(1.4072, abs=1e-4)
    assert metrics.var_99_pct is None


LIMITS = RiskLimits(
    max_daily_loss=D(3),
    max_drawdown_pct=D(5),
    max_leverage=D(2),
    max_gross_exposure=D(190),
    max_var_99_pct=D(1),
)


def codes(inputs: RiskInputs, limits: RiskLimits = LIMITS) -> list[RiskLimitCode]:
    return [breach.code for breach in assess(inputs, limits).breaches]


def test_a_loss_breaks_its_limit_on_reaching_it_and_a_size_on_passing_it() -> None:
    assert codes(make_inputs()) == [RiskLimitCode.MAX_DAILY_LOSS, RiskLimitCode.MAX_DRAWDOWN]
    within = make_inputs(equity=D(97), gross_exposure=D(190), day_open_equity=D(97))
    assert assess(within, LIMITS).within_limits
    assert codes(make_inputs(equity=D(97), gross_exposure=D(195))) == [
        RiskLimitCode.MAX_LEVERAGE,
        RiskLimitCode.MAX_GROSS_EXPOSURE,
    ]


def test_every_broken_limit_is_named_with_value_and_limit() -> None:
    history = tuple(D(100) + (D(-10) if number % 2 else D(0)) for number in range(30))
    assessment = assess(make_inputs(gross_exposure=D(285), daily_equity=history), LIMITS)
    assert [(breach.code, breach.value, breach.limit) for breach in assessment.breaches[:4]] == [
        (RiskLimitCode.MAX_DAILY_LOSS, D(3), D(3)),
        (RiskLimitCode.MAX_DRAWDOWN, D(5), D(5)),
        (RiskLimitCode.MAX_LEVERAGE, D(3), D(2)),
        (RiskLimitCode.MAX_GROSS_EXPOSURE, D(285), D(190)),
    ]
    assert assessment.breaches[4].code is RiskLimitCode.MAX_VAR_99
    assert assessment.breaches[1].message == "equity is 5.00 % below its peak; the limit is 5 %"
    assert assess(make_inputs(gross_exposure=D(285), daily_equity=history), RiskLimits()).within_limits


def test_exposure_on_no_equity_is_unbounded_leverage() -> None:
    limits = RiskLimits(max_leverage=D(2))
    assert codes(make_inputs(equity=D(-1)), limits) == [RiskLimitCode.MAX_LEVERAGE]
    assert codes(make_inputs(equity=D(-1), gross_exposure=D(0)), limits) == []
