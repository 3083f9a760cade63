"""Strategies that cannot be made."""

from typing import Any

from tradingd.strategies.base import Params, Strategy


class Unmade(Strategy[Params]):
    """Its constructor raises what no `except Exception` catches."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        raise KeyboardInterrupt


class Endless(Strategy[Params]):
    """It does not say how many bars it needs."""

    @property
    def warmup(self) -> Any:
        return "many"
