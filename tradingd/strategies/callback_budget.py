"""How long a strategy's callbacks may take: everything waits for them, orders and fills of the others included."""

from collections import deque

from tradingd.core.identifiers import StrategyId
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.runtime.guard import Failure
from tradingd.runtime.ports import EventLog

WINDOW_NS = 60 * NS_PER_SECOND
MAX_SLOW = 20
"""Callbacks over budget within the window that a strategy may have."""
FAR_OVER = 10
"""A single callback that takes so many budgets is one too many."""


class CallbackBudget:
    """One strategy's callbacks against its budget; a budget of 0 measures nothing.

    A callback that never returns cannot be ended from within: the watchdog of the service manager is its bound.
    """

    def __init__(self, strategy_id: StrategyId, budget_ns: int, log: EventLog) -> None:
        self.budget_ns = budget_ns
        self._strategy_id = strategy_id
        self._log = log
        self._slow: deque[int] = deque()
        self._warned_ns: int | None = None

    def over(self, name: str, took_ns: int, now_ns: int) -> Failure | None:
        """Judge a callback that took longer than the budget; a failure is a reason to stop the strategy."""
        self._slow.append(now_ns)
        while self._slow[0] <= now_ns - WINDOW_NS:
            self._slow.popleft()
        if took_ns >= FAR_OVER * self.budget_ns:
            return Failure(f"{name} held everything up for {took_ns / NS_PER_SECOND:.1f} s", ())
        if len(self._slow) > MAX_SLOW:
            return Failure(f"{len(self._slow)} callbacks within a minute took longer than their budget", ())
        if self._warned_ns is None or now_ns - self._warned_ns >= WINDOW_NS:
            self._warned_ns = now_ns
            self._log.log_event(
                Level.WARNING,
                f"{name} took {took_ns / 1e6:.0f} ms; everything waits for a strategy's callbacks",
                {"callback": name, "took_ms": round(took_ns / 1e6, 1), "budget_ms": self.budget_ns / 1e6},
                event=LogEvent.STRATEGY_SLOW,
                module="strategy_engine",
                strategy_id=self._strategy_id,
            )
        return None
