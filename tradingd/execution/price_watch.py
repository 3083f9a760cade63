"""Prices for plans that wait for one: nothing is kept or sent of any other symbol.

Sits among the market sinks. However many ticks come before the execution engine looks, it is notified once, and the
extremes of all of them are kept: a price that was touched is never missed, and no inbox fills.
"""

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.core.matching import to_decimal
from tradingd.core.plans.view import PriceRange, Prices
from tradingd.runtime.events import PricesMoved
from tradingd.runtime.inbox import Outlet


class _Span:
    """One kind of price since it was last looked at."""

    __slots__ = ("high", "last", "low")

    def __init__(self, price: float) -> None:
        self.low = self.high = self.last = price

    def add(self, low: float, high: float, last: float) -> None:
        self.low, self.high, self.last = min(self.low, low), max(self.high, high), last

    def take(self) -> PriceRange:
        price_range = PriceRange(to_decimal(self.low), to_decimal(self.high), to_decimal(self.last))
        self.low = self.high = self.last
        return price_range


class _Seen:
    """What the market did in one symbol."""

    __slots__ = ("ask", "bid", "notified", "since_ns", "trade")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.notified = False
        self.trade: _Span | None = None
        self.bid: _Span | None = None
        self.ask: _Span | None = None

    def add(self, event: MarketDataEvent) -> None:
        if type(event) is QuoteTick:
            if event.bid > 0:
                self.bid = _widened(self.bid, event.bid)
            if event.ask > 0:
                self.ask = _widened(self.ask, event.ask)
        elif type(event) is TradeTick:
            self.trade = _widened(self.trade, event.price)
        elif type(event) is PriceBar:
            self.trade = _widened(self.trade, event.close)
            if event.ts_open >= self.since_ns:  # the range of an earlier bar may be older than the plan
                self.trade.add(event.low, event.high, event.close)

    def take(self) -> Prices:
        self.notified = False
        return Prices(
            trade=None if self.trade is None else self.trade.take(),
            bid=None if self.bid is None else self.bid.take(),
            ask=None if self.ask is None else self.ask.take(),
        )


def _widened(span: _Span | None, price: float) -> _Span:
    if span is None:
        return _Span(price)
    span.add(price, price, price)
    return span


class PriceWatch:
    """The symbols that some plan waits for a price of."""

    def __init__(self, execution: Outlet[PricesMoved]) -> None:
        self._execution = execution
        self._seen: dict[Symbol, _Seen] = {}

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Keep what an event says of a watched symbol, and have the plans looked at."""
        seen = self._seen.get(event.symbol)
        if seen is None:
            return
        seen.add(event)
        if not seen.notified:
            seen.notified = True
            self._execution.put(PricesMoved(symbol=event.symbol))

    def follow(self, symbol: Symbol, since_ns: int, latest: MarketDataEvent | None) -> None:
        """Begin to watch a symbol at the price that it has now, unless it is watched."""
        if symbol not in self._seen:
            self._seen[symbol] = _first_look(latest, since_ns)

    def leave(self, symbol: Symbol) -> None:
        """Watch a symbol no longer."""
        self._seen.pop(symbol, None)

    def take(self, symbol: Symbol) -> Prices | None:
        """What happened since this was last asked, with the latest prices; None for a symbol that is not watched."""
        seen = self._seen.get(symbol)
        return None if seen is None else seen.take()


def _first_look(latest: MarketDataEvent | None, since_ns: int) -> _Seen:
    seen = _Seen(since_ns)
    if latest is not None:
        seen.add(latest)
    return seen


def prices_of(latest: MarketDataEvent | None) -> Prices:
    """The prices that an event tells."""
    return _first_look(latest, 1 << 62).take()
