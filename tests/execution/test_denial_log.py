"""A refusal is a warning once and then counted."""

from decimal import Decimal

import pytest
from tests.core.making import ABC, S1, S2, order
from tests.runtime.listening import ListeningLog
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import Breach, DenialCode, Order, OrderDenied
from tradingd.execution.denial_log import MAX_KINDS, QUIET_NS, DenialLog
from tradingd.runtime.clock import SimulatedClock


class Levels(ListeningLog):
    """Keeps the levels as well."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[Level] = []

    def log_order(self, level: Level, event: LogEvent, message: str, order: Order, **details: object) -> None:
        self.levels.append(level)
        super().log_order(level, event, message, order, **details)


def denial(refused: Order, code: DenialCode = DenialCode.ORDER_VALUE) -> OrderDenied:
    breach = Breach(code=code, message="order value 12,000.00 is above max_order_value of account (10,000.00)")
    return OrderDenied(
        client_order_id=refused.client_order_id, ts_event=0, ts_recv=0, order=refused, breaches=(breach,)
    )


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(1_000 * NS_PER_SECOND)


def test_the_first_of_a_kind_is_a_warning_and_then_every_power_of_ten(clock: SimulatedClock) -> None:
    log = Levels()
    denials = DenialLog(log, clock)
    for number in range(120):
        denials.say(denial(order(quantity=str(100 + number))))
    assert log.levels == [Level.WARNING] * 3
    assert [details["count"] for details in log.details] == [1, 10, 100]
    assert log.messages[0] == (
        f"BUY 100 {ABC} market refused: order value 12,000.00 is above max_order_value of account (10,000.00)"
    )
    assert log.messages[2].endswith("(refused 100 times)")


def test_another_strategy_side_or_rule_is_another_kind(clock: SimulatedClock) -> None:
    log = Levels()
    denials = DenialLog(log, clock)
    denials.say(denial(order(strategy=S1)))
    denials.say(denial(order(strategy=S2)))
    denials.say(denial(order(), DenialCode.HALTED))
    assert log.levels == [Level.WARNING] * 3


def test_after_a_quiet_time_it_is_news_again(clock: SimulatedClock) -> None:
    log = Levels()
    denials = DenialLog(log, clock)
    denials.say(denial(order()))
    denials.say(denial(order()))
    clock.advance_to(clock.now_ns() + QUIET_NS + 1)
    denials.say(denial(order()))
    assert [details["count"] for details in log.details] == [1, 1]


def test_what_is_remembered_is_bounded(clock: SimulatedClock) -> None:
    log = Levels()
    denials = DenialLog(log, clock)
    for number in range(MAX_KINDS + 5):
        denials.say(denial(order(strategy=type(S1)(f"s{number}"), quantity=str(Decimal(1)))))
    before = len(log.messages)
    denials.say(denial(order(strategy=type(S1)("s0"))))
    assert len(log.messages) == before + 1
