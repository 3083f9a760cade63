"""What the market data of one symbol adds up to. No I/O.

Owns: the quote as it stands, put together from ticks that tell one figure each. Emits: quotes, trades and bars. Never:
gives out half of a change, a side that is not quoted as a price, or a trade that was over before anybody listened.
"""

from enum import StrEnum
from typing import Any

from tradingd.brokers.ib.instruments import Described
from tradingd.brokers.ib.ticks import MarketRecord, WireBar, WirePrint, WireQuote, WireStamp, WireTick
from tradingd.core.bars import BarAggregator
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick

FIVE_SECONDS_NS = 5 * NS_PER_SECOND
_OLD_TRADE_NS = 60 * NS_PER_SECOND
_CROSSED_NS = NS_PER_SECOND
_DELAYED_FROM, _DELAYED_BY = 66, {66: 1, 67: 2, 68: 4, 69: 0, 70: 3, 71: 5}
_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE = 0, 1, 2, 3, 4, 5


class FeedMode(StrEnum):
    """What is asked of TWS for each symbol."""

    TICKS = "ticks"
    """Quotes and trades, conflated to a few a second."""
    TICK_BY_TICK = "tick_by_tick"
    """Each quote and each trade; TWS gives three symbols of these, and one more for each hundred lines."""
    BARS_5S = "bars_5s"
    BARS_1M = "bars_1m"
    """Minutes, added up from bars of five seconds."""


