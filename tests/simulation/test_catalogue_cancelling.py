"""B. Cancel, replace, bracket, overfill: what the fault catalogue says of orders that are being changed or ended."""

from decimal import Decimal
from pathlib import Path

from tests.brokers.alpaca.making import make_order
from tests.brokers.alpaca.making_over_venue import limit_order, quote
from tests.brokers.scripted_venue import Recorder, Reply, ScriptedVenue, order_json, update_json
from tests.modules.desk import ABC, START, Desk
from tests.modules.making import bid
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import OddBroker, Story, codes, entries, execution, fault, faults, thin_quote, wish
from tests.simulation.streaming import streaming
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.entries import SymbolHalted
from tradingd.core.identifiers import Symbol, VenueOrderId
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import (
    DenialCode,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderFilled,
    OrderModification,
    OrderReplaced,
    OrderUnknown,
    ReplaceUnknown,
)
from tradingd.journal.history import read_history
from tradingd.journal.segments import segment_paths
from tradingd.venue.server import PaperVenue

D = Decimal
F = FaultKind
S = OrderStatus
OLD = VenueOrderId("0b9e7c0a-0000-4000-8000-000000000001")


def test_F17_what_takes_the_place_of_an_order_is_sized_once_its_cancel_is_confirmed_with_what_had_filled(
    tmp_path: Path,
) -> None:
    """What takes the place of an order is sized once its cancel is confirmed, with what had filled by then."""
    waits = '[]\nunfilled_timeout_s = 30\nunfilled_action = "market"'
    broker = OddBroker(tmp_path, START)
    limits = "[risk]\nmax_order_value = 100000\nmax_position_value = 100000\n"
    desk = Desk(tmp_path, limits, claims=waits, venue=broker).open()
    desk.act(lambda strategy: strategy.buy(ABC, D("172.1"), limit_price=D(99)))
    thin_quote(desk, 98.5, 99.0, 24.5)
    broker.stalls = True
    desk.wait(40)
    assert desk.order().status is S.PENDING_CANCEL
    thin_quote(desk, 98.5, 99.0, 100)  # more of it fills before the cancel takes effect
    desk.quote(99.5, 100.5)
    desk.wait(5)
    assert len(broker.seen) == 1
    broker.stalls = False
    broker.cancel(desk.order().order, VenueOrderId("SIM-1"))
    desk.pump()
    desk.wait(5)
    assert [order.quantity for order, _ in broker.seen] == [D("172.1"), D("47.6")]
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D("172.1"))
    desk.check()


