"""The simulated market: a table of cases for each kind of order, and laws that hold over any sequence of events."""

import math
import random
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making_matching import (
    ABC,
    DAY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    STOP,
    STOP_LIMIT,
    D,
    bar,
    describe,
    order,
    play,
    quote,
    trade,
)
from tradingd.core.market import MINUTE_NS, MarketDataEvent, PriceBar, QuoteTick
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOrder,
    SimulatedMarket,
    StopElected,
    StopTrailed,
)
from tradingd.core.orders import OrderType, Side, TimeInForce

TRAILING_STOP, GTD = OrderType.TRAILING_STOP, TimeInForce.GTD
STOPS = (STOP, STOP_LIMIT, TRAILING_STOP)


CASES: dict[str, tuple[Sequence[MatchOrder | MarketDataEvent], list[str]]] = {
    "a market buy takes the ask": ((quote(9.9, 10.1), order(Side.BUY, "5")), ["o 5@10.1"]),
    "a market sell takes the bid": ((quote(9.9, 10.1), order(Side.SELL, "5")), ["o 5@9.9"]),
    "a market order takes what is shown and the rest from the next quote": (
        (quote(9.9, 10.1, ask_size=3), order(Side.BUY, "5"), quote(9.9, 10.2, ask_size=3)),
        ["o 3@10.1", "o 2@10.2"],
    ),
    "size taken from a quote is gone for the next order": (
        (quote(9.9, 10.1, ask_size=3), order(Side.BUY, "2", order_id="a"), order(Side.BUY, "2", order_id="b")),
        ["a 2@10.1", "b 1@10.1"],
    ),
    "each side of a quote is consumed by itself": (
        (quote(9.9, 10.1, 3, 3), order(Side.BUY, "3", order_id="a"), order(Side.SELL, "3", order_id="b")),
        ["a 3@10.1", "b 3@9.9"],
    ),
    "an unknown size bounds nothing": ((quote(9.9, 10.1, 0, 0), order(Side.BUY, "500")), ["o 500@10.1"]),
    "an infinite size bounds nothing": ((quote(9.9, 10.1, 1, math.inf), order(Side.BUY, "500")), ["o 500@10.1"]),
    "a side that is not quoted fills nobody": (
        (quote(9.9, 0, 5, 0), order(Side.BUY, "1"), quote(0, 10.1, 0, 5)),
        ["o 1@10.1"],
    ),
    "a market order without any price waits for the first": (
        (order(Side.BUY, "5"), quote(9.9, 10.1)),
        ["o 5@10.1"],
    ),
    "without quotes a market order takes the last print": ((trade(10.0, 1), order(Side.BUY, "5")), ["o 5@10.0"]),
    "a waiting market order takes the first print": ((order(Side.SELL, "5"), trade(10.0, 1)), ["o 5@10.0"]),
    "a marketable limit takes the quote, not its limit": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="11")),
        ["o 5@10.1"],
    ),
    "a resting limit fills at its limit when the quote touches it": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="10"), quote(9.8, 10.0)),
        ["o 5@10"],
    ),
    "a resting limit fills at its limit when the quote goes through it": (
        (quote(9.9, 10.1), order(Side.SELL, "5", LIMIT, limit="10"), quote(10.5, 10.6)),
        ["o 5@10"],
    ),
    "the rest of a marketable limit rests": (
        (quote(9.9, 10.0, ask_size=2), order(Side.BUY, "5", LIMIT, limit="10"), quote(9.8, 9.9, ask_size=9)),
        ["o 2@10.0", "o 3@10"],
    ),
    "a print at the limit does not fill": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="10"), trade(10.0)),
        [],
    ),
    "a print through the limit fills at the limit, up to its size": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="10"), trade(9.99, 3), trade(9.98, 3)),
        ["o 3@10", "o 2@10"],
    ),
    "orders share a print in order of arrival": (
        (
            quote(9.9, 10.1),
            order(Side.BUY, "2", LIMIT, limit="10", order_id="a"),
            order(Side.BUY, "2", LIMIT, limit="10", order_id="b"),
            trade(9.5, 3),
        ),
        ["a 2@10", "b 1@10"],
    ),
    "a print leaves a waiting market order to the next quote": (
        (quote(9.9, 10.1, ask_size=1), order(Side.BUY, "2"), trade(10.0), quote(9.9, 10.3)),
        ["o 1@10.1", "o 1@10.3"],
    ),
    "an ioc takes what there is and goes": (
        (quote(9.9, 10.1, ask_size=3), order(Side.BUY, "5", LIMIT, limit="10.1", tif=IOC), quote(9.9, 10.1)),
        ["o 3@10.1", "o cancelled"],
    ),
    "an ioc that is not marketable goes": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="10", tif=IOC)),
        ["o cancelled"],
    ),
    "an ioc does not wait for a first price": ((order(Side.BUY, "5", tif=IOC), quote(9.9, 10.1)), ["o cancelled"]),
    "a fok fills whole": ((quote(9.9, 10.1), order(Side.BUY, "100", tif=FOK)), ["o 100@10.1"]),
    "a fok that cannot fill whole takes nothing": (
        (
            quote(9.9, 10.1, ask_size=99),
            order(Side.BUY, "100", tif=FOK, order_id="a"),
            order(Side.BUY, "99", order_id="b"),
        ),
        ["a cancelled", "b 99@10.1"],
    ),
    "a stop is elected by a print and takes the quote": (
        (quote(9.9, 10.1), trade(10.0), order(Side.SELL, "5", STOP, stop="9.5"), quote(9.4, 9.6), trade(9.5)),
        ["o elected", "o 5@9.4"],
    ),
    "quotes elect no stop where there are prints": (
        (trade(10.0), order(Side.BUY, "5", STOP, stop="11"), quote(11.5, 11.6)),
        [],
    ),
    "quotes elect stops where nothing was printed, by the side that they trade against": (
        (quote(9.9, 10.1), order(Side.BUY, "5", STOP, stop="10.5"), quote(10.3, 10.4), quote(10.4, 10.5)),
        ["o elected", "o 5@10.5"],
    ),
    "without quotes an elected stop takes the print": (
        (trade(10.0), order(Side.SELL, "5", STOP, stop="9.5"), trade(9.2)),
        ["o elected", "o 5@9.2"],
    ),
    "a stop is not elected on arrival by what was printed before": (
        (trade(10.0), order(Side.BUY, "5", STOP, stop="9")),
        [],
    ),
    "an elected stop-limit beyond its limit rests there": (
        (trade(10.0), order(Side.SELL, "5", STOP_LIMIT, stop="9.5", limit="9.4"), trade(9.2), trade(9.45)),
        ["o elected", "o 5@9.4"],
    ),
    "an elected stop-limit does not fill twice from the print that elected it": (
        (quote(9.3, 9.35, 1, 1), trade(10.0), order(Side.SELL, "5", STOP_LIMIT, stop="9.5", limit="9.2"), trade(9.4)),
        ["o elected", "o 1@9.3"],
    ),
    "with bars alone a market order takes the last close": (
        (bar(10, 11, 9, 10.5), order(Side.BUY, "5", ts=MINUTE_NS)),
        ["o 5@10.5"],
    ),
    "with bars alone a waiting market order takes the first open after it": (
        (order(Side.BUY, "5"), bar(10, 11, 9, 10.5, ts_open=0)),
        ["o 5@10"],
    ),
    "a resting buy fills at its limit when a bar goes through it": (
        (bar(10, 10, 10, 10), order(Side.BUY, "5", LIMIT, limit="9.5", ts=MINUTE_NS), bar(10, 10, 9, 9.9, MINUTE_NS)),
        ["o 5@9.5"],
    ),
    "a resting buy fills at the open of a bar that opens below it": (
        (bar(10, 10, 10, 10), order(Side.BUY, "5", LIMIT, limit="9.5", ts=MINUTE_NS), bar(9.2, 10, 9, 9.9, MINUTE_NS)),
        ["o 5@9.2"],
    ),
    "a bar that only touches the limit does not fill": (
        (bar(10, 10, 10, 10), order(Side.BUY, "5", LIMIT, limit="9", ts=MINUTE_NS), bar(10, 10, 9, 9.9, MINUTE_NS)),
        [],
    ),
    "a resting sell fills at the better of limit and open": (
        (bar(10, 10, 10, 10), order(Side.SELL, "5", LIMIT, limit="11", ts=MINUTE_NS), bar(12, 13, 10, 11, MINUTE_NS)),
        ["o 5@12"],
    ),
    "a bar elects a buy stop at the worse of stop and open": (
        (
            bar(10, 10, 10, 10),
            order(Side.BUY, "5", STOP, stop="11", ts=MINUTE_NS, order_id="a"),
            bar(10, 11.5, 10, 11, MINUTE_NS),
            order(Side.BUY, "5", STOP, stop="12", ts=2 * MINUTE_NS, order_id="b"),
            bar(13, 14, 12.5, 13, 2 * MINUTE_NS),
        ),
        ["a elected", "a 5@11", "b elected", "b 5@13"],
    ),
    "a bar elects a sell stop at the worse of stop and open": (
        (bar(10, 10, 10, 10), order(Side.SELL, "5", STOP, stop="9", ts=MINUTE_NS), bar(8, 9, 7, 8, MINUTE_NS)),
        ["o elected", "o 5@8"],
    ),
    "a bar that gaps over a stop-limit leaves it resting": (
        (
            bar(10, 10, 10, 10),
            order(Side.SELL, "5", STOP_LIMIT, stop="9", limit="8.5", ts=MINUTE_NS),
            bar(8, 9, 7, 8, MINUTE_NS),
            bar(8, 8.6, 8, 8.4, 2 * MINUTE_NS),
        ),
        ["o elected", "o 5@8.5"],
    ),
    "of a bar that had begun before the order only the close counts": (
        (
            bar(10, 10, 10, 10),
            order(Side.BUY, "5", LIMIT, limit="9.5", ts=MINUTE_NS + 1),
            bar(10, 10, 9, 9.9, MINUTE_NS),
            bar(10, 10, 9, 9.9, 2 * MINUTE_NS),
        ),
        ["o 5@9.5"],
    ),
    "bars fill nobody where there are ticks": (
        (quote(9.9, 10.1), order(Side.BUY, "5", LIMIT, limit="9", ts=0), bar(8, 8, 8, 8, MINUTE_NS)),
        [],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), CASES.values(), ids=CASES.keys())
