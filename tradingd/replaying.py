"""`tradingd replay`: the configuration's strategies over data of the past, in the data's own time.

The same modules as live, wired by the same code, over the simulated broker; what differs is who moves the events and
where time comes from. The journal that it writes is the same, byte for byte, each time.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tradingd import __version__
from tradingd.brokers.base import BrokerAdapter, BrokerSink, OrderStreamUp
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.books import Books
from tradingd.core.entries import RunEnd, RunStarted, RunStopped
from tradingd.core.log import Level, LogEntry
from tradingd.core.market import DAY_NS, NS_PER_SECOND, MarketDataEvent
from tradingd.core.performance import PerformanceReportData
from tradingd.errors import UsageError
from tradingd.feeds.build import AnyFeed, build_feed
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.journal.history import read_history
from tradingd.journal.segments import Tail
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.modules.trade_logger import TradeLogger
from tradingd.reporting.encoding import to_json
from tradingd.reporting.measure import measure_history
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.replay import ReplayDriver, merge, run_now
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.plans import traded_symbols
from tradingd.wiring import Edges, Inboxes, IsOurs, Modules, build

BEAT_NS = 3600 * NS_PER_SECOND
"""How often, in the data's time, equity is sampled and risk assessed."""

JOURNAL_ID = "replay"


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay came to."""

    events: int
    orders: int
    seconds: float
    performance: PerformanceReportData
    risk_events: tuple[str, ...]
    defects: dict[str, int]
    journal: Path


def replay(
    loaded: LoadedSettings,
    *,
    start_ns: int | None,
    end_ns: int | None,
    journal: Path,
    on_progress: Callable[[float | None, int, int], None],
) -> ReplayResult:
    """Play the feeds of a configuration from `start_ns` to `end_ns` and measure what came of it.

    The folder `journal` is made anew. Raises `UsageError` when a feed has no past to play.
    """
    shutil.rmtree(journal, ignore_errors=True)
    journal.mkdir(parents=True)
    settings = loaded.settings
    feeds = [
        build_feed(feed, settings.broker, span=None if start_ns is None or end_ns is None else (start_ns, end_ns))
        for feed in settings.data.feeds
    ]
    run = _Replay(loaded, journal)
    began = time.perf_counter()
    run.open()
    driver = ReplayDriver(run.clock, run.modules.in_start_order(), beat_ns=BEAT_NS)
    driver.begin(lambda: run.modules.broker.handle(OrderStreamUp(ts_recv=0)))
    events = driver.run(
        _within(merge([_readable(feed).read() for feed in feeds]), start_ns, end_ns),
        run.modules.data.ingest,
        run.modules.strategies.next_timer_ns,
        lambda count, ts: on_progress(_fraction(ts, start_ns, end_ns), count, ts),
    )
    for feed in feeds:
        for symbol, row, detail in _readable(feed).malformed():
            run.modules.data.reject(symbol, _MALFORMED, row, detail)
    run.close(driver)
    history = read_history(journal, 0, 1 << 62)
    return ReplayResult(
        events=events,
        orders=sum(1 for _ in history.books.orders),
        seconds=time.perf_counter() - began,
        performance=measure_history(history, settings.reporting),
        risk_events=tuple(run.warnings),
        defects=dict(run.modules.data.defect_counts()),
        journal=journal,
    )
