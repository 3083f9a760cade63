"""Whole reports, as people and programs get them."""

import json
from datetime import UTC
from decimal import Decimal

import msgspec
from tests.core.measuring import measured
from tradingd.core.equity_curve import EquityPoint
from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import DAY_NS
from tradingd.core.orders import Side, Trade
from tradingd.core.performance import PerformanceReportData
from tradingd.reporting.json import render_json
from tradingd.reporting.text import render_text
from tradingd.reporting.times import Times

UTC_TIMES = Times(UTC)
START_NS = 1_772_409_600_000_000_000  # 2026-03-02


def make_trade(side: Side, quantity: str, price: str, fee: str, *, day: int, strategy: str = "momentum") -> Trade:
    return Trade(
        execution_id=ExecutionId(f"x{day}"),
        client_order_id=ClientOrderId("c"),
        venue_order_id=VenueOrderId("v"),
        strategy_id=StrategyId(strategy),
        symbol=Symbol("AAPL"),
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        trace_id=TraceId("t"),
        ts_event=START_NS + day * DAY_NS,
        ts_recv=START_NS + day * DAY_NS,
    )


def make_report() -> PerformanceReportData:
    equity = [100_000, 100_000, 99_000, 101_500, 101_500]
    return measured(
        [EquityPoint(START_NS + day * DAY_NS, Decimal(value)) for day, value in enumerate(equity)],
        [make_trade(Side.BUY, "100", "150", "1.5", day=1), make_trade(Side.SELL, "100", "165.03", "1.5", day=3)],
        annualisation_days=252,
    )


def test_the_text_of_a_report() -> None:
    assert (
        render_text(make_report(), UTC_TIMES)
        == """\
Performance from 2026-03-02 00:00 to 2026-03-06 00:00 UTC
A year is 252 days; risk-free rate 0.00 %

                                account          momentum
Starting equity              100,000.00        100,000.00
Deposits, withdrawals              0.00              0.00
Ending equity                101,500.00        101,500.00

Realised                       1,503.00          1,503.00
Unrealised                         0.00              0.00
Fees                               3.00              3.00
Profit                         1,500.00          1,500.00
Return                           1.50 %            1.50 %
Yearly growth (CAGR)           289.43 %          289.43 %

Volatility, yearly              23.89 %           23.89 %
Sharpe ratio                       4.02              4.02
Sortino ratio                     12.11             12.11
Calmar ratio                     289.43            289.43

Largest drawdown                 1.00 %            1.00 %
  amount                       1,000.00          1,000.00
  peak                 2026-03-03 00:00  2026-03-03 00:00
  trough               2026-03-04 00:00  2026-03-04 00:00
  recovered            2026-03-05 00:00  2026-03-05 00:00

Trades                                2                 2
Round trips                           1                 1
Win rate                       100.00 %          100.00 %
Profit factor                         -                 -
Expectancy                     1,500.00          1,500.00
Average win                    1,500.00          1,500.00
Average loss                          -                 -
Traded value                  31,503.00         31,503.00
Turnover                           0.31              0.31
Time in the market              50.00 %           50.00 %
"""
    )


def test_the_text_of_a_report_of_nothing() -> None:
    text = render_text(measured([], []), UTC_TIMES)
    assert text.splitlines()[0] == "Performance from - to -"
    assert any(line.split() == ["Sharpe", "ratio", "-"] for line in text.splitlines())


def test_why_there_are_no_yearly_figures_fits_a_terminal_too() -> None:
    report = msgspec.structs.replace(make_report(), not_annualised="yearly figures need 30 days, and these are 0.0")
    text = render_text(report, UTC_TIMES)
    assert max(map(len, text.splitlines())) <= 80
    assert "yearly figures need 30 days, and these are 0.0" in " ".join(text.split())


def test_many_strategies_go_below_one_another() -> None:
    trades = [make_trade(Side.BUY, "1", "1", "0", day=1, strategy=f"s{number}") for number in range(5)]
    text = render_text(measured([], trades), UTC_TIMES)
    assert max(map(len, text.splitlines())) <= 80
    heads = " ".join(line for line in text.splitlines() if line.startswith(" "))
    assert [name for name in heads.split() if name.startswith("s")] == ["s0", "s1", "s2", "s3", "s4"]


def test_wide_columns_go_below_one_another_sooner() -> None:
    days = [make_trade(Side.BUY, "1", "1", "0", day=1, strategy=f"strategy-{number}") for number in range(6)]
    equity = [EquityPoint(START_NS + day * DAY_NS, Decimal(100_000 - day)) for day in range(3)]
    text = render_text(measured(equity, days), UTC_TIMES)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("Starting equity") == 3


def test_the_json_of_a_report() -> None:
    document = json.loads(render_json(make_report()))
    account = document["account"]
    assert {key: value for key, value in document.items() if key not in ("account", "strategies")} == {
        "type": "performance_report",
        "ts_from": "2026-03-02T00:00:00.000000000Z",
        "ts_to": "2026-03-06T00:00:00.000000000Z",
        "annualisation_days": 252,
        "risk_free_rate": 0.0,
        "not_annualised": "",
    }
    assert account["drawdown"] == {
        "fraction": 0.01,
        "amount": "1000",
        "ts_peak": "2026-03-03T00:00:00.000000000Z",
        "ts_trough": "2026-03-04T00:00:00.000000000Z",
        "ts_recovery": "2026-03-05T00:00:00.000000000Z",
    }
    assert account["statistics"] == {
        "trades": 2,
        "round_trips": 1,
        "wins": 1,
        "losses": 0,
        "win_rate": 1.0,
        "profit_factor": None,
        "expectancy": "1500.00",
        "average_win": "1500.00",
        "average_loss": None,
        "realised_pnl": "1500.00",
        "fees": "3.00",
        "fees_pending": 0,
        "traded_value": "31503.00",
    }
    assert (account["starting_equity"], account["total_return"], account["exposure_time"]) == ("100000.00", 0.015, 0.5)
    assert [section["name"] for section in document["strategies"]] == ["momentum"]
