"""A performance report as aligned plain text for a terminal, a mail or a file."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TypeAlias

from tradingd.core import numbers
from tradingd.core.numbers import ABSENT
from tradingd.core.performance import PerformanceReportData, PerformanceSection
from tradingd.reporting.table import WIDTH, Column, table
from tradingd.reporting.times import Times

_Row: TypeAlias = tuple[str, Callable[[PerformanceSection, Times], str]] | None


def _fees(section: PerformanceSection, times: Times) -> str:
    pending = section.statistics.fees_pending
    return numbers.money(section.fees) + (f" ({pending} pending)" if pending else "")


def _fall(section: PerformanceSection, times: Times) -> str:
    return ABSENT if section.drawdown is None else numbers.share(section.drawdown.fraction)


_ROWS: tuple[_Row, ...] = (
    ("Starting equity", lambda s, _: numbers.money(s.starting_equity)),
    ("Deposits, withdrawals", lambda s, _: numbers.money(s.flows)),
    ("Ending equity", lambda s, _: numbers.money(s.ending_equity)),
    None,
    ("Realised", lambda s, _: numbers.money(s.realised)),
    ("Unrealised", lambda s, _: numbers.money(s.unrealised)),
    ("Fees", _fees),
    ("Profit", lambda s, _: numbers.money(s.profit)),
    ("Return", lambda s, _: numbers.share(s.total_return)),
    ("Yearly growth (CAGR)", lambda s, _: numbers.share(s.cagr)),
    None,
    ("Volatility, yearly", lambda s, _: numbers.share(s.volatility)),
    ("Sharpe ratio", lambda s, _: numbers.ratio(s.sharpe)),
    ("Sortino ratio", lambda s, _: numbers.ratio(s.sortino)),
    ("Calmar ratio", lambda s, _: numbers.ratio(s.calmar)),
    None,
    ("Largest drawdown", _fall),
    ("  amount", lambda s, _: ABSENT if s.drawdown is None else numbers.money(s.drawdown.amount)),
    ("  peak", lambda s, times: ABSENT if s.drawdown is None else times.minute(s.drawdown.ts_peak)),
    ("  trough", lambda s, times: ABSENT if s.drawdown is None else times.minute(s.drawdown.ts_trough)),
    ("  recovered", lambda s, times: ABSENT if s.drawdown is None else times.minute(s.drawdown.ts_recovery)),
    None,
    ("Trades", lambda s, _: f"{s.statistics.trades:,}"),
    ("Round trips", lambda s, _: f"{s.statistics.round_trips:,}"),
    ("Win rate", lambda s, _: numbers.share(s.statistics.win_rate)),
    ("Profit factor", lambda s, _: numbers.ratio(s.statistics.profit_factor)),
    ("Expectancy", lambda s, _: numbers.money(s.statistics.expectancy)),
    ("Average win", lambda s, _: numbers.money(s.statistics.average_win)),
    ("Average loss", lambda s, _: numbers.money(s.statistics.average_loss)),
    ("Traded value", lambda s, _: numbers.money(s.statistics.traded_value)),
    ("Turnover", lambda s, _: numbers.ratio(s.turnover)),
    ("Time in the market", lambda s, _: numbers.share(s.exposure_time)),
)


def render_text(report: PerformanceReportData, times: Times) -> str:
    """The whole report; what is not defined is a dash."""
    zone = "" if report.ts_to is None else f" {times.zone(report.ts_to)}"
    lines = [
        f"Performance from {times.minute(report.ts_from)} to {times.minute(report.ts_to)}{zone}",
        f"A year is {report.annualisation_days} days; risk-free rate {numbers.share(report.risk_free_rate)}",
    ]
    if report.not_annualised and report.ts_from is not None:
        lines += wrap(f"No growth a year, volatility or ratios: {report.not_annualised}", WIDTH)
    for block in _blocks((report.account, *report.strategies), times):
        lines += ["", *block]
    return "\n".join(lines) + "\n"


def _blocks(sections: Sequence[PerformanceSection], times: Times) -> list[list[str]]:
    """Tables of as many sections beside each other as a terminal has room for; more go below."""
    blocks: list[list[str]] = []
    first = 0
    for last in range(1, len(sections) + 1):
        lines = _table(sections[first:last], times)
        if last - first > 1 and max(map(len, lines)) > WIDTH:
            first = last - 1
            blocks.append(_table(sections[first:last], times))
        elif last - first > 1:
            blocks[-1] = lines
        else:
            blocks.append(lines)
    return blocks


def _table(sections: Sequence[PerformanceSection], times: Times) -> list[str]:
    columns = [Column(""), *(Column(section.name, is_figure=True) for section in sections)]
    rows = []
    for row in _ROWS:
        cells = [""] * len(sections) if row is None else [row[1](section, times) for section in sections]
        rows.append(["" if row is None else row[0], *cells])
    return table(columns, rows)