def test_case(steps: Sequence[MatchOrder | MarketDataEvent], expected: list[str]) -> None:
    assert play(*steps) == expected


def test_a_limit_with_more_digits_than_a_float_is_kept_to_the_last() -> None:
    limit = D("10.00000000000000000001")
    market = SimulatedMarket()
    market.on_market_data(quote(9.0, 10.0))
    (fill,) = market.arrive(order(Side.SELL, "1", LIMIT, limit="8.99999999999999999999"))
    assert isinstance(fill, MatchFill)
    assert fill.price == D("9.0")
    (bought,) = market.arrive(order(Side.BUY, "1", LIMIT, limit=str(limit)))
    assert isinstance(bought, MatchFill)
    assert bought.price <= limit


def test_a_removed_order_is_gone_and_a_reduced_one_fills_less() -> None:
    market = SimulatedMarket()
    market.on_market_data(quote(9.9, 10.1))
    market.arrive(order(Side.BUY, "5", LIMIT, limit="10", order_id="gone"))
    market.arrive(order(Side.BUY, "5", LIMIT, limit="10", order_id="less"))
    assert market.remove(ABC, "gone")
    assert not market.remove(ABC, "gone")
    market.reduce(ABC, "less", D(2))
    assert [describe(outcome) for outcome in market.on_market_data(quote(9.9, 10.0))] == ["less 2@10"]


