"""Bars built from ticks, and bigger bars from smaller ones.

Owns: the bar under way of one symbol and interval. Emits: closed `PriceBar`s, each once, in order of time, on
intervals that are whole multiples of their length since the UTC epoch. An interval without a tick gives no bar, and a
tick for a bar that is already closed is dropped and counted. Never reads a clock: the caller says what time it is.
"""

import re
from enum import StrEnum

from tradingd.core.identifiers import Symbol
from tradingd.core.market import (
    DAY_NS,
    MINUTE_NS,
    NS_PER_SECOND,
    MarketDataEvent,
    PriceBar,
    QuoteTick,
    TradeTick,
    mid_price,
)

_UNITS_NS = {"s": NS_PER_SECOND, "m": MINUTE_NS, "h": 60 * MINUTE_NS, "d": DAY_NS}
_INTERVAL = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_NOTHING_OPEN = -1


def parse_interval(text: str) -> int:
    """Turn `5s`, `1m`, `4h` or `1d` into nanoseconds; raises `ValueError` for anything else."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an interval: a whole number and s, m, h or d, such as 5s, 1m, 1h or 1d")
    return int(match[1]) * _UNITS_NS[match[2]]


def format_interval(interval_ns: int) -> str:
    """Turn nanoseconds into the shortest interval text; raises `ValueError` unless they are whole seconds."""
    for unit in ("d", "h", "m", "s"):
        if interval_ns > 0 and interval_ns % _UNITS_NS[unit] == 0:
            return f"{interval_ns // _UNITS_NS[unit]}{unit}"
    raise ValueError(f"{interval_ns} ns is not a positive whole number of seconds")


class BarSource(StrEnum):
    """Which ticks make a builder's bars."""

    TRADES = "trades"
    QUOTES = "quotes"


class BarBuilder:
    """Fold one symbol's ticks into bars: trades by price and size, or mids of two-sided quotes with volume 0."""

    __slots__ = (
        "_close", "_end", "_finished", "_high", "_low", "_open", "_start", "_takes_trades", "_volume",
        "interval_ns", "late", "source", "symbol",
    )  # fmt: skip

    def __init__(self, symbol: Symbol, interval_ns: int, source: BarSource = BarSource.TRADES) -> None:
        if interval_ns <= 0:
            raise ValueError(f"a bar interval must be positive, not {interval_ns}")
        self.symbol = symbol
        self.interval_ns = interval_ns
        self.source = source
        self.late = 0
        """Ticks dropped because their bar was closed already."""
        self._takes_trades = source is BarSource.TRADES
        self._start = _NOTHING_OPEN
        self._end = _NOTHING_OPEN
        self._finished = 0
        self._open = self._high = self._low = self._close = self._volume = 0.0

    def apply(self, event: MarketDataEvent) -> list[PriceBar]:
        """Take one tick and return the bar that it closes, if any; events of the other kind are left alone."""
        if self._takes_trades:
            if type(event) is not TradeTick:
                return []
            price, size = event.price, event.size
        else:
            # A one-sided quote has no mid.
            if type(event) is not QuoteTick or event.bid <= 0 or event.ask <= 0:
                return []
            price, size = mid_price(event.bid, event.ask), 0.0
        ts = event.ts_event
        if self._start <= ts < self._end:
            if price > self._high:
                self._high = price
            elif price < self._low:
                self._low = price
            self._close = price
            self._volume += size
            return []
        if ts < self._finished or ts < self._start:
            self.late += 1
            return []
        closed = self._finish(event.ts_recv)
        self._start = ts - ts % self.interval_ns
        self._end = self._start + self.interval_ns
        self._open = self._high = self._low = self._close = price
        self._volume = size
        return closed

    def close_until(self, now_ns: int) -> list[PriceBar]:
        """Return the bar whose interval is over at `now_ns`, if one is open."""
        return self._finish(now_ns) if self._start != _NOTHING_OPEN and now_ns >= self._end else []

    def _finish(self, ts_recv: int) -> list[PriceBar]:
        if self._start == _NOTHING_OPEN:
            return []
        bar = PriceBar(
            symbol=self.symbol,
            interval_ns=self.interval_ns,
            ts_open=self._start,
            open=self._open,
            high=self._high,
            low=self._low,
            close=self._close,
            volume=self._volume,
            ts_event=self._end,
            ts_recv=ts_recv,
        )
        self._finished = self._end
        self._start = self._end = _NOTHING_OPEN
        return [bar]


class BarAggregator:
    """Fold one symbol's closed bars into bigger ones; a bar closes with the last small bar that it has room for."""

    __slots__ = ("_finished", "_parts", "interval_ns", "late", "symbol")

    def __init__(self, symbol: Symbol, interval_ns: int) -> None:
        if interval_ns <= 0:
            raise ValueError(f"a bar interval must be positive, not {interval_ns}")
        self.symbol = symbol
        self.interval_ns = interval_ns
        self.late = 0
        """Bars dropped because the bigger bar was closed already, or because they came twice."""
        self._parts: list[PriceBar] = []
        self._finished = 0

    def apply(self, bar: PriceBar) -> list[PriceBar]:
        """Take one smaller bar and return the bigger bars that it closes.

        Raises `ValueError` for a bar whose interval does not divide this one's.
        """
        if self.interval_ns % bar.interval_ns:
            raise ValueError(
                f"bars of {format_interval(bar.interval_ns)} do not add up to {format_interval(self.interval_ns)}"
            )
        if bar.ts_open < self._finished or (self._parts and bar.ts_open <= self._parts[-1].ts_open):
            self.late += 1
            return []
        end = bar.ts_open - bar.ts_open % self.interval_ns + self.interval_ns
        closed = self._finish(bar.ts_recv) if self._parts and end > self._end else []
        self._parts.append(bar)
        if bar.ts_event >= end:
            closed += self._finish(bar.ts_recv)
        return closed

    def close_until(self, now_ns: int) -> list[PriceBar]:
        """Return the bar whose interval is over at `now_ns`, if one is open."""
        return self._finish(now_ns) if self._parts and now_ns >= self._end else []

    @property
    def _end(self) -> int:
        ts_open = self._parts[0].ts_open
        return ts_open - ts_open % self.interval_ns + self.interval_ns

    def _finish(self, ts_recv: int) -> list[PriceBar]:
        parts, end = self._parts, self._end
        self._parts, self._finished = [], end
        return [
            PriceBar(
                symbol=self.symbol,
                interval_ns=self.interval_ns,
                ts_open=end - self.interval_ns,
                open=parts[0].open,
                high=max(part.high for part in parts),
                low=min(part.low for part in parts),
                close=parts[-1].close,
                volume=sum(part.volume for part in parts),
                ts_event=end,
                ts_recv=ts_recv,
            )
        ]
