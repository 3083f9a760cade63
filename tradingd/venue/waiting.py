"""Open orders that are in no book: those that wait for a first price, and those that wait for an auction."""

from collections.abc import Iterator

from tradingd.core.identifiers import Symbol
from tradingd.venue.records import OrderRecord


class WaitingOrders:
    """Orders by symbol, oldest first."""

    def __init__(self) -> None:
        self._by_symbol: dict[Symbol, dict[str, OrderRecord]] = {}

    def __contains__(self, symbol: Symbol) -> bool:
        return symbol in self._by_symbol

    def __iter__(self) -> Iterator[OrderRecord]:
        return iter([record for waiting in self._by_symbol.values() for record in waiting.values()])

    def of(self, symbol: Symbol) -> list[OrderRecord]:
        """The orders in one symbol."""
        return list(self._by_symbol.get(symbol, {}).values())

    def add(self, record: OrderRecord) -> None:
        """Let an order wait."""
        self._by_symbol.setdefault(record.symbol, {})[record.id] = record

    def remove(self, record: OrderRecord) -> None:
        """Let go of an order that waits no more, or never did."""
        waiting = self._by_symbol.get(record.symbol)
        if waiting is not None:
            waiting.pop(record.id, None)
            if not waiting:
                del self._by_symbol[record.symbol]
