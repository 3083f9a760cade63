"""How refusals read in the log: a warning for the first of a kind, then counted.

Part of the execution engine. A strategy that asks at every tick for what it may not have would fill the log otherwise;
the journal and `tradingd denials` have every one.
"""

from typing import TypeAlias

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_words import order_in_words
from tradingd.core.orders import OrderDenied, Side
from tradingd.runtime.clock import Clock
from tradingd.runtime.ports import EventLog

QUIET_NS = 600 * NS_PER_SECOND
"""After so long without one of a kind, the next is a warning again."""
MAX_KINDS = 1024

Kind: TypeAlias = tuple[StrategyId, Symbol, Side, tuple[str, ...]]


class DenialLog:
    """Counts refusals by strategy, symbol, side and codes; says the first, and then the 10th, the 100th ..."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._counted: dict[Kind, tuple[int, int]] = {}
        """How many of each kind there were, and when the last was."""

    def say(self, denial: OrderDenied) -> None:
        """Say that an order may not leave and every rule that it breaks, or count it with others of its kind."""
        order, now = denial.order, self._clock.monotonic_ns()
        codes = tuple(breach.code.value for breach in denial.breaches)
        kind = (order.strategy_id, order.symbol, order.side, codes)
        count, last_ns = self._counted.pop(kind, (0, now))
        count = 1 if now - last_ns > QUIET_NS else count + 1
        self._counted[kind] = (count, now)
        if len(self._counted) > MAX_KINDS:
            del self._counted[next(iter(self._counted))]
        if str(count).strip("0") != "1":
            return
        reasons = "; ".join(breach.message for breach in denial.breaches)
        message = f"{order_in_words(order)} refused: {reasons}"
        if count > 1:
            message = f"{message} (refused {count:,} times)"
        self._log.log_order(
            Level.WARNING,
            LogEvent.ORDER_DENIED,
            message,
            order,
            codes=list(codes),
            side=order.side.value,
            quantity=order.quantity,
            count=count,
        )
