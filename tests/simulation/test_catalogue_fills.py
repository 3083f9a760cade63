"""C. Fills and identities: what the fault catalogue says of executions that come twice, late, or for somebody else."""

from decimal import Decimal
from pathlib import Path

import msgspec
from tests.modules.desk import ABC, ONE, TWO, XYZ, Desk
from tests.modules.making import bid, outside
from tests.simulation.staging import entries, execution, thin_quote
from tradingd.core.entries import CashAdjusted, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, ExecutionId
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import FeeReported, OrderFilled, OrderTerms, OrderType, Side, TimeInForce
from tradingd.journal.history import read_history

D = Decimal
S = OrderStatus


def held_reports(desk: Desk) -> list[OrderFilled]:
    """The executions that the stream holds back."""
    assert desk.broker.held is not None
    return [event for event in desk.broker.held if isinstance(event, OrderFilled)]


def test_F29_executions_that_a_reconnect_tells_again_count_once_also_after_a_restart(tmp_path: Path) -> None:
    """Executions that a reconnect tells again count once, also after a restart and in another order."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    told: list[OrderFilled] = []
    for size in (4, 3, 9):
        desk.broker.held = []
        thin_quote(desk, 98.5, 99.0, size)
        told += held_reports(desk)
        desk.broker.release()
        desk.pump()
    assert len(told) == 3
    for run in range(3):
        for event in (*reversed(told), *told, told[run]):
            desk.broker.sink(event)
        desk.pump()
        assert desk.strategy().position(ABC) == D(10)
        assert desk.books.portfolio.cash == D(100_000) - D(990)
        desk.stream_down()
        desk.stream_up()
        desk = desk.again().open()
    assert [fill.execution_id for fill in entries(desk.journal, OrderFilled)] == [fill.execution_id for fill in told]
    desk.check()


def test_F30_a_fill_that_comes_by_the_stream_and_by_a_question_under_two_names_counts_once(tmp_path: Path) -> None:
    """A fill that comes by the stream and by a question under two names counts once, whichever comes first."""
    desk = Desk(tmp_path).open()

    def renamed(fill: OrderFilled) -> OrderFilled:
        return msgspec.structs.replace(fill, execution_id=ExecutionId(f"stream-{fill.execution_id}"))

    desk.broker.held = []
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    (first,), desk.broker.held = held_reports(desk), None
    desk.broker.sink(renamed(first))
    desk.wait(75)
    desk.broker.held = []
    desk.act(lambda strategy: strategy.buy(ABC, D(5)))
    (second,) = held_reports(desk)
    desk.wait(75)  # the question is answered while the stream is silent
    desk.broker.held = None
    assert desk.strategy().position(ABC) == D(15)
    desk.broker.sink(renamed(second))
    desk.wait(75)
    assert [fill.execution_id for fill in entries(desk.journal, OrderFilled)] == ["stream-SIM-1-1", "SIM-2-1"]
    assert desk.strategy().position(ABC) == D(15)
    assert entries(desk.journal, PositionAdjusted) == []
    desk.check()


def test_F31_one_execution_id_over_several_of_our_orders_is_an_execution_of_each(tmp_path: Path) -> None:
    """One execution id over several of our orders is an execution of each of them, once."""
    desk = Desk(tmp_path).open()
    desk.broker.held = []
    desk.act(bid)
    desk.act(bid, TWO)
    desk.quote(98.0, 98.5)
    events, desk.broker.held = desk.broker.held, None
    fills = 0
    for event in events:
        if isinstance(event, OrderFilled):
            fills += 1
            event = msgspec.structs.replace(event, execution_id=ExecutionId("T-1"))  # noqa: PLW2901 - its new name
            desk.broker.sink(event)
        desk.broker.sink(event)
    desk.pump()
    assert fills == 2
    assert [state.status for state in desk.books.orders] == [S.FILLED, S.FILLED]
    assert (desk.strategy(ONE).position(ABC), desk.strategy(TWO).position(ABC)) == (D(10), D(10))
    desk.wait(75)
    second = desk.again().open()
    assert second.books.portfolio.quantity(ABC) == D(20)
    assert len(read_history(desk.journal, 0, 1 << 62).trades) == 2
    assert entries(desk.journal, PositionAdjusted) == []
    second.check()


def test_F32_an_execution_of_an_order_that_nobody_here_knows_is_told_and_its_position_booked_as_external(
    tmp_path: Path,
) -> None:
    """An execution of an order that nobody here knows is told, and its position booked as external: never dropped."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(3)))
    outside(desk, "somebody-7", Side.BUY, "5")()
    desk.pump()
    told = desk.said(LogEvent.ORDER_FOREIGN)
    assert told
    assert {line.level.value for line in told} == {"WARNING"}
    assert all("somebody-7" in line.message for line in told)
    desk.wait(5)
    assert desk.books.portfolio.quantity_of(EXTERNAL, ABC) == D(5)
    assert desk.strategy().position(ABC) == D(3)
    assert desk.books.portfolio.cash == desk.broker.account().cash
    (adjusted,) = entries(desk.journal, PositionAdjusted)
    assert (adjusted.quantity, bool(adjusted.cause)) == (D(5), True)
    desk.check()


