"""Bars of the past from Alpaca's market-data REST service.

Owns: one HTTP session, paging, and what to do about a refused or failed request. Emits: closed bars, complete or not at
all. Daily bars keep the venue's stamp, midnight in New York.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import aiohttp
import msgspec

from tradingd.core.bars import BarAggregator
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS, PriceBar
from tradingd.errors import CredentialsRefused, FeedError
from tradingd.feeds.timestamps import format_timestamp, parse_timestamp
from tradingd.runtime.backoff import Backoff

_ATTEMPTS = 4
_LONGEST_WAIT_S = 10.0
_PAGE_LIMIT = 10_000
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


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


class _Refusal(msgspec.Struct):
    message: str = ""
    code: int = 0


class AlpacaHistory:
    """Closed bars of one account's data plan; `feed` names the plan's source (`iex`, `sip`)."""

    def __init__(
        self,
        data_url: str,
        api_key: str,
        api_secret: str,
        *,
        feed: str = "iex",
        timeout_s: float = 15.0,
        backoff: Backoff | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._data_url = data_url.rstrip("/")
        self._headers = {"APCA-API-KEY-ID": api_key, "APCA-API-SECRET-KEY": api_secret}
        self._feed = feed
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff(0.25, 5.0)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order, every page read to the end.

        Intervals that the service does not have are added up from minutes; shorter than a minute there are none.
        Raises `CredentialsRefused` or `FeedError`.
        """
        if interval_ns % MINUTE_NS or start_ns >= end_ns:
            return ()
        asked_ns, timeframe = _timeframe(interval_ns)
        crypto = "/" in symbol
        query = {
            "symbols": symbol,
            "timeframe": timeframe,
            "start": format_timestamp(start_ns),
            "end": format_timestamp(end_ns - 1),  # both ends are inclusive there
            "limit": str(_PAGE_LIMIT),
        }
        if not crypto:
            query |= {"adjustment": "split", "feed": self._feed}
        url = f"{self._data_url}{'/v1beta3/crypto/us/bars' if crypto else '/v2/stocks/bars'}"
        bars: list[PriceBar] = []
        seen: set[str] = set()
        while True:
            page = await self._fetch_page(url, query)
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

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _fetch_page(self, url: str, query: dict[str, str]) -> _Page:
        self._backoff.reset()
        reason = ""
        for attempt in range(_ATTEMPTS):
            wait = self._backoff.next_delay()
            try:
                async with self._connected().get(url, params=query, allow_redirects=False) as response:
                    body = await response.read()
                    if response.status == 200:
                        return msgspec.json.decode(body, type=_Page)
                    reason = self._judge(url, response.status, body)
                    retry_after = response.headers.get("Retry-After", "")
                    if retry_after.isdecimal():
                        wait = min(float(retry_after), _LONGEST_WAIT_S)
            except msgspec.DecodeError as error:
                raise FeedError(f"{url} answered something else than bars: {error}") from error
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            if attempt < _ATTEMPTS - 1:
                await asyncio.sleep(wait)
        raise FeedError(f"{url}: no answer after {_ATTEMPTS} attempts: {reason}")

    def _judge(self, url: str, status: int, body: bytes) -> str:
        """Return why a request may be tried again, or raise."""
        try:
            refusal = msgspec.json.decode(body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError):
            refusal = _Refusal()
        said = f"HTTP {status} {refusal.message}".rstrip()
        # A 403 with a code is about the plan (recent SIP data), not about the keys.
        if status == 401 or (status == 403 and not refusal.code):
            raise CredentialsRefused(f"{url} refused the keys: {said}")
        if status not in _TRY_AGAIN:
            raise FeedError(f"{url}: {said}")
        return said

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self._session


def _timeframe(interval_ns: int) -> tuple[int, str]:
    """The interval to ask for, and its name there."""
    minutes, hours = interval_ns // MINUTE_NS, interval_ns // (60 * MINUTE_NS)
    if interval_ns == DAY_NS:
        return DAY_NS, "1Day"
    if minutes < 60:
        return interval_ns, f"{minutes}Min"
    if interval_ns % (60 * MINUTE_NS) == 0 and hours < 24:
        return interval_ns, f"{hours}Hour"
    return MINUTE_NS, "1Min"


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
