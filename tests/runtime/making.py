"""Events for inboxes."""

from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar, QuoteTick, TradeTick

ABC, XYZ = Symbol("ABC"), Symbol("XYZ")


def quote(ts: int, symbol: Symbol = ABC) -> QuoteTick:
    return QuoteTick(symbol=symbol, bid=1, ask=2, bid_size=1, ask_size=1, ts_event=ts, ts_recv=ts)


def print_(ts: int, symbol: Symbol = ABC) -> TradeTick:
    return TradeTick(symbol=symbol, price=1, size=1, ts_event=ts, ts_recv=ts)


def bar(ts: int, symbol: Symbol = ABC) -> PriceBar:
    return PriceBar(
        symbol=symbol, interval_ns=1, ts_open=ts, open=1, high=1, low=1, close=1, volume=1, ts_event=ts, ts_recv=ts
    )
