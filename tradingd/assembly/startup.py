"""The first step of a start: the journal folded and taken over, and the log and the database that go with it.

Called by the orchestrator alone, under the journal's lock. Nothing here waits for the outside world.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from tradingd import __version__
from tradingd.assembly.modules import Inboxes
from tradingd.core.books import Books
from tradingd.core.conflicts import ConfigurationFacts, acceptance, describe, transfers_due
from tradingd.core.entries import (
    ChangesAccepted,
    HaltEngaged,
    JournalEntry,
    MessageKept,
    OperatorCommand,
    RunStarted,
    Snapshot,
    StrategyTransferred,
)
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.market import DAY_NS
from tradingd.journal.history import read_history
from tradingd.journal.manifest import run_manifest
from tradingd.journal.projection import Projection
from tradingd.journal.reserve import MEGABYTE, DiskReserve
from tradingd.journal.segments import Tail, journal_id, load
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.modules.trade_logger import TradeLogger
from tradingd.runtime.clock import Clock
from tradingd.service.log_sinks import LogFile
from tradingd.service.structured_log import StructuredLog, render_json
from tradingd.settings.conflicts import require_no_conflict
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.root import Settings
from tradingd.settings.secrets import secret_values
from tradingd.settings.sections import DaemonSettings
from tradingd.settings.to_core import configuration_facts, with_held_symbols

MODULE = "orchestrator"
MAX_KEPT = 4096
"""Characters of an unreadable message that are kept."""


@dataclass(frozen=True)
class StartOptions:
    """Options of `tradingd run`; each is the name of the operator who gave it, or None."""

    accepts: str | None = None
    """Who accepts that the configuration was changed against what is held."""
    halts: str | None = None
    """Who wants the run to start halted."""


NO_OPTIONS = StartOptions()


@dataclass(frozen=True)
class Opened:
    """What a run writes to, and the books as the journal told them."""

    settings: Settings
    """The configuration's, with what retired strategies hold."""
    books: Books
    journal_id: str
    journal: JournalWriter
    lines: StructuredLog
    inboxes: Inboxes
    database: Projection
    logger: TradeLogger

    def keep_message(self, problem: str, raw: str) -> None:
        """Keep in the journal, secrets cut out, what the venue said and nobody could read."""
        entry = MessageKept(problem=problem, raw=self.lines.redact(raw)[:MAX_KEPT])
        self.logger.record(entry)
        self.books.apply(entry)


def open_journal(
    loaded: LoadedSettings,
    paths: StatePaths,
    clock: Clock,
    on_database_rebuilt: Callable[[str], None],
    options: StartOptions = NO_OPTIONS,
) -> Opened:
    """Fold the journal, take it over with this run's manifest, and say what was found.

    Raises `ConfigurationProblems`, with the journal as it
    was, where the configuration contradicts what is held.
    """
    settings = loaded.settings
    books, tail = load(paths.journal)
    accepts = options.accepts
    require_no_conflict(loaded, books, accept=accepts is not None)
    facts = configuration_facts(settings)

    def take_snapshot() -> Snapshot:
        books.orders.prune(clock.now_ns() - settings.journal.keep_days * DAY_NS, books.plans)
        return books.snapshot()

    journal = JournalWriter(
        paths.journal,
        tail,
        durability=Durability(settings.journal.durability),
        take_snapshot=take_snapshot,
        reserve=DiskReserve(paths.journal, settings.journal.reserve_mb * MEGABYTE),
    )
    started = run_manifest(
        books,
        tail,
        version=__version__,
        config_hash=loaded.text_sha256,
        broker=settings.broker.kind,
        declared=facts.declaration,
    )
    lines = StructuredLog(
        level=Level(settings.daemon.log_level),
        style=settings.daemon.log_format,
        file=log_file(settings.daemon),
        secrets=secret_values(settings),
    )
    inboxes = Inboxes.live()
    loop = asyncio.get_running_loop()  # a library's line may come from another thread
    lines.report_to(lambda entry: None if loop.is_closed() else _later(loop, inboxes, entry))
    database = Projection(
        paths.database,
        paths.journal,
        order_of=books.orders.get,
        render_line=render_json,
        history_days=settings.data.history_days,
        on_rebuilt=on_database_rebuilt,
    )
    logger = TradeLogger(
        inboxes.logger,
        journal=journal,
        clock=clock,
        write_line=lines.write,
        database=database,
        read_trades=lambda start, end: read_history(paths.journal, start, end).trades,
        order_of=books.orders.get,
        last_about=tail.last_about,
    )
    journal.reserve.prepare()
    changes = take_over(facts, books, started, logger, accepts=accepts)
    if options.halts is not None:
        _halt(options.halts, logger, books)
    opened = Opened(
        settings=with_held_symbols(settings, books),
        books=books,
        journal_id=journal_id(paths.journal),
        journal=journal,
        lines=lines,
        inboxes=inboxes,
        database=database,
        logger=logger,
    )
    _say(opened, loaded, paths, tail, started)
    _say_changes(opened, changes)
    return opened


