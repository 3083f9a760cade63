"""What a strategy may ask for, as the engine hears it."""

from decimal import Decimal

import pytest
from tests.strategies.staging import ABC, Stage
from tradingd.core.identifiers import ClientOrderId, StrategyId
from tradingd.core.orders import OrderModification, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.signals import FollowUp, Protection, Twap, Work
from tradingd.strategies.base import Params, Strategy
from tradingd.strategies.indicators import RollingDeviation, RollingMean

D = Decimal


@pytest.fixture
def stage() -> Stage:
    stage = Stage(Strategy(StrategyId("me"), [ABC], Params()))
    stage.fills = False
    return stage


@pytest.mark.parametrize(
    ("limit", "stop", "order_type"),
    [
        (None, None, OrderType.MARKET),
        ("10", None, OrderType.LIMIT),
        (None, "10", OrderType.STOP),
        ("10", "11", OrderType.STOP_LIMIT),
    ],
)
def test_the_prices_given_make_the_order_type(
    stage: Stage, limit: str | None, stop: str | None, order_type: OrderType
) -> None:
    prices = {"limit_price": limit and D(limit), "stop_price": stop and D(stop)}
    for call in (stage.strategy.buy, stage.strategy.sell):
        call(ABC, D(1), **prices, time_in_force=TimeInForce.IOC)  # type: ignore[arg-type]
        _, _, terms, _ = stage.signals[-1]
        assert (terms.order_type, terms.time_in_force) == (order_type, TimeInForce.IOC)


def test_a_trail_makes_a_trailing_stop_and_an_end_an_order_good_till_then(stage: Stage) -> None:
    strategy = stage.strategy
    strategy.sell(ABC, D(1), trail_amount=D(2), time_in_force=TimeInForce.GTC)
    strategy.buy(ABC, D(1), trail_percent=D(3), expires=9)
    strategy.buy(ABC, D(1), limit_price=D(5), extended_hours=True)
    strategy.buy(ABC, D(1), trail_amount=D(2), limit_price=D(5), time_in_force=TimeInForce.GTC, expires=9)
    assert [terms for _, _, terms, _ in stage.signals] == [
        OrderTerms(order_type=OrderType.TRAILING_STOP, trail_amount=D(2), time_in_force=TimeInForce.GTC),
        OrderTerms(order_type=OrderType.TRAILING_STOP, trail_percent=D(3), time_in_force=TimeInForce.GTD, expires_ns=9),
        OrderTerms(order_type=OrderType.LIMIT, limit_price=D(5), extended_hours=True),
        # What contradicts itself goes on as it is, for the gate to refuse by name.
        OrderTerms(
            order_type=OrderType.TRAILING_STOP,
            trail_amount=D(2),
            limit_price=D(5),
            time_in_force=TimeInForce.GTC,
            expires_ns=9,
        ),
    ]


def test_new_terms_name_only_what_changes(stage: Stage) -> None:
    stage.strategy.modify(ClientOrderId("c1"), quantity=D(5), limit_price=D(9))
    stage.strategy.modify(ClientOrderId("c2"), stop_price=D(8))
    stage.strategy.modify(ClientOrderId("c3"), trail_amount=D(2), trail_percent=D(1))
    assert stage.modified == [
        ("c1", OrderModification(quantity=D(5), limit_price=D(9))),
        ("c2", OrderModification(stop_price=D(8))),
        ("c3", OrderModification(trail_amount=D(2), trail_percent=D(1))),
    ]


def test_what_goes_beyond_one_order_travels_with_the_signal(stage: Stage) -> None:
    follow, slices = FollowUp(side=Side.SELL, quantity=D(1)), Twap(duration_s=10, slices=2)
    stage.strategy.buy(ABC, D(1), take_profit=D(11), stop_loss=D(9), stop_loss_limit=D("8.9"), then=follow)
    stage.strategy.sell(ABC, D(1), stop_trail_percent=D(2), algorithm=slices)
    stage.strategy.sell(ABC, D(1), stop_trail_amount=D(2))
    stage.strategy.buy(ABC, D(1))
    assert stage.work == [
        Work(protection=Protection(take_profit=D(11), stop_loss=D(9), stop_limit=D("8.9")), then=follow),
        Work(protection=Protection(trail_percent=D(2)), algorithm=slices),
        Work(protection=Protection(trail_amount=D(2))),
        Work(),
    ]
    stage.strategy.protect(ABC, take_profit=D(11), stop_loss=D(9))
    assert stage.protected == [(ABC, Protection(take_profit=D(11), stop_loss=D(9)))]
    assert stage.strategy.plans(ABC) == ()


def test_everything_else_goes_to_the_engine(stage: Stage) -> None:
    strategy = stage.strategy
    strategy.hold(ABC, reason="wide")
    strategy.target_position(ABC, D(4), reason="target")
    strategy.cancel(ClientOrderId("c1"))
    strategy.set_timer("t", 5, every_ns=2)
    strategy.cancel_timer("t")
    strategy.log("hello", level=3)
    assert [(action, reason) for action, _, _, reason in stage.signals] == [
        ("HOLD", "wide"),
        ("BUY", "target"),
        ("CANCEL", "c1"),
    ]
    assert stage.said == [("t", {"at": 5, "every": 2}), ("t", {}), ("hello", {"level": 3})]
    assert (strategy.position(ABC), strategy.working(ABC), strategy.now) == (D(0), D(4), 0)
    assert strategy.bars(ABC, 3) == ()
    assert strategy.warmup == 0


def test_rolling_figures_are_those_of_the_last_values() -> None:
    mean, deviation = RollingMean(3), RollingDeviation(4)
    for value in (1, 2, 3, 4):
        assert mean.ready is (value > 3)
        mean.push(value)
    for value in (100, 2, 4, 4, 6):
        deviation.push(value)
    assert mean.value == 3
    assert deviation.mean == 4
    assert deviation.deviation == pytest.approx(2**0.5)
    assert deviation.ready


def test_a_deviation_does_not_drift() -> None:
    deviation = RollingDeviation(20)
    for number in range(10_000):
        deviation.push(1e9 + number % 2)
    assert deviation.deviation == pytest.approx(0.5, abs=1e-9)
