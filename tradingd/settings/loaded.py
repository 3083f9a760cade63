"""A configuration that was read: the settings and where each value came from."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from tradingd.settings.positions import KeyPositions
from tradingd.settings.problems import KeyPath, Problem, format_key
from tradingd.settings.root import Settings

TABLE_LISTS: tuple[KeyPath, ...] = (("strategies",), ("data", "feeds"))
"""Arrays of tables, whose elements are dropped one by one when they cannot be used."""


class SettingsSource:
    """Places of values: file and line, variable, credential or default."""

    def __init__(self, path: Path, text: str, origins: Mapping[KeyPath, str]) -> None:
        self.path = path
        self._text = text
        self._origins = origins

    @cached_property
    def _positions(self) -> KeyPositions:
        return KeyPositions(self._text)

    def provenance(self, path: KeyPath) -> str:
        """`FILE:LINE`, `env NAME`, `credential NAME` or `default`."""
        origin = self._origin(path)
        if origin:
            return origin
        place = self._positions.exact(path)
        return f"{self.path}:{place.line}" if place is not None else "default"

    def problem(self, path: KeyPath, message: str, remedy: str = "") -> Problem:
        """Say what is wrong with a key, at its place or at the header above it."""
        origin = self._origin(path)
        key = format_key(path)
        if origin and origin != "default":
            return Problem(file=origin, line=0, column=0, key=key, message=message, remedy=remedy)
        line, column = self._positions.find(path)
        return Problem(file=str(self.path), line=line, column=column, key=key, message=message, remedy=remedy)

    def _origin(self, path: KeyPath) -> str:
        """Where an overridden value, or the array or table that holds it, came from."""
        for length in range(len(path), 0, -1):
            origin = self._origins.get(path[:length])
            if origin is not None:
                return origin
        return ""


class LoadedSettings:
    """Settings with their source; `kept` tells original indices when unusable tables were left out of a check."""

    def __init__(
        self,
        settings: Settings,
        source: SettingsSource,
        text_sha256: str,
        kept: Mapping[KeyPath, list[int]] | None = None,
    ) -> None:
        self.settings = settings
        self.source = source
        self.text_sha256 = text_sha256
        self._kept = kept or {}

    @property
    def path(self) -> Path:
        """The configuration file."""
        return self.source.path

    def original(self, path: KeyPath) -> KeyPath:
        """The path as it is in the file."""
        for head in TABLE_LISTS:
            size = len(head)
            if path[:size] == head and len(path) > size and head in self._kept:
                index = path[size]
                assert isinstance(index, int)  # the step under an array of tables
                return (*head, self._kept[head][index], *path[size + 1 :])
        return path

    def provenance(self, path: KeyPath) -> str:
        """Where the value at a path came from."""
        return self.source.provenance(self.original(path))

    def problem(self, path: KeyPath, message: str, remedy: str = "") -> Problem:
        """Say what is wrong with a key, at its place."""
        return self.source.problem(self.original(path), message, remedy)

    def is_complete(self, head: KeyPath) -> bool:
        """False when a table of this array could not be used, so that nothing can be said about the whole."""
        return head not in self._kept
