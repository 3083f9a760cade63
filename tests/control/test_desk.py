"""An operator's commands, carried out on real modules."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, XYZ, Desk
from tests.modules.making import unwritable
from tradingd.control.desk import OperatorDesk
from tradingd.control.requests import CommandRequest
from tradingd.control.views import CommandResult
from tradingd.core.entries import HaltEngaged, OperatorCommand, ScopeHalted, ScopeReleased
from tradingd.core.identifiers import StrategyId
from tradingd.core.log import LogEvent
from tradingd.core.orders import DenialCode, OrderDenied, Side
from tradingd.core.scopes import Scope
from tradingd.journal.segments import read_records

D = Decimal


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One holds 10 ABC and 4 XYZ, two holds 5 ABC; each has an order that rests."""
    desk = Desk(tmp_path).open()
    for strategy, quantity in ((ONE, D(10)), (TWO, D(5))):
        desk.act(lambda acting, quantity=quantity: acting.buy(ABC, quantity), strategy)  # type: ignore[misc]
        desk.act(lambda acting: acting.buy(ABC, D(1), limit_price=D(99)), strategy)
    desk.act(lambda acting: acting.buy(XYZ, D(4)))
    return desk


def give(desk: Desk, command: str, *, is_up: bool = True, **what: Any) -> CommandResult:
    """Give one command and follow it through."""
    operators = OperatorDesk(settings=desk.settings, books=desk.books, modules=desk.modules, is_up=lambda: is_up)
    request = CommandRequest(command=command, operator="ann", uid=1000, **what)
    result = operators.carry_out(request)
    desk.pump()
    return result


def test_the_short_id_of_a_list_names_an_order(desk: Desk) -> None:
    (working, *_) = [state for state in desk.books.orders.open if state.order.strategy_id == ONE]
    result = give(desk, "cancel", order_id=working.client_order_id.removeprefix(f"{ONE}-"))
    assert (result.done, result.orders_working) == (True, (working.client_order_id,))
    nobody = give(desk, "cancel", order_id="nobody")
    assert (nobody.done, "there is no order nobody" in nobody.message) == (False, True)


def held(desk: Desk) -> dict[tuple[StrategyId, str], Decimal]:
    return {key: line.quantity for key, line in desk.books.portfolio.lines.items() if line.quantity}


def written(desk: Desk, kind: type) -> list[object]:
    return [record.entry for record in read_records(desk.journal, whole=True) if isinstance(record.entry, kind)]


def denial(desk: Desk, strategy: StrategyId = ONE) -> list[DenialCode]:
    """Codes of the last refusal that a strategy heard."""
    report = desk.strategy(strategy).heard[-1][1]
    return [breach.code for breach in report.breaches] if isinstance(report, OrderDenied) else []


def buy(acting: Acting) -> None:
    acting.buy(ABC, D(2))


@pytest.mark.parametrize(
    ("what", "stopped"),
    [
        ({"strategy": "one"}, {(ONE, ABC), (ONE, XYZ)}),
        ({"symbol": "ABC"}, {(ONE, ABC), (TWO, ABC)}),
        ({"strategy": "one", "symbol": "ABC"}, {(ONE, ABC)}),
    ],
    ids=["a strategy", "a symbol", "both"],
)
def test_a_halt_of_a_scope_stops_entries_there_and_lets_reductions_pass(
    desk: Desk, what: dict[str, Any], stopped: set[tuple[StrategyId, str]]
) -> None:
    result = give(desk, "halt", reason="odd fills", **what)
    assert (result.done, result.already) == (True, False)
    for strategy, symbol in ((ONE, ABC), (TWO, ABC), (ONE, XYZ)):
        desk.act(lambda acting, symbol=symbol: acting.buy(symbol, D(2)), strategy)  # type: ignore[misc]
        expected = [DenialCode.SCOPE_HALTED] if (strategy, symbol) in stopped else []
        assert denial(desk, strategy) == expected
        desk.act(lambda acting, symbol=symbol: acting.sell(symbol, D(1)), strategy)  # type: ignore[misc]
        assert denial(desk, strategy) == []
    desk.check()
    again = give(desk, "halt", **what)
    assert (again.done, again.already) == (True, True)
    assert "halted already (odd fills)" in again.message


