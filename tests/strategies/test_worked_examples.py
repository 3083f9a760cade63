"""The strategies that come with the program."""

from decimal import Decimal

import pytest
from pydantic import ValidationError
from tests.core.making import order, rejected
from tests.strategies.staging import ABC, Stage
from tradingd.core.identifiers import StrategyId
from tradingd.core.orders import OrderDenied
from tradingd.strategies.buy_and_hold import BuyAndHold, BuyAndHoldParams
from tradingd.strategies.mean_reversion import MeanReversion, MeanReversionParams
from tradingd.strategies.sma_cross import SmaCross, SmaCrossParams

ME = StrategyId("me")


def cross(*, long_only: bool = True) -> Stage:
    return Stage(SmaCross(ME, [ABC], SmaCrossParams(fast=2, slow=3, quantity=Decimal(10), long_only=long_only)))


def bands(*, long_only: bool = True) -> Stage:
    params = MeanReversionParams(window=4, width=1.0, quantity=Decimal(10), long_only=long_only)
    return Stage(MeanReversion(ME, [ABC], params))


def test_the_cross_holds_while_the_fast_mean_is_above() -> None:
    stage = cross()
    assert stage.show(10, 10) == []
    assert stage.show(12) == [("BUY", 10)]
    assert stage.show(13, 14) == []
    assert stage.show(5) == [("SELL", 10)]
    assert stage.show(4, 3) == []
    assert stage.held == 0


def test_the_cross_goes_short_where_it_may() -> None:
    stage = cross(long_only=False)
    assert stage.show(10, 10, 8) == [("SELL", 10)]
    assert stage.show(20) == [("BUY", 20)]
    assert stage.held == 10


def test_history_readies_the_means_and_decides_nothing() -> None:
    stage = cross()
    assert stage.strategy.warmup == 3
    for close in (10, 10, 12):
        stage.strategy.on_history(stage.bar(close))
    assert stage.signals == []
    assert stage.show(13) == [("BUY", 10)]


def test_a_cross_does_not_ask_twice_for_what_is_under_way() -> None:
    stage = cross()
    stage.fills = False
    assert stage.show(10, 10, 12, 13, 14) == [("BUY", 10)]
    assert stage.show(5, 4) == [("SELL", 10)]


def test_reversion_buys_below_the_band_and_leaves_at_the_middle() -> None:
    stage = bands()
    assert stage.show(100, 100, 100) == []
    assert stage.show(90) == [("BUY", 10)]
    assert stage.show(91) == []
    assert stage.show(100) == [("SELL", 10)]
    assert stage.strategy.state == {"round_turns": 1}
    assert stage.show(120) == [], "long only"


def test_reversion_shorts_above_the_band_where_it_may() -> None:
    stage = bands(long_only=False)
    assert stage.show(100, 100, 100, 110) == [("SELL", 10)]
    assert stage.show(99) == [("BUY", 10)]


def test_a_market_that_does_not_move_is_no_signal() -> None:
    assert bands(long_only=False).show(*[100.1] * 20) == []


def test_round_turns_are_counted_on_from_the_run_before() -> None:
    params = MeanReversionParams(window=4, width=1.0, quantity=Decimal(10))
    stage = Stage(MeanReversion(ME, [ABC], params), {"round_turns": 4})
    stage.show(100, 100, 100, 90, 100)
    assert stage.strategy.state == {"round_turns": 5}


def test_buy_and_hold_buys_once_also_after_a_restart() -> None:
    stage = Stage(BuyAndHold(ME, [ABC], BuyAndHoldParams(quantity=Decimal(7))))
    assert stage.show(1, 2, 3) == [("BUY", 7)]
    again = Stage(BuyAndHold(ME, [ABC], BuyAndHoldParams(quantity=Decimal(7))), dict(stage.strategy.state))
    assert again.show(4, 5) == []


def test_buy_and_hold_tries_again_after_a_refusal() -> None:
    stage = Stage(BuyAndHold(ME, [ABC], BuyAndHoldParams(quantity=Decimal(7))))
    stage.fills = False
    stage.show(1)
    stage.under_way = Decimal(0)
    denied = OrderDenied(client_order_id=order().client_order_id, ts_event=1, ts_recv=1, order=order(), breaches=())
    stage.strategy.on_order(denied)
    assert stage.show(2) == [("BUY", 7)]
    stage.under_way = Decimal(0)
    stage.strategy.on_order(rejected())
    assert stage.show(3) == [("BUY", 7)]


@pytest.mark.parametrize(
    "params",
    [{"fast": 3, "slow": 3}, {"fast": 0}, {"quantity": Decimal(0)}, {"quantity": Decimal("NaN")}, {"unknown": 1}],
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SmaCrossParams.model_validate(params)
