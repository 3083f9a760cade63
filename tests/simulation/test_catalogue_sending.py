"""A. Sending an order: what the fault catalogue says of answers that are lost, early, wrong or missing."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.brokers.alpaca.making import make_order
from tests.brokers.alpaca.making_over_venue import AAPL, limit_order, quote
from tests.brokers.scripted_venue import Drop, Recorder, Reply, ScriptedVenue, Seen, order_json, update_json
from tests.core import making
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, Desk, late_acknowledgement
from tests.modules.making import bid
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import Story, codes, entries, execution, fault, faults, thin_quote, wish
from tests.simulation.streaming import streaming
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.alpaca.model import ALPACA
from tradingd.brokers.simulated.model import SIMULATED
from tradingd.core.broker_model import BrokerModel, refusals
from tradingd.core.entries import HaltReleased, OrderIntended
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.instruments import default_instrument
from tradingd.core.log import LogEvent
from tradingd.core.order_state import NOT_AT_VENUE, OrderStatus, apply_report, intend
from tradingd.core.orders import (
    DenialCode,
    OrderAccepted,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    OrderTerms,
    OrderType,
    OrderUnknown,
    Side,
)
from tradingd.venue.server import PaperVenue

D = Decimal
F = FaultKind
S = OrderStatus
ORDERS = "/v2/orders"
BY_CLIENT_ID = "/v2/orders:by_client_order_id"


def test_F01_a_submit_without_an_answer_stays_unknown_and_counted_at_full_size(
    tmp_path: Path,
) -> None:
    """A submit without an answer stays unknown and counted at full size, and its symbol takes no new risk, until the
    venue shows its order; then it goes on with what is true."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        fault(9, F.SUBMIT_ANSWER_LOST),
        *faults(2, 9, F.REPORT_LOST),
        *faults(60, 9, F.LOOKUP_FAILS),
        *faults(60, 9, F.SNAPSHOT_FAILS),
        wish(9.1, Verb.BUY, 7),
        staging.quote(9.2, 50.0),
        wish(20, Verb.BUY, 1),
        staging.quote(20.1, 50.0),
    )

    def in_doubt(story: Story) -> None:
        assert story.order().status is S.UNKNOWN
        assert story.books.portfolio.open_exposure(ABC).buy_quantity == 7
        assert story.world.venue.truth.quantity(ABC) == 7

    story.look(15, in_doubt)
    story.look(40, in_doubt)
    story.tell()
    assert (story.order().status, story.books.portfolio.quantity(ABC)) == (S.FILLED, D(7))
    assert len(story.sent()) == len(story.entries(OrderIntended)) == 1
    (denied,) = story.entries(OrderDenied)
    assert [breach.code for breach in denied.breaches] == [DenialCode.ORDER_IN_DOUBT]


