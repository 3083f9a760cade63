"""An id that was used before never makes a second order, whoever sent the first one and whatever became of it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, D, Making, order, resting
from tests.brokers.scripted_venue import Recorder
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.orders import (
    CancelRefused,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderUnknown,
    ReplaceRefused,
)
from tradingd.errors import VenueUnavailable

Running = Callable[[IbBroker], Any]


def told_twice(recorder: Recorder) -> bool:
    return any(name == "broker.duplicate_id" for name, _, _ in recorder.problems)


async def test_an_order_at_work_is_acknowledged_again(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting())
    first = await recorder.first(OrderAccepted)
    broker.submit(resting())
    again = await recorder.first(OrderAccepted, 2)
    assert again.venue_order_id == first.venue_order_id
    assert recorder.of(OrderRejected) == []  # a refusal would end the order in the books, and it works
    assert told_twice(recorder)
    assert len(tws.truth().orders) == 1


async def test_an_order_on_its_way_is_unknown(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting())
    broker.submit(resting())
    await recorder.first(OrderUnknown)
    await recorder.first(OrderAccepted)
    assert len(tws.truth().orders) == 1


async def test_an_order_that_has_filled_is_not_bought_again(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(order())
    await recorder.first(OrderFilled)
    broker.submit(order())
    await recorder.first(OrderUnknown)
    await broker.open_orders()
    assert tws.position("AAPL") == 100


async def test_an_order_that_ended_unfilled_is_refused(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    broker.cancel(resting(), venue_id)
    await recorder.first(OrderCanceled)
    broker.submit(resting())
    assert (await recorder.first(OrderRejected)).code == "DUPLICATE_ID"
    assert len(tws.truth().orders) == 1


@pytest.mark.parametrize("client_id", [7, 8], ids=["the same client", "another client id"])
@pytest.mark.parametrize("ending", ["working", "filled", "cancelled"])
async def test_a_new_process_knows_the_ids_of_the_one_before(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running, *, client_id: int, ending: str
) -> None:
    first = make_broker()
    await first.connect([AAPL])
    sent = order() if ending == "filled" else resting()
    first.submit(sent)
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    if ending == "filled":
        await recorder.first(OrderFilled)
    if ending == "cancelled":
        first.cancel(sent, venue_id)
        await recorder.first(OrderCanceled)
    await first.close()
    # Nothing is adopted: the process died before its journal had the venue's name of the order.
    second = make_broker(client_id=client_id)
    await second.connect([AAPL])
    recorder.events.clear()
    second.submit(sent)
    async with running(second):
        await recorder.first(OrderStreamUp)
        match ending:
            case "working":
                # Of this client's own the list of open orders acknowledges it already.
                assert (await recorder.first(OrderAccepted)).venue_order_id == venue_id
            case "filled":
                await recorder.first(OrderUnknown)
            case _:
                assert (await recorder.first(OrderRejected)).code == "DUPLICATE_ID"
        await second.open_orders()
    assert len(tws.truth().orders) == 1


async def test_an_order_that_only_the_journal_knows_is_unknown(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker = make_broker()
    broker.adopt({VenueOrderId("4711"): ClientOrderId("t-1")})  # of last week: no list of TWS has it any more
    await broker.connect([AAPL])
    broker.submit(resting())
    await recorder.first(OrderUnknown)
    await broker.open_orders()
    assert tws.truth().orders == {}


async def test_an_order_of_a_snapshot_is_known(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    # Sent by another program under our names, after this one connected.
    other = tws.acts.order_by_client(9, "AAPL", "BUY", D(10), price=D(150), order_ref="t-9")
    await broker.snapshot(0)
    broker.submit(resting("t-9"))
    await recorder.wait(lambda: told_twice(recorder))
    assert recorder.of(OrderRejected) == []
    assert [one.perm_id for one in tws.truth().orders.values()] == [other.perm_id]


async def test_a_connect_that_cannot_learn_the_past_is_none(make_broker: Making, tws: TwsEmulator) -> None:
    tws.faults.withhold_executions_end = True
    with pytest.raises(VenueUnavailable, match="executions"):
        await make_broker(timeout_s=0.3).connect([AAPL])


async def test_a_symbol_that_is_not_configured_is_refused(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(resting(symbol="NOSUCH"))
    assert "NOSUCH" in (await recorder.first(OrderRejected)).reason
    assert tws.truth().orders == {}


async def test_a_symbol_that_is_not_configured_is_refused_where_the_margin_is_asked_for(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker = make_broker(check_margin=True)
    await broker.connect([AAPL])
    broker.submit(resting(symbol="NOSUCH"))
    assert "NOSUCH" in (await recorder.first(OrderRejected)).reason


async def test_a_change_of_an_order_that_is_over_is_refused(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    broker.cancel(resting(), venue_id)
    await recorder.first(OrderCanceled)
    broker.modify(resting(), venue_id, OrderModification(quantity=D(50)))
    assert (await recorder.first(ReplaceRefused)).reason == "the order is over"


async def test_a_second_cancel_on_the_heels_of_the_first_is_no_problem(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    broker.cancel(resting(), venue_id)
    broker.cancel(resting(), venue_id)
    await recorder.first(OrderCanceled)
    await broker.open_orders()
    assert (recorder.of(CancelRefused), recorder.problems) == ([], [])


async def test_fills_of_the_second_that_is_asked_for_are_in_the_snapshot(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(order())
    fill = await recorder.first(OrderFilled)
    snapshot = await broker.snapshot(fill.ts_event + 999_999_999)
    assert [one.execution_id for one in snapshot.fills] == [fill.execution_id]
    assert (await broker.snapshot(fill.ts_event + 1_000_000_000)).fills == ()
    assert VenueOrderId(str(tws.order("t-1").perm_id)) == fill.venue_order_id
    assert await broker.find_order(ClientOrderId("t-1")) is not None
