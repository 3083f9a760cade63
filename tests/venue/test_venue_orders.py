"""Orders over REST: taken, filled, refused, replaced, cancelled, listed."""

from decimal import Decimal
from typing import Any

import pytest
from tests.venue.running_venue import NOON, Desk, Starter
from tradingd.core.market import DAY_NS

D = Decimal


async def test_a_market_order_fills_and_moves_the_account(desk: Desk) -> None:
    desk.quote(99.9, 100.1)
    taken = await desk.submit(qty="10", client_order_id="mine")
    assert (taken["status"], taken["filled_qty"], taken["client_order_id"]) == ("new", "0", "mine")
    order = await desk.order(taken["id"])
    assert (order["status"], order["filled_qty"], order["filled_avg_price"]) == ("filled", "10", "100.1")
    assert await desk.get("/v2/orders:by_client_order_id", client_order_id="mine") == order
    account = await desk.get("/v2/account")
    assert account["cash"] == "98999"
    assert account["equity"] == "99999"
    (position,) = await desk.get("/v2/positions")
    assert (position["qty"], position["avg_entry_price"], position["market_value"]) == ("10", "100.1", "1000")


async def test_an_order_has_every_key_even_when_plain(desk: Desk) -> None:
    order = await desk.submit(type="limit", limit_price=90.5)
    assert order["order_class"] == ""
    assert order["legs"] is None
    assert order["limit_price"] == "90.5"
    for key in ("filled_at", "expires_at", "replaced_by", "hwm", "notional", "trail_percent", "source", "subtag"):
        assert key in order


async def test_a_display_size_gives_partial_fills(desk: Desk) -> None:
    desk.quote(99.9, 100.1, size=4)
    taken = await desk.submit(qty="10")
    assert (await desk.order(taken["id"]))["status"] == "partially_filled"
    desk.quote(99.9, 100.2, size=100)
    assert (await desk.order(taken["id"]))["filled_avg_price"] == "100.16"
    fills = await desk.get("/v2/account/activities/FILL", direction="asc")
    assert [(fill["type"], fill["qty"], fill["cum_qty"], fill["leaves_qty"]) for fill in fills] == [
        ("partial_fill", "4", "4", "6"),
        ("fill", "6", "10", "0"),
    ]


