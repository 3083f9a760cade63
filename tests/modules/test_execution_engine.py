"""From signal to order to books, over a broker with faults."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, START, TWO, XYZ, Desk, encoded
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.entries import OrderIntended
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, StrategyId, TraceId
from tradingd.core.log import LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import (
    DenialCode,
    Order,
    OrderDenied,
    OrderModification,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
    Trade,
)
from tradingd.core.venue_view import VenueSnapshot
from tradingd.journal.segments import load, read_records
from tradingd.runtime.events import OrderLookup, SnapshotTaken

D = Decimal
S = OrderStatus


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(10))


def bid(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D("99.004"), time_in_force=TimeInForce.GTC)


def run_snapshot(desk: Desk) -> VenueSnapshot:
    """What the venue would answer now."""
    coroutine = SimulatedBroker.snapshot(desk.broker, 0)
    try:
        coroutine.send(None)
    except StopIteration as answered:
        found = answered.value
        assert isinstance(found, VenueSnapshot)
        return found
    raise AssertionError("the simulated broker has nothing to wait for")


def denial(desk: Desk, strategy: StrategyId = ONE) -> DenialCode:
    kind, report = desk.strategy(strategy).heard[-1]
    assert kind == "OrderDenied"
    assert isinstance(report, OrderDenied)
    return report.breaches[0].code


def test_an_intent_is_in_the_journal_before_the_venue_sees_the_order(desk: Desk) -> None:
    desk.act(buy)
    desk.act(bid)
    assert [known for _, known in desk.broker.seen] == [True, True]


def test_a_signal_becomes_an_order_a_fill_and_a_position(desk: Desk) -> None:
    desk.act(buy)
    state = desk.order()
    assert (state.status, state.filled_quantity, state.average_price) == (S.FILLED, D(10), D("100.5"))
    assert desk.strategy().position(ABC) == D(10)
    assert desk.strategy().working(ABC) == 0
    assert desk.strategy().kinds()[-2:] == ["OrderAccepted", "fill"]
    assert desk.strategy(TWO).position(ABC) == 0
    trade = desk.strategy().heard[-1][1]
    assert isinstance(trade, Trade)
    signal, submitted, filled = (
        desk.said(event)[-1] for event in (LogEvent.STRATEGY_SIGNAL, LogEvent.ORDER_SUBMITTED, LogEvent.ORDER_FILLED)
    )
    assert signal.trace_id == submitted.trace_id == filled.trace_id == trade.trace_id
    assert desk.books.portfolio.cash == D(100_000) - D(1005)


def test_prices_and_quantities_are_rounded_before_they_leave(desk: Desk) -> None:
    desk.act(bid)
    (order, _) = desk.broker.seen[-1]
    assert order.terms.limit_price == D("99.00")
    desk.modules.execution.modify_order(order.client_order_id, OrderModification(limit_price=D("98.509")))
    desk.pump()
    assert desk.order().terms.limit_price == D("98.50")
    assert desk.order().venue_order_ids == ("SIM-1", "SIM-2")


def test_ids_are_unique_across_strategies_and_runs(desk: Desk) -> None:
    desk.act(buy)
    desk.act(buy, TWO)
    desk.stop()
    second = desk.again().open()
    second.act(buy)
    names = [order.client_order_id for order, _ in desk.broker.seen]
    assert names == ["one-abcdef1-1", "two-abcdef1-2", "one-abcdef2-1"]
    desk.books = second.books


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-1", "0", "1e999995"])
def test_a_quantity_that_is_none_is_denied_and_leaves_no_trace(desk: Desk, quantity: str) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(quantity)))
    assert denial(desk) is DenialCode.QUANTITY_INVALID
    assert desk.broker.seen == []
    assert desk.strategy().working(ABC) == 0
    desk.act(lambda strategy: strategy.target_position(ABC, D(3)))
    assert desk.strategy().position(ABC) == D(3)


def test_a_denial_names_every_rule_and_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_order_value = 100\nmax_order_quantity = 1\n").open()
    desk.act(buy)
    report = desk.strategy().heard[-1][1]
    assert isinstance(report, OrderDenied)
    assert {breach.code for breach in report.breaches} == {DenialCode.ORDER_VALUE, DenialCode.ORDER_QUANTITY}
    kept = [r.entry for r in read_records(desk.journal, whole=True) if isinstance(r.entry, OrderDenied)]
    assert kept == [report]
    assert desk.said(LogEvent.ORDER_DENIED)[0].details["codes"] == ["ORDER_QUANTITY", "ORDER_VALUE"]
    desk.check()


def test_nothing_leaves_before_the_books_were_compared_with_the_venue(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.quote(99.5, 100.5)
    desk.act(buy)
    assert denial(desk) is DenialCode.NOT_RECONCILED
    desk.stream_up()
    desk.act(buy)
    assert desk.order().status is S.FILLED
    desk.stream_down()
    desk.act(buy)
    assert denial(desk) is DenialCode.NOT_RECONCILED
    desk.stream_up()
    assert desk.modules.execution.reconciliation.reconciled


def test_nothing_leaves_while_the_venue_cannot_be_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.broker.unreachable = True
    desk.open()
    assert not desk.modules.execution.reconciliation.reconciled
    assert len(desk.said(LogEvent.RECONCILE_FAILED)) == 1
    desk.broker.unreachable = False
    desk.wait(1)
    assert desk.modules.execution.reconciliation.reconciled


def test_a_halt_outlives_the_process_until_it_is_lifted(desk: Desk) -> None:
    desk.modules.risk.halt("operator said so", "cli")
    desk.act(buy)
    assert denial(desk) is DenialCode.HALTED
    second = desk.again().open()
    second.act(buy)
    assert denial(second) is DenialCode.HALTED
    second.modules.risk.resume("cli")
    second.act(buy)
    assert second.order().status is S.FILLED
    desk.books = second.books


def test_a_stop_closes_the_gate(desk: Desk) -> None:
    desk.modules.execution.close_gate()
    desk.act(buy)
    assert denial(desk) is DenialCode.STOPPING


def test_an_order_is_cancelled_by_its_strategy_and_by_no_other(desk: Desk) -> None:
    desk.act(bid)
    order_id = desk.order().client_order_id
    desk.act(lambda strategy: strategy.cancel(order_id), TWO)
    assert desk.order().status is S.ACCEPTED
    desk.act(lambda strategy: strategy.cancel(order_id))
    assert desk.order().status is S.CANCELED
    assert desk.strategy().kinds()[-2:] == ["CancelRequested", "OrderCanceled"]
    assert desk.strategy().working(ABC) == 0


def test_a_cancel_waits_until_the_venue_has_named_the_order(desk: Desk) -> None:
    desk.broker.held = []
    desk.act(bid)
    assert desk.modules.execution.cancel_order(desk.order().client_order_id)
    assert desk.order().status is S.PENDING_CANCEL
    assert desk.broker.cancels == []
    desk.broker.release()
    desk.pump()
    assert desk.broker.cancels == [desk.order().client_order_id]
    assert desk.order().status is S.CANCELED
    assert not desk.modules.execution.cancel_order(desk.order().client_order_id)
    assert not desk.modules.execution.cancel_order(ClientOrderId("nobody"))


def test_an_unknown_order_counts_at_full_size_until_the_venue_was_asked(desk: Desk) -> None:
    desk.broker.loses_orders = True
    desk.act(buy)
    assert desk.order().status is S.UNKNOWN
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert desk.modules.execution.reconciliation.in_doubt() == [desk.order().client_order_id]
    assert desk.strategy().working(ABC) == D(10)
    desk.check()
    desk.wait(60)
    assert desk.order().status is S.REJECTED
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == 0
    assert len(desk.broker.seen) == 1, "it was never sent again"


def test_a_list_that_was_read_before_the_look_up_does_not_prove_an_order_lost(desk: Desk) -> None:
    desk.broker.loses_orders = True
    desk.act(buy)
    order_id, sync = desk.order().client_order_id, desk.modules.execution.reconciliation
    early = SnapshotTaken(snapshot=run_snapshot(desk), books_version=sync.in_flight.books_version)
    desk.clock.advance_to(desk.clock.now_ns() + 3 * NS_PER_SECOND)
    desk.broker.unreachable = True  # the list that is asked for now does not come yet
    desk.modules.execution.handle(
        OrderLookup(client_order_id=order_id, order=None, books_version=sync.in_flight.books_version)
    )
    desk.modules.execution.handle(early)
    desk.pump()
    assert desk.order().status is S.UNKNOWN
    desk.modules.execution.handle(
        SnapshotTaken(snapshot=run_snapshot(desk), books_version=sync.in_flight.books_version)
    )
    desk.pump()
    assert desk.order().status is S.REJECTED
    desk.broker.unreachable = False


def test_a_process_that_dies_with_an_order_under_way_finds_it_again(desk: Desk) -> None:
    desk.broker.held = []
    desk.act(buy)
    assert desk.order().status is S.PENDING_SUBMIT
    second = desk.again()
    second.open()
    assert second.order().status is S.FILLED
    assert second.strategy().position(ABC) == D(10)
    assert second.books.portfolio.cash == D(100_000) - D(1005)
    assert len(desk.broker.seen) == 1
    assert second.said(LogEvent.RECONCILE_CORRECTED)
    second.check()
    desk.books = second.books


def test_a_process_that_dies_between_intent_and_venue_sends_nothing_again(desk: Desk) -> None:
    order = Order(
        client_order_id=ClientOrderId("one-abcdef1-9"),
        strategy_id=ONE,
        symbol=ABC,
        side=Side.BUY,
        quantity=D(10),
        terms=OrderTerms(),
        trace_id=TraceId("t"),
        ts_created=desk.clock.now_ns(),
        reference_price=D(100),
    )
    desk.logger.record(OrderIntended(order=order))
    second = desk.again().open()
    assert second.order().status is S.PENDING_SUBMIT
    second.wait(60)
    assert second.order().status is S.REJECTED
    assert second.broker.seen == []
    second.check()
    desk.books = second.books


def test_flatten_cancels_everything_and_closes_every_position_even_while_halted(desk: Desk) -> None:
    desk.act(buy)
    desk.act(bid)
    desk.act(lambda strategy: strategy.sell(ABC, D(4)), TWO)
    desk.modules.risk.halt("enough", "cli")
    desk.modules.execution.flatten()
    desk.pump()
    assert desk.books.orders.open_count == 0
    assert {key: line.quantity for key, line in desk.books.portfolio.lines.items()} == {(ONE, ABC): 0, (TWO, ABC): 0}
    assert "flattened" in desk.said(LogEvent.CONTROL_COMMAND)[-1].message
    assert desk.strategy().kinds()[-1] == "fill"


def test_orders_that_are_not_ours_are_adopted_and_count(desk: Desk) -> None:
    desk.broker.held = []
    desk.broker.submit(
        Order(
            client_order_id=ClientOrderId("by-hand"),
            strategy_id=EXTERNAL,
            symbol=XYZ,
            side=Side.BUY,
            quantity=D(7),
            terms=OrderTerms(order_type=OrderType.LIMIT, limit_price=D(49), time_in_force=TimeInForce.GTC),
            trace_id=TraceId("t"),
            ts_created=START,
            reference_price=D(50),
        )
    )
    desk.broker.held = None
    desk.wait(31)
    assert desk.order().order.strategy_id == EXTERNAL
    assert desk.books.portfolio.open_exposure(XYZ).buy_quantity == D(7)
    desk.quote(48.0, 48.5, XYZ)
    assert desk.books.portfolio.quantity_of(EXTERNAL, XYZ) == D(7)
    desk.wait(31)
    assert desk.said(LogEvent.RECONCILE_FAILED) == []


def test_a_snapshot_that_was_asked_for_before_the_stream_listened_opens_nothing(desk: Desk) -> None:
    snapshot = asyncio.run(desk.broker.snapshot(0))
    asked_at = desk.modules.execution.reconciliation.in_flight.books_version
    desk.stream_down()
    desk.broker.unreachable = True
    desk.stream_up()
    desk.inboxes.execution.put(SnapshotTaken(snapshot=snapshot, books_version=asked_at))
    desk.pump()
    assert not desk.modules.execution.reconciliation.reconciled
    desk.broker.unreachable = False
    desk.wait(2)
    assert desk.modules.execution.reconciliation.reconciled


def test_a_segment_that_rolls_at_midnight_holds_the_same_books(desk: Desk) -> None:
    desk.act(buy)
    desk.act(bid)
    desk.clock.advance_to(START + 86_400 * NS_PER_SECOND)
    desk.quote(99.0, 100.0)
    desk.act(buy)
    assert len(list(desk.journal.glob("*.jsonl"))) == 2
    folded, _ = load(desk.journal)
    assert encoded(folded) == encoded(desk.books)
