"""Orders on open and on close at the paper venue, and what outlives a restart between request and bell."""

import pytest
from tests.venue.making import ns
from tests.venue.running_venue import Clock, Desk, Starter

MONDAY_8 = "2026-01-05T08:00:00-05:00"
OPENING, CLOSE = ns("2026-01-05T09:30:00-05:00"), ns("2026-01-05T16:00:00-05:00")


async def exchange(start_venue: Starter, at: str) -> Desk:
    desk = await start_venue(Clock(ns(at)), session="XNYS")
    desk.quote(99.9, 100.1)
    desk.trade(100)
    return desk


async def test_an_order_on_open_fills_at_the_first_print_after_the_bell(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    order = await desk.submit(time_in_force="opg", qty="10")
    assert (order["status"], order["time_in_force"]) == ("accepted", "opg")
    desk.trade(101)
    assert (await desk.order(order["id"]))["status"] == "accepted"
    desk.clock.now = OPENING
    desk.quote(102.9, 103.1, size=1)
    assert (await desk.order(order["id"]))["status"] == "accepted"
    desk.trade(103, size=1)
    done = await desk.order(order["id"])
    assert (done["status"], done["filled_qty"], done["filled_avg_price"]) == ("filled", "10", "103")


async def test_a_limit_on_open_that_the_opening_does_not_reach_is_cancelled(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    reached = await desk.submit(time_in_force="opg", type="limit", limit_price="103")
    missed = await desk.submit(time_in_force="opg", type="limit", limit_price="102.99")
    desk.clock.now = OPENING
    desk.trade(103)
    assert (await desk.order(reached["id"]))["status"] == "filled"
    assert (await desk.order(missed["id"]))["status"] == "canceled"


async def test_an_opening_without_a_price_cancels_by_the_close(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    order = await desk.submit(time_in_force="opg")
    assert order["expires_at"] == "2026-01-05T21:00:00.000000Z"
    desk.clock.now = CLOSE
    await desk.until(order["id"], "canceled")


async def test_an_order_on_close_fills_at_the_last_print_before_the_bell(start_venue: Starter) -> None:
    desk = await exchange(start_venue, "2026-01-05T15:00:00-05:00")
    order = await desk.submit(time_in_force="cls", qty="10")
    missed = await desk.submit(time_in_force="cls", type="limit", limit_price="103")
    desk.trade(104)
    assert (await desk.order(order["id"]))["status"] == "accepted"
    desk.clock.now = CLOSE
    desk.trade(99)
    done = await desk.order(order["id"])
    assert (done["status"], done["filled_avg_price"]) == ("filled", "104")
    assert (await desk.order(missed["id"]))["status"] == "canceled"


async def test_the_close_comes_without_any_market_data(start_venue: Starter) -> None:
    desk = await exchange(start_venue, "2026-01-05T15:00:00-05:00")
    order = await desk.submit(time_in_force="cls")
    desk.clock.now = CLOSE
    await desk.until(order["id"], "filled")


async def test_an_order_of_the_evening_waits_for_the_next_auction(start_venue: Starter) -> None:
    desk = await exchange(start_venue, "2026-01-02T19:00:00-05:00")  # a Friday
    opening = await desk.submit(time_in_force="opg")
    closing = await desk.submit(time_in_force="cls")
    desk.clock.now = OPENING
    desk.trade(101)
    assert (await desk.order(opening["id"]))["status"] == "filled"
    assert (await desk.order(closing["id"]))["status"] == "accepted"


@pytest.mark.parametrize(
    ("at", "tif"), [("09:28", "opg"), ("12:00", "opg"), ("18:59", "opg"), ("15:50", "cls"), ("18:59", "cls")]
)
async def test_after_the_cut_off_it_is_too_late(start_venue: Starter, at: str, tif: str) -> None:
    desk = await exchange(start_venue, f"2026-01-05T{at}:00-05:00")
    assert (await desk.refuse(time_in_force=tif))[:2] == (422, 42210000)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "stop", "stop_price": "110"},
        {"type": "stop_limit", "stop_price": "110", "limit_price": "111"},
        {"qty": "0.5"},
        {"qty": None, "notional": "50"},
        {"symbol": "BTC/USD"},
        {"type": "limit", "limit_price": "90", "extended_hours": True},
        {"order_class": "oto", "take_profit": {"limit_price": "120"}},
    ],
)
async def test_only_plain_market_and_limit_orders_of_whole_shares_join(
    start_venue: Starter, body: dict[str, object]
) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    assert (await desk.refuse(**({"time_in_force": "opg"} | body)))[:2] == (422, 42210000)


