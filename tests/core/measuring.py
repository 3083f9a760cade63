"""Histories of an account with only what a test of figures cares about."""

from collections.abc import Sequence
from decimal import Decimal

from tradingd.core.account_history import AccountHistory, SectionHistory, utc_day
from tradingd.core.equity_curve import EquityPoint
from tradingd.core.orders import Trade
from tradingd.core.performance import PerformanceReportData, measure
from tradingd.core.round_trips import fold_trades

D = Decimal


def section(name: str, points: Sequence[EquityPoint], trades: Sequence[Trade]) -> SectionHistory:
    """One column whose trades begin from flat."""
    history = fold_trades(trades)
    fees = sum((trade.fee for trade in trades), D(0))
    return SectionHistory(
        name=name,
        points=tuple(points),
        trades=tuple(trades),
        round_trips=history.round_trips,
        intervals=history.intervals,
        realised=sum((trip.gross for trip in history.round_trips), D(0)),
        fees=fees,
    )


def measured(
    points: Sequence[EquityPoint],
    trades: Sequence[Trade],
    *,
    annualisation_days: int = 252,
    risk_free_rate: float = 0.0,
    min_days: int = 0,
) -> PerformanceReportData:
    """Measure an account and, on the same curve, each strategy that traded."""
    names = sorted({trade.strategy_id for trade in trades})
    strategies = tuple(section(name, points, [one for one in trades if one.strategy_id == name]) for name in names)
    return measure(
        AccountHistory(account=section("account", points, trades), strategies=strategies),
        annualisation_days=annualisation_days,
        risk_free_rate=risk_free_rate,
        day_of=utc_day,
        min_days=min_days,
    )