async def test_F02_an_order_is_sent_once_a_second_send_has_the_same_id_which_being_taken_proves_the_first(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    """An order is sent once, whatever breaks; a second send on purpose has the same id, which being taken proves
    that the first arrived."""
    taken = Reply({"code": 40010001, "message": "client_order_id must be unique"}, 422)
    venue.on("POST", ORDERS, Drop(), taken)
    venue.on("GET", BY_CLIENT_ID, Reply(order_json("t-1")))
    await broker.connect([])
    broker.submit(make_order())
    await recorder.first(OrderUnknown)
    assert await broker.find_order(ClientOrderId("t-1")) is not None
    assert len(venue.requests("POST", ORDERS)) == 1
    broker.submit(make_order())
    await recorder.first(OrderAccepted)
    first, second = venue.requests("POST", ORDERS)
    assert first.body == second.body
    assert recorder.of(OrderRejected) == []


async def test_F03_an_id_is_never_used_again_and_one_that_the_venue_calls_taken_is_looked_up(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, tmp_path: Path
) -> None:
    """An id is never used again, not after a cancel nor after a restart, and one that the venue calls taken is looked
    up under that id."""
    desk = Desk(tmp_path).open()
    for _ in range(3):
        desk.act(bid)
        desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
        assert desk.order().status is S.CANCELED
    second = desk.again().open()
    second.act(bid)
    names = [order.client_order_id for order, _ in desk.broker.seen]
    assert len(names) == len(set(names)) == 4

    venue.on("POST", ORDERS, Reply({"code": 40010001, "message": "client_order_id must be unique"}, 422))
    venue.on("GET", BY_CLIENT_ID, Reply(order_json("t-1", status="canceled")))
    await broker.connect([])
    broker.submit(make_order())
    await recorder.first(OrderUnknown)
    assert [seen.query for seen in venue.requests("GET", BY_CLIENT_ID)] == [{"client_order_id": "t-1"}]
    assert len(venue.requests("POST", ORDERS)) == 1


def test_F04_a_lookup_right_after_the_submit_says_that_there_is_no_such_order_nothing_is_sent_again(
    tmp_path: Path,
) -> None:
    """A lookup right after the submit says that there is no such order: nothing is sent again, and the order is
    found."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        fault(9, F.SUBMIT_ANSWER_LOST),
        fault(9, F.REPORT_LOST),
        *faults(9, 9, F.LOOKUP_LAGS),
        *faults(6, 9, F.SNAPSHOT_FAILS),
        wish(9.1, Verb.BUY_LIMIT, 7, cents=100),
        staging.quote(9.2, 50.0),
    )
    outcome = story.tell()
    assert outcome.injected["lookup lags"] >= 3
    assert story.entries(OrderRejected) == []
    assert len(story.sent()) == 1
    assert (story.order().status, len(story.order().venue_order_ids)) == (S.ACCEPTED, 1)


def test_F05_an_order_that_filled_before_it_was_first_asked_for_is_found_filled_never_taken_for_rejected(
    tmp_path: Path,
) -> None:
    """An order that filled before it was first asked for is found filled: until then it is in doubt, with an alarm,
    and never taken for rejected."""
    desk = Desk(tmp_path).open()
    desk.broker.deafly(lambda: desk.act(lambda strategy: strategy.buy(ABC, D(10))))
    assert [order.status.value for order in desk.broker._orders.values()] == ["FILLED"]
    desk.broker.unreachable = True
    desk.wait(300)
    assert desk.order().status is S.PENDING_SUBMIT
    assert len(desk.said(LogEvent.ORDER_OVERDUE)) == 1
    desk.broker.unreachable = False
    desk.wait(5)
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D(10))
    assert entries(desk.journal, OrderRejected) == []
    desk.check()


def test_F06_a_fill_before_the_acknowledgement_counts_at_once_and_the_late_one_moves_nothing_back(
    tmp_path: Path,
) -> None:
    """A fill before the acknowledgement counts at once, and the late one moves nothing back."""
    desk = Desk(tmp_path).open()
    desk.broker.slow = []
    desk.act(bid)
    order = desk.order().order
    desk.broker.tell(execution(desk.order(), "4", "e1"))
    desk.pump()
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.ACCEPTED, D(4))
    desk.broker.deafly(lambda: desk.act(lambda strategy: strategy.cancel(order.client_order_id)))
    assert desk.order().status is S.PENDING_CANCEL
    desk.broker.tell(late_acknowledgement(order, "SIM-1", desk.clock.now_ns()))
    desk.pump()
    assert (desk.order().status, desk.order().filled_quantity) == (S.PENDING_CANCEL, D(4))
    desk.broker.tell(execution(desk.order(), "6", "e2"))
    desk.broker.tell(late_acknowledgement(order, "SIM-1", desk.clock.now_ns()))
    desk.pump()
    assert (desk.order().status, desk.strategy().position(ABC)) == (S.FILLED, D(10))
    desk.check()


def test_F07_executions_alone_move_quantities_no_status_has_to_come_and_none_adds_anything(tmp_path: Path) -> None:
    """Executions alone move quantities: no status word has to come, and none adds anything."""
    desk = Desk(tmp_path).open()
    desk.broker.slow = []
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    order = desk.order().order
    desk.broker.tell(execution(desk.order(), "3", "e1"))
    desk.broker.tell(execution(desk.order(), "7", "e2"))
    desk.pump()
    assert desk.strategy().kinds()[-2:] == ["fill", "fill"]
    assert desk.order().status is S.FILLED
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.broker.tell(late_acknowledgement(desk.order().order, "SIM-2", desk.clock.now_ns()))
    for _ in range(2):
        desk.broker.tell(late_acknowledgement(order, "SIM-1", desk.clock.now_ns()))
    desk.pump()
    assert (desk.order().status, desk.order().filled_quantity) == (S.ACCEPTED, D(0))
    assert desk.strategy().position(ABC) == D(10)
    desk.check()


async def test_F08_a_fill_told_twice_counts_once_and_one_without_a_price_overwrites_none(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    """A fill told twice counts once, and one without a price overwrites none: it is told, and asked for."""
    await broker.connect([])
    async with streaming(broker, recorder):
        part = order_json("t-1", status="partially_filled", filled_qty="4")
        done = order_json("t-1", status="filled", filled_qty="10")
        await venue.push(update_json("partial_fill", part, execution_id="X1", price="100", qty="4"))
        await venue.push(update_json("fill", done, execution_id="X2", price="101", qty="6"))
        await venue.push(update_json("fill", done, execution_id="X2", price="0", qty="10"))
        await venue.push(update_json("fill", done, execution_id="X2", price=None, qty="6"))
        await venue.push(update_json("fill", done, execution_id="X2", price="101", qty="6"))
        await recorder.first(OrderFilled, 3)
    state = intend(make_order())
    for report in recorder.of(OrderFilled):
        state = apply_report(state, report).state
    assert (state.filled_quantity, state.average_price, state.status) == (D(10), D("100.6"), S.FILLED)
    assert [problem[0] for problem in recorder.problems] == ["broker.fill_incomplete"] * 2


async def test_F09_an_execution_is_booked_with_its_own_quantity_never_the_cumulative_one(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder
) -> None:
    """An execution is booked with its own quantity, never the cumulative one; the sum is what the venue says has
    filled."""
    trader.submit(limit_order("t-1", "100"))
    await recorder.first(OrderAccepted)
    for number, size in enumerate((4.0, 3.0, 9.0), start=1):
        quote(paper, AAPL, 99.0, 99.5, size)
        await recorder.first(OrderFilled, number)
        quote(paper, AAPL, 99.0, 101.0)
    fills = recorder.of(OrderFilled)
    assert [fill.quantity for fill in fills] == [D(4), D(3), D(3)]
    assert [fill.cum_quantity for fill in fills] == [D(4), D(7), D(10)]
    found = await trader.find_order(ClientOrderId("t-1"))
    assert found is not None
    assert found.filled_quantity == sum(fill.quantity for fill in fills)
    state = intend(make_order())
    for fill in fills:
        state = apply_report(state, fill).state
    for nothing in ("0", "-3"):
        state = apply_report(state, making.filled(nothing, order_id="t-1", execution=f"odd{nothing}")).state
    assert (state.filled_quantity, state.status) == (D(10), S.FILLED)


async def test_F10_an_answer_without_an_order_proves_nothing_until_a_lookup_does(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, tmp_path: Path
) -> None:
    """An answer of success without an order in it proves nothing until a lookup does, and is kept as it came."""
    venue.on("POST", ORDERS, Reply({"status": "queued", "note": "soft reject"}))
    await broker.connect([])
    broker.submit(make_order())
    await recorder.first(OrderUnknown)
    (problem,) = recorder.problems
    assert problem[0] == "broker.answer_unreadable"
    assert "soft reject" in problem[2]["raw"]
    assert await broker.find_order(ClientOrderId("t-1")) is None
    assert [type(event) for event in recorder.events] == [OrderUnknown]

    desk = Desk(tmp_path).open()
    desk.broker.loses_orders = True
    desk.broker.unreachable = True
    desk.act(bid)
    desk.wait(100)
    assert desk.order().status is S.UNKNOWN
    desk.broker.unreachable = False
    desk.wait(6)
    assert (desk.order().status, desk.order().reject_code) == (S.REJECTED, NOT_AT_VENUE)
    assert len(desk.broker.seen) == 1
    desk.check()


async def test_F11_orders_sent_at_once_get_a_verdict_each(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    """Orders sent at once get a verdict each: one refused, one unanswered and one taken do not touch one another."""
    answers = {
        "t-1": Reply({"code": 40310000, "message": "insufficient buying power"}, 403),
        "t-2": Reply(raw=b"", status=504),
        "t-3": Reply(order_json("t-3", id="V3")),
    }

    def answer(seen: Seen) -> Reply:
        return answers[seen.json["client_order_id"]]

    venue.on("POST", ORDERS, answer)
    await broker.connect([])
    for name in answers:
        broker.submit(make_order(client_order_id=ClientOrderId(name)))
    await recorder.wait(lambda: len(recorder.events) == 3)
    for name, verdict in (("t-1", OrderRejected), ("t-2", OrderUnknown), ("t-3", OrderAccepted)):
        assert [event.client_order_id for event in recorder.of(verdict)] == [name]
    assert len(venue.requests("POST", ORDERS)) == 3


def test_F12_an_order_refused_here_never_leaves_and_the_journal_holds_the_verdict(tmp_path: Path) -> None:
    """An order refused here never leaves, also one stopped after its intent was written, and the journal holds the
    verdict with its code."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D(150)))
    desk.modules.execution._kill_switch.close("drill", "the gate falls")
    desk.act(bid)
    assert desk.broker.seen == []
    (denied,) = entries(desk.journal, OrderDenied)
    assert denied.breaches[0].code is DenialCode.PRICE_COLLAR
    assert denied.order.terms.limit_price == D(150)
    (intended,), (stopped,) = entries(desk.journal, OrderIntended), entries(desk.journal, OrderRejected)
    assert (stopped.client_order_id, stopped.code) == (intended.order.client_order_id, "not_sent")
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == 0
    desk.check()


def test_F13_a_price_off_the_tick_of_its_own_height_is_rounded_away_from_the_market_or_refused(
    tmp_path: Path,
) -> None:
    """A price off the tick of its own height is rounded away from the market, never through the limit, or refused."""
    desk = Desk(tmp_path, "[risk]\nprice_collar_pct = 100\nmax_position_value = 1000000\n").open()
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D("41.085")))
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D("0.98765")))
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D("99.499")))
    desk.act(lambda strategy: strategy.sell(ABC, D(1), limit_price=D("141.085")))
    sent = [order.terms.limit_price for order, _ in desk.broker.seen]
    assert sent == [D("41.08"), D("0.9876"), D("99.49"), D("141.09")]
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D("41.085"))
    wrong = make_order(symbol=ABC, terms=terms)
    off = refusals(SIMULATED, wrong, default_instrument(ABC), position=D(0), working=())
    assert [breach.code for breach in off] == [DenialCode.PRICE_TICK]


