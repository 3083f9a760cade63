"""The wiring: makes the modules and hands each what it needs of the others. Called by the orchestrator alone.

Both drivers build the same modules here; only the edges (clock, inboxes, adapter, sinks) differ.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.books import Books
from tradingd.core.entries import AccountOpened
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND, MarketDataEvent
from tradingd.core.performance import PerformanceReportData
from tradingd.core.reconcile import NEVER
from tradingd.core.repeats import RefusalGuard, RepeatGuard
from tradingd.core.signals import StrategySignal
from tradingd.core.statement import Statement
from tradingd.core.venue_view import VenueSnapshot
from tradingd.execution.admission import Admission
from tradingd.execution.correction_limit import CorrectionLimit
from tradingd.execution.in_flight import InFlight
from tradingd.execution.order_factory import OrderFactory
from tradingd.execution.plan_drafts import PlanDrafts
from tradingd.execution.plan_runner import PlanRunner
from tradingd.execution.price_watch import PriceWatch
from tradingd.execution.reconciler import Reconciler
from tradingd.execution.reconciliation import Reconciliation
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
from tradingd.reporting.statement import render_statement_json, render_statement_markdown
from tradingd.runtime.clock import Clock
from tradingd.runtime.events import ExecutionEvent, StrategyFailed
from tradingd.runtime.inbox import ConflatingInbox, Inbox, LocalInbox, QueueInbox
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.runtime.module import ClockTick, Module, Part
from tradingd.runtime.ports import Spawn
from tradingd.settings.changes import FileEdit, nothing_edited
from tradingd.settings.params import import_strategy, make_strategy, validate_params
from tradingd.settings.root import Settings
from tradingd.settings.to_core import (
    cadence,
    next_close,
    patience,
    price_due,
    reconciliation_scope,
    risk_limits,
    risk_rules,
    symbol_plans,
    to_ns,
    trading_days,
)
from tradingd.strategies.base import Strategy

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
    latch: KillSwitch = field(default_factory=KillSwitch)
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

    adapter: BrokerAdapter
    venue_sync: Reconciliation
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


def build_strategies(settings: Settings) -> list[tuple[Strategy[Any], int]]:
    """Make every strategy of the configuration that is not retired, with the length of its bars."""
    built: list[tuple[Strategy[Any], int]] = []
    for entry in settings.strategies:
        if entry.retired:
            continue
        strategy_class = import_strategy(entry.class_path)
        params = validate_params(strategy_class, entry.params)
        built.append((make_strategy(strategy_class, entry.id, entry.symbols, params), entry.interval_ns))
    return built


def build(settings: Settings, books: Books, inboxes: Inboxes, edges: Edges, logger: TradeLogger) -> Modules:
    """Make the modules and hand each what it needs of the others.

    The logger comes ready made: it is the first module, and what the edges are made of already writes to it.
    """
    broker = BrokerInterface(
        lambda sink: edges.make_adapter(
            sink, lambda order_id: edges.journal_id in order_id or order_id in books.orders
        ),
        orders=books.orders,
        execution=inboxes.execution,
        spawn=edges.spawn,
        latch=edges.latch,
        log=logger,
    )
    adapter = broker.adapter
    portfolio = PortfolioManager(
        inboxes.portfolio,
        books=books,
        journal=logger,
        log=logger,
        clock=edges.clock,
        sample_interval_ns=edges.sample_interval_ns,
        days=trading_days(settings),
        measure=edges.measure,
        unpriced=lambda symbol: data.unpriced(symbol),  # noqa: PLW0108 - the data handler is made after it
    )
    database = edges.database
    built = build_strategies(settings)
    readers = [strategy for strategy, _ in built if type(strategy).on_tick is not Strategy.on_tick]
    watch = PriceWatch(inboxes.execution)
    data = DataHandler(
        inboxes.data,
        plans=symbol_plans(settings),
        market_sinks=(*edges.market_sinks, portfolio.on_market_data, watch.on_market_data),
        strategies=inboxes.strategies,
        tick_readers=frozenset(symbol for strategy in readers for symbol in strategy.symbols),
        bar_store=None if database is None else database.put,
        histories=(*(() if database is None else (database,)), *edges.histories, adapter),
        until_quiescent=edges.until_quiescent,
        log=logger,
        clock=edges.clock,
        max_move_pct=settings.data.max_move_pct,
        stale_after_ns=round(settings.data.stale_after_s * NS_PER_SECOND),
        due=price_due(settings, edges.clock.now_ns),
    )
    risk = RiskManager(
        inboxes.risk,
        books=books,
        rules=risk_rules(settings),
        limits=risk_limits(settings),
        latest=data.latest,
        age_of=data.age_ns,
        instrument_of=broker.instrument,
        journal=logger,
        log=logger,
        clock=edges.clock,
        latch=edges.latch,
        annualisation_days=int(settings.reporting.annualisation_days),
    )
    execution_settings = settings.execution
    venue_sync = Reconciliation(
        books=books,
        reconciler=Reconciler(books, scope=reconciliation_scope(settings)),
        in_flight=InFlight(
            books.orders,
            edges.clock,
            interval_ns=to_ns(execution_settings.in_flight_interval_s),
            grace_ns=to_ns(execution_settings.unknown_grace_s),
            former_grace_ns=to_ns(settings.broker.answer_within_s),
            alarm_after_ns=to_ns(execution_settings.alarm_after_s),
        ),
        bound=CorrectionLimit(
            edges.clock,
            most=execution_settings.max_corrections,
            max_value=execution_settings.max_correction_value,
            max_unexplained_cash=execution_settings.max_unexplained_cash,
        ),
        broker=broker,
        journal=logger,
        risk=risk,
        log=logger,
        clock=edges.clock,
        account_of=lambda snapshot: account_opened(settings, snapshot),
        cadence=cadence(settings) if edges.asks_venue else NEVER,
        halt_on_external=execution_settings.external == "halt",
        busy=lambda: len(inboxes.execution) > 0,
        on_reconciled=edges.on_reconciled,
    )
    strategies = StrategyEngine(
        inboxes.strategies,
        strategies=built,
        signals=inboxes.execution,
        books=books,
        journal=logger,
        log=logger,
        log_signal=logger.log_signal,
        clock=edges.clock,
        callback_budget_ns={entry.id: entry.callback_budget_ms * 1_000_000 for entry in settings.strategies},
    )
    builder = OrderFactory(
        clock=edges.clock,
        latest=data.latest,
        instrument_of=broker.instrument,
        prefix=f"{edges.journal_id}{books.run}",
    )
    admission = Admission(
        books=books,
        journal=logger,
        risk=risk,
        broker=broker,
        instrument_of=broker.instrument,
        venue=venue_sync,
        retired=frozenset(entry.id for entry in settings.strategies if entry.retired),
    )
    plans = PlanRunner(
        books=books,
        journal=logger,
        log=logger,
        clock=edges.clock,
        builder=builder,
        drafts=PlanDrafts(
            books=books,
            builder=builder,
            model=lambda: broker.model,
            latest=data.latest,
            patience=patience(settings),
            limits=admission.limits,
        ),
        watch=watch,
        latest=data.latest,
        ready=lambda: venue_sync.reconciled and logger.shortage is None,
    )
    execution = ExecutionEngine(
        inboxes.execution,
        books=books,
        journal=logger,
        log=logger,
        clock=edges.clock,
        risk=risk,
        ledger=portfolio,
        broker=broker,
        strategies=inboxes.strategies,
        signal_taken=strategies.signal_taken,
        builder=builder,
        venue=venue_sync,
        latch=edges.latch,
        repeats=RepeatGuard(settings.risk.max_repeated_orders),
        refusals=RefusalGuard(settings.risk.max_refused_orders),
        admission=admission,
        plans=plans,
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
        statement=None
        if take_statement is None
        else lambda day: take_statement(adapter, day, lambda: venue_sync.in_flight.books_version),
        next_close=next_close(settings),
        render_statement=(render_statement_json, render_statement_markdown),
        performance=edges.measure,
        days=trading_days(settings),
        risk=risk.get_current_risk_metrics,
        trades=logger.get_trade_history,
        render=edges.render_report,
        folder=edges.report_folder,
        spawn=edges.spawn,
        log=logger,
    )
    return Modules(
        adapter=adapter,
        venue_sync=venue_sync,
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


def account_opened(settings: Settings, snapshot: VenueSnapshot) -> AccountOpened:
    """The journal's record of the account that it belongs to."""
    account = snapshot.account
    return AccountOpened(
        broker=settings.broker.kind,
        account_id=account.account_id,
        account_kind=account.account_kind,
        currency=account.currency,
        cash=account.cash,
    )
