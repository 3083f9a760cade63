"""Flattening the account: cancel everything, wait until nothing works, close every position once.

Closing orders wait for the cancels because the venue holds shares back for working orders. Each position gets one
closing order; what is left after it (a fraction below the lot, a refusal) is reported, not chased.
"""

from collections.abc import Callable
from decimal import Decimal

from tradingd.core.books import Books
from tradingd.core.identifiers import StrategyId, Symbol


class Flattening:
    """One flattening under way."""

    def __init__(self, books: Books, close: Callable[[StrategyId, Symbol, Decimal], None]) -> None:
        self._books = books
        self._close = close
        self._attempted: set[tuple[StrategyId, Symbol]] = set()

    def step(self) -> bool:
        """Go on as far as is possible now; True once there is nothing left to do."""
        if self._books.orders.open_count:
            return False
        lines = [
            (key, position.quantity)
            for key, position in self._books.portfolio.lines.items()
            if position.quantity and key not in self._attempted
        ]
        for key, quantity in lines:
            self._attempted.add(key)
            self._close(*key, quantity)
        # Where nothing was sent (a fraction below the lot) no report will come that could lead here again.
        return not self._books.orders.open_count

    def left(self) -> list[str]:
        """Positions that closing did not close."""
        return [
            f"{position.quantity:f} {symbol} of {strategy_id}"
            for (strategy_id, symbol), position in self._books.portfolio.lines.items()
            if position.quantity
        ]
