"""What the real service says and no paper venue does: names of requests, plans, other people's orders, dying assets."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tests.brokers.alpaca.making import BARS, FILLS, ORDERS, SINCE_NS, bar_json, make_order
from tests.brokers.conftest import NOW_NS, MakeBroker
from tests.brokers.scripted_venue import (
    AAPL,
    BTC,
    KEY,
    SECRET,
    Drop,
    Recorder,
    Reply,
    ScriptedVenue,
    order_json,
    update_json,
)
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.broker_events import ForeignOrderEvent, OrderStreamUp
from tradingd.core.broker_model import refusals
from tradingd.core.identifiers import Symbol, VenueOrderId
from tradingd.core.market import MINUTE_NS
from tradingd.core.orders import (
    DenialCode,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderTerms,
    OrderType,
    OrderUnknown,
    ReplaceRefused,
    TimeInForce,
)
from tradingd.core.timestamps import format_timestamp
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.errors import CredentialsRefused, VenueUnavailable

VENUE_ID = VenueOrderId("0b9e7c0a-0000-4000-8000-000000000001")
ORDER = f"{ORDERS}/{VENUE_ID}"
NAMED = {"X-Request-Id": "req-7f3"}
DAY_NS = 86_400 * 10**9


def script_empty(venue: ScriptedVenue, *, orders: list[dict[str, Any]] | None = None) -> None:
    """An account with these orders and nothing else."""
    venue.on("GET", ORDERS, Reply(orders or []))
    venue.on("GET", FILLS, Reply([]))
    venue.on("GET", "/v2/positions", Reply([]))


# -- the name of a request --------------------------------------------------------------------------------------------


async def test_a_refusal_carries_the_name_that_support_asks_for(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("POST", ORDERS, Reply({"code": 42210000, "message": "sub-penny"}, 422, NAMED))
    venue.on("PATCH", ORDER, Reply({"code": 42210000, "message": "not now"}, 422, NAMED))
    await broker.connect([])
    broker.submit(make_order())
    broker.modify(make_order(), VENUE_ID, OrderModification(quantity=Decimal(12)))
    assert (await recorder.first(OrderRejected)).reason == "HTTP 422: sub-penny (request req-7f3)"
    assert (await recorder.first(ReplaceRefused)).reason == "HTTP 422: not now (request req-7f3)"


async def test_an_unreadable_answer_and_a_failed_question_carry_it_too(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("POST", ORDERS, Reply(raw=b"not json", headers=NAMED))
    await broker.connect([])
    broker.submit(make_order())
    assert "(request req-7f3)" in (await recorder.first(OrderUnknown)).reason
    (problem,) = recorder.problems
    assert problem[0] == "broker.answer_unreadable" and "(request req-7f3)" in problem[1]
    venue.on("GET", "/v2/positions", Reply({"message": "busy"}, 503, NAMED | {"Retry-After": "0"}))
    venue.on("GET", ORDERS, Reply([]))
    venue.on("GET", FILLS, Reply([]))
    with pytest.raises(VenueUnavailable, match=r"HTTP 503: busy \(request req-7f3\)"):
        await broker.snapshot(SINCE_NS)


async def test_a_name_without_end_is_cut(venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder) -> None:
    venue.on("POST", ORDERS, Reply({"message": "no"}, 422, {"X-Request-Id": "x" * 5000}))
    await broker.connect([])
    broker.submit(make_order())
    assert len((await recorder.first(OrderRejected)).reason) < 500


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_keys_that_are_taken_back_refuse_an_order_for_certain(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, status: int
) -> None:
    venue.on("POST", ORDERS, Reply({"message": "forbidden."}, status))
    await broker.connect([])
    broker.submit(make_order())
    rejected = await recorder.first(OrderRejected)
    assert (rejected.code, rejected.reason) == (f"http_{status}", f"HTTP {status}: forbidden.")


@pytest.mark.parametrize("word", ["accepted", "pending_new", "pending_cancel", "pending_replace"])
async def test_new_terms_that_come_too_soon_are_refused_at_once_and_nothing_is_asked(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, word: str
) -> None:
    venue.on("PATCH", ORDER, Reply({"code": 42210000, "message": f"cannot replace order in {word} status"}, 422))
    await broker.connect([])
    broker.modify(make_order(), VENUE_ID, OrderModification(limit_price=Decimal("100.75")))
    refused = await recorder.first(ReplaceRefused)
    assert refused.client_order_id == "t-1" and word in refused.reason
    assert venue.requests("GET", ORDER) == []
    assert len(recorder.events) == 1


async def test_an_order_that_somebody_placed_by_a_sum_is_read_as_one(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    working = order_json("app-1", id="A", qty=None, notional="500", limit_price=None, type="market", filled_qty="1.5")
    done = order_json("app-2", id="B", qty=None, notional="500", status="filled", filled_qty="4.987654321")
    script_empty(venue, orders=[working, done])
    await broker.connect([])
    first, second = (await broker.snapshot(SINCE_NS)).orders
    assert (first.status, first.quantity, first.filled_quantity, first.notional) == (
        VenueOrderStatus.WORKING,
        Decimal(0),
        Decimal("1.5"),
        Decimal(500),
    )
    assert (second.quantity, second.filled_quantity) == (Decimal("4.987654321"), Decimal("4.987654321"))


async def test_an_order_in_fractions_and_one_for_extended_hours_are_read(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    order = order_json("t-1", qty="0.123456789", filled_qty="0.1", extended_hours=True, status="partially_filled")
    script_empty(venue, orders=[order])
    await broker.connect([])
    (read,) = (await broker.snapshot(SINCE_NS)).orders
    assert (read.quantity, read.filled_quantity) == (Decimal("0.123456789"), Decimal("0.1"))
    assert read.terms.extended_hours and read.notional is None


@pytest.mark.parametrize("word", ["held", "suspended", "calculated", "stopped", "done_for_day", "word_of_next_year"])
async def test_an_order_of_a_strange_status_works(venue: ScriptedVenue, broker: AlpacaBroker, word: str) -> None:
    script_empty(venue, orders=[order_json("t-1", status=word)])
    await broker.connect([])
    (read,) = (await broker.snapshot(SINCE_NS)).orders
    assert read.status is VenueOrderStatus.WORKING


async def test_an_order_whose_age_will_end_it_is_told_once(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    soon, later = format_timestamp(NOW_NS + 2 * DAY_NS), format_timestamp(NOW_NS + 80 * DAY_NS)
    orders = [
        order_json("t-1", id="A", time_in_force="gtc", expires_at=soon),
        order_json("t-2", id="B", time_in_force="gtc", expires_at=later),
        order_json("t-3", id="C", time_in_force="day", expires_at=soon),
        order_json("t-4", id="D", time_in_force="gtc", expires_at=soon, status="filled"),
        order_json("t-5", id="E", time_in_force="gtc", expires_at="not a time"),
    ]
    script_empty(venue, orders=orders)
    await broker.connect([])
    await broker.snapshot(SINCE_NS)
    await broker.snapshot(SINCE_NS)
    (problem,) = recorder.problems
    assert problem[0] == "broker.order_expires"
    assert (problem[2]["client_order_id"], problem[2]["expires_at"]) == ("t-1", soon)


# -- assets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"status": "inactive"}, {"tradable": False}])
async def test_an_asset_that_is_not_traded_any_more_is_told_and_its_orders_are_refused(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, change: dict[str, Any]
) -> None:
    venue.on("GET", "/v2/assets/AAPL", Reply(AAPL | change))
    await broker.connect([Symbol("AAPL")])
    assert [(problem[0], problem[2]["symbol"]) for problem in recorder.problems] == [
        ("broker.asset_not_tradable", "AAPL")
    ]
    assert not broker.instruments[Symbol("AAPL")].tradable


async def test_a_position_in_what_nobody_here_trades_is_part_of_the_snapshot(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    script_empty(venue)
    held = [
        {"symbol": "SPUN", "asset_id": "s", "asset_class": "us_equity", "qty": "3", "avg_entry_price": "0"},
        {"symbol": "BTCUSD", "asset_id": BTC["id"], "asset_class": "crypto", "qty": "0.9975", "avg_entry_price": "9"},
    ]
    venue.on("GET", "/v2/positions", Reply(held))
    await broker.connect([Symbol("AAPL"), Symbol("BTC/USD")])
    positions = (await broker.snapshot(SINCE_NS)).positions
    assert [(position.symbol, position.quantity) for position in positions] == [
        ("SPUN", Decimal(3)),
        ("BTC/USD", Decimal("0.9975")),
    ]
    assert venue.requests("GET", "/v2/assets/s") == []


@pytest.mark.parametrize(
    ("symbol", "price", "fits"),
    [
        ("AAPL", "100.25", True),
        ("AAPL", "100.251", False),
        ("AAPL", "0.5001", True),
        ("AAPL", "0.50015", False),
        ("BTC/USD", "60000.01", True),
        ("BTC/USD", "60000.015", False),
    ],
)
async def test_a_price_that_the_venue_would_refuse_does_not_leave(
    venue: ScriptedVenue, broker: AlpacaBroker, symbol: str, price: str, fits: bool
) -> None:
    await broker.connect([Symbol("AAPL"), Symbol("BTC/USD")])
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=Decimal(price), time_in_force=TimeInForce.GTC)
    order = make_order(symbol=Symbol(symbol), quantity=Decimal(20), terms=terms)
    breaches = refusals(broker.model, order, broker.instruments[Symbol(symbol)], position=Decimal(0), working=())
    assert [breach.code for breach in breaches] == ([] if fits else [DenialCode.PRICE_TICK])


# -- bars -------------------------------------------------------------------------------------------------------------


async def test_bars_are_joined_over_pages_that_hold_another_symbol_or_none(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    venue.on(
        "GET",
        BARS,
        Reply({"bars": {"AAPL": [bar_json(0)]}, "next_page_token": "two"}),
        Reply({"bars": {"MSFT": [bar_json(0)]}, "next_page_token": "three"}),
        Reply({"bars": None, "next_page_token": "four"}),
        Reply({"bars": {"AAPL": [bar_json(1)]}, "next_page_token": None, "currency": "USD"}),
    )
    await broker.connect([])
    bars = await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, SINCE_NS, NOW_NS)
    assert [(bar.ts_open - SINCE_NS) // MINUTE_NS for bar in bars] == [0, 1]
    assert [seen.query.get("page_token") for seen in venue.requests("GET", BARS)] == [None, "two", "three", "four"]
    assert {seen.query["adjustment"] for seen in venue.requests("GET", BARS)} == {"split"}


async def test_bars_of_a_length_that_the_venue_lacks_are_added_up(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    venue.on("GET", BARS, Reply({"bars": {"AAPL": [bar_json(minute) for minute in range(30)]}}))
    await broker.connect([])
    bars = await broker.fetch_bars(Symbol("AAPL"), 90 * MINUTE_NS, SINCE_NS - 30 * MINUTE_NS, NOW_NS)
    assert {bar.interval_ns for bar in bars} <= {90 * MINUTE_NS}
    assert venue.requests("GET", BARS)[0].query["timeframe"] == "1Min"


async def test_a_plan_without_recent_data_of_all_exchanges_is_told_what_to_use(
    venue: ScriptedVenue, make_broker: MakeBroker
) -> None:
    refusal = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    venue.on("GET", BARS, Reply(refusal, 403, NAMED))
    broker = make_broker(bar_feed="sip", bar_adjustment="all")
    await broker.connect([])
    with pytest.raises(VenueUnavailable, match=r"recent SIP data \(request req-7f3\): .*use the iex feed"):
        await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, SINCE_NS, NOW_NS)
    (asked,) = venue.requests("GET", BARS)
    assert (asked.query["feed"], asked.query["adjustment"]) == ("sip", "all")


@pytest.mark.parametrize(
    "answer",
    [Reply(raw=b"oops"), Reply({"bars": {"AAPL": [bar_json(0) | {"t": "noon"}]}}), Reply(status=404), Drop()],
    ids=["not bars", "no time", "404", "reset"],
)
async def test_bars_that_cannot_be_had_in_full_are_unavailable(
    venue: ScriptedVenue, broker: AlpacaBroker, answer: Reply | Drop
) -> None:
    venue.on("GET", BARS, answer)
    await broker.connect([])
    with pytest.raises(VenueUnavailable):
        await broker.fetch_bars(Symbol("AAPL"), MINUTE_NS, SINCE_NS, NOW_NS)


# -- the order stream -------------------------------------------------------------------------------------------------


async def test_executions_that_are_taken_back_are_told_whoever_the_order_belongs_to(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    await broker.connect([])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    for word, name, order_id in (("trade_bust", "t-1", "A"), ("trade_correct", "t-1", "A"), ("restated", "web-1", "W")):
        await venue.push(update_json(word, order_json(name, id=order_id, filled_qty="0"), execution_id="X1"))
    await recorder.wait(lambda: len(recorder.problems) == 3)
    assert {problem[0] for problem in recorder.problems} == {"broker.execution_revised"}
    assert [problem[2]["word"] for problem in recorder.problems] == ["trade_bust", "trade_correct", "restated"]
    await recorder.first(ForeignOrderEvent)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_coin_order_that_filled_has_positions_compared(
    venue: ScriptedVenue, make_broker: MakeBroker, recorder: Recorder
) -> None:
    compared: list[int] = []
    broker = make_broker(on_coin_fill=lambda: compared.append(len(recorder.of(OrderFilled))))
    await broker.connect([])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    coin = {"symbol": "BTC/USD", "asset_class": "crypto", "qty": "2"}
    part = order_json("t-1", status="partially_filled", filled_qty="1", **coin)
    await venue.push(update_json("partial_fill", part, execution_id="X1", price="9", qty="1"))
    whole = order_json("t-1", status="filled", filled_qty="2", **coin)
    await venue.push(update_json("fill", whole, execution_id="X2", price="9", qty="1"))
    share = order_json("t-2", id="S", status="filled", filled_qty="10")
    await venue.push(update_json("fill", share, execution_id="X3", price="9", qty="10"))
    await recorder.first(OrderFilled, 3)
    assert compared == [2]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_the_stream_is_never_asked_for_another_encoding_than_json(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    await broker.connect([])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    assert "msgpack" not in str(venue.handshakes[0].get("Content-Type", "")).lower()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_the_venues_own_words_about_refused_keys_are_passed_on(
    venue: ScriptedVenue, make_broker: MakeBroker
) -> None:
    broker = make_broker(api_key="PKWRONG")
    venue.authorization_message = "access key verification failed : access key not found"
    with pytest.raises(CredentialsRefused, match="key verification failed") as caught:
        await asyncio.wait_for(broker.run(), 5)
    assert SECRET not in str(caught.value) and KEY not in str(caught.value)
    assert venue.connections == 1
