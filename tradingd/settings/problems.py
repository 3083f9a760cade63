"""What is wrong with a configuration, each with its place.

Owns: `Problem`, the error that carries all of them at once, and near misses. Never holds a secret's value.
"""

import difflib
import re
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from tradingd.errors import UsageError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Steps from the root of the configuration to a value: names and indices."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def format_key(path: KeyPath) -> str:
    """Write a path as people do: `strategies[0].params.fast`, `risk.symbols."BTC/USD"`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _BARE_KEY.fullmatch(step) else f'"{step}"'
            text += f".{name}" if text else name
    return text


def near_miss(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or an empty string."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else ""


def suggest(word: str, known: Iterable[str]) -> str:
    """Say what was probably meant, or what there is."""
    names = sorted(known)
    meant = near_miss(word, names)
    if meant:
        return f"did you mean {meant}?"
    return f"known: {', '.join(names)}" if names else ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong; `file` names the variable or credential (with line 0) when the value came from there."""

    file: str
    line: int
    column: int
    key: str
    message: str
    remedy: str = ""
    ways_out: tuple[str, ...] = ()
    """Where more than one thing can be done about it: each of them."""

    def __str__(self) -> str:
        """`FILE:LINE:COL: section.key: problem (remedy)`, and each way out on a line of its own."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return "\n    - ".join((f"{place}:{key} {self.message}{remedy}", *self.ways_out))


class ConfigurationProblems(UsageError):
    """The configuration cannot be used; `problems` holds everything that could be found in one go."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
