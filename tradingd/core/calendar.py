"""When an exchange trades, day by day: sessions, half days, holidays, and the auctions that begin and end them.

Owns two calendars: one that never closes, whose day ends at New York's midnight, and the New York Stock Exchange's.
Pure functions of an instant; never reads a clock. Simulated venues keep them, live or in a replay.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Set
from datetime import date, time, timedelta
from typing import Protocol

import msgspec

from tradingd.core.orders import TimeInForce
from tradingd.core.sessions import is_past_auction_cutoff, new_york_date, new_york_instant, next_new_york_midnight

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_OPEN, _CLOSE, _EARLY_CLOSE = time(9, 30), time(16), time(13)
_EXTENDED_OPEN, _EXTENDED_CLOSE, _EARLY_EXTENDED_CLOSE = time(4), time(20), time(17)


class SessionDay(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day, in New York's wall-clock time."""

    day: date
    open: time
    close: time
    extended_open: time
    extended_close: time


class Calendar(Protocol):
    """When equities trade."""

    def is_open(self, now: int, extended: bool = False) -> bool:
        """Tell whether orders work at this instant; `extended` includes the hours around the regular session."""
        ...

    def day_end(self, now: int, extended: bool = False) -> int:
        """When a day order placed now ends."""
        ...

    def next_open(self, now: int) -> int:
        """The next regular opening after this instant."""
        ...

    def next_close(self, now: int) -> int:
        """The next regular close after this instant."""
        ...

    def next_change(self, now: int) -> int:
        """The next instant at which `is_open` may answer differently."""
        ...

    def takes_auction(self, time_in_force: TimeInForce, now: int) -> bool:
        """Tell whether an OPG or CLS order is taken at this instant: there is a cut-off before each auction."""
        ...

    def next_auction(self, time_in_force: TimeInForce, now: int) -> int:
        """The next opening auction (OPG) or closing auction (CLS) after this instant."""
        ...

    def days(self, start: date, end: date) -> Iterator[SessionDay]:
        """The trading days from `start` to `end`, both included."""
        ...


class AlwaysOpen:
    """A market that never closes; its day ends at New York's midnight."""

    def is_open(self, now: int, extended: bool = False) -> bool:
        """Always."""
        return True

    def day_end(self, now: int, extended: bool = False) -> int:
        """The next New York midnight."""
        return next_new_york_midnight(now)

    def next_open(self, now: int) -> int:
        """The midnight after the next, so that the market reads as open: its close comes first."""
        return next_new_york_midnight(next_new_york_midnight(now))

    def next_close(self, now: int) -> int:
        """The next New York midnight, where one day turns into the next without a pause."""
        return next_new_york_midnight(now)

    def next_change(self, now: int) -> int:
        """The next New York midnight, when day orders end."""
        return next_new_york_midnight(now)

    def takes_auction(self, time_in_force: TimeInForce, now: int) -> bool:
        """Always."""
        return True

    def next_auction(self, time_in_force: TimeInForce, now: int) -> int:
        """The next New York midnight, where one day ends and the next begins."""
        return next_new_york_midnight(now)

    def days(self, start: date, end: date) -> Iterator[SessionDay]:
        """Every day, as long as a wall clock can say."""
        day = start
        while day <= end:
            last = time(23, 59)
            yield SessionDay(day=day, open=_MIDNIGHT, close=last, extended_open=_MIDNIGHT, extended_close=last)
            day += _DAY


class NewYorkStockExchange:
    """The exchange's own hours: 09:30 to 16:00, to 13:00 on half days, not on its holidays."""

    def __init__(self) -> None:
        self._years: dict[int, tuple[Set[date], Set[date]]] = {}

    def is_open(self, now: int, extended: bool = False) -> bool:
        """Tell whether the exchange trades at this instant."""
        session = self._session(new_york_date(now))
        if session is None:
            return False
        first, last = (session.extended_open, session.extended_close) if extended else (session.open, session.close)
        return new_york_instant(session.day, first) <= now < new_york_instant(session.day, last)

    def day_end(self, now: int, extended: bool = False) -> int:
        """The close of the session that is under way, else of the next one."""
        return next(
            end
            for session in self._from(new_york_date(now))
            if (end := new_york_instant(session.day, session.extended_close if extended else session.close)) > now
        )

    def next_open(self, now: int) -> int:
        """The next 09:30 of a trading day."""
        return next(
            opening
            for session in self._from(new_york_date(now))
            if (opening := new_york_instant(session.day, session.open)) > now
        )

    def next_close(self, now: int) -> int:
        """The next close of a trading day."""
        return self.day_end(now)

    def next_change(self, now: int) -> int:
        """The next opening or close, regular or extended."""
        for session in self._from(new_york_date(now)):
            instants = [
                new_york_instant(session.day, at)
                for at in (session.extended_open, session.open, session.close, session.extended_close)
            ]
            place = bisect_right(instants, now)
            if place < len(instants):
                return instants[place]
        raise AssertionError("trading days never end")

    def takes_auction(self, time_in_force: TimeInForce, now: int) -> bool:
        """Tell whether the cut-off of the day is not past."""
        return not is_past_auction_cutoff(time_in_force, now)

    def next_auction(self, time_in_force: TimeInForce, now: int) -> int:
        """The next 09:30 of a trading day for OPG, the next close for CLS."""
        return self.next_open(now) if time_in_force is TimeInForce.OPG else self.next_close(now)

    def days(self, start: date, end: date) -> Iterator[SessionDay]:
        """The exchange's trading days."""
        for session in self._from(start):
            if session.day > end:
                return
            yield session

    def _from(self, day: date) -> Iterator[SessionDay]:
        while True:
            session = self._session(day)
            if session is not None:
                yield session
            day += _DAY

    def _session(self, day: date) -> SessionDay | None:
        holidays, half_days = self._closed(day.year)
        if day.weekday() >= 5 or day in holidays:
            return None
        early = day in half_days
        return SessionDay(
            day=day,
            open=_OPEN,
            close=_EARLY_CLOSE if early else _CLOSE,
            extended_open=_EXTENDED_OPEN,
            extended_close=_EARLY_EXTENDED_CLOSE if early else _EXTENDED_CLOSE,
        )

    def _closed(self, year: int) -> tuple[Set[date], Set[date]]:
        known = self._years.get(year)
        if known is None:
            # Imported on first need: who never asks for a trading day does not pay for it.
            from holidays.financial.ny_stock_exchange import NewYorkStockExchange as Holidays

            known = self._years[year] = (
                frozenset(_dates(Holidays, year, "public")),
                frozenset(_dates(Holidays, year, "half_day")),
            )
        return known


def _dates(holidays: Callable[..., Iterable[date]], year: int, category: str) -> Iterable[date]:
    # The library's constructor is not annotated.
    return holidays(years=year, categories=(category,))
