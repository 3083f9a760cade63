"""The modules at the edge of the daemon: logger, broker interface, configuration, reports."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.modules.desk import ABC, ONE, START, Desk
from tests.runtime.listening import ListeningLog
from tradingd.core.encoding import to_json
from tradingd.core.identifiers import ClientOrderId, StrategyId
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.core.performance import PerformanceReportData
from tradingd.core.risk_metrics import RiskMetrics
from tradingd.core.sessions import next_new_york_midnight, next_weekday_close
from tradingd.core.statement import Statement
from tradingd.core.trading_day import TradingDays
from tradingd.errors import JournalError, UsageError, VenueUnavailable
from tradingd.journal.history import read_history
from tradingd.modules.reporting_engine import ReportingConfig, ReportingEngine
from tradingd.reporting.day_statement import take_statement
from tradingd.reporting.measure import measure_history
from tradingd.reporting.statement import render_statement_json, render_statement_markdown
from tradingd.runtime.inbox import LocalInbox
from tradingd.runtime.module import ClockTick
from tradingd.settings.changes import FileEdit

D = Decimal
START_DAY = START // DAY_NS


def test_trade_history_is_read_from_the_journal_in_order(desk: Desk) -> None:
    for _ in range(3):
        desk.act(lambda strategy: strategy.buy(ABC, D(1)))
        desk.wait(1)
    trades = desk.logger.get_trade_history(START + 10**9, START + 10**12)
    assert len(trades) == 2
    assert [trade.ts_event for trade in trades] == sorted(trade.ts_event for trade in trades)


def test_after_the_stop_nothing_is_written(desk: Desk) -> None:
    desk.logger.log_event(Level.INFO, "last words", event=LogEvent.DAEMON_STOPPED, module="x")
    desk.stop()
    assert desk.said(LogEvent.DAEMON_STOPPED)[-1].message == "last words"
    with pytest.raises(JournalError, match="closed"):
        desk.modules.risk.resume("cli")


def test_a_stream_that_goes_down_is_said_and_that_it_is_back(desk: Desk) -> None:
    assert desk.modules.broker.stream_up
    desk.stream_down()
    assert not desk.modules.broker.stream_up
    desk.stream_up()
    assert len(desk.said(LogEvent.BROKER_STREAM_DOWN)) == 1
    assert len(desk.said(LogEvent.BROKER_STREAM_UP)) == 2


def test_the_same_question_is_not_asked_twice_at_a_time(desk: Desk) -> None:
    asked: list[tuple[str, Coroutine[Any, Any, None]]] = []
    broker = desk.modules.broker
    broker._spawn = lambda work, name: asked.append((name, work))
    for _ in range(2):
        broker.request_open_orders(0)
        broker.request_snapshot(0, 0, plan_only=False)
        broker.request_order(ClientOrderId("one"), 0)
    assert [name for name, _ in asked] == ["broker:open-orders", "broker:snapshot", "broker:lookup:one"]
    for _, work in asked:
        asyncio.run(work)
    broker.request_snapshot(0, 0, plan_only=False)
    assert len(asked) == 4
    asked[-1][1].close()
    desk.pump()


def test_each_module_gets_its_own_section(desk: Desk) -> None:
    configuration = desk.modules.configuration
    assert configuration.get_setting("risk", "max_orders_per_minute") == 120
    assert configuration.get_strategy_params(ONE) == {}


@pytest.mark.parametrize(
    ("section", "key"), [("nope", "x"), ("risk", "nope"), ("strategies", "x"), ("model_config", "x")]
)
def test_a_setting_that_does_not_exist_is_a_usage_error(desk: Desk, section: str, key: str) -> None:
    with pytest.raises(UsageError, match="there is no"):
        desk.modules.configuration.get_setting(section, key)
    with pytest.raises(UsageError, match="nobody"):
        desk.modules.configuration.get_strategy_params(StrategyId("nobody"))


def test_an_edit_of_the_file_is_said_once(desk: Desk) -> None:
    desk.wait(2)
    assert desk.said(LogEvent.CONFIG_CHANGED) == []
    desk.stamp = 2
    desk.wait(3)
    assert len(desk.said(LogEvent.CONFIG_CHANGED)) == 1
    desk.stamp = 3
    desk.wait(1)
    assert len(desk.said(LogEvent.CONFIG_CHANGED)) == 2


def test_an_edit_is_said_with_every_key_and_with_what_the_next_start_would_do(desk: Desk) -> None:
    desk.stamp = 2
    desk.wait(1)
    gone = 'c.toml:4:1: strategies[0].id: "old" is not in the file'
    desk.stamp, desk.edit = 3, FileEdit(is_readable=False, refusals=(gone, "  - a way"))
    desk.wait(1)
    desk.stamp, desk.edit = 4, FileEdit(unknown="tradingd check did not end within 60 s")
    desk.wait(1)
    desk.stamp, desk.edit = 5, FileEdit(changes=('daemon.state_dir: "a" → "b"',), leaves_state=True)
    desk.wait(1)
    first, second, third, fourth = (line.message for line in desk.said(LogEvent.CONFIG_CHANGED))
    assert "changed: risk.max_daily_loss: 1000 → 500; this process runs on the old one" in first
    assert first.endswith("the next start would take it")
    assert "changed: it cannot be read; " in second
    assert f"the next start would refuse: {gone} (tradingd check shows the ways out)" in second
    assert "the next start would begin a new journal, which knows nothing of what is held" in fourth
    assert third.endswith("what the next start would do is not known: tradingd check did not end within 60 s")


def test_a_report_is_made_of_the_three_pulls(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    desk.wait(61)
    report = desk.modules.reporting.generate(START, START + DAY_NS)
    assert len(report.trades) == 1
    assert isinstance(report.risk, RiskMetrics)
    assert json.loads(to_json(report))["trades"][0]["symbol"] == "ABC"


def measure_desk(desk: Desk) -> Callable[[int, int], PerformanceReportData]:
    """How the desk's journal is measured."""
    days = TradingDays("UTC")
    return lambda start, end: measure_history(read_history(desk.journal, start, end), desk.settings.reporting, days)


