"""Every type of order from a strategy to the venue and back, and what is refused on the way."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, TWO, Desk
from tradingd.brokers.alpaca.model import ALPACA
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.log import LogEvent
from tradingd.core.market import NS_PER_SECOND, TradeTick
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderDenied, OrderType, ReplaceRefused, TimeInForce

D = Decimal
S = OrderStatus


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "[risk]\nprice_collar_pct = 50\n").open()


def trade(desk: Desk, price: float) -> None:
    now = desk.clock.now_ns()
    desk.modules.data.ingest(TradeTick(symbol=ABC, price=price, size=1000, ts_event=now, ts_recv=now))
    desk.pump()


def denials(desk: Desk) -> list[DenialCode]:
    report = desk.strategy().heard[-1][1]
    assert isinstance(report, OrderDenied)
    return [breach.code for breach in report.breaches]


def trail(strategy: Acting) -> None:
    strategy.sell(ABC, D(10), trail_amount=D(2), time_in_force=TimeInForce.GTC)


def test_a_trailing_stop_protects_a_position(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    trade(desk, 100)
    desk.act(trail)
    state = desk.order()
    assert (state.status, state.terms.order_type, state.terms.stop_price) == (
        S.ACCEPTED,
        OrderType.TRAILING_STOP,
        None,
    )
    trade(desk, 104)
    desk.act(lambda strategy: strategy.modify(state.client_order_id, trail_amount=D(3)))
    assert (desk.order().terms.trail_amount, desk.order().terms.stop_price) == (D(3), D(101))
    trade(desk, 101)
    assert desk.order().status is S.FILLED
    assert desk.strategy().position(ABC) == 0
    desk.check()


def test_a_buy_that_trails_is_counted_at_where_its_stop_begins(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10), trail_percent=D(10)))
    assert desk.order().order.working_price == D("110")
    assert desk.books.portfolio.reserved_value() == D("1100")
    desk.check()


def test_an_order_good_till_a_date_ends_there(desk: Desk) -> None:
    end = desk.clock.now_ns() + 5 * NS_PER_SECOND
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(90), expires=end))
    desk.wait(5)
    desk.quote(80, 81)
    assert (desk.order().status, desk.order().filled_quantity) == (S.EXPIRED, D(0))
    desk.check()


def test_a_strategy_changes_its_own_order(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(90)))
    name = desk.order().client_order_id
    desk.act(lambda strategy: strategy.modify(name, quantity=D(7), limit_price=D("91.009")))
    state = desk.order()
    assert (state.quantity, state.terms.limit_price, state.venue_order_ids) == (D(7), D("91.00"), ("SIM-1", "SIM-2"))
    desk.check()


def test_a_strategy_cannot_change_the_order_of_another(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(90)))
    name = desk.order().client_order_id
    desk.act(lambda strategy: strategy.modify(name, limit_price=D(91)), TWO)
    desk.act(lambda strategy: strategy.modify(ClientOrderId("nobody"), limit_price=D(91)))
    assert desk.order().venue_order_ids == ("SIM-1",)
    assert desk.strategy(TWO).kinds() == desk.strategy(TWO).kinds()[:2]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"limit_price": D(300)}, DenialCode.PRICE_COLLAR),
        ({"limit_price": D(0)}, DenialCode.PRICE_INVALID),
        ({"limit_price": D("NaN")}, DenialCode.PRICE_INVALID),
        ({"quantity": D(0)}, DenialCode.QUANTITY_INVALID),
        ({"quantity": D("NaN")}, DenialCode.QUANTITY_INVALID),
        ({"stop_price": D(90)}, DenialCode.ORDER_TERMS),
        ({"trail_percent": D(5)}, DenialCode.ORDER_TERMS),
    ],
)
def test_new_terms_that_may_not_be_are_refused_and_the_order_goes_on(
    desk: Desk, changes: dict[str, Decimal], code: DenialCode
) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(90)))
    before = desk.order()
    desk.act(lambda strategy: strategy.modify(before.client_order_id, **changes))
    kind, report = desk.strategy().heard[-1]
    assert kind == "ReplaceRefused"
    assert isinstance(report, ReplaceRefused)
    assert report.reason
    assert desk.order() is before
    assert desk.said(LogEvent.ORDER_REPLACE_REFUSED)[-1].details["codes"] == [code]
    desk.check()


def test_new_terms_of_an_order_that_is_over_are_refused(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    name = desk.order().client_order_id
    desk.act(lambda strategy: strategy.modify(name, quantity=D(20)))
    assert desk.strategy(ONE).kinds()[-1] == "ReplaceRefused"
    assert desk.order().status is S.FILLED


def test_what_the_venue_would_refuse_does_not_leave(desk: Desk) -> None:
    desk.broker.model = ALPACA
    desk.act(lambda strategy: strategy.buy(ABC, D("1.5"), time_in_force=TimeInForce.GTC))
    assert denials(desk) == [DenialCode.LOT]
    desk.act(lambda strategy: strategy.buy(ABC, D(1), stop_price=D(105), time_in_force=TimeInForce.FOK))
    assert denials(desk) == [DenialCode.TIME_IN_FORCE]
    desk.act(lambda strategy: strategy.buy(ABC, D(1), extended_hours=True))
    assert denials(desk) == [DenialCode.EXTENDED_HOURS]
    assert desk.broker.seen == []


def test_the_account_does_not_cross_zero_or_itself_where_the_venue_refuses_that(desk: Desk) -> None:
    desk.broker.model = ALPACA
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    desk.act(lambda strategy: strategy.sell(ABC, D(10), limit_price=D(120)))
    desk.act(lambda strategy: strategy.sell(ABC, D(15)))
    assert denials(desk) == [DenialCode.ZERO_CROSSING]
    desk.act(lambda strategy: strategy.sell(ABC, D(1)))
    assert denials(desk) == [DenialCode.ZERO_CROSSING]
    desk.act(lambda strategy: strategy.buy(ABC, D(1), limit_price=D(120)))
    assert denials(desk) == [DenialCode.SELF_CROSS]
    desk.modules.execution.flatten()
    desk.pump()
    assert desk.strategy().position(ABC) == 0


def test_terms_that_contradict_themselves_are_named(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.sell(ABC, D(1), trail_amount=D(1), trail_percent=D(1)))
    assert denials(desk) == [DenialCode.ORDER_TERMS]
    desk.act(lambda strategy: strategy.sell(ABC, D(1), trail_amount=D(1), limit_price=D(90)))
    assert denials(desk) == [DenialCode.ORDER_TERMS]
