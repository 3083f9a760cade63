"""Requests to Alpaca keep to its limit by themselves: cancels first, and no new order that would come late."""

import asyncio

from tests.brokers.alpaca.making import make_order
from tests.brokers.conftest import MakeBroker
from tests.brokers.scripted_venue import Recorder, Reply, ScriptedVenue, order_json
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.orders import CancelUnknown, OrderAccepted, OrderRejected, OrderUnknown
from tradingd.errors import VenueUnavailable

ORDERS = "/v2/orders"


async def test_a_cancel_passes_the_questions_that_wait_and_the_backlog_tells_of_them(
    venue: ScriptedVenue, make_broker: MakeBroker
) -> None:
    broker = make_broker(requests_per_minute=600)  # 150 at once, then 7.5 a second
    venue.on("GET", "/v2/orders:by_client_order_id", Reply({"message": "order not found"}, 404))
    venue.on("DELETE", f"{ORDERS}/v-1", Reply(None, 204))
    await broker.connect([])
    asked = [asyncio.create_task(broker.find_order(ClientOrderId(f"t-{number}"))) for number in range(200)]
    await venue.wait(lambda: broker.backlog["query"] > 0)
    waiting = broker.backlog["query"]
    broker.cancel(make_order(), VenueOrderId("v-1"))
    assert broker.backlog["cancel"] == 0, "it left at once"
    await venue.wait(lambda: len(venue.requests("DELETE", f"{ORDERS}/v-1")) == 1)
    assert broker.backlog["query"] >= waiting - 5
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_a_new_order_that_could_not_leave_within_a_second_is_refused_and_never_sent(
    venue: ScriptedVenue, make_broker: MakeBroker, recorder: Recorder
) -> None:
    broker = make_broker(requests_per_minute=4)  # one at once
    await broker.connect([])
    broker.submit(make_order())
    assert broker.backlog["order"] == 1
    (refused,) = [await recorder.first(OrderRejected)]
    assert (refused.code, "limit" in refused.reason) == ("not_sent", True)
    assert venue.requests("POST", ORDERS) == []
    assert not any(broker.backlog.values())


async def test_after_too_many_requests_nothing_leaves_until_the_venue_says_so(
    venue: ScriptedVenue, make_broker: MakeBroker, recorder: Recorder
) -> None:
    broker = make_broker(requests_per_minute=200)
    await broker.connect([])
    venue.on("POST", ORDERS, Reply({"message": "too many requests."}, 429, {"Retry-After": "1"}))
    broker.submit(make_order())
    await recorder.first(OrderRejected)
    began = asyncio.get_running_loop().time()
    venue.on("DELETE", f"{ORDERS}/v-1", Reply(None, 204))
    broker.cancel(make_order(), VenueOrderId("v-1"))
    assert broker.backlog["cancel"] == 1
    await venue.wait(lambda: len(venue.requests("DELETE", f"{ORDERS}/v-1")) == 1)
    assert asyncio.get_running_loop().time() - began >= 0.9
    assert recorder.of(CancelUnknown) == []


async def test_the_venues_count_of_what_is_left_is_heeded(
    venue: ScriptedVenue, make_broker: MakeBroker, recorder: Recorder
) -> None:
    broker = make_broker(requests_per_minute=200)
    await broker.connect([])
    venue.on("POST", ORDERS, Reply(order_json("t-1"), headers={"X-Ratelimit-Remaining": "0"}))
    broker.submit(make_order())
    await recorder.first(OrderAccepted)
    broker.cancel(make_order(), VenueOrderId("v-1"))
    assert broker.backlog["cancel"] == 1, "somebody else uses the same keys"


async def test_an_order_that_waits_when_the_connection_closes_is_never_sent_and_in_doubt(
    venue: ScriptedVenue, make_broker: MakeBroker, recorder: Recorder
) -> None:
    broker = make_broker(requests_per_minute=4)
    await broker.connect([])
    broker.submit(make_order())
    asked = asyncio.create_task(broker.find_order(ClientOrderId("t-2")))
    await asyncio.sleep(0)
    await broker.close()
    await recorder.first(OrderUnknown)
    (failure,) = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(failure, VenueUnavailable)
    assert venue.requests("POST", ORDERS) == []
    try:
        await broker.find_order(ClientOrderId("t-1"))
    except VenueUnavailable:
        return
    raise AssertionError("a closed connection answers nothing")
