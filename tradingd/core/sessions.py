"""Trading days in exchange time, as pure functions of a UTC instant.

Owns the only conversions between UTC nanoseconds and New York dates that simulated venues need. Never reads a clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tradingd.core.market import NS_PER_SECOND

NEW_YORK = ZoneInfo("America/New_York")


def new_york_date(ts_ns: int) -> date:
    """The date in New York at an instant."""
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, tz=NEW_YORK).date()


def new_york_instant(day: date, at: time) -> int:
    """The instant of a New York wall-clock time; of a time that comes twice, the first."""
    local = datetime.combine(day, at, tzinfo=NEW_YORK)
    return int(local.astimezone(UTC).timestamp()) * NS_PER_SECOND


def next_new_york_midnight(ts_ns: int) -> int:
    """The first New York midnight after an instant, where a day order of a market that never closes ends."""
    return new_york_instant(new_york_date(ts_ns) + timedelta(days=1), time())