def test_F33_an_order_by_other_hands_is_never_taken_for_ours_however_alike_and_counts_in_risk(tmp_path: Path) -> None:
    """An order by other hands is never taken for ours, however alike: it is external, visible, and counts in risk."""
    desk = Desk(tmp_path, "[risk]\nmax_position_quantity = 25\n").open()
    desk.act(bid)
    mine = desk.order()
    desk.broker.deafly(outside(desk, "", Side.BUY, "10", limit="99"))  # same symbol, side, size and price
    desk.wait(12)
    theirs = desk.order()
    assert (theirs.order.strategy_id, theirs.venue_order_id) == (EXTERNAL, "SIM-2")
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(20)
    more = desk.modules.risk.validate_order(msgspec.structs.replace(mine.order, quantity=D(6)), desk.books.portfolio)
    assert [breach.code.value for breach in more.breaches] == ["POSITION_LIMIT"]
    thin_quote(desk, 98.5, 99.0, 14)  # ours is first in the queue, theirs gets the rest
    desk.wait(75)
    assert desk.strategy().position(ABC) == D(10)
    assert desk.books.portfolio.quantity_of(EXTERNAL, ABC) == D(4)
    assert desk.strategy().kinds().count("fill") == 1
    desk.check()


def test_F35_a_fee_that_comes_after_its_fill_is_pending_until_it_is_told_a_rebate_counts_as_one(
    tmp_path: Path,
) -> None:
    """A fee that comes after its fill is pending until it is told, or until the venue's cash shows it; a rebate
    counts as one, and the ledger balances at every step."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.books.portfolio.check()
    assert desk.order().fees == 0
    desk.broker._cash -= D("0.35")
    desk.wait(130)
    (late,) = entries(desk.journal, CashAdjusted)
    assert late.amount == D("-0.35")
    assert desk.books.portfolio.cash == desk.broker.account().cash
    desk.books.portfolio.check()
    fill = execution(desk.order(), "1", "told-later", price="101", leg="SIM-1")
    desk.broker._cash -= D(101) + D("0.50")
    desk.broker.tell(msgspec.structs.replace(fill, fee_pending=True))
    desk.pump()
    desk.wait(70)  # the venue has taken what it has not told: no correction of cash meanwhile
    assert desk.order().fees_pending == (fill.execution_id,)
    assert len(entries(desk.journal, CashAdjusted)) == 1
    told = FeeReported(
        client_order_id=fill.client_order_id,
        execution_id=fill.execution_id,
        fee=D("0.50"),
        ts_event=fill.ts_event,
        ts_recv=fill.ts_recv,
    )
    for report in (told, told, msgspec.structs.replace(told, fee=D("0.45"))):
        desk.broker.tell(report)
        desk.pump()
        desk.books.portfolio.check()
    assert (desk.order().fees_pending, desk.order().fees) == ((), D("0.45"))
    assert [trade.fee for trade in read_history(desk.journal, 0, 1 << 62).trades][-1] == D("0.45")
    desk.broker._cash += D("0.05")
    desk = desk.again().open()
    assert desk.order().fees == D("0.45")
    desk.broker.slow = []
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(50), time_in_force=TimeInForce.GTC)
    desk.act(lambda strategy: strategy.buy(XYZ, D(4), limit_price=terms.limit_price))
    before = desk.books.portfolio.cash
    desk.broker.tell(execution(desk.order(), "4", "maker", price="50", leg="SIM-2", fee="-0.12"))
    desk.pump()
    assert desk.books.portfolio.cash == before - D(200) + D("0.12")
    assert (desk.order().fees, desk.order().average_price) == (D("-0.12"), D(50))
    desk.books.portfolio.check()
    desk.check()
