"""Whether the trading path moves: what the service manager's watchdog is fed with.

A loop that runs while a module no longer takes what it is sent is not alive; silence then makes the service manager
act.
"""

from collections.abc import Sequence
from typing import Any

from tradingd.core.log import Level, LogEvent
from tradingd.runtime.inbox import QueueInbox
from tradingd.runtime.ports import EventLog
from tradingd.service.systemd import ServiceManager

LAG_S = 0.5
"""A loop that is this late was blocked by something; the log says so."""


class Vitals:
    """Looks at the inboxes of the trading path at each beat of the clock."""

    def __init__(self, queues: Sequence[QueueInbox[Any]], service_manager: ServiceManager, log: EventLog) -> None:
        self._queues = queues
        self._service_manager = service_manager
        self._log = log
        self._taken = dict.fromkeys((queue.name for queue in queues), -1)

    def stuck(self) -> list[str]:
        """Inboxes that hold events of which none was taken since the last look."""
        found = []
        for queue in self._queues:
            if len(queue) > 1 and self._taken[queue.name] == queue.taken:
                found.append(queue.name)
            self._taken[queue.name] = queue.taken
        return found

    def on_beat(self, late_s: float) -> None:
        """Tell the service manager that all is well, unless it is not."""
        if late_s > LAG_S:
            self._log.log_event(
                Level.WARNING,
                f"the event loop was blocked for {late_s:.1f} s",
                {"late_s": round(late_s, 3)},
                event=LogEvent.LOOP_LAGGED,
                module="orchestrator",
            )
        if not self.stuck():
            self._service_manager.alive()
