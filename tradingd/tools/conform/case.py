"""What a case is, and the two lists of them."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from tradingd.errors import UsageError
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.data_bench import DataBench

B = TypeVar("B")


class Chapter(StrEnum):
    """What a case is about; a word that `--case` takes."""

    CONNECT = "connect"
    SUBMIT = "submit"
    FILL = "fill"
    STOP = "stop"
    CANCEL = "cancel"
    MODIFY = "modify"
    REFUSE = "refuse"
    REPORT = "report"
    ASK = "ask"
    RESTART = "restart"
    LINK = "link"
    STREAM = "stream"
    HISTORY = "history"
    LOSS = "loss"


@dataclass(frozen=True)
class Case(Generic[B]):
    """One sentence that must be true of every broker, or of every feed, and what shows it."""

    number: str
    title: str
    chapter: Chapter
    needs: frozenset[Capability]
    play: Callable[[B], Awaitable[None]]


ExecutionCase: TypeAlias = Case[Bench]
DataCase: TypeAlias = Case[DataBench]


class CaseList(Generic[B]):
    """The cases of one chapter, in order; used as a decorator."""

    def __init__(self, chapter: Chapter) -> None:
        self.cases: list[Case[B]] = []
        self._chapter = chapter

    def __call__(
        self, number: str, title: str, *needs: Capability
    ) -> Callable[[Callable[[B], Awaitable[None]]], Callable[[B], Awaitable[None]]]:
        """Number a case."""

        def add(play: Callable[[B], Awaitable[None]]) -> Callable[[B], Awaitable[None]]:
            self.cases.append(Case(number, title, self._chapter, frozenset(needs), play))
            return play

        return add


def chosen(cases: Sequence[Case[B]], wanted: Iterable[str]) -> list[Case[B]]:
    """The cases that words ask for: numbers (`E17`), letters (`D`) or chapters (`cancel`); all for none."""
    words = [word.strip() for word in wanted]
    if not words:
        return list(cases)
    return [case for case in cases if any(_means(word, case) for word in words)]


def check_words(wanted: Iterable[str], known: Sequence[ExecutionCase | DataCase]) -> None:
    """Refuse words that name no case."""
    for word in wanted:
        if not any(_means(word.strip(), case) for case in known):
            chapters = ", ".join(dict.fromkeys(case.chapter for case in known))
            raise UsageError(f"--case {word}: no such case (a number such as E17, the letter E or D, or {chapters})")


def _means(word: str, case: Case[Any]) -> bool:
    if re.fullmatch(r"[A-Za-z]", word):
        return case.number.startswith(word.upper())
    return word.upper() == case.number or word.lower() == case.chapter
