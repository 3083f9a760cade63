"""A stage for one strategy: it keeps what the strategy asks for and fills it at once unless told not to."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradingd.core.identifiers import ClientOrderId, ExecutionId, PlanId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import MINUTE_NS, PriceBar
from tradingd.core.orders import ZERO, OrderModification, OrderTerms, Side, SignalAction, Trade
from tradingd.core.signals import PLAIN, Protection, Work
from tradingd.strategies.base import Strategy

ABC = Symbol("ABC")


class Stage:
    """Implements `StrategyContext`."""

    def __init__(
        self, strategy: Strategy[Any], state: dict[str, str | int | float | bool | None] | None = None
    ) -> None:
        self.strategy = strategy
        self.signals: list[tuple[str, Decimal, OrderTerms, str]] = []
        self.held = ZERO
        self.under_way = ZERO
        self.fills = True
        self.minute = 0
        self.work: list[Work] = []
        self.protected: list[tuple[Symbol, Protection]] = []
        self.modified: list[tuple[ClientOrderId, OrderModification]] = []
        self.said: list[tuple[str, dict[str, object]]] = []
        strategy.bind(self, state or {})
        strategy.on_start()

    def now(self) -> int:
        return self.minute * MINUTE_NS

    def position(self, symbol: Symbol) -> Decimal:
        return self.held

    def working(self, symbol: Symbol) -> Decimal:
        return self.under_way

    def bars(self, symbol: Symbol, count: int) -> Sequence[PriceBar]:
        return ()

    def plans(self, symbol: Symbol) -> Sequence[PlanId]:
        return ()

    def protect(self, symbol: Symbol, protection: Protection) -> None:
        self.protected.append((symbol, protection))

    def emit(
        self,
        symbol: Symbol,
        action: SignalAction,
        quantity: Decimal,
        terms: OrderTerms,
        reason: str,
        *,
        work: Work = PLAIN,
    ) -> None:
        self.work.append(work)
        self.signals.append((action.value, quantity, terms, reason))
        signed = {SignalAction.BUY: quantity, SignalAction.SELL: -quantity, SignalAction.HOLD: ZERO}[action]
        self.under_way += signed
        if self.fills and signed:
            self.fill()

    def set_target(self, symbol: Symbol, quantity: Decimal, reason: str) -> None:
        missing = quantity - self.held - self.under_way
        if missing:
            action = SignalAction.BUY if missing > 0 else SignalAction.SELL
            self.emit(symbol, action, abs(missing), OrderTerms(), reason)

    def fill(self) -> None:
        signed, self.under_way = self.under_way, ZERO
        self.held += signed
        self.strategy.on_fill(
            Trade(
                execution_id=ExecutionId("e"),
                client_order_id=ClientOrderId("c"),
                venue_order_id=VenueOrderId("v"),
                strategy_id=self.strategy.id,
                symbol=ABC,
                side=Side.BUY if signed > 0 else Side.SELL,
                quantity=abs(signed),
                price=Decimal(100),
                fee=ZERO,
                trace_id=TraceId("t"),
                ts_event=self.now(),
                ts_recv=self.now(),
            )
        )

    def cancel(self, client_order_id: ClientOrderId) -> None:
        self.signals.append(("CANCEL", ZERO, OrderTerms(), client_order_id))

    def modify(self, client_order_id: ClientOrderId, details: OrderModification) -> None:
        self.modified.append((client_order_id, details))

    def set_timer(self, name: str, at_ns: int, every_ns: int | None) -> None:
        self.said.append((name, {"at": at_ns, "every": every_ns}))

    def cancel_timer(self, name: str) -> None:
        self.said.append((name, {}))

    def say(self, message: str, details: dict[str, object]) -> None:
        self.said.append((message, details))

    def bar(self, close: float) -> PriceBar:
        self.minute += 1
        return PriceBar(
            symbol=ABC,
            interval_ns=MINUTE_NS,
            ts_open=self.now() - MINUTE_NS,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=1,
            ts_event=self.now(),
            ts_recv=self.now(),
        )

    def show(self, *closes: float) -> list[tuple[str, int]]:
        """Show bars; return what was asked for because of them."""
        before = len(self.signals)
        for close in closes:
            self.strategy.on_bar(self.bar(close))
        return [(action, int(quantity)) for action, quantity, _, _ in self.signals[before:]]
