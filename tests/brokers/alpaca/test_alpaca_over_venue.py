"""The adapter against the paper venue: two programs that were written apart agree on a whole order's life."""

import asyncio
import time

import pytest
from tests.brokers.alpaca.making import make_order
from tests.brokers.alpaca.making_over_venue import (
    AAPL,
    BTC,
    D,
    limit_order,
    make_broker,
    quote,
)
from tests.brokers.scripted_venue import Recorder
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.market import MINUTE_NS
from tradingd.core.orders import (
    CancelRefused,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    ReplaceRefused,
    TimeInForce,
)
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.errors import CredentialsRefused, UsageError
from tradingd.venue.server import PaperVenue


async def test_a_market_order_fills_and_every_question_agrees(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder
) -> None:
    since = time.time_ns() - MINUTE_NS
    trader.submit(make_order())
    fill = await recorder.first(OrderFilled)
    quote(paper, AAPL, 99.0, 101.0)
    assert (fill.client_order_id, fill.quantity, fill.price, fill.cum_quantity) == ("t-1", D(10), D(101), D(10))
    snapshot = await trader.snapshot(since)
    (order,) = snapshot.orders
    assert (order.client_order_id, order.status, order.filled_quantity) == ("t-1", VenueOrderStatus.FILLED, D(10))
    (listed,) = snapshot.fills
    assert (listed.venue_order_id, listed.cum_quantity, listed.price) == (fill.venue_order_id, D(10), D(101))
    (position,) = snapshot.positions
    assert (position.symbol, position.quantity, position.average_price) == ("AAPL", D(10), D(101))
    assert snapshot.account.cash == D(100_000) - 1010
    assert snapshot.account.multiplier == D(4)
    found = await trader.find_order(ClientOrderId("t-1"))
    assert found == order


async def test_a_resting_order_is_cancelled_and_cannot_be_cancelled_again(
    trader: AlpacaBroker, recorder: Recorder
) -> None:
    order = limit_order("t-1", "90")
    trader.submit(order)
    accepted = await recorder.first(OrderAccepted)
    trader.cancel(order, accepted.venue_order_id)
    assert (await recorder.first(OrderCanceled)).venue_order_id == accepted.venue_order_id
    trader.cancel(order, VenueOrderId("00000000-0000-4000-8000-000000000000"))
    await recorder.first(CancelRefused)
    assert (await trader.snapshot(0)).positions == ()


async def test_new_terms_move_the_order_to_another_leg_under_our_name(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder
) -> None:
    order = limit_order("t-1", "90")
    trader.submit(order)
    accepted = await recorder.first(OrderAccepted)
    trader.modify(order, accepted.venue_order_id, OrderModification(quantity=D(12), limit_price=D("95")))
    replaced = await recorder.first(OrderReplaced)
    assert (replaced.client_order_id, replaced.replaces) == ("t-1", accepted.venue_order_id)
    assert (replaced.quantity, replaced.limit_price) == (D(12), D(95))
    trader.modify(order, replaced.venue_order_id, OrderModification(limit_price=D("96")))
    again = await recorder.first(OrderReplaced, 2)
    assert (again.replaces, again.limit_price) == (replaced.venue_order_id, D(96))
    quote(paper, AAPL, 94.0, 95.5)
    fill = await recorder.first(OrderFilled)
    assert (fill.client_order_id, fill.venue_order_id, fill.quantity) == ("t-1", again.venue_order_id, D(12))
    snapshot = await trader.snapshot(0)
    assert {leg.client_order_id for leg in snapshot.orders} == {"t-1"}
    assert [leg.status for leg in snapshot.orders] == [
        VenueOrderStatus.REPLACED,
        VenueOrderStatus.REPLACED,
        VenueOrderStatus.FILLED,
    ]
    found = await trader.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.venue_order_id == again.venue_order_id
    trader.modify(order, again.venue_order_id, OrderModification(limit_price=D("97")))
    await recorder.first(ReplaceRefused)
    assert len(recorder.of(OrderReplaced)) == 2


async def test_a_partly_filled_order_is_replaced_by_its_new_total(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder
) -> None:
    order = limit_order("t-1", "96")
    trader.submit(order)
    accepted = await recorder.first(OrderAccepted)
    quote(paper, AAPL, 94.0, 95.0, size=4.0)
    assert (await recorder.first(OrderFilled)).quantity == D(4)
    quote(paper, AAPL, 99.0, 101.0)
    trader.modify(order, accepted.venue_order_id, OrderModification(quantity=D(12)))
    replaced = await recorder.first(OrderReplaced)
    quote(paper, AAPL, 94.0, 95.5)
    last = await recorder.first(OrderFilled, 2)
    assert (last.venue_order_id, last.quantity) == (replaced.venue_order_id, D(8))
    (position,) = (await trader.snapshot(0)).positions
    assert position.quantity == replaced.quantity == D(12)


async def test_refusals_and_used_ids_are_told_apart(trader: AlpacaBroker, recorder: Recorder) -> None:
    trader.submit(limit_order("t-1", "90"))
    first = await recorder.first(OrderAccepted)
    await recorder.wait(lambda: len(recorder.of(OrderAccepted)) >= 2)  # the answer and the stream both say so
    trader.submit(limit_order("t-1", "90"))
    assert (await recorder.first(OrderAccepted, 3)).venue_order_id == first.venue_order_id
    trader.submit(limit_order("t-2", "90", quantity="1000000"))
    rejected = await recorder.first(OrderRejected)
    assert (rejected.client_order_id, rejected.code) == ("t-2", "40310000")
    assert await trader.find_order(ClientOrderId("t-2")) is None


async def test_crypto_is_one_symbol_everywhere(trader: AlpacaBroker, recorder: Recorder) -> None:
    terms = OrderTerms(time_in_force=TimeInForce.GTC)
    trader.submit(make_order(symbol=BTC, quantity=D("0.1"), terms=terms))
    await recorder.first(OrderFilled)
    snapshot = await trader.snapshot(0)
    assert {order.symbol for order in snapshot.orders} == {BTC}
    assert {fill.symbol for fill in snapshot.fills} == {BTC}
    assert {position.symbol for position in snapshot.positions} == {BTC}


async def test_an_order_of_a_former_run_is_known_after_adoption(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder
) -> None:
    order = limit_order("t-1", "90")
    trader.submit(order)
    accepted = await recorder.first(OrderAccepted)
    trader.modify(order, accepted.venue_order_id, OrderModification(limit_price=D("91")))
    replaced = await recorder.first(OrderReplaced)
    later = Recorder()
    second = make_broker(paper, later)
    await second.connect([AAPL])
    second.adopt({accepted.venue_order_id: order.client_order_id, replaced.venue_order_id: order.client_order_id})
    run = asyncio.create_task(second.run())
    await later.first(OrderStreamUp)
    quote(paper, AAPL, 90.0, 90.5)
    fill = await later.first(OrderFilled)
    assert (fill.client_order_id, fill.venue_order_id) == ("t-1", replaced.venue_order_id)
    assert later.of(OrderReplaced) == []
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await second.close()


async def test_wrong_keys_and_unknown_symbols_are_refused_at_connect(paper: PaperVenue, recorder: Recorder) -> None:
    stranger = make_broker(paper, recorder, secret="wrong")
    with pytest.raises(CredentialsRefused):
        await stranger.connect([AAPL])
    with pytest.raises(CredentialsRefused):
        await stranger.run()
    await stranger.close()
    customer = make_broker(paper, recorder)
    with pytest.raises(UsageError):
        await customer.connect([Symbol("NOPE")])
    await customer.close()
