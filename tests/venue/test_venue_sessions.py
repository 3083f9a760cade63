"""The New York Stock Exchange's hours, and what they do to orders."""

from datetime import date

import pytest
from tests.venue.making import ns
from tests.venue.running_venue import Clock, Desk, Starter
from tradingd.core.calendar import AlwaysOpen, NewYorkStockExchange
from tradingd.venue.sessions import session_json


@pytest.mark.parametrize(
    ("instant", "regular", "extended"),
    [
        ("2026-01-05T09:29:59-05:00", False, True),
        ("2026-01-05T09:30:00-05:00", True, True),
        ("2026-01-05T15:59:59-05:00", True, True),
        ("2026-01-05T16:00:00-05:00", False, True),
        ("2026-01-05T20:00:00-05:00", False, False),
        ("2026-01-04T12:00:00-05:00", False, False),
        ("2026-07-03T12:00:00-04:00", False, False),
        ("2015-12-24T12:59:59-05:00", True, True),
        ("2015-12-24T13:00:00-05:00", False, True),
        ("2013-11-29T13:30:00-05:00", False, True),
        ("2013-03-08T14:30:00+00:00", True, True),
        ("2013-03-11T13:30:00+00:00", True, True),
        ("2013-03-11T13:29:59+00:00", False, True),
    ],
)
def test_the_exchange_is_open(instant: str, regular: bool, extended: bool) -> None:
    calendar = NewYorkStockExchange()
    assert calendar.is_open(ns(instant)) is regular
    assert calendar.is_open(ns(instant), extended=True) is extended


def test_the_next_bells() -> None:
    calendar = NewYorkStockExchange()
    friday_noon = ns("2026-07-02T12:00:00-04:00")
    assert calendar.next_close(friday_noon) == ns("2026-07-02T16:00:00-04:00")
    # 4 July 2026 is a Saturday, kept on the Friday.
    assert calendar.next_open(friday_noon) == ns("2026-07-06T09:30:00-04:00")
    assert calendar.day_end(ns("2026-07-02T17:00:00-04:00")) == ns("2026-07-06T16:00:00-04:00")
    assert calendar.next_change(ns("2026-07-02T09:30:00-04:00")) == ns("2026-07-02T16:00:00-04:00")
    assert calendar.next_change(ns("2026-07-02T20:00:00-04:00")) == ns("2026-07-06T04:00:00-04:00")


def test_the_calendar_lists_trading_days_and_half_days() -> None:
    days = list(NewYorkStockExchange().days(date(2024, 11, 27), date(2024, 12, 2)))
    assert [(day.day.day, session_json(day)["close"]) for day in days] == [(27, "16:00"), (29, "13:00"), (2, "16:00")]


def test_a_market_that_never_closes_reads_as_open() -> None:
    now = ns("2026-01-04T12:00:00-05:00")
    calendar = AlwaysOpen()
    assert calendar.is_open(now)
    assert now < calendar.next_close(now) < calendar.next_open(now)
    assert len(list(calendar.days(date(2026, 1, 1), date(2026, 1, 31)))) == 31


async def open_exchange(start_venue: Starter, at: str) -> Desk:
    desk = await start_venue(Clock(ns(at)), session="XNYS")
    desk.quote(99.9, 100)
    return desk


async def test_an_order_before_the_opening_waits_for_it(start_venue: Starter) -> None:
    desk = await open_exchange(start_venue, "2026-01-05T08:00:00-05:00")
    order = await desk.submit()
    assert (order["status"], order["expires_at"]) == ("accepted", "2026-01-05T21:00:00.000000Z")
    desk.quote(99.9, 100)
    assert (await desk.order(order["id"]))["status"] == "accepted"
    status, body = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"qty": "2"})
    assert (status, body["code"]) == (422, 42210000)
    resting = await desk.submit(type="limit", limit_price="90")
    desk.clock.now = ns("2026-01-05T09:30:00-05:00")
    # Nothing is in the book yet, so the venue's own clock brings the opening.
    await desk.until(order["id"], "filled")
    assert (await desk.order(resting["id"]))["status"] == "new"


async def test_a_day_order_expires_at_the_close_and_a_gtc_rests_until_the_next_opening(start_venue: Starter) -> None:
    desk = await open_exchange(start_venue, "2026-01-05T15:59:00-05:00")
    day = await desk.submit(type="limit", limit_price="90")
    gtc = await desk.submit(type="limit", limit_price="90", time_in_force="gtc")
    desk.clock.now = ns("2026-01-05T16:00:00-05:00")
    desk.quote(80, 81)
    assert (await desk.order(day["id"]))["status"] == "expired"
    assert (await desk.order(gtc["id"]))["status"] == "new"
    desk.clock.now = ns("2026-01-06T09:30:00-05:00")
    await desk.until(gtc["id"], "filled")


async def test_extended_hours_and_crypto_trade_when_the_exchange_does_not(start_venue: Starter) -> None:
    desk = await open_exchange(start_venue, "2026-01-05T17:00:00-05:00")
    desk.quote(50_000, 50_000, symbol="BTC/USD")
    late = await desk.submit(type="limit", limit_price="100", extended_hours=True)
    coin = await desk.submit(symbol="BTC/USD", qty="0.1", time_in_force="gtc")
    assert (await desk.order(late["id"]))["status"] == "filled"
    assert (await desk.order(coin["id"]))["status"] == "filled"


async def test_clock_and_calendar_are_the_exchanges(start_venue: Starter) -> None:
    desk = await open_exchange(start_venue, "2026-01-05T12:00:00-05:00")
    assert await desk.get("/v2/clock") == {
        "timestamp": "2026-01-05T12:00:00-05:00",
        "is_open": True,
        "next_open": "2026-01-06T09:30:00-05:00",
        "next_close": "2026-01-05T16:00:00-05:00",
    }
    days = await desk.get("/v2/calendar", start="2026-01-01", end="2026-01-05T00:00:00Z")
    assert [day["date"] for day in days] == ["2026-01-02", "2026-01-05"]
