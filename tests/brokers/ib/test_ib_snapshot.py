"""What the account looks like when it is asked for, over the real library and an emulated TWS."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, D, Making, order, resting
from tests.brokers.scripted_venue import Recorder
from tests.tws.faults import CommissionReports
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.brokers.ib.instruments import ContractSpec
from tradingd.core.books import Books
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.entries import AccountOpened, OrderIntended
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.orders import (
    FeeReported,
    OrderAccepted,
    OrderFilled,
    OrderModification,
    OrderUnknown,
    ReplaceUnknown,
)
from tradingd.core.reconcile import diff
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.errors import VenueUnavailable

Running = Callable[[IbBroker], Any]
ES = ContractSpec(symbol="ES", sec_type="FUT", exchange="CME", local_symbol="ESZ6")


async def test_orders_fills_positions_and_cash_are_of_one_account(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(order("t-1", quantity="50"))
    await recorder.first(FeeReported)
    broker.submit(resting("t-2"))
    await recorder.first(OrderAccepted, 2)
    snapshot = await broker.snapshot(0)
    assert {view.client_order_id: view.status for view in snapshot.orders} == {
        "t-1": VenueOrderStatus.FILLED,
        "t-2": VenueOrderStatus.WORKING,
    }
    (fill,) = snapshot.fills
    assert (fill.quantity, fill.price, fill.fee, fill.fee_pending) == (D(50), D("190.1"), D(1), False)
    (position,) = snapshot.positions
    assert (position.symbol, position.quantity) == (AAPL, D(50))
    assert snapshot.account.cash == 1_000_000 - 50 * D("190.1") - 1


async def test_a_second_snapshot_says_the_same(broker: IbBroker, recorder: Recorder) -> None:
    broker.submit(order("t-1", quantity="50"))
    await recorder.first(FeeReported)
    first, second = await broker.snapshot(0), await broker.snapshot(0)
    assert (first.fills, first.positions, first.account) == (second.fills, second.positions, second.account)


async def test_orders_by_hand_and_liquidations_are_told_apart(broker: IbBroker, tws: TwsEmulator) -> None:
    """None has a reference: under one name the fill of one would be booked on another."""
    orders = [tws.acts.order_by_hand("AAPL", "BUY", D(quantity), price=D(150)) for quantity in (3, 4)]
    liquidation = tws.acts.liquidate("AAPL", D(7), D(190))
    ids = [*(one.perm_id for one in orders), liquidation.perm_id]
    names = {perm_id: f"ib-{perm_id}" for perm_id in ids}
    for _ in range(2):
        snapshot = await broker.snapshot(0)
        assert {int(view.venue_order_id): view.client_order_id for view in snapshot.orders} == names


async def test_fills_before_the_asked_time_are_left_out(broker: IbBroker, recorder: Recorder) -> None:
    broker.submit(order())
    await recorder.first(OrderFilled)
    assert (await broker.snapshot(time.time_ns() + 10**9)).fills == ()


@pytest.mark.parametrize("switch", ["withhold_executions_end", "withhold_open_orders_end"])
async def test_an_answer_without_its_end_is_none(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running, switch: str
) -> None:
    broker = make_broker(timeout_s=0.3)
    await broker.connect([AAPL])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        setattr(tws.faults, switch, True)
        with pytest.raises(VenueUnavailable, match="no end of the answer") as caught:
            await broker.snapshot(0)
        assert ("10.23" in str(caught.value)) is (switch == "withhold_executions_end")
        setattr(tws.faults, switch, False)
        await broker.snapshot(0)


async def test_a_lost_connection_fails_the_question(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    broker = make_broker()
    await broker.connect([AAPL])
    tws.acts.shut_down()
    with pytest.raises(VenueUnavailable):
        await broker.snapshot(0)


async def test_the_commission_that_is_not_told_yet_is_pending(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.faults.commission_reports = CommissionReports.MISSING
    broker.submit(order())
    await recorder.first(OrderFilled)
    assert (await broker.snapshot(0)).fills[0].fee_pending
    tws.faults.commission_reports = CommissionReports.PROMPT
    await broker.snapshot(0)  # the answer to reqExecutions tells it
    assert (await broker.snapshot(0)).fills[0].fee == 1
    assert len(recorder.of(FeeReported)) == 1


async def test_an_order_is_found_in_every_stage(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting("t-1"))
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    found = await broker.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.status is VenueOrderStatus.WORKING
    broker.cancel(resting("t-1"), venue_id)
    broker.submit(order("t-2"))
    await recorder.first(OrderFilled)
    ended, filled = [await broker.find_order(ClientOrderId(name)) for name in ("t-1", "t-2")]
    assert ended is not None
    assert filled is not None
    assert (ended.status, filled.status) == (VenueOrderStatus.CANCELED, VenueOrderStatus.FILLED)
    assert filled.filled_quantity == 100
    assert await broker.find_order(ClientOrderId("t-3")) is None


async def test_the_executions_alone_show_an_order(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    """An order that filled is in no list of orders for a moment; it must not be taken for lost."""
    broker.submit(order())
    await recorder.first(FeeReported)
    tws.truth_now.orders.clear()
    found = await broker.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert (found.status, found.filled_quantity) == (VenueOrderStatus.FILLED, D(100))
    (shown,) = (await broker.snapshot(0)).orders
    assert (shown.client_order_id, shown.venue_order_id) == ("t-1", found.venue_order_id)


async def test_a_replace_that_nobody_heard_of_is_seen_by_the_books(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    books = Books()
    opened = AccountOpened(broker="ib", account_id="DU1234567", account_kind="paper", currency="USD", cash=D(1_000_000))
    books.apply(opened)
    intended = resting()
    books.apply(OrderIntended(order=intended))
    broker.submit(intended)
    books.apply(await recorder.first(OrderAccepted))
    working = tws.working_orders()[0]
    changed = type(working)(**{**{f: getattr(working, f) for f in working.__struct_fields__}, "quantity": D(70)})
    tws.truth_now.orders[working.perm_id] = changed
    plan = diff(books, await broker.snapshot(0), now_ns=time.time_ns())
    for report in plan.reports:
        books.apply(report)
    state = books.orders.get(ClientOrderId("t-1"))
    assert state is not None
    assert (state.quantity, state.status.value) == (D(70), "ACCEPTED")
    assert diff(books, await broker.snapshot(0), now_ns=time.time_ns()).empty


async def test_the_books_come_right_after_an_answer_that_was_lost(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    books = Books()
    opened = AccountOpened(broker="ib", account_id="DU1234567", account_kind="paper", currency="USD", cash=D(1_000_000))
    books.apply(opened)
    intended = order()
    books.apply(OrderIntended(order=intended))
    tws.faults.cut_after_orders = 1
    broker.submit(intended)
    books.apply(await recorder.first(OrderUnknown))
    await recorder.first(OrderStreamUp, 2)
    for report in diff(books, await broker.snapshot(0), now_ns=time.time_ns()).reports:
        books.apply(report)
    state = books.orders.get(ClientOrderId("t-1"))
    assert state is not None
    assert (state.status.value, state.filled_quantity, state.fees) == ("FILLED", D(100), D(1))
    assert diff(books, await broker.snapshot(0), now_ns=time.time_ns()).empty


async def test_partly_filled_orders_of_others_are_shown_with_what_has_filled(
    broker: IbBroker, tws: TwsEmulator
) -> None:
    tws.quote("AAPL", 189.90, 190.10, bid_size=300, ask_size=30)
    tws.acts.order_by_client(3, "AAPL", "BUY", D(100), price=D("190.10"))
    (shown,) = await broker.open_orders()
    assert (shown.quantity, shown.filled_quantity) == (D(100), D(30))


async def test_a_future_has_its_multiplier_and_its_price(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    tws.quote("ESZ6", 6000.0, 6000.25, bid_size=50, ask_size=50)
    broker = make_broker(contracts={"ES": ES})
    await broker.connect([Symbol("ES")])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        broker.submit(order(quantity="2", symbol="ES"))
        await recorder.first(FeeReported)
        snapshot = await broker.snapshot(0)
    (position,) = snapshot.positions
    assert (position.symbol, position.quantity, position.contract.multiplier) == (Symbol("ES"), D(2), D(50))
    assert position.contract.margined
    assert abs(position.average_price - D("6000.25")) < D("0.1")  # commissions are in it
    assert snapshot.account.cash == 1_000_000 - tws.truth().executions[0].commission


async def test_a_currency_pair_is_held_as_cash_of_its_first_currency(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    tws.quote("EUR.USD", 1.0999, 1.1001, bid_size=1_000_000, ask_size=1_000_000)
    pair = Symbol("EUR/USD")
    broker = make_broker()
    await broker.connect([pair])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        broker.submit(order(quantity="20000", symbol=pair))
        await recorder.first(FeeReported)
        snapshot = await broker.snapshot(0)
    (position,) = snapshot.positions
    assert (position.symbol, position.quantity) == (pair, D(20_000))
    commission = tws.truth().executions[0].commission
    assert snapshot.account.cash == 1_000_000 - 20_000 * D("1.1001") - commission


async def test_terms_in_doubt_are_settled_by_the_list(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    tws.faults.cut_after_orders = 1
    broker.modify(resting(), venue_id, OrderModification(quantity=D(150)))
    await recorder.first(ReplaceUnknown)
    await recorder.first(OrderStreamUp, 2)
    found = await broker.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.quantity == 150
