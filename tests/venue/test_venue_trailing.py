"""Trailing stops at the paper venue: placed, trailed, elected, changed, and kept across restarts."""

from typing import Any

import pytest
from tests.venue.running_venue import NOON, Clock, Desk, Starter
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND


async def hold(desk: Desk, qty: str = "10") -> None:
    """Have shares to protect, at a market that prints 100."""
    desk.quote(99.9, 100.1)
    desk.trade(100)
    await desk.submit(qty=qty)


async def trail(desk: Desk, **body: object) -> Any:
    values: dict[str, object] = {"side": "sell", "qty": "10", "type": "trailing_stop", "time_in_force": "gtc"}
    return await desk.submit(**(values | body))


async def test_it_begins_at_the_last_print_follows_it_and_is_elected_on_the_way_back(desk: Desk) -> None:
    await hold(desk)
    order = await trail(desk, trail_price="1.5")
    assert (order["type"], order["trail_price"], order["trail_percent"]) == ("trailing_stop", "1.5", None)
    assert (order["status"], order["hwm"], order["stop_price"]) == ("new", "100", "98.5")
    for price in (101, 99.7, 103, 102):
        desk.trade(price)
    moved = await desk.order(order["id"])
    assert (moved["status"], moved["hwm"], moved["stop_price"]) == ("new", "103", "101.5")
    desk.quote(101.2, 101.4)
    desk.trade(101.5)
    done = await desk.order(order["id"])
    assert (done["status"], done["filled_avg_price"]) == ("filled", "101.2")
    assert await desk.get("/v2/positions") == []


async def test_a_buy_that_trails_in_percent_follows_the_lowest_print(desk: Desk) -> None:
    desk.quote(99.9, 100.1)
    desk.trade(100)
    order = await trail(desk, side="buy", trail_percent="2", time_in_force="day")
    assert (order["trail_percent"], order["trail_price"]) == ("2", None)
    assert (order["hwm"], order["stop_price"]) == ("100", "102")
    desk.trade(90)
    assert (await desk.order(order["id"]))["stop_price"] == "91.8"
    desk.quote(91.8, 91.9)
    desk.trade(91.8)
    assert (await desk.order(order["id"]))["status"] == "filled"


async def test_without_any_price_it_begins_at_the_first(desk: Desk) -> None:
    order = await trail(desk, side="buy", trail_price="1")
    assert (order["hwm"], order["stop_price"]) == (None, None)
    desk.quote(99.9, 100.1)
    assert (await desk.order(order["id"]))["stop_price"] == "101.1"


REFUSALS: dict[str, dict[str, object]] = {
    "no distance": {},
    "both distances": {"trail_price": "1", "trail_percent": "1"},
    "nothing for a distance": {"trail_price": "0"},
    "all for a distance": {"trail_percent": "100"},
    "a limit": {"trail_price": "1", "limit_price": "90"},
    "a stop": {"trail_price": "1", "stop_price": "90"},
    "an immediate one": {"trail_price": "1", "time_in_force": "ioc"},
    "one for the auction": {"trail_price": "1", "time_in_force": "opg"},
    "one outside the session": {"trail_price": "1", "extended_hours": True},
    "one with legs": {"trail_price": "1", "order_class": "oto", "take_profit": {"limit_price": "120"}},
    "part of a share": {"trail_price": "1", "qty": "0.5", "time_in_force": "day"},
    "a coin": {"trail_price": "1", "symbol": "BTC/USD"},
    "a distance of another type": {"trail_price": "1", "type": "market"},
}


@pytest.mark.parametrize("body", REFUSALS.values(), ids=REFUSALS.keys())
async def test_refusal(desk: Desk, body: dict[str, object]) -> None:
    desk.quote(99.9, 100.1)
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    asked: dict[str, object] = {"side": "buy", "type": "trailing_stop", "time_in_force": "gtc"}
    assert (await desk.refuse(**(asked | body)))[:2] == (422, 42210000)
    assert await desk.get("/v2/orders", status="all") == []


async def test_a_new_trail_moves_the_stop_and_keeps_the_mark(desk: Desk) -> None:
    await hold(desk)
    order = await trail(desk, trail_price="2")
    desk.trade(105)
    status, new = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"trail": "3"})
    assert (status, new["trail_price"], new["hwm"], new["stop_price"]) == (200, "3", "105", "102")
    assert (await desk.order(order["id"]))["status"] == "replaced"
    desk.trade(106)
    assert (await desk.order(new["id"]))["stop_price"] == "103"
    percent = await trail(desk, trail_percent="5", side="buy", qty="1")
    status, new = await desk.call("PATCH", f"/v2/orders/{percent['id']}", {"trail": "4"})
    assert (status, new["trail_percent"], new["trail_price"]) == (200, "4", None)