def _later(loop: asyncio.AbstractEventLoop, inboxes: Inboxes, entry: LogEntry) -> None:
    loop.call_soon_threadsafe(inboxes.logger.put, entry)


def log_file(daemon: DaemonSettings) -> LogFile | None:
    """The file that the daemon also logs to, None where it is not asked for."""
    if daemon.log_file is None:
        return None
    return LogFile(
        daemon.log_file,
        max_bytes=daemon.log_rotate_mb * MEGABYTE,
        days=daemon.log_rotate_days,
        keep=daemon.log_keep,
    )


def take_over(
    facts: ConfigurationFacts, books: Books, started: RunStarted, logger: TradeLogger, *, accepts: str | None = None
) -> list[ChangesAccepted | StrategyTransferred]:
    """Begin a run in journal and books: what an operator accepts, the manifest, and what `formerly` hands over."""
    accepted = None if accepts is None else acceptance(facts, books, accepts)
    changes: list[ChangesAccepted | StrategyTransferred] = [*([] if accepted is None else [accepted])]
    if accepted is not None:  # ahead of the manifest, which is the options on what there is to accept at the next start
        _take(accepted, logger, books)
    _take(started, logger, books)
    for transfer in transfers_due(facts, books):
        _take(transfer, logger, books)
        changes.append(transfer)
    return changes


def _halt(operator: str, logger: TradeLogger, books: Books) -> None:
    """Start halted, unless the journal says so already."""
    _take(OperatorCommand(command="run --halted", operator=operator, uid=os.getuid()), logger, books)
    if books.halt is None:
        _take(HaltEngaged(reason="started with --halted", operator=operator), logger, books)
    halt = books.halt
    assert halt is not None
    logger.log_event(
        Level.CRITICAL,
        f"trading is halted: {halt.reason}; no new order leaves until `tradingd resume`",
        {"operator": operator, "open_orders": books.orders.open_count},
        event=LogEvent.RISK_HALTED,
        module=MODULE,
    )


def _take(entry: JournalEntry, logger: TradeLogger, books: Books) -> None:
    logger.record(entry, durable=True)
    books.apply(entry)


def _say_changes(opened: Opened, changes: list[ChangesAccepted | StrategyTransferred]) -> None:
    """Say what an edit of the file has changed for what is held, and who is retired."""
    log, books = opened.logger, opened.books
    for change in changes:
        match change:
            case ChangesAccepted(accepted=accepted, operator=operator):
                log.log_event(
                    Level.WARNING,
                    f"{operator} accepted: {'; '.join(accepted)}",
                    {"accepted": list(accepted), "operator": operator},
                    event=LogEvent.CONFIG_ACCEPTED,
                    module=MODULE,
                )
            case StrategyTransferred(source=source, target=target):
                log.log_event(
                    Level.WARNING,
                    f"what was of {source} is of {target} now, which {describe(books, target)}",
                    {"from": source, "operator": change.operator},
                    event=LogEvent.STRATEGY_TRANSFERRED,
                    module=MODULE,
                    strategy_id=target,
                )
    for strategy in opened.settings.strategies:
        if strategy.retired:
            log.log_event(
                Level.WARNING,
                f"strategy {strategy.id} is retired and {describe(books, strategy.id)}: exits and protection go on, "
                "nothing is opened",
                {"symbols": list(strategy.symbols)},
                event=LogEvent.STRATEGY_RETIRED,
                module=MODULE,
                strategy_id=strategy.id,
            )


def _say(opened: Opened, loaded: LoadedSettings, paths: StatePaths, tail: Tail, started: RunStarted) -> None:
    settings, log = loaded.settings, opened.logger
    traded = ", ".join(f"{entry.id} on {' '.join(entry.symbols)}" for entry in settings.strategies if not entry.retired)
    is_idle = not settings.strategies or not settings.data.feeds
    without = "" if settings.data.feeds else "; no feeds: nothing has a price"
    log.log_event(
        Level.WARNING if is_idle else Level.INFO,
        f"tradingd {__version__}, run {started.run}, {settings.account_kind} account: "
        f"{traded or 'no strategies: nothing will be traded'}{without}",
        {"pid": os.getpid(), "config": str(loaded.path), "sqlite": sqlite3.sqlite_version},
        event=LogEvent.DAEMON_STARTING,
        module=MODULE,
    )
    log.log_event(
        Level.INFO,
        f"the journal holds {tail.seq} entries; the run before ended: {started.previous.value}",
        {
            "entries": tail.seq,
            "previous": started.previous.value,
            "open_orders": opened.books.orders.open_count,
            "durability": settings.journal.durability,
        },
        event=LogEvent.JOURNAL_OPENED,
        module=MODULE,
    )
    if tail.bad is not None:
        log.log_event(
            Level.ERROR,
            f"line {tail.bad.line} of the last segment: {tail.bad.reason}; it and what follows were set aside in "
            f"{paths.journal}, and the venue is asked for everything since entry {tail.seq}",
            {"bytes": len(tail.bad.content), "line": tail.bad.line},
            event=LogEvent.JOURNAL_QUARANTINED,
            module=MODULE,
        )
