"""Reporting engine: what trading came to.

Owns: nothing durable. Reads: performance, risk and trade history, by the three pulls it is given, and the venue's side
of the day. Emits: the report at the end of each trading day and the statement after each session, as files and lines of
the log. Never: stands in the way of trading: a report that cannot be made is said and left out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import Trade
from tradingd.core.performance import PerformanceReportData
from tradingd.core.risk_metrics import RiskMetrics
from tradingd.core.statement import Standing, Statement
from tradingd.core.trading_day import TradingDays
from tradingd.errors import TradingdError
from tradingd.runtime.inbox import Inbox
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import EventLog, Spawn

STATEMENT_DELAY_NS = 600 * NS_PER_SECOND
"""How long after a close the statement is taken: late executions are in by then."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report shows."""

    performance: PerformanceReportData
    risk: RiskMetrics
    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportingConfig:
    """Frozen for a run."""

    days: TradingDays
    next_close: Callable[[int], int]
    folder: Path | None
    """Where files go; without one there are none."""
    render: Callable[[Report], str]
    render_statement: tuple[Callable[[Statement], str], Callable[[Statement], str]]


class ReportingEngine(Module[ClockTick]):
    """Maker of reports."""

    name = "reporting_engine"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        config: ReportingConfig,
        *,
        performance: Callable[[int, int], PerformanceReportData],
        risk: Callable[[], RiskMetrics],
        trades: Callable[[int, int], Sequence[Trade]],
        statement: Callable[[date], Awaitable[Statement]] | None,
        spawn: Spawn,
        log: EventLog,
    ) -> None:
        super().__init__(inbox)
        self._days = config.days
        self._next_close = config.next_close
        self._folder = config.folder
        self._render = config.render
        self._render_statement = config.render_statement
        self._performance = performance
        self._risk = risk
        self._trades = trades
        self._statement = statement
        self._spawn = spawn
        self._log = log
        self._day: int | None = None
        self._session_close_ns = 0

    def generate(self, start_date: int, end_date: int) -> Report:
        """Measure the performance of `[start_date, end_date)` and risk now, and collect the trades.

        Reads the journal's files.
        """
        return Report(
            performance=self._performance(start_date, end_date),
            risk=self._risk(),
            trades=tuple(self._trades(start_date, end_date)),
        )

    def handle(self, event: ClockTick) -> None:
        """Write the report of a day that has ended, and the statement of a session."""
        self._follow_session(event.now_ns)
        day = self._days.number(event.now_ns)
        ended, self._day = self._day, day
        if ended is not None and ended != day and self._folder is not None:
            self._spawn(self._write_day(ended, self._folder), "reporting:day")

    def _follow_session(self, now_ns: int) -> None:
        close_ns = self._session_close_ns
        if not close_ns:
            self._session_close_ns = self._next_close(now_ns)
        elif now_ns >= close_ns + STATEMENT_DELAY_NS:
            self._session_close_ns = self._next_close(now_ns)
            if self._statement is not None and self._folder is not None:
                day = self._days.date(close_ns - 1)
                self._spawn(self._write_statement(self._statement(day), day, self._folder), "reporting:statement")

    async def _write_statement(self, taking: Awaitable[Statement], day: date, folder: Path) -> None:
        path = folder / f"statement-{day.isoformat()}.json"
        try:
            statement = await taking
            for render, suffix in zip(self._render_statement, (".json", ".md"), strict=True):
                await asyncio.to_thread(_write, path.with_suffix(suffix), render(statement))
        except (OSError, TradingdError) as error:
            self._log.log_event(
                Level.ERROR,
                f"the statement of {day} could not be taken (`tradingd statement --date {day}` does it): {error}",
                {"file": str(path)},
                event=LogEvent.REPORT_FAILED,
                module=self.name,
            )
            return
        levels = {Standing.CLEAN: Level.INFO, Standing.EXPLAINED: Level.WARNING, Standing.OPEN: Level.ERROR}
        differences = len(statement.differences)
        self._log.log_event(
            levels[statement.standing],
            f"the statement of {day} is {statement.standing.value}: {differences} differences, see {path.name}",
            {"file": str(path), "standing": statement.standing.value, "differences": differences},
            event=LogEvent.REPORT_STATEMENT,
            module=self.name,
        )

    async def _write_day(self, day: int, folder: Path) -> None:
        ended = self._days.date_of(day)
        path = folder / f"day-{ended.isoformat()}.json"
        try:
            # Reading a long journal takes longer than the loop may wait.
            report = await asyncio.to_thread(self.generate, *self._days.bounds(ended))
            await asyncio.to_thread(_write, path, self._render(report))
        except (OSError, TradingdError) as error:
            self._log.log_event(
                Level.ERROR,
                f"the day's report could not be made, trading goes on: {error}",
                {"file": str(path)},
                event=LogEvent.REPORT_FAILED,
                module=self.name,
            )
            return
        account = report.performance.account
        self._log.log_event(
            Level.INFO,
            f"the day's report is in {path.name}",
            {"file": str(path), "equity": account.ending_equity, "trades": len(report.trades)},
            event=LogEvent.REPORT_GENERATED,
            module=self.name,
        )
        self._sum_up(ended, report.performance)

    def _sum_up(self, day: date, performance: PerformanceReportData) -> None:
        """Say in one line what a day came to."""
        account = performance.account
        if account.profit is None:
            return
        flows = f", deposits and withdrawals {account.flows:+,.2f}" if account.flows else ""
        self._log.log_event(
            Level.INFO,
            f"{day}: profit {account.profit:+,.2f} (realised {account.realised:+,.2f}, unrealised "
            f"{account.unrealised:+,.2f}, fees {account.fees:,.2f}){flows}, equity {account.ending_equity:,.2f}, "
            f"{account.statistics.trades} trades",
            {
                "day": day.isoformat(),
                "profit": account.profit,
                "by_strategy": {section.name: section.profit for section in performance.strategies},
            },
            event=LogEvent.PORTFOLIO_DAY,
            module=self.name,
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.rename(path)
