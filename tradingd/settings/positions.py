"""Where each key of a TOML file stands.

Owns: the walk over the concrete syntax tree. Reads: the text of a file that tomllib has accepted. Never judges values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tradingd.settings.problems import KeyPath

if TYPE_CHECKING:
    from tree_sitter import Node

_KEYS = ("bare_key", "quoted_key")


class Position(NamedTuple):
    """Line and column, both counted from 1, the column in characters."""

    line: int
    column: int


class KeyPositions:
    """Positions of the keys, section headers and array elements of one file."""

    def __init__(self, text: str) -> None:
        # Loaded here alone: a sound configuration needs no positions, and start-up no parser.
        import tree_sitter
        import tree_sitter_toml

        self._lines = text.encode().split(b"\n")
        self._places: dict[KeyPath, Position] = {}
        self._tables: dict[KeyPath, int] = {}
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
        for node in parser.parse(text.encode()).root_node.children:
            if node.type == "pair":
                self._add_pair((), node)
            elif node.type in ("table", "table_array_element"):
                self._add_table(node)

    def find(self, path: KeyPath) -> Position:
        """Position of a key, or of the nearest header above it when it is not in the file."""
        while path:
            place = self._places.get(path)
            if place is not None:
                return place
            path = path[:-1]
        return Position(1, 1)

    def exact(self, path: KeyPath) -> Position | None:
        """Position of a key that stands in the file, None otherwise."""
        return self._places.get(path)

    def _add_table(self, node: Node) -> None:
        head = next(child for child in node.children if child.type in (*_KEYS, "dotted_key"))
        names = self._names(head)
        path: KeyPath = ()
        for depth, (name, place) in enumerate(names):
            path += (name,)
            last = depth == len(names) - 1
            if last and node.type == "table_array_element":
                index = self._tables.get(path, -1) + 1
                self._tables[path] = index
                self._places.setdefault(path, place)
                path += (index,)
                self._places[path] = place
            elif last:
                self._places[path] = place
            else:
                self._places.setdefault(path, place)
                if path in self._tables:  # a table under the array element that was opened last
                    path += (self._tables[path],)
        for child in node.children:
            if child.type == "pair":
                self._add_pair(path, child)

    def _add_pair(self, prefix: KeyPath, node: Node) -> None:
        path = prefix
        for name, place in self._names(node.children[0]):
            path += (name,)
            self._places.setdefault(path, place)
        self._add_value(path, node.children[-1])

    def _add_value(self, path: KeyPath, node: Node) -> None:
        if node.type == "inline_table":
            for child in node.children:
                if child.type == "pair":
                    self._add_pair(path, child)
        elif node.type == "array":
            for index, child in enumerate(c for c in node.named_children if c.type != "comment"):
                self._places[(*path, index)] = self._position(child)
                self._add_value((*path, index), child)

    def _names(self, node: Node) -> list[tuple[str, Position]]:
        if node.type == "dotted_key":
            return [pair for child in node.children for pair in self._names(child)]
        if node.type not in _KEYS:
            return []
        text = (node.text or b"").decode()
        return [(text if node.type == "bare_key" else _unquote(text), self._position(node))]

    def _position(self, node: Node) -> Position:
        row, byte = node.start_point
        return Position(row + 1, len(self._lines[row][:byte].decode(errors="replace")) + 1)


def _unquote(text: str) -> str:
    import tomllib

    return next(iter(tomllib.loads(f"{text} = 0")))
