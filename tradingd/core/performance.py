"""What trading made of the money: returns, ratios, drawdown and trade statistics. Pure.

The account is measured on its equity. A strategy is measured on its own realised result, after fees, laid on the
account's starting equity as its capital: what its open positions are worth is in the account's figures alone. A figure
that is not defined is None, never NaN or infinite. Fractions are plain: 0.01 is one percent.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.equity_curve import (
    Drawdown,
    EquityPoint,
    daily_points,
    downside_deviation,
    max_drawdown,
    mean,
    sample_deviation,
    simple_returns,
)
from tradingd.core.identifiers import StrategyId
from tradingd.core.market import DAY_NS
from tradingd.core.orders import ZERO, Trade
from tradingd.core.round_trips import TradeHistory, fold_trades, time_in_market

YEAR_NS = DAY_NS * 36525 // 100
_LEAST_DAYS = 3


class TradeStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What the trades say; a round trip is a closing trade, as `core.round_trips` counts them."""

    trades: int
    round_trips: int
    wins: int
    losses: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    realised_pnl: Decimal
    """After all fees paid, also those of positions still open."""
    fees: Decimal
    fees_pending: int
    """Trades whose fee the venue has not told yet: the results lack it."""
    traded_value: Decimal


class PerformanceSection(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the account, or of one strategy."""

    name: str
    starting_equity: Decimal | None
    ending_equity: Decimal | None
    profit: Decimal | None
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown | None
    turnover: float | None
    exposure_time: float | None
    statistics: TradeStatistics


class PerformanceReportData(msgspec.Struct, frozen=True, kw_only=True, tag="performance_report"):
    """A performance report, ready to be rendered."""

    ts_from: int | None
    ts_to: int | None
    annualisation_days: int
    risk_free_rate: float
    account: PerformanceSection
    strategies: tuple[PerformanceSection, ...]


class ReturnSeries(msgspec.Struct, frozen=True):
    """Returns of equal periods, and how many of these make a year."""

    values: list[float]
    per_year: float


def measure(
    equity_points: Sequence[EquityPoint],
    trades: Sequence[Trade],
    *,
    annualisation_days: int = 252,
    risk_free_rate: float = 0.0,
) -> PerformanceReportData:
    """Measure the account and each strategy that traded; both sequences are in order of time.

    `annualisation_days` is how many daily returns make a year (252 for equities, 365 for crypto), `risk_free_rate` a
    yearly fraction.
    """
    ts_from, ts_to = _span(equity_points, trades)
    account = _section("account", equity_points, trades, ts_from, ts_to, annualisation_days, risk_free_rate)
    by_strategy: dict[StrategyId, list[Trade]] = {}
    for trade in trades:
        by_strategy.setdefault(trade.strategy_id, []).append(trade)
    capital = equity_points[0].equity if equity_points else None
    strategies = tuple(
        _section(
            name,
            realised_curve(own, capital, equity_points),
            own,
            ts_from,
            ts_to,
            annualisation_days,
            risk_free_rate,
        )
        for name, own in sorted(by_strategy.items())
    )
    return PerformanceReportData(
        ts_from=ts_from,
        ts_to=ts_to,
        annualisation_days=annualisation_days,
        risk_free_rate=risk_free_rate,
        account=account,
        strategies=strategies,
    )


def realised_curve(
    trades: Sequence[Trade], capital: Decimal | None, points: Sequence[EquityPoint]
) -> list[EquityPoint]:
    """Capital plus what was realised less all fees paid: after each trade, and wherever the account has a point.

    So a strategy's daily returns count the same days as the account's, also those on which it did nothing.
    """
    if capital is None:
        return []
    results = fold_trades(trades).realised
    moments = sorted([(ts, result) for ts, result in results] + [(point.ts, None) for point in points], key=_moment)
    curve = [EquityPoint(moments[0][0], capital)] if moments else []
    equity = capital
    for ts, result in moments:
        if result is not None:
            equity = EXACT.add(capital, result)
        curve.append(EquityPoint(ts, equity))
    return curve


def _moment(pair: tuple[int, Decimal | None]) -> int:
    return pair[0]


def _span(points: Sequence[EquityPoint], trades: Sequence[Trade]) -> tuple[int | None, int | None]:
    times = [*(point.ts for point in (*points[:1], *points[-1:])), *(t.ts_event for t in (*trades[:1], *trades[-1:]))]
    return (min(times), max(times)) if times else (None, None)


def _section(  # noqa: PLR0917 - private, each argument named by its caller's variable
    name: str,
    points: Sequence[EquityPoint],
    trades: Sequence[Trade],
    ts_from: int | None,
    ts_to: int | None,
    annualisation_days: int,
    risk_free_rate: float,
) -> PerformanceSection:
    history = fold_trades(trades)
    statistics = trade_statistics(trades, history)
    returns = _select_returns(points, annualisation_days)
    drawdown = max_drawdown(points)
    growth = cagr(points)
    exposure: float | None = None
    if ts_from is not None and ts_to is not None and ts_to > ts_from:
        exposure = time_in_market(history.intervals, ts_from, ts_to) / (ts_to - ts_from)
    first, last = (points[0].equity, points[-1].equity) if points else (None, None)
    return PerformanceSection(
        name=name,
        starting_equity=first,
        ending_equity=last,
        profit=None if first is None or last is None else EXACT.subtract(last, first),
        total_return=total_return(points),
        cagr=growth,
        volatility=volatility(returns),
        sharpe=sharpe_ratio(returns, risk_free_rate),
        sortino=sortino_ratio(returns, risk_free_rate),
        calmar=calmar_ratio(growth, drawdown),
        drawdown=drawdown,
        turnover=turnover(statistics.traded_value, points),
        exposure_time=exposure,
        statistics=statistics,
    )


def _select_returns(points: Sequence[EquityPoint], annualisation_days: int) -> ReturnSeries:
    """Daily returns, from the last point of each UTC day; each counts for 1 / `annualisation_days` of a year.

    With fewer than three such days the returns from point to point are taken instead, each counting for the mean
    distance of the points, in days, divided by `annualisation_days`: rough, but it tells one session from another.
    """
    daily = daily_points(points)
    if len(daily) >= _LEAST_DAYS:
        return ReturnSeries(simple_returns([point.equity for point in daily]), float(annualisation_days))
    values = simple_returns([point.equity for point in points])
    distance = (points[-1].ts - points[0].ts) / (len(points) - 1) if len(points) > 1 else 0.0
    if distance <= 0:
        return ReturnSeries([], float(annualisation_days))
    return ReturnSeries(values, annualisation_days * DAY_NS / distance)


def total_return(points: Sequence[EquityPoint]) -> float | None:
    """Last equity / first equity - 1."""
    if len(points) < 2 or points[0].equity <= 0:
        return None
    return float(points[-1].equity / points[0].equity - 1)


def cagr(points: Sequence[EquityPoint]) -> float | None:
    """(last / first) ^ (1 / years) - 1 with years of 365.25 days; None for less than a day, or without equity left."""
    if len(points) < 2 or points[0].equity <= 0 or points[-1].equity <= 0:
        return None
    span = points[-1].ts - points[0].ts
    if span < DAY_NS:
        return None
    exponent = math.log(float(points[-1].equity / points[0].equity)) * YEAR_NS / span
    # Beyond e^700 a float overflows: a day's luck extrapolated over a year is no figure.
    return math.expm1(exponent) if exponent < 700 else None


def volatility(returns: ReturnSeries) -> float | None:
    """Sample standard deviation of returns × √(returns per year)."""
    deviation = sample_deviation(returns.values)
    return None if deviation is None else deviation * math.sqrt(returns.per_year)


def sharpe_ratio(returns: ReturnSeries, risk_free_rate: float) -> float | None:
    """(mean return - risk-free rate per period) / sample standard deviation × √(returns per year)."""
    average, deviation = mean(returns.values), sample_deviation(returns.values)
    if average is None or not deviation:
        return None
    return (average - risk_free_rate / returns.per_year) / deviation * math.sqrt(returns.per_year)


def sortino_ratio(returns: ReturnSeries, risk_free_rate: float) -> float | None:
    """(mean return - risk-free rate per period) / downside deviation below that rate × √(returns per year)."""
    target = risk_free_rate / returns.per_year
    average, deviation = mean(returns.values), downside_deviation(returns.values, target)
    if average is None or not deviation or len(returns.values) < 2:
        return None
    return (average - target) / deviation * math.sqrt(returns.per_year)


def calmar_ratio(growth: float | None, drawdown: Drawdown | None) -> float | None:
    """CAGR / largest drawdown; None while equity never fell."""
    if growth is None or drawdown is None:
        return None
    return growth / drawdown.fraction


def turnover(traded_value: Decimal, points: Sequence[EquityPoint]) -> float | None:
    """Value of all trades, bought and sold, / mean equity of the points; over the whole span, not annualised."""
    if not points:
        return None
    average = sum((point.equity for point in points), ZERO) / len(points)
    return float(traded_value / average) if average > 0 else None


def trade_statistics(trades: Sequence[Trade], history: TradeHistory) -> TradeStatistics:
    """Count and weigh round trips by their result after fees; one of exactly zero is neither won nor lost.

    Win rate: wins / round trips. Profit factor: sum of wins / sum of losses, None without a loss. Expectancy: mean
    result of a round trip.
    """
    results = [trip.net for trip in history.round_trips]
    wins = [result for result in results if result > 0]
    losses = [result for result in results if result < 0]
    won, lost = _sum(wins), -_sum(losses)
    value = _sum([value_of(trade.contract, trade.quantity, trade.price) for trade in trades])
    return TradeStatistics(
        trades=len(trades),
        round_trips=len(results),
        wins=len(wins),
        losses=len(losses),
        win_rate=len(wins) / len(results) if results else None,
        profit_factor=float(won / lost) if lost else None,
        expectancy=_average(results),
        average_win=_average(wins),
        average_loss=_average(losses),
        realised_pnl=history.realised[-1][1] if history.realised else ZERO,
        fees=_sum([trade.fee for trade in trades]),
        fees_pending=sum(trade.fee_pending for trade in trades),
        traded_value=value,
    )


def _sum(values: Sequence[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def _average(values: Sequence[Decimal]) -> Decimal | None:
    return _sum(values) / len(values) if values else None