def test_a_stop_elected_in_a_former_run_goes_on_as_a_limit() -> None:
    market = SimulatedMarket()
    stop = order(Side.SELL, "5", STOP_LIMIT, stop="9.5", limit="9.4")
    kept = msgspec.structs.replace(stop, elected=True)
    assert not market.arrive(kept)
    assert [describe(outcome) for outcome in market.on_market_data(quote(9.6, 9.7))] == ["o 5@9.4"]


# -- laws -------------------------------------------------------------------------------------------------------------

cents = st.integers(min_value=900, max_value=1100).map(lambda value: value / 100)
sizes = st.integers(min_value=0, max_value=20).map(float)


@st.composite
def quotes(draw: st.DrawFn) -> QuoteTick:
    bid, ask = sorted((draw(cents), draw(cents)))
    return quote(bid, ask, draw(sizes), draw(sizes))


@st.composite
def bars(draw: st.DrawFn) -> PriceBar:
    low, first, last, high = sorted(draw(cents) for _ in range(4))
    return bar(first, high, low, last, ts_open=draw(st.integers(0, 2)) * MINUTE_NS)


events = st.lists(st.one_of(quotes(), bars(), st.builds(trade, cents, sizes.filter(bool))), max_size=30)


@st.composite
def orders(draw: st.DrawFn) -> MatchOrder:
    order_type = draw(st.sampled_from(OrderType))
    return order(
        draw(st.sampled_from(Side)),
        str(draw(st.integers(1, 30))),
        order_type,
        limit=str(draw(cents)) if order_type in (LIMIT, STOP_LIMIT) else None,
        stop=str(draw(cents)) if order_type in (STOP, STOP_LIMIT) else None,
        trail=str(draw(st.integers(1, 90)) / 100) if order_type is TRAILING_STOP else None,
        tif=draw(st.sampled_from((DAY, GTC, GTD, IOC, FOK))),
        ts=draw(st.integers(0, 2)) * MINUTE_NS,
        order_id=str(draw(st.integers(0, 1_000_000))),
    )


