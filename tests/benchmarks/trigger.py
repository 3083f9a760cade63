"""The strategies of the benchmark: one sends an order for each marked tick, the other only looks."""

from decimal import Decimal

from tradingd.core.market import QuoteTick, TickData
from tradingd.strategies.base import Params, Strategy

MARK = 777.0
"""A quote with this bid size asks for an order."""


class Trigger(Strategy[Params]):
    """Buys and sells one unit in turn, at each marked quote."""

    def on_start(self) -> None:
        """Begin with a purchase."""
        self._buy = True

    def on_tick(self, tick: TickData) -> None:
        """Answer a marked quote with an order."""
        if isinstance(tick, QuoteTick) and tick.bid_size == MARK:
            (self.buy if self._buy else self.sell)(tick.symbol, Decimal(1))
            self._buy = not self._buy


class Watcher(Strategy[Params]):
    """Sees every tick and does a little with it."""

    def on_start(self) -> None:
        """Begin with nothing seen."""
        self._highest = 0.0

    def on_tick(self, tick: TickData) -> None:
        """Follow the highest bid."""
        if isinstance(tick, QuoteTick):
            self._highest = max(self._highest, tick.bid)
