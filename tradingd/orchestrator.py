"""Orchestrator: starts the modules in the order of what they depend on, supervises them, and stops them in order.

Owns: the order of things. Reads: the configuration. Emits: readiness, status, exit codes. Never: trades.

Start: journal lock, fold, manifest; venue; modules; broker; history; tasks; reconciliation; feeds; ready.
Stop: gate, feeds, drain, strategies, tasks, broker, venue, manifest, database, journal.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import uvloop

from tradingd.assembly.adapters import build_adapter, build_venue, check_account, require_no_other_journal
from tradingd.assembly.feeds import AnyFeed, build_feeds
from tradingd.assembly.modules import Edges, Modules, build
from tradingd.assembly.next_start import examine_edit
from tradingd.assembly.quiescence import Quiescence
from tradingd.assembly.shutdown import Shutdown, where
from tradingd.assembly.startup import NO_OPTIONS, StartOptions, open_journal
from tradingd.assembly.warm_up import reach, warm_up
from tradingd.control.facade import DaemonFacade
from tradingd.control.server import ControlServer
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.encoding import to_json
from tradingd.core.identifiers import Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.performance import PerformanceReportData
from tradingd.errors import FatalError, JournalError, TradingdError, UsageError
from tradingd.feeds.base import BarHistory
from tradingd.feeds.due import data_due
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.journal.flushing import FlushThread
from tradingd.journal.history import read_history
from tradingd.journal.projection import DatabaseError
from tradingd.journal.segments import JournalLock
from tradingd.journal.writer import Durability
from tradingd.reporting.day_statement import take_statement
from tradingd.reporting.measure import measure_history
from tradingd.runtime.clock import SystemClock
from tradingd.runtime.guard import attempted
from tradingd.runtime.inbox import ConflatingInbox, QueueInbox
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.runtime.live import Supervisor, drive, pulse
from tradingd.runtime.replay import drain
from tradingd.service.account_lock import AccountLock
from tradingd.service.disk_watch import DiskWatch
from tradingd.service.systemd import ServiceManager
from tradingd.service.vitals import Vitals
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.problems import ConfigurationProblems
from tradingd.settings.to_core import to_ns, traded_symbols, trading_days
from tradingd.venue.server import PaperVenue

BEAT_S = 1.0
THREAD_SWITCH_S = 0.0005
"""How long a thread that is done (with a flush, with a query) waits at most for the loop to let it say so."""
LOG_LINGER_S = 0.005
"""How long a log line waits before it is rendered, so that an order's bytes leave first."""


def run_daemon(loaded: LoadedSettings, environ: Mapping[str, str], options: StartOptions = NO_OPTIONS) -> int:
    """Run the daemon until it is told to stop or must; return the exit code."""
    service_manager = ServiceManager(environ)
    os.umask(0o077)  # journal, databases, reports: for this user alone
    paths = StatePaths(loaded.settings.daemon.state_dir)
    try:
        lock = JournalLock(paths.journal)
    except OSError as error:
        _say(f"tradingd: error: {paths.journal}: the journal cannot be opened: {error.strerror}")
        return UsageError.exit_code
    except TradingdError as error:
        _say(f"tradingd: error: {error}")
        return error.exit_code if isinstance(error, FatalError) else FatalError.exit_code
    try:
        return uvloop.run(Orchestrator(loaded, paths, service_manager, options).run())
    except TradingdError as error:
        # Problems of the configuration bring their own place, one a line.
        text = str(error) if isinstance(error, ConfigurationProblems) else f"tradingd: error: {error}"
        _say(text)
        return error.exit_code if isinstance(error, FatalError) else FatalError.exit_code
    finally:
        lock.release()


def _say(text: str) -> None:
    """Print what no log can tell, whether or not somebody reads it."""
    with suppress(OSError):
        print(text, file=sys.stderr)  # noqa: T201


