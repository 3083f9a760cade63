"""Commands over real HTTP: what each answer, or the lack of one, becomes."""

import asyncio
from decimal import Decimal

import pytest
from tests.brokers.alpaca.making import make_order
from tests.brokers.scripted_venue import (
    AAPL,
    BOUND_S,
    SECRET,
    Drop,
    Hang,
    Recorder,
    Reply,
    ScriptedVenue,
    Seen,
    order_json,
    update_json,
)
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.broker_events import OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.orders import (
    CancelRefused,
    CancelUnknown,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
    ReplaceRefused,
)
from tradingd.errors import CredentialsRefused, UsageError, VenueUnavailable
from tradingd.runtime.kill_switch import KillSwitch

ORDERS = "/v2/orders"
BY_CLIENT_ID = "/v2/orders:by_client_order_id"
VENUE_ID = VenueOrderId("0b9e7c0a-0000-4000-8000-000000000001")
ORDER = f"{ORDERS}/{VENUE_ID}"
SYMBOLS = [Symbol("AAPL"), Symbol("BTC/USD")]


# -- connect ----------------------------------------------------------------------------------------------------------


async def test_connect_learns_account_and_instruments_and_sends_the_keys(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    account = await broker.connect(SYMBOLS)
    assert (account.cash, account.multiplier, account.account_kind) == (Decimal("100000.25"), Decimal(2), "paper")
    assert set(broker.instruments) == set(SYMBOLS)
    assert venue.seen[0].headers["APCA-API-KEY-ID"] == "PKTEST"
    assert SECRET not in repr(broker)


async def test_a_blocked_account_connects_and_is_told(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    account = {"id": "a", "status": "ACTIVE", "cash": "1", "equity": "1", "buying_power": "1", "trading_blocked": True}
    venue.on("GET", "/v2/account", Reply(account))
    await broker.connect([])
    assert [problem[0] for problem in recorder.problems] == ["broker.account_blocked"]


@pytest.mark.parametrize(("status", "body"), [(401, {"message": "unauthorized."}), (403, {"message": "forbidden."})])
async def test_refused_keys_are_fatal_and_not_shown(
    venue: ScriptedVenue, broker: AlpacaBroker, status: int, body: dict[str, str]
) -> None:
    venue.on("GET", "/v2/account", Reply(body, status))
    with pytest.raises(CredentialsRefused) as refused:
        await broker.connect(SYMBOLS)
    assert len(venue.seen) == 1
    assert SECRET not in repr(refused.value)


async def test_an_unknown_symbol_is_named(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    with pytest.raises(UsageError, match="knows no asset NOPE"):
        await broker.connect([Symbol("NOPE")])
    venue.on("GET", "/v2/assets/aapl", Reply(AAPL))
    with pytest.raises(UsageError, match="spells the symbol aapl as AAPL"):
        await broker.connect([Symbol("aapl")])


async def test_a_query_is_asked_again_after_an_outage_and_a_lost_answer(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    good = Reply({"id": "a", "cash": "1", "equity": "1", "buying_power": "1"})
    venue.on("GET", "/v2/account", Reply(raw=b"<html>", status=503, headers={"Retry-After": "0"}), Drop(), good)
    await broker.connect([])
    assert len(venue.requests("GET", "/v2/account")) >= 3


async def test_a_query_that_never_gets_an_answer_is_an_outage(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    venue.on("GET", "/v2/account", Reply(status=504, headers={"Retry-After": "0"}))
    with pytest.raises(VenueUnavailable, match="HTTP 504"):
        await broker.connect([])
    assert len(venue.seen) == 3


async def test_a_venue_that_asks_for_minutes_of_patience_is_an_outage_at_once(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    venue.on("GET", "/v2/account", Reply({"message": "slow down"}, 429, {"Retry-After": "600"}))
    with pytest.raises(VenueUnavailable):
        await broker.connect([])
    assert len(venue.seen) == 1


async def test_a_redirect_is_not_followed(venue: ScriptedVenue, broker: AlpacaBroker) -> None:
    venue.on("GET", "/v2/account", Reply(status=302, headers={"Location": f"{venue.url}/elsewhere"}))
    with pytest.raises(VenueUnavailable):
        await broker.connect([])
    assert [seen.path for seen in venue.seen] == ["/v2/account"]


# -- submit -----------------------------------------------------------------------------------------------------------


async def test_an_answer_with_a_working_order_is_an_acknowledgement(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("POST", ORDERS, Reply(order_json("t-1")))
    await broker.connect([])
    broker.submit(make_order())
    report = await recorder.first(OrderAccepted)
    assert (report.client_order_id, report.venue_order_id) == ("t-1", VENUE_ID)
    assert venue.requests("POST", ORDERS)[0].json["client_order_id"] == "t-1"


@pytest.mark.parametrize("status", ["filled", "canceled", "rejected"])
async def test_an_answer_with_an_order_that_is_done_reports_nothing(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, status: str
) -> None:
    venue.on("POST", ORDERS, Reply(order_json("t-1", status=status, filled_qty="10")), Reply(order_json("t-2")))
    await broker.connect([])
    broker.submit(make_order())
    await venue.wait(lambda: len(venue.requests("POST", ORDERS)) == 1)
    broker.submit(make_order(client_order_id=ClientOrderId("t-2")))
    await recorder.first(OrderAccepted)
    assert [event.client_order_id for event in recorder.of(OrderAccepted)] == ["t-2"]
    assert len(recorder.events) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply({"code": 40310000, "message": "insufficient buying power"}, 403), "40310000"),
        (Reply({"code": 42210000, "message": "sub-penny"}, 422), "42210000"),
        (Reply({"message": "too many requests."}, 429), "rate"),
    ],
)
async def test_a_refusal_is_a_rejection_with_the_venues_code(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, answer: Reply, code: str
) -> None:
    venue.on("POST", ORDERS, answer)
    await broker.connect([])
    broker.submit(make_order())
    assert (await recorder.first(OrderRejected)).code == code


@pytest.mark.parametrize(
    "answer",
    [
        Reply(raw=b"<html>gateway timeout</html>", status=504),
        Reply({"message": "no id here"}),
        Reply(raw=b"not json"),
        Reply(raw=b'{"id": "\xff"}'),
        Reply(raw=b'{"message": "\xff"}', status=502),
        Reply(order_json("t-other")),
        Reply(order_json("t-1", id="")),
        Drop(),
        Hang(),
    ],
    ids=[
        "504",
        "2xx without an id",
        "2xx unreadable",
        "2xx not UTF-8",
        "502 not UTF-8",
        "another order",
        "empty id",
        "reset",
        "no answer in time",
    ],
)
async def test_an_answer_that_proves_nothing_leaves_the_order_unknown_and_is_not_sent_again(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, answer: Reply | Drop | Hang
) -> None:
    venue.on("POST", ORDERS, answer)
    await broker.connect([])
    broker.submit(make_order())
    report = await recorder.first(OrderUnknown)
    assert report.client_order_id == "t-1"
    assert SECRET not in report.reason
    assert len(venue.requests("POST", ORDERS)) == 1
    assert len(recorder.events) == 1


async def test_an_order_for_which_there_is_no_connection_was_certainly_not_taken(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    await broker.connect([])
    await venue.stop()
    # The kept connection is gone with the venue, so the first byte would need a new one.
    broker.submit(make_order())
    await recorder.wait(lambda: len(recorder.events) == 1)
    broker.submit(make_order(client_order_id=ClientOrderId("t-2")))
    await recorder.wait(lambda: len(recorder.events) == 2)
    assert recorder.of(OrderRejected)[-1].code == "not_sent"
    await venue.start()


async def test_a_used_id_is_evidence_of_acceptance(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("POST", ORDERS, Reply({"code": 40010001, "message": "client_order_id must be unique"}, 422))
    venue.on("GET", BY_CLIENT_ID, Reply(order_json("t-1")))
    await broker.connect([])
    broker.submit(make_order())
    assert (await recorder.first(OrderAccepted)).venue_order_id == VENUE_ID
    assert venue.requests("GET", BY_CLIENT_ID)[0].query == {"client_order_id": "t-1"}


@pytest.mark.parametrize(
    "answer",
    [Reply({"message": "order not found"}, 404), Reply(order_json("t-1", status="filled")), Reply(status=400)],
    ids=["not found", "done already", "refused"],
)
async def test_a_used_id_whose_order_cannot_be_shown_working_stays_unknown(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, answer: Reply
) -> None:
    venue.on("POST", ORDERS, Reply({"code": 40010001, "message": "client_order_id must be unique"}, 422))
    venue.on("GET", BY_CLIENT_ID, answer)
    await broker.connect([])
    broker.submit(make_order())
    assert (await recorder.first(OrderUnknown)).client_order_id == "t-1"


async def test_an_order_on_its_way_at_close_is_unknown(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("POST", ORDERS, Hang())
    await broker.connect([])
    broker.submit(make_order())
    await venue.wait(lambda: len(venue.requests("POST", ORDERS)) == 1)
    await broker.close()
    assert [type(event) for event in recorder.events] == [OrderUnknown]


async def test_a_fault_of_the_sink_surfaces(venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder) -> None:
    venue.on("POST", ORDERS, Reply(order_json("t-1")))
    await broker.connect([])

    recorder.fault = ZeroDivisionError()
    broker.submit(make_order())
    await recorder.wait(lambda: len(recorder.failures) == 1)
    assert isinstance(recorder.failures.pop(), ZeroDivisionError)


# -- cancel and modify ------------------------------------------------------------------------------------------------


async def test_a_cancel_is_only_a_request(venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder) -> None:
    venue.on("DELETE", ORDER, Reply(status=204))
    venue.on("DELETE", f"{ORDERS}/gone", Reply({"code": 42210000, "message": "already filled"}, 422))
    venue.on("DELETE", f"{ORDERS}/slow", Reply(raw=b"", status=504))
    await broker.connect([])
    broker.cancel(make_order(), VENUE_ID)
    broker.cancel(make_order(client_order_id=ClientOrderId("t-2")), VenueOrderId("gone"))
    broker.cancel(make_order(client_order_id=ClientOrderId("t-3")), VenueOrderId("slow"))
    refused, unknown = await recorder.first(CancelRefused), await recorder.first(CancelUnknown)
    assert (refused.client_order_id, refused.reason) == ("t-2", "HTTP 422: already filled")
    assert (unknown.client_order_id, unknown.reason) == ("t-3", "HTTP 504: no message")
    assert recorder.problems == []


async def test_an_order_that_meets_a_closed_kill_switch_at_the_wire_is_not_sent(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, kill_switch: KillSwitch
) -> None:
    await broker.connect([])
    kill_switch.close("halt", "trading is halted: too hot")
    broker.submit(make_order())
    rejected = await recorder.first(OrderRejected)
    assert (rejected.code, rejected.reason) == ("not_sent", "trading is halted: too hot")
    assert venue.requests("POST", ORDERS) == []


async def test_new_terms_are_reported_once_the_new_leg_is_live(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("PATCH", ORDER, Reply(order_json("x", id="N1", replaces=VENUE_ID, qty="12", status="new")))
    await broker.connect([])
    broker.modify(make_order(), VENUE_ID, OrderModification(quantity=Decimal(12)))
    report = await recorder.first(OrderReplaced)
    assert (report.client_order_id, report.venue_order_id, report.replaces) == ("t-1", "N1", VENUE_ID)
    assert venue.requests("PATCH", ORDER)[0].json == {"qty": "12"}


async def test_refused_terms_leave_the_old_ones(venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder) -> None:
    venue.on("PATCH", ORDER, Reply({"code": 42210000, "message": "cannot replace order in accepted status"}, 422))
    await broker.connect([])
    broker.modify(make_order(), VENUE_ID, OrderModification(quantity=Decimal(12)))
    assert (await recorder.first(ReplaceRefused)).reason == "HTTP 422: cannot replace order in accepted status"


async def test_a_replacement_carried_out_behind_a_lost_answer_is_found(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("PATCH", ORDER, Drop())
    venue.on("GET", ORDER, Reply(order_json("t-1", status="replaced", replaced_by="N1")))
    venue.on("GET", f"{ORDERS}/N1", Reply(order_json("x", id="N1", replaces=VENUE_ID, qty="12", status="accepted")))
    await broker.connect([])
    broker.modify(make_order(), VENUE_ID, OrderModification(quantity=Decimal(12)))
    report = await recorder.first(OrderReplaced)
    assert (report.venue_order_id, report.quantity) == ("N1", Decimal(12))
    assert len(venue.requests("PATCH", ORDER)) == 1


async def test_old_terms_that_outlast_the_grace_time_are_a_refusal(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    venue.on("PATCH", ORDER, Reply(status=502, raw=b""))
    venue.on("GET", ORDER, Reply(order_json("t-1", status="pending_replace")), Reply(order_json("t-1", status="new")))
    await broker.connect([])
    broker.modify(make_order(), VENUE_ID, OrderModification(quantity=Decimal(12)))
    assert (await recorder.first(ReplaceRefused)).reason == "the venue shows the old terms"
    assert len(venue.requests("GET", ORDER)) >= 2


# -- with the stream --------------------------------------------------------------------------------------------------


async def test_a_fill_that_overtakes_the_answer_arrives_first(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    await broker.connect([])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    venue.on("POST", ORDERS, Hang())
    broker.submit(make_order())
    await venue.wait(lambda: len(venue.requests("POST", ORDERS)) == 1)
    filled = order_json("t-1", status="filled", filled_qty="10")
    await venue.push(update_json("fill", filled, execution_id="X1", price="100", qty="10"))
    report = await recorder.first(OrderFilled)
    assert (report.client_order_id, report.quantity) == ("t-1", Decimal(10))
    await recorder.first(OrderUnknown)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert [type(event) for event in recorder.events] == [OrderStreamUp, OrderFilled, OrderUnknown]


async def test_the_stream_is_down_and_up_again_around_a_loss(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    await broker.connect([])
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    await venue.push(update_json("canceled", order_json("t-1", status="canceled")))
    await recorder.first(OrderCanceled)
    await venue.cut_stream()
    await recorder.first(OrderStreamUp, 2)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert [type(event) for event in recorder.events] == [OrderStreamUp, OrderCanceled, OrderStreamDown, OrderStreamUp]


async def test_orders_do_not_wait_for_one_another(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    def answer(seen: Seen) -> Reply:
        return Reply(order_json(seen.json["client_order_id"], id=seen.json["client_order_id"]))

    venue.on("POST", ORDERS, answer)
    await broker.connect([])
    names = [ClientOrderId(f"t-{number}") for number in range(20)]
    for name in names:
        broker.submit(make_order(client_order_id=name))
    async with asyncio.timeout(BOUND_S):
        await recorder.first(OrderAccepted, len(names))
    assert {event.client_order_id for event in recorder.of(OrderAccepted)} == set(names)
