"""The adapter over the real library and an emulated TWS: commands, and what becomes of them."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, SYMBOLS, D, Making, order, resting
from tests.brokers.scripted_venue import Recorder
from tests.tws.server import TwsEmulator
from tradingd.brokers.base import ReportsVenueTime
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.broker_events import ForeignOrderEvent, OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import (
    CancelRefused,
    CancelUnknown,
    FeeReported,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderType,
    OrderUnknown,
    ReplaceRefused,
    ReplaceUnknown,
    Side,
    TimeInForce,
)
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.errors import VenueUnavailable
from tradingd.runtime.kill_switch import KillSwitch

Running = Callable[[IbBroker], Any]


async def accepted(broker: IbBroker, recorder: Recorder, name: str = "t-1", count: int = 1) -> VenueOrderId:
    broker.submit(resting(name))
    report = await recorder.first(OrderAccepted, count)
    assert isinstance(report, OrderAccepted)
    assert report.client_order_id == name
    return report.venue_order_id


async def test_a_market_order_is_accepted_filled_and_paid_for(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(order(quantity="50"))
    fee = await recorder.first(FeeReported)
    (fill,) = recorder.of(OrderFilled)
    kinds = [type(event) for event in recorder.events]
    assert kinds == [OrderStreamUp, OrderAccepted, OrderFilled, FeeReported]
    (told,) = tws.truth().executions
    assert (fill.execution_id, fill.quantity, fill.price, fill.fee_pending) == (told.exec_id, 50, D("190.1"), True)
    assert fill.venue_order_id == str(told.perm_id)
    assert (fee.execution_id, fee.fee) == (told.exec_id, told.commission)


async def test_fills_are_told_one_by_one(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    tws.faults.fill_slice = Decimal(40)
    broker.submit(order())
    await recorder.first(FeeReported, 3)
    assert [fill.quantity for fill in recorder.of(OrderFilled)] == [40, 40, 20]
    assert len({fill.execution_id for fill in recorder.of(OrderFilled)}) == 3


async def test_a_fill_that_comes_before_its_order_and_twice_is_told_once(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.faults.execution_first = True
    tws.faults.duplicate_executions = 2
    tws.faults.duplicate_status = 2
    broker.submit(order())
    await recorder.first(FeeReported)
    assert len(recorder.of(OrderFilled)) == 1
    assert len(recorder.of(OrderAccepted)) <= 1


async def test_fills_need_no_status(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    tws.faults.drop_status = True
    broker.submit(order())
    await recorder.first(FeeReported)
    assert recorder.of(OrderUnknown) == []


async def test_a_modify_is_answered_by_the_terms_that_come_back(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    venue_id = await accepted(broker, recorder)
    broker.modify(resting(), venue_id, OrderModification(limit_price=D("181.5")))
    first = await recorder.first(OrderReplaced)
    assert (first.venue_order_id, first.replaces, first.quantity, first.limit_price) == (
        venue_id,
        venue_id,
        100,
        D("181.5"),
    )
    # The second is made of the terms that the first has left.
    broker.modify(resting(), venue_id, OrderModification(quantity=D(150)))
    second = await recorder.first(OrderReplaced, 2)
    assert (second.quantity, second.limit_price) == (150, D("181.5"))
    assert tws.order("t-1").limit_price == D("181.5")
    assert len(tws.working_orders()) == 1


async def test_a_modify_to_the_same_terms_is_not_sent(broker: IbBroker, recorder: Recorder) -> None:
    venue_id = await accepted(broker, recorder)
    broker.modify(resting(), venue_id, OrderModification(limit_price=D(180)))
    assert "already" in (await recorder.first(ReplaceRefused)).reason


async def test_a_modify_off_the_tick_keeps_the_order(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    venue_id = await accepted(broker, recorder)
    broker.modify(resting(), venue_id, OrderModification(limit_price=D("180.001")))
    assert (await recorder.first(ReplaceRefused)).reason.startswith("110")
    assert recorder.of(OrderCanceled) == []
    assert tws.order("t-1").is_open


async def test_a_cancel_ends_the_order_once(broker: IbBroker, recorder: Recorder) -> None:
    venue_id = await accepted(broker, recorder)
    broker.cancel(resting(), venue_id)
    end = await recorder.first(OrderCanceled)
    assert (end.venue_order_id, end.filled_quantity) == (venue_id, 0)
    broker.cancel(resting(), venue_id)
    assert (await recorder.first(CancelRefused)).reason.startswith("10148")
    assert len(recorder.of(OrderCanceled)) == 1


async def test_a_held_cancel_is_no_end(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    venue_id = await accepted(broker, recorder)
    tws.faults.hold_cancels = True
    broker.cancel(resting(), venue_id)
    assert isinstance(await recorder.first(CancelUnknown), CancelUnknown)
    (working,) = await broker.open_orders()
    assert working.changing
    tws.trade("AAPL", 179.0, 100)
    tws.quote("AAPL", 178.9, 179.0)
    await recorder.first(OrderFilled)


async def test_a_cancel_of_an_id_that_tws_does_not_know_proves_nothing(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    venue_id = await accepted(broker, recorder)
    tws.truth_now.orders.clear()
    broker.cancel(resting(), venue_id)
    assert (await recorder.first(CancelUnknown)).reason.startswith("10147")


async def test_a_swallowed_order_is_unknown_and_found_nowhere(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.faults.swallow_orders = 1
    broker.submit(order())
    assert "no answer" in (await recorder.first(OrderUnknown)).reason
    assert await broker.find_order(ClientOrderId("t-1")) is None
    assert recorder.of(OrderRejected) == []


async def test_a_swallowed_cancel_is_unknown(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    venue_id = await accepted(broker, recorder)
    tws.faults.swallow_cancels = 1
    broker.cancel(resting(), venue_id)
    await recorder.first(CancelUnknown)


@pytest.mark.parametrize(
    ("price", "code"),
    [("180.001", "110"), ("180", "201")],
    ids=["off the tick", "rejected"],
)
async def test_a_refused_order_is_rejected_with_its_code(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator, price: str, code: str
) -> None:
    tws.faults.reject_orders = int(code == "201")
    broker.submit(resting(price=price))
    report = await recorder.first(OrderRejected)
    assert report.code == code
    assert recorder.of(OrderAccepted) == recorder.of(OrderCanceled) == []


async def test_an_order_that_the_exchange_refuses_later_is_rejected(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    venue_id = await accepted(broker, recorder)
    tws.acts.reject_order(int(venue_id), "no")
    assert (await recorder.first(OrderRejected)).code == "201"


async def test_a_number_that_was_used_proves_nothing_and_is_not_used_again(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.truth_now.floors[7] = 1_000
    broker.submit(resting())
    assert (await recorder.first(OrderUnknown)).reason.startswith("103")
    assert await broker.find_order(ClientOrderId("t-1")) is None
    assert tws.working_orders() == []
    broker.submit(resting("t-2"))
    await recorder.first(OrderAccepted)
    assert tws.order("t-2").order_id == 1_000


async def test_a_read_only_gateway_is_told_with_the_remedy(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.faults.read_only = True
    broker.submit(order())
    assert "Read-Only API" in (await recorder.first(OrderRejected)).reason
    assert "broker.read_only" in [name for name, _, _ in recorder.problems]


async def test_the_kill_switch_is_asked_before_the_bytes_leave(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator, kill_switch: KillSwitch
) -> None:
    kill_switch.close("stop", "the daemon is stopping")
    broker.submit(order())
    report = await recorder.first(OrderRejected)
    assert (report.code, report.reason) == ("not_sent", "the daemon is stopping")
    assert tws.truth().orders == {}


async def test_figures_that_no_double_holds_are_not_sent(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(resting(price="180.00000000000000001"))
    assert (await recorder.first(OrderRejected)).code == "not_sent"
    assert tws.truth().orders == {}


async def test_an_order_message_says_nothing_about_the_order(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.acts.set_hours(regular=False)
    broker.submit(order())
    await recorder.first(OrderAccepted)
    await recorder.wait(lambda: any(details.get("code") == 399 for _, _, details in recorder.problems))
    tws.acts.set_hours(regular=True)
    await recorder.first(OrderFilled)
    assert recorder.of(OrderRejected) == recorder.of(OrderCanceled) == []


async def test_terms_of_every_kind_arrive_as_they_were_meant(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tomorrow = 86_400 * 10**9 + order().ts_created
    orders = [
        order("t-a", order_type=OrderType.STOP, stop_price=D("195.25")),
        order("t-b", order_type=OrderType.STOP_LIMIT, stop_price=D(195), limit_price=D("195.5"), side=Side.BUY),
        order("t-c", side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D("1.5")),
        order("t-d", side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_percent=D("2.5")),
        resting("t-e", time_in_force=TimeInForce.GTD, expires_ns=tomorrow),
        resting("t-f", time_in_force=TimeInForce.GTC, extended_hours=True),
        order("t-g", time_in_force=TimeInForce.CLS),
        resting("t-h", time_in_force=TimeInForce.CLS),
        resting("t-i", time_in_force=TimeInForce.OPG),
    ]
    for one in orders:
        broker.submit(one)
    await recorder.first(OrderAccepted, len(orders))
    shown = {view.client_order_id: view for view in await broker.open_orders()}
    for one in orders:
        view = shown[one.client_order_id]
        assert view.terms.asked == one.terms.asked, one.client_order_id
        assert (view.terms.order_type, view.terms.time_in_force) == (one.terms.order_type, one.terms.time_in_force)
        assert (view.side, view.quantity, view.terms.extended_hours) == (
            one.side,
            one.quantity,
            one.terms.extended_hours,
        )
        assert view.status is VenueOrderStatus.WORKING
    assert abs((shown[ClientOrderId("t-e")].terms.expires_ns or 0) - tomorrow) < 10**9
    assert recorder.of(OrderReplaced) == []


async def test_a_trailing_stop_is_modified_without_saying_where_it_stands(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    trailing = order(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D("1.5"))
    broker.submit(trailing)
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    broker.modify(trailing, venue_id, OrderModification(trail_amount=D(2)))
    assert (await recorder.first(OrderReplaced)).trail_amount == 2


async def test_an_order_good_till_a_time_expires(broker: IbBroker, recorder: Recorder) -> None:
    soon = order().ts_created + 2 * 10**9
    broker.submit(resting(time_in_force=TimeInForce.GTD, expires_ns=soon))
    report = await recorder.first(OrderExpired)
    assert report.client_order_id == "t-1"


async def test_orders_of_others_are_foreign_and_cannot_be_cancelled_from_here(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    by_hand = tws.acts.order_by_hand("AAPL", "BUY", D(10), price=D(170))
    other = tws.acts.order_by_client(3, "AAPL", "BUY", D(20), price=D(171))
    shown = {int(view.venue_order_id): view for view in await broker.open_orders()}
    assert set(shown) == {by_hand.perm_id, other.perm_id}
    assert recorder.of(ForeignOrderEvent) == []  # a list that was asked for is no news
    name = VenueOrderId(str(other.perm_id))
    broker.adopt({name: ClientOrderId("t-adopted")})
    broker.cancel(order("t-adopted"), name)
    assert "another client" in (await recorder.first(CancelRefused)).reason
    assert len(tws.working_orders()) == 2


async def test_a_liquidation_is_a_foreign_fill_and_told(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(order())
    await recorder.first(OrderFilled)
    tws.acts.liquidate("AAPL", D(-100), D(185))
    event = await recorder.first(ForeignOrderEvent)
    assert (event.order.symbol, event.order.side, event.order.quantity) == (AAPL, Side.SELL, 100)
    assert "broker.liquidation" in [name for name, _, _ in recorder.problems]
    snapshot = await broker.snapshot(0)
    assert [fill.quantity for fill in snapshot.fills] == [100, 100]
    assert snapshot.positions == ()


async def test_what_if_asks_and_places_nothing(broker: IbBroker, tws: TwsEmulator) -> None:
    margin = await broker.what_if(order())
    assert margin.initial is not None
    assert margin.initial > 0
    assert margin.commission == 1
    assert tws.truth().orders == {}


async def test_an_order_that_the_margin_does_not_bear_is_refused_before_it_leaves(
    make_broker: Making, recorder: Recorder, running: Running, tws: TwsEmulator
) -> None:
    broker = make_broker(check_margin=True)
    await broker.connect(SYMBOLS)
    async with running(broker):
        broker.submit(order("t-1", quantity="1000000"))
        assert (await recorder.first(OrderRejected)).code == "margin"
        assert tws.truth().orders == {}
        broker.submit(resting("t-2"))
        assert (await recorder.first(OrderAccepted)).client_order_id == "t-2"


async def test_a_burst_keeps_below_the_limit_of_messages_and_cancels_go_first(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    venue_id = await accepted(broker, recorder)
    for number in range(2, 40):
        broker.submit(resting(f"t-{number}"))
    broker.cancel(resting(), venue_id)
    await recorder.first(OrderCanceled)
    ends = len(recorder.of(OrderAccepted)) + len(recorder.of(OrderRejected))
    assert ends < 39
    await recorder.wait(lambda: len(recorder.of(OrderAccepted)) + len(recorder.of(OrderRejected)) >= 39)
    assert all(report.code == "not_sent" for report in recorder.of(OrderRejected))
    assert "broker.rate_exceeded" not in [name for name, _, _ in recorder.problems]


async def test_an_unanswered_replace_is_unknown_and_seen_when_it_shows(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    venue_id = await accepted(broker, recorder)
    tws.faults.swallow_orders = 1
    broker.modify(resting(), venue_id, OrderModification(limit_price=D(181)))
    await recorder.first(ReplaceUnknown)
    (view,) = await broker.open_orders()
    assert view.terms.limit_price == 180
    assert recorder.of(OrderReplaced) == []


async def test_the_clock_of_tws_is_told_in_whole_seconds(broker: IbBroker, make_broker: Making) -> None:
    assert isinstance(broker, ReportsVenueTime)
    there = await broker.server_time()
    assert there is not None
    assert abs(there - time.time_ns()) < 5 * NS_PER_SECOND
    with pytest.raises(VenueUnavailable, match="no connection"):
        await make_broker().server_time()
