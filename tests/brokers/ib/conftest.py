"""An emulated TWS and an adapter that is connected to it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.brokers.ib.making import SYMBOLS, Making
from tests.brokers.scripted_venue import Recorder
from tests.tws.server import TwsEmulator
from tradingd.brokers.base import BrokerAdapter
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.broker_events import OrderStreamUp
from tradingd.runtime.kill_switch import KillSwitch


@pytest.fixture
async def tws() -> AsyncIterator[TwsEmulator]:
    async with TwsEmulator() as emulator:
        emulator.quote("AAPL", 189.90, 190.10, bid_size=300, ask_size=300)
        yield emulator


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def kill_switch() -> KillSwitch:
    return KillSwitch()


@pytest.fixture
async def make_broker(tws: TwsEmulator, recorder: Recorder, kill_switch: KillSwitch) -> AsyncIterator[Making]:
    made: list[IbBroker] = []

    def make(**changes: Any) -> IbBroker:
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
            "refusal": kill_switch.refusal,
            "on_problem": recorder.on_problem,
            "failure": recorder.failure,
            "rng": random.Random(7),
            "timeout_s": 1.5,
            "probe_s": 5.0,
        }
        adapter = IbBroker(**{**arguments, **changes})
        offered: BrokerAdapter = adapter  # the type checker's proof that it offers everything
        assert offered.instruments == {}
        made.append(adapter)
        return adapter

    yield make
    for adapter in made:
        await adapter.close()
    assert recorder.failures == []


@pytest.fixture
def running() -> Callable[[IbBroker], Any]:
    @asynccontextmanager
    async def run(broker: IbBroker) -> AsyncIterator[IbBroker]:
        task = asyncio.create_task(broker.run())
        try:
            yield broker
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


@pytest.fixture
async def broker(
    make_broker: Making, recorder: Recorder, running: Callable[[IbBroker], Any]
) -> AsyncIterator[IbBroker]:
    adapter = make_broker()
    await adapter.connect(SYMBOLS)
    async with running(adapter):
        await recorder.first(OrderStreamUp)
        yield adapter
