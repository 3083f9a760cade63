"""What one event says about itself."""

import math

import msgspec
import pytest
from tradingd.core.identifiers import Symbol
from tradingd.core.market import (
    DataDefect,
    MarketDataEvent,
    PriceBar,
    QuoteTick,
    TradeTick,
    find_defect,
    mid_price,
    reference_price,
)

AAPL = Symbol("AAPL")
NAN, INF = math.nan, math.inf


def quote(bid: float, ask: float, bid_size: float = 1, ask_size: float = 1) -> QuoteTick:
    return QuoteTick(symbol=AAPL, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, ts_event=1, ts_recv=2)


def trade(price: float, size: float = 1) -> TradeTick:
    return TradeTick(symbol=AAPL, price=price, size=size, ts_event=1, ts_recv=2)


def bar(open_: float, high: float, low: float, close: float, volume: float = 1) -> PriceBar:
    return PriceBar(
        symbol=AAPL, interval_ns=60, ts_open=0, open=open_, high=high, low=low, close=close, volume=volume,
        ts_event=60, ts_recv=61,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "defect"),
    [
        (quote(10, 11), None),
        (quote(10, 10), None),
        (quote(0, 11), None),
        (quote(10, 0), None),
        (quote(10, 11, 0, 0), None),
        (quote(0, 0), DataDefect.NOT_POSITIVE),
        (quote(-1, 11), DataDefect.NOT_POSITIVE),
        (quote(10, 11, NAN), DataDefect.NOT_POSITIVE),
        (quote(10, 11, 1, -1), DataDefect.NOT_POSITIVE),
        (quote(11, 10), DataDefect.CROSSED),
        (quote(NAN, 11), DataDefect.NOT_FINITE),
        (quote(10, INF), DataDefect.NOT_FINITE),
        (trade(10), None),
        (trade(0), DataDefect.NOT_POSITIVE),
        (trade(-1), DataDefect.NOT_POSITIVE),
        (trade(10, 0), DataDefect.NOT_POSITIVE),
        (trade(NAN), DataDefect.NOT_FINITE),
        (trade(10, INF), DataDefect.NOT_FINITE),
        (bar(10, 12, 9, 11), None),
        (bar(10, 10, 10, 10, 0), None),
        (bar(10, 10.5, 9, 11), DataDefect.INCONSISTENT_BAR),
        (bar(10, 12, 10.5, 11), DataDefect.INCONSISTENT_BAR),
        (bar(0, 12, 0, 11), DataDefect.NOT_POSITIVE),
        (bar(10, 12, 9, 11, -1), DataDefect.NOT_POSITIVE),
        (bar(10, NAN, 9, 11), DataDefect.NOT_FINITE),
        (bar(10, 12, 9, 11, NAN), DataDefect.NOT_FINITE),
    ],
)
def test_defects_of_a_single_event(event: MarketDataEvent, defect: DataDefect | None) -> None:
    assert find_defect(event) is defect


@pytest.mark.parametrize(
    ("event", "price"),
    [(quote(10, 12), 11), (quote(0, 12), 12), (quote(10, 0), 10), (trade(7), 7), (bar(1, 3, 1, 2), 2)],
)
def test_the_price_that_an_event_gives(event: MarketDataEvent, price: float) -> None:
    assert reference_price(event) == price


@pytest.mark.parametrize("event", [quote(10, 11), trade(10), bar(10, 12, 9, 11)])
def test_an_event_survives_the_codec(event: MarketDataEvent) -> None:
    assert msgspec.json.decode(msgspec.json.encode(event), type=MarketDataEvent) == event


@pytest.mark.parametrize(
    ("bid", "ask", "mid"),
    [
        (420.54, 420.55, 420.545),
        (0.1, 0.2, 0.15),
        (0.00001234, 0.00001235, 0.000012345),
        (61234.56, 61234.57, 61234.565),
    ],
)
def test_the_middle_of_two_prices_is_the_decimal_that_people_see(bid: float, ask: float, mid: float) -> None:
    assert repr(mid_price(bid, ask)) == repr(mid)
