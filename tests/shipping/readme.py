"""Reading the README and the manuals as their readers do: sections, code blocks, tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


MANUALS = (
    ROOT / "README.md",
    *sorted(path for part in ("config", "systemd", "tradingd", "tests") for path in (ROOT / part).rglob("README.md")),
)


def section(heading: str) -> str:
    """The text under a heading of the second level or below, up to the next of the same level or above."""
    pattern = re.compile(rf"^(##+) {re.escape(heading)}$", re.MULTILINE)
    places = [(text, found) for text in (path.read_text() for path in MANUALS) for found in pattern.finditer(text)]
    assert len(places) == 1, f"{len(places)} sections {heading!r} in the README and the manuals"
    text, found = places[0]
    # A comment in a code block also begins with "# ", but no section is of the first level.
    end = re.compile(rf"^#{{2,{len(found[1])}}} ", re.MULTILINE).search(text, found.end())
    return text[found.end() : end.start() if end else len(text)]


def blocks(heading: str, language: str) -> list[str]:
    """Code blocks of one language in a section."""
    return [text for name, text in _BLOCK.findall(section(heading)) if name == language]


def rows(heading: str) -> list[list[str]]:
    """Cells of every table row in a section, headings and rules left out."""
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in _ROW.findall(section(heading))]
    rules = [at for at, row in enumerate(cells) if set("".join(row)) <= {"-", ":"}]
    return [row for at, row in enumerate(cells) if at not in rules and at + 1 not in rules]


def words(cell: str) -> list[str]:
    """What stands in backquotes in a cell."""
    return re.findall(r"`([^`]+)`", cell)