def test_F14_a_quantity_that_rounds_to_nothing_is_refused_and_asking_on_stops_the_strategy(tmp_path: Path) -> None:
    """A quantity that rounds to nothing is refused, and asking on and on stops the strategy."""
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 4\n").open()
    for _ in range(8):
        desk.act(lambda strategy: strategy.sell(ABC, D("0.0000000001")))
    assert codes(desk) == ["QUANTITY_INVALID"] * 4 + ["REPEATED_ORDER"]
    assert desk.broker.seen == []
    assert list(desk.books.quarantined) == [ONE]
    desk.check()


def test_F15_a_strategy_that_sends_the_same_order_again_is_stopped_until_a_named_operator_resumes(
    tmp_path: Path,
) -> None:
    """A strategy that sends the same order again and again is stopped, across restarts, until a named operator
    resumes."""
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\n").open()

    def again(strategy: Acting) -> None:
        strategy.on_next["fill"] = again
        strategy.buy(ABC, D(1))

    desk.act(again)  # its view never changes: every fill asks for the next
    assert desk.books.portfolio.quantity_of(ONE, ABC) == D(3)
    for _ in range(2):
        desk = desk.again().open()
        desk.modules.execution.handle(staging.signal_to_buy(ABC))
        assert entries(desk.journal, OrderDenied)[-1].breaches[0].code is DenialCode.STRATEGY_QUARANTINED
        assert desk.books.portfolio.quantity_of(ONE, ABC) == D(3)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)), TWO)
    assert desk.books.portfolio.quantity_of(TWO, ABC) == D(1)
    desk.modules.risk.resume("anna")
    desk.modules.execution.resume()
    desk.modules.strategies.resume()
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.books.portfolio.quantity_of(ONE, ABC) == D(4)
    assert [entry.operator for entry in entries(desk.journal, HaltReleased)] == ["anna"]
    desk.check()


