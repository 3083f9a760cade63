"""A strategy that does what a test tells it, and writes down what it hears."""

from collections.abc import Callable
from typing import ClassVar

from tradingd.core.identifiers import StrategyId
from tradingd.core.market import PriceBar, TickData
from tradingd.core.orders import ExecutionReport, OrderDenied, Trade
from tradingd.strategies.base import Params, Strategy


class Acting(Strategy[Params]):
    """Runs what is in `on_next` at its next callback of that kind."""

    latest: ClassVar[dict[StrategyId, "Acting"]] = {}
    """The newest instance of each id: the engine makes them, tests look for them here."""

    heard: list[tuple[str, object]]
    on_next: dict[str, Callable[["Acting"], None]]

    def on_start(self) -> None:
        self.heard, self.on_next = [], {}
        Acting.latest[self.id] = self

    @property
    def warmup(self) -> int:
        return 3

    def hear(self, kind: str, what: object) -> None:
        self.heard.append((kind, what))
        action = self.on_next.pop(kind, None)
        if action is not None:
            action(self)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.heard]

    def on_history(self, bar: PriceBar) -> None:
        self.hear("history", bar)

    def on_bar(self, bar: PriceBar) -> None:
        self.hear("bar", bar)

    def on_tick(self, tick: TickData) -> None:
        self.hear("tick", tick)

    def on_fill(self, trade: Trade) -> None:
        self.hear("fill", trade)

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        self.hear(type(report).__name__, report)

    def on_timer(self, name: str, now: int) -> None:
        self.hear(f"timer {name}", now)

    def on_stop(self) -> None:
        self.hear("stop", None)
