"""Trailing stops and auctions in the simulated market: cases, and laws that hold over any path of prices."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making_matching import bar, describe, order, play, quote, trade
from tradingd.core.market import MINUTE_NS, MarketDataEvent
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOrder,
    SimulatedMarket,
    StopElected,
    StopTrailed,
    meet_auction,
)
from tradingd.core.orders import OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.trailing import trailing_stop

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
TRAILING = OrderType.TRAILING_STOP


def trailing(side: Side, amount: str = "1", *, ts: int = 0, high_water: str | None = None) -> MatchOrder:
    made = order(side, "5", TRAILING, trail=amount, ts=ts)
    return made if high_water is None else msgspec.structs.replace(made, high_water=D(high_water))


CASES: dict[str, tuple[Sequence[MatchOrder | MarketDataEvent], list[str]]] = {
    "a sell begins at the last print, rises with prints and is elected on the way back": (
        (trade(10), trailing(SELL), trade(11), trade(10.5), trade(10)),
        ["o stop 9", "o stop 10", "o elected", "o 5@10"],
    ),
    "a buy begins at the last print, falls with prints and is elected on the way up": (
        (trade(10), trailing(BUY), trade(9), trade(9.5), trade(10)),
        ["o stop 11", "o stop 10", "o elected", "o 5@10"],
    ),
    "without any price it begins at the first print": (
        (trailing(SELL), trade(10), trade(9)),
        ["o stop 9", "o elected", "o 5@9"],
    ),
    "while there are no prints it follows the side that it would trade against": (
        (quote(9.9, 10.1), trailing(SELL), quote(10.4, 10.6), quote(9.4, 10.6)),
        ["o stop 8.9", "o stop 9.4", "o elected", "o 5@9.4"],
    ),
    "a buy follows the ask": (
        (trailing(BUY), quote(9.9, 10.1), quote(9, 9.1), quote(9, 10.1)),
        ["o stop 11.1", "o stop 10.1", "o elected", "o 5@10.1"],
    ),
    "once there are prints, quotes move it no more": (
        (trade(10), trailing(SELL), quote(20, 20.2), quote(5, 5.1), trade(9.5)),
        ["o stop 9"],
    ),
    "an elected one is a market order at the quote": (
        (quote(9.9, 10.1), trade(10), trailing(SELL), quote(8.7, 8.8), trade(9)),
        ["o stop 9", "o elected", "o 5@8.7"],
    ),
    "a side that is not quoted neither begins nor moves it": (
        (quote(0, 10.1, 0, 5), trailing(SELL), quote(9, 10.1)),
        ["o stop 8"],
    ),
    "an order taken up again goes on from its mark": (
        (trailing(SELL, high_water="12"), trade(11.5), trade(11)),
        ["o elected", "o 5@11"],
    ),
    "a bar that reaches the stop as it stood fills there": (
        (trailing(SELL, high_water="10"), bar(9.5, 12, 8.8, 11.9)),
        ["o elected", "o 5@9"],
    ),
    "a bar that opens beyond the stop fills at its open": (
        (trailing(SELL, high_water="10"), bar(8.5, 12, 8.4, 11.9)),
        ["o elected", "o 5@8.5"],
    ),
    "a bar whose high moves the stop above its low fills at the low": (
        (trailing(SELL, high_water="10"), bar(9.5, 12, 9.2, 11.9)),
        ["o stop 11", "o elected", "o 5@9.2"],
    ),
    "a bar whose low moves the stop of a buy below its high fills at the high": (
        (trailing(BUY, high_water="10"), bar(10.5, 10.8, 9, 9.1)),
        ["o stop 10", "o elected", "o 5@10.8"],
    ),
    "a bar that trails without reaching the stop moves it": (
        (trailing(SELL, high_water="10"), bar(10, 10.5, 9.6, 10.4), bar(10.4, 10.4, 9.6, 9.7, MINUTE_NS)),
        ["o stop 9.5"],
    ),
    "of a bar that had begun before the order only the close counts": (
        (trailing(SELL, ts=1), bar(10, 12, 8, 9.5)),
        ["o stop 8.5"],
    ),
}


@pytest.mark.parametrize(("steps", "told"), CASES.values(), ids=CASES.keys())
def test_case(steps: Sequence[MatchOrder | MarketDataEvent], told: list[str]) -> None:
    assert play(*steps) == told


def test_a_trail_in_percent_keeps_its_distance_in_percent() -> None:
    terms = OrderTerms(order_type=TRAILING, trail_percent=D("2.5"))
    made = msgspec.structs.replace(order(SELL, "5", TRAILING, trail="1"), terms=terms)
    assert play(trade(200), made, trade(201)) == ["o stop 195", "o stop 195.975"]


def test_an_order_that_waited_elsewhere_meets_the_next_event_only() -> None:
    market = SimulatedMarket()
    market.on_market_data(quote(9.9, 10.1))
    market.place(order(BUY, "5"))
    assert [describe(outcome) for outcome in market.on_market_data(quote(9.8, 10))] == ["o 5@10"]
    market.on_market_data(trade(10))
    market.place(trailing(SELL, high_water="12"))
    assert [describe(outcome) for outcome in market.on_market_data(trade(11.1))] == []


@pytest.mark.parametrize(
    ("limit", "price", "told"),
    [
        (None, 10.0, "o 5@10.0"),
        ("10.5", 10.0, "o 5@10.0"),
        ("9.99", 10.0, "o cancelled"),
        (None, 0.0, "o cancelled"),
    ],
)
def test_an_auction_fills_whole_at_its_price_or_cancels(limit: str | None, price: float, told: str) -> None:
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    (outcome,) = meet_auction(order(BUY, "5", kind, limit=limit, tif=TimeInForce.OPG), price)
    assert describe(outcome) == told


# -- laws -------------------------------------------------------------------------------------------------------------

cents = st.integers(min_value=500, max_value=1500)
paths = st.lists(cents, min_size=1, max_size=40)
trails = st.integers(min_value=1, max_value=300)


def walk(side: Side, trail: int, path: Sequence[int]) -> list[MatchFill | MatchCancel | StopElected | StopTrailed]:
    market = SimulatedMarket()
    told = list(market.arrive(trailing(side, str(D(trail) / 100))))
    for price in path:
        told += market.on_market_data(trade(price / 100, 1_000))
    return told


@given(st.sampled_from(Side), trails, paths)
def test_the_mark_is_the_best_price_and_the_stop_never_goes_back(side: Side, trail: int, path: list[int]) -> None:
    best: int | None = None
    stop: Decimal | None = None
    for count in range(1, len(path) + 1):
        told = walk(side, trail, path[:count])
        moves = [outcome for outcome in told if isinstance(outcome, StopTrailed)]
        assert moves, "the first print begins the trail"
        if any(isinstance(outcome, StopElected) for outcome in told):
            assert (D(path[count - 1]) / 100 - moves[-1].stop_price) * side.sign >= 0, "elected at the stop or beyond"
            assert isinstance(told[-1], MatchFill), "an elected stop is a market order"
            return
        best = path[0] if best is None else (max if side is SELL else min)(best, path[count - 1])
        assert moves[-1].high_water == D(best) / 100
        assert moves[-1].stop_price == moves[-1].high_water + D(trail) / 100 * side.sign
        if stop is not None:
            assert (stop - moves[-1].stop_price) * side.sign >= 0, "it ratchets one way"
        stop = moves[-1].stop_price


@given(st.sampled_from(Side), trails, cents, st.lists(st.sampled_from((-1, 1)), min_size=1, max_size=200))
def test_a_bar_never_treats_a_trail_better_than_any_path_through_it(
    side: Side, trail: int, first: int, steps: list[int]
) -> None:
    """Prices that move by single cents are one of the paths that the bar may stand for."""
    path = [first]
    for step in steps:
        path.append(max(1, path[-1] + step))
    ticks = walk(side, trail, path)
    market = SimulatedMarket()
    market.arrive(trailing(side, str(D(trail) / 100)))
    bars = market.on_market_data(bar(path[0] / 100, max(path) / 100, min(path) / 100, path[-1] / 100))
    by_ticks = [outcome for outcome in ticks if isinstance(outcome, MatchFill)]
    by_bar = [outcome for outcome in bars if isinstance(outcome, MatchFill)]
    if by_ticks:
        assert by_bar, "what some path elects, the bar elects"
        assert (by_bar[0].price - by_ticks[0].price) * side.sign >= 0


@given(st.sampled_from(Side), trails, paths, st.integers(0, 40))
def test_an_interruption_changes_nothing(side: Side, trail: int, path: list[int], cut: int) -> None:
    """An order that is taken up again with its mark does what it would have done."""
    whole = walk(side, trail, path)
    before = walk(side, trail, path[:cut])
    moves = [outcome for outcome in before if isinstance(outcome, StopTrailed)]
    if any(isinstance(outcome, MatchFill) for outcome in before) or not moves:
        return
    market = SimulatedMarket()
    again = list(before)
    again += market.arrive(trailing(side, str(D(trail) / 100), high_water=str(moves[-1].high_water)))
    for price in path[cut:]:
        again += market.on_market_data(trade(price / 100, 1_000))
    assert [describe(outcome) for outcome in again] == [describe(outcome) for outcome in whole]


@given(
    st.sampled_from(Side),
    st.decimals("0.01", "99", places=2),
    st.decimals("0.01", "1000000", places=4),
    st.decimals("0.01", "1000000", places=4),
)
def test_a_stop_in_percent_moves_with_its_mark(side: Side, percent: Decimal, one: Decimal, other: Decimal) -> None:
    terms = OrderTerms(order_type=TRAILING, trail_percent=percent)
    low, high = sorted((one, other))
    assert trailing_stop(terms, side, low) <= trailing_stop(terms, side, high)
    assert (trailing_stop(terms, side, low) - low) * side.sign >= 0
