"""From a history of the journal to measured performance."""

from tradingd.core.equity_curve import EquityPoint
from tradingd.core.performance import PerformanceReportData, measure
from tradingd.journal.history import History
from tradingd.settings.sections import ReportingSettings


def measure_history(history: History, settings: ReportingSettings) -> PerformanceReportData:
    """Measure the account and each strategy over a history."""
    points = [EquityPoint(sample.ts, sample.equity) for sample in history.equity]
    return measure(
        points,
        history.trades,
        annualisation_days=int(settings.annualisation_days),
        risk_free_rate=float(settings.risk_free_rate),
    )
