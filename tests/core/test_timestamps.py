"""RFC 3339 times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tradingd.core.timestamps import format_timestamp, parse_timestamp

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", SECOND + SECOND // 2),
        ("2021-02-22T15:51:44.208123456Z", 1_614_009_104_208_123_456),
        ("2021-02-22T15:51:44.2081234567Z", 1_614_009_104_208_123_456),
        ("2021-02-22T15:51:44.2Z", 1_614_009_104_200_000_000),
        ("2021-02-22 15:51:44+00:00", 1_614_009_104_000_000_000),
        ("2021-02-22T10:51:44-05:00", 1_614_009_104_000_000_000),
        ("2021-02-22T10:51:44.000000001-05:00", 1_614_009_104_000_000_001),
        ("2024-02-29T00:00:00z", 1_709_164_800_000_000_000),
    ],
)
def test_times_that_can_be_read(text: str, expected: int) -> None:
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "Z", "2021-02-22", "2021-02-22T15:51:44", "2021-02-30T00:00:00Z", "2021-02-22T24:00:00Z",
        "2021-02-22T15:60:00Z", "2021-02-22T15:51:44.Z", "2021-W08-1T15:51:44Z", "2021-02-22T1a:51:44Z",
        "2021-02-22T15:51:44.12x456789Z", "2021-02-22T15:51:44+0000", "2021-02-22T15:51:44*05:00",
        "2021-02-22T٠٥:51:44Z", "1614009104", "2021-02-22T15:51:44Z ",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_time_reads_the_same_in_every_zone(moment: datetime, offset_minutes: int) -> None:
    moment = moment.replace(tzinfo=UTC)
    zoned = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds * 1000
    assert parse_timestamp(zoned.isoformat()) == expected


@given(st.integers(0, 2**62))
def test_a_time_survives_writing_and_reading(ts_ns: int) -> None:
    assert parse_timestamp(format_timestamp(ts_ns)) == ts_ns


@given(st.text(max_size=40))
def test_no_text_does_anything_but_read_or_raise_a_value_error(text: str) -> None:
    try:
        parse_timestamp(text)
    except ValueError:
        return