def test_F18_a_cancel_is_a_request_an_order_that_filled_meanwhile_is_found_filled(tmp_path: Path) -> None:
    """A cancel is a request: an order that filled meanwhile is found filled, and a fill after a confirmed cancel counts
    and is told."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    desk.broker.loses_commands = True
    desk.broker.unreachable = True
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
    desk.broker.deafly(lambda: desk.quote(98.0, 98.5))
    desk.wait(600)
    assert desk.order().status is S.UNKNOWN
    desk.broker.unreachable = desk.broker.loses_commands = False
    desk.wait(5)
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D(10))

    desk.quote(99.5, 100.5)
    desk.act(bid)
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
    assert desk.order().status is S.CANCELED
    desk.broker.tell(execution(desk.order(), "4", "late", leg="SIM-2"))
    desk.pump()
    assert (desk.order().status, desk.order().filled_quantity) == (S.CANCELED, D(4))
    assert desk.strategy().position(ABC) == D(14)
    assert [line.level.value for line in desk.said(LogEvent.ORDER_ANOMALY)] == ["ERROR"]
    desk.check()


def test_F19_a_cancel_deletes_nothing_what_the_journal_held_before_it_holds_for_ever(tmp_path: Path) -> None:
    """A cancel deletes nothing: what the journal held before, it holds for ever, and the part that had filled stays a
    trade."""
    desk = Desk(tmp_path).open()
    before = b""

    def has_grown() -> bytes:
        now = b"".join(path.read_bytes() for path in segment_paths(desk.journal))
        assert now.startswith(before)
        assert len(now) > len(before)
        return now

    desk.act(bid)
    before = has_grown()
    thin_quote(desk, 98.5, 99.0, 4)
    before = has_grown()
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
    before = has_grown()
    assert (desk.order().status, desk.order().filled_quantity) == (S.CANCELED, D(4))
    desk.stop()
    before = has_grown()
    later = desk.again().open()
    before = has_grown()
    later.wait(86_400 - 43_200)  # past midnight, into a segment that opens with a snapshot
    assert len(segment_paths(desk.journal)) == 2
    before = has_grown()
    (trade,) = read_history(desk.journal, 0, 1 << 62).trades
    assert (trade.quantity, trade.price) == (D(4), D(99))
    assert [type(entry) for entry in entries(desk.journal, OrderCanceled)] == [OrderCanceled]
    later.check()


def test_F20_a_refused_cancel_is_not_fatal_the_order_is_asked_for_and_a_start_goes_on(
    tmp_path: Path,
) -> None:
    """A refused cancel is not fatal: the order is asked for, and a start that meets an ended order goes on."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    order_id = desk.order().client_order_id
    desk.broker.deafly(lambda: desk.quote(98.0, 98.5))
    desk.act(lambda strategy: strategy.cancel(order_id))
    (refused,) = desk.said(LogEvent.ORDER_CANCEL_REFUSED)
    assert "filled" in refused.message
    desk.wait(12)
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D(10))
    assert desk.modules.execution.cancel_order(order_id) is False
    second = desk.again().open()
    assert second.modules.execution.cancel_order(order_id) is False
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert second.order().status is S.FILLED
    second.check()