@given(st.lists(orders(), max_size=6, unique_by=lambda made: made.order_id), events, st.randoms(use_true_random=False))
def test_no_sequence_overfills_breaks_a_limit_or_splits_a_fok(
    placed: list[MatchOrder], happened: list[MarketDataEvent], shuffle: random.Random
) -> None:
    steps: list[MatchOrder | MarketDataEvent] = [*placed, *happened]
    shuffle.shuffle(steps)
    market = SimulatedMarket()
    by_id = {made.order_id: made for made in placed}
    filled: dict[str, Decimal] = {}
    over: set[str] = set()
    elected: set[str] = set()
    for step in steps:
        outcomes = market.arrive(step) if isinstance(step, MatchOrder) else market.on_market_data(step)
        for outcome in outcomes:
            made = by_id[outcome.order_id]
            assert outcome.order_id not in over, "nothing happens to an order that is over"
            match outcome:
                case MatchFill(quantity=quantity, price=price):
                    assert quantity > 0
                    if made.terms.order_type in STOPS:
                        assert made.order_id in elected, "a stop trades only once it was elected"
                    if made.terms.time_in_force is FOK:
                        assert quantity == made.quantity, "a fok fills at once or not at all"
                    if made.terms.limit_price is not None:
                        assert (price - made.terms.limit_price) * made.side.sign <= 0, "a limit is a limit"
                    filled[made.order_id] = filled.get(made.order_id, D(0)) + quantity
                    assert filled[made.order_id] <= made.quantity, "never more than was ordered"
                    if filled[made.order_id] == made.quantity:
                        over.add(made.order_id)
                case MatchCancel():
                    assert made.terms.time_in_force in (IOC, FOK)
                    over.add(made.order_id)
                case StopElected():
                    assert made.order_id not in elected
                    elected.add(made.order_id)
                case StopTrailed():
                    assert made.terms.order_type is TRAILING_STOP
                    assert made.order_id not in elected, "an elected stop trails no more"
    working = set(market.book(ABC).working)
    assert not working & over
    for order_id in working:
        made = by_id[order_id]
        waits = made.terms.order_type in STOPS and order_id not in elected
        assert waits or made.terms.time_in_force in (DAY, GTC, GTD), "ioc and fok never rest"


@given(st.lists(st.integers(1, 10), min_size=1, max_size=5), st.integers(1, 20))
def test_one_quote_never_gives_more_than_it_shows(wanted: list[int], shown: int) -> None:
    market = SimulatedMarket()
    market.on_market_data(quote(9.9, 10.1, ask_size=shown))
    given_out = D(0)
    for number, quantity in enumerate(wanted):
        for outcome in market.arrive(order(Side.BUY, str(quantity), order_id=str(number))):
            assert isinstance(outcome, MatchFill)
            given_out += outcome.quantity
    assert given_out == min(sum(wanted), shown)
