"""Closed vocabularies whose members say what they mean."""

from enum import StrEnum
from typing import Self


class ExplainedEnum(StrEnum):
    """Names that stand in logs, journals and answers, each with a sentence; `tradingd explain` prints it."""

    _value_: str
    meaning: str
    """What it says, as the rest of a sentence; in backquotes the names of settings and commands."""

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member of a name and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member
