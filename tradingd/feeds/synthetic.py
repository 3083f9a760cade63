"""An invented market: seeded random walks, the same for the same seed and symbol.

Owns: prices that nobody traded at. Emits: quotes with a spread and sizes, and trades at them; bars of an invented past
that ends at the start price, so that strategies can warm up. Says in its first status that nothing here is real.
"""

import asyncio
import heapq
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.errors import UsageError
from tradingd.feeds.base import FeedState, FeedStatus, MarketDataSink

_YEAR_NS = 365 * DAY_NS
_MS_NS = 1_000_000
_TRADE_SHARE = 0.3
_MAX_LAG_S = 1.0
_HISTORY_LIMIT = 20_000
_KNOWN_PRICES = {"AAPL": 190.0, "MSFT": 420.0, "SPY": 520.0, "BTC/USD": 60_000.0, "ETH/USD": 3_000.0}


class _Moment(NamedTuple):
    """One step of one symbol's walk; `trade_price` 0 means that nobody traded."""

    offset_ns: int
    symbol: Symbol
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    trade_price: float
    trade_size: float


class SyntheticFeed:
    """Random walks in real time, or over a span of time without a clock.

    `interval_ms` is the mean time between two quotes of a symbol, `volatility` annual, `spread_bps` the distance of bid
    and ask. `span` (start and end in ns) is what `read` covers.
    """

    realtime = True

    def __init__(
        self,
        symbols: Sequence[Symbol],
        *,
        seed: int = 1,
        start_price: Mapping[str, float] | None = None,
        interval_ms: int = 200,
        volatility: float = 0.4,
        spread_bps: float = 2.0,
        span: tuple[int, int] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"synthetic:{seed}"
        self.symbols = tuple(symbols)
        self._seed = seed
        self._interval_ns = interval_ms * _MS_NS
        self._volatility = volatility
        self._spread = spread_bps / 10_000
        self._span = span
        self._clock = clock
        given = start_price or {}
        self._start_price = {symbol: given.get(symbol) or self._own_price(symbol) for symbol in self.symbols}
        self._began_ns = span[0] if span is not None else clock()

    def go_on_from(self, prices: Mapping[Symbol, float]) -> None:
        """Begin where a market that was seen before has ended, instead of at its start price."""
        self._start_price |= {symbol: price for symbol, price in prices.items() if symbol in self._start_price}

    def malformed(self) -> Sequence[tuple[Symbol, int, str]]:
        """Nothing: what is made here always decodes."""
        return ()

    def read(self) -> Iterator[tuple[MarketDataEvent | None, int]]:
        """Yield the events of `span`, in order of time, each with row 0."""
        if self._span is None:
            raise UsageError("a synthetic market has no beginning and no end: a replay of it needs both times")
        start_ns, end_ns = self._span
        for moment in self._moments():
            ts = start_ns + moment.offset_ns
            if ts >= end_ns:
                return
            for event in _events(moment, ts):
                yield event, 0

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver in real time until cancelled; the price path is the seed's, the times are the clock's."""
        detail = f"SYNTHETIC market (invented prices, seed {self._seed}): {', '.join(self.symbols)}"
        sink.feed_status(FeedStatus(feed=self.name, state=FeedState.UP, detail=detail, symbols=self.symbols))
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for moment in self._moments():
            wait = begin + moment.offset_ns / NS_PER_SECOND - loop.time()
            if wait < -_MAX_LAG_S:  # the machine slept: go on from now instead of racing after the lost time
                begin -= wait
            await asyncio.sleep(max(wait, 0.0))
            for event in _events(moment, self._clock()):
                sink.ingest(event)

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Invented bars that closed before this feed began, at most 20,000 back from then, in order.

        The last of them closes at the start price, so that the walk goes on where they end.
        """
        if symbol not in self._start_price:
            return ()
        last_end = self._began_ns - self._began_ns % interval_ns
        count = min(_HISTORY_LIMIT, (last_end - start_ns) // interval_ns)
        rng = self._rng(f"{symbol}:{interval_ns}")
        step = self._volatility * math.sqrt(interval_ns / _YEAR_NS)
        close = _round(self._start_price[symbol])
        bars = []
        for back in range(1, count + 1):
            ts_open = last_end - back * interval_ns
            open_ = _round(close * math.exp(rng.gauss(0.0, step)))
            high = _round(max(open_, close) * (1 + abs(rng.gauss(0.0, step)) / 2))
            low = _round(min(open_, close) * (1 - min(abs(rng.gauss(0.0, step)) / 2, 0.5)))
            volume = float(rng.randint(1_000, 50_000))
            if ts_open < end_ns:
                bars.append(
                    PriceBar(
                        symbol=symbol,
                        interval_ns=interval_ns,
                        ts_open=ts_open,
                        open=open_,
                        high=max(high, open_, close),
                        low=min(low, open_, close),
                        close=close,
                        volume=volume,
                        ts_event=ts_open + interval_ns,
                        ts_recv=ts_open + interval_ns,
                    )
                )
            close = open_
        return bars[::-1]

    def _rng(self, name: str) -> random.Random:
        # A text seed is hashed the same way on every machine, and nothing here is a secret.
        return random.Random(f"{self._seed}:{name}")  # noqa: S311

    def _own_price(self, symbol: Symbol) -> float:
        return _KNOWN_PRICES.get(symbol) or round(random.Random(symbol).uniform(20, 400), 2)  # noqa: S311 - as above

    def _moments(self) -> Iterator[_Moment]:
        return heapq.merge(*(self._walk(symbol) for symbol in self.symbols))

    def _walk(self, symbol: Symbol) -> Iterator[_Moment]:
        rng = self._rng(symbol)
        price = self._start_price[symbol]
        lot = 0.01 if "/" in symbol else 1.0
        per_root_ns = self._volatility / math.sqrt(_YEAR_NS)
        offset = 0
        while True:
            half = price * self._spread / 2
            bid = _round(price - half)
            ask = max(_round(price + half), bid + _tick(price))
            traded = rng.random() < _TRADE_SHARE
            yield _Moment(
                offset_ns=offset,
                symbol=symbol,
                bid=bid,
                ask=_round(ask),
                bid_size=round(lot * 100 * rng.randint(1, 20), 2),
                ask_size=round(lot * 100 * rng.randint(1, 20), 2),
                trade_price=_round(ask if rng.random() < 0.5 else bid) if traded else 0.0,
                trade_size=round(lot * rng.randint(1, 300), 2),
            )
            # At least a millisecond, so that no two quotes of a symbol share a time.
            gap = max(int(rng.expovariate(1 / self._interval_ns)), _MS_NS)
            offset += gap
            price *= math.exp(rng.gauss(0.0, per_root_ns * math.sqrt(gap)))


def _tick(price: float) -> float:
    return 0.01 if price >= 1 else 0.0001


def _round(price: float) -> float:
    """Round to the tick, which is never rounded away to nothing."""
    return max(round(price, 2), 0.01) if price >= 1 else max(round(price, 4), 0.0001)


def _events(moment: _Moment, ts: int) -> Iterator[MarketDataEvent]:
    yield QuoteTick(
        symbol=moment.symbol,
        bid=moment.bid,
        ask=moment.ask,
        bid_size=moment.bid_size,
        ask_size=moment.ask_size,
        ts_event=ts,
        ts_recv=ts,
    )
    if moment.trade_price:
        yield TradeTick(symbol=moment.symbol, price=moment.trade_price, size=moment.trade_size, ts_event=ts, ts_recv=ts)
