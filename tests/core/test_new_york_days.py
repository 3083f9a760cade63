"""New York dates and midnights, across the changes of its clock."""

from datetime import UTC, date, datetime, time

import pytest
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.sessions import new_york_date, new_york_instant, next_new_york_midnight, next_weekday_close


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


@pytest.mark.parametrize(
    ("instant", "midnight"),
    [
        ("2026-01-15T12:00:00-05:00", "2026-01-16T00:00:00-05:00"),
        ("2026-01-15T00:00:00-05:00", "2026-01-16T00:00:00-05:00"),
        ("2026-03-07T23:59:59-05:00", "2026-03-08T00:00:00-05:00"),
        ("2026-03-08T12:00:00-04:00", "2026-03-09T00:00:00-04:00"),
        ("2026-11-01T01:30:00-05:00", "2026-11-02T00:00:00-05:00"),
    ],
)
def test_the_next_midnight(instant: str, midnight: str) -> None:
    assert next_new_york_midnight(ns(instant)) == ns(midnight)


def test_a_date_is_new_yorks_and_not_utcs() -> None:
    assert new_york_date(ns("2026-01-15T23:30:00-05:00")) == date(2026, 1, 15)


def test_the_opening_bell_moves_with_the_clock() -> None:
    bell = time(9, 30)
    assert new_york_instant(date(2026, 3, 6), bell) == ns("2026-03-06T14:30:00+00:00")
    assert new_york_instant(date(2026, 3, 9), bell) == ns("2026-03-09T13:30:00+00:00")


def test_the_books_of_a_day_close_at_four_of_each_weekday() -> None:
    friday = new_york_instant(date(2026, 3, 6), time(15, 59))
    assert next_weekday_close(friday) == new_york_instant(date(2026, 3, 6), time(16))
    evening = new_york_instant(date(2026, 3, 6), time(16))
    # Clocks go forward between the two.
    assert next_weekday_close(evening) == new_york_instant(date(2026, 3, 9), time(16))
