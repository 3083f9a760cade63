"""Bars of the venue's own market: minutes from ticks, and every other timeframe from minutes.

Owns the minute under way of each symbol and the closed bars in the store. Where the feed delivers bars, these are kept
instead. Trades make bars; a symbol that never trades gets bars of its mid quotes, without volume. A trade that comes
after its minute was closed revises that minute, if it was the last one.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time, timedelta
from enum import StrEnum

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS, MarketDataEvent, PriceBar, TradeTick
from tradingd.core.sessions import new_york_date, new_york_instant
from tradingd.venue.store import StoredBar, VenueStore

_TIMEFRAME = re.compile(r"(\d{1,2})(min|t|hour|h|day|d|week|w|month|m)", re.IGNORECASE | re.ASCII)
_MIDNIGHT = time()


class BarKind(StrEnum):
    """What a bar message says, as the stream's `T` writes it."""

    CLOSED = "b"
    UPDATED = "u"
    DAILY = "d"


class BarNews(msgspec.Struct, frozen=True):
    """A bar that the stream's subscribers should hear of."""

    kind: BarKind
    bar: StoredBar


NO_NEWS: Sequence[BarNews] = ()


class Timeframe(msgspec.Struct, frozen=True, kw_only=True):
    """A length of bars; `start_of` gives the open time of the bar that an instant belongs to."""

    start_of: Callable[[int], int]
    interval_ns: int | None
    """None for weeks and months, which no source delivers."""


