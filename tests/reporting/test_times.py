"""Times for people, in their zone."""

from datetime import UTC
from zoneinfo import ZoneInfo

from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.reporting.times import Times

NOON = 1_772_452_800 * NS_PER_SECOND
"""2026-03-02T12:00:00Z"""
NEW_YORK = Times(ZoneInfo("America/New_York"))


def test_a_time_has_the_name_of_its_zone() -> None:
    assert Times(UTC).full(NOON) == "2026-03-02 12:00:00 UTC"
    assert NEW_YORK.full(NOON) == "2026-03-02 07:00:00 EST"
    assert NEW_YORK.zone(NOON + 30 * DAY_NS) == "EDT"
    assert NEW_YORK.full(None) == "-"


def test_todays_times_are_times_of_day_and_older_ones_dates() -> None:
    assert NEW_YORK.short(NOON, NOON + NS_PER_SECOND) == "07:00:00"
    assert NEW_YORK.short(NOON, NOON + DAY_NS) == "03-02 07:00"
    assert NEW_YORK.short(NOON, NOON + 400 * DAY_NS) == "2026-03-02"


def test_a_date_begins_at_midnight_of_the_zone() -> None:
    assert Times(UTC).midnight(2026, 3, 2) == NOON - DAY_NS // 2
    assert NEW_YORK.midnight(2026, 3, 2) == NOON - DAY_NS // 2 + 5 * 3600 * NS_PER_SECOND
