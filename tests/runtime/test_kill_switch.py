"""The last gate before the wire."""

from tradingd.core.identifiers import ClientOrderId
from tradingd.runtime.kill_switch import HALT, STOP, KillSwitch

A, B = ClientOrderId("a"), ClientOrderId("b")


def test_it_is_closed_by_each_who_says_so_and_opened_by_the_same() -> None:
    latch = KillSwitch()
    assert latch.refusal(A) is None
    latch.close("halt", "too hot")
    latch.close("stop", "stopping")
    assert latch.refusal(A) == "too hot; stopping"
    latch.open("halt")
    assert latch.refusal(A) == "stopping"
    latch.open("stop")
    latch.open("stop")
    assert latch.refusal(A) is None


def test_an_order_that_closes_a_position_passes_whom_it_was_let_pass() -> None:
    latch = KillSwitch()
    latch.close(HALT, "too hot")
    latch.let_pass(A, HALT)
    assert (latch.refusal(A), latch.refusal(B)) == (None, "too hot")
    latch.close(STOP, "stopping")
    assert latch.refusal(A) == "stopping"
    latch.let_pass(B, HALT, STOP)
    assert latch.refusal(B) is None
    latch.forget(B)
    assert latch.refusal(B) == "too hot; stopping"


def test_an_order_that_is_held_back_does_not_leave_and_the_others_do() -> None:
    latch = KillSwitch()
    latch.hold(A, "AAPL is halted")
    assert (latch.refusal(A), latch.refusal(B)) == ("AAPL is halted", None)
    latch.forget(A)
    assert latch.refusal(A) is None
