"""The last gate before the wire."""

from tradingd.core.identifiers import ClientOrderId
from tradingd.runtime.latch import Latch

A, B = ClientOrderId("a"), ClientOrderId("b")


def test_it_is_closed_by_each_who_says_so_and_opened_by_the_same() -> None:
    latch = Latch()
    assert latch.refusal(A) is None
    latch.close("halt", "too hot")
    latch.close("stop", "stopping")
    assert latch.refusal(A) == "too hot; stopping"
    latch.open("halt")
    assert latch.refusal(A) == "stopping"
    latch.open("stop")
    latch.open("stop")
    assert latch.refusal(A) is None


def test_an_order_that_closes_a_position_passes() -> None:
    latch = Latch()
    latch.close("halt", "too hot")
    latch.let_pass(A)
    assert (latch.refusal(A), latch.refusal(B)) == (None, "too hot")
