"""What the emulated market showed: the last quote and print, the day's figures, and bars.

Owns the figures by local symbol. Bars come from prints, in buckets of five seconds, or are loaded; a bigger bar is put
together when it is asked for. Never knows a client.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick

BUCKET_NS = 5 * NS_PER_SECOND
_MAX_BUCKETS_AT_ONCE = 120


class Shown(msgspec.Struct):
    """The last of one symbol."""

    quote: QuoteTick | None = None
    trade: TradeTick | None = None
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    volume: float = 0.0
    close: float = 0.0
    """The close of the day before."""


class MarketStore:
    """All symbols."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._shown: dict[Symbol, Shown] = {}
        self._bars: dict[Symbol, list[PriceBar]] = {}
        self._told_until: dict[Symbol, int] = {}

    def shown(self, symbol: Symbol) -> Shown:
        """What a symbol last showed."""
        return self._shown.setdefault(symbol, Shown())

    def load(self, bars: Iterable[PriceBar]) -> None:
        """Take bars of the past; those of one symbol in order of time."""
        for bar in bars:
            self._bars.setdefault(bar.symbol, []).append(bar)

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Take one event."""
        shown = self.shown(event.symbol)
        match event:
            case QuoteTick():
                shown.quote = event
            case TradeTick():
                shown.trade = event
                shown.open = shown.open or event.price
                shown.high = max(shown.high, event.price)
                shown.low = min(shown.low or event.price, event.price)
                shown.volume += event.size
                self._print(event)
            case PriceBar():
                self.load([event])

    def close_buckets(self, symbol: Symbol, now_ns: int) -> list[PriceBar]:
        """The five-second bars of a symbol that have ended since the last call; one without prints is flat."""
        end = now_ns - now_ns % BUCKET_NS
        start = self._told_until.get(symbol, end)
        self._told_until[symbol] = end
        start = max(start, end - _MAX_BUCKETS_AT_ONCE * BUCKET_NS)
        by_open = {bar.ts_open: bar for bar in self._bars.get(symbol, ()) if bar.interval_ns == BUCKET_NS}
        closed: list[PriceBar] = []
        for ts_open in range(start, end, BUCKET_NS):
            bar = by_open.get(ts_open) or self._flat(symbol, ts_open)
            if bar is not None:
                closed.append(bar)
        return closed

    def bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> list[PriceBar]:
        """The bars of an interval that open in `[start_ns, end_ns)`; those of a day begin with the local day."""
        merged: dict[int, PriceBar] = {}
        for bar in self._bars.get(symbol, ()):
            if not start_ns <= bar.ts_open < end_ns:
                continue
            ts_open = self._start_of(bar.ts_open, interval_ns)
            known = merged.get(ts_open)
            merged[ts_open] = _joined(known, bar, ts_open, interval_ns)
        return [merged[ts_open] for ts_open in sorted(merged)]

    def first_bar(self, symbol: Symbol) -> PriceBar | None:
        """The oldest bar there is."""
        return min(self._bars.get(symbol, ()), key=lambda bar: bar.ts_open, default=None)

    def _start_of(self, ts_ns: int, interval_ns: int) -> int:
        if interval_ns < DAY_NS:
            return ts_ns - ts_ns % interval_ns
        local = datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return int(midnight.timestamp()) * NS_PER_SECOND

    def _print(self, trade: TradeTick) -> None:
        ts_open = trade.ts_event - trade.ts_event % BUCKET_NS
        bars = self._bars.setdefault(trade.symbol, [])
        one = PriceBar(
            symbol=trade.symbol,
            interval_ns=BUCKET_NS,
            ts_open=ts_open,
            open=trade.price,
            high=trade.price,
            low=trade.price,
            close=trade.price,
            volume=trade.size,
            ts_event=ts_open + BUCKET_NS,
            ts_recv=trade.ts_recv,
        )
        if bars and bars[-1].ts_open == ts_open and bars[-1].interval_ns == BUCKET_NS:
            bars[-1] = _joined(bars[-1], one, ts_open, BUCKET_NS)
        else:
            bars.append(one)

    def _flat(self, symbol: Symbol, ts_open: int) -> PriceBar | None:
        trade = self.shown(symbol).trade
        if trade is None:
            return None
        return PriceBar(
            symbol=symbol,
            interval_ns=BUCKET_NS,
            ts_open=ts_open,
            open=trade.price,
            high=trade.price,
            low=trade.price,
            close=trade.price,
            volume=0.0,
            ts_event=ts_open + BUCKET_NS,
            ts_recv=ts_open + BUCKET_NS,
        )


def _joined(first: PriceBar | None, second: PriceBar, ts_open: int, interval_ns: int) -> PriceBar:
    return PriceBar(
        symbol=second.symbol,
        interval_ns=interval_ns,
        ts_open=ts_open,
        open=second.open if first is None else first.open,
        high=second.high if first is None else max(first.high, second.high),
        low=second.low if first is None else min(first.low, second.low),
        close=second.close,
        volume=second.volume + (0.0 if first is None else first.volume),
        ts_event=ts_open + interval_ns,
        ts_recv=second.ts_recv,
    )
