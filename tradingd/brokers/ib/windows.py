"""When Interactive Brokers is away as a matter of course. No I/O, no clock.

Owns: the nightly resets by region, the weekend, the daily restart of TWS itself, and the weekly login. Never: says that
the link is up or down; only whether a disconnect at an instant is expected, and until when. Source: the status page of
Interactive Brokers (https://www.interactivebrokers.com/en/software/systemStatus.php) and the auto-restart notes of IB
Gateway.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from tradingd.core.market import NS_PER_SECOND

_NEW_YORK = ZoneInfo("America/New_York")
_ZURICH = ZoneInfo("Europe/Zurich")
_HONG_KONG = ZoneInfo("Asia/Hong_Kong")
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_LOGIN_ENDS = time(3, 0)


class Region(StrEnum):
    """Whose servers the account is kept on."""

    AMERICA = "america"
    EUROPE = "europe"
    ASIA = "asia"


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """An interruption that is expected."""

    reason: str
    until_ns: int


class _Nightly(msgspec.Struct, frozen=True):
    zone: ZoneInfo
    begin: time
    end: time


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """When TWS or IB Gateway restarts itself (Configure > Lock and Exit): its socket is closed for some minutes."""

    at: time
    zone: ZoneInfo
    lasts: timedelta = timedelta(minutes=15)


DAILY_RESTART = Restart(at=time(23, 45), zone=_NEW_YORK)
"""What TWS is set to where nobody has changed it, on a machine that runs on New York time."""


def restart_at(text: str) -> Restart | None:
    """The daily restart at `HH:MM` New York time; None for an empty text."""
    return Restart(at=time.fromisoformat(text), zone=_NEW_YORK) if text else None


_NIGHTLY: dict[Region, tuple[_Nightly, ...]] = {
    Region.AMERICA: (_Nightly(_NEW_YORK, time(0, 15), time(1, 45)),),
    Region.EUROPE: (_Nightly(_ZURICH, time(6, 25), time(7, 45)),),
    Region.ASIA: (_Nightly(_HONG_KONG, time(4, 45), time(6, 5)), _Nightly(_HONG_KONG, time(20, 15), time(21, 15))),
}


def expected_away(ts_ns: int, region: Region, restart: Restart | None = None) -> MaintenanceWindow | None:
    """Say which expected interruption an instant falls into; of several the one that ends last."""
    windows = [*_windows_around(ts_ns, region), *([] if restart is None else _restarts_around(ts_ns, restart))]
    found = [window for window in windows if window[0] <= ts_ns < window[1]]
    if not found:
        return None
    _, until_ns, reason = max(found, key=lambda window: window[1])
    return MaintenanceWindow(reason=reason, until_ns=until_ns)


def _windows_around(ts_ns: int, region: Region) -> list[tuple[int, int, str]]:
    windows = []
    for nightly in _NIGHTLY[region]:
        today = _local(ts_ns, nightly.zone).date()
        windows.append((*_span(today, nightly.begin, today, nightly.end, nightly.zone), "the nightly reset"))
    today = _local(ts_ns, _NEW_YORK).date()
    friday = today - timedelta(days=(today.weekday() - _FRIDAY) % 7)
    saturday, sunday = friday + timedelta(days=1), friday + timedelta(days=2)
    windows.append((*_span(friday, time(23, 0), saturday, time(3, 0), _NEW_YORK), "the weekend reset"))
    # The session of the week ends then: somebody has to log in with the second factor.
    windows.append((*_span(sunday, time(1, 0), sunday, _LOGIN_ENDS, _NEW_YORK), "the weekly login"))
    return windows


def _restarts_around(ts_ns: int, restart: Restart) -> list[tuple[int, int, str]]:
    today = _local(ts_ns, restart.zone).date()
    windows = []
    for day in (today - timedelta(days=1), today):  # one that began late in the evening goes on after midnight
        begin = datetime.combine(day, restart.at, restart.zone)
        start_ns = int(begin.timestamp()) * NS_PER_SECOND
        end_ns = start_ns + int(restart.lasts.total_seconds()) * NS_PER_SECOND
        windows.append((start_ns, end_ns, "the daily restart of TWS"))
    return windows


def _local(ts_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).astimezone(zone)


def _span(first: date, begin: time, last: date, end: time, zone: ZoneInfo) -> tuple[int, int]:
    starts = datetime.combine(first, begin, zone)
    ends = datetime.combine(last, end, zone)
    return int(starts.timestamp()) * NS_PER_SECOND, int(ends.timestamp()) * NS_PER_SECOND


def needs_login(ts_ns: int) -> bool:
    """True from Sunday 01:00 New York time on until the evening, while a login with the second factor may be due."""
    local = _local(ts_ns, _NEW_YORK)
    return local.weekday() == _SUNDAY and local.time() >= time(1, 0)
