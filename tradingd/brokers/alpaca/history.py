"""The feed's own way to Alpaca's market-data REST service.

Owns: one HTTP session, and what to do about a refused or failed request. Emits: what `bars` makes of the answers.
Never: follows a redirect (the key headers would go with it), or shows a key in an error.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
from yarl import URL

from tradingd.brokers.alpaca.bars import PLAN_LACKS_SIP, SIP_REMEDY, BarReader
from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar
from tradingd.errors import CredentialsRefused, FeedError
from tradingd.runtime.backoff import Backoff, asked_wait_s

_ATTEMPTS = 4
_MAX_WAIT_S = 10.0
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Refusal(msgspec.Struct):
    message: str = ""
    code: int = 0


class AlpacaHistory:
    """Closed bars of one account's data plan; `feed` names the plan's source, `adjustment` what prices allow for."""

    def __init__(
        self,
        data_url: str,
        api_key: str,
        api_secret: str,
        *,
        feed: str = "iex",
        adjustment: str = "split",
        timeout_s: float = 15.0,
        backoff: Backoff | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._headers = {"APCA-API-KEY-ID": api_key, "APCA-API-SECRET-KEY": api_secret}
        self._timeout_s = timeout_s
        self._clock = clock
        self._backoff = backoff or Backoff(0.25, 5.0)
        self._reader = BarReader(data_url, self._get, feed=feed, adjustment=adjustment, clock=clock)
        self._session: aiohttp.ClientSession | None = None

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order; raises `CredentialsRefused` or `FeedError`."""
        return await self._reader.fetch_bars(symbol, interval_ns, start_ns, end_ns)

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(self, url: URL) -> bytes:
        address = f"{url.origin()}{url.path}"
        self._backoff.reset()
        reason = ""
        for attempt in range(_ATTEMPTS):
            wait = self._backoff.next_delay()
            try:
                async with self._connected().get(url, allow_redirects=False) as response:
                    body = await response.read()
                    if response.status == 200:
                        return body
                    reason = _judge(address, response, body)
                    asked = asked_wait_s(response.headers, self._clock())
                    wait = wait if asked is None else min(asked, _MAX_WAIT_S)
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            if attempt < _ATTEMPTS - 1:
                await asyncio.sleep(wait)
        raise FeedError(f"{address}: no answer after {_ATTEMPTS} attempts: {reason}")

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self._session


def _judge(address: str, response: aiohttp.ClientResponse, body: bytes) -> str:
    """Return why a request may be tried again, or raise."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        refusal = _Refusal()
    status = response.status
    said = f"HTTP {status} {refusal.message}".rstrip()
    if request_id := response.headers.get("X-Request-Id"):
        said = f"{said} (request {request_id})"
    # A 403 with a code is about the plan, not about the keys.
    if status == 401 or (status == 403 and not refusal.code):
        raise CredentialsRefused(f"{address} refused the keys: {said}")
    if status not in _TRY_AGAIN:
        remedy = f": {SIP_REMEDY}" if (status, refusal.code) == PLAN_LACKS_SIP else ""
        raise FeedError(f"{address}: {said}{remedy}")
    return said
