"""The wiring: makes the modules and hands each what it needs of the others. Called by the orchestrator alone.

Both drivers build the same modules here; only the edges (clock, inboxes, adapter, sinks) differ.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from tradingd.assembly.config import (
    data_config,
    execution_config,
    hosted_strategies,
    portfolio_config,
    reporting_config,
    risk_config,
)
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.books import Books
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import MarketDataEvent
from tradingd.core.performance import PerformanceReportData
from tradingd.core.signals import StrategySignal
from tradingd.core.statement import Statement
from tradingd.execution.price_watch import PriceWatch
from tradingd.feeds.base import BarHistory
from tradingd.journal.projection import Projection
from tradingd.modules.broker_interface import BrokerInterface
from tradingd.modules.configuration_manager import ConfigurationManager
from tradingd.modules.data_handler import DataHandler
from tradingd.modules.execution_engine import ExecutionEngine
from tradingd.modules.portfolio_manager import PortfolioManager
from tradingd.modules.reporting_engine import Report, ReportingEngine
from tradingd.modules.risk_manager import RiskManager
from tradingd.modules.strategy_engine import StrategyEngine, StrategyEvent
from tradingd.modules.trade_logger import LoggedEvent, TradeLogger
from tradingd.runtime.clock import Clock
from tradingd.runtime.events import ExecutionEvent, StrategyFailed
from tradingd.runtime.inbox import ConflatingInbox, Inbox, LocalInbox, QueueInbox
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.runtime.module import ClockTick, Module, Part
from tradingd.runtime.ports import MarketLookup, Spawn
from tradingd.settings.changes import FileEdit, nothing_edited
from tradingd.settings.root import Settings

TakeStatement: TypeAlias = Callable[[BrokerAdapter, date, Callable[[], int]], Awaitable[Statement]]

IsOurs: TypeAlias = Callable[[ClientOrderId], bool]
"""Tells our order ids from others'."""


@dataclass(frozen=True)
class Inboxes:
    """One inbox for each module that is driven by events."""

    data: Inbox[ClockTick]
    strategies: Inbox[StrategyEvent]
    execution: Inbox[ExecutionEvent | StrategySignal | StrategyFailed]
    portfolio: Inbox[ClockTick]
    risk: Inbox[ClockTick]
    configuration: Inbox[ClockTick]
    logger: Inbox[LoggedEvent]
    reporting: Inbox[ClockTick]

    @classmethod
    def live(cls) -> "Inboxes":
        """Bounded queues between tasks."""
        return cls(
            data=QueueInbox("data_handler", capacity=64),
            strategies=ConflatingInbox("strategy_engine", capacity=1024),
            execution=QueueInbox("execution_engine", capacity=1024),
            portfolio=QueueInbox("portfolio_manager", capacity=64),
            risk=QueueInbox("risk_manager", capacity=64),
            configuration=QueueInbox("configuration_manager", capacity=64),
            logger=QueueInbox("trade_logger", capacity=32_768),
            reporting=QueueInbox("reporting_engine", capacity=64),
        )

    @classmethod
    def local(cls) -> "Inboxes":
        """Plain queues of one thread."""
        return cls(
            data=LocalInbox(),
            strategies=LocalInbox(),
            execution=LocalInbox(),
            portfolio=LocalInbox(),
            risk=LocalInbox(),
            configuration=LocalInbox(),
            logger=LocalInbox(),
            reporting=LocalInbox(),
        )


async def at_once() -> None:
    """Wait for nothing."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """What the modules meet the outside world through; what is left out is a run without that part of the world."""

    clock: Clock
    journal_id: str
    make_adapter: Callable[[BrokerSink, IsOurs], BrokerAdapter]
    spawn: Spawn
    measure: Callable[[int, int], PerformanceReportData]
    render_report: Callable[[Report], str]
    sample_interval_ns: int
    kill_switch: KillSwitch = field(default_factory=KillSwitch)
    asks_venue: bool = True
    """Whether the venue is asked on timers; a replay's venue has nothing to say that it has not said."""
    database: Projection | None = None
    market_sinks: tuple[Callable[[MarketDataEvent], None], ...] = ()
    histories: tuple[BarHistory, ...] = ()
    until_quiescent: Callable[[], Awaitable[None]] = at_once
    """What a feed that can pause waits for before each of its events."""
    report_folder: Path | None = None
    on_reconciled: Callable[[], None] = lambda: None
    take_statement: TakeStatement | None = None
    """Takes a day's statement from an adapter; the last argument counts what enters the books meanwhile."""
    file_stamp: Callable[[], object] = lambda: None
    """Tells one state of the configuration file from another."""
    examine_file: Callable[[], Awaitable[FileEdit]] = nothing_edited
    """Tells what an edit of the configuration file changes, and what the next start would do."""


