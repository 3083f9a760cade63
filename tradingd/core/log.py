"""What the structured log can say: the closed list of event names, and the shape of a line.

The names are a contract: people and programs search by them. A name is never reused for another meaning.
"""

from enum import StrEnum

import msgspec

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


class LogEvent(StrEnum):
    """Stable names of what happened."""

    DAEMON_STARTING = "daemon.starting"
    DAEMON_READY = "daemon.ready"
    DAEMON_STOPPING = "daemon.stopping"
    DAEMON_STOPPED = "daemon.stopped"
    DAEMON_FAILED = "daemon.failed"
    TASK_RESTARTED = "task.restarted"
    CLOCK_JUMPED = "clock.jumped"
    LOOP_LAGGED = "loop.lagged"
    LIBRARY_MESSAGE = "library.message"
    LOG_UNWRITABLE = "log.unwritable"
    LOG_WRITABLE = "log.writable"
    LOG_REOPENED = "log.reopened"
    CONFIG_CHANGED = "config.changed_on_disk"
    CONFIG_ACCEPTED = "config.accepted"
    JOURNAL_OPENED = "journal.opened"
    JOURNAL_QUARANTINED = "journal.quarantined"
    JOURNAL_DISK_SHORT = "journal.disk_short"
    JOURNAL_DISK_AMPLE = "journal.disk_ample"
    JOURNAL_UNWRITABLE = "journal.unwritable"
    DATABASE_REBUILT = "database.rebuilt"
    DATABASE_FAILED = "database.failed"
    FEED_STATE = "feed.state"
    FEED_PROBLEM = "feed.problem"
    DATA_DEFECT = "data.defect"
    DATA_REVISED = "data.revised"
    DATA_STALE = "data.stale"
    STRATEGY_STARTED = "strategy.started"
    STRATEGY_SIGNAL = "strategy.signal"
    STRATEGY_MESSAGE = "strategy.message"
    STRATEGY_SLOW = "strategy.slow"
    STRATEGY_QUARANTINED = "strategy.quarantined"
    STRATEGY_TRANSFERRED = "strategy.transferred"
    STRATEGY_RETIRED = "strategy.retired"
    ORDER_SUBMITTED = "order.submitted"
    ORDER_DENIED = "order.denied"
    ORDER_ACCEPTED = "order.accepted"
    ORDER_FILLED = "order.filled"
    ORDER_FEE = "order.fee"
    ORDER_REJECTED = "order.rejected"
    ORDER_CANCEL_REQUESTED = "order.cancel_requested"
    ORDER_CANCEL_REFUSED = "order.cancel_refused"
    ORDER_CANCELED = "order.canceled"
    ORDER_EXPIRED = "order.expired"
    ORDER_REPLACE_REQUESTED = "order.replace_requested"
    ORDER_REPLACE_REFUSED = "order.replace_refused"
    ORDER_REPLACED = "order.replaced"
    ORDER_UNKNOWN = "order.unknown"
    ORDER_ANOMALY = "order.anomaly"
    ORDER_OVERDUE = "order.overdue"
    ORDER_FOREIGN = "order.foreign"
    PLAN_STARTED = "plan.started"
    PLAN_ENDED = "plan.ended"
    PLAN_ALARM = "plan.alarm"
    BROKER_CONNECTED = "broker.connected"
    BROKER_STREAM_UP = "broker.stream_up"
    BROKER_STREAM_DOWN = "broker.stream_down"
    BROKER_PROBLEM = "broker.problem"
    RECONCILE_CLEAN = "reconcile.clean"
    RECONCILE_CORRECTED = "reconcile.corrected"
    RECONCILE_CASH = "reconcile.cash"
    RECONCILE_PENDING = "reconcile.pending"
    RECONCILE_FAILED = "reconcile.failed"
    RISK_HALTED = "risk.halted"
    RISK_SYMBOL_HALTED = "risk.symbol_halted"
    RISK_SCOPE_HALTED = "risk.scope_halted"
    RISK_RESUMED = "risk.resumed"
    PORTFOLIO_EQUITY = "portfolio.equity"
    PORTFOLIO_UNPRICED = "portfolio.unpriced"
    PORTFOLIO_DAY = "portfolio.day"
    REPORT_GENERATED = "report.generated"
    REPORT_STATEMENT = "report.statement"
    REPORT_FAILED = "report.failed"
    CONTROL_COMMAND = "control.command"
    VENUE_STARTED = "venue.started"
    VENUE_MESSAGE = "venue.message"


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
