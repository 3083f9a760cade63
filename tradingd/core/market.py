"""Market data as it travels: quotes, trades and bars.

Prices and sizes are floats as the feed delivered them; times are integer nanoseconds UTC: `ts_event` as the venue
stamped it, `ts_recv` as this process read it. A side that is not quoted has price 0; a size that the source does not
give is 0 beside a positive price and means "size unknown".
"""

import math
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import Symbol

NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000
MINUTE_NS = 60 * NS_PER_SECOND
DAY_NS = 86_400 * NS_PER_SECOND


class QuoteTick(msgspec.Struct, frozen=True, kw_only=True, tag="quote", gc=False):
    """Best bid and offer at one instant."""

    symbol: Symbol
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    ts_event: int
    ts_recv: int


class TradeTick(msgspec.Struct, frozen=True, kw_only=True, tag="trade_tick", gc=False):
    """One trade printed by the market (not one of ours)."""

    symbol: Symbol
    price: float
    size: float
    ts_event: int
    ts_recv: int


class PriceBar(msgspec.Struct, frozen=True, kw_only=True, tag="bar", gc=False):
    """Open, high, low, close and volume of `[ts_open, ts_open + interval_ns)`.

    `ts_event` is the close of the interval: no part of the program may see the bar before it.
    """

    symbol: Symbol
    interval_ns: int
    ts_open: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    ts_event: int
    ts_recv: int


TickData: TypeAlias = QuoteTick | TradeTick
MarketDataEvent: TypeAlias = QuoteTick | TradeTick | PriceBar


class DataDefect(StrEnum):
    """Why a piece of market data is kept from strategies, marks and fills."""

    MALFORMED = "malformed"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    CROSSED = "crossed"
    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    REVISED = "revised"
    """A bar that was seen before, with other figures: it goes to the store, and not to strategies."""
    INCONSISTENT_BAR = "inconsistent_bar"
    OUTLIER = "outlier"
    UNKNOWN_SYMBOL = "unknown_symbol"


def find_defect(event: MarketDataEvent) -> DataDefect | None:
    """Judge one event by itself; order and outliers need the symbol's past and are judged by the data handler.

    A locked quote (bid equal to ask) is legal, a crossed one is not; a one-sided quote (price 0) is legal unless both
    sides are absent.
    """
    # Chains of comparisons that every sound event passes at once: NaN fails each of them, infinity the last.
    if type(event) is QuoteTick:
        if 0 < event.bid <= event.ask < math.inf and event.bid_size >= 0 and event.ask_size >= 0:
            return None
        return _quote_defect(event)
    if type(event) is TradeTick:
        if 0 < event.price < math.inf and 0 < event.size < math.inf:
            return None
        finite = math.isfinite(event.price) and math.isfinite(event.size)
        return DataDefect.NOT_POSITIVE if finite else DataDefect.NOT_FINITE
    assert type(event) is PriceBar  # the union has no fourth member
    inside = event.low <= event.open <= event.high and event.low <= event.close <= event.high
    if inside and event.low > 0 and event.high < math.inf and 0 <= event.volume < math.inf:
        return None
    return _bar_defect(event)


def _quote_defect(quote: QuoteTick) -> DataDefect | None:
    bid, ask = quote.bid, quote.ask
    if not (math.isfinite(bid) and math.isfinite(ask)):
        return DataDefect.NOT_FINITE
    if bid < 0 or ask < 0 or (bid == 0 and ask == 0):
        return DataDefect.NOT_POSITIVE
    # `not >=` also catches a size that is NaN.
    if not (quote.bid_size >= 0 and quote.ask_size >= 0):
        return DataDefect.NOT_POSITIVE
    return DataDefect.CROSSED if bid > ask > 0 else None


def _bar_defect(bar: PriceBar) -> DataDefect:
    values = (bar.open, bar.high, bar.low, bar.close)
    if not (all(map(math.isfinite, values)) and math.isfinite(bar.volume)):
        return DataDefect.NOT_FINITE
    return DataDefect.NOT_POSITIVE if min(values) <= 0 or bar.volume < 0 else DataDefect.INCONSISTENT_BAR


def mid_price(bid: float, ask: float) -> float:
    """The middle of two prices as the decimal that people see: 420.545, where floats alone make 420.54499999999996."""
    return float("%.15g" % ((bid + ask) / 2))  # every decimal of 15 digits survives this


def reference_price(event: MarketDataEvent) -> float:
    """The price that an event gives a position or a collar: mid of a two-sided quote, else the price there is."""
    if type(event) is QuoteTick:
        bid, ask = event.bid, event.ask
        return mid_price(bid, ask) if bid > 0 and ask > 0 else bid or ask
    if type(event) is TradeTick:
        return event.price
    assert type(event) is PriceBar  # the union has no fourth member
    return event.close