@pytest.mark.parametrize("model", [SIMULATED, ALPACA], ids=["any venue", "no self-cross"])
def test_F16_an_exit_is_sent_when_its_entry_has_filled_for_what_has_filled_and_never_ahead_of_it(
    tmp_path: Path, model: BrokerModel
) -> None:
    """An exit is sent when its entry has filled, for what has filled, and never ahead of it; one by hand that could
    meet the entry is refused."""
    desk = Desk(tmp_path)
    desk.broker.model = model
    desk.open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(99), stop_loss=D(95)))
    assert [order.side for order, _ in desk.broker.seen] == [Side.BUY]
    thin_quote(desk, 98.5, 99.0, 4)
    assert desk.strategy().position(ABC) == D(4)
    if model is ALPACA:
        desk.act(lambda strategy: strategy.sell(ABC, D(4), stop_price=D(98)))
        assert codes(desk) == ["SELF_CROSS"]
        assert len(desk.broker.seen) == 1
    desk.act(lambda strategy: strategy.cancel(desk.order(0).client_order_id))
    exits = [state for state in desk.books.orders if state.order.side is Side.SELL]
    assert [(state.status, state.quantity, state.terms.stop_price) for state in exits] == [(S.ACCEPTED, D(4), D(95))]
    desk.quote(94.0, 94.5)
    desk.wait(5)
    assert desk.strategy().position(ABC) == 0
    assert all(order.side is not Side.SELL or order.quantity <= 4 for order, _ in desk.broker.seen)
    desk.check()
