"""What the structured log can say: the closed list of event names, and the shape of a line.

The names are a contract: people and programs search by them. A name is never reused for another meaning.
"""

from enum import StrEnum

import msgspec

from tradingd.core.explained import ExplainedEnum
from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol, TraceId, VenueOrderId


class Level(StrEnum):
    """Severity, by what it asks of the operator."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


SEVERITY = {level: rank for rank, level in enumerate(Level)}
"""Rank of each level, the least severe first."""


class LogEvent(ExplainedEnum):
    """Stable names of what happened."""

    DAEMON_STARTING = (
        "daemon.starting",
        "the process has taken the journal over; version, run, account kind, strategies",
    )
    DAEMON_READY = "daemon.ready", "the books agree with the venue; trading may begin"
    DAEMON_STOPPING = "daemon.stopping", "a stop was asked for; also when some commands were not answered in time"
    DAEMON_STOPPED = "daemon.stopped", "the last line of a run: exit code, and orders that are still at the venue"
    DAEMON_FAILED = "daemon.failed", "an error ends the process; what, where, and the exit code"
    TASK_RESTARTED = (
        "task.restarted",
        "a feed, the database or the control socket failed and is started again after a growing delay",
    )
    CLOCK_JUMPED = (
        "clock.jumped",
        "the wall clock parted from the monotonic one by more than two seconds; waits are not touched by it",
    )
    LOOP_LAGGED = "loop.lagged", "the event loop was blocked for more than half a second"
    LIBRARY_MESSAGE = "library.message", "a warning or an error from a library"
    LOG_UNWRITABLE = (
        "log.unwritable",
        "standard output or the log file takes no more lines, or the file cannot be rotated; trading goes on",
    )
    LOG_WRITABLE = "log.writable", "it takes lines again; how many were lost"
    LOG_REOPENED = "log.reopened", "SIGHUP came: the log file is opened anew, nothing else is read"
    CONFIG_CHANGED = (
        "config.changed_on_disk",
        "the configuration file changed: every key with its old and new value, and whether the next start "
        "would take it; this process runs on the old one until it is restarted",
    )
    CONFIG_ACCEPTED = (
        "config.accepted",
        "a start went on with an edit that it would have refused; what was accepted, and by whom",
    )
    JOURNAL_OPENED = "journal.opened", "how many entries the journal holds, and how the run before ended"
    JOURNAL_QUARANTINED = (
        "journal.quarantined",
        "the last lines could not be believed and were moved to a file of their own; the venue is asked since "
        "the entry before",
    )
    JOURNAL_DISK_SHORT = (
        "journal.disk_short",
        "less than `journal.reserve_mb` is free on the journal's disk: no new orders; cancels and halts still work",
    )
    JOURNAL_DISK_AMPLE = "journal.disk_ample", "there is room again, and orders may leave"
    JOURNAL_UNWRITABLE = (
        "journal.unwritable",
        "the journal did not take a cancel, which was sent all the same, or an order or change, which was not",
    )
    DATABASE_REBUILT = (
        "database.rebuilt",
        "the database was missing, foreign or damaged and is made anew from the journal",
    )
    DATABASE_FAILED = "database.failed", "the database cannot be used; trading goes on without it"
    FEED_STATE = "feed.state", "a feed came up, went down or ended"
    FEED_PROBLEM = "feed.problem", "something about a feed that trading can go on without, such as missing history"
    DATA_DEFECT = "data.defect", "data of a symbol were kept out; told once for each kind of defect, then counted"
    DATA_REVISED = (
        "data.revised",
        "a source sent a bar again with other figures: the store has the new ones, strategies saw the old ones",
    )
    DATA_STALE = "data.stale", "a symbol has had no good data for `data.stale_after_s`: it takes no new orders"
    STRATEGY_STARTED = (
        "strategy.started",
        "a strategy runs, or is quarantined from an earlier run; bars it was warmed up with",
    )
    STRATEGY_SIGNAL = "strategy.signal", "a strategy's decision, with its reason"
    STRATEGY_MESSAGE = "strategy.message", "what a strategy itself has to say"
    STRATEGY_SLOW = "strategy.slow", "a strategy's callback took longer than `callback_budget_ms`; told once a minute"
    STRATEGY_QUARANTINED = (
        "strategy.quarantined",
        "a strategy raised; its orders are being cancelled, the others trade on",
    )
    STRATEGY_TRANSFERRED = (
        "strategy.transferred",
        "what one strategy held is another's (`formerly`, `tradingd transfer`)",
    )
    STRATEGY_RETIRED = "strategy.retired", "a strategy of the file is retired: what it holds, and that it opens nothing"
    ORDER_SUBMITTED = "order.submitted", "an order is in the journal and on its way"
    ORDER_DENIED = (
        "order.denied",
        "an order may not leave; every rule that it breaks, with value and limit. A warning once for each "
        "strategy, symbol, side and set of rules, then counted",
    )
    ORDER_ACCEPTED = "order.accepted", "the venue works the order"
    ORDER_FILLED = "order.filled", "one execution"
    ORDER_FEE = "order.fee", "the venue told a fee apart from its execution; until then the fee is pending"
    ORDER_REJECTED = "order.rejected", "the venue refused the order"
    ORDER_CANCEL_REQUESTED = "order.cancel_requested", "a cancel was asked for"
    ORDER_CANCEL_REFUSED = "order.cancel_refused", "the venue would not cancel"
    ORDER_CANCELED = "order.canceled", "what had not filled is cancelled"
    ORDER_EXPIRED = "order.expired", "what had not filled is gone because its time was over"
    ORDER_REPLACE_REQUESTED = "order.replace_requested", "new terms were asked for"
    ORDER_REPLACE_REFUSED = "order.replace_refused", "the venue kept the old terms"
    ORDER_REPLACED = "order.replaced", "the order works on new terms"
    ORDER_UNKNOWN = "order.unknown", "it is not known whether the venue has the order; the venue is being asked"
    ORDER_ANOMALY = "order.anomaly", "a fill beyond the order's quantity or after its end; booked as it is"
    ORDER_OVERDUE = "order.overdue", "an order has been in flight or in doubt for longer than `alarm_after_s`"
    ORDER_FOREIGN = "order.foreign", "news of an order that is not ours, or that the books do not hold"
    PLAN_STARTED = (
        "plan.started",
        "the daemon begins to work on a bracket, a watched stop, an order in parts, an algorithm, a target",
    )
    PLAN_ENDED = "plan.ended", "it no longer does; why"
    PLAN_ALARM = "plan.alarm", "an exit could not be placed as it was meant, or target and stop both filled"
    BROKER_CONNECTED = "broker.connected", "the account answered; its id, cash and equity"
    BROKER_STREAM_UP = "broker.stream_up", "the order stream is listening"
    BROKER_STREAM_DOWN = (
        "broker.stream_down",
        "the order stream is down: no new orders until it is back and the books were compared",
    )
    BROKER_PROBLEM = "broker.problem", "the venue cannot be reached, or something it said cannot be used"
    RECONCILE_CLEAN = "reconcile.clean", "the books and the venue agree"
    RECONCILE_CORRECTED = "reconcile.corrected", "the books were corrected from the venue; what was changed"
    RECONCILE_CASH = (
        "reconcile.cash",
        "cash up to `max_unexplained_cash` came or went without an order; it is booked, and trading goes on",
    )
    RECONCILE_PENDING = "reconcile.pending", "orders are in doubt and count at full size"
    RECONCILE_FAILED = "reconcile.failed", "the venue could not be asked; it is asked again"
    RISK_HALTED = "risk.halted", "no new order leaves until `tradingd resume`; the reason"
    RISK_SYMBOL_HALTED = (
        "risk.symbol_halted",
        "only orders that reduce the position of a symbol leave until an operator resumes",
    )
    RISK_SCOPE_HALTED = (
        "risk.scope_halted",
        "an operator halted a strategy, a symbol, or a strategy in a symbol; only orders that reduce leave there",
    )
    RISK_RESUMED = "risk.resumed", "an operator let orders leave again"
    PORTFOLIO_EQUITY = "portfolio.equity", "a point of the equity curve"
    PORTFOLIO_UNPRICED = (
        "portfolio.unpriced",
        "something is held in a symbol without a fresh price (older than `data.stale_after_s` in market "
        "hours, none since the start, or no feed): it counts in limits at the worse of the last price and "
        "what was paid",
    )
    PORTFOLIO_DAY = (
        "portfolio.day",
        "what the trading day that has ended came to: profit in its parts, deposits, equity, trades",
    )
    REPORT_GENERATED = "report.generated", "the report of a day is written"
    REPORT_STATEMENT = "report.statement", "the statement of a session was written; how it stands"
    REPORT_FAILED = "report.failed", "the report of a day could not be made; trading goes on"
    CONTROL_COMMAND = "control.command", "an operator's command, or the outcome of a flattening"
    VENUE_STARTED = "venue.started", "the paper venue listens, and where"
    VENUE_MESSAGE = "venue.message", "what the paper venue says; its own event name is in `details.venue_event`"


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the log, before it is rendered."""

    ts: int
    level: Level
    event: LogEvent
    module: str
    message: str
    strategy_id: StrategyId | None = None
    client_order_id: ClientOrderId | None = None
    venue_order_id: VenueOrderId | None = None
    execution_id: ExecutionId | None = None
    symbol: Symbol | None = None
    trace_id: TraceId | None = None
    details: dict[str, object] = {}
