"""What an adapter said of the orders that were sent, and what the books would make of it.

Owns: the reports in order, and each order's state, folded by the rules of the books. Emits: `Failed`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.order_state import OrderState, OrderStatus, apply_report, intend
from tradingd.core.orders import ExecutionReport, Order, OrderFilled
from tradingd.tools.conform.record import Failed, Recorder

R = TypeVar("R", bound=ExecutionReport)


class OrderTracker:
    """Tracks the orders of a case by their reports; waits for one at most `patience_s`."""

    def __init__(self, patience_s: float) -> None:
        self.events: Recorder[BrokerEvent] = Recorder()
        self.sent: dict[ClientOrderId, Order] = {}
        self.states: dict[ClientOrderId, OrderState] = {}
        self.anomalies: list[str] = []
        """What the books would take in, and an operator should know."""
        self._patience_s = patience_s

    def keep(self, order: Order) -> Order:
        """Begin an order's life."""
        self.sent[order.client_order_id] = order
        self.states[order.client_order_id] = intend(order)
        return order

    def venue_id(self, order: Order) -> VenueOrderId:
        """The venue's latest name of an order."""
        venue_id = self.state(order).venue_order_id
        if venue_id is None:
            raise Failed(f"{order.client_order_id} has no venue order id yet")
        return venue_id

    # -- what became of them ------------------------------------------------------------------------------------------

    def state(self, order: Order) -> OrderState:
        """The order as the books would have it."""
        return self.states[order.client_order_id]

    def reports(self, order: Order, kind: type[R] | None = None) -> list[Any]:
        """What was reported of an order, of one kind or all, in order."""
        name = order.client_order_id
        return [
            event
            for event in self.events.all
            if not isinstance(event, OrderStreamUp | OrderStreamDown | ForeignOrderEvent)
            and event.client_order_id == name
            and (kind is None or isinstance(event, kind))
        ]

    def fills(self, order: Order) -> list[OrderFilled]:
        """Its executions, each once."""
        return list({fill.execution_id: fill for fill in self.reports(order, OrderFilled)}.values())

    def count(self, kind: type[object]) -> int:
        """How many events of a kind came so far."""
        return sum(isinstance(event, kind) for event in self.events.all)

    async def until(self, condition: Callable[[], bool], wanted: str) -> None:
        """Wait for something that an event makes true."""
        await self.events.until(condition, self._patience_s, lambda: f"it did not happen that {wanted}")

    async def expect(self, kind: type[R], order: Order, count: int = 1) -> R:
        """Wait for the n-th report of a kind about an order."""

        def wanted() -> str:
            seen = ", ".join(type(report).__name__ for report in self.reports(order)) or "nothing"
            return f"no {kind.__name__} of {order.client_order_id} (number {count}); reported was: {seen}"

        await self.events.until(lambda: len(self.reports(order, kind)) >= count, self._patience_s, wanted)
        found: R = self.reports(order, kind)[count - 1]
        return found

    async def reach(self, order: Order, status: OrderStatus) -> OrderState:
        """Wait until the reports bring an order to a status."""

        def wanted() -> str:
            state = self.state(order)
            return f"{order.client_order_id} is {state.status} ({state.reject_reason or 'no reason'}), not {status}"

        await self.events.until(lambda: self.state(order).status is status, self._patience_s, wanted)
        return self.state(order)

    async def filled(self, order: Order) -> list[OrderFilled]:
        """Wait until all of an order has filled."""
        await self.reach(order, OrderStatus.FILLED)
        return self.fills(order)

    # -- the sink -----------------------------------------------------------------------------------------------------

    def take(self, event: BrokerEvent) -> None:
        """Take what an adapter says."""
        if not isinstance(event, OrderStreamUp | OrderStreamDown | ForeignOrderEvent):
            if event.client_order_id in self.states:
                self.fold(event)
            else:
                self.anomalies.append(f"a report names {event.client_order_id}, which was never sent here")
        self.events.put(event)

    def fold(self, report: ExecutionReport) -> None:
        """Let a report change the state of its order."""
        transition = apply_report(self.states[report.client_order_id], report)
        self.states[report.client_order_id] = transition.state
        if transition.anomaly is not None:
            self.anomalies.append(f"{report.client_order_id}: {transition.anomaly} by {type(report).__name__}")
