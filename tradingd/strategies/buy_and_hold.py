"""Buy once, hold for ever: the yardstick for every other strategy."""

from decimal import Decimal

from pydantic import Field

from tradingd.core.market import PriceBar
from tradingd.core.orders import ExecutionReport, OrderDenied, OrderRejected
from tradingd.strategies.base import Params, Strategy


class BuyAndHoldParams(Params):
    """Quantity in units of each symbol."""

    quantity: Decimal = Field(
        default=Decimal(10), gt=0, allow_inf_nan=False, description="Units of each symbol to hold."
    )


class BuyAndHold(Strategy[BuyAndHoldParams]):
    """Hold `quantity` of each symbol from its first bar on."""

    Params = BuyAndHoldParams

    def on_bar(self, bar: PriceBar) -> None:
        """Buy what is missing, once; `self.state` remembers it across restarts."""
        if self.state.get(bar.symbol) is None:
            self.state[bar.symbol] = "bought"
            self.target_position(bar.symbol, self.params.quantity, reason="first bar")

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        """Try again at the next bar when the order was refused."""
        match report:
            case OrderDenied(order=order):
                self.state[order.symbol] = None
            case OrderRejected():
                for symbol in self.symbols:
                    if self.position(symbol) + self.working(symbol) == 0:
                        self.state[symbol] = None
            case _:
                pass
