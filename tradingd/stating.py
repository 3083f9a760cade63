"""Taking a day's statement: the venue is asked, the journal is read, both are put side by side.

With a running daemon it is the daemon that asks. Without one the command line connects by itself, which changes nothing
at the venue and needs the journal to itself.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from tradingd.brokers.base import BrokerAdapter
from tradingd.core.statement import Statement, compare
from tradingd.core.trading_day import NEW_YORK_DAYS, TradingDays
from tradingd.edges import build_adapter, build_venue
from tradingd.errors import FatalError, TradingdError
from tradingd.journal.history import read_day
from tradingd.journal.segments import JournalLock
from tradingd.runtime.kill_switch import Latch
from tradingd.service.null_log import QuietLog
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.plans import traded_symbols, trading_days

MOST_ATTEMPTS = 5
"""How often both sides are read because something happened between the two."""
PAUSE_S = 0.1


async def take_statement(
    journal: Path, adapter: BrokerAdapter, day: date, changes: Callable[[], int], *, days: TradingDays = NEW_YORK_DAYS
) -> Statement:
    """Compare a trading day's books with the venue; `changes` counts what enters the books meanwhile.

    Raises `VenueUnavailable` when the venue cannot be asked.
    """
    start_ns, end_ns = days.bounds(day)
    moving = True
    for attempt in range(MOST_ATTEMPTS):
        before = changes()
        snapshot = await adapter.snapshot(start_ns)
        book = await asyncio.to_thread(read_day, journal, day.isoformat(), start_ns, end_ns)
        if changes() == before:
            moving = False
            break
        await asyncio.sleep(attempt * PAUSE_S)
    return msgspec.structs.replace(compare(book, snapshot, moving=moving), zone=days.name)


def take_alone(loaded: LoadedSettings, day: date | None) -> Statement:
    """Take a statement without a daemon. Raises `UsageError` when the journal is in use after all."""
    paths = StatePaths(loaded.settings.daemon.state_dir)
    lock = JournalLock(paths.journal)
    try:
        return asyncio.run(_take_alone(loaded, paths, day or trading_days(loaded.settings).date(time.time_ns())))
    finally:
        lock.release()


async def _take_alone(loaded: LoadedSettings, paths: StatePaths, day: date) -> Statement:
    settings, venue, failures = loaded.settings, None, list[BaseException]()
    log = QuietLog()
    symbols = tuple(traded_symbols(settings))
    if settings.broker.kind == "paper":
        venue, settings = build_venue(
            settings, database=paths.venue_database, symbols=symbols, clock=time.time_ns, log=log
        )
        await venue.start()
    make = build_adapter(
        settings,
        venue,
        clock=time.time_ns,
        log=log,
        failure=failures.append,
        resync=lambda: None,
        keep=lambda problem, raw: None,
        latch=Latch(),
        rng=random.Random(),  # noqa: S311 - jitter needs no secrecy
    )
    adapter = make(lambda event: None, lambda order_id: False)
    try:
        await adapter.connect(symbols)
        return await take_statement(paths.journal, adapter, day, lambda: 0, days=trading_days(settings))
    finally:
        await adapter.close()
        if venue is not None:
            await venue.stop()
        for failure in failures:
            raise failure if isinstance(failure, TradingdError) else FatalError(str(failure)) from failure
