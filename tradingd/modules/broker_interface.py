"""Broker interface: the daemon's side of one account at one venue.

Owns: the adapter, and what is known of its connection. Reads: what the adapter delivers. Emits: execution reports and
answers to questions, to the execution engine. Never: repeats a command, and never judges an answer (the adapter and the
core do).
"""

from collections.abc import Callable, Coroutine
from typing import Any

from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.broker_events import BrokerEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument, default_instrument
from tradingd.core.log import Level, LogEvent
from tradingd.core.order_state import NOT_SENT
from tradingd.core.orders import Order, OrderModification, OrderRejected
from tradingd.errors import VenueUnavailable
from tradingd.runtime.events import (
    ExecutionEvent,
    LookupFailed,
    OpenOrdersTaken,
    OrderLookup,
    SnapshotFailed,
    SnapshotTaken,
)
from tradingd.runtime.inbox import Outlet
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.module import Part
from tradingd.runtime.ports import Spawn


class BrokerInterface(Part):
    """The way to the venue and back.

    What the adapter delivers is handled in the call that delivers it: a fill has one queue to pass before the books.
    """

    name = "broker_interface"

    def __init__(
        self,
        kernel: Kernel,
        make_adapter: Callable[[BrokerSink], BrokerAdapter],
        *,
        execution: Outlet[ExecutionEvent],
        spawn: Spawn,
    ) -> None:
        self.adapter = make_adapter(self.handle)
        self._orders = kernel.books.orders
        self._execution = execution
        self._spawn = spawn
        self._kill_switch = kernel.kill_switch
        self._log = kernel.log
        self._snapshot_under_way = False
        self._list_under_way = False
        self._lookups: set[ClientOrderId] = set()
        self.stream_up = False

    def initialize(self) -> None:
        """Tell the adapter which of the venue's order ids are ours from former runs."""
        self.adapter.adopt(
            {venue_id: state.client_order_id for state in self._orders for venue_id in state.venue_order_ids}
        )

    # -- commands: synchronous, so that nothing comes between a decision and its bytes --------------------------------

    def submit_order(self, order: Order) -> None:
        """Send an order whose intent is in the journal; what comes of it arrives as reports."""
        refusal = self._kill_switch.refusal(order.client_order_id)
        if refusal is not None:
            self._execution.put(
                OrderRejected(
                    client_order_id=order.client_order_id,
                    code=NOT_SENT,
                    reason=refusal,
                    ts_event=order.ts_created,
                    ts_recv=order.ts_created,
                )
            )
            return
        self.adapter.submit(order)

    def cancel_order(self, order_id: ClientOrderId) -> None:
        """Ask the venue to cancel; an order without a venue id yet is left to the reconciliation."""
        state = self._orders.get(order_id)
        if state is not None and state.venue_order_id is not None:
            self.adapter.cancel(state.order, state.venue_order_id)

    def modify_order(self, order_id: ClientOrderId, new_order_details: OrderModification) -> None:
        """Ask the venue for new terms."""
        state = self._orders.get(order_id)
        if state is not None and state.venue_order_id is not None:
            self.adapter.modify(state.order, state.venue_order_id, new_order_details)

    def cancel_leg(self, order_id: ClientOrderId, venue_order_id: VenueOrderId) -> None:
        """Ask the venue to cancel one of an order's names there."""
        state = self._orders.get(order_id)
        if state is not None:
            self.adapter.cancel(state.order, venue_order_id)

    def adopt_order(self, venue_order_id: VenueOrderId, order_id: ClientOrderId) -> None:
        """Have the adapter report on an order that we did not send."""
        self.adapter.adopt({venue_order_id: order_id})

    def instrument(self, symbol: Symbol) -> Instrument:
        """The trading steps of a symbol, as the venue gave them at connect."""
        return self.adapter.instruments.get(symbol) or default_instrument(symbol)

    @property
    def model(self) -> BrokerModel:
        """What the venue takes."""
        return self.adapter.model

    # -- questions: each a task of its own, whose answer goes to the execution engine ---------------------------------

    def request_snapshot(self, since_ns: int, books_version: int, *, plan_only: bool) -> None:
        """Ask for everything since a time, unless the question is already under way."""
        if not self._snapshot_under_way:
            self._snapshot_under_way = True
            self._spawn(self._take_snapshot(since_ns, books_version, plan_only), "broker:snapshot")

    async def _take_snapshot(self, since_ns: int, books_version: int, plan_only: bool) -> None:
        try:
            snapshot = await self.adapter.snapshot(since_ns)
        except VenueUnavailable as error:
            self._snapshot_under_way = False
            self._execution.put(SnapshotFailed(reason=str(error)))
        else:
            self._snapshot_under_way = False
            self._execution.put(SnapshotTaken(snapshot=snapshot, books_version=books_version, plan_only=plan_only))

    def request_open_orders(self, books_version: int) -> None:
        """Ask for the working orders, unless a question that holds them is already under way."""
        if not self._snapshot_under_way and not self._list_under_way:
            self._list_under_way = True
            self._spawn(self._list_orders(books_version), "broker:open-orders")

    async def _list_orders(self, books_version: int) -> None:
        try:
            orders = await self.adapter.open_orders()
        except VenueUnavailable as error:
            self._list_under_way = False
            self._execution.put(SnapshotFailed(reason=str(error)))
        else:
            self._list_under_way = False
            self._execution.put(OpenOrdersTaken(orders=orders, books_version=books_version))

    def request_order(self, order_id: ClientOrderId, books_version: int) -> None:
        """Ask for one order by our id, unless the question is already under way."""
        if order_id not in self._lookups:
            self._lookups.add(order_id)
            self._spawn(self._look_up(order_id, books_version), f"broker:lookup:{order_id}")

    async def _look_up(self, order_id: ClientOrderId, books_version: int) -> None:
        try:
            order = await self.adapter.find_order(order_id)
        except VenueUnavailable as error:
            self._lookups.discard(order_id)
            self._execution.put(LookupFailed(client_order_id=order_id, reason=str(error)))
        else:
            self._lookups.discard(order_id)
            self._execution.put(OrderLookup(client_order_id=order_id, order=order, books_version=books_version))

    def run_adapter(self) -> Coroutine[Any, Any, None]:
        """The adapter's own long-lived work: keeping the order stream up."""
        return self.adapter.run()

    # -- what the venue says ------------------------------------------------------------------------------------------

    def handle(self, event: BrokerEvent) -> None:
        """Pass one report on; take note of the connection."""
        match event:
            case OrderStreamUp():
                self.stream_up = True
                self._log.log_event(
                    Level.INFO, "the order stream is listening", event=LogEvent.BROKER_STREAM_UP, module=self.name
                )
            case OrderStreamDown(reason=reason):
                self.stream_up = False
                self._log.log_event(
                    Level.WARNING,
                    f"the order stream is down: {reason}; no new orders until it is back and reconciled",
                    event=LogEvent.BROKER_STREAM_DOWN,
                    module=self.name,
                )
            case _:
                pass
        self._execution.put(event)
