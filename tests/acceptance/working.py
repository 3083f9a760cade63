"""A strategy that has the daemon work for it: a bracket first, then slices, each asked for once in its life."""

from decimal import Decimal

from tradingd.core.market import TickData
from tradingd.core.signals import Twap
from tradingd.strategies.base import Params, Strategy


class Working(Strategy[Params]):
    """Buys with a target and a stop, and once that is over in slices."""

    def on_tick(self, tick: TickData) -> None:
        """Take the next step, unless one is under way."""
        if not self.state.get("bracket"):
            self.state["bracket"] = True
            self.buy(tick.symbol, Decimal(10), take_profit=Decimal("101.5"), stop_loss=Decimal("97.5"))
        elif self.state.get("left") and not self.state.get("slices"):
            self.state["slices"] = True
            self.buy(tick.symbol, Decimal(10), algorithm=Twap(duration_s=6, slices=3))

    def on_fill(self, trade: object) -> None:
        """Take note of having left."""
        symbol = self.symbols[0]
        if not self.position(symbol):
            self.state["left"] = True