REFUSALS: dict[str, tuple[dict[str, object], tuple[int, int]]] = {
    "no such asset": ({"symbol": "NIX"}, (422, 42210000)),
    "no symbol": ({"symbol": None}, (400, 40010001)),
    "both qty and notional": ({"notional": "100"}, (422, 42210000)),
    "neither qty nor notional": ({"qty": None}, (422, 42210000)),
    "a negative quantity": ({"qty": "-1"}, (422, 42210000)),
    "a quantity that is no number": ({"qty": "many"}, (400, 40010001)),
    "a quantity that is not finite": ({"qty": "NaN"}, (422, 42210000)),
    "an absurd quantity": ({"qty": "1e40"}, (422, 42210000)),
    "too many decimals": ({"qty": "0.0000000001"}, (422, 42210000)),
    "an unknown side": ({"side": "hold"}, (422, 42210000)),
    "no side": ({"side": None}, (400, 40010001)),
    "a limit order without a limit": ({"type": "limit"}, (422, 42210000)),
    "a market order with a limit": ({"limit_price": "9"}, (422, 42210000)),
    "a stop order without a stop": ({"type": "stop"}, (422, 42210000)),
    "a sub-penny price": ({"type": "limit", "limit_price": "90.001"}, (422, 42210000)),
    "five decimals below a dollar": ({"type": "limit", "limit_price": "0.12345"}, (422, 42210000)),
    "a buy stop below the market": ({"type": "stop", "stop_price": "90"}, (422, 42210000)),
    "an ioc stop": ({"type": "stop", "stop_price": "110", "time_in_force": "ioc"}, (422, 42210000)),
    "an order good till a date": ({"time_in_force": "gtd"}, (422, 42210000)),
    "extended hours for a market order": ({"extended_hours": True}, (422, 42210000)),
    "a fraction good till cancelled": ({"qty": "0.5", "time_in_force": "gtc"}, (422, 42210000)),
    "a fraction sold short": ({"qty": "0.5", "side": "sell"}, (422, 42210000)),
    "a notional stop": ({"qty": None, "notional": "50", "type": "stop", "stop_price": "110"}, (422, 42210000)),
    "less than a dollar": ({"qty": None, "notional": "0.5"}, (403, 40310000)),
    "more than can be paid": ({"qty": "10000"}, (403, 40310000)),
    "a client id that is too long": ({"client_order_id": "x" * 129}, (422, 42210000)),
    "crypto for the day": ({"symbol": "BTC/USD", "qty": "1"}, (422, 42210000)),
    "a crypto stop": (
        {"symbol": "BTC/USD", "type": "stop", "stop_price": "90", "time_in_force": "gtc"},
        (422, 42210000),
    ),
    "crypto sold short": ({"symbol": "BTC/USD", "side": "sell", "time_in_force": "gtc"}, (403, 40310000)),
    "crypto on margin": ({"symbol": "BTC/USD", "qty": "3", "time_in_force": "gtc"}, (403, 40310000)),
    "crypto for less than ten dollars": (
        {"symbol": "BTC/USD", "qty": "0.0001", "time_in_force": "gtc"},
        (403, 40310000),
    ),
    "a fraction with legs": (
        {"qty": "0.5", "order_class": "oto", "take_profit": {"limit_price": "120"}},
        (422, 42210000),
    ),
    "legs without a class": ({"take_profit": {"limit_price": "120"}}, (422, 42210000)),
    "a type that is no string": ({"type": 5}, (400, 40010001)),
}


