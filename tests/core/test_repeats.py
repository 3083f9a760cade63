"""How often the very same order may be asked for."""

from tests.core.making import S1, S2, order
from tradingd.core.repeats import WINDOW_NS, RefusalGuard, RepeatGuard


def test_the_same_order_is_one_too_many_only_past_the_limit_and_within_the_window() -> None:
    guard = RepeatGuard(3)
    assert [guard.count(order(f"s1-{n}"), n) for n in range(4)] == [False, False, False, True]
    assert not guard.count(order("s1-9"), WINDOW_NS + 1)


def test_another_price_quantity_or_strategy_is_another_order() -> None:
    guard = RepeatGuard(1)
    for other in (order(), order(quantity="11"), order(limit="99"), order(strategy=S2)):
        assert not guard.count(other, 0)
    assert guard.count(order(), 1)


def test_an_operator_lets_it_begin_again_for_one_strategy_or_all() -> None:
    guard = RepeatGuard(1)
    for _ in range(2):
        guard.count(order(), 0)
    guard.forget(S2)
    assert guard.count(order(), 0)
    guard.forget()
    assert not guard.count(order(), 0)


def test_zero_counts_nothing() -> None:
    guard = RepeatGuard(0)
    assert not any(guard.count(order(), 0) for _ in range(1000))


def test_what_has_gone_out_of_the_window_is_forgotten() -> None:
    guard = RepeatGuard(1)
    for number in range(1500):
        guard.count(order(quantity=str(number + 1)), number * WINDOW_NS)
    assert len(guard._asked) <= 1024


def test_refusals_are_counted_for_each_strategy_within_the_window() -> None:
    guard = RefusalGuard(2)
    assert not guard.full(S1, 0)
    guard.count(S1, 0)
    guard.count(S2, 0)
    assert not guard.full(S1, 0)
    guard.count(S1, 10)
    assert (guard.full(S1, 10), guard.full(S2, 10)) == (True, False)
    assert not guard.full(S1, WINDOW_NS)
    guard.count(S1, WINDOW_NS)
    assert guard.full(S1, WINDOW_NS)
    guard.forget()
    assert not guard.full(S1, WINDOW_NS)
