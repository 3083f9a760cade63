"""The README's table of drills is the one that the files make, and its example is a scenario."""

from pathlib import Path

from tests.shipping.readme import blocks, rows, words
from tradingd.tools.drills.report import list_rows
from tradingd.tools.drills.scenario import find_scenarios, read_scenario


def test_the_table_lists_the_shipped_scenarios() -> None:
    listed = [[*words(row[0]), *row[1:]] for row in rows("Drills")]
    assert listed == list_rows(find_scenarios(None))


def test_the_example_can_be_played(tmp_path: Path) -> None:
    (example,) = blocks("Drills", "toml")
    path = tmp_path / "mine.toml"
    path.write_text(example)
    assert len(read_scenario(path).steps) == 2
