"""The last gate before the wire: closed by a halt or a stop, looked at right before an order's bytes leave.

Plain memory without a dependency: it closes when journal, log and database are gone. The durable side of a halt is the
journal's; this is what stops an order that was approved before the halt and has not left yet.
"""

from tradingd.core.identifiers import ClientOrderId

HALT, STOP = "halt", "stop"
"""Who closes it: a halt, and the end of the process."""


class KillSwitch:
    """Why no new order may leave, if none may; orders that close positions pass as far as they were let."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._held: dict[ClientOrderId, str] = {}
        self._passes: dict[ClientOrderId, tuple[str, ...]] = {}

    def close(self, name: str, reason: str) -> None:
        """Let no order leave; `name` is who says so."""
        self._reasons[name] = reason

    def open(self, name: str) -> None:
        """Take back what `name` said."""
        self._reasons.pop(name, None)

    def let_pass(self, order_id: ClientOrderId, *names: str) -> None:
        """Let one order leave whatever `names` say: it can only reduce a position."""
        self._passes[order_id] = names

    def hold(self, order_id: ClientOrderId, reason: str) -> None:
        """Let one order not leave any more, if it has not left yet."""
        self._held[order_id] = reason

    def forget(self, order_id: ClientOrderId) -> None:
        """Forget what one order was let pass: it has ended."""
        self._passes.pop(order_id, None)
        self._held.pop(order_id, None)

    def refusal(self, order_id: ClientOrderId) -> str | None:
        """Why this order may not leave, None when it may."""
        if (held := self._held.get(order_id)) is not None:
            return held
        if not self._reasons:
            return None
        passed = self._passes.get(order_id, ())
        return "; ".join(reason for name, reason in self._reasons.items() if name not in passed) or None