@pytest.mark.parametrize(("body", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_refusal(desk: Desk, body: dict[str, object], expected: tuple[int, int]) -> None:
    desk.quote(99.9, 100.1)
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    status, code, _ = await desk.refuse(**body)
    assert (status, code) == expected
    assert await desk.get("/v2/orders", status="all") == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"symbol": "\xff"}', b"[" * 100_000])
async def test_a_body_that_is_not_json_is_refused(desk: Desk, raw: bytes) -> None:
    async with desk.session.post(desk.venue.base_url + "/v2/orders", data=raw) as response:
        assert response.status == 400
        assert (await response.json())["code"] == 40010001


async def test_a_client_id_is_used_up_for_ever(desk: Desk) -> None:
    desk.quote(99.9, 100.1)
    order = await desk.submit(client_order_id="once", type="limit", limit_price="90")
    await desk.call("DELETE", f"/v2/orders/{order['id']}")
    assert (await desk.refuse(client_order_id="once"))[:2] == (422, 40010001)
    other = await desk.submit(type="limit", limit_price="90")
    status, body = await desk.call(
        "PATCH", f"/v2/orders/{other['id']}", {"limit_price": "91", "client_order_id": "once"}
    )
    assert (status, body["code"]) == (422, 40010001)


async def test_an_id_that_was_never_taken_is_not_found(desk: Desk) -> None:
    await desk.refuse(client_order_id="refused", qty="-1")
    status, body = await desk.call("GET", "/v2/orders:by_client_order_id", client_order_id="refused")
    assert (status, body["code"]) == (404, 40410000)
    status, body = await desk.call("GET", "/v2/orders/nothing")
    assert (status, body["code"]) == (404, 40410000)


async def test_open_buys_take_buying_power_at_once_and_give_it_back(desk: Desk) -> None:
    desk.quote(99.9, 100)
    order = await desk.submit(qty="3000", type="limit", limit_price="99")
    assert (await desk.get("/v2/account"))["buying_power"] == "103000"
    status, body = await desk.call(
        "POST",
        "/v2/orders",
        {"symbol": "AAPL", "qty": 2000, "side": "buy", "type": "limit", "limit_price": 99, "time_in_force": "day"},
    )
    assert (status, body["code"], body["buying_power"], body["cost_basis"]) == (403, 40310000, "103000", "198000")
    await desk.call("DELETE", f"/v2/orders/{order['id']}")
    assert (await desk.get("/v2/account"))["buying_power"] == "400000"


async def test_shares_promised_to_one_order_are_not_sold_by_another(desk: Desk) -> None:
    desk.quote(99.9, 100)
    await desk.submit(qty="10")
    held = await desk.submit(qty="6", side="sell", type="limit", limit_price="120")
    status, body = await desk.call(
        "POST", "/v2/orders", {"symbol": "AAPL", "qty": 5, "side": "sell", "type": "market", "time_in_force": "day"}
    )
    assert (status, body["code"]) == (403, 40310000)
    assert (body["available"], body["existing_qty"], body["held_for_orders"]) == ("4", "10", "6")
    assert body["related_orders"] == [held["id"]]
    (position,) = await desk.get("/v2/positions")
    assert position["qty_available"] == "4"
    await desk.submit(qty="4", side="sell")


async def test_a_short_is_sold_and_bought_back(desk: Desk) -> None:
    desk.quote(100, 100.1)
    await desk.submit(qty="10", side="sell")
    (position,) = await desk.get("/v2/positions")
    assert (position["qty"], position["side"], position["market_value"]) == ("-10", "short", "-1000.5")
    desk.quote(90, 90.1)
    assert (await desk.refuse(qty="11"))[:2] == (403, 40310000)
    await desk.submit(qty="10")
    assert await desk.get("/v2/positions") == []
    assert (await desk.get("/v2/account"))["cash"] == "100099"
    fills = await desk.get("/v2/account/activities")
    assert [fill["side"] for fill in fills] == ["buy", "sell_short"]


async def test_a_cash_account_does_not_short_or_borrow(start_venue: Starter) -> None:
    desk = await start_venue(multiplier=1)
    desk.quote(100, 100)
    assert (await desk.refuse(side="sell"))[:2] == (403, 40310000)
    assert (await desk.get("/v2/account"))["buying_power"] == "100000"
    assert (await desk.refuse(qty="1001", type="limit", limit_price="100"))[:2] == (403, 40310000)
    await desk.submit(qty="1000", type="limit", limit_price="100")
    assert (await desk.get("/v2/account"))["cash"] == "0"


async def test_an_order_without_a_price_waits_and_is_judged_at_the_first(desk: Desk) -> None:
    small = await desk.submit(qty="10")
    large = await desk.submit(qty="100000")
    assert (await desk.order(small["id"]))["status"] == "new"
    desk.quote(99.9, 100)
    assert (await desk.order(small["id"]))["status"] == "filled"
    assert (await desk.order(large["id"]))["status"] == "rejected"


async def test_money_buys_what_it_buys(desk: Desk) -> None:
    desk.quote(2.9, 3)
    order = await desk.submit(qty=None, notional="100")
    order = await desk.order(order["id"])
    assert (order["qty"], order["notional"], order["status"]) == (None, "100", "filled")
    assert order["filled_qty"] == "33.333333333"
    assert (await desk.get("/v2/account"))["cash"] == "99900.000000001"


async def test_crypto_positions_are_spelled_without_a_slash(desk: Desk) -> None:
    desk.quote(50_000, 50_000, symbol="BTC/USD")
    order = await desk.submit(symbol="BTCUSD", qty=0.5, time_in_force="gtc")
    assert order["symbol"] == "BTC/USD"
    assert order["asset_class"] == "crypto"
    for name in ("BTCUSD", "BTC%2FUSD", "BTC/USD", order["asset_id"]):
        async with desk.session.get(f"{desk.venue.base_url}/v2/positions/{name}") as response:
            assert (await response.json())["symbol"] == "BTCUSD"
    assert (await desk.get("/v2/account"))["non_marginable_buying_power"] == "75000"


async def test_an_account_does_not_trade_with_itself(desk: Desk) -> None:
    desk.quote(99.9, 100)
    await desk.submit(qty="10")
    sale = await desk.submit(side="sell", type="limit", limit_price="101")
    body = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": 101, "time_in_force": "day"}
    status, answer = await desk.call("POST", "/v2/orders", body)
    assert (status, answer["code"], answer["existing_order_id"]) == (403, 40310000, sale["id"])
    await desk.submit(type="limit", limit_price="100.99")


# -- replacement and cancels ------------------------------------------------------------------------------------------


async def test_a_replacement_goes_on_from_what_was_filled(desk: Desk) -> None:
    desk.quote(99.9, 100, size=4)
    old = await desk.submit(qty="10", type="limit", limit_price="100")
    status, new = await desk.call("PATCH", f"/v2/orders/{old['id']}", {"qty": "20", "limit_price": "99.5"})
    assert status == 200
    assert (new["replaces"], new["qty"], new["filled_qty"], new["limit_price"]) == (old["id"], "20", "4", "99.5")
    replaced = await desk.order(old["id"])
    assert (replaced["status"], replaced["replaced_by"]) == ("replaced", new["id"])
    desk.quote(99, 99.5)
    done = await desk.order(new["id"])
    assert (done["status"], done["filled_qty"], done["filled_avg_price"]) == ("filled", "20", "99.6")


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"limit_price": "90"},
        {"qty": "4"},
        {"stop_price": "80"},
        {"limit_price": "90.001"},
        {"time_in_force": "ioc"},
        {"trail": "1"},
        {"qty": "10.5"},
    ],
)
async def test_a_senseless_replacement_is_refused(desk: Desk, patch: dict[str, Any]) -> None:
    desk.quote(89, 90, size=4)
    order = await desk.submit(qty="10", type="limit", limit_price="90")
    status, body = await desk.call("PATCH", f"/v2/orders/{order['id']}", patch)
    assert (status, body["code"]) == (422, 42210000)
    assert (await desk.order(order["id"]))["status"] == "partially_filled"


