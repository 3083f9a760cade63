"""The account's risk in figures, and which limits they break. Pure.

Money and what a limit judges is `Decimal`; statistics over past returns are floats. A figure that is not defined, for
want of history or of equity, is None and judged by no limit, with one exception: exposure on no equity at all counts
as unbounded leverage.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.equity_curve import mean, sample_deviation, simple_returns
from tradingd.core.orders import ZERO

_HUNDRED = Decimal(100)
_MIN_OBSERVATIONS = 20
"""Fewer returns than this say nothing about a tail."""


class RiskInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the books know at one instant."""

    ts: int
    equity: Decimal
    peak_equity: Decimal
    day_open_equity: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    margin_multiplier: Decimal = Decimal(1)
    """How many times its equity the venue lets the account hold."""
    daily_equity: tuple[Decimal, ...] = ()
    """Last equity of each past day, oldest first."""


class RiskMetrics(msgspec.Struct, frozen=True, kw_only=True, tag="risk_metrics"):
    """The account's risk at one instant; `_pct` figures are percent, 1 is one percent."""

    ts: int
    equity: Decimal
    drawdown_pct: Decimal | None
    daily_loss: Decimal
    """Loss since the day began, never negative."""
    gross_exposure: Decimal
    net_exposure: Decimal
    leverage: Decimal | None
    margin_utilisation_pct: Decimal | None
    volatility_daily_pct: float | None
    volatility_annual_pct: float | None
    var_95_pct: float | None
    var_99_pct: float | None
    expected_shortfall_95_pct: float | None
    expected_shortfall_99_pct: float | None


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the account as a whole; None switches one off."""

    max_daily_loss: Decimal | None = None
    max_drawdown_pct: Decimal | None = None
    max_leverage: Decimal | None = None
    max_gross_exposure: Decimal | None = None
    max_var_99_pct: Decimal | None = None


class RiskLimitCode(StrEnum):
    """Which limit of the account was broken."""

    MAX_DAILY_LOSS = "MAX_DAILY_LOSS"
    MAX_DRAWDOWN = "MAX_DRAWDOWN"
    MAX_LEVERAGE = "MAX_LEVERAGE"
    MAX_GROSS_EXPOSURE = "MAX_GROSS_EXPOSURE"
    MAX_VAR_99 = "MAX_VAR_99"


class RiskBreach(msgspec.Struct, frozen=True, kw_only=True):
    """One broken limit, with the figure that broke it."""

    code: RiskLimitCode
    message: str
    value: Decimal
    limit: Decimal


class RiskAssessment(msgspec.Struct, frozen=True, kw_only=True, tag="risk_assessment"):
    """Figures and the limits that they break, none meaning that all is well."""

    metrics: RiskMetrics
    breaches: tuple[RiskBreach, ...] = ()

    @property
    def within_limits(self) -> bool:
        """True when no limit is broken."""
        return not self.breaches


class ReturnStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What past days say: changes once a day, so it is worked out apart from what changes with each tick."""

    volatility_daily_pct: float | None
    volatility_annual_pct: float | None
    var_95_pct: float | None
    var_99_pct: float | None
    expected_shortfall_95_pct: float | None
    expected_shortfall_99_pct: float | None


def return_statistics(daily_equity: Sequence[Decimal], *, days_per_year: int = 252) -> ReturnStatistics:
    """Volatility and tail of the daily returns of an equity series, oldest first."""
    returns = simple_returns(daily_equity)
    daily, annual = volatility(returns, days_per_year)
    return ReturnStatistics(
        volatility_daily_pct=_percent(daily),
        volatility_annual_pct=_percent(annual),
        var_95_pct=_percent(historical_var(returns, 95)),
        var_99_pct=_percent(historical_var(returns, 99)),
        expected_shortfall_95_pct=_percent(expected_shortfall(returns, 95)),
        expected_shortfall_99_pct=_percent(expected_shortfall(returns, 99)),
    )


def assess(
    inputs: RiskInputs, limits: RiskLimits, *, days_per_year: int = 252, past: ReturnStatistics | None = None
) -> RiskAssessment:
    """Measure the account and name every broken limit; `past` saves working out the past days again."""
    metrics = measure_risk(inputs, days_per_year=days_per_year, past=past)
    return RiskAssessment(metrics=metrics, breaches=tuple(_breaches(metrics, limits)))


def measure_risk(inputs: RiskInputs, *, days_per_year: int = 252, past: ReturnStatistics | None = None) -> RiskMetrics:
    """Put the account's risk in figures."""
    if past is None:
        past = return_statistics(inputs.daily_equity, days_per_year=days_per_year)
    return RiskMetrics(
        ts=inputs.ts,
        equity=inputs.equity,
        drawdown_pct=drawdown_pct(inputs.equity, inputs.peak_equity),
        daily_loss=daily_loss(inputs.equity, inputs.day_open_equity),
        gross_exposure=inputs.gross_exposure,
        net_exposure=inputs.net_exposure,
        leverage=leverage(inputs.gross_exposure, inputs.equity),
        margin_utilisation_pct=margin_utilisation_pct(inputs.gross_exposure, inputs.equity, inputs.margin_multiplier),
        volatility_daily_pct=past.volatility_daily_pct,
        volatility_annual_pct=past.volatility_annual_pct,
        var_95_pct=past.var_95_pct,
        var_99_pct=past.var_99_pct,
        expected_shortfall_95_pct=past.expected_shortfall_95_pct,
        expected_shortfall_99_pct=past.expected_shortfall_99_pct,
    )


