"""What the fault catalogue says of the gateway of Interactive Brokers, at an emulated one."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from tests.brokers.ib.making import AAPL, listening, order, resting
from tests.brokers.scripted_venue import Recorder
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.broker_events import OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import QuoteTick
from tradingd.core.orders import FeeReported, OrderAccepted, OrderFilled
from tradingd.runtime.kill_switch import KillSwitch

D = Decimal


@asynccontextmanager
async def gateway() -> AsyncIterator[TwsEmulator]:
    async with TwsEmulator() as tws:
        tws.quote("AAPL", 189.90, 190.10, bid_size=5000, ask_size=5000)
        yield tws


@asynccontextmanager
async def connected(tws: TwsEmulator, recorder: Recorder, **changes: Any) -> AsyncIterator[IbBroker]:
    """An adapter whose order stream is up."""
    arguments: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": tws.port,
        "client_id": 7,
        "account": "",
        "account_kind": "paper",
        "contracts": {},
        "base_currency": "USD",
        "sink": recorder.sink,
        "clock": time.time_ns,
        "is_ours": lambda client_order_id: client_order_id.startswith("t-"),
        "refusal": KillSwitch().refusal,
        "on_problem": recorder.on_problem,
        "failure": recorder.failure,
        "rng": random.Random(7),
        "timeout_s": 3.0,
    }
    broker = IbBroker(**(arguments | changes))
    await broker.connect([AAPL])
    ups = len(recorder.of(OrderStreamUp))
    task = asyncio.create_task(broker.run())
    try:
        await recorder.first(OrderStreamUp, ups + 1)
        yield broker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await broker.close()
        assert recorder.failures == []


async def test_F34_ids_are_never_given_out_again_when_the_counter_of_them_goes_back() -> None:
    """Ids are never given out again when the venue's counter of them goes back."""
    recorder = Recorder()
    async with gateway() as tws:
        async with connected(tws, recorder, order_id_floor=40) as broker:
            broker.submit(resting("t-1"))
            broker.submit(order("t-2"))
            await recorder.first(FeeReported)
        tws.faults.next_valid_id_shift = -1_000_000
        tws.faults.reset_floors = True
        async with connected(tws, recorder, order_id_floor=40) as broker:
            assert (await broker.find_order(ClientOrderId("t-1"))) is not None
            broker.submit(resting("t-3"))
            await recorder.first(OrderAccepted, 3)
        numbers = [placed.order_id for placed in tws.truth().orders.values()]
    assert len(numbers) == len(set(numbers)) == 3
    assert min(numbers) > 40
    assert numbers == sorted(numbers)


async def test_F46_a_link_that_is_back_with_its_data_kept_has_orders_and_positions_asked_for_before_new_risk() -> None:
    """A link that is back with its data kept (1100, 1102) has orders and positions asked for before new risk."""
    recorder = Recorder()
    async with gateway() as tws, connected(tws, recorder) as broker:
        broker.submit(resting("t-1"))
        await recorder.first(OrderAccepted)
        tws.acts.lose_link()
        await recorder.first(OrderStreamDown)  # no new risk from here on
        tws.quote("AAPL", 179.0, 179.5, bid_size=500, ask_size=500)  # it fills, and is never pushed
        tws.acts.restore_link(data_lost=False)
        await recorder.first(OrderStreamUp, 2)  # on which the daemon asks for everything, and only then goes on
        assert recorder.of(OrderFilled) == []
        snapshot = await broker.snapshot(0)
    assert [(fill.quantity, fill.price) for fill in snapshot.fills] == [(D(100), D(180))]
    assert [held.quantity for held in snapshot.positions] == [D(100)]


async def test_F47_a_link_that_is_back_with_its_data_lost_has_its_subscriptions_renewed() -> None:
    """A link that is back with its data lost (1101) has its subscriptions renewed, its symbols stale until then."""
    async with gateway() as tws, listening(tws) as heard:
        await heard.count(QuoteTick, 1)
        before = len(heard.of(QuoteTick))
        tws.acts.lose_link()
        await heard.up(2)
        assert len(heard.of(QuoteTick)) == before, "nothing came that would make it look fresh"
        tws.acts.restore_link(data_lost=True)
        await heard.asked(tws)
        tws.quote("AAPL", 192.0, 192.5)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].bid == 192.0)
        assert heard.of(QuoteTick)[-1].ask == 192.5


async def test_F52_messages_stay_below_the_pace_that_the_venue_allows_cancels_first() -> None:
    """Messages stay below the pace that the venue allows, cancels first."""
    recorder = Recorder()
    async with gateway() as tws, connected(tws, recorder, timeout_s=10.0) as broker:
        broker.submit(resting("t-first"))
        (accepted,) = [await recorder.first(OrderAccepted)]
        for number in range(40):
            broker.submit(resting(f"t-{number}"))
        waiting = broker.backlog["order"]
        broker.cancel(resting("t-first"), accepted.venue_order_id)
        assert waiting > 0, "they wait here, and not at the gateway"
        assert broker.backlog["order"] == waiting
        await recorder.wait(lambda: tws.order("t-first").status == "Cancelled")
        placed = len(tws.truth().orders)
        await recorder.wait(lambda: not any(broker.backlog.values()))
        assert placed <= 41 - waiting + 1, "the cancel went before what waited"
        assert not [problem for problem in recorder.problems if "100" in str(problem)]
