"""A performance report as one JSON document for programs."""

from tradingd.core.encoding import to_json
from tradingd.core.performance import PerformanceReportData


def render_json(report: PerformanceReportData) -> str:
    """The whole report; decimals are strings, times RFC 3339 UTC, what is not defined is null."""
    return to_json(report) + "\n"
