"""The last gate before the wire: closed by a halt or a stop, looked at right before an order's bytes leave.

Plain memory without a dependency: it closes when journal, log and database are gone. The durable side of a halt is the
journal's; this is what stops an order that was approved before the halt and has not left yet.
"""

from tradingd.core.identifiers import ClientOrderId


class Latch:
    """Why no new order may leave, if none may; orders that close positions on an operator's word pass."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._passes: set[ClientOrderId] = set()

    def close(self, name: str, reason: str) -> None:
        """Let no order leave; `name` is who says so."""
        self._reasons[name] = reason

    def open(self, name: str) -> None:
        """Take back what `name` said."""
        self._reasons.pop(name, None)

    def let_pass(self, order_id: ClientOrderId) -> None:
        """Let one order leave all the same: it closes a position as the operator asked."""
        self._passes.add(order_id)

    def refusal(self, order_id: ClientOrderId) -> str | None:
        """Why this order may not leave, None when it may."""
        if not self._reasons or order_id in self._passes:
            return None
        return "; ".join(self._reasons.values())