class Orchestrator:
    """One run of the daemon, under the journal's lock."""

    name = "orchestrator"

    def __init__(
        self,
        loaded: LoadedSettings,
        paths: StatePaths,
        service_manager: ServiceManager,
        options: StartOptions = NO_OPTIONS,
    ) -> None:
        self._loaded = loaded
        self._options = options
        self._settings = loaded.settings
        self._paths = paths
        self._service_manager = service_manager
        self._clock = SystemClock()
        self._rng = random.Random()  # noqa: S311 - jitter needs no secrecy
        self._phase = "starting"
        self._is_up = False
        """Whether the modules work: before that an operator can only halt, resume and look."""
        self._stop_signals = 0
        self._venue: PaperVenue | None = None
        self._modules: Modules | None = None
        self._account_lock: AccountLock | None = None
        self._control: ControlServer | None = None
        self._kill_switch = KillSwitch()

    async def run(self) -> int:
        """Start, supervise, stop. Raises what goes wrong before there is a log to tell it."""
        self.initialize()
        starting = asyncio.create_task(self.start(), name="start")
        starting.add_done_callback(self._on_started)
        error = await self._supervisor.wait()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return await self.stop(error)

    def _on_started(self, starting: "asyncio.Task[None]") -> None:
        if not starting.cancelled() and (error := starting.exception()) is not None:
            self._supervisor.fail(error)

    # -- start --------------------------------------------------------------------------------------------------------

    def initialize(self) -> None:
        """Fold the journal and take it over; make the supervisor, and what listens for signals."""
        opened = open_journal(self._loaded, self._paths, self._clock, self._on_database_rebuilt, self._options)
        self._opened = opened
        self._settings = opened.settings
        self.books, self._inboxes, self._logger = opened.books, opened.inboxes, opened.logger
        self._database = opened.database
        self._supervisor = Supervisor(self._logger, self._clock, self._rng)
        self._supervisor.run_fatal("module:trade_logger", drive(self._logger, linger_s=LOG_LINGER_S))
        self._reconciled = asyncio.Event()
        loop = asyncio.get_running_loop()
        if Durability(self._settings.journal.durability) is Durability.POWER:
            opened.journal.flusher = FlushThread(loop.call_soon_threadsafe, self._supervisor.fail)
        sys.setswitchinterval(THREAD_SWITCH_S)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)

    def _log(self, event: LogEvent, message: str, level: Level = Level.INFO, **details: object) -> None:
        self._logger.log_event(level, message, details, event=event, module=self.name)

    def _on_stop_signal(self) -> None:
        self._stop_signals += 1
        if self._stop_signals > 1:
            os._exit(FatalError.exit_code)  # the operator insists; the journal is whole at every instant
        self._supervisor.request_stop()

    def _on_hangup(self) -> None:
        """A closed session or a rotated log: neither asks for an end."""
        self._opened.lines.reopen()
        self._log(LogEvent.LOG_REOPENED, "SIGHUP: the log file is opened anew; nothing else is read")

    def _on_database_rebuilt(self, reason: str) -> None:
        self._log(LogEvent.DATABASE_REBUILT, f"{reason}; it is made anew from the journal", Level.WARNING)

    def _on_feed_problem(self, problem: str, message: str, details: dict[str, object]) -> None:
        self._log(LogEvent.FEED_PROBLEM, message, Level.WARNING, problem=problem, **details)

    async def start(self) -> None:
        """Bring everything up, in the order of what depends on what; ready at the end."""
        try:
            await self._database.open()
        except DatabaseError as error:
            self._log(LogEvent.DATABASE_FAILED, f"{error}; trading goes on without it", Level.ERROR)
        self._supervisor.run_restartable("edge:database", self._database.run)
        if self._settings.broker.kind != "paper":  # its calendar takes a moment to load: now, and beside the loop
            await asyncio.to_thread(NewYorkStockExchange().is_open, self._clock.now_ns())
        feeds = build_feeds(
            self._settings.data.feeds,
            self._settings.broker,
            data_due=partial(data_due, clock=self._clock.now_ns),
            on_problem=self._on_feed_problem,
        )
        modules = await self._build(feeds)
        self._start_control(modules)
        await self._connect(modules)
        for module in modules.in_start_order():
            module.initialize()
        await warm_up(modules, self._clock.now_ns(), self._logger)
        self._start_tasks(modules)
        for module in modules.in_start_order():
            module.start()
        self._is_up = True
        self._service_manager.status("comparing the books with the venue")
        await self._reconciled.wait()
        for feed in feeds:
            self._supervisor.run_restartable(f"feed:{feed.name}", partial(feed.run, modules.data), once=True)
        self._phase = "trading"
        summary = f"{self.books.orders.open_count} orders open, equity {self.books.portfolio.equity():,.2f}"
        self._log(LogEvent.DAEMON_READY, f"ready: {summary}", socket=str(self._paths.control_socket))
        self._service_manager.ready(summary)

    async def _build(self, feeds: list[AnyFeed]) -> Modules:
        settings = self._settings
        symbols = tuple(dict.fromkeys(Symbol(symbol) for feed in feeds for symbol in feed.symbols))
        if settings.broker.kind == "paper":
            self._venue, settings = build_venue(
                settings,
                database=self._paths.venue_database,
                symbols=symbols,
                clock=self._clock.now_ns,
                log=self._logger,
            )
            await self._venue.start()
            for feed in feeds:
                if isinstance(feed, SyntheticFeed):  # an invented market goes on where the run before has left it
                    feed.go_on_from(self._venue.last_prices())
            self._log(LogEvent.VENUE_STARTED, f"the paper venue listens at {self._venue.base_url}")
        self._quiescence = Quiescence(self._inboxes, self.books, self._venue)
        histories: list[BarHistory] = [feed for feed in feeds if not isinstance(feed, FileFeed)]
        make_adapter = build_adapter(
            settings,
            self._venue,
            clock=self._clock.now_ns,
            log=self._logger,
            failure=self._supervisor.fail,
            resync=self._resync,
            keep=self._opened.keep_message,
            kill_switch=self._kill_switch,
            rng=self._rng,
            sent_before=self._opened.journal.seq,
        )
        edges = Edges(
            clock=self._clock,
            journal_id=self._opened.journal_id,
            make_adapter=make_adapter,
            database=self._database,
            market_sinks=() if self._venue is None else (self._venue.on_market_data,),
            histories=tuple(histories),
            until_quiescent=self._quiescence.wait,
            spawn=self._supervisor.spawn,
            measure=self._measure,
            render_report=to_json,
            report_folder=self._paths.reports,
            file_stamp=self._file_stamp,
            examine_file=partial(examine_edit, self._loaded),
            on_reconciled=self._on_reconciled,
            sample_interval_ns=to_ns(settings.portfolio.equity_interval_s),
            take_statement=partial(take_statement, self._paths.journal, days=trading_days(settings)),
            kill_switch=self._kill_switch,
        )
        self._modules = build(settings, self.books, self._inboxes, edges, self._logger)
        self._quiescence.attach(self._modules)
        return self._modules

    def _on_reconciled(self) -> None:
        self._quiescence.reconciled()
        self._reconciled.set()

    def _resync(self) -> None:
        if self._modules is not None:
            self._modules.execution.reconciliation.ask_soon()

    def _measure(self, start_ns: int, end_ns: int) -> PerformanceReportData:
        days = trading_days(self._settings)
        history = read_history(self._paths.journal, start_ns, end_ns, day_of=days.number)
        return measure_history(history, self._settings.reporting, days)

    def _file_stamp(self) -> object:
        try:
            found = self._loaded.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    async def _connect(self, modules: Modules) -> None:
        symbols, adapter = traded_symbols(self._settings), modules.broker.adapter
        account = await reach(adapter, symbols, self._rng, self._logger, self._service_manager.status)
        check_account(self.books, account, self._paths.journal)
        self._account_lock = AccountLock(self._settings.broker.kind, account.account_id)
        if self.books.account is None and self._options.accepts is None:
            await asyncio.to_thread(
                require_no_other_journal, self._paths.journal, self._settings.broker.kind, account.account_id
            )
        self._log(
            LogEvent.BROKER_CONNECTED,
            f"connected to {self._settings.broker.kind} account {account.account_id} ({account.account_kind})",
            cash=account.cash,
            equity=account.equity,
        )

    def _start_control(self, modules: Modules) -> None:
        """Answer the operator from here on: the venue may be away for hours."""
        facade = DaemonFacade(
            loaded=self._loaded,
            settings=self._settings,
            books=self.books,
            modules=modules,
            clock=self._clock,
            phase=lambda: self._phase,
            is_up=lambda: self._is_up,
            journal=self._paths.journal,
            journal_seq=lambda: self._opened.journal.seq,
            after_commit=self._logger.after_commit,
            disk_shortage=lambda: self._logger.shortage,
            conflated=self._conflated,
            fail=self._supervisor.fail,
        )
        self._control = ControlServer(self._paths.control_socket, facade)
        self._supervisor.run_restartable("edge:control", self._control.start, once=True)

    def _start_tasks(self, modules: Modules) -> None:
        inboxes, supervisor = self._inboxes, self._supervisor
        strategies, execution = _queue(inboxes.strategies), _queue(inboxes.execution)
        supervisor.run_fatal("module:portfolio_manager", drive(modules.portfolio))
        supervisor.run_fatal("module:risk_manager", drive(modules.risk))
        supervisor.run_fatal("module:execution_engine", drive(modules.execution))
        supervisor.run_fatal("module:strategy_engine", drive(modules.strategies, [execution]))
        supervisor.run_fatal("module:data_handler", drive(modules.data, [strategies]))
        supervisor.run_restartable("module:configuration_manager", lambda: drive(modules.configuration))
        supervisor.run_restartable("module:reporting_engine", lambda: drive(modules.reporting))
        supervisor.run_fatal("edge:order-stream", modules.broker.run_adapter())
        watched = [_queue(inbox) for inbox in (inboxes.strategies, inboxes.execution, inboxes.logger)]
        vitals = Vitals(watched, self._service_manager, self._logger)
        disk = DiskWatch(self._opened.journal.reserve, self._logger)

        def on_beat(late_s: float) -> None:
            vitals.on_beat(late_s)
            disk.on_beat()

        listeners = [_queue(module.inbox) for module in modules.listeners()]
        supervisor.run_fatal("clock", pulse(self._clock, listeners, interval_s=BEAT_S, on_beat=on_beat))

    def _conflated(self) -> int:
        inbox = self._inboxes.strategies
        assert isinstance(inbox, ConflatingInbox)
        return inbox.conflated

    # -- stop ---------------------------------------------------------------------------------------------------------

    async def stop(self, error: BaseException | None) -> int:
        """Bring everything down in order, within the deadline; return the exit code."""
        self._phase = "stopping"
        ending = Shutdown(self._settings, self.books, self._inboxes, self._logger)
        code = 0 if error is None else error.exit_code if isinstance(error, FatalError) else FatalError.exit_code
        self._service_manager.stopping("stopping" if error is None else str(error))
        if error is None:
            self._log(LogEvent.DAEMON_STOPPING, "stopping: no new orders, then everything in order")
        else:
            self._log(
                LogEvent.DAEMON_FAILED,
                f"{error}" if isinstance(error, TradingdError) else f"{type(error).__name__}: {error}",
                Level.CRITICAL,
                exit_code=code,
                where=where(error),
            )
        modules = self._modules
        if modules is not None:
            modules.execution.close_gate()
        steps: list[Callable[[], Awaitable[None] | None]] = [partial(self._supervisor.cancel, "feed:")]
        if modules is not None and error is None:
            steps += [
                partial(ending.await_quiescence, self._quiescence),
                partial(ending.wind_down, modules.execution),
                modules.strategies.stop,
            ]
        steps += [partial(self._supervisor.cancel, prefix) for prefix in ("module:", "edge:", "")]
        if self._control is not None:
            steps.append(self._control.stop)
        if modules is not None:
            steps.append(modules.broker.adapter.close)
        if self._venue is not None:
            steps.append(self._venue.stop)
        if not isinstance(error, JournalError):
            if modules is not None:
                steps.append(partial(drain, [modules.execution]))
                steps.append(modules.portfolio.stop)
            steps.append(partial(ending.record, error))
        steps += [partial(ending.say, code), self._logger.stop, self._close_database, self._opened.lines.close]
        for step in steps:
            if (failure := await attempted(step)) is not None:
                code = code or FatalError.exit_code
                self._log(
                    LogEvent.DAEMON_FAILED,
                    f"a step of the stop failed: {failure.summary}",
                    Level.CRITICAL,
                    where=list(failure.where),
                )
        if self._account_lock is not None:
            self._account_lock.release()
        return code

    async def _close_database(self) -> None:
        try:
            await self._database.flush()
        except DatabaseError as error:
            _say(f"tradingd: warning: {error}; it is caught up at the next start")
        await self._database.close()


def _queue(inbox: Any) -> QueueInbox[Any]:
    assert isinstance(inbox, QueueInbox)
    return inbox
