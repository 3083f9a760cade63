"""The names that the log can say, and the table that documents them."""

import re
from pathlib import Path

from tradingd.core.log import LogEvent

README = Path(__file__).parents[2] / "README.md"


def documented() -> list[str]:
    """Names in the first column of the table under "## Log events"."""
    text = README.read_text()
    start = text.find("\n## Log events")
    assert start >= 0, "README.md has no section of log events"
    section = text[start + 1 :].split("\n## ", 1)[0]
    return re.findall(r"^\| *`([a-z_.]+)` *\|", section, re.MULTILINE)


def test_every_event_is_documented_once_and_nothing_else_is() -> None:
    assert sorted(documented()) == sorted(event.value for event in LogEvent)


def test_names_are_dotted_and_distinct() -> None:
    names = [event.value for event in LogEvent]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in names)
