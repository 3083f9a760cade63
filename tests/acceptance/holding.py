"""A strategy that comes back to what it is to hold whenever it may."""

from decimal import Decimal

from tradingd.core.market import TickData
from tradingd.core.orders import TimeInForce
from tradingd.strategies.base import Params, Strategy


class HoldingParams(Params):
    """Units to hold in each symbol."""

    quantity: Decimal


class Holding(Strategy[HoldingParams]):
    """Holds so many units of each symbol, with a small order resting far below; asks once in ten ticks."""

    Params = HoldingParams

    def on_start(self) -> None:
        """Count ticks."""
        self._ticks = 0

    def on_tick(self, tick: TickData) -> None:
        """Buy what is missing."""
        self._ticks += 1
        if self._ticks % 10:
            return
        bid = getattr(tick, "bid", None) or getattr(tick, "price", None)
        if not bid:
            return
        missing = self.params.quantity - self.position(tick.symbol)
        if not self.working(tick.symbol):
            if missing > 0:
                self.buy(tick.symbol, missing)
            else:
                price = Decimal(repr(round(bid * 0.97, 2)))
                self.buy(tick.symbol, Decimal(1), limit_price=price, time_in_force=TimeInForce.GTC)
