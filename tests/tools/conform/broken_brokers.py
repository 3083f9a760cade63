"""Adapters that each break one promise, for the cases to find."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
from tests.contract.simulated_bench import SimulatedHarness
from tradingd.brokers.base import BrokerSink
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, ExecutionId, VenueOrderId
from tradingd.core.orders import (
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
)
from tradingd.core.venue_view import VenueOrder, VenueSnapshot
from tradingd.tools.conform.harness import Harness
from tradingd.tools.conform.venue_harness import open_market


class Broken(SimulatedBroker):
    """Passes every event through `tell`, which a defect changes."""

    def attach(self, sink: BrokerSink) -> None:
        def told(event: BrokerEvent) -> None:
            for item in self.tell(event):
                sink(item)

        super().attach(told)

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        return (event,)


class SaysFillsTwice(Broken):
    """A second name for the same execution."""

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        if isinstance(event, OrderFilled):
            again = msgspec.structs.replace(
                event, execution_id=ExecutionId(f"{event.execution_id}'"), cum_quantity=None
            )
            return event, again
        return (event,)


class SaysCancelsTwice(Broken):
    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        return (event, event) if isinstance(event, OrderCanceled) else (event,)


class ForgetsFills(Broken):
    """Executions are kept from the stream."""

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        return () if isinstance(event, OrderFilled) else (event,)


class CumulativeFills(Broken):
    """An execution's quantity is the order's total."""

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        if isinstance(event, OrderFilled) and event.cum_quantity is not None:
            return (msgspec.structs.replace(event, quantity=event.cum_quantity, cum_quantity=None),)
        return (event,)


class StampsTheFuture(Broken):
    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        if isinstance(event, OrderAccepted):
            return (msgspec.structs.replace(event, ts_event=event.ts_event + 3_600_000_000_000),)
        return (event,)


class NamesOthers(Broken):
    """Reports come under the venue's id instead of ours."""

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        if isinstance(event, OrderAccepted):
            return (msgspec.structs.replace(event, client_order_id=ClientOrderId(event.venue_order_id)),)
        return (event,)


class RefusesWithoutReason(Broken):
    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        return (msgspec.structs.replace(event, reason=""),) if isinstance(event, OrderRejected) else (event,)


class LosesTheChain(Broken):
    """A replace does not say what it takes the place of."""

    def tell(self, event: BrokerEvent) -> Sequence[BrokerEvent]:
        if isinstance(event, OrderReplaced):
            return (msgspec.structs.replace(event, replaces=VenueOrderId("SIM-0")),)
        return (event,)


class DeafToCancels(Broken):
    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Do nothing."""


class DeafToChanges(Broken):
    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Do nothing."""


class ShowsNoFills(Broken):
    """The snapshot leaves executions out."""

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        return msgspec.structs.replace(await super().snapshot(since_ns), fills=())


class ShowsEverything(Broken):
    """The snapshot goes back to the beginning, whatever was asked."""

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        return await super().snapshot(0)


class ListsTheDead(Broken):
    """Open orders hold those that are done."""

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return tuple((await self.snapshot(0)).orders)


class FindsNothing(Broken):
    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        return None


class ForgetsAtTheEnd(Broken):
    """Closing takes every order back."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.submitted: list[Order] = []

    def submit(self, order: Order) -> None:
        self.submitted.append(order)
        super().submit(order)

    async def close(self) -> None:
        for order in self.submitted:
            self.cancel(order, VenueOrderId(""))
        await super().close()


class Raises(Broken):
    def submit(self, order: Order) -> None:
        raise ValueError("no wire")


DEFECTS: dict[type[Broken], tuple[str, ...]] = {
    SaysFillsTwice: ("E09", "E28", "E37"),
    SaysCancelsTwice: ("E50", "E53", "E89"),
    ForgetsFills: ("E09", "E31", "E107"),
    CumulativeFills: ("E29",),
    StampsTheFuture: ("E10", "E88"),
    NamesOthers: ("E10", "E87"),
    RefusesWithoutReason: ("E79", "E82"),
    LosesTheChain: ("E61", "E68"),
    DeafToCancels: ("E50", "E105"),
    DeafToChanges: ("E61", "E73"),
    ShowsNoFills: ("E98", "E109"),
    ShowsEverything: ("E100",),
    ListsTheDead: ("E94",),
    FindsNothing: ("E10", "E95"),
    ForgetsAtTheEnd: ("E104",),
    Raises: ("E10",),
}
"""Which cases find which defect, at the least."""


class BrokenHarness(SimulatedHarness):
    """The simulated venue under an adapter with a defect; nobody waits long for what will not come."""

    patience_s = 0.2

    def __init__(self, kind: Callable[..., SimulatedBroker]) -> None:
        super().__init__(lambda clock: kind(lambda event: None, clock, Decimal(100_000), Decimal(1)))


@asynccontextmanager
async def broken_harness(kind: type[Broken]) -> AsyncIterator[Harness]:
    """Give a new account under a defect."""
    harness = BrokenHarness(kind)
    await open_market(harness.market, harness.symbols)
    yield harness
