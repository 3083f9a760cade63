"""A performance report as aligned plain text for a terminal, a mail or a file."""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from tradingd.core.performance import PerformanceReportData, PerformanceSection, TradeStatistics
from tradingd.reporting.encoding import rfc3339

_ABSENT = "-"
_CENT = Decimal("0.01")
_COLUMNS = 4
"""Sections beside each other; more go below."""
_GAP = "  "


def _money(value: Decimal | None) -> str:
    if value is None:
        return _ABSENT
    rounded = value.quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{rounded if rounded else abs(rounded):,.2f}"


def _percent(value: float | None) -> str:
    return _ABSENT if value is None else f"{_unsigned_zero(value * 100, 2)} %"


def _ratio(value: float | None) -> str:
    return _ABSENT if value is None else _unsigned_zero(value, 2)


def _unsigned_zero(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def _moment(ts: int | None) -> str:
    return _ABSENT if ts is None else rfc3339(ts)[:16].replace("T", " ")


_ROWS: tuple[tuple[str, Callable[[PerformanceSection], str]] | None, ...] = (
    ("Starting equity", lambda s: _money(s.starting_equity)),
    ("Ending equity", lambda s: _money(s.ending_equity)),
    ("Profit", lambda s: _money(s.profit)),
    ("Return", lambda s: _percent(s.total_return)),
    ("Yearly growth (CAGR)", lambda s: _percent(s.cagr)),
    None,
    ("Volatility, yearly", lambda s: _percent(s.volatility)),
    ("Sharpe ratio", lambda s: _ratio(s.sharpe)),
    ("Sortino ratio", lambda s: _ratio(s.sortino)),
    ("Calmar ratio", lambda s: _ratio(s.calmar)),
    None,
    ("Largest drawdown", lambda s: _ABSENT if s.drawdown is None else _percent(s.drawdown.fraction)),
    ("  amount", lambda s: _ABSENT if s.drawdown is None else _money(s.drawdown.amount)),
    ("  peak", lambda s: _ABSENT if s.drawdown is None else _moment(s.drawdown.ts_peak)),
    ("  trough", lambda s: _ABSENT if s.drawdown is None else _moment(s.drawdown.ts_trough)),
    ("  recovered", lambda s: _ABSENT if s.drawdown is None else _moment(s.drawdown.ts_recovery)),
    None,
    ("Trades", lambda s: f"{s.statistics.trades:,}"),
    ("Round trips", lambda s: f"{s.statistics.round_trips:,}"),
    ("Win rate", lambda s: _percent(s.statistics.win_rate)),
    ("Profit factor", lambda s: _ratio(s.statistics.profit_factor)),
    ("Expectancy", lambda s: _money(s.statistics.expectancy)),
    ("Average win", lambda s: _money(s.statistics.average_win)),
    ("Average loss", lambda s: _money(s.statistics.average_loss)),
    ("Realised, after fees", lambda s: _money(s.statistics.realised_pnl)),
    ("Fees", lambda s: _fees(s.statistics)),
    ("Traded value", lambda s: _money(s.statistics.traded_value)),
    ("Turnover", lambda s: _ratio(s.turnover)),
    ("Time in the market", lambda s: _percent(s.exposure_time)),
)


def _fees(statistics: TradeStatistics) -> str:
    pending = statistics.fees_pending
    return _money(statistics.fees) + (f" ({pending} pending)" if pending else "")


def render_text(report: PerformanceReportData) -> str:
    """The whole report, times in UTC; what is not defined is a dash."""
    lines = [
        f"Performance from {_moment(report.ts_from)} to {_moment(report.ts_to)} UTC",
        f"A year is {report.annualisation_days} days; risk-free rate {_percent(report.risk_free_rate)}",
    ]
    sections = (report.account, *report.strategies)
    for first in range(0, len(sections), _COLUMNS):
        lines += ["", *_table(sections[first : first + _COLUMNS])]
    return "\n".join(lines) + "\n"


def _table(sections: Sequence[PerformanceSection]) -> list[str]:
    label_width = max(len(row[0]) for row in _ROWS if row is not None)
    columns = [[s.name, *("" if row is None else row[1](s) for row in _ROWS)] for s in sections]
    widths = [max(map(len, column)) for column in columns]
    labels = ["", *("" if row is None else row[0] for row in _ROWS)]
    lines = []
    for number, label in enumerate(labels):
        cells = [column[number].rjust(width) for column, width in zip(columns, widths, strict=True)]
        lines.append(_GAP.join([label.ljust(label_width), *cells]).rstrip())
    return lines
