"""One zone parts the days, for losses, returns, reports and statements."""

from datetime import date
from decimal import Decimal

import pytest
from tradingd.core.books import track_equity
from tradingd.core.entries import EquitySampled, EquityTrack
from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.core.trading_day import TradingDays

D = Decimal
NOON = 1_772_452_800 * NS_PER_SECOND
"""2026-03-02T12:00:00Z"""
HOUR_NS = 3600 * NS_PER_SECOND


@pytest.mark.parametrize(
    ("zone", "ends"), [("America/New_York", 17), ("UTC", 12), ("Asia/Tokyo", 3), ("Asia/Kolkata", 6.5)]
)
def test_a_day_ends_at_midnight_of_its_zone(zone: str, ends: float) -> None:
    days, end = TradingDays(zone), NOON + round(ends * HOUR_NS)
    assert (days.date(end - 1), days.date(end)) == (date(2026, 3, 2), date(2026, 3, 3))
    assert days.number(end) == days.number(end - 1) + 1
    assert days.date_of(days.number(NOON)) == date(2026, 3, 2)
    assert days.bounds(date(2026, 3, 2))[1] == end


def test_the_day_on_which_clocks_change_has_another_length() -> None:
    begin, end = TradingDays("America/New_York").bounds(date(2026, 3, 8))
    assert end - begin == 23 * HOUR_NS


def sample(ts: int, equity: int, day: int) -> EquitySampled:
    return EquitySampled(ts=ts, equity=D(equity), cash=D(equity), gross=D(0), net=D(0), day=day)


def test_the_loss_of_the_day_begins_anew_with_the_trading_day_and_not_at_midnight_utc() -> None:
    days, track = TradingDays("America/New_York"), EquityTrack()
    evening = NOON + 13 * HOUR_NS  # 01:00 UTC, 20:00 in New York of the same day
    for ts, equity in ((NOON, 1000), (evening, 900)):
        track = track_equity(track, sample(ts, equity, days.number(ts)))
    assert (track.day_open, track.daily) == (D(1000), ())
    later = NOON + 18 * HOUR_NS
    track = track_equity(track, sample(later, 890, days.number(later)))
    assert (track.day_open, track.daily) == (D(900), (D(900),))


def test_samples_of_older_journals_count_by_utc_days() -> None:
    track = track_equity(EquityTrack(), sample(NOON, 1000, -1))
    assert track.day == NOON // DAY_NS
    assert track_equity(track, sample(NOON + 13 * HOUR_NS, 900, -1)).day_open == D(1000)
