"""Fixtures of the venue's tests: a venue on a loopback port, and the means to start others on its database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.venue.running_venue import Desk, Starter


@pytest.fixture
async def start_venue(tmp_path: Path) -> AsyncIterator[Starter]:
    starter = Starter(tmp_path / "venue.db")
    yield starter
    for desk in list(starter.running):
        await starter.stop(desk)


@pytest.fixture
async def desk(start_venue: Starter) -> Desk:
    return await start_venue()