async def test_a_waiting_order_can_be_cancelled_and_not_replaced(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    order = await desk.submit(time_in_force="opg", type="limit", limit_price="99")
    assert (await desk.call("PATCH", f"/v2/orders/{order['id']}", {"limit_price": "98"}))[0] == 422
    assert (await desk.call("DELETE", f"/v2/orders/{order['id']}"))[0] == 204
    desk.clock.now = OPENING
    desk.trade(90)
    assert (await desk.order(order["id"]))["status"] == "canceled"


async def test_a_waiting_order_reserves_and_is_rejected_when_the_opening_is_too_dear(start_venue: Starter) -> None:
    desk = await start_venue(Clock(ns(MONDAY_8)), session="XNYS")
    order = await desk.submit(time_in_force="opg", qty="5000")
    desk.clock.now = OPENING
    desk.trade(100)
    assert (await desk.order(order["id"]))["status"] == "rejected"


async def test_waiting_orders_survive_a_restart(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    opening = await desk.submit(time_in_force="opg")
    closing = await desk.submit(time_in_force="cls")
    before = [await desk.order(order["id"]) for order in (opening, closing)]
    await start_venue.stop(desk)
    again = await start_venue(desk.clock, session="XNYS")
    assert [await again.order(order["id"]) for order in (opening, closing)] == before
    again.clock.now = OPENING
    again.trade(101)
    assert (await again.order(opening["id"]))["filled_avg_price"] == "101"
    again.clock.now = CLOSE
    again.trade(90)
    assert (await again.order(closing["id"]))["filled_avg_price"] == "101"


async def test_an_auction_that_was_held_while_the_venue_was_down_cancels(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    orders = [await desk.submit(time_in_force=tif) for tif in ("opg", "cls")]
    await start_venue.stop(desk)
    again = await start_venue(Clock(CLOSE), session="XNYS")
    assert [(await again.order(order["id"]))["status"] for order in orders] == ["canceled", "canceled"]


async def test_where_the_market_never_closes_the_auctions_are_at_midnight(start_venue: Starter) -> None:
    desk = await start_venue(Clock(ns("2026-01-05T12:00:00-05:00")))
    desk.trade(100)
    opening = await desk.submit(time_in_force="opg")
    closing = await desk.submit(time_in_force="cls")
    desk.clock.now = ns("2026-01-06T00:00:00-05:00")
    desk.trade(101)
    assert (await desk.order(closing["id"]))["filled_avg_price"] == "100"
    assert (await desk.order(opening["id"]))["filled_avg_price"] == "101"


async def test_a_limit_outside_the_session_works_for_the_day_or_till_cancelled(start_venue: Starter) -> None:
    desk = await exchange(start_venue, MONDAY_8)
    day = await desk.submit(type="limit", limit_price="100.1", extended_hours=True)
    gtc = await desk.submit(type="limit", limit_price="100.1", extended_hours=True, time_in_force="gtc")
    regular = await desk.submit(type="limit", limit_price="100.1", time_in_force="gtc")
    assert [(await desk.order(order["id"]))["status"] for order in (day, gtc, regular)] == [
        "filled",
        "filled",
        "accepted",
    ]
