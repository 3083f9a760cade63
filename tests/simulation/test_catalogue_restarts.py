"""D. Reconciliation and restart: what the fault catalogue says of books and a venue that do not tell the same."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from tests.brokers.alpaca.making_over_venue import limit_order
from tests.brokers.conftest import NOW_NS
from tests.brokers.scripted_venue import Drop, Recorder, Reply, ScriptedVenue
from tests.modules.desk import ABC, ONE, START, TWO, XYZ, Desk
from tests.modules.making import bid, outside
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import OddBroker, Story, codes, entries, fault, wish
from tradingd.assembly.adapters import check_account
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.entries import CashAdjusted, OrderIntended, PositionAdjusted, SymbolHalted
from tradingd.core.identifiers import EXTERNAL, ClientOrderId
from tradingd.core.log import LogEvent
from tradingd.core.market import MINUTE_NS, PriceBar
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderAccepted, OrderFilled, Side
from tradingd.core.venue_view import AccountInfo
from tradingd.errors import UsageError, VenueUnavailable
from tradingd.service.account_lock import AccountLock
from tradingd.venue.server import PaperVenue

D = Decimal
F = FaultKind
S = OrderStatus
FILLS = "/v2/account/activities/FILL"


@pytest.mark.parametrize("policy", ["adopt", "halt"])
def test_F36_nothing_is_sent_before_what_the_venue_holds_is_taken_in_once_with_its_cause_or_halts(
    tmp_path: Path, policy: str
) -> None:
    """Nothing is sent before what the venue holds beyond the journal is taken in, once and with its cause, or halts
    trading, as the policy says."""
    first = Desk(tmp_path).open()
    first.act(lambda strategy: strategy.buy(ABC, D(2)))
    first.stop()
    first.broker.deafly(outside(first, "hand-1", Side.BUY, "5"))
    desk = first.again(f'[execution]\nexternal = "{policy}"\n')
    desk.quote(99.5, 100.5)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    desk.stream_up()
    desk.wait(5)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == (["NOT_RECONCILED"] if policy == "adopt" else ["NOT_RECONCILED", "HALTED"])
    assert desk.books.portfolio.quantity_of(EXTERNAL, ABC) == D(5)
    assert desk.strategy().position(ABC) == (D(3) if policy == "adopt" else D(2))
    (adjusted,) = entries(desk.journal, PositionAdjusted)
    assert (adjusted.quantity, bool(adjusted.cause)) == (D(5), True)
    desk.wait(150)
    assert len(entries(desk.journal, PositionAdjusted)) == 1
    desk.check()


@pytest.mark.parametrize(
    "answer",
    [Reply(raw=b"", status=504, headers={"Retry-After": "0"}), Drop(), Reply(raw=b""), Reply({}), Reply(status=404)],
    ids=["504", "reset", "empty", "no list", "404"],
)
async def test_F37_a_question_that_failed_is_not_an_empty_answer_and_changes_nothing(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, tmp_path: Path, answer: Reply | Drop
) -> None:
    """A question that failed is not an empty answer, and changes nothing."""
    venue.on("GET", "/v2/orders", Reply([]))
    venue.on("GET", FILLS, Reply([]))
    venue.on("GET", "/v2/positions", Reply([]))
    await broker.connect([])
    assert (await broker.snapshot(NOW_NS)).positions == ()
    venue.on("GET", "/v2/positions", answer)
    with pytest.raises(VenueUnavailable):
        await broker.snapshot(NOW_NS)

    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.act(bid)
    before = desk.books.snapshot().orders
    desk.broker.unreachable = True
    desk.wait(200)
    assert len(desk.said(LogEvent.RECONCILE_FAILED)) > 3
    assert (desk.strategy().position(ABC), desk.books.snapshot().orders) == (D(10), before)
    assert entries(desk.journal, PositionAdjusted) == []


async def all_accepted(recorder: Recorder, names: set[ClientOrderId]) -> None:
    await recorder.wait(lambda: names <= {report.client_order_id for report in recorder.of(OrderAccepted)})


@pytest.mark.parametrize("count", [500, 503])
async def test_F38_a_list_of_orders_is_read_past_its_page_whether_or_not_the_page_was_exactly_full(
    paper: PaperVenue, trader: AlpacaBroker, recorder: Recorder, count: int
) -> None:
    """A list of orders is read past its page, whether or not the page was exactly full: no open order vanishes."""
    names = [ClientOrderId(f"t-{number}") for number in range(count)]
    for first in range(0, count, 16):  # few at a time: on a busy machine none is to run into its time limit
        for name in names[first : first + 16]:
            trader.submit(limit_order(name, "90", quantity="1"))
        await all_accepted(recorder, set(names[: first + 16]))
    assert {order.client_order_id for order in await trader.open_orders()} == set(names)
    assert {order.client_order_id for order in (await trader.snapshot(NOW_NS)).orders} == set(names)


def test_F39_a_snapshot_taken_before_a_fill_does_not_undo_the_fill(tmp_path: Path) -> None:
    """A snapshot taken before a fill, or across it, does not undo the fill."""
    for size in (0.1, 0.5, 0.9):
        folder = tmp_path / str(size)
        folder.mkdir()
        story = Story(
            folder,
            staging.quote(5, 50.0),
            fault(9, F.SNAPSHOT_TORN, size),
            fault(9, F.SNAPSHOT_STALE, 0.9),
            fault(9, F.STREAM_DOWN, 0.0),
            wish(8.9, Verb.BUY_LIMIT, 7, cents=10),
            staging.quote(8.95, 50.0),
            *(staging.quote(9.6 + step / 2, 49.8, size=2) for step in range(8)),
        )
        told = story.tell()
        assert told.injected["snapshot torn"] == told.injected["snapshot stale"] == 1
        assert story.books.portfolio.quantity(ABC) == 7
        assert story.entries(PositionAdjusted) == []
        assert story.entries(CashAdjusted) == []
        assert sum(fill.quantity for fill in story.entries(OrderFilled)) == 7


def test_F40_a_difference_that_never_comes_to_rest_is_not_corrected_for_ever_its_symbol_is_halted(
    tmp_path: Path,
) -> None:
    """A difference that never comes to rest is not corrected for ever: after some answers its symbol is halted, with
    the reason."""
    broker = OddBroker(tmp_path, START)
    desk = Desk(tmp_path, venue=broker).open()
    broker.invents = True
    desk.wait(100)
    (halted,) = entries(desk.journal, SymbolHalted)
    assert (halted.symbol, "answers in a row" in halted.reason) == (ABC, True)
    assert entries(desk.journal, PositionAdjusted) == []
    desk.wait(300)
    assert len(entries(desk.journal, SymbolHalted)) == 1
    assert len(broker.asked_since) < 500  # once a second at most
    broker.invents = False
    desk.wait(5)
    assert desk.modules.execution.reconciliation.reconciled
    desk.check()


def test_F41_a_correction_has_the_same_name_in_every_process_and_is_booked_once(tmp_path: Path) -> None:
    """A correction has the same name in every process that finds it, and is booked once however often the daemon
    starts."""
    first = Desk(tmp_path).open()
    first.act(lambda strategy: strategy.buy(ABC, D(2)))
    first.stop()
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(first.journal, copy / "journal")
    first.broker.deafly(outside(first, "hand-1", Side.BUY, "5"))
    names = []
    for folder in (tmp_path, copy):
        desk = Desk(folder, venue=first.broker, at=first.clock.now_ns()).open()
        for _ in range(3):
            desk.wait(5)
            desk = Desk(folder, venue=first.broker, at=desk.clock.now_ns()).open()
        names.append([entry.adjustment_id for entry in entries(desk.journal, PositionAdjusted)])
        names[-1] += [entry.adjustment_id for entry in entries(desk.journal, CashAdjusted)]
    assert names[0] == names[1] == ["ABC#1:2->7", "cash#1:99799->99296.5"]


def test_F42_a_start_calls_no_strategy_back_about_the_past_it_finds_its_position(
    tmp_path: Path,
) -> None:
    """A start calls no strategy back about the past that the journal holds: it finds its position, and bars of the
    past come as history."""
    desk = Desk(tmp_path).open()
    for _ in range(3):
        desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    desk.act(bid)
    desk.stop()
    second = desk.again()
    start = START - 10 * MINUTE_NS
    bars = [
        PriceBar(
            symbol=ABC,
            interval_ns=MINUTE_NS,
            ts_open=start + number * MINUTE_NS,
            open=100.0,
            high=100.0,
            low=100.0,
            close=100.0,
            volume=1.0,
            ts_event=start + (number + 1) * MINUTE_NS,
            ts_recv=start + (number + 1) * MINUTE_NS,
        )
        for number in range(3)
    ]
    second.modules.strategies.warm_up(ABC, MINUTE_NS, bars)
    second.stream_up()
    second.wait(5)
    assert second.strategy().kinds() == ["history"] * 3
    assert second.strategy().position(ABC) == D(3)
    assert second.strategy().working(ABC) == D(10)
    assert len(entries(second.journal, OrderIntended)) == 4
    second.check()


def test_F43_an_execution_belongs_to_the_order_that_it_names_never_to_one_of_the_same_symbol_and_time(
    tmp_path: Path,
) -> None:
    """An execution belongs to the order that it names, never to one of the same symbol and time."""
    desk = Desk(tmp_path).open()

    def unseen() -> None:
        desk.act(lambda strategy: strategy.buy(ABC, D(5)))
        desk.act(lambda strategy: strategy.sell(ABC, D(5), stop_price=D(97)))
        desk.quote(96.0, 96.5)  # the old trade's stop goes off ...
        desk.act(lambda strategy: strategy.sell(ABC, D(5)))  # ... as the opposite trade begins
        desk.act(lambda strategy: strategy.sell(ABC, D(5)), TWO)

    desk.broker.deafly(unseen)
    second = desk.again().open()
    second.wait(10)
    assert [state.status for state in second.books.orders] == [S.FILLED] * 4
    for state in second.books.orders:
        names = [name for name in state.executions if "@" not in name]
        assert names == [f"{state.venue_order_id}-1"]
    assert (second.strategy(ONE).position(ABC), second.strategy(TWO).position(ABC)) == (D(-5), D(-5))
    assert second.books.portfolio.quantity_of(EXTERNAL, ABC) == 0
    second.wait(70)
    assert entries(desk.journal, PositionAdjusted) == []
    second.check()


def test_F44_another_account_s_journal_is_refused_and_another_daemon_s_orders_are_external(tmp_path: Path) -> None:
    """Another account's journal is refused, one account has one daemon, and another daemon's orders are external even
    under our strategies' names."""
    desk = Desk(tmp_path).open()
    account = desk.broker.account()
    check_account(desk.books, account, desk.journal)

    def other(**changes: str) -> AccountInfo:
        return staging.changed(account, **changes)

    with pytest.raises(UsageError, match="is the journal of account SIM"):
        check_account(desk.books, other(account_id="SIM2"), desk.journal)
    held = AccountLock("paper", f"catalogue-{tmp_path}")
    try:
        with pytest.raises(UsageError, match="is traded by process"):
            AccountLock("paper", f"catalogue-{tmp_path}")
    finally:
        held.release()
    desk.broker.deafly(outside(desk, "one-zzzzzz1-1", Side.BUY, "5"))
    desk.broker.deafly(outside(desk, "two-zzzzzz1-2", Side.BUY, "3", symbol=XYZ, limit="40"))
    desk.wait(75)
    assert desk.books.portfolio.quantity_of(EXTERNAL, ABC) == D(5)
    assert [state.order.strategy_id for state in desk.books.orders] == [EXTERNAL]
    assert (desk.strategy(ONE).position(ABC), desk.strategy(TWO).working(XYZ)) == (D(0), D(0))
    desk.check()


