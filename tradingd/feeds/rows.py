"""Rows of CSV files: quotes, trades and bars.

Owns: the three layouts and how one line becomes an event. Pure: text in, events out; a line that is not of its layout
raises `ValueError`. Values that are numbers but make no sense (NaN, negative) pass: the data handler judges them.
"""

from collections.abc import Callable
from typing import TypeAlias

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.core.timestamps import parse_timestamp

RowParser: TypeAlias = Callable[[str], MarketDataEvent]

COLUMNS = {
    "quotes": ("timestamp_ns", "bid", "ask", "bid_size", "ask_size"),
    "trades": ("timestamp_ns", "price", "size"),
    "bars": ("timestamp", "open", "high", "low", "close", "volume"),
}
"""Header of each layout: epoch nanoseconds for ticks, RFC 3339 UTC open times for bars."""

_MAX_TIME_NS = 2**63 - 1


def row_parser(schema: str, symbol: Symbol, interval_ns: int) -> RowParser:
    """Build the function that turns a line of a layout into an event; `interval_ns` is the length of bars."""
    match schema:
        case "quotes":
            return _quote_parser(symbol)
        case "trades":
            return _trade_parser(symbol)
        case "bars":
            return _bar_parser(symbol, interval_ns)
    raise ValueError(f"{schema!r} is no layout: {', '.join(COLUMNS)}")


def _time_ns(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MAX_TIME_NS:
        raise ValueError(f"{text!r} is not a time in epoch nanoseconds")
    return value


def _quote_parser(symbol: Symbol) -> RowParser:
    def parse(line: str) -> MarketDataEvent:
        time, bid, ask, bid_size, ask_size = line.split(",")
        ts = _time_ns(time)
        return QuoteTick(
            symbol=symbol,
            bid=float(bid or 0),
            ask=float(ask or 0),
            bid_size=float(bid_size) if bid_size else 0.0,
            ask_size=float(ask_size) if ask_size else 0.0,
            ts_event=ts,
            ts_recv=ts,
        )

    return parse


def _trade_parser(symbol: Symbol) -> RowParser:
    def parse(line: str) -> MarketDataEvent:
        time, price, size = line.split(",")
        ts = _time_ns(time)
        return TradeTick(symbol=symbol, price=float(price), size=float(size) if size else 0.0, ts_event=ts, ts_recv=ts)

    return parse


def _bar_parser(symbol: Symbol, interval_ns: int) -> RowParser:
    def parse(line: str) -> MarketDataEvent:
        time, open_, high, low, close, volume = line.split(",")
        ts = parse_timestamp(time)
        closed = ts + interval_ns
        return PriceBar(
            symbol=symbol,
            interval_ns=interval_ns,
            ts_open=ts,
            open=float(open_),
            high=float(high),
            low=float(low),
            close=float(close),
            volume=float(volume) if volume else 0.0,
            ts_event=closed,
            ts_recv=closed,
        )

    return parse