async def test_a_new_trail_that_the_market_has_passed_is_elected_by_the_next_print(desk: Desk) -> None:
    await hold(desk)
    order = await trail(desk, trail_price="5")
    desk.trade(104)
    desk.trade(101)
    _, new = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"trail": "2"})
    assert new["stop_price"] == "102"
    desk.trade(101)
    assert (await desk.order(new["id"]))["status"] == "filled"


@pytest.mark.parametrize(
    "body", [{"trail": "2"}, {"stop_price": "90"}, {"limit_price": "90"}, {"trail": "-1"}, {"trail": "0"}]
)
async def test_what_does_not_change_a_trail_is_refused(desk: Desk, body: dict[str, str]) -> None:
    await hold(desk)
    order = await trail(desk, trail_price="2")
    status, answer = await desk.call("PATCH", f"/v2/orders/{order['id']}", body)
    assert (status, answer["code"]) == (422, 42210000)
    assert (await desk.order(order["id"]))["status"] == "new"


async def test_another_type_has_no_trail_to_change(desk: Desk) -> None:
    order = await desk.submit(type="limit", limit_price="90")
    assert (await desk.call("PATCH", f"/v2/orders/{order['id']}", {"trail": "2"}))[0] == 422


async def test_the_mark_survives_a_restart(start_venue: Starter) -> None:
    desk = await start_venue()
    await hold(desk)
    order = await trail(desk, trail_price="2")
    desk.trade(108)
    before = await desk.order(order["id"])
    await start_venue.stop(desk)
    again = await start_venue(desk.clock)
    assert await again.order(order["id"]) == before
    again.quote(106.4, 106.6)
    again.trade(106.5)
    assert (await again.order(order["id"]))["status"] == "new"
    again.trade(106)
    assert (await again.order(order["id"]))["status"] == "filled"


async def test_it_rests_outside_the_session_and_goes_on_from_its_mark(start_venue: Starter) -> None:
    clock = Clock(NOON + 4 * 60 * MINUTE_NS - NS_PER_SECOND)  # a second before the close
    desk = await start_venue(clock, session="XNYS")
    await hold(desk)
    order = await trail(desk, trail_price="2")
    desk.trade(104)
    clock.advance(1)
    desk.trade(90)
    desk.trade(120)
    after = await desk.order(order["id"])
    assert (after["status"], after["hwm"], after["stop_price"]) == ("new", "104", "102")
    clock.advance(17.5 * 3600)
    desk.trade(103)
    assert (await desk.order(order["id"]))["status"] == "new"
    desk.trade(101.9)
    assert (await desk.order(order["id"]))["status"] == "filled"


async def test_one_that_is_placed_before_the_opening_begins_there(start_venue: Starter) -> None:
    clock = Clock(NOON - 3 * 60 * MINUTE_NS)
    desk = await start_venue(clock, session="XNYS")
    desk.trade(100)
    order = await trail(desk, side="buy", trail_price="1")
    assert (order["status"], order["hwm"]) == ("accepted", None)
    desk.trade(80)
    clock.advance(1800)
    desk.trade(90)
    desk.trade(90.5)
    assert (await desk.order(order["id"]))["stop_price"] == "81"


async def test_a_database_of_the_first_version_goes_on(start_venue: Starter) -> None:
    import sqlite3

    desk = await start_venue()
    await hold(desk)
    resting = await desk.submit(type="limit", limit_price="90", time_in_force="gtc")
    await start_venue.stop(desk)
    with sqlite3.connect(start_venue.database) as db:
        for field in ("trail_price", "trail_percent", "hwm", "auction_at"):
            db.execute("UPDATE orders SET body = json_remove(body, ?)", (f"$.{field}",))
        db.execute("PRAGMA user_version=1")
    db.close()
    again = await start_venue(desk.clock)
    assert (await again.order(resting["id"]))["status"] == "new"
    again.trade(100)
    assert (await trail(again, trail_price="1"))["stop_price"] == "99"
    await start_venue.stop(again)
    with sqlite3.connect(start_venue.database) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()
