"""Taking a day's statement: the venue is asked, the journal is read, both are put side by side."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from tradingd.brokers.base import BrokerAdapter
from tradingd.core.statement import Statement, compare
from tradingd.core.trading_day import NEW_YORK_DAYS, TradingDays
from tradingd.journal.history import read_day

MAX_ATTEMPTS = 5
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
    for attempt in range(MAX_ATTEMPTS):
        before = changes()
        snapshot = await adapter.snapshot(start_ns)
        book = await asyncio.to_thread(read_day, journal, day.isoformat(), start_ns, end_ns)
        if changes() == before:
            moving = False
            break
        await asyncio.sleep(attempt * PAUSE_S)
    return msgspec.structs.replace(compare(book, snapshot, moving=moving), zone=days.name)
