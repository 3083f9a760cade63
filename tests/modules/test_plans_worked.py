"""What the venue does not offer, patience and algorithms at the desk, with a restart between any two steps."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.modules.desk import ABC
from tests.modules.planning import ALPACA, RISK, Action, Trading, bracket
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, StrategyId
from tradingd.core.instruments import AssetClass
from tradingd.core.market import NS_PER_SECOND, TradeTick
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderType, Side, TimeInForce
from tradingd.core.signals import FollowUp, Remainder, Reprice, Twap

D = Decimal
S = OrderStatus


# -- what the venue does not offer ------------------------------------------------------------------------------------


def without(*kinds: OrderType) -> BrokerModel:
    rules = ALPACA.by_class[AssetClass.EQUITY]
    pairs = frozenset(pair for pair in rules.pairs if pair[0] not in kinds)
    equity = msgspec.structs.replace(rules, pairs=pairs)
    return msgspec.structs.replace(ALPACA, by_class={**ALPACA.by_class, AssetClass.EQUITY: equity})


def test_a_stop_is_watched_where_the_venue_has_none(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.STOP))
    trading.act(lambda one: one.buy(ABC, D(10), stop_price=D(105)))
    assert (trading.legs, trading.plans) == ([], 1)
    trading.print(104)
    assert trading.legs == []
    trading.print(105)
    assert trading.legs == [("entry", "10", "10", S.FILLED)]
    assert trading.plans == 0


def test_a_trailing_stop_is_watched_where_the_venue_has_none(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.TRAILING_STOP))
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.sell(ABC, D(10), trail_amount=D(2)))
    trading.print(100)
    trading.wait(2)
    trading.print(104)
    trading.wait(2)
    trading.print(102.5)
    assert trading.position == 10
    trading.print(102)
    assert trading.is_over


def test_protection_is_watched_where_no_stop_can_rest(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.STOP))
    trading.act(bracket)
    assert trading.legs == [("entry", "10", "10", S.FILLED)]
    trading.quote(94, 95)
    assert trading.legs[1:] == [("exit", "10", "10", S.FILLED)]
    assert trading.is_over


def test_an_order_good_till_a_time_is_cancelled_then(trading: Trading) -> None:
    until = trading.desk.clock.now_ns() + 20 * NS_PER_SECOND
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(90), expires=until))
    assert trading.leg("entry").terms.time_in_force is TimeInForce.GTC
    trading.wait(10)
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.wait(11)
    assert trading.legs == [("entry", "10", "0", S.CANCELED)]
    assert trading.plans == 0


def test_an_order_across_zero_goes_in_two(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.sell(ABC, D(15), limit_price=D(101)))
    assert trading.legs == [("part1", "10", "0", S.ACCEPTED)]
    trading.quote(101, 102)
    assert trading.legs[0] == ("part1", "10", "10", S.FILLED)
    assert trading.legs[1:] == [("part2", "5", "5", S.FILLED)]
    assert (trading.position, trading.plans) == (D(-5), 0)


# -- patience ---------------------------------------------------------------------------------------------------------

PATIENT = RISK + '[[strategies]]\nid = "patient"\nclass = "tests.modules.acting:Acting"\nsymbols = ["ABC"]\n'


@pytest.mark.parametrize("action", ["cancel", "reprice", "market"])
def test_a_limit_order_does_not_work_for_ever(tmp_path: Path, action: str, restarts: bool) -> None:
    config = PATIENT + f'unfilled_timeout_s = 10\nunfilled_action = "{action}"\n'
    trading = Trading(tmp_path, restarts=restarts, config=config)
    trading.desk.act(lambda one: one.buy(ABC, D(10), limit_price=D(98)), trading_id("patient"))
    trading.step()
    trading.wait(5)
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.see(TradeTick(symbol=ABC, price=97.9, size=4.0, ts_event=trading.now, ts_recv=trading.now))
    trading.wait(16)
    match action:
        case "cancel":
            assert trading.legs == [("entry", "10", "4", S.CANCELED)]
        case "reprice":
            assert trading.legs == [("entry", "10", "4", S.ACCEPTED)]
            assert trading.leg("entry").terms.limit_price == D("99.5")
        case _:
            assert trading.legs == [("entry", "10", "4", S.CANCELED), ("rest", "6", "6", S.FILLED)]
    assert trading.plans == (1 if action == "reprice" else 0)


def trading_id(name: str) -> StrategyId:
    return StrategyId(name)


# -- algorithms -------------------------------------------------------------------------------------------------------


def test_a_twap_sends_its_slices_over_its_time(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=30, slices=3)))
    assert trading.legs == [("slice1", "3", "3", S.FILLED)]
    trading.wait(10)
    trading.wait(10)
    assert [state.filled_quantity for state in trading.desk.books.orders] == [3, 3, 4]
    assert trading.plans == 0


def test_a_twap_that_missed_slices_does_not_hurry(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=50, slices=5, remainder=Remainder.CANCEL)))
    trading.desk.stream_down()
    trading.desk.wait(25)
    trading.desk.stream_up()
    trading.wait(30)
    assert [state.quantity for state in trading.desk.books.orders] == [2, 2, 2, 2]
    assert (trading.position, trading.plans) == (D(8), 0)


def test_repricing_follows_the_touch_within_its_bound(trading: Trading) -> None:
    algorithm = Reprice(interval_s=1, max_chase_pct=D(1), timeout_s=60, remainder=Remainder.MARKET)
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=algorithm))
    assert trading.leg("entry").terms.limit_price == D("99.5")
    trading.wait(2)
    trading.quote(100, 101)
    trading.wait(2)
    assert trading.leg("entry").terms.limit_price == D(100)
    trading.quote(102, 103)
    trading.wait(2)
    assert trading.leg("entry").terms.limit_price == D(101)  # one percent above where it began
    trading.wait(60)
    assert trading.legs == [("entry", "10", "0", S.CANCELED), ("rest", "10", "10", S.FILLED)]
    assert trading.plans == 0


# -- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        lambda one: one.buy(ABC, D(10), take_profit=D(90)),
        lambda one: one.buy(ABC, D(10), stop_loss=D(110)),
        lambda one: one.buy(ABC, D(10), take_profit=D(101), stop_loss=D(102)),
        lambda one: one.buy(ABC, D(10), stop_trail_amount=D(1), stop_trail_percent=D(1)),
        lambda one: one.buy(ABC, D(10), stop_loss=D(90), stop_trail_percent=D(1)),
        lambda one: one.buy(ABC, D(10), stop_loss_limit=D(90)),
        lambda one: one.buy(ABC, D(10), stop_loss=D("NaN")),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=10, slices=0)),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=-1, slices=2)),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=5, slices=3)),
        lambda one: one.buy(ABC, D(10), algorithm="VWAP"),
        lambda one: one.buy(ABC, D(10), algorithm=Reprice(timeout_s=float("nan"))),
        lambda one: one.buy(ABC, D(10), limit_price=D(99), algorithm=Reprice(timeout_s=5)),
        lambda one: one.buy(ABC, D(10), then=FollowUp(side=Side.SELL, quantity=D(0))),
        lambda one: one.protect(ABC),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(tmp_path: Path, wish: Action) -> None:
    trading = Trading(tmp_path)
    if "protect" in wish.__code__.co_names:
        trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(wish)
    assert set(trading.denials()) == {DenialCode.ORDER_TERMS}
    assert trading.plans == 0


def test_names_of_nobody_cancel_nothing(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    assert not trading.desk.modules.execution.cancel_order(ClientOrderId("nobody"))
