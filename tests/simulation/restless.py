"""A strategy that does what the plan of a run wishes, at its next callback."""

from collections import deque
from decimal import Decimal
from typing import ClassVar, assert_never

from tests.simulation.plans import Verb, Wish
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.market import QuoteTick, TickData, reference_price
from tradingd.core.orders import (
    ExecutionReport,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderRejected,
    TimeInForce,
    Trade,
)
from tradingd.core.signals import Remainder, Reprice, Twap
from tradingd.strategies.base import Params, Strategy

CENT = Decimal("0.01")


class Restless(Strategy[Params]):
    """Carries out one wish a callback; a cancel goes to the oldest order that it has heard of."""

    living: ClassVar[dict[StrategyId, "Restless"]] = {}
    """The newest instance of each id: the engine makes them, the run looks for them here."""

    wishes: deque[Wish]
    mine: list[ClientOrderId]
    raises: bool

    def on_start(self) -> None:
        self.wishes, self.mine, self.prices = deque(), [], dict[Symbol, Decimal]()
        self.raises = False
        Restless.living[self.id] = self

    def on_tick(self, tick: TickData) -> None:
        if isinstance(tick, QuoteTick):
            self.prices[tick.symbol] = Decimal(repr(round(reference_price(tick), 2)))
        self.act()

    def on_fill(self, trade: Trade) -> None:
        self.state["fills"] = int(self.state.get("fills") or 0) + 1
        self.act()

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        order_id = report.client_order_id
        if isinstance(report, OrderAccepted) and order_id not in self.mine:
            self.mine.append(order_id)
        if isinstance(report, OrderCanceled | OrderExpired | OrderRejected) and order_id in self.mine:
            self.mine.remove(order_id)
        self.act()

    def act(self) -> None:
        """Carry out the next wish."""
        if self.raises:
            self.raises = False
            raise ZeroDivisionError("the strategy divides by nothing")
        if not self.wishes:
            return
        wish = self.wishes.popleft()
        quantity = Decimal(wish.quantity)
        price = self.prices.get(wish.symbol)
        if price is None:
            return
        match wish.verb:
            case Verb.BUY:
                self.buy(wish.symbol, quantity)
            case Verb.SELL:
                self.sell(wish.symbol, quantity)
            case Verb.BUY_LIMIT:
                self.buy(wish.symbol, quantity, limit_price=price - CENT * wish.cents, time_in_force=TimeInForce.GTC)
            case Verb.SELL_LIMIT:
                self.sell(wish.symbol, quantity, limit_price=price + CENT * wish.cents, time_in_force=TimeInForce.GTC)
            case Verb.BUY_AT_ONCE:
                limit = price + CENT * wish.cents
                self.buy(wish.symbol, quantity, limit_price=limit, time_in_force=TimeInForce.IOC)
            case Verb.TARGET:
                self.target_position(wish.symbol, Decimal(wish.cents))
            case Verb.BRACKET:
                self.enter(wish, price)
            case Verb.PROTECT:
                away = CENT * 20 * (1 if self.position(wish.symbol) > 0 else -1)
                self.protect(wish.symbol, take_profit=price + away, stop_loss=price - away)
            case Verb.SLICES:
                slices = min(4, wish.quantity)
                algorithm = Twap(duration_s=10, slices=slices)
                self.buy(wish.symbol, quantity, algorithm=algorithm, stop_loss=price - CENT * 30)
            case Verb.CHASE:
                self.sell(wish.symbol, quantity, algorithm=Reprice(timeout_s=5, remainder=Remainder.MARKET))
            case Verb.CANCEL:
                if self.mine:
                    self.cancel(self.mine.pop(0))
            case (
                Verb.CANCEL_ALL
                | Verb.MODIFY
                | Verb.HALT
                | Verb.FLATTEN
                | Verb.RESUME
                | Verb.HALT_PART
                | Verb.RESUME_PART
                | Verb.CLOSE_PART
                | Verb.CANCEL_PART
            ):
                raise AssertionError("an operator's wish")
            case _:
                assert_never(wish.verb)

    def enter(self, wish: Wish, price: Decimal) -> None:
        """Begin a bracket of one kind or another."""
        quantity, cents = Decimal(wish.quantity), CENT * wish.cents
        match wish.cents % 4:
            case 0:
                self.buy(wish.symbol, quantity, take_profit=price + CENT * 30, stop_loss=price - CENT * 30)
            case 1:
                self.buy(wish.symbol, quantity, take_profit=price + CENT * 20, stop_trail_amount=CENT * 25)
            case 2:
                self.sell(wish.symbol, quantity, take_profit=price - CENT * 30, stop_loss=price + CENT * 30)
            case _:
                limit, stop = price - cents, price - cents - CENT * 30
                self.buy(
                    wish.symbol, quantity, limit_price=limit, time_in_force=TimeInForce.GTC, stop_loss=stop,
                    take_profit=limit + CENT * 30,
                )  # fmt: skip
