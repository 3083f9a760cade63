"""The scripted venue and an adapter that talks to it."""

import random
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import pytest
from tests.brokers.scripted_venue import AAPL, ACCOUNT, BTC, KEY, SECRET, Recorder, Reply, ScriptedVenue
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.base import BrokerAdapter
from tradingd.runtime.kill_switch import KillSwitch

NOW_NS = 1_772_461_900_000_000_000


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    scripted = ScriptedVenue()
    await scripted.start()
    scripted.on("GET", "/v2/account", Reply(ACCOUNT))
    scripted.on("GET", "/v2/assets/AAPL", Reply(AAPL))
    scripted.on("GET", "/v2/assets/BTC%2FUSD", Reply(BTC))
    yield scripted
    await scripted.stop()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def kill_switch() -> KillSwitch:
    return KillSwitch()


MakeBroker: TypeAlias = Callable[..., AlpacaBroker]


@pytest.fixture
async def make_broker(venue: ScriptedVenue, recorder: Recorder, kill_switch: KillSwitch) -> AsyncIterator[MakeBroker]:
    """Makes adapters that talk to the scripted venue, with what a test wants otherwise."""
    made: list[AlpacaBroker] = []

    def make(**otherwise: object) -> AlpacaBroker:
        settings: dict[str, Any] = {
            "base_url": venue.url,
            "stream_url": venue.stream_url,
            "data_url": venue.url,
            "api_key": KEY,
            "api_secret": SECRET,
            "account_kind": "paper",
            "sink": recorder.sink,
            "clock": lambda: NOW_NS,
            "is_ours": lambda client_order_id: client_order_id.startswith("t-"),
            "refusal": kill_switch.refusal,
            "on_problem": recorder.on_problem,
            "failure": recorder.failure,
            "rng": random.Random(7),
            "timeout_s": 0.6,
        }
        adapter = AlpacaBroker(**(settings | otherwise))
        made.append(adapter)
        return adapter

    yield make
    for adapter in made:
        await adapter.close()
    assert recorder.failures == []


@pytest.fixture
def broker(make_broker: MakeBroker) -> AlpacaBroker:
    adapter = make_broker()
    offered: BrokerAdapter = adapter  # the type checker's proof that it offers everything
    assert offered.instruments == {}
    return adapter
