"""Flattening the account, a strategy, a symbol, or what a stop says: cancel, wait until nothing works, close each
position once.

Closing orders wait for the cancels because the venue holds shares back for working orders. Each position gets one
closing order; what is left after it (a fraction below the lot, a refusal) is reported, not chased.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from tradingd.core.books import Books
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import StopPolicy
from tradingd.core.scopes import ACCOUNT, Scope
from tradingd.runtime.ports import EventLog

MODULE = "execution_engine"
TRACE = "flatten/"
"""How the trace of an order that closes a position begins."""
MAX_CANCELS = 5
"""How often an order that goes on working is asked to be cancelled again."""


class Flattening:
    """One flattening under way."""

    def __init__(
        self,
        books: Books,
        close: Callable[[StrategyId, Symbol, Decimal], None],
        covers: Callable[[StrategyId, Symbol], bool] = ACCOUNT.covers,
        cancel: Callable[[ClientOrderId], object] = lambda order_id: None,
    ) -> None:
        self._books = books
        self._close = close
        self._covers = covers
        self._cancel = cancel
        self._cancelled: Counter[ClientOrderId] = Counter()
        self._attempted: set[tuple[StrategyId, Symbol]] = set()

    def step(self) -> bool:
        """Go on as far as is possible now; True once there is nothing left to do."""
        self._cancel_again()
        if self._orders_open():
            return False
        lines = self._next_lines()
        while lines and not self._orders_open():
            for key, quantity in lines:
                self._attempted.add(key)
                self._close(*key, quantity)
            # Where nothing was sent (a fraction below the lot) no report will come that could lead here again.
            lines = self._next_lines()
        return not self._orders_open()

    def _cancel_again(self) -> None:
        """Ask once more for a cancel that was lost or refused: the order would be waited for in vain."""
        for state in self._books.orders.open:
            order = state.order
            works = state.status is OrderStatus.ACCEPTED and self._covers(order.strategy_id, order.symbol)
            if works and not order.trace_id.startswith(TRACE) and self._cancelled[state.client_order_id] < MAX_CANCELS:
                self._cancelled[state.client_order_id] += 1
                self._cancel(state.client_order_id)

    def _next_lines(self) -> list[tuple[tuple[StrategyId, Symbol], Decimal]]:
        """What to close now: of each symbol first what is on the side of the account's net position.

        Strategies may hold against one another. Closing both sides at once would send orders that cross, and could
        leave the account with more than it had while only one of them has filled.
        """
        lines = [
            (key, position.quantity)
            for key, position in self._books.portfolio.lines.items()
            if position.quantity and key not in self._attempted and self._covers(*key)
        ]
        first = {symbol: self._books.portfolio.quantity(symbol) >= 0 for (_, symbol), _ in lines}
        for symbol, long in first.items():
            sides = {quantity > 0 for (_, other), quantity in lines if other == symbol}
            first[symbol] = long if long in sides else not long
        return [(key, quantity) for key, quantity in lines if (quantity > 0) is first[key[1]]]

    def _orders_open(self) -> bool:
        return any(self._covers(state.order.strategy_id, state.order.symbol) for state in self._books.orders.open)

    def left(self) -> list[str]:
        """Positions that closing did not close."""
        return [
            f"{position.quantity:f} {symbol} of {strategy_id}"
            for (strategy_id, symbol), position in self._books.portfolio.lines.items()
            if position.quantity and self._covers(strategy_id, symbol)
        ]


class ClosingDesk(Protocol):
    """What winding down asks of the execution engine."""

    def cancel_all(self, strategy_id: StrategyId | None = None, symbol: Symbol | None = None) -> int:
        """Ask for a cancel of every working order, or of those of a strategy or symbol."""
        ...

    def request_cancel(self, order_id: ClientOrderId) -> bool:
        """Ask for a cancel of one order."""
        ...

    def close_position(self, strategy_id: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        """Send what closes a position."""
        ...


class WindingDown:
    """An operator's flattening, or what an orderly stop does for each strategy."""

    def __init__(self, books: Books, log: EventLog) -> None:
        self._books = books
        self._log = log
        self._flattenings: dict[Scope | None, Flattening] = {}
        """Those under way, by what they are about; None is that of a stop."""
        self._stopping: frozenset[StrategyId] = frozenset()

    def flatten(self, desk: ClosingDesk, scope: Scope = ACCOUNT) -> None:
        """Cancel every order of a scope, then close every position of it."""
        if scope.is_account:
            self._flattenings.clear()  # it does what they would
        desk.cancel_all(scope.strategy_id, scope.symbol)
        self._flattenings[scope] = Flattening(self._books, desk.close_position, scope.covers, desk.request_cancel)
        self.go_on()

    @property
    def closing(self) -> tuple[Scope, ...]:
        """What operators have asked to be flattened and is not yet."""
        return tuple(scope for scope in self._flattenings if scope is not None)

    def wind_down(self, policies: Mapping[StrategyId, StopPolicy], desk: ClosingDesk) -> None:
        """Do what a stop does for each strategy."""
        self._stopping = frozenset(name for name, policy in policies.items() if policy is not StopPolicy.LEAVE)
        flattened = {name for name, policy in policies.items() if policy is StopPolicy.FLATTEN}
        for strategy_id in sorted(self._stopping):
            desk.cancel_all(strategy_id)
        if flattened and not self._flattenings:
            self._flattenings[None] = Flattening(
                self._books, desk.close_position, lambda name, _: name in flattened, desk.request_cancel
            )
            self.go_on()

    @property
    def done(self) -> bool:
        """True when no order that a stop was to cancel or to close with is working."""
        working = any(state.order.strategy_id in self._stopping for state in self._books.orders.open)
        return not self._flattenings and not working

    def go_on(self) -> None:
        """Go on after something happened to an order."""
        for scope, flattening in list(self._flattenings.items()):
            # A step may lead here again, and end what this loop still has in hand.
            if self._flattenings.get(scope) is flattening and flattening.step() and scope in self._flattenings:
                del self._flattenings[scope]
                self._say_end(scope, flattening.left())

    def _say_end(self, scope: Scope | None, left: list[str]) -> None:
        what = "" if scope is None or scope.is_account else f"{scope}: "
        self._log.log_event(
            Level.ERROR if left else Level.WARNING,
            what
            + (
                f"flattened as far as possible; what could not be closed: {', '.join(left)}"
                if left
                else "flattened: no orders, no positions"
            ),
            {"left": left},
            event=LogEvent.CONTROL_COMMAND,
            module=MODULE,
        )
