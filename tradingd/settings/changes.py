"""How two configurations differ, in words. Pure; secrets are masked."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tradingd.settings.effective import NOT_SET, leaves, toml_text
from tradingd.settings.problems import format_key
from tradingd.settings.root import Settings


class FileEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in the file on disk, beside what the process runs on."""

    changes: tuple[str, ...] = ()
    """`key: old → new` of every setting; empty where nothing differs, and where the file cannot be read."""
    is_readable: bool = True
    leaves_state: bool = False
    """True when the next start would look for its journal somewhere else."""
    refusals: tuple[str, ...] = ()
    """Why the next start would be refused; empty where it would not."""
    unknown: str = ""
    """Why it could not be found out what the next start would do."""

    @property
    def sentence(self) -> str:
        """What an operator is told of it."""
        changed = ("; ".join(self.changes) or "no setting differs") if self.is_readable else "it cannot be read"
        if self.refusals:
            reasons = "; ".join(line for line in self.refusals if not line.startswith(" "))
            start = f"the next start would refuse: {reasons} (tradingd check shows the ways out)"
        elif self.unknown:
            start = f"what the next start would do is not known: {self.unknown}"
        elif self.leaves_state:
            start = (
                "the next start would begin a new journal, which knows nothing of what is held (with another "
                "daemon.state_dir, stop first and move the folder along)"
            )
        else:
            start = "the next start would take it"
        return f"{changed}; this process runs on the old one until it is restarted; {start}"


async def nothing_edited() -> FileEdit:
    """Answer for a file that nobody edits, as in a replay."""
    return FileEdit()


def setting_changes(before: Settings, after: Settings) -> tuple[str, ...]:
    """Every setting that differs, with its old and new value; strategies are told by their ids, not by their place."""
    old, new = dict(_by_name(before)), dict(_by_name(after))
    former = {strategy.id for strategy in before.strategies}
    now = {strategy.id for strategy in after.strategies}
    said = [f"strategies.{name}: taken out" for name in sorted(former - now)]
    said += [f"strategies.{name}: added" for name in sorted(now - former)]
    for key in sorted(old.keys() | new.keys()):
        owner = key[1] if key[0] == "strategies" and len(key) > 1 else None
        if owner in former ^ now or old.get(key) == new.get(key):
            continue
        was, becomes = _described(old.get(key)), _described(new.get(key))
        said.append(f"{format_key(key)}: " + (f"{was} → {becomes}" if was != becomes else "changed, not shown"))
    return tuple(said)


def _by_name(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for path, value in leaves((), settings):
        if value == {}:
            continue
        if path[0] == "strategies" and len(path) > 1 and isinstance(path[1], int):
            yield ("strategies", settings.strategies[path[1]].id, *path[2:]), value
        else:
            yield path, value


def _described(value: Any) -> str:
    text = toml_text(value)
    return "not set" if text == NOT_SET else text
