"""What the tests of the emulator share: an emulator with a quote, and a started client without a library."""

from collections.abc import AsyncIterator

import pytest

from tests.tws.raw_client import RawClient
from tests.tws.server import TwsEmulator


@pytest.fixture
async def tws() -> AsyncIterator[TwsEmulator]:
    """An emulator in which AAPL is quoted."""
    async with TwsEmulator() as emulator:
        emulator.quote("AAPL", 189.9, 190.1)
        yield emulator


@pytest.fixture
async def raw(tws: TwsEmulator) -> AsyncIterator[RawClient]:
    """Client 1, started."""
    async with RawClient(tws.port) as client:
        await client.start(1)
        yield client
