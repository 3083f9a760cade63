"""One statement, three spellings."""

import json
from datetime import UTC

from tests.core.making import FILL, FILLED, at_venue
from tradingd.reporting.statement import render_statement_json, render_statement_markdown, render_statement_text
from tradingd.reporting.times import Times

CLEAN = at_venue(orders=(FILLED,), fills=(FILL,), held="10", cash="98999.5")
OPEN = at_venue(orders=(FILLED,), fills=(FILL,), held="11", cash="98999.5")


def test_text_says_how_it_stands_first_and_lists_what_differs() -> None:
    clean = render_statement_text(CLEAN, Times(UTC))
    assert clean.splitlines()[1].endswith(": CLEAN")
    assert clean.endswith("Nothing differs.\n")
    lines = render_statement_text(OPEN, Times(UTC)).splitlines()
    assert lines[1].endswith(": OPEN")
    assert lines[-2].split() == ["part", "what", "ours", "venue", "stands", "why"]
    assert lines[-1].split(maxsplit=5) == ["position", "ABC", "10", "11", "OPEN", "the venue has +1"]


def test_markdown_is_a_table_of_the_same() -> None:
    text = render_statement_markdown(OPEN)
    assert "| position | ABC | 10 | 11 | OPEN | the venue has +1 |" in text
    assert "**OPEN**" in text
    assert "Nothing differs." in render_statement_markdown(CLEAN)


def test_json_has_decimals_as_strings() -> None:
    document = json.loads(render_statement_json(OPEN))
    assert document["standing"] == "open"
    assert document["positions"] == [{"name": "ABC", "ours": "10", "venue": "11"}]
    assert document["differences"][0]["explanation"] == "the venue has +1"
