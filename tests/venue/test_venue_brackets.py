"""Orders that belong together: bracket, one-cancels-other, one-triggers-other."""

from typing import Any

import pytest
from tests.venue.running_venue import NOON, Desk
from tradingd.core.market import DAY_NS


async def bracket(desk: Desk, **more: object) -> tuple[str, str, str]:
    """Place a buy bracket around 100; give the ids of entry, take-profit and stop-loss."""
    order = await desk.submit(
        **{
            "qty": "10",
            "order_class": "bracket",
            "take_profit": {"limit_price": "110"},
            "stop_loss": {"stop_price": "95"},
        }
        | more
    )
    profit, stop = order["legs"]
    assert (profit["type"], stop["type"]) == ("limit", "stop")
    return order["id"], profit["id"], stop["id"]


async def statuses(desk: Desk, *ids: str) -> list[str]:
    return [(await desk.order(order_id))["status"] for order_id in ids]


async def test_exits_are_held_until_the_entry_is_filled_completely(desk: Desk) -> None:
    desk.quote(99.9, 100, size=4)
    ids = await bracket(desk)
    assert await statuses(desk, *ids) == ["partially_filled", "held", "held"]
    desk.quote(99.9, 100, size=100)
    assert await statuses(desk, *ids) == ["filled", "new", "new"]


