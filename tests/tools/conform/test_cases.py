"""The list of cases, and the words by which some of them are chosen."""

import pytest
from tradingd.errors import UsageError
from tradingd.tools.conform.case import Chapter, check_words, chosen
from tradingd.tools.conform.cases import ALL, DATA, EXECUTION


def test_cases_are_numbered_in_order_without_a_gap() -> None:
    assert [case.number for case in EXECUTION] == [f"E{number:02}" for number in range(1, len(EXECUTION) + 1)]
    assert [case.number for case in DATA] == [f"D{number:02}" for number in range(1, len(DATA) + 1)]


def test_every_title_is_one_sentence_of_its_own() -> None:
    titles = [case.title for case in ALL]
    assert len(set(titles)) == len(titles)
    for title in titles:
        assert title[-1] not in ".!", title
        assert ". " not in title, title


def test_every_chapter_has_cases() -> None:
    assert {case.chapter for case in ALL} == set(Chapter)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["E17"], ["E17"]),
        (["e17", "E05"], ["E05", "E17"]),
        (["e"], [case.number for case in EXECUTION]),
        (["D"], []),
        (["stop"], [case.number for case in EXECUTION if case.chapter is Chapter.STOP]),
        ([], [case.number for case in EXECUTION]),
    ],
)
def test_words_choose_cases_in_the_order_of_the_list(words: list[str], numbers: list[str]) -> None:
    assert [case.number for case in chosen(EXECUTION, words)] == numbers


@pytest.mark.parametrize("word", ["E999", "X", "", "E1*"])
def test_a_word_that_means_no_case_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="no such case"):
        check_words([word], ALL)