def test_F21_a_fill_between_a_cancel_and_its_confirmation_counts_and_one_of_nothing_does_not(tmp_path: Path) -> None:
    """A fill between a cancel and its confirmation counts, and one of nothing does not; the venue says how it ends."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    state = desk.order()
    desk.broker.held = []
    desk.act(lambda strategy: strategy.cancel(state.client_order_id))
    (confirmation,), desk.broker.held = desk.broker.held, None
    desk.broker.tell(execution(state, "0", "nothing"))
    desk.broker.tell(execution(state, "3", "something"))
    desk.pump()
    assert (desk.order().status, desk.order().filled_quantity) == (S.PENDING_CANCEL, D(3))
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(7)
    desk.broker.tell(confirmation)
    desk.pump()
    assert (desk.order().status, desk.order().filled_quantity) == (S.CANCELED, D(3))
    assert [fill.execution_id for fill in entries(desk.journal, OrderFilled)] == ["something"]
    assert desk.strategy().position(ABC) == D(3)
    desk.check()


async def test_F22_the_end_of_an_order_s_old_leg_is_not_the_order_s_end(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    """The end of an order's old leg is not the order's end: the new leg works on under our name, and its fills are
    ours."""
    new = order_json("x", id="N1", replaces=OLD, qty="12")
    venue.on("POST", "/v2/orders", Reply(order_json("t-1")))
    venue.on("PATCH", f"/v2/orders/{OLD}", Reply(new | {"status": "accepted"}))
    await broker.connect([])
    async with streaming(broker, recorder):
        broker.submit(make_order())
        await recorder.first(OrderAccepted)
        broker.modify(make_order(), OLD, OrderModification(quantity=D(12)))
        gone = order_json("t-1", status="replaced", replaced_by="N1")
        await venue.push(update_json("replaced", gone))
        await venue.push(update_json("canceled", gone | {"status": "canceled"}))
        await venue.push(update_json("expired", gone | {"status": "expired"}))
        part = new | {"status": "partially_filled", "filled_qty": "5"}
        await venue.push(update_json("partial_fill", part, execution_id="X1", price="100", qty="5"))
        await recorder.first(OrderFilled)
        await venue.push(update_json("canceled", new | {"status": "canceled", "filled_qty": "5"}))
        await recorder.first(OrderCanceled)
    kinds = [type(event).__name__ for event in recorder.events if not isinstance(event, OrderAccepted)]
    assert kinds == ["OrderStreamUp", "OrderReplaced", "OrderFilled", "OrderCanceled"]
    assert {event.client_order_id for event in recorder.of(OrderFilled)} == {"t-1"}
    assert recorder.of(OrderCanceled)[0].venue_order_id == "N1"


async def test_F23_a_new_quantity_is_the_order_s_total_what_had_filled_before_counts_in_it(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder, tmp_path: Path
) -> None:
    """A new quantity is the order's total: what had filled before counts in it, at the venue and here, and the larger
    of both totals stays inside the limits."""
    aapl = Symbol("AAPL")
    order = limit_order("t-1", "100")
    trader.submit(order)
    accepted = await recorder.first(OrderAccepted)
    quote(paper, aapl, 99.0, 99.5, 4.0)
    await recorder.first(OrderFilled)
    quote(paper, aapl, 99.0, 101.0)
    trader.modify(order, accepted.venue_order_id, OrderModification(quantity=D(12)))
    replaced = await recorder.first(OrderReplaced)
    assert replaced.quantity == D(12)
    quote(paper, aapl, 99.0, 99.5, 1000.0)
    await recorder.first(OrderFilled, 2)
    assert [fill.quantity for fill in recorder.of(OrderFilled)] == [D(4), D(8)]

    desk = Desk(tmp_path, "[risk]\nmax_position_quantity = 20\n").open()
    desk.act(bid)
    thin_quote(desk, 98.5, 99.0, 4)
    order_id = desk.order().client_order_id
    beyond = desk.modules.execution.modify_order(order_id, OrderModification(quantity=D(20)))
    assert DenialCode.POSITION_LIMIT in {breach.code for breach in beyond.breaches}
    assert desk.modules.execution.modify_order(order_id, OrderModification(quantity=D(12))).approved
    desk.pump()
    assert (desk.order().quantity, desk.order().open_quantity) == (D(12), D(8))
    desk.quote(98.0, 98.5)
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D(12))
    desk.check()


def test_F24_a_replace_that_was_carried_out_behind_a_lost_answer_is_in_doubt_and_found(tmp_path: Path) -> None:
    """A replace that was carried out behind a lost answer is in doubt at the worse of both terms, brings no third
    order, and is found."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        wish(7, Verb.BUY_LIMIT, 7, cents=50),
        staging.quote(7.1, 50.0),
        fault(9, F.REPLACE_ANSWER_LOST),
        fault(9, F.REPORT_LOST),
        *faults(30, 9, F.LOOKUP_FAILS),
        *faults(30, 9, F.SNAPSHOT_FAILS),
        wish(9.1, Verb.MODIFY, 4),  # the operator's `modify` takes 7 + 4 % 5 - 2
        wish(14, Verb.MODIFY, 3),
    )

    def in_doubt(story: Story) -> None:
        assert story.order().status is S.UNKNOWN
        assert story.books.portfolio.open_exposure(ABC).buy_quantity == 9
        assert len(story.world.venue.truth.orders()) == 2

    story.look(13, in_doubt)
    story.look(20, in_doubt)
    story.tell()
    assert len(story.entries(ReplaceUnknown)) == 1
    state = story.order()
    assert (state.status, state.quantity, list(state.venue_order_ids)) == (S.ACCEPTED, D(9), ["SIM-1", "SIM-2"])
    assert len(story.world.venue.truth.orders()) == 2


def test_F25_an_order_whose_cancel_never_ends_stays_counted_and_visible_with_an_alarm(tmp_path: Path) -> None:
    """An order whose cancel never ends stays counted and visible, with an alarm, for as long as the venue says
    nothing else."""
    broker = OddBroker(tmp_path, START)
    desk = Desk(tmp_path, venue=broker).open()
    desk.act(bid)
    broker.stalls = True
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
    desk.wait(3 * 3600)
    assert desk.order().status is S.PENDING_CANCEL
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert entries(desk.journal, OrderCanceled) == []
    (alarm,) = desk.said(LogEvent.ORDER_OVERDUE)
    assert (alarm.level.value, alarm.details["status"]) == ("ERROR", "PENDING_CANCEL")
    broker.stalls = False
    desk.modules.execution.cancel_order(desk.order().client_order_id)
    desk.pump()
    assert desk.order().status is S.CANCELED
    desk.check()