def drawdown_pct(equity: Decimal, peak: Decimal) -> Decimal | None:
    """(peak - equity) / peak in percent, zero at a new peak; None for a peak of zero or less."""
    if peak <= 0:
        return None
    return max(ZERO, (peak - equity) / peak * _HUNDRED)


def daily_loss(equity: Decimal, day_open: Decimal) -> Decimal:
    """What was lost since the day began, zero on a gain."""
    return max(ZERO, day_open - equity)


def leverage(gross_exposure: Decimal, equity: Decimal) -> Decimal | None:
    """Gross exposure divided by equity; None when there is no equity to divide by."""
    return gross_exposure / equity if equity > 0 else None


def margin_utilisation_pct(gross_exposure: Decimal, equity: Decimal, multiplier: Decimal) -> Decimal | None:
    """Gross exposure as percent of the most that equity and the venue's multiplier allow."""
    most = equity * multiplier
    return gross_exposure / most * _HUNDRED if most > 0 else None


def volatility(returns: Sequence[float], periods_per_year: float) -> tuple[float | None, float | None]:
    """Sample standard deviation of returns, per period and annualised by the square root of the periods in a year."""
    per_period = sample_deviation(returns)
    if per_period is None:
        return None, None
    return per_period, per_period * math.sqrt(periods_per_year)


def historical_var(returns: Sequence[float], level_pct: int) -> float | None:
    """The loss that was not exceeded in `level_pct` percent of the past periods, as a positive fraction.

    The quantile is an observed one, without interpolation: of n losses in rising order the one of rank
    ceil(level × n). It is zero when that loss was a gain, None for fewer than 20 returns; with fewer than 100 the
    99 % figure is the worst return seen.
    """
    tail = _tail(returns, level_pct)
    return max(0.0, tail[0]) if tail else None


def expected_shortfall(returns: Sequence[float], level_pct: int) -> float | None:
    """Mean of the losses from the value at risk (by the same quantile) upwards, never below zero."""
    average = mean(_tail(returns, level_pct))
    return None if average is None else max(0.0, average)


def _tail(returns: Sequence[float], level_pct: int) -> list[float]:
    count = len(returns)
    if count < _MIN_OBSERVATIONS:
        return []
    rank = -(-level_pct * count // 100)
    return sorted(-value for value in returns)[rank - 1 :]


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else fraction * 100


def _breaches(metrics: RiskMetrics, limits: RiskLimits) -> list[RiskBreach]:
    """A loss breaks its limit on reaching it; a size breaks its limit on passing it."""
    found: list[RiskBreach] = []

    def judge(code: RiskLimitCode, broken: bool, value: Decimal, limit: Decimal, message: str) -> None:
        if broken:
            found.append(RiskBreach(code=code, message=message, value=value, limit=limit))

    limit = limits.max_daily_loss
    if limit is not None:
        value = metrics.daily_loss
        message = f"lost {value:,.2f} since the day began; the limit is {limit:,.2f}"
        judge(RiskLimitCode.MAX_DAILY_LOSS, value >= limit, value, limit, message)
    limit = limits.max_drawdown_pct
    if limit is not None and metrics.drawdown_pct is not None:
        value = metrics.drawdown_pct
        message = f"equity is {value:.2f} % below its peak; the limit is {limit:f} %"
        judge(RiskLimitCode.MAX_DRAWDOWN, value >= limit, value, limit, message)
    limit = limits.max_leverage
    if limit is not None:
        if metrics.leverage is not None:
            value = metrics.leverage
            message = f"exposure is {value:.2f} times equity; the limit is {limit:f}"
            judge(RiskLimitCode.MAX_LEVERAGE, value > limit, value, limit, message)
        else:
            value = metrics.gross_exposure
            message = f"exposure of {value:,.2f} stands on no equity; the leverage limit is {limit:f}"
            judge(RiskLimitCode.MAX_LEVERAGE, value > 0, value, limit, message)
    limit = limits.max_gross_exposure
    if limit is not None:
        value = metrics.gross_exposure
        message = f"gross exposure is {value:,.2f}; the limit is {limit:,.2f}"
        judge(RiskLimitCode.MAX_GROSS_EXPOSURE, value > limit, value, limit, message)
    limit = limits.max_var_99_pct
    if limit is not None and metrics.var_99_pct is not None:
        value = Decimal(repr(metrics.var_99_pct))
        message = f"one-day 99 % value at risk is {value:.2f} % of equity; the limit is {limit:f} %"
        judge(RiskLimitCode.MAX_VAR_99, value > limit, value, limit, message)
    return found
