"""Prices for a drill: those of the configured feeds, at a pace that makes seconds enough.

Owns: the order and the times of the events. Every feed begins at the drill's beginning; a file that ends begins again;
a bar becomes the ticks that it could have come from. Never: repeats the past: after a restart of the venue the market
is where it would have been.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

import msgspec

from tradingd.core.bars import parse_interval
from tradingd.core.market import NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick, find_defect
from tradingd.errors import UsageError
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.ib import IbFeedSettings

_YEARS_NS = 10 * 365 * 86_400 * NS_PER_SECOND
_BEAT_S = 0.01
_HALF_SPREAD = 0.0001


def play(feeds: Sequence[FeedSettings], begin_ns: int) -> Iterator[MarketDataEvent]:
    """Yield the events of all feeds in order of time, without end; raises `UsageError` for a feed without events."""
    return heapq.merge(*(_play(feed, begin_ns) for feed in feeds), key=lambda event: event.ts_event)


def _play(feed: FeedSettings, begin_ns: int) -> Iterator[MarketDataEvent]:
    match feed:
        case SyntheticFeedSettings():
            market = SyntheticFeed(
                feed.symbols,
                seed=feed.seed,
                start_price=feed.start_price,
                interval_ms=feed.interval_ms,
                volatility=feed.volatility,
                spread_bps=feed.spread_bps,
                span=(begin_ns, begin_ns + _YEARS_NS),
            )
            return (event for event, _ in market.read() if event is not None)
        case FileFeedSettings():
            return _again_and_again(feed, begin_ns)
        case AlpacaFeedSettings() | IbFeedSettings():
            raise AssertionError("the stream of a broker is no market of a drill")
        case _:
            assert_never(feed)


def _again_and_again(feed: FileFeedSettings, begin_ns: int) -> Iterator[MarketDataEvent]:
    for number in itertools.count():
        shift: int | None = None
        end = begin_ns
        file = FileFeed(feed.path, feed.symbol, feed.data_schema, interval_ns=feed.interval_ns, speed=None)
        for event, _ in file.read():
            if event is None or find_defect(event) is not None:
                continue
            for tick in _ticks(event):
                if shift is None:
                    shift = begin_ns - tick.ts_event
                end = max(end, tick.ts_event + shift)
                yield msgspec.structs.replace(tick, ts_event=end, ts_recv=end)
        if shift is None:
            raise UsageError(f"{feed.path}: there is no row that a drill could play")
        begin_ns = end + NS_PER_SECOND
        assert number < 1_000_000, "a drill is over long before"


def _ticks(event: MarketDataEvent) -> Iterator[QuoteTick | TradeTick]:
    """The event itself, or for a bar the prices that it must have seen, in an order that it could have seen them."""
    if not isinstance(event, PriceBar):
        yield event
        return
    turns = (event.low, event.high) if event.close >= event.open else (event.high, event.low)
    for number, price in enumerate((event.open, *turns, event.close)):
        ts = event.ts_open + event.interval_ns * number // 4
        half = price * _HALF_SPREAD
        digits = 2 if price >= 1 else 4
        bid, ask = round(price - half, digits), round(price + half, digits)
        yield QuoteTick(
            symbol=event.symbol, bid=max(bid, 10**-digits), ask=max(ask, bid), bid_size=0, ask_size=0, ts_event=ts,
            ts_recv=ts,
        )  # fmt: skip
        size = event.volume / 4
        if size > 0:
            yield TradeTick(symbol=event.symbol, price=price, size=size, ts_event=ts, ts_recv=ts)


def slow_down(feed: FeedSettings, bars: Sequence[str]) -> FeedSettings:
    """Make an invented market's quotes so rare that a few of them fill a strategy's bar."""
    if not isinstance(feed, SyntheticFeedSettings) or not bars:
        return feed
    shortest_ms = min(map(parse_interval, bars)) // 1_000_000
    return feed.model_copy(update={"interval_ms": max(feed.interval_ms, shortest_ms // 8)})


async def pace(
    events: Iterator[MarketDataEvent], *, began_s: float, per_second: float, deliver: Callable[[MarketDataEvent], None]
) -> None:
    """Deliver until cancelled, so many in a second since `began_s` of the wall clock; those of the past are skipped."""
    done = int(max(0.0, time.time() - began_s) * per_second)
    next(itertools.islice(events, done, done), None)
    while True:
        due = int((time.time() - began_s) * per_second)
        for event in itertools.islice(events, max(0, due - done)):
            deliver(event)
        done = max(done, due)
        await asyncio.sleep(_BEAT_S)
