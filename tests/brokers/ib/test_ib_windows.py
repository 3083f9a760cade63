"""When an interruption is expected, over changes of the clocks."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from tradingd.brokers.ib.windows import DAILY_RESTART, Region, Restart, expected_away, needs_login, restart_at
from tradingd.core.market import NS_PER_SECOND

ZONES = {"NY": "America/New_York", "ZH": "Europe/Zurich", "HK": "Asia/Hong_Kong", "UTC": "UTC"}


def at(text: str) -> int:
    """`2026-02-11 00:30 NY` in ns UTC."""
    day, clock, zone = text.split()
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(ZONES[zone]))
    return int(moment.timestamp()) * NS_PER_SECOND


@pytest.mark.parametrize(
    ("region", "moment", "until"),
    [
        (Region.AMERICA, "2026-02-11 00:14 NY", None),
        (Region.AMERICA, "2026-02-11 00:15 NY", "2026-02-11 01:45 NY"),
        (Region.AMERICA, "2026-02-11 01:45 NY", None),
        (Region.AMERICA, "2026-02-11 14:00 NY", None),
        # The same instant of UTC is inside in summer and not in winter.
        (Region.AMERICA, "2026-07-15 04:30 UTC", "2026-07-15 01:45 NY"),
        (Region.AMERICA, "2026-01-14 04:30 UTC", None),
        (Region.EUROPE, "2026-02-11 06:30 ZH", "2026-02-11 07:45 ZH"),
        (Region.EUROPE, "2026-07-15 06:30 ZH", "2026-07-15 07:45 ZH"),
        (Region.EUROPE, "2026-07-15 05:30 UTC", "2026-07-15 05:45 UTC"),
        (Region.EUROPE, "2026-02-11 05:20 UTC", None),
        # Between the changes of the clocks of both continents.
        (Region.EUROPE, "2026-03-16 06:30 ZH", "2026-03-16 07:45 ZH"),
        (Region.ASIA, "2026-02-11 05:00 HK", "2026-02-11 06:05 HK"),
        (Region.ASIA, "2026-02-11 20:30 HK", "2026-02-11 21:15 HK"),
        (Region.ASIA, "2026-02-11 12:00 HK", None),
        # The weekend, for all.
        (Region.ASIA, "2026-02-13 23:30 NY", "2026-02-14 03:00 NY"),
        (Region.EUROPE, "2026-02-14 02:59 NY", "2026-02-14 03:00 NY"),
        (Region.EUROPE, "2026-02-14 12:00 NY", None),
        # The login of the week, of which the nightly reset is a part; on the days of the change as well.
        (Region.AMERICA, "2026-02-15 01:30 NY", "2026-02-15 03:00 NY"),
        (Region.AMERICA, "2026-03-08 01:30 NY", "2026-03-08 03:00 NY"),
        (Region.AMERICA, "2026-11-01 02:30 NY", "2026-11-01 03:00 NY"),
        (Region.AMERICA, "2026-02-15 03:30 NY", None),
    ],
)
def test_an_interruption_is_expected_until_its_end(region: Region, moment: str, until: str | None) -> None:
    away = expected_away(at(moment), region)
    assert (None if away is None else away.until_ns) == (None if until is None else at(until))


@pytest.mark.parametrize(
    ("moment", "restart", "until"),
    [
        ("2026-02-11 23:44 NY", DAILY_RESTART, None),
        ("2026-02-11 23:45 NY", DAILY_RESTART, "2026-02-12 00:00 NY"),
        ("2026-02-12 00:00 NY", DAILY_RESTART, None),
        ("2026-02-11 23:50 NY", None, None),
        # One set to the last minutes of a day goes on in the next.
        ("2026-02-12 00:05 ZH", Restart(at=time(23, 55), zone=ZoneInfo("Europe/Zurich")), "2026-02-12 00:10 ZH"),
        ("2026-02-12 00:10 ZH", Restart(at=time(23, 55), zone=ZoneInfo("Europe/Zurich")), None),
        # Of two that meet the later end counts.
        ("2026-02-13 23:50 NY", DAILY_RESTART, "2026-02-14 03:00 NY"),
    ],
)
def test_the_daily_restart_of_tws_is_expected(moment: str, restart: Restart | None, until: str | None) -> None:
    away = expected_away(at(moment), Region.AMERICA, restart)
    assert (None if away is None else away.until_ns) == (None if until is None else at(until))


def test_the_reason_is_named() -> None:
    named = [expected_away(at(text), Region.AMERICA) for text in ("2026-02-11 00:30 NY", "2026-02-13 23:30 NY")]
    assert [away.reason for away in named if away is not None] == ["the nightly reset", "the weekend reset"]


def test_a_login_is_due_on_sunday_after_one_in_new_york() -> None:
    assert not needs_login(at("2026-02-15 00:59 NY"))
    assert needs_login(at("2026-02-15 01:00 NY"))
    assert not needs_login(at("2026-02-16 09:00 NY"))


def test_a_restart_is_set_in_new_york_time_and_may_be_none() -> None:
    assert restart_at("23:45") == DAILY_RESTART
    assert restart_at("") is None
    assert expected_away(at("2026-02-11 05:05 NY"), Region.AMERICA, restart_at("05:00")) is not None
