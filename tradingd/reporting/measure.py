"""From a history of the journal to measured performance."""

from tradingd.core.performance import PerformanceReportData, measure
from tradingd.core.trading_day import TradingDays
from tradingd.journal.history import History
from tradingd.settings.sections import ReportingSettings


def measure_history(history: History, settings: ReportingSettings, days: TradingDays) -> PerformanceReportData:
    """Measure the account and each strategy over a history."""
    return measure(
        history.performance,
        annualisation_days=int(settings.annualisation_days),
        risk_free_rate=float(settings.risk_free_rate),
        day_of=days.number,
    )
