"""Watching the journal's disk at each beat of the clock, and saying so when orders may no longer leave.

Reads: the reserve. Emits: a line at every change. Never: decides; the reserve does, and the execution engine asks it.
"""

from tradingd.core.log import Level, LogEvent
from tradingd.journal.reserve import DiskReserve
from tradingd.runtime.ports import EventLog


class DiskWatch:
    """Looks how much is free, once a beat."""

    def __init__(self, reserve: DiskReserve, log: EventLog) -> None:
        self._reserve = reserve
        self._log = log
        self._reported: tuple[bool, bool] = (False, False)

    def on_beat(self) -> None:
        """Look, and tell what has changed since the last look."""
        self._reserve.look()
        health = self._reserve.health
        now = (health.shortage is not None, health.is_spent)
        if now == self._reported:
            return
        self._reported = now
        details = {
            "free_bytes": health.free_bytes,
            "reserve_bytes": health.reserve_bytes,
            "reserve_held": health.is_held,
        }
        if health.shortage is None:
            self._log.log_event(
                Level.WARNING,
                "the journal's disk has room again: orders may leave",
                details,
                event=LogEvent.JOURNAL_DISK_AMPLE,
                module="trade_logger",
            )
        else:
            self._log.log_event(
                Level.CRITICAL if health.is_spent else Level.ERROR,
                f"{health.shortage}: no new order leaves; cancels, halts and what the venue reports are still written",
                details,
                event=LogEvent.JOURNAL_DISK_SHORT,
                module="trade_logger",
            )
