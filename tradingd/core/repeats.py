"""Telling a strategy that has run away from one that trades.

A view of the market or of the own position that never changes makes a strategy ask for the same thing again and again,
whether the orders fill or are refused: counted is what was asked for, not what became of it. One that answers each
refusal with another wish, whatever its terms, would never end within one instant of a replay: counted is what was
refused.
"""

from collections import deque

from tradingd.core.identifiers import StrategyId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import Order

WINDOW_NS = 60 * NS_PER_SECOND


class RepeatGuard:
    """A sliding minute over each strategy's equal orders; a limit of 0 counts nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._asked: dict[tuple[object, ...], deque[int]] = {}

    def count(self, order: Order, now_ns: int) -> bool:
        """Count one order; True when it has been asked for more often than the limit lets."""
        if not self._limit:
            return False
        asked = self._asked.setdefault(_key(order), deque())
        asked.append(now_ns)
        while asked[0] <= now_ns - WINDOW_NS:
            asked.popleft()
        if len(self._asked) > 1024:
            self._drop_old(now_ns)
        return len(asked) > self._limit

    def uncount(self, order: Order) -> None:
        """Count the last one of an order as not asked for: what refused it was no fault of the strategy."""
        asked = self._asked.get(_key(order))
        if asked:
            asked.pop()

    def forget(self, strategy_id: StrategyId | None = None) -> None:
        """Begin again for one strategy, or for all: an operator has looked."""
        self._asked = {} if strategy_id is None else {k: v for k, v in self._asked.items() if k[0] != strategy_id}

    def _drop_old(self, now_ns: int) -> None:
        self._asked = {key: asked for key, asked in self._asked.items() if asked and asked[-1] > now_ns - WINDOW_NS}


def _key(order: Order) -> tuple[object, ...]:
    return (order.strategy_id, order.symbol, order.side, order.quantity, order.terms)


class RefusalGuard:
    """A sliding minute over each strategy's refused wishes, by the gate or by the venue."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._refused: dict[StrategyId, deque[int]] = {}

    def count(self, strategy_id: StrategyId, now_ns: int) -> None:
        """Count one refusal."""
        self._refused.setdefault(strategy_id, deque()).append(now_ns)

    def full(self, strategy_id: StrategyId, now_ns: int) -> bool:
        """True once a strategy has been refused as often as the limit lets."""
        refused = self._refused.get(strategy_id)
        if refused is None:
            return False
        while refused and refused[0] <= now_ns - WINDOW_NS:
            refused.popleft()
        return len(refused) >= self.limit

    def forget(self, strategy_id: StrategyId | None = None) -> None:
        """Begin again for one strategy, or for all: an operator has looked."""
        if strategy_id is None:
            self._refused.clear()
        else:
            self._refused.pop(strategy_id, None)
