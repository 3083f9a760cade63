"""Spelling of values in documents that programs read."""

import json
from decimal import Decimal
from enum import StrEnum

import msgspec
import pytest
from tradingd.core.encoding import plain_decimal, rfc3339, to_json, to_plain


class Colour(StrEnum):
    RED = "red"


class Inner(msgspec.Struct, frozen=True, tag="inner"):
    ts: int
    ts_end: int | None
    amount: Decimal
    turns: int


class Outer(msgspec.Struct, frozen=True, rename={"name": "label"}):
    name: Colour
    inner: tuple[Inner, ...]
    share: float | None


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_772_461_801_000_000_007, "2026-03-02T14:30:01.000000007Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_rfc_3339(ts: int, text: str) -> None:
    assert rfc3339(ts) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1E+3", "1000"), ("1E-8", "0.00000001"), ("-0.00", "0.00"), ("-1.50", "-1.50")]
)
def test_decimals_are_plain(value: str, text: str) -> None:
    assert plain_decimal(Decimal(value)) == text


def test_records_become_one_document() -> None:
    record = Outer(
        name=Colour.RED, inner=(Inner(1, None, Decimal("1E+2"), 1), Inner(2, 3, Decimal("0.10"), 2)), share=float("nan")
    )
    assert json.loads(to_json(record)) == {
        "label": "red",
        "inner": [
            {
                "type": "inner",
                "ts": "1970-01-01T00:00:00.000000001Z",
                "ts_end": None,
                "amount": "100",
                "turns": 1,
            },
            {
                "type": "inner",
                "ts": "1970-01-01T00:00:00.000000002Z",
                "ts_end": "1970-01-01T00:00:00.000000003Z",
                "amount": "0.10",
                "turns": 2,
            },
        ],
        "share": None,
    }


def test_mappings_follow_the_same_rules() -> None:
    assert to_plain({"ts_recv": 0, Colour.RED: [Decimal(1), True, None], "deep": {"ts": 1}}) == {
        "ts_recv": "1970-01-01T00:00:00.000000000Z",
        "red": ["1", True, None],
        "deep": {"ts": "1970-01-01T00:00:00.000000001Z"},
    }


def test_a_value_without_a_spelling_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no spelling"):
        to_json(object())
