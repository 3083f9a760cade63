"""A day's statement without a daemon: the command line asks the venue itself, which changes nothing there.

It needs the journal to itself.
"""

import asyncio
import time
from datetime import date

from tradingd.assembly.lone_adapter import lone_connection
from tradingd.core.statement import Statement
from tradingd.journal.segments import JournalLock
from tradingd.reporting.day_statement import take_statement
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.to_core import traded_symbols, trading_days


def take_alone(loaded: LoadedSettings, day: date | None) -> Statement:
    """Take a statement without a daemon. Raises `UsageError` when the journal is in use after all."""
    paths = StatePaths(loaded.settings.daemon.state_dir)
    lock = JournalLock(paths.journal)
    try:
        return asyncio.run(_take_alone(loaded, paths, day or trading_days(loaded.settings).date(time.time_ns())))
    finally:
        lock.release()


async def _take_alone(loaded: LoadedSettings, paths: StatePaths, day: date) -> Statement:
    settings = loaded.settings
    async with lone_connection(settings, paths.venue_database, clock=time.time_ns) as adapter:
        await adapter.connect(traded_symbols(settings))
        return await take_statement(paths.journal, adapter, day, lambda: 0, days=trading_days(settings))
