"""A desk in a folder of its own, and the proof that its books are what its journal says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.modules.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path).open()
    yield desk
    desk.check()