def test_a_halt_of_a_scope_outlives_the_process_until_exactly_it_is_resumed(desk: Desk, tmp_path: Path) -> None:
    give(desk, "halt", strategy="one", symbol="ABC")
    give(desk, "halt", symbol="XYZ")
    second = desk.again().open()
    second.act(buy)
    assert denial(second) == [DenialCode.SCOPE_HALTED]
    missed = give(second, "resume", strategy="one")
    assert (missed.already, missed.lifted) == (True, ())
    assert "still halted: ABC of strategy one, XYZ" in missed.message
    lifted = give(second, "resume", strategy="one", symbol="ABC")
    assert lifted.lifted == ("the halt of ABC of strategy one (operator)",)
    second.act(buy)
    assert denial(second) == []
    assert list(second.books.halted_scopes) == [Scope(symbol=XYZ)]
    everything = give(second, "resume")
    assert everything.lifted == ("the halt of XYZ (operator)",)
    assert give(second, "resume").message == "the account is not halted: nothing was to be lifted"
    second.check()


def test_a_resume_while_a_limit_is_broken_says_that_it_is_halted_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_order_value = 50000\nmax_position_value = 50000\nmax_daily_loss = 100\n").open()
    desk.act(lambda acting: acting.buy(ABC, D(100)))
    desk.wait(1)
    desk.quote(90, 90.5)
    desk.wait(1)
    assert desk.modules.risk.halted is not None
    result = give(desk, "resume", reason="I have looked")
    assert result.lifted
    assert "a limit is still broken" in result.message
    assert len(result.left) == 1
    assert desk.modules.risk.halted in result.left[0]
    desk.check()


def test_a_strategy_that_is_quarantined_is_resumed_alone(desk: Desk) -> None:
    def broken(acting: Acting) -> None:
        raise RuntimeError("broken")

    for strategy in (ONE, TWO):
        desk.strategy(strategy).on_next["tick"] = broken
    desk.quote(99.5, 100.5)
    assert set(desk.books.quarantined) == {ONE, TWO}
    result = give(desk, "resume", strategy="one")
    assert len(result.lifted) == 1
    assert "the quarantine of one" in result.lifted[0]
    assert set(desk.books.quarantined) == {TWO}
    desk.act(buy)
    assert denial(desk) == []


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ({"strategy": "one"}, {(TWO, ABC): D(5)}),
        ({"symbol": "ABC"}, {(ONE, XYZ): D(4)}),
        ({"strategy": "one", "symbol": "ABC"}, {(ONE, XYZ): D(4), (TWO, ABC): D(5)}),
    ],
    ids=["a strategy", "a symbol", "both"],
)
@pytest.mark.parametrize("command", ["close", "flatten"])
def test_closing_a_scope_leaves_the_rest_alone_and_does_not_open_again(
    desk: Desk, command: str, what: dict[str, Any], left: dict[tuple[StrategyId, str], Decimal]
) -> None:
    scope = CommandRequest(**what).scope
    result = give(desk, command, reason="home", **what)
    assert result.done
    assert held(desk) == left
    working = {state.order.strategy_id for state in desk.books.orders.open}
    assert working == {strategy for strategy in (ONE, TWO) if not scope.covers(strategy, ABC)}
    assert not desk.modules.execution.closing
    assert list(desk.books.halted_scopes) == [scope]
    assert desk.modules.risk.halted is None
    desk.check()
    again = give(desk, command, **what)
    assert (again.done, again.already) == (True, True)


def test_what_is_closed_without_a_halt_may_open_again(desk: Desk) -> None:
    result = give(desk, "close", strategy="two", halt=False)
    assert "it may open positions again" in result.message
    desk.act(buy, TWO)
    assert held(desk)[TWO, ABC] == 2


def test_a_close_waits_for_the_confirmed_cancel_before_it_sells(desk: Desk) -> None:
    desk.broker.loses_commands = True
    give(desk, "close", strategy="two")
    assert list(desk.modules.execution.closing) == [Scope(TWO)]
    assert held(desk)[TWO, ABC] == 5
    assert not [order for order, _ in desk.broker.seen if order.side is Side.SELL]
    desk.broker.loses_commands = False
    desk.wait(30)
    assert (TWO, ABC) not in held(desk)
    assert not desk.modules.execution.closing


