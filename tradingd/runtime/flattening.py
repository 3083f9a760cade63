"""Flattening the account, or what some strategies hold: cancel, wait until nothing works, close each position once.

Closing orders wait for the cancels because the venue holds shares back for working orders. Each position gets one
closing order; what is left after it (a fraction below the lot, a refusal) is reported, not chased.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Protocol

from tradingd.core.books import Books
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.orders import StopPolicy
from tradingd.runtime.ports import EventLog

MODULE = "execution_engine"


class Flattening:
    """One flattening under way."""

    def __init__(
        self,
        books: Books,
        close: Callable[[StrategyId, Symbol, Decimal], None],
        strategies: Collection[StrategyId] | None = None,
    ) -> None:
        self._books = books
        self._close = close
        self._strategies = strategies
        self._attempted: set[tuple[StrategyId, Symbol]] = set()

    def step(self) -> bool:
        """Go on as far as is possible now; True once there is nothing left to do."""
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

    def _next_lines(self) -> list[tuple[tuple[StrategyId, Symbol], Decimal]]:
        """What to close now: of each symbol first what is on the side of the account's net position.

        Strategies may hold against one another. Closing both sides at once would send orders that cross, and could
        leave the account with more than it had while only one of them has filled.
        """
        lines = [
            (key, position.quantity)
            for key, position in self._books.portfolio.lines.items()
            if position.quantity and key not in self._attempted and self._covers(key[0])
        ]
        first = {symbol: self._books.portfolio.quantity(symbol) >= 0 for (_, symbol), _ in lines}
        for symbol, long in first.items():
            sides = {quantity > 0 for (_, other), quantity in lines if other == symbol}
            first[symbol] = long if long in sides else not long
        return [(key, quantity) for key, quantity in lines if (quantity > 0) is first[key[1]]]

    def _covers(self, strategy_id: StrategyId) -> bool:
        return self._strategies is None or strategy_id in self._strategies

    def _orders_open(self) -> bool:
        return any(self._covers(state.order.strategy_id) for state in self._books.orders.open)

    def left(self) -> list[str]:
        """Positions that closing did not close."""
        return [
            f"{position.quantity:f} {symbol} of {strategy_id}"
            for (strategy_id, symbol), position in self._books.portfolio.lines.items()
            if position.quantity and self._covers(strategy_id)
        ]


class ClosingDesk(Protocol):
    """What winding down asks of the execution engine."""

    def cancel_all(self, strategy_id: StrategyId | None = None) -> int:
        """Ask for a cancel of every working order, or of one strategy's."""
        ...

    def close_position(self, strategy_id: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        """Send what closes a position."""
        ...


class WindingDown:
    """An operator's flattening, or what an orderly stop does for each strategy."""

    def __init__(self, books: Books, log: EventLog) -> None:
        self._books = books
        self._log = log
        self._flattening: Flattening | None = None
        self._stopping: frozenset[StrategyId] = frozenset()

    def flatten(self, desk: ClosingDesk) -> None:
        """Cancel everything, then close every position."""
        self._flattening = Flattening(self._books, desk.close_position)
        desk.cancel_all()
        self.go_on()

    def wind_down(self, policies: Mapping[StrategyId, StopPolicy], desk: ClosingDesk) -> None:
        """Do what a stop does for each strategy."""
        self._stopping = frozenset(name for name, policy in policies.items() if policy is not StopPolicy.LEAVE)
        flattened = {name for name, policy in policies.items() if policy is StopPolicy.FLATTEN}
        for strategy_id in sorted(self._stopping):
            desk.cancel_all(strategy_id)
        if flattened and self._flattening is None:
            self._flattening = Flattening(self._books, desk.close_position, flattened)
            self.go_on()

    @property
    def done(self) -> bool:
        """True when no order that a stop was to cancel or to close with is working."""
        working = any(state.order.strategy_id in self._stopping for state in self._books.orders.open)
        return self._flattening is None and not working

    def go_on(self) -> None:
        """Go on after something happened to an order."""
        flattening = self._flattening
        if flattening is None or not flattening.step():
            return
        self._flattening = None
        left = flattening.left()
        self._log.log_event(
            Level.ERROR if left else Level.WARNING,
            "flattened; some positions could not be closed" if left else "flattened: no orders, no positions",
            {"left": left},
            event=LogEvent.CONTROL_COMMAND,
            module=MODULE,
        )
