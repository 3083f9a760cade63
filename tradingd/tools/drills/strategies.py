"""Strategies that a drill adds to the user's, for faults that need an order to change, or a strategy to break.

Never: trade much: an order is worth some hundreds.
"""

from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.market import QuoteTick, TickData
from tradingd.core.orders import (
    ExecutionReport,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    TimeInForce,
)
from tradingd.strategies.base import Params, Strategy

ADDED_ID = "drill"
"""The id of the strategy that a scenario adds."""
TRADER_ID = "drill-trader"
"""The id of the strategy by which the drill trades itself."""
OWN_IDS = frozenset({ADDED_ID, TRADER_ID})

_VALUE = Decimal(600)
_BELOW = Decimal("0.995")


class FidgetParams(Params):
    """Quotes of the symbol between two decisions."""

    every: int = 8


class Fidget(Strategy[FidgetParams]):
    """Place a limit order below the market, change it, cancel it, and sell what filled, over and over."""

    Params = FidgetParams

    def on_start(self) -> None:
        """Begin with nothing."""
        self._quotes = 0
        self._resting: list[ClientOrderId] = []

    def on_tick(self, tick: TickData) -> None:
        """Do the next thing."""
        if not isinstance(tick, QuoteTick) or tick.bid <= 0 or tick.ask <= 0:
            return
        self._quotes += 1
        if self._quotes % self.params.every:
            return
        step = self._quotes // self.params.every % 4
        price = Decimal(repr(round(tick.bid, 2 if tick.bid >= 1 else 4)))
        if step == 0:
            self.buy(tick.symbol, _quantity(tick.symbol, price), limit_price=_tick(price * _BELOW), reason="drill",
                     time_in_force=TimeInForce.GTC)  # fmt: skip
        elif step == 1 and self._resting:
            self.modify(self._resting[-1], limit_price=_tick(price * _BELOW * _BELOW))
        elif step == 2 and self._resting:
            self.cancel(self._resting[0])
        elif step == 3 and (held := self.position(tick.symbol)) > 0 and not self.working(tick.symbol):
            self.sell(tick.symbol, held, reason="drill")

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        """Keep a list of what rests."""
        match report:
            case OrderAccepted(client_order_id=order_id) if order_id not in self._resting:
                self._resting.append(order_id)
            case OrderReplaced() | OrderAccepted():
                pass
            case OrderCanceled(client_order_id=order_id) | OrderRejected(client_order_id=order_id):
                self._forget(order_id)
            case OrderFilled(client_order_id=order_id):
                self._forget(order_id)
            case _:
                pass

    def _forget(self, order_id: ClientOrderId) -> None:
        if order_id in self._resting:
            self._resting.remove(order_id)


def _quantity(symbol: Symbol, price: Decimal) -> Decimal:
    if "/" in symbol:
        return (_VALUE / price).quantize(Decimal("0.0001"), rounding=ROUND_DOWN) or Decimal("0.0001")
    return max(Decimal(4), (_VALUE / price).quantize(Decimal(1), rounding=ROUND_DOWN))


def _tick(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01") if price >= 1 else Decimal("0.0001"), rounding=ROUND_DOWN)


class TraderParams(Params):
    """The file that lets it trade, and quotes of the symbol between two decisions."""

    starts_with: Path
    every: int = 4
    patience: int = 40
    """Quotes to let pass after a refusal: a strategy that insists is stopped."""


class Trader(Strategy[TraderParams]):
    """Wait for a file, then do everything that gives a fault an occasion, over and over.

    Buy and sell at the market, rest below it, change what rests, and cancel it.
    """

    Params = TraderParams

    def on_start(self) -> None:
        """Begin with nothing."""
        self._quotes = 0
        self._trades = False
        self._waits = 0
        self._resting: dict[ClientOrderId, None] = {}

    def on_tick(self, tick: TickData) -> None:
        """Do the next thing, once it may."""
        if not isinstance(tick, QuoteTick) or tick.bid <= 0 or tick.ask <= 0:
            return
        self._quotes += 1
        if self._quotes % self.params.every:
            return
        self._trades = self._trades or self.params.starts_with.exists()
        if not self._trades or self._quotes < self._waits:
            return
        price = Decimal(repr(round(tick.bid, 2 if tick.bid >= 1 else 4)))
        quantity = _quantity(tick.symbol, price)
        held = self.position(tick.symbol)
        match self._quotes // self.params.every % 6:
            case 0 | 3 if held > 0:
                self.sell(tick.symbol, held, reason="drill")
            case 0 | 3:
                self.buy(tick.symbol, quantity, reason="drill")
            case 1:
                self.buy(tick.symbol, quantity, limit_price=_tick(price * _BELOW), reason="drill",
                         time_in_force=TimeInForce.GTC)  # fmt: skip
            case 2 if self._resting:
                self.modify(next(reversed(self._resting)), limit_price=_tick(price * _BELOW * _BELOW))
            case 4 | 5 if self._resting:
                self.cancel(next(iter(self._resting)))
            case _:
                pass

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        """Keep a list of what may rest; be patient after a refusal."""
        match report:
            case OrderDenied():
                self._waits = self._quotes + self.params.patience
            case OrderAccepted(client_order_id=order_id):
                self._resting[order_id] = None
            case OrderCanceled(client_order_id=order_id) | OrderRejected(client_order_id=order_id):
                self._resting.pop(order_id, None)
            case OrderFilled(client_order_id=order_id):
                self._resting.pop(order_id, None)
            case _:
                pass


class Breaker(Strategy[Params]):
    """Place one order far from the market, then raise."""

    def on_start(self) -> None:
        """Begin with nothing."""
        self._quotes = 0

    def on_tick(self, tick: TickData) -> None:
        """Work for a while, then break."""
        if not isinstance(tick, QuoteTick) or tick.bid <= 0:
            return
        self._quotes += 1
        if self._quotes == 5:
            price = _tick(Decimal(repr(round(tick.bid, 4))) * Decimal("0.97"))
            self.buy(tick.symbol, _quantity(tick.symbol, price), limit_price=price, time_in_force=TimeInForce.GTC)
        if self._quotes == 40:
            raise RuntimeError("this strategy is broken on purpose")