def test_two_closings_at_a_time_end_both(desk: Desk) -> None:
    desk.broker.held = []
    give(desk, "close", strategy="two")
    give(desk, "close", symbol="XYZ")
    assert set(desk.modules.execution.closing) == {Scope(TWO), Scope(symbol=XYZ)}
    desk.broker.release()
    desk.pump()
    assert held(desk) == {(ONE, ABC): D(10)}


def test_flatten_closes_everything_and_halts_the_account(desk: Desk) -> None:
    give(desk, "flatten", reason="home")
    assert (held(desk), desk.books.orders.open) == ({}, ())
    assert desk.modules.risk.halted == "flatten: home"


def test_cancels_by_scope_name_what_they_concern(desk: Desk) -> None:
    orders = {state.order.strategy_id: state.client_order_id for state in desk.books.orders.open}
    result = give(desk, "cancel-all", strategy="two")
    assert result.orders_working == (orders[TWO],)
    assert [state.client_order_id for state in desk.books.orders.open] == [orders[ONE]]
    none = give(desk, "cancel-all", symbol="XYZ")
    assert (none.already, none.message) == (True, "no order of XYZ is working")
    one = give(desk, "cancel", order_id=orders[ONE])
    assert one.orders_working == (orders[ONE],)
    again = give(desk, "cancel", order_id=orders[ONE])
    assert (again.done, again.already) == (True, True)
    assert "is CANCELED already" in again.message
    filled = next(state.client_order_id for state in desk.books.orders if state.status == "FILLED")
    assert "has filled" in give(desk, "cancel", order_id=filled).message
    assert not give(desk, "cancel", order_id=filled).done


@pytest.mark.parametrize(
    ("command", "what", "said"),
    [
        ("halt", {"strategy": "onne"}, "there is no strategy onne (did you mean one?)"),
        ("close", {"symbol": "abc"}, "there is no symbol abc (did you mean ABC?)"),
        ("close", {}, "close needs a strategy or a symbol"),
        ("cancel", {"order_id": "nobody-1"}, "there is no order nobody-1"),
    ],
)
def test_what_is_not_known_is_refused_with_what_was_meant(
    desk: Desk, command: str, what: dict[str, Any], said: str
) -> None:
    result = give(desk, command, **what)
    assert not result.done
    assert said in result.message
    assert desk.modules.risk.halted is None
    assert desk.books.halted_scopes == {}


def test_every_command_is_journaled_with_operator_and_reason(desk: Desk) -> None:
    for command in ("halt", "resume", "close", "cancel-all", "flatten"):
        give(desk, command, strategy="one", reason=f"why {command}")
    given = [entry for entry in written(desk, OperatorCommand) if isinstance(entry, OperatorCommand)]
    assert [entry.command for entry in given] == ["halt", "resume", "close", "cancel-all", "flatten"]
    assert {(entry.operator, entry.uid, entry.strategy_id) for entry in given} == {("ann", 1000, ONE)}
    assert [entry.reason for entry in given] == [f"why {entry.command}" for entry in given]
    assert desk.said(LogEvent.CONTROL_COMMAND)[0].message == "operator command: halt strategy one by ann: why halt"
    desk.check()
    assert len(written(desk, ScopeHalted)) == 2
    assert len(written(desk, ScopeReleased)) == 1


def test_before_the_venue_is_reached_only_halt_and_resume_work(desk: Desk) -> None:
    for command in ("flatten", "close", "cancel", "cancel-all"):
        result = give(desk, command, is_up=False, strategy="one", order_id="x")
        assert (result.done, result.message.split(":")[0]) == (False, "the daemon is starting")
    assert give(desk, "halt", is_up=False).done
    assert give(desk, "resume", is_up=False).lifted == ("the halt of the account (operator)",)
    assert len(written(desk, HaltEngaged)) == 1


def test_a_journal_that_takes_nothing_stops_no_halt(desk: Desk) -> None:
    """The halt is in force at once, and written as soon as that is possible."""
    with unwritable(desk):
        assert give(desk, "halt", strategy="one").done
    assert "and it is carried out all the same" in desk.said(LogEvent.CONTROL_COMMAND)[-1].message
    assert "THE JOURNAL COULD NOT BE WRITTEN" in desk.said(LogEvent.RISK_SCOPE_HALTED)[-1].message
    assert list(desk.books.halted_scopes) == [Scope(ONE)]
    desk.wait(2)
    assert len(written(desk, ScopeHalted)) == 1
    desk.check()
