"""Prices for plans: told once, with every extreme, and nothing of a symbol that nobody waits for."""

from decimal import Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar, QuoteTick, TradeTick
from tradingd.core.plans.view import PriceRange
from tradingd.execution.price_watch import PriceWatch, prices_of
from tradingd.runtime.events import PricesMoved
from tradingd.runtime.inbox import LocalInbox

D = Decimal
ABC = Symbol("ABC")


def quote(bid: float, ask: float) -> QuoteTick:
    return QuoteTick(symbol=ABC, bid=bid, ask=ask, bid_size=1, ask_size=1, ts_event=1, ts_recv=1)


def trade(price: float) -> TradeTick:
    return TradeTick(symbol=ABC, price=price, size=1, ts_event=1, ts_recv=1)


def bar(ts_open: int) -> PriceBar:
    return PriceBar(
        symbol=ABC,
        interval_ns=10,
        ts_open=ts_open,
        open=100.0,
        high=110.0,
        low=90.0,
        close=101.0,
        volume=1,
        ts_event=ts_open + 10,
        ts_recv=ts_open + 10,
    )


def test_a_symbol_that_nobody_waits_for_costs_nothing_and_tells_nothing() -> None:
    told: LocalInbox[PricesMoved] = LocalInbox()
    watch = PriceWatch(told)
    watch.on_market_data(trade(100))
    assert (len(told), watch.take(ABC)) == (0, None)


def test_many_ticks_are_told_once_and_lose_no_extreme() -> None:
    told: LocalInbox[PricesMoved] = LocalInbox()
    watch = PriceWatch(told)
    watch.follow(ABC, 0, quote(99, 101))
    for price in (100.0, 94.0, 106.0, 101.0):
        watch.on_market_data(trade(price))
    watch.on_market_data(quote(100, 102))
    assert list(told.events) == [PricesMoved(symbol=ABC)]
    seen = watch.take(ABC)
    assert seen is not None
    assert seen.trade == PriceRange(D("94.0"), D("106.0"), D("101.0"))
    assert seen.bid == PriceRange(D(99), D(100), D(100))
    again = watch.take(ABC)
    assert again is not None
    assert again.trade == PriceRange(D("101.0"), D("101.0"), D("101.0"))
    watch.on_market_data(trade(102))
    assert len(told) == 2
    watch.leave(ABC)
    watch.on_market_data(trade(103))
    assert len(told) == 2


def test_a_side_that_is_not_quoted_has_no_price() -> None:
    assert prices_of(quote(0, 101)).bid is None
    assert prices_of(None).trade is None


def test_the_range_of_a_bar_counts_unless_it_is_older_than_the_wish() -> None:
    watch = PriceWatch(LocalInbox())
    watch.follow(ABC, 15, None)
    watch.on_market_data(bar(10))
    seen = watch.take(ABC)
    assert seen is not None
    assert seen.trade == PriceRange(D("101.0"), D("101.0"), D("101.0"))
    watch.on_market_data(bar(20))
    seen = watch.take(ABC)
    assert seen is not None
    assert seen.trade == PriceRange(D("90.0"), D("110.0"), D("101.0"))
