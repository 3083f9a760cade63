"""What the doctor asks of each feed: whether it connects, whether prices come, and how old they are.

Owns: one connection for each feed while it is asked. Never: judges prices, or shows them to anything else.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

import msgspec

from tradingd.assembly.feeds import AnyFeed, build_feeds
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, DataDefect, MarketDataEvent, PriceBar, find_defect
from tradingd.core.timestamps import format_timestamp
from tradingd.errors import CredentialsRefused, TradingdError
from tradingd.feeds.base import FeedState, FeedStatus
from tradingd.feeds.file import FileFeed
from tradingd.settings.feeds import FeedSettings, SyntheticFeedSettings
from tradingd.settings.root import Settings
from tradingd.tools.doctor.bounded import bounded
from tradingd.tools.doctor.findings import Finding, Part, Verdict, failed, ok, unchecked, warning

_PART = Part.DATA
_ROWS = 1000
"""How many rows of a file are read."""
_DELAYED_AFTER_NS = MINUTE_NS
"""Free data lag by a quarter of an hour; nothing that is live lags by a minute."""


class _Listener:
    """Takes what a feed delivers, and tells when every symbol has been heard of or the feed is connected."""

    def __init__(self, symbols: Collection[Symbol], *, waits_for_data: bool) -> None:
        self._missing = set(symbols)
        self._waits_for_data = waits_for_data
        self.heard: set[Symbol] = set()
        self.up = ""
        self.down = ""
        self.delayed = ""
        self.rejected = ""
        self.min_lag_ns: int | None = None
        self.done = asyncio.Event()

    def ingest(self, event: MarketDataEvent, row: int = 0) -> None:
        """Take one event; one that the data handler would keep out counts for nothing."""
        if find_defect(event) is not None:
            return
        # A bar is stamped with the end of its interval, and comes right after it.
        lag_ns = event.ts_recv - event.ts_event
        self.min_lag_ns = lag_ns if self.min_lag_ns is None else min(self.min_lag_ns, lag_ns)
        self.heard.add(event.symbol)
        self._missing.discard(event.symbol)
        if not self._missing:
            self.done.set()

    def reject(self, symbol: Symbol, defect: DataDefect, row: int, detail: str) -> None:
        """Take note of what could not be read."""
        self.rejected = f"{symbol}: {detail or defect}"

    def feed_status(self, status: FeedStatus) -> None:
        """Take note of a change of state, and of a feed that says itself that its prices are old."""
        if "delayed" in status.detail:
            self.delayed = status.detail
        match status.state:
            case FeedState.UP:
                self.up = self.up or status.detail
                if not self._waits_for_data:
                    self.done.set()
            case FeedState.DOWN:
                self.down = status.detail.partition("; next attempt")[0]
            case FeedState.CONNECTING | FeedState.ENDED:
                pass

    async def ready(self) -> None:
        """Yield to the event loop."""
        await asyncio.sleep(0)


async def check_feeds(
    settings: Settings,
    instruments: Mapping[Symbol, Instrument],
    *,
    is_running: bool,
    within_s: float,
    clock: Callable[[], int],
) -> tuple[list[Finding], bool]:
    """Ask every feed at once; the second answer is whether one of them refused the keys."""
    feeds = build_feeds(settings.data.feeds, settings.broker)
    asked = [
        _check_feed(feed, table, instruments, is_running=is_running, within_s=within_s, clock=clock)
        for feed, table in zip(feeds, settings.data.feeds, strict=True)
    ]
    answers = await asyncio.gather(*asked)
    if not answers:
        text, remedy = "there is no feed, and so no price to trade by", "add a [[data.feeds]] table"
        return [warning(_PART, "feeds", text, remedy)], False
    return [finding for finding, _ in answers], any(refused for _, refused in answers)


async def _check_feed(
    feed: AnyFeed,
    table: FeedSettings,
    instruments: Mapping[Symbol, Instrument],
    *,
    is_running: bool,
    within_s: float,
    clock: Callable[[], int],
) -> tuple[Finding, bool]:
    if isinstance(feed, FileFeed):
        return await _check_file(feed, within_s), False
    closed_until = None
    if not isinstance(table, SyntheticFeedSettings):
        if is_running:
            text = "the running daemon has the one connection that the venue grants"
            return unchecked(_PART, feed.name, text, "ask the daemon itself with tradingd status"), False
        closed_until = _closed_until(feed.symbols, instruments, clock())
    listener = _Listener(feed.symbols, waits_for_data=closed_until is None)
    error = await _listen(feed, listener, within_s)
    if isinstance(error, CredentialsRefused):
        text, remedy = str(error), "make new keys at the broker and load them as credentials"
        return failed(_PART, feed.name, text, remedy), True
    if error is not None:
        return failed(_PART, feed.name, str(error), "correct the [[data.feeds]] table"), False
    finding = _judge(feed, listener, closed_until, within_s)
    if finding.verdict is Verdict.WARNING and listener.up and not listener.heard and table.schemas == ("bars",):
        remedy = "give more than a minute by --within, since a bar comes when its minute is over"
        finding = msgspec.structs.replace(finding, remedy=remedy)
    return finding, False


async def _listen(feed: AnyFeed, listener: _Listener, within_s: float) -> TradingdError | None:
    """Run it until the listener is done, the bound is reached, or it fails; give back why it failed."""
    running = asyncio.create_task(feed.run(listener), name=f"doctor-{feed.name}")
    done = asyncio.create_task(listener.done.wait(), name=f"doctor-{feed.name}-heard")
    await asyncio.wait({running, done}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, done):
        task.cancel()
    outcome, _ = await asyncio.gather(running, done, return_exceptions=True)
    if isinstance(outcome, TradingdError):
        return outcome
    if isinstance(outcome, Exception):
        raise outcome
    return None


def _judge(feed: AnyFeed, heard: _Listener, closed_until: int | None, within_s: float) -> Finding:
    if not heard.up and "subscribed" in heard.down:
        text = f"it has no live data: {heard.down}"
        return failed(_PART, feed.name, text, "subscribe to live data at the broker, or set allow_delayed = true")
    if not heard.up:
        text = f"it has not connected within {within_s:g} s: {heard.down or 'nothing answers'}"
        return failed(_PART, feed.name, text, "look at the feed's address, its keys and the network")
    if closed_until is not None:
        text = f"{heard.up}; the exchange is closed until {format_timestamp(closed_until)[:16]}Z, and no price is due"
        return ok(_PART, feed.name, text)
    silent = [symbol for symbol in feed.symbols if symbol not in heard.heard]
    if heard.rejected and silent:
        text = f"{heard.up}; what came cannot be read: {heard.rejected}"
        return failed(_PART, feed.name, text, "look whether the address is that of a market-data stream")
    if silent:
        text = f"{heard.up}; within {within_s:g} s nothing came of {', '.join(silent)}"
        if heard.down:
            text += f": {heard.down}"
        return warning(_PART, feed.name, text, "give more time by --within, or look whether the feed carries them")
    assert heard.min_lag_ns is not None  # every symbol was heard of
    lag_s = heard.min_lag_ns / NS_PER_SECOND
    if heard.min_lag_ns > _DELAYED_AFTER_NS or heard.delayed:
        age = f"delayed by {lag_s / 60:.0f} minutes" if heard.min_lag_ns > _DELAYED_AFTER_NS else heard.delayed
        text = f"{heard.up}; prices come, {age}"
        return warning(_PART, feed.name, text, "subscribe to live data before real money is traded by it")
    return ok(_PART, feed.name, f"{heard.up}; live prices of every symbol ({lag_s:.3f} s old)")


def _closed_until(symbols: Collection[Symbol], instruments: Mapping[Symbol, Instrument], now: int) -> int | None:
    """When the exchange opens next, if it is closed and all of these wait for it."""
    found = [instruments.get(symbol) or default_instrument(symbol) for symbol in symbols]
    exchange = NewYorkStockExchange()
    if any(instrument.asset_class is not AssetClass.EQUITY for instrument in found) or exchange.is_open(now):
        return None
    return exchange.next_open(now)


# -- files ------------------------------------------------------------------------------------------------------------


async def _check_file(feed: FileFeed, within_s: float) -> Finding:
    def read() -> tuple[int, int, MarketDataEvent | None]:
        good, bad, last = 0, 0, None
        for event, _row in islice(_rows(feed), _ROWS):
            if event is None or find_defect(event) is not None:
                bad += 1
            else:
                good, last = good + 1, event
        return good, bad, last

    try:
        good, bad, last = await bounded(read, within_s)
    except TimeoutError:
        text = f"its first {_ROWS} rows took more than {within_s:g} s to read"
        return failed(_PART, feed.name, text, "look at the disk that holds the file")
    except TradingdError as error:
        return failed(_PART, feed.name, str(error), "correct the file, or path and schema of its [[data.feeds]] table")
    complaint = "".join(f", the last of them row {row}: {detail}" for _, row, detail in list(feed.malformed())[-1:])
    if not good:
        text = f"none of its rows can be used{complaint}" if bad else "it has a header and no rows"
        return failed(_PART, feed.name, text, "give the feed a file with rows of its schema")
    if bad:
        text = f"{bad} of its first {good + bad} rows cannot be used{complaint}"
        return warning(_PART, feed.name, text, "correct the file; these rows are left out")
    kind = "bars" if isinstance(last, PriceBar) else "rows"
    return ok(_PART, feed.name, f"its columns are right and its first {good} {kind} can be used")


def _rows(feed: FileFeed) -> Iterator[tuple[MarketDataEvent | None, int]]:
    return feed.read()
