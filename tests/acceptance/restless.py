"""Strategies that trade far more than any sane one, to give crashes something to hit."""

from decimal import Decimal

from tradingd.core.market import PriceBar, QuoteTick, TickData
from tradingd.core.orders import ExecutionReport, OrderAccepted, OrderDenied, TimeInForce, Trade
from tradingd.strategies.base import Params, Strategy


class RestlessParams(Params):
    """Ticks between two decisions, and units of each order."""

    every: int = 20
    quantity: Decimal = Decimal(10)


class Restless(Strategy[RestlessParams]):
    """Every so many ticks: market orders back and forth, limit orders at the touch, and cancels of what rests."""

    Params = RestlessParams

    def on_start(self) -> None:
        """Count from where the last run was."""
        self._ticks = 0
        self._resting: list[ExecutionReport] = []

    def on_tick(self, tick: TickData) -> None:
        """Do the next thing of the cycle."""
        if not isinstance(tick, QuoteTick) or not tick.bid or not tick.ask:
            return
        self._ticks += 1
        if self._ticks % self.params.every:
            return
        step = self._ticks // self.params.every % 6
        quantity = self.params.quantity
        held = self.position(tick.symbol)
        if step in (0, 3):
            if held > 0:
                self.sell(tick.symbol, held, reason="restless")
            else:
                self.buy(tick.symbol, quantity, reason="restless")
        elif step == 1:
            self.buy(tick.symbol, quantity, limit_price=Decimal(repr(tick.bid)), time_in_force=TimeInForce.GTC)
        elif step == 4 and held > quantity:
            self.sell(tick.symbol, quantity, limit_price=Decimal(repr(tick.ask)), time_in_force=TimeInForce.GTC)
        elif step == 2 and self._resting:
            self.modify(self._resting[-1].client_order_id, limit_price=Decimal(repr(tick.bid)))
        elif self._resting:
            self.cancel(self._resting.pop(0).client_order_id)

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        """Remember what may rest at the venue."""
        if isinstance(report, OrderAccepted):
            self._resting.append(report)

    def on_fill(self, trade: Trade) -> None:
        """Keep a count that must survive every death."""
        self.state["fills"] = int(self.state.get("fills") or 0) + 1


class Raiser(Strategy[Params]):
    """Works for a few bars, then raises."""

    def on_bar(self, bar: PriceBar) -> None:
        """Buy once, then break."""
        bars = int(self.state.get("bars") or 0) + 1
        self.state["bars"] = bars
        if bars == 1:
            self.buy(bar.symbol, Decimal(1), limit_price=Decimal(repr(round(bar.close * 0.97, 2))))
        if bars > 3:
            raise RuntimeError("this strategy is broken on purpose")
