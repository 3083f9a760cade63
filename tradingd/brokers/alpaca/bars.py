"""Bars of the past from Alpaca's market-data REST service, whoever carries the requests.

Owns: the question, its pages, and what to make of intervals that the service lacks. Emits: closed bars, complete or not
at all. Never: opens a connection or repeats a request; daily bars keep the venue's stamp, midnight in New York.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
from yarl import URL

from tradingd.core.bars import BarAggregator
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS, PriceBar
from tradingd.core.timestamps import format_timestamp, parse_timestamp
from tradingd.errors import FeedError

GetPage: TypeAlias = Callable[[URL], Awaitable[bytes]]
"""Answers a GET with the body of a 200; raises for anything else."""

PLAN_LACKS_SIP = (403, 42210000)
"""Status and code of the refusal to show the last minutes of all exchanges to a free plan."""
SIP_REMEDY = "this data plan has no recent data of all exchanges (SIP): use the iex feed"

_PAGE_LIMIT = 10_000
_HOUR_NS = 60 * MINUTE_NS


class _Bar(msgspec.Struct):
    time: str = msgspec.field(name="t")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    volume: float = msgspec.field(name="v", default=0.0)


class _Page(msgspec.Struct):
    bars: dict[str, list[_Bar] | None] | None = None
    next_page_token: str | None = None


_pages = msgspec.json.Decoder(_Page)


class BarReader:
    """Reads bars of one data plan; `feed` names the plan's source (`iex`, `sip`), `adjustment` what prices allow for.

    Equities know both; `clock` tells which bars are closed.
    """

    def __init__(self, data_url: str, get: GetPage, *, feed: str, adjustment: str, clock: Callable[[], int]) -> None:
        self._data_url = data_url.rstrip("/")
        self._get = get
        self._feed = feed
        self._adjustment = adjustment
        self._clock = clock

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order, every page read to the end.

        Intervals that the service does not have are added up from minutes; shorter than a minute there are none. Raises
        `FeedError`, and whatever the carrier of the requests raises.
        """
        if interval_ns % MINUTE_NS or start_ns >= end_ns:
            return ()
        asked_ns, timeframe = timeframe_of(interval_ns)
        crypto = "/" in symbol
        query = {
            "symbols": symbol,
            "timeframe": timeframe,
            "start": format_timestamp(start_ns),
            "end": format_timestamp(end_ns - 1),  # both ends are inclusive there
            "limit": str(_PAGE_LIMIT),
            "sort": "asc",
        }
        if not crypto:
            query |= {"adjustment": self._adjustment, "feed": self._feed}
        url = URL(f"{self._data_url}{'/v1beta3/crypto/us/bars' if crypto else '/v2/stocks/bars'}")
        bars: list[PriceBar] = []
        seen: set[str] = set()
        while True:
            page = _decode(url, await self._get(url.with_query(query)))
            # A page may hold other symbols alone, or none: only the token says whether there are more.
            bars += [_price_bar(symbol, asked_ns, bar) for bar in (page.bars or {}).get(symbol) or ()]
            token = page.next_page_token
            if not token:
                break
            if token in seen:
                raise FeedError(f"{url} repeats a page of {symbol}")
            seen.add(token)
            query["page_token"] = token
        now = self._clock()
        closed = [bar for bar in bars if bar.ts_event <= now and start_ns <= bar.ts_open < end_ns]
        return closed if asked_ns == interval_ns else _add_up(symbol, interval_ns, closed, now)


def timeframe_of(interval_ns: int) -> tuple[int, str]:
    """The interval to ask for, and the venue's word for it: minutes where it has none for the whole."""
    if interval_ns == DAY_NS:
        return DAY_NS, "1Day"
    if interval_ns < _HOUR_NS:
        return interval_ns, f"{interval_ns // MINUTE_NS}Min"
    hours, rest = divmod(interval_ns, _HOUR_NS)
    if not rest and hours < 24:
        return interval_ns, f"{hours}Hour"
    return MINUTE_NS, "1Min"


def _decode(url: URL, body: bytes) -> _Page:
    try:
        return _pages.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FeedError(f"{url} answered something else than bars: {error}") from error


def _price_bar(symbol: Symbol, interval_ns: int, bar: _Bar) -> PriceBar:
    try:
        ts = parse_timestamp(bar.time)
    except ValueError as error:
        raise FeedError(f"a bar of {symbol} has no readable time: {error}") from error
    return PriceBar(
        symbol=symbol,
        interval_ns=interval_ns,
        ts_open=ts,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        ts_event=ts + interval_ns,
        ts_recv=ts + interval_ns,
    )


def _add_up(symbol: Symbol, interval_ns: int, bars: Sequence[PriceBar], now_ns: int) -> Sequence[PriceBar]:
    aggregator = BarAggregator(symbol, interval_ns)
    closed = [big for bar in bars for big in aggregator.apply(bar)]
    return [*closed, *aggregator.close_until(now_ns)]
