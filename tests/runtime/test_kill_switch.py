"""The last gate before the wire."""

from tradingd.core.identifiers import ClientOrderId
from tradingd.runtime.kill_switch import HALT, STOP, KillSwitch

A, B = ClientOrderId("a"), ClientOrderId("b")


def test_it_is_closed_by_each_who_says_so_and_opened_by_the_same() -> None:
    kill_switch = KillSwitch()
    assert kill_switch.refusal(A) is None
    kill_switch.close("halt", "too hot")
    kill_switch.close("stop", "stopping")
    assert kill_switch.refusal(A) == "too hot; stopping"
    kill_switch.open("halt")
    assert kill_switch.refusal(A) == "stopping"
    kill_switch.open("stop")
    kill_switch.open("stop")
    assert kill_switch.refusal(A) is None


def test_an_order_that_closes_a_position_passes_whom_it_was_let_pass() -> None:
    kill_switch = KillSwitch()
    kill_switch.close(HALT, "too hot")
    kill_switch.let_pass(A, HALT)
    assert (kill_switch.refusal(A), kill_switch.refusal(B)) == (None, "too hot")
    kill_switch.close(STOP, "stopping")
    assert kill_switch.refusal(A) == "stopping"
    kill_switch.let_pass(B, HALT, STOP)
    assert kill_switch.refusal(B) is None
    kill_switch.forget(B)
    assert kill_switch.refusal(B) == "too hot; stopping"


def test_an_order_that_is_held_back_does_not_leave_and_the_others_do() -> None:
    kill_switch = KillSwitch()
    kill_switch.hold(A, "AAPL is halted")
    assert (kill_switch.refusal(A), kill_switch.refusal(B)) == ("AAPL is halted", None)
    kill_switch.forget(A)
    assert kill_switch.refusal(A) is None