async def test_a_taken_profit_cancels_the_stop(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    desk.quote(110, 110.1)
    assert await statuses(desk, *ids) == ["filled", "filled", "canceled"]
    assert await desk.get("/v2/positions") == []
    assert (await desk.get("/v2/account"))["cash"] == "100100"


async def test_a_stopped_loss_cancels_the_profit(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    desk.trade(94)
    assert await statuses(desk, *ids) == ["filled", "canceled", "filled"]
    assert await desk.get("/v2/positions") == []


async def test_an_event_that_reaches_both_exits_stops_the_loss_and_sells_once(desk: Desk) -> None:
    minute = 60 * 10**9
    desk.bar(NOON - minute, minute, (100, 100, 100, 100), "AAPL")
    ids = await bracket(desk)
    desk.bar(NOON, minute, (100, 120, 90, 100), "AAPL")
    assert await statuses(desk, *ids) == ["filled", "canceled", "filled"]
    assert await desk.get("/v2/positions") == []


async def test_a_profit_taken_in_part_shrinks_the_stop(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    desk.quote(110, 110.1, bid_size=7)
    profit, stop = await desk.order(ids[1]), await desk.order(ids[2])
    assert (profit["status"], profit["filled_qty"]) == ("partially_filled", "7")
    assert (stop["status"], stop["qty"]) == ("new", "3")
    desk.quote(93.9, 94)
    desk.trade(94)
    assert await statuses(desk, *ids) == ["filled", "canceled", "filled"]
    assert await desk.get("/v2/positions") == []


async def test_exits_hold_the_shares_once(desk: Desk) -> None:
    desk.quote(99.9, 100)
    await bracket(desk)
    status, body = await desk.call(
        "POST", "/v2/orders", {"symbol": "AAPL", "qty": 1, "side": "sell", "type": "market", "time_in_force": "day"}
    )
    assert (status, body["held_for_orders"], body["available"]) == (403, "10", "0")


async def test_cancelling_one_exit_cancels_the_other(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    await desk.call("DELETE", f"/v2/orders/{ids[1]}")
    assert await statuses(desk, *ids) == ["filled", "canceled", "canceled"]
    assert (await desk.get("/v2/positions/AAPL"))["qty_available"] == "10"


async def test_cancelling_the_entry_cancels_what_it_held(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk, type="limit", limit_price="99")
    await desk.call("DELETE", f"/v2/orders/{ids[0]}")
    assert await statuses(desk, *ids) == ["canceled", "canceled", "canceled"]


async def test_a_family_expires_together(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    desk.clock.now = NOON + DAY_NS
    desk.quote(99.9, 100)
    assert await statuses(desk, *ids) == ["filled", "expired", "expired"]


async def test_a_replaced_exit_stays_in_its_family(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk)
    _, stop = await desk.call("PATCH", f"/v2/orders/{ids[2]}", {"stop_price": "97"})
    desk.trade(96.9)
    assert await statuses(desk, ids[1], ids[2], stop["id"]) == ["canceled", "replaced", "filled"]


async def test_a_replaced_entry_takes_its_legs_along(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk, type="limit", limit_price="99")
    _, entry = await desk.call("PATCH", f"/v2/orders/{ids[0]}", {"limit_price": "100"})
    assert await statuses(desk, *ids, entry["id"]) == ["replaced", "new", "new", "filled"]
    nested = await desk.order(entry["id"], nested=True)
    assert [leg["id"] for leg in nested["legs"]] == [ids[1], ids[2]]


async def test_legs_are_listed_flat_or_nested(desk: Desk) -> None:
    desk.quote(99.9, 100)
    ids = await bracket(desk, type="limit", limit_price="99")
    flat = await desk.get("/v2/orders")
    assert sorted(order["id"] for order in flat) == sorted(ids)
    assert all(order["legs"] is None for order in flat)
    (nested,) = await desk.get("/v2/orders", nested="true")
    assert [leg["id"] for leg in nested["legs"]] == [ids[1], ids[2]]
    assert (await desk.order(ids[0]))["legs"] is None


async def test_one_cancels_the_other(desk: Desk) -> None:
    desk.quote(99.9, 100)
    body: dict[str, Any] = {
        "qty": "10",
        "side": "sell",
        "type": "limit",
        "time_in_force": "gtc",
        "order_class": "oco",
        "take_profit": {"limit_price": "110"},
        "stop_loss": {"stop_price": "95", "limit_price": "94"},
    }
    assert (await desk.refuse(**body))[:2] == (422, 42210000)
    await desk.submit(qty="10")
    order = await desk.submit(**body)
    (stop,) = order["legs"]
    assert (order["limit_price"], stop["type"], stop["status"]) == ("110", "stop_limit", "new")
    desk.quote(110, 110.1)
    assert await statuses(desk, order["id"], stop["id"]) == ["filled", "canceled"]


async def test_one_triggers_the_other(desk: Desk) -> None:
    desk.quote(99.9, 100)
    order = await desk.submit(qty="10", order_class="oto", stop_loss={"stop_price": "95"})
    (stop,) = order["legs"]
    assert await statuses(desk, order["id"], stop["id"]) == ["filled", "new"]
    desk.trade(95)
    assert await desk.get("/v2/positions") == []


async def test_a_short_bracket_is_the_mirror_image(desk: Desk) -> None:
    desk.quote(100, 100.1)
    ids = await bracket(
        desk, side="sell", take_profit={"limit_price": "90"}, stop_loss={"stop_price": "105", "limit_price": None}
    )
    desk.quote(89.9, 90)
    assert await statuses(desk, *ids) == ["filled", "filled", "canceled"]
    assert (await desk.get("/v2/account"))["cash"] == "100100"


@pytest.mark.parametrize(
    "body",
    [
        {"order_class": "bracket", "take_profit": {"limit_price": "110"}},
        {"order_class": "bracket", "take_profit": {"limit_price": "94"}, "stop_loss": {"stop_price": "95"}},
        {"order_class": "bracket", "take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "101"}},
        {"order_class": "oto", "take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "95"}},
        {"order_class": "oto"},
        {"order_class": "oco", "stop_loss": {"stop_price": "95"}},
        {"order_class": "both"},
        {"order_class": "oto", "take_profit": {"limit_price": "110"}, "time_in_force": "ioc"},
    ],
)
async def test_a_senseless_family_is_refused(desk: Desk, body: dict[str, object]) -> None:
    desk.quote(99.9, 100)
    assert (await desk.refuse(qty="10", **body))[:2] == (422, 42210000)
    assert await desk.get("/v2/orders", status="all") == []
