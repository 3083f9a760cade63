"""Tables and pairs as plain text."""

from tradingd.reporting.table import Column, pairs, table


def test_figures_stand_to_the_right_under_their_headings() -> None:
    lines = table([Column("name"), Column("value", is_figure=True)], [["a", "1"], ["long name", "1,000"]])
    assert lines == ["name       value", "a              1", "long name  1,000"]


def test_what_may_be_cut_gives_up_characters_until_the_table_fits() -> None:
    columns = [Column("strategy", min_width=4), Column("id"), Column("state", min_width=6)]
    lines = table(columns, [["mean-reversion", "x-1", "partially filled"]], width=28)
    assert lines == ["strategy        id   state", "mean-reversion  x-1  partia…"]


def test_a_long_value_goes_on_below() -> None:
    assert pairs([("reason", "one two three four five six"), ("x", "")], width=28) == [
        "reason  one two three four",
        "        five six",
        "x",
    ]
