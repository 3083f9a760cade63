"""How long a strategy's callbacks may take."""

from tests.runtime.listening import ListeningLog
from tradingd.core.identifiers import StrategyId
from tradingd.core.log import LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.strategies.callback_budget import MAX_SLOW, WINDOW_NS, CallbackBudget

BUDGET = NS_PER_SECOND // 4


def pace() -> tuple[CallbackBudget, ListeningLog]:
    log = ListeningLog()
    return CallbackBudget(StrategyId("s"), BUDGET, log), log


def test_a_slow_callback_is_told_once_a_minute() -> None:
    slow, log = pace()
    for second in (0, 10, 59, 61):
        assert slow.over("on_bar", BUDGET + 1, second * NS_PER_SECOND) is None
    assert log.events == [LogEvent.STRATEGY_SLOW] * 2


def test_one_that_holds_everything_up_is_one_too_many() -> None:
    slow, _ = pace()
    failure = slow.over("on_tick", 30 * NS_PER_SECOND, 0)
    assert failure is not None
    assert failure.summary == "on_tick held everything up for 30.0 s"


def test_many_within_a_minute_are_too_many_and_spread_out_they_are_not() -> None:
    slow, _ = pace()
    often = [slow.over("on_tick", BUDGET + 1, number) for number in range(MAX_SLOW + 1)]
    assert [failure is None for failure in often] == [True] * MAX_SLOW + [False]
    seldom, _ = pace()
    step = WINDOW_NS // MAX_SLOW
    assert all(seldom.over("on_tick", BUDGET + 1, number * step) is None for number in range(3 * MAX_SLOW))