def parse_timeframe(text: str) -> Timeframe | None:
    """Read `1Min`, `2Hour`, `1Day`, `1Week` or `3Month`, in any case; None when it is none of them.

    Minutes and hours count from the UTC epoch; days and more begin at New York's midnight.
    """
    match = _TIMEFRAME.fullmatch(text.strip())
    if match is None:
        return None
    count, unit = int(match[1]), match[2].lower()
    if unit in ("min", "t") and 1 <= count <= 59:
        return _fixed(count * MINUTE_NS)
    if unit in ("hour", "h") and 1 <= count <= 23:
        return _fixed(count * 60 * MINUTE_NS)
    if unit in ("day", "d") and count == 1:
        return Timeframe(start_of=lambda ts: new_york_instant(new_york_date(ts), _MIDNIGHT), interval_ns=DAY_NS)
    if unit in ("week", "w") and count == 1:
        return _dated(lambda day: day - timedelta(days=day.weekday()))
    if unit in ("month", "m") and count in (1, 2, 3, 4, 6, 12):
        return _dated(lambda day: date(day.year, (day.month - 1) // count * count + 1, 1))
    return None


def _fixed(interval_ns: int) -> Timeframe:
    return Timeframe(start_of=lambda ts: ts - ts % interval_ns, interval_ns=interval_ns)


def _dated(first_day: Callable[[date], date]) -> Timeframe:
    return Timeframe(start_of=lambda ts: new_york_instant(first_day(new_york_date(ts)), _MIDNIGHT), interval_ns=None)


def merge_bars(bars: Iterable[StoredBar], timeframe: Timeframe) -> list[StoredBar]:
    """Fold bars, in order, into bars of a longer timeframe."""
    merged: list[StoredBar] = []
    for bar in bars:
        ts_open = timeframe.start_of(bar.ts_open)
        if merged and merged[-1].ts_open == ts_open:
            merged[-1] = _joined(merged[-1], bar)
        else:
            merged.append(msgspec.structs.replace(bar, ts_open=ts_open, interval_ns=timeframe.interval_ns or 0))
    return merged


def _joined(first: StoredBar, second: StoredBar) -> StoredBar:
    volume = first.volume + second.volume
    return msgspec.structs.replace(
        first,
        high=max(first.high, second.high),
        low=min(first.low, second.low),
        close=second.close,
        volume=volume,
        trades=first.trades + second.trades,
        vwap=(first.vwap * first.volume + second.vwap * second.volume) / volume if volume else second.vwap,
    )


class _Minute:
    """One symbol's minute under way, and the one before it."""

    __slots__ = ("close", "day", "delivered", "end", "high", "last", "live", "low", "open", "start", "traded", "trades",
                 "value", "volume")  # fmt: skip

    def __init__(self) -> None:
        self.start = self.end = 0
        self.open = self.high = self.low = self.close = self.volume = self.value = 0.0
        self.trades = 0
        self.traded = False
        """True once the symbol printed: quotes then make no bars."""
        self.delivered = False
        """True once the feed delivered a bar: ticks then make no bars."""
        self.live = False
        """True when the minute belongs to the present, so that the clock may close it."""
        self.last: StoredBar | None = None
        self.day: StoredBar | None = None

    def begin(self, start: int, price: float, live: bool) -> None:
        self.start, self.end, self.live = start, start + MINUTE_NS, live
        self.open = self.high = self.low = self.close = price
        self.volume = self.value = 0.0
        self.trades = 0

    def add(self, price: float, size: float) -> None:
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size
        self.value += price * size
        self.trades += size > 0

    def snapshot(self, symbol: Symbol) -> StoredBar:
        return StoredBar(
            symbol=symbol,
            interval_ns=MINUTE_NS,
            ts_open=self.start,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            trades=self.trades,
            vwap=self.value / self.volume if self.volume else self.close,
        )


class BarKeeper:
    """Builds, keeps and finds the venue's bars."""

    def __init__(self, store: VenueStore, keep_days: int) -> None:
        self._store = store
        self._keep_ns = keep_days * DAY_NS
        self._minutes: dict[Symbol, _Minute] = {}
        self._unwritten: list[StoredBar] = []
        self._day = parse_timeframe("1Day")
        self._latest_ts = 0

    def on_market_data(self, event: MarketDataEvent) -> Sequence[BarNews]:
        """Take one event and return what it closes or revises."""
        minute = self._minutes.get(event.symbol)
        if minute is None:
            minute = self._minutes[event.symbol] = _Minute()
        # Plain `if` and no match: every tick of the market comes through here.
        if isinstance(event, PriceBar):
            return self._take_delivered(event, minute)
        if minute.delivered:
            return NO_NEWS
        if isinstance(event, TradeTick):
            minute.traded = True
            price, size = event.price, event.size
        elif minute.traded or event.bid <= 0 or event.ask <= 0:
            return NO_NEWS
        else:
            price, size = (event.bid + event.ask) / 2, 0.0
        ts = event.ts_event
        if minute.start <= ts < minute.end:
            minute.add(price, size)
            return NO_NEWS
        start = ts - ts % MINUTE_NS
        if start < minute.start:
            return self._revise(minute, start, price, size)
        news = self._close(event.symbol, minute) if minute.start else NO_NEWS
        minute.begin(start, price, live=event.ts_recv - event.ts_event < MINUTE_NS)
        minute.add(price, size)
        return news

    def on_time(self, now: int) -> Sequence[BarNews]:
        """Close the minutes that are over and write what was not yet written."""
        news: list[BarNews] = []
        for symbol, minute in self._minutes.items():
            if minute.start and minute.live and minute.start + MINUTE_NS <= now:
                news.extend(self._close(symbol, minute))
                # A tick of the closed minute must read as late.
                minute.start, minute.end, minute.live = minute.start + 1, 0, False
        self.flush()
        return news

    def flush(self) -> None:
        """Write the bars that wait to be written."""
        if self._unwritten:
            bars, self._unwritten = self._unwritten, []
            self._store.add_bars(bars, self._latest_ts - self._keep_ns, MINUTE_NS)

    def _take_delivered(self, bar: PriceBar, minute: _Minute) -> Sequence[BarNews]:
        if not minute.delivered:
            # What ticks had begun is not a bar of this feed.
            minute.delivered, minute.start, minute.end = True, 0, 0
        stored = StoredBar(
            symbol=bar.symbol,
            interval_ns=bar.interval_ns,
            ts_open=bar.ts_open,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            trades=0,
            vwap=(bar.high + bar.low + bar.close) / 3,
        )
        return self._keep(minute, stored, BarKind.CLOSED)

    def _close(self, symbol: Symbol, minute: _Minute) -> Sequence[BarNews]:
        if minute.start % MINUTE_NS:
            return NO_NEWS
        return self._keep(minute, minute.snapshot(symbol), BarKind.CLOSED)

    def _revise(self, minute: _Minute, start: int, price: float, size: float) -> Sequence[BarNews]:
        last = minute.last
        if last is None or last.ts_open != start or not size:
            return NO_NEWS
        late = msgspec.structs.replace(
            last, open=price, high=price, low=price, close=price, volume=size, trades=1, vwap=price
        )
        return self._keep(minute, msgspec.structs.replace(_joined(last, late), close=last.close), BarKind.UPDATED)

    def _keep(self, minute: _Minute, bar: StoredBar, kind: BarKind) -> Sequence[BarNews]:
        self._unwritten.append(bar)
        self._latest_ts = max(self._latest_ts, bar.ts_open)
        minute.last = bar
        if bar.interval_ns != MINUTE_NS:
            return NO_NEWS
        assert self._day is not None
        day_start = self._day.start_of(bar.ts_open)
        if minute.day is None or minute.day.ts_open != day_start or kind is BarKind.UPDATED:
            self.flush()
            whole = self._store.bars(bar.symbol, MINUTE_NS, day_start, bar.ts_open)
            minute.day = merge_bars(whole, self._day)[-1]
        else:
            minute.day = _joined(minute.day, bar)
        return (BarNews(kind, bar), BarNews(BarKind.DAILY, minute.day))

    # -- questions ----------------------------------------------------------------------------------------------------

    def latest(self, symbol: Symbol) -> StoredBar | None:
        """The last closed minute bar, None when there is none."""
        minute = self._minutes.get(symbol)
        return None if minute is None else minute.last

    def find(self, symbol: Symbol, timeframe: Timeframe, start: int, end: int) -> list[StoredBar]:
        """Bars that opened in `[start, end]`, the one under way among them."""
        self.flush()
        intervals = self._store.bar_intervals(symbol)
        exact = timeframe.interval_ns in intervals
        interval = timeframe.interval_ns if exact else next(iter(intervals), MINUTE_NS)
        assert interval is not None
        bars = self._store.bars(symbol, interval, timeframe.start_of(start), end)
        minute = self._minutes.get(symbol)
        if minute is not None and interval == MINUTE_NS and minute.start and minute.start % MINUTE_NS == 0:
            running = minute.snapshot(symbol)
            if timeframe.start_of(start) <= running.ts_open <= end:
                bars.append(running)
        return [bar for bar in merge_bars(bars, timeframe) if start <= bar.ts_open <= end]

    def close_before(self, symbol: Symbol, instant: int) -> float | None:
        """The last close before an instant, None when the venue has seen none."""
        self.flush()
        return self._store.last_close(symbol, instant)
