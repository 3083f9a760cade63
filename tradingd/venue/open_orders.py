"""The open orders, and which of them belong to one entry or to each other."""

from collections.abc import Iterator

from tradingd.venue.records import OrderClass, OrderRecord


class OpenOrders:
    """Every order that is not over, by id and by family (an order and its legs)."""

    def __init__(self) -> None:
        self._by_id: dict[str, OrderRecord] = {}
        self._families: dict[str, dict[str, OrderRecord]] = {}

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[OrderRecord]:
        return iter(self._by_id.values())

    def get(self, order_id: str) -> OrderRecord | None:
        """One open order, None when it is not here or over."""
        return self._by_id.get(order_id)

    def add(self, record: OrderRecord) -> None:
        """Take an order in."""
        self._by_id[record.id] = record
        if record.order_class is not OrderClass.SIMPLE:
            self._families.setdefault(record.family, {})[record.id] = record

    def remove(self, record: OrderRecord) -> None:
        """Let go of an order that is over."""
        self._by_id.pop(record.id, None)
        family = self._families.get(record.family)
        if family is not None:
            family.pop(record.id, None)
            if not family:
                del self._families[record.family]

    def relatives(self, record: OrderRecord) -> list[OrderRecord]:
        """The open orders of the same family."""
        return [other for other in self._families.get(record.family, {}).values() if other is not record]

    def adopt(self, leg: OrderRecord, parent_id: str) -> None:
        """Give a leg a new parent, the one that took the old one's place."""
        self.remove(leg)
        leg.parent_id = parent_id
        self.add(leg)