class Line:
    """One symbol of a feed: its requests, and what they have told."""

    def __init__(self, described: Described, mode: FeedMode) -> None:
        self.symbol: Symbol = described.instrument.symbol
        self.described = described
        self.mode = mode
        self.requests: list[int] = []
        self.is_delayed = False
        self.is_stopped = False
        """True while TWS refuses the data of this symbol."""
        self._bid = self._ask = self._bid_size = self._ask_size = 0.0
        self._changed = False
        self._last_price = self._last_size = 0.0
        self._last_stamp_ns = 0
        self._previous = (0, 0.0, 0.0)
        """The trade that was delivered last: its stamp, price and size."""
        self._is_first = False
        """True until the first trade after the requests were put."""
        self._crossed_ns = 0
        """Since when the bid has stood above the offer."""
        self._latest_ns = 0
        self._minutes = BarAggregator(self.symbol, MINUTE_NS)

    def ask(self, client: Any, next_number: Any) -> None:
        """Put the requests of this line; what was told under the ones before counts no more."""
        self._bid = self._ask = self._bid_size = self._ask_size = 0.0
        self._changed = self.is_stopped = False
        self._last_price = self._last_size = 0.0
        self._is_first, self._crossed_ns = True, 0
        contract = self.described.contract
        shown = "MIDPOINT" if self.described.instrument.asset_class is AssetClass.FX else "TRADES"
        match self.mode:
            case FeedMode.TICKS:
                self.requests = [next_number()]
                client.reqMktData(self.requests[0], contract, "", False, False, [])
            case FeedMode.TICK_BY_TICK:
                kinds = ["BidAsk"] if shown == "MIDPOINT" else ["BidAsk", "Last"]
                self.requests = [next_number() for _ in kinds]
                for number, kind in zip(self.requests, kinds, strict=True):
                    client.reqTickByTickData(number, contract, kind, 0, False)
            case FeedMode.BARS_5S | FeedMode.BARS_1M:
                self.requests = [next_number()]
                client.reqRealTimeBars(self.requests[0], contract, 5, shown, False, [])

    def cancel(self, client: Any) -> None:
        """Take the requests back."""
        for number in self.requests:
            match self.mode:
                case FeedMode.TICKS:
                    client.cancelMktData(number)
                case FeedMode.TICK_BY_TICK:
                    client.cancelTickByTickData(number)
                case FeedMode.BARS_5S | FeedMode.BARS_1M:
                    client.cancelRealTimeBars(number)
        self.requests = []

    @property
    def messages(self) -> int:
        """How many messages `ask` sends."""
        return 2 if self.mode is FeedMode.TICK_BY_TICK else 1

    def take(self, record: MarketRecord, now_ns: int) -> list[MarketDataEvent]:
        """Take one record; a change of the quote is kept until `settle`."""
        match record:
            case WireTick():
                return self._on_tick(record, now_ns)
            case WireStamp(seconds=seconds):
                self._last_stamp_ns = seconds * NS_PER_SECOND
                return []
            case WirePrint():
                return [self._trade(record.price, record.size, self._forward(record.seconds), now_ns)]
            case WireQuote():
                at = self._forward(record.seconds)
                self._bid, self._bid_size = _side(record.bid, record.bid_size)
                self._ask, self._ask_size = _side(record.ask, record.ask_size)
                return [self._quote(at, now_ns)] if self._bid or self._ask else []
            case WireBar():
                return self._on_bar(record, now_ns)
            case _:
                return []

    def settle(self, now_ns: int) -> QuoteTick | None:
        """The quote, if a packet that is over now has changed it."""
        if not self._changed:
            return None
        if self._bid > self._ask > 0:
            # Each side comes by itself: one that has passed the other waits for it, unless the market stands so.
            self._crossed_ns = self._crossed_ns or now_ns
            if now_ns - self._crossed_ns < _CROSSED_NS:
                return None
        else:
            self._crossed_ns = 0
        self._changed = False
        return self._quote(now_ns, now_ns) if self._bid or self._ask else None

    def _on_tick(self, tick: WireTick, now_ns: int) -> list[MarketDataEvent]:
        kind = _DELAYED_BY.get(tick.kind, tick.kind)
        if tick.kind >= _DELAYED_FROM and tick.kind in _DELAYED_BY:
            self.is_delayed = True
        match kind:
            case 1 if tick.price is not None:
                self._bid, self._bid_size = _side(tick.price, tick.size)
                self._changed = True
            case 2 if tick.price is not None:
                self._ask, self._ask_size = _side(tick.price, tick.size)
                self._changed = True
            case 0 if self._bid and tick.size != self._bid_size:
                self._bid_size, self._changed = tick.size, True
            case 3 if self._ask and tick.size != self._ask_size:
                self._ask_size, self._changed = tick.size, True
            case 4 if tick.price is not None:
                return self._on_last(tick.price, tick.size, now_ns)
            # The size after a price repeats what came with it; one that differs is of a trade at the same price.
            case 5 if self._last_price and tick.size != self._last_size:
                return self._on_last(self._last_price, tick.size, now_ns)
            case _:
                pass
        return []

    def _on_last(self, price: float, size: float, now_ns: int) -> list[MarketDataEvent]:
        self._last_price, self._last_size = price, size
        stamp_ns = self._last_stamp_ns
        if not self.is_delayed and stamp_ns and now_ns - stamp_ns > _OLD_TRADE_NS:
            return []  # what is told first is the last trade of whenever that was
        was_first, self._is_first = self._is_first, False
        told, self._previous = self._previous, (stamp_ns, price, size)
        if was_first and stamp_ns <= told[0] and (price, size) == told[1:]:
            return []  # and may have been told before the requests were put anew
        return [self._trade(price, size, now_ns, now_ns)] if price > 0 and size > 0 else []

    def _on_bar(self, told: WireBar, now_ns: int) -> list[MarketDataEvent]:
        ts_open = int(told.date) * NS_PER_SECOND
        bar = PriceBar(
            symbol=self.symbol,
            interval_ns=FIVE_SECONDS_NS,
            ts_open=ts_open,
            open=told.open,
            high=told.high,
            low=told.low,
            close=told.close,
            volume=max(told.volume, 0.0),
            ts_event=ts_open + FIVE_SECONDS_NS,
            ts_recv=now_ns,
        )
        return [bar] if self.mode is FeedMode.BARS_5S else list(self._minutes.apply(bar))

    def close_minutes(self, now_ns: int) -> list[PriceBar]:
        """Minutes that are over although no bar of five seconds has said so."""
        return list(self._minutes.close_until(now_ns)) if self.mode is FeedMode.BARS_1M else []

    def _forward(self, seconds: int) -> int:
        # Quotes and trades come by different requests, each to the second: neither may seem to go back.
        self._latest_ns = max(self._latest_ns, seconds * NS_PER_SECOND)
        return self._latest_ns

    def _trade(self, price: float, size: float, at_ns: int, now_ns: int) -> TradeTick:
        return TradeTick(symbol=self.symbol, price=price, size=size, ts_event=at_ns, ts_recv=now_ns)

    def _quote(self, at_ns: int, now_ns: int) -> QuoteTick:
        return QuoteTick(
            symbol=self.symbol,
            bid=self._bid,
            ask=self._ask,
            bid_size=self._bid_size,
            ask_size=self._ask_size,
            ts_event=at_ns,
            ts_recv=now_ns,
        )


def _side(price: float, size: float) -> tuple[float, float]:
    """One side of a quote; -1 stands for none."""
    return (price, max(size, 0.0)) if price > 0 else (0.0, 0.0)
