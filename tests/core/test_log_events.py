"""The names that the log can say, and what each of them means."""

import re

import msgspec
import pytest
from tradingd.core.explained import ExplainedEnum
from tradingd.core.log import LogEvent
from tradingd.core.orders import DenialCode


def test_names_are_dotted_and_distinct() -> None:
    names = [event.value for event in LogEvent]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in names)


@pytest.mark.parametrize("vocabulary", [LogEvent, DenialCode], ids=lambda vocabulary: vocabulary.__name__)
def test_every_name_has_a_sentence_of_its_own(vocabulary: type[ExplainedEnum]) -> None:
    meanings = [member.meaning for member in vocabulary]
    assert all(len(meaning.split()) >= 2 for meaning in meanings)
    assert len(set(meanings)) == len(meanings)
    assert not [meaning for meaning in meanings if meaning.count("`") % 2 or meaning.endswith(".") or "  " in meaning]


def test_a_name_is_its_value_in_text_and_found_by_it() -> None:
    assert f"{LogEvent.ORDER_FILLED}" == LogEvent.ORDER_FILLED.value == "order.filled"
    for vocabulary in (LogEvent, DenialCode):
        for member in vocabulary:
            encoded = msgspec.json.encode(member)
            assert encoded == f'"{member.value}"'.encode()
            assert msgspec.json.decode(encoded, type=vocabulary) is member
