"""A desk in a folder of its own, and the proof that its books are what its journal says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.modules.desk import Desk
from tests.modules.planning import Trading


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path).open()
    yield desk
    desk.check()


@pytest.fixture(params=[False, True], ids=["one run", "a new run after each step"])
def restarts(request: pytest.FixtureRequest) -> bool:
    """Whether the process is another one after each step."""
    return bool(request.param)


@pytest.fixture
def trading(tmp_path: Path, restarts: bool) -> Trading:
    """A desk where strategies may trade freely, at a venue with Alpaca's rules."""
    return Trading(tmp_path, restarts=restarts)