@dataclass(frozen=True)
class Modules:
    """The modules, wired."""

    data: DataHandler
    strategies: StrategyEngine
    execution: ExecutionEngine
    broker: BrokerInterface
    portfolio: PortfolioManager
    risk: RiskManager
    configuration: ConfigurationManager
    logger: TradeLogger
    reporting: ReportingEngine

    def driven(self) -> tuple[Module[Any], ...]:
        """Those that events drive, in the order of their start."""
        return tuple(part for part in self.in_start_order() if isinstance(part, Module))

    def in_start_order(self) -> tuple[Part, ...]:
        """Each after everything that it depends on; a stop goes the other way."""
        return (
            self.logger,
            self.configuration,
            self.portfolio,
            self.risk,
            self.broker,
            self.execution,
            self.strategies,
            self.data,
            self.reporting,
        )

    def listeners(self) -> tuple[Module[Any], ...]:
        """Those that want to know the time."""
        return (
            self.data,
            self.strategies,
            self.execution,
            self.portfolio,
            self.risk,
            self.configuration,
            self.reporting,
        )


def build(settings: Settings, books: Books, inboxes: Inboxes, edges: Edges, logger: TradeLogger) -> Modules:
    """Make the modules and hand each what it needs of the others.

    The logger comes ready made: it is the first module, and what the edges are made of already writes to it.
    """
    kernel = Kernel(clock=edges.clock, books=books, journal=logger, log=logger, kill_switch=edges.kill_switch)
    hosted = hosted_strategies(settings)

    def is_ours(order_id: ClientOrderId) -> bool:
        return edges.journal_id in order_id or order_id in books.orders

    broker = BrokerInterface(
        kernel, lambda sink: edges.make_adapter(sink, is_ours), execution=inboxes.execution, spawn=edges.spawn
    )
    portfolio = PortfolioManager(
        inboxes.portfolio,
        kernel,
        portfolio_config(settings, edges.sample_interval_ns),
        unpriced=lambda symbol: data.unpriced(symbol),  # noqa: PLW0108 - the data handler is made after it
        measure=edges.measure,
    )
    watch, database = PriceWatch(inboxes.execution), edges.database
    data = DataHandler(
        inboxes.data,
        data_config(settings, hosted, edges.clock),
        clock=edges.clock,
        log=logger,
        market_sinks=(*edges.market_sinks, portfolio.on_market_data, watch.on_market_data),
        strategies=inboxes.strategies,
        bar_store=None if database is None else database.put,
        histories=(*(() if database is None else (database,)), *edges.histories, broker.adapter),
        until_quiescent=edges.until_quiescent,
    )
    market = MarketLookup(data.latest, data.age_ns, broker.instrument)
    risk = RiskManager(inboxes.risk, kernel, risk_config(settings), market=market)
    strategies = StrategyEngine(
        inboxes.strategies, kernel, hosted, signals=inboxes.execution, log_signal=logger.log_signal
    )
    execution = ExecutionEngine(
        inboxes.execution,
        kernel,
        execution_config(settings, order_id_prefix=f"{edges.journal_id}{books.run}", asks_venue=edges.asks_venue),
        market=market,
        watch=watch,
        risk=risk,
        ledger=portfolio,
        broker=broker,
        strategies=inboxes.strategies,
        signal_taken=strategies.signal_taken,
        on_reconciled=edges.on_reconciled,
    )
    configuration = ConfigurationManager(
        inboxes.configuration,
        settings=settings,
        file_stamp=edges.file_stamp,
        examine_file=edges.examine_file,
        spawn=edges.spawn,
        log=logger,
    )
    take_statement = edges.take_statement
    reporting = ReportingEngine(
        inboxes.reporting,
        reporting_config(settings, edges.report_folder, edges.render_report),
        performance=edges.measure,
        risk=risk.get_current_risk_metrics,
        trades=logger.get_trade_history,
        statement=None
        if take_statement is None
        else lambda day: take_statement(broker.adapter, day, execution.books_version),
        spawn=edges.spawn,
        log=logger,
    )
    return Modules(
        data=data,
        strategies=strategies,
        execution=execution,
        broker=broker,
        portfolio=portfolio,
        risk=risk,
        configuration=configuration,
        logger=logger,
        reporting=reporting,
    )