def test_F26_a_second_live_order_of_one_intent_is_cancelled_and_its_symbol_halted(tmp_path: Path) -> None:
    """A second live order of one intent, found after a lost connection, is cancelled, and its symbol halted with an
    alarm."""
    broker = OddBroker(tmp_path, START)
    desk = Desk(tmp_path, venue=broker).open()
    desk.act(bid)
    order_id = desk.order().client_order_id
    desk.stream_down()
    broker.deafly(lambda: broker.work_twice(order_id))

    def working() -> int:
        return sum(life.status.value == "WORKING" for life in broker._orders.values())

    assert working() == 2
    desk.stream_up()
    assert working() == 1
    desk.wait(5)
    assert desk.order().status is S.ACCEPTED
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    desk.wait(60)
    assert working() == desk.books.orders.open_count == 1
    (halted,) = entries(desk.journal, SymbolHalted)
    assert (halted.symbol, "SIM-" in halted.reason) == (ABC, True)
    assert len(desk.said(LogEvent.RISK_SYMBOL_HALTED)) == 1
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["SYMBOL_HALTED"]
    desk.check()


def test_F27_more_filled_than_ordered_is_booked_as_it_is_and_stops_new_risk_in_the_symbol(tmp_path: Path) -> None:
    """More filled than ordered is booked as it is, told, and stops new risk in the symbol, across a crash."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        wish(7, Verb.BUY, 7),
        staging.quote(7.1, 50.0),
        fault(9, F.OVERFILL),
        fault(11, F.CRASH),
        staging.quote(19, 50.0),
        wish(20, Verb.BUY, 2),
        staging.quote(20.1, 50.0),
        wish(22, Verb.SELL, 5),
        staging.quote(22.1, 50.0),
    )
    told = story.tell()
    assert told.restarts == 1
    assert story.order(0).filled_quantity == 8
    assert story.books.portfolio.quantity(ABC) == 3
    assert [entry.symbol for entry in story.entries(SymbolHalted)] == [ABC]
    (denied,) = story.entries(OrderDenied)
    assert (denied.order.quantity, denied.breaches[0].code) == (D(2), DenialCode.SYMBOL_HALTED)
    assert story.entries(OrderUnknown) == []


def test_F28_of_a_bracket_one_exit_works_at_a_time_and_when_both_fill_what_was_too_much_is_taken_back(
    tmp_path: Path,
) -> None:
    """Of a bracket one exit works at a time, for what is held, and when both fill after all what was too much is taken
    back with an alarm."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10), stop_loss=D(96), take_profit=D(104)))
    (stop,) = desk.books.orders.open
    assert (stop.order.leg, stop.quantity, stop.order.side.value) == ("stop", D(10), "SELL")
    thin_quote(desk, 104.0, 104.1, 4)
    desk.wait(2)
    states = {state.order.leg: state for state in desk.books.orders}
    assert (states["stop"].status, states["target"].filled_quantity) == (S.CANCELED, D(4))
    assert [state.order.leg for state in desk.books.orders.open] == ["target"]
    assert states["stop"].venue_order_id is not None
    late = execution(states["stop"], "10", "late", price="96", leg=states["stop"].venue_order_id)
    desk.broker.tell(late)
    desk.pump()
    desk.wait(5)
    assert desk.strategy().position(ABC) == 0
    assert desk.books.orders.open_count == 0
    back = desk.order()
    assert (back.order.leg, back.order.side.value, back.filled_quantity) == ("back", "BUY", D(4))
    assert any(line.level.value == "ERROR" and "taken back" in line.message for line in desk.lines)
    desk.check()