def test_F45_a_quantity_that_jumps_as_in_a_split_blocks_its_symbol_until_somebody_confirms(tmp_path: Path) -> None:
    """A quantity that jumps overnight as in a split blocks its symbol for all that does not reduce, cancels what rests
    there, and stays so across restarts until somebody confirms."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.act(lambda strategy: strategy.sell(ABC, D(5), stop_price=D(95)))
    resting = desk.order().client_order_id
    desk.stop()
    cash = desk.broker.account().cash
    desk.broker.deafly(outside(desk, "split", Side.BUY, "30"))
    desk.broker._cash = cash  # a split costs nothing
    second = desk.again()
    second.stream_up()
    second.wait(10)
    (halted,) = entries(second.journal, SymbolHalted)
    assert "splits" in halted.reason
    (order,) = [state for state in second.books.orders if state.client_order_id == resting]
    assert order.status is S.CANCELED
    second.quote(99.5, 100.5)
    second.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(second) == ["SYMBOL_HALTED"]
    second.act(lambda strategy: strategy.sell(ABC, D(1)))
    assert second.order().status is S.FILLED
    third = second.again()
    third.stream_up()
    third.quote(99.5, 100.5)
    third.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(third) == ["SYMBOL_HALTED"]
    third.modules.risk.resume("anna")
    third.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert (third.order().status, third.books.portfolio.quantity(ABC)) == (S.FILLED, D(40))
    third.check()
