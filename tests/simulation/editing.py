"""The configuration file of a run, the owner who edits it, and what the owner does when a start is refused."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tests.settings.writing import load as load_settings
from tests.simulation.plans import STRATEGIES, Edit, EditKind
from tradingd.core.books import Books
from tradingd.core.conflicts import ConflictKind, find_refusals
from tradingd.core.identifiers import StrategyId
from tradingd.settings.root import Settings
from tradingd.settings.to_core import configuration_facts

TIGHT_POSITION, TIGHTER_POSITION = 30, 12
OWNER = "owner"

CONFIG = """
[data]
stale_after_s = 0
[[data.feeds]]
kind = "synthetic"
symbols = ["ABC", "XYZ", "QQQ"]
{strategies}
[broker]
kind = "alpaca"
api_key = "of-nobody"
api_secret = "of-nobody"
[execution]
external = "{policy}"
[risk]
max_order_value = 1000000
max_position_value = 10000000
max_gross_exposure = 100000000
max_orders_per_minute = 100000
max_daily_loss = 100000000
max_drawdown_pct = 100
max_leverage = 100
price_collar_pct = 50
{limit}
"""


@cache
def settings_of(text: str) -> Settings:
    """A configuration; each is read once a process."""
    with TemporaryDirectory() as name:
        return load_settings(Path(name), text).settings


class NoWayOut(Exception):
    """A start is refused, and nothing of what the refusal proposes helps."""


class Line(msgspec.Struct, kw_only=True):
    """One `[[strategies]]` table."""

    strategy_id: StrategyId
    formerly: StrategyId | None = None
    retired: bool = False

    def text(self) -> str:
        """As it stands in the file."""
        lines = ["[[strategies]]", f'id = "{self.strategy_id}"']
        if self.retired:
            return "\n".join([*lines, "retired = true"])
        lines += ['class = "tests.simulation.restless:Restless"', 'symbols = ["ABC", "XYZ", "QQQ"]']
        if self.formerly is not None:
            lines.append(f'formerly = "{self.formerly}"')
        return "\n".join(lines)


class ConfigurationFile:
    """The file, as its owner has left it."""

    def __init__(self, *, tight: bool, halts: bool) -> None:
        self._tight = tight
        self._halts = halts
        self.lines = {name: Line(strategy_id=name) for name in STRATEGIES}
        """By the first name of each strategy; what was put back for what it holds by its own."""
        self.limit = TIGHT_POSITION
        self._names = 0

    @property
    def settings(self) -> Settings:
        """What a start reads."""
        return settings_of(
            CONFIG.format(
                policy="halt" if self._halts else "adopt",
                limit=f"max_position_quantity = {self.limit}" if self._tight else "",
                strategies="\n".join(line.text() for line in self.lines.values()),
            )
        )

    @property
    def named(self) -> dict[StrategyId, bool]:
        """Every strategy that the file names, and whether it is retired."""
        return {line.strategy_id: line.retired for line in self.lines.values()}

    def edit(self, edit: Edit) -> None:
        """Change the file; who runs does not notice."""
        name = edit.strategy_id
        line = self.lines.get(name)
        match edit.kind:
            case EditKind.RENAME | EditKind.RENAME_SILENTLY:
                if line is not None and not line.retired:
                    self._names += 1
                    told = edit.kind is EditKind.RENAME
                    line.formerly = line.strategy_id if told else None
                    line.strategy_id = StrategyId(f"{name}{self._names}")
            case EditKind.REMOVE:
                if len(self.lines) > 1:
                    self.lines.pop(name, None)
            case EditKind.RETIRE:
                if line is not None:
                    line.retired = True
            case EditKind.RESTORE:
                self._names += line is None
                fresh = StrategyId(f"{name}{self._names}") if line is None else line.strategy_id
                self.lines[name] = Line(strategy_id=fresh)
            case EditKind.LOWER_LIMIT:
                self.limit = TIGHTER_POSITION
            case EditKind.RAISE_LIMIT:
                self.limit = TIGHT_POSITION

    def make_acceptable(self, books: Books) -> str | None:
        """Do what a refused start proposes until it is refused no more; return who accepts what is left to accept."""
        for _ in range(8):
            refusals = find_refusals(configuration_facts(self.settings), books, accept=False)
            hard = [conflict for conflict in refusals if not conflict.acceptable]
            if not hard:
                return OWNER if refusals else None
            for conflict in hard:
                if conflict.kind is not ConflictKind.STRATEGY_GONE:
                    raise NoWayOut(conflict.message)
                self._put_right(StrategyId(conflict.subject))
        raise NoWayOut("; ".join(conflict.message for conflict in hard))

    def _put_right(self, gone: StrategyId) -> None:
        """Say under what name a strategy goes on, or let it go on retired."""
        first = next((name for name in STRATEGIES if gone.startswith(name)), None)
        line = None if first is None else self.lines.get(first)
        if line is not None and not line.retired:
            line.formerly = gone
        else:
            self.lines[gone] = Line(strategy_id=gone, retired=True)
