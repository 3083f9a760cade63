"""A strategy that asks for the same order again and again is stopped, alone, until an operator has looked."""

from decimal import Decimal
from pathlib import Path

from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, Desk
from tradingd.core.orders import DenialCode, OrderDenied

D = Decimal


def buy(strategy: Acting) -> None:
    strategy.buy(ABC, D(1))


def codes(desk: Desk) -> list[DenialCode]:
    heard = [report for _, report in desk.strategy().heard if isinstance(report, OrderDenied)]
    return [denial.breaches[0].code for denial in heard]


def test_the_runaway_is_stopped_also_after_a_restart_and_its_neighbour_trades_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\n").open()
    for _ in range(6):
        desk.act(buy)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == D(3)
    assert codes(desk)[0] is DenialCode.REPEATED_ORDER
    assert "again and again" in desk.books.quarantined[ONE].reason
    desk.act(buy, TWO)
    assert desk.books.portfolio.quantity_of(TWO, ABC) == D(1)
    second = desk.again().open()
    assert ONE in second.books.quarantined
    second.modules.risk.resume("me")
    second.modules.execution.resume()
    second.modules.strategies.resume()
    second.act(buy)
    assert second.books.portfolio.quantity_of(ONE, ABC) == D(4)


def test_an_order_that_is_refused_each_time_counts_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\n").open()
    for _ in range(4):
        desk.act(lambda strategy: strategy.sell(ABC, D(0)))
    assert codes(desk) == [DenialCode.QUANTITY_INVALID] * 3 + [DenialCode.REPEATED_ORDER]
    assert ONE in desk.books.quarantined
