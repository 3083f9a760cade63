"""Configurations for acceptance tests: a market played from a file, and strategies that trade on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

WriteConfig = Callable[..., Path]

RISK = """
[risk]
max_order_value = 1000000
max_position_value = 5000000
max_gross_exposure = 10000000
max_orders_per_minute = 100000
max_repeated_orders = 0
max_refused_orders = 100000
max_daily_loss = 90000
max_drawdown_pct = 90
max_leverage = 4
"""

RESTLESS = """
[[strategies]]
id = "{id}"
class = "tests.acceptance.restless:Restless"
symbols = ["{symbol}"]
params = {{ every = {every}, quantity = {quantity} }}
"""


def file_feed(path: Path, symbol: str, schema: str, speed: object) -> str:
    """A `[[data.feeds]]` table that plays a file."""
    shown = f'"{speed}"' if isinstance(speed, str) else speed
    return (
        f'[[data.feeds]]\nkind = "file"\npath = "{path}"\nsymbol = "{symbol}"\nschema = "{schema}"\nspeed = {shown}\n'
    )


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """Write a configuration whose state lives beside it."""

    def write(*tables: str, name: str = "daemon", daemon: str = "", risk: str = RISK) -> Path:
        path = tmp_path / f"{name}.toml"
        head = f'[daemon]\nstate_dir = "state-{name}"\nlog_format = "json"\n{daemon}\n'
        path.write_text(head + "\n".join(tables) + risk)
        return path

    return write
