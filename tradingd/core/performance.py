"""What trading made of the money: returns, ratios, drawdown and trade statistics. Pure.

The account is measured on its equity, less what came in and went out. A strategy is measured on its own result,
realised and unrealised, after fees, laid on the account's starting equity as its capital. In each column, to the cent:
ending = starting + flows + profit, and profit = realised + unrealised - fees. A figure that is not defined is None,
never NaN or infinite. Fractions are plain: 0.01 is one percent.
"""

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from tradingd.core.account_history import AccountHistory, SectionHistory
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
    without_flows,
)
from tradingd.core.market import DAY_NS
from tradingd.core.orders import ZERO, Trade
from tradingd.core.round_trips import RoundTrip, time_in_market

YEAR_NS = DAY_NS * 36525 // 100
MIN_DAYS = 30
"""A shorter span says nothing about a year: what a figure would be then is luck, extrapolated."""
_CENT = Decimal("0.01")


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
    flows: Decimal
    """What was deposited less what was withdrawn, and positions that came from outside at their value."""
    ending_equity: Decimal | None
    profit: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    """How much more what is held is worth above its cost than at the start."""
    fees: Decimal
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
    not_annualised: str
    """Why there are no yearly figures; empty when there are."""
    account: PerformanceSection
    strategies: tuple[PerformanceSection, ...]


class ReturnSeries(msgspec.Struct, frozen=True):
    """Returns of equal periods, and how many of these make a year."""

    values: list[float]
    per_year: float


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    ts_from: int | None
    ts_to: int | None
    annualisation_days: int
    risk_free_rate: float
    annualises: bool
    day_of: Callable[[int], int]


def measure(
    history: AccountHistory,
    *,
    annualisation_days: int = 252,
    risk_free_rate: float = 0.0,
    day_of: Callable[[int], int],
    min_days: int = MIN_DAYS,
) -> PerformanceReportData:
    """Measure the account and each strategy.

    `annualisation_days` is how many daily returns make a year (252 for equities, 365 for crypto), `risk_free_rate` a
    yearly fraction, `day_of` the number of the day that an instant belongs to. Yearly figures need `min_days`.
    """
    ts_from, ts_to = _span(history.account)
    days = 0.0 if ts_from is None or ts_to is None else (ts_to - ts_from) / DAY_NS
    short = "" if days >= min_days else f"yearly figures need {min_days} days, and these are {days:.1f}"
    terms = _Terms(
        ts_from=ts_from,
        ts_to=ts_to,
        annualisation_days=annualisation_days,
        risk_free_rate=risk_free_rate,
        annualises=not short,
        day_of=day_of,
    )
    return PerformanceReportData(
        ts_from=ts_from,
        ts_to=ts_to,
        annualisation_days=annualisation_days,
        risk_free_rate=risk_free_rate,
        not_annualised=short,
        account=_section(history.account, terms),
        strategies=tuple(_section(one, terms) for one in history.strategies),
    )


def _span(account: SectionHistory) -> tuple[int | None, int | None]:
    points, trades = account.points, account.trades
    times = [*(point.ts for point in (*points[:1], *points[-1:])), *(t.ts_event for t in (*trades[:1], *trades[-1:]))]
    return (min(times), max(times)) if times else (None, None)


def _section(history: SectionHistory, terms: _Terms) -> PerformanceSection:
    statistics = trade_statistics(history)
    curve = without_flows(history.points)
    returns = ReturnSeries([], float(terms.annualisation_days))
    if terms.annualises:
        values = simple_returns([point.equity for point in daily_points(curve, terms.day_of)])
        returns = ReturnSeries(values, float(terms.annualisation_days))
    drawdown = max_drawdown(curve)
    growth = cagr(curve) if terms.annualises else None
    exposure: float | None = None
    if terms.ts_from is not None and terms.ts_to is not None and terms.ts_to > terms.ts_from:
        held = time_in_market(history.intervals, terms.ts_from, terms.ts_to)
        exposure = held / (terms.ts_to - terms.ts_from)
    first, last = (
        (_cents(history.points[0].equity), _cents(history.points[-1].equity)) if history.points else (None, None)
    )
    flows, realised, fees = (
        _cents(_sum([p.flow for p in history.points])),
        _cents(history.realised),
        _cents(history.fees),
    )
    profit = None if first is None or last is None else last - first - flows
    return PerformanceSection(
        name=history.name,
        starting_equity=first,
        flows=flows,
        ending_equity=last,
        profit=profit,
        realised=realised,
        # What is held is valued to the cent: its rounding is the one that gives way.
        unrealised=None if profit is None else profit - realised + fees,
        fees=fees,
        total_return=total_return(curve),
        cagr=growth,
        volatility=volatility(returns),
        sharpe=sharpe_ratio(returns, terms.risk_free_rate),
        sortino=sortino_ratio(returns, terms.risk_free_rate),
        calmar=calmar_ratio(growth, drawdown),
        drawdown=drawdown,
        turnover=turnover(statistics.traded_value, history.points),
        exposure_time=exposure,
        statistics=statistics,
    )


def _cents(value: Decimal) -> Decimal:
    rounded = value.quantize(_CENT, rounding=ROUND_HALF_EVEN, context=EXACT)
    return rounded if rounded else abs(rounded)


def total_return(points: Sequence[EquityPoint]) -> float | None:
    """Last equity / first equity - 1."""
    if len(points) < 2 or points[0].equity <= 0:
        return None
    return float(points[-1].equity / points[0].equity - 1)


def cagr(points: Sequence[EquityPoint]) -> float | None:
    """(last / first) ^ (1 / years) - 1 with years of 365.25 days; None without a span, or without equity left."""
    if len(points) < 2 or points[0].equity <= 0 or points[-1].equity <= 0:
        return None
    span = points[-1].ts - points[0].ts
    if span <= 0:
        return None
    exponent = math.log(float(points[-1].equity / points[0].equity)) * YEAR_NS / span
    # Beyond e^700 a float overflows.
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


def trade_statistics(history: SectionHistory) -> TradeStatistics:
    """Count and weigh round trips by their result after fees; one of exactly zero is neither won nor lost.

    Win rate: wins / round trips. Profit factor: sum of wins / sum of losses, None without a loss. Expectancy: mean
    result of a round trip.
    """
    trades: Sequence[Trade] = history.trades
    trips: Sequence[RoundTrip] = history.round_trips
    results = [trip.net for trip in trips]
    wins = [result for result in results if result > 0]
    losses = [result for result in results if result < 0]
    won, lost = _sum(wins), -_sum(losses)
    realised, fees = _cents(history.realised), _cents(history.fees)
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
        realised_pnl=realised - fees,
        fees=fees,
        fees_pending=sum(trade.fee_pending for trade in trades),
        traded_value=_cents(_sum([value_of(trade.contract, trade.quantity, trade.price) for trade in trades])),
    )


def _sum(values: Sequence[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def _average(values: Sequence[Decimal]) -> Decimal | None:
    return _cents(_sum(values) / len(values)) if values else None
