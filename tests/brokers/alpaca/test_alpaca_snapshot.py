"""Questions with pages: read to the end, or not answered at all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.brokers.alpaca.making import BARS, FILLS, ORDERS, SINCE_NS, START, bar_json, stamp
from tests.brokers.conftest import NOW_NS
from tests.brokers.scripted_venue import BTC, Reply, ScriptedVenue, Seen, order_json
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.market import MINUTE_NS
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.errors import VenueUnavailable


def many_orders(count: int, sharing: int = 1) -> list[dict[str, Any]]:
    """Orders a second apart, `sharing` of them at each instant."""
    return [
        order_json(
            f"t-{number}",
            id=f"O{number:05d}",
            status="filled",
            submitted_at=stamp(START + timedelta(seconds=number // sharing)),
        )
        for number in range(count)
    ]


def paged(orders: list[dict[str, Any]]) -> Callable[[Seen], Reply]:
    """The venue's own paging: `after` is exclusive, a page holds `limit` orders."""

    def answer(seen: Seen) -> Reply:
        assert seen.query["direction"] == "asc"
        after = datetime.fromisoformat(seen.query.get("after", "1970-01-01T00:00:00.000000000Z")[:26] + "+00:00")
        wanted = [
            order
            for order in orders
            if datetime.fromisoformat(order["submitted_at"]) > after
            and (seen.query["status"] == "all" or order["status"] not in ("filled", "canceled", "replaced"))
        ]
        return Reply(wanted[: int(seen.query["limit"])])

    return answer


def paged_fills(fills: list[dict[str, Any]]) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        token = seen.query.get("page_token")
        first = 0 if token is None else [fill["id"] for fill in fills].index(token) + 1
        return Reply(fills[first : first + int(seen.query["page_size"])])

    return answer


def fill_json(number: int, **changes: Any) -> dict[str, Any]:
    fill: dict[str, Any] = {
        "activity_type": "FILL",
        "id": f"20260302::{number:05d}",
        "transaction_time": stamp(START + timedelta(seconds=number)),
        "type": "partial_fill",
        "price": "100.5",
        "qty": "1",
        "side": "buy",
        "symbol": "AAPL",
        "leaves_qty": "0",
        "cum_qty": "1",
        "order_id": f"O{number:05d}",
        "order_status": "filled",
    }
    return fill | changes


def script(
    venue: ScriptedVenue,
    orders: list[dict[str, Any]],
    fills: list[dict[str, Any]] | None = None,
    positions: list[dict[str, Any]] | None = None,
) -> None:
    venue.on("GET", ORDERS, paged(orders))
    venue.on("GET", FILLS, paged_fills(fills or []))
    venue.on("GET", "/v2/positions", Reply(positions or []))


