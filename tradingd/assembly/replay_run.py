"""`tradingd replay`: the configuration's strategies over data of the past, in the data's own time.

The same modules as live, wired by the same code, over the simulated broker; what differs is who moves the events and
where time comes from. The journal that it writes is the same, byte for byte, each time.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import msgspec

from tradingd import __version__
from tradingd.assembly.feeds import AnyFeed, build_feed
from tradingd.assembly.modules import Edges, Inboxes, IsOurs, build
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.books import Books
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.encoding import rfc3339, to_json
from tradingd.core.entries import RunEnd, RunStarted, RunStopped
from tradingd.core.log import Level, LogEntry
from tradingd.core.market import NS_PER_SECOND, DataDefect, MarketDataEvent
from tradingd.core.performance import PerformanceReportData
from tradingd.errors import UsageError
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.journal.history import read_history
from tradingd.journal.segments import Tail
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.modules.trade_logger import TradeLogger
from tradingd.reporting.measure import measure_history
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.replay import ReplayDriver, merge, run_now
from tradingd.settings.broker import AlpacaBrokerSettings
from tradingd.settings.ib import IbBrokerSettings
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.root import Settings
from tradingd.settings.to_core import contract_instruments, traded_symbols, trading_days
from tradingd.settings.venue import VenueSession

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
    """Halts, quarantines and other lines of the log that an operator would have been shown as warnings or worse."""
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
    settings = loaded.settings
    span = None if start_ns is None or end_ns is None else (start_ns, end_ns)
    feeds = [_readable(build_feed(feed, settings.broker, span=span)) for feed in settings.data.feeds]
    if not feeds:
        raise UsageError(f"{loaded.path}: there is no [[data.feeds]] to replay")
    began = time.perf_counter()
    run = _Run(loaded, journal)
    events = run.play(
        _within(merge([feed.read() for feed in feeds]), start_ns, end_ns),
        lambda count, ts: on_progress(_fraction(ts, start_ns, end_ns), count, ts),
    )
    for feed in feeds:
        for symbol, row, detail in feed.malformed():
            run.modules.data.reject(symbol, DataDefect.MALFORMED, row, detail)
    run.close()
    days = trading_days(settings)
    history = read_history(journal, 0, 1 << 62, day_of=days.number)
    return ReplayResult(
        events=events,
        orders=len(history.books.orders),
        seconds=time.perf_counter() - began,
        performance=measure_history(history, settings.reporting, days),
        risk_events=tuple(run.warnings),
        defects=dict(run.modules.data.defect_counts()),
        journal=journal,
    )


class _Run:
    """One replay: modules, clock, journal."""

    def __init__(self, loaded: LoadedSettings, journal: Path) -> None:
        settings = loaded.settings
        shutil.rmtree(journal, ignore_errors=True)
        journal.mkdir(parents=True)
        self.warnings: list[str] = []
        self.clock = SimulatedClock()
        self.books = Books()
        self._journal = JournalWriter(
            journal,
            Tail(),
            durability=Durability.PROCESS,
            take_snapshot=self.books.snapshot,
            roll_daily=False,
        )
        inboxes = Inboxes.local()
        self.logger = TradeLogger(
            inboxes.logger,
            journal=self._journal,
            clock=self.clock,
            write_line=self._take_line,
            order_of=self.books.orders.get,
            read_trades=lambda start, end: read_history(journal, start, end).trades,
            min_level=Level.WARNING,
        )
        self._loaded = loaded
        self._simulated: SimulatedBroker | None = None
        self.modules = build(settings, self.books, inboxes, self._edges(journal), self.logger)
        self.driver = ReplayDriver(self.clock, self.modules.driven(), self.modules.listeners(), beat_ns=BEAT_NS)

    def _edges(self, journal: Path) -> Edges:
        settings = self._loaded.settings

        return Edges(
            clock=self.clock,
            journal_id=JOURNAL_ID,
            make_adapter=self._make_adapter,
            market_sinks=(self._match,),
            spawn=run_now,
            measure=lambda start, end: measure_history(
                read_history(journal, start, end), settings.reporting, trading_days(settings)
            ),
            render_report=to_json,
            sample_interval_ns=BEAT_NS,
            asks_venue=False,
        )

    def _make_adapter(self, sink: BrokerSink, is_ours: IsOurs) -> BrokerAdapter:
        replay_settings = self._loaded.settings.replay
        self._simulated = SimulatedBroker(
            sink,
            self.clock.now_ns,
            replay_settings.starting_cash,
            replay_settings.fee_bps,
            contract_instruments(self._loaded.settings),
            regular_hours=_keeps_hours(self._loaded.settings),
        )
        return self._simulated

    def _match(self, event: MarketDataEvent) -> None:
        """The venue sees an event before the strategies do, as a real one would."""
        assert self._simulated is not None
        self._simulated.on_market_data(event)

    def _take_line(self, entry: LogEntry) -> None:
        self.warnings.append(f"{rfc3339(entry.ts)} {entry.event.value}: {entry.message}")

    def play(self, events: Iterator[tuple[MarketDataEvent, int]], on_progress: Callable[[int, int], None]) -> int:
        """Start at the first event's time, play all, stop."""
        first = next(events, None)
        if first is None:
            return 0
        self.clock.advance_to(first[0].ts_event)
        self._open()
        return self.driver.run(
            chain([first], events), self.modules.data.ingest, self.modules.strategies.next_timer_ns, on_progress
        )

    def _open(self) -> None:
        started = RunStarted(run=1, version=__version__, config_hash=self._loaded.text_sha256, previous=RunEnd.NONE)
        self.logger.record(started)
        self.books.apply(started)
        run_now(self._connect(), "connect")
        for module in self.modules.in_start_order():
            module.initialize()
        self.modules.broker.handle(OrderStreamUp(ts_recv=self.clock.now_ns()))
        self.driver.pump()
        for module in self.modules.in_start_order():
            module.start()

    async def _connect(self) -> None:
        await self.modules.broker.adapter.connect(traded_symbols(self._loaded.settings))

    def close(self) -> None:
        """End as a live run does: gate, strategies, manifest, journal."""
        self.modules.execution.close_gate()
        self.modules.strategies.stop()
        self.driver.pump()
        self.modules.portfolio.stop()
        self.logger.record(RunStopped(run=1, reason="stopped"))
        self.logger.stop()


def _keeps_hours(settings: Settings) -> bool:
    """Whether equities trade in an exchange's hours at the venue that the configuration trades at."""
    return (
        isinstance(settings.broker, AlpacaBrokerSettings | IbBrokerSettings)
        or settings.venue.session is VenueSession.XNYS
    )


def _readable(feed: AnyFeed) -> FileFeed | SyntheticFeed:
    if isinstance(feed, FileFeed | SyntheticFeed):
        return feed
    raise UsageError(f"the feed {feed.name} has no past to replay (use file feeds in the configuration of a replay)")


def _within(
    events: Iterator[tuple[MarketDataEvent, int]], start_ns: int | None, end_ns: int | None
) -> Iterator[tuple[MarketDataEvent, int]]:
    if start_ns is None and end_ns is None:
        return events
    least, most = start_ns or 0, end_ns or 1 << 62
    return ((event, row) for event, row in events if least <= event.ts_event < most)


def _fraction(ts: int, start_ns: int | None, end_ns: int | None) -> float | None:
    if start_ns is None or end_ns is None or end_ns <= start_ns:
        return None
    return min(max((ts - start_ns) / (end_ns - start_ns), 0.0), 1.0)
