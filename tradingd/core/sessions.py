"""Trading days in exchange time, as pure functions of a UTC instant.

Owns the only conversions between UTC nanoseconds and New York dates that simulated venues need. Never reads a clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import TimeInForce

NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16)
_CUTOFFS = {TimeInForce.OPG: (time(9, 28), time(19)), TimeInForce.CLS: (time(15, 50), time(19))}


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


def next_weekday_close(ts_ns: int) -> int:
    """The next 16:00 in New York of a weekday: the day's books can be closed then, on half days and holidays too."""
    day = new_york_date(ts_ns)
    while True:
        close = new_york_instant(day, _CLOSE)
        if day.weekday() < 5 and close > ts_ns:
            return close
        day += timedelta(days=1)


def is_weekday_session(ts_ns: int) -> bool:
    """True from 09:30 to 16:00 in New York of a weekday, on half days and holidays too."""
    local = datetime.fromtimestamp(ts_ns // NS_PER_SECOND, tz=NEW_YORK)
    return local.weekday() < 5 and _OPEN <= local.time() < _CLOSE


def is_past_auction_cutoff(time_in_force: TimeInForce, ts_ns: int) -> bool:
    """Tell whether it is too late for today's auction and too early for the next one's orders.

    Alpaca's rule, which goes by New York's clock alone: OPG is refused from 09:28, CLS from 15:50, both until 19:00.
    """
    if time_in_force not in _CUTOFFS:
        return False
    first, last = _CUTOFFS[time_in_force]
    return first <= datetime.fromtimestamp(ts_ns // NS_PER_SECOND, tz=NEW_YORK).time() < last