async def test_every_page_of_orders_and_fills_is_read(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    script(venue, many_orders(1203, sharing=7), [fill_json(number) for number in range(250)])
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert [order.venue_order_id for order in snapshot.orders] == [f"O{number:05d}" for number in range(1203)]
    assert len(snapshot.fills) == 250
    assert snapshot.ts_requested == NOW_NS
    assert snapshot.account.cash == Decimal("100000.25")


async def test_a_page_that_cannot_be_stepped_over_is_no_answer(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    script(venue, many_orders(501, sharing=501))
    await broker.connect([])
    with pytest.raises(VenueUnavailable, match="shares one time"):
        await broker.snapshot(SINCE_NS)


@pytest.mark.parametrize("path", [ORDERS, FILLS, "/v2/positions", "/v2/account"])
@pytest.mark.parametrize(
    "answer",
    [
        Reply(status=404),
        Reply(raw=b"<html>"),
        Reply(raw=b'{"id": "\xff"}'),
        Reply({"message": "busy"}, 503, {"Retry-After": "0"}),
    ],
    ids=["404", "unreadable", "not UTF-8", "outage"],
)
async def test_a_part_that_cannot_be_had_is_no_snapshot(
    venue: ScriptedVenue, broker: AlpacaBroker, path: str, answer: Reply
) -> None:
    script(venue, many_orders(3))
    await broker.connect([])
    venue.on("GET", path, answer)
    with pytest.raises(VenueUnavailable):
        await broker.snapshot(SINCE_NS)


async def test_an_old_open_order_and_an_old_order_that_filled_since_are_found(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    before = stamp(START - timedelta(days=30))
    working = order_json("t-gtc", id="GTC", submitted_at=before)
    done = order_json("t-old", id="OLD", status="filled", submitted_at=before)
    venue.on("GET", ORDERS, lambda seen: Reply([working] if seen.query["status"] == "open" else []))
    venue.on("GET", f"{ORDERS}/OLD", Reply(done))
    venue.on("GET", FILLS, paged_fills([fill_json(5, order_id="OLD")]))
    venue.on("GET", "/v2/positions", Reply([]))
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert {order.venue_order_id for order in snapshot.orders} == {"GTC", "OLD"}


async def test_fills_before_the_asked_time_are_left_out(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    script(venue, many_orders(4), [fill_json(number) for number in range(-1, 3)])
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert [fill.execution_id for fill in snapshot.fills] == ["20260302::00000", "20260302::00001", "20260302::00002"]
    (query,) = {seen.query["after"] for seen in venue.requests("GET", FILLS)}
    assert query == "2026-03-02T13:59:59.000000000Z"


async def test_legs_of_a_bracket_are_listed_beside_their_parent(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    parent = order_json("t-1", id="P", order_class="bracket", legs=[order_json("leg", id="L", status="held")])
    script(venue, [parent])
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert [(order.venue_order_id, order.client_order_id) for order in snapshot.orders] == [("P", "t-1"), ("L", "leg")]


async def test_every_leg_of_a_replaced_order_goes_by_our_name(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    later = stamp(START + timedelta(minutes=40))
    first = order_json("t-1", id="A", status="replaced", replaced_by="B")
    second = order_json("made-by-the-venue", id="B", replaces="A", submitted_at=later)
    script(venue, [first, second])
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert [(order.venue_order_id, order.client_order_id, order.status) for order in snapshot.orders] == [
        ("A", "t-1", VenueOrderStatus.REPLACED),
        ("B", "t-1", VenueOrderStatus.WORKING),
    ]


async def test_crypto_positions_are_spelled_as_their_orders(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    position = {"symbol": "BTCUSD", "asset_id": BTC["id"], "asset_class": "crypto", "qty": "1", "avg_entry_price": "9"}
    script(venue, [], positions=[position])
    venue.on("GET", f"/v2/assets/{BTC['id']}", Reply(BTC))
    await broker.connect([])
    snapshot = await broker.snapshot(SINCE_NS)
    assert [held.symbol for held in snapshot.positions] == ["BTC/USD"]


async def test_an_order_is_found_by_our_id_and_followed_to_the_leg_that_lives(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    by_id = "/v2/orders:by_client_order_id"
    venue.on("GET", by_id, Reply(order_json("t-1", id="A", status="replaced", replaced_by="B")))
    venue.on("GET", f"{ORDERS}/B", Reply(order_json("x", id="B", replaces="A", status="replaced", replaced_by="C")))
    venue.on("GET", f"{ORDERS}/C", Reply(order_json("y", id="C", replaces="B", status="partially_filled")))
    await broker.connect([])
    order = await broker.find_order(ClientOrderId("t-1"))
    assert order is not None
    assert (order.venue_order_id, order.client_order_id) == (VenueOrderId("C"), "t-1")


async def test_not_found_is_the_venues_word_and_an_outage_is_not(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    by_id = "/v2/orders:by_client_order_id"
    await broker.connect([])
    assert await broker.find_order(ClientOrderId("t-1")) is None
    venue.on("GET", by_id, Reply(status=500, headers={"Retry-After": "0"}))
    with pytest.raises(VenueUnavailable):
        await broker.find_order(ClientOrderId("t-1"))


async def test_bars_are_read_to_the_last_page_and_the_forming_one_is_left_out(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    venue.on(
        "GET",
        BARS,
        Reply({"bars": {"AAPL": [bar_json(0), bar_json(1)]}, "next_page_token": "two"}),
        Reply({"bars": {"AAPL": [bar_json(2), bar_json(60)]}, "next_page_token": None}),
    )
    await broker.connect([])
    # By the adapter's clock it is 14:31:40.
    forming = NOW_NS // MINUTE_NS * MINUTE_NS
    bars = await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, SINCE_NS, forming + MINUTE_NS)
    assert [(bar.ts_open - SINCE_NS) // MINUTE_NS for bar in bars] == [0, 1, 2]
    assert bars[0].ts_event == SINCE_NS + MINUTE_NS
    first, second = venue.requests("GET", BARS)
    assert first.query["timeframe"] == "1Min"
    assert second.query == first.query | {"page_token": "two"}


async def test_crypto_bars_come_from_their_own_address(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    path = "/v1beta3/crypto/us/bars"
    venue.on("GET", path, Reply({"bars": {}, "next_page_token": None}))
    await broker.connect([])
    assert list(await broker.fetch_bars(Symbol("BTC/USD"), MINUTE_NS, SINCE_NS, NOW_NS)) == []
    assert venue.requests("GET", path)[0].query["symbols"] == "BTC/USD"


async def test_bars_that_the_data_plan_does_not_cover_are_unavailable_and_no_matter_of_keys(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    venue.on("GET", BARS, Reply({"code": 42210000, "message": "subscription does not permit"}, 403))
    await broker.connect([])
    with pytest.raises(VenueUnavailable, match="subscription does not permit"):
        await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, SINCE_NS, NOW_NS)