async def days_reported(desk: Desk, folder: Path) -> ListeningLog:
    """Let one day end before a reporting engine, and wait for what it does."""
    tasks: list[asyncio.Task[None]] = []
    log, modules = ListeningLog(), desk.modules
    engine = ReportingEngine(
        LocalInbox(),
        ReportingConfig(
            days=TradingDays("UTC"),
            next_close=next_new_york_midnight,
            folder=folder,
            render=to_json,
            render_statement=(render_statement_json, render_statement_markdown),
        ),
        performance=measure_desk(desk),
        risk=modules.risk.get_current_risk_metrics,
        trades=modules.logger.get_trade_history,
        statement=None,
        spawn=lambda work, name: tasks.append(asyncio.create_task(work, name=name)),
        log=log,
    )
    for ts in (START, START + 1, (START_DAY + 1) * DAY_NS, (START_DAY + 1) * DAY_NS + 1):
        engine.handle(ClockTick(ts))
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert len(tasks) == 1
    return log


async def test_a_day_that_has_ended_is_reported_in_a_file(desk: Desk, tmp_path: Path) -> None:
    log = await days_reported(desk, tmp_path / "days")
    assert [path.name for path in (tmp_path / "days").iterdir()] == ["day-2026-01-05.json"]
    assert log.events == [LogEvent.REPORT_GENERATED, LogEvent.PORTFOLIO_DAY]
    assert log.messages[-1] == (
        "2026-01-05: profit +0.00 (realised +0.00, unrealised +0.00, fees 0.00), equity 100,000.00, 0 trades"
    )


async def test_a_report_that_cannot_be_made_is_said_and_nothing_else_happens(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "days").write_text("a file where the folder should be")
    log = await days_reported(desk, tmp_path / "days")
    assert log.events == [LogEvent.REPORT_FAILED]


@pytest.mark.parametrize("reachable", [True, False])
async def test_the_statement_of_a_session_is_taken_after_its_close(desk: Desk, tmp_path: Path, reachable: bool) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    tasks: list[asyncio.Task[None]] = []
    log, modules, days = ListeningLog(), desk.modules, list[date]()

    async def take(day: date) -> Statement:
        days.append(day)
        if not reachable:
            raise VenueUnavailable("no route to host")
        return await take_statement(desk.journal, desk.broker, day, lambda: 0)

    engine = ReportingEngine(
        LocalInbox(),
        ReportingConfig(
            days=TradingDays("UTC"),
            next_close=next_weekday_close,
            folder=tmp_path / "reports",
            render=to_json,
            render_statement=(render_statement_json, render_statement_markdown),
        ),
        performance=measure_desk(desk),
        risk=modules.risk.get_current_risk_metrics,
        trades=modules.logger.get_trade_history,
        statement=take,
        spawn=lambda work, name: tasks.append(asyncio.create_task(work, name=name)),
        log=log,
    )
    for hours in (0, 3, 3.9, 4.1, 4.2, 4.9):  # the desk opens at noon in New York
        engine.handle(ClockTick(START + round(hours * 3600 * NS_PER_SECOND)))
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert days == [date(2026, 1, 5)]
    if reachable:
        assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
            "statement-2026-01-05.json",
            "statement-2026-01-05.md",
        ]
        assert log.events == [LogEvent.REPORT_STATEMENT]
    else:
        assert log.events == [LogEvent.REPORT_FAILED]
