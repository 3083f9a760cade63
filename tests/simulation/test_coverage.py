"""Every row of the fault catalogue has a test that says its sentence, or a reason, and the table is the present one."""

from tests.simulation.catalogue import ROWS
from tests.simulation.coverage import TABLE, find_faults, find_tests, render


def test_every_row_has_a_test_that_says_its_sentence_or_a_reason() -> None:
    assert find_faults() == []


def test_the_catalogue_is_whole() -> None:
    assert [row.id for row in ROWS] == [f"F{number:02d}" for number in range(1, 88)]
    assert len({row.sentence for row in ROWS}) == len(ROWS)
    assert sum(1 for _ in find_tests()) >= 80


def test_the_table_is_the_present_one() -> None:
    assert TABLE.read_text() == render(), "python -m tests.simulation.coverage --write"