async def test_a_replacement_is_paid_for_by_what_the_old_order_reserved(desk: Desk) -> None:
    desk.quote(99.9, 101)
    order = await desk.submit(qty="4000", type="limit", limit_price="100")
    status, body = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"qty": "4001"})
    assert (status, body["code"]) == (403, 40310000)
    assert (await desk.order(order["id"]))["status"] == "new"
    status, body = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"qty": "3999"})
    assert status == 200


async def test_an_order_is_cancelled_once(desk: Desk) -> None:
    desk.quote(99.9, 100)
    order = await desk.submit(type="limit", limit_price="90")
    assert await desk.call("DELETE", f"/v2/orders/{order['id']}") == (204, None)
    assert (await desk.order(order["id"]))["status"] == "canceled"
    status, body = await desk.call("DELETE", f"/v2/orders/{order['id']}")
    assert (status, body["code"]) == (422, 42210000)
    assert (await desk.call("DELETE", "/v2/orders/nothing"))[0] == 404


async def test_all_orders_are_cancelled_with_an_answer_each(desk: Desk) -> None:
    orders = [await desk.submit(type="limit", limit_price="90") for _ in range(3)]
    status, answers = await desk.call("DELETE", "/v2/orders")
    assert status == 207
    assert [(answer["id"], answer["status"]) for answer in answers] == [(order["id"], 200) for order in orders]
    assert await desk.call("DELETE", "/v2/orders") == (207, [])


