"""Bars of the past from TWS: paged, paced, complete or not at all.

Owns: the limits on historical requests: 60 in ten minutes, and no two alike within 15 seconds. Emits: closed bars.
Never: takes "no data" of one page for the end of the others.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol

from tradingd.brokers.ib.codes import Reaction, meaning
from tradingd.brokers.ib.instruments import Described
from tradingd.brokers.ib.questions import Key, QuestionRefused
from tradingd.brokers.ib.ticks import WireBar
from tradingd.brokers.ib.wire import write_time
from tradingd.brokers.pacing import Priority
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND, PriceBar
from tradingd.errors import VenueUnavailable

_WINDOW_S, _MAX_IN_WINDOW, _IDENTICAL_S = 600.0, 60, 15.0
_ATTEMPTS = 3
_HOUR_NS = 60 * MINUTE_NS
_MAX_PAGES = 400
_EPOCH = date(1970, 1, 1)

# length of a bar -> its name there, and how much time one request may cover.
_SIZES: dict[int, tuple[str, int]] = {
    5 * NS_PER_SECOND: ("5 secs", 2 * _HOUR_NS),
    10 * NS_PER_SECOND: ("10 secs", 4 * _HOUR_NS),
    15 * NS_PER_SECOND: ("15 secs", 4 * _HOUR_NS),
    30 * NS_PER_SECOND: ("30 secs", 8 * _HOUR_NS),
    MINUTE_NS: ("1 min", DAY_NS),
    2 * MINUTE_NS: ("2 mins", 2 * DAY_NS),
    3 * MINUTE_NS: ("3 mins", 7 * DAY_NS),
    5 * MINUTE_NS: ("5 mins", 7 * DAY_NS),
    10 * MINUTE_NS: ("10 mins", 7 * DAY_NS),
    15 * MINUTE_NS: ("15 mins", 7 * DAY_NS),
    20 * MINUTE_NS: ("20 mins", 7 * DAY_NS),
    30 * MINUTE_NS: ("30 mins", 28 * DAY_NS),
    _HOUR_NS: ("1 hour", 28 * DAY_NS),
    2 * _HOUR_NS: ("2 hours", 28 * DAY_NS),
    3 * _HOUR_NS: ("3 hours", 28 * DAY_NS),
    4 * _HOUR_NS: ("4 hours", 28 * DAY_NS),
    8 * _HOUR_NS: ("8 hours", 28 * DAY_NS),
    DAY_NS: ("1 day", 364 * DAY_NS),
}


class AskHistory(Protocol):
    """How questions are put; see `IbSession.ask`."""

    async def __call__(
        self, key: Key | None, send: Callable[[Any, int], None], *, what: str, priority: Priority
    ) -> list[Any]:
        """Put one."""
        ...


class HistoryPace:
    """When the next historical request may leave; one for a login, whichever connection asks."""

    def __init__(self, clock: Callable[[], float], *, identical_s: float = _IDENTICAL_S) -> None:
        self._clock = clock
        self._identical_s = identical_s
        self._sent: deque[float] = deque()
        self._last: dict[object, float] = {}

    def wait_s(self, request: object) -> float:
        """Seconds until a request may leave."""
        now = self._clock()
        while self._sent and self._sent[0] <= now - _WINDOW_S:
            self._sent.popleft()
        self._last = {key: at for key, at in self._last.items() if at > now - self._identical_s}
        waits = [0.0]
        if len(self._sent) >= _MAX_IN_WINDOW:
            waits.append(self._sent[0] + _WINDOW_S - now)
        if request in self._last:
            waits.append(self._last[request] + self._identical_s - now)
        return max(waits)

    def sent(self, request: object) -> None:
        """Count a request."""
        now = self._clock()
        self._sent.append(now)
        self._last[request] = now

    async def turn(self, request: object) -> None:
        """Wait until a request may leave, and count it."""
        while (wait := self.wait_s(request)) > 0:  # noqa: ASYNC110 - until a time, not for an event
            await asyncio.sleep(wait)
        self.sent(request)


class IbHistory:
    """Closed bars of the configured symbols."""

    def __init__(
        self, ask: AskHistory, clock: Callable[[], int], *, retry_s: float = 10.0, pace: HistoryPace | None = None
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._retry_s = retry_s
        self.pace = pace
        """Made at the first request, when a loop runs, unless one is shared."""

    async def fetch(self, described: Described, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order; none of a length that TWS does not offer.

        Raises `VenueUnavailable`.
        """
        size = _SIZES.get(interval_ns)
        now = self._clock()
        end_ns = min(end_ns, now)
        if size is None or start_ns >= end_ns:
            return ()
        bars: dict[int, PriceBar] = {}
        page_end = end_ns
        for _ in range(_MAX_PAGES):
            begin = max(start_ns, page_end - size[1])
            for bar in await self._page(described, size[0], interval_ns, begin, page_end):
                if start_ns <= bar.ts_open < end_ns and bar.ts_event <= now:
                    bars[bar.ts_open] = bar
            if begin <= start_ns:
                return [bars[ts] for ts in sorted(bars)]
            page_end = begin
        raise VenueUnavailable(f"the history of {described.instrument.symbol} does not end")

    async def _page(
        self, described: Described, size: str, interval_ns: int, begin_ns: int, end_ns: int
    ) -> list[PriceBar]:
        symbol = described.instrument.symbol
        shown = "MIDPOINT" if described.instrument.asset_class is AssetClass.FX else "TRADES"
        # Whole seconds, and one more at the end: there it is exclusive.
        until = -(-end_ns // NS_PER_SECOND) * NS_PER_SECOND
        duration = _duration(until - begin_ns)
        request = (described.con_id, size, until, duration, shown)

        def send(client: Any, number: int) -> None:
            client.reqHistoricalData(
                number, described.contract, write_time(until), duration, size, shown, False, 2, False, []
            )

        if self.pace is None:
            self.pace = HistoryPace(asyncio.get_running_loop().time)
        for attempt in range(1, _ATTEMPTS + 1):
            await self.pace.turn(request)
            try:
                told: list[WireBar] = await self._ask(
                    None, send, what=f"history of {symbol}", priority=Priority.HISTORY
                )
            except QuestionRefused as error:
                if meaning(error.code).reaction is not Reaction.ASK_LATER:
                    raise
                if _is_empty(error.text):
                    return []
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(self._retry_s)
                continue
            return [to_bar(one, symbol, interval_ns) for one in told]
        raise AssertionError("every attempt ends above")


def _is_empty(text: str) -> bool:
    # 162 is the code of a refusal and of "there is nothing" alike; only the text tells them apart.
    return "returned no data" in text or "query returned no" in text.lower()


def _duration(span_ns: int) -> str:
    seconds = -(-span_ns // NS_PER_SECOND)
    return f"{seconds} S" if seconds <= 86_400 else f"{-(-seconds // 86_400)} D"


def to_bar(told: WireBar, symbol: Symbol, interval_ns: int) -> PriceBar:
    """A bar; its beginning is told in seconds, of a whole day as the day."""
    if len(told.date) == 8 or "-" in told.date:
        text = told.date.replace("-", "")
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        ts_open = (day - _EPOCH).days * DAY_NS
    else:
        ts_open = int(told.date) * NS_PER_SECOND
    return PriceBar(
        symbol=symbol,
        interval_ns=interval_ns,
        ts_open=ts_open,
        open=told.open,
        high=told.high,
        low=told.low,
        close=told.close,
        volume=max(told.volume, 0.0),  # -1 where there are no trades to count
        ts_event=ts_open + interval_ns,
        ts_recv=ts_open + interval_ns,
    )
