"""The floors over Interactive Brokers do what is measured: one order for each tick that asks for one, as the library
would write it."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.benchmarks import floor_ib
from tests.benchmarks.gateway import ACCOUNT, Gateway
from tests.benchmarks.loads import Load
from tests.tws.wire import frame

needs_library = pytest.mark.skipif(not floor_ib.LIBRARY, reason="needs ib_insync or ib_async")


@needs_library
async def test_the_bare_floor_writes_the_very_bytes_of_the_library() -> None:
    asyncio.set_event_loop(asyncio.get_running_loop())
    library: Any = importlib.import_module(floor_ib.LIBRARY)
    wrapper = floor_ib.Wrapper(library)
    client = wrapper.client = library.Client(wrapper)
    written: list[bytes] = []
    client.conn.sendMsg = written.append
    client._serverVersion, client.connState = 176, client.CONNECTED
    wrapper.managedAccounts("DU1,DU2")
    client.placeOrder(*wrapper.next_order())
    client.placeOrder(*wrapper.next_order())
    assert written == [
        floor_ib.place_order(1, "BUY", "floor-1", "DU1"),
        floor_ib.place_order(2, "SELL", "floor-2", "DU1"),
    ]


@pytest.mark.parametrize("program", [floor_ib.bare, pytest.param(floor_ib.with_library, marks=needs_library)])
async def test_each_tick_that_asks_for_an_order_gets_one(program: Callable[[int], Awaitable[None]]) -> None:
    gateway = Gateway()
    await gateway.start()
    trading = asyncio.ensure_future(program(gateway.port))
    try:
        async with asyncio.timeout(10):
            await gateway.subscribed.wait()
            timing = await gateway.run(Load(ticks_per_s=500, per_frame=5, orders_per_s=20, seconds=0.5))
    finally:
        await gateway.stop()
    assert (timing.orders, timing.expected) == (10, 10)
    assert 0 < timing.p50 <= timing.p99
    await asyncio.wait_for(trading, 5)


async def test_a_frame_that_comes_in_pieces_is_read_whole() -> None:
    written: list[bytes] = []

    class Transport(asyncio.Transport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            written.append(bytes(data))

    client = floor_ib.Bare()
    client.connection_made(Transport())
    told = frame(15, 1, ACCOUNT) + frame(99, 1, 3, 0, 99.99, 100.01, 777, 100, 0)
    for at in range(len(told)):
        client.data_received(told[at : at + 1])
    assert written[1:] == [floor_ib.place_order(1, "BUY", "floor-1", ACCOUNT)]