async def test_an_ioc_ends_at_once_and_a_fok_whole_or_not_at_all(desk: Desk) -> None:
    desk.quote(99.9, 100, size=4)
    fok = await desk.submit(qty="5", time_in_force="fok")
    ioc = await desk.submit(qty="5", time_in_force="ioc")
    fok, ioc = await desk.order(fok["id"]), await desk.order(ioc["id"])
    assert (fok["status"], fok["filled_qty"]) == ("canceled", "0")
    assert (ioc["status"], ioc["filled_qty"]) == ("canceled", "4")


# -- lists ------------------------------------------------------------------------------------------------------------


async def test_orders_are_listed_as_asked_for(desk: Desk) -> None:
    desk.quote(99.9, 100)
    desk.quote(49.9, 50, symbol="MSFT")
    done = (await desk.submit())["id"]
    rest = (await desk.submit(type="limit", limit_price="90"))["id"]
    sell = (await desk.submit(side="sell", type="limit", limit_price="120"))["id"]
    other = (await desk.submit(symbol="MSFT", type="limit", limit_price="40"))["id"]

    async def ids(**query: str) -> list[str]:
        return [order["id"] for order in await desk.get("/v2/orders", **query)]

    assert await ids() == [other, sell, rest]
    assert await ids(status="closed") == [done]
    assert await ids(status="all", direction="asc") == [done, rest, sell, other]
    assert await ids(status="all", symbols="MSFT,NIX") == [other]
    assert await ids(side="sell") == [sell]
    assert await ids(asset_class="crypto", status="all") == []
    assert await ids(status="all", after_order_id=rest, direction="asc") == [sell, other]
    assert await ids(status="all", before_order_id=rest) == [done]
    assert (await desk.call("GET", "/v2/orders", limit="501"))[0] == 400
    assert (await desk.call("GET", "/v2/orders", status="odd"))[0] == 400
    assert (await desk.call("GET", "/v2/orders", after="yesterday"))[0] == 400


async def test_paging_by_time_loses_no_order_of_one_instant(desk: Desk) -> None:
    placed = [(await desk.submit(type="limit", limit_price="90"))["id"] for _ in range(7)]
    seen: list[str] = []
    after = "1970-01-01T00:00:00Z"
    while page := await desk.get("/v2/orders", status="all", direction="asc", limit="3", after=after):
        seen += [order["id"] for order in page]
        after = page[-1]["submitted_at"]
    assert seen == placed
    seen, until = [], "2100-01-01"
    while page := await desk.get("/v2/orders", status="all", limit="3", until=until):
        seen += [order["id"] for order in page]
        until = page[-1]["submitted_at"]
    assert seen == placed[::-1]


async def test_activities_page_to_an_empty_end(desk: Desk) -> None:
    desk.quote(99.9, 100)
    for _ in range(5):
        await desk.submit()
    seen: list[str] = []
    token = ""
    while page := await desk.get("/v2/account/activities/FILL", page_size="2", page_token=token):
        seen += [item["id"] for item in page]
        token = page[-1]["id"]
    assert len(set(seen)) == 5
    assert await desk.get("/v2/account/activities", activity_types="DIV") == []
    assert len(await desk.get("/v2/account/activities", date="2026-01-05")) == 5
    assert await desk.get("/v2/account/activities", date="2026-01-04") == []
    assert await desk.get("/v2/account/activities", after="2026-01-06") == []


# -- time -------------------------------------------------------------------------------------------------------------


async def test_a_day_order_ends_at_new_yorks_midnight(desk: Desk) -> None:
    desk.quote(99.9, 100, size=4)
    order = await desk.submit(qty="10", type="limit", limit_price="100")
    kept = await desk.submit(qty="10", type="limit", limit_price="90", time_in_force="gtc")
    assert order["expires_at"] == "2026-01-06T05:00:00.000000Z"
    desk.clock.now = NOON + DAY_NS
    desk.quote(80, 81)
    ended = await desk.order(order["id"])
    assert (ended["status"], ended["filled_qty"]) == ("expired", "4")
    assert (await desk.order(kept["id"]))["status"] == "filled"
