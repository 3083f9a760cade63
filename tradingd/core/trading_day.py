"""Which trading day an instant belongs to, in the zone that the account's days are counted in. Pure.

Owns: where one day ends and the next begins, for the loss of the day, daily returns, reports and statements alike.
Never reads a clock.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from tradingd.core.market import MINUTE_NS, NS_PER_SECOND

_EPOCH = dt.date(1970, 1, 1)
_STEP_NS = 15 * MINUTE_NS
"""No zone has its midnight at another minute than these."""
_MAX_KEPT = 4096


class TradingDays:
    """Days of one zone, counted from 1970-01-01."""

    def __init__(self, zone: str = "America/New_York") -> None:
        self.name = zone
        self.zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def number(self, ts: int) -> int:
        """How many days of the zone lie between 1970-01-01 and the one of an instant."""
        step = ts // _STEP_NS
        found = self._known.get(step)
        if found is None:
            if len(self._known) >= _MAX_KEPT:
                self._known.clear()
            found = self._known[step] = (self.date(ts) - _EPOCH).days
        return found

    def date(self, ts: int) -> dt.date:
        """The date in the zone at an instant."""
        return dt.datetime.fromtimestamp(ts // NS_PER_SECOND, dt.UTC).astimezone(self.zone).date()

    def bounds(self, day: dt.date) -> tuple[int, int]:
        """A day's first instant, and the next one's."""
        return self._midnight(day), self._midnight(day + dt.timedelta(days=1))

    def date_of(self, number: int) -> dt.date:
        """The date of a day's number."""
        return _EPOCH + dt.timedelta(days=number)

    def _midnight(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), tzinfo=self.zone).timestamp()) * NS_PER_SECOND


NEW_YORK_DAYS = TradingDays()
"""The days of the exchanges in New York."""
