"""The steps of a start that wait for the outside world: reaching the venue, and fetching history."""

import asyncio
import random
from collections.abc import Callable, Sequence

from tradingd.assembly.modules import Modules
from tradingd.brokers.base import BrokerAdapter
from tradingd.core.identifiers import Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import DAY_NS
from tradingd.core.venue_view import AccountInfo
from tradingd.errors import FeedError, VenueUnavailable
from tradingd.runtime.backoff import Backoff
from tradingd.runtime.ports import EventLog

MODULE = "orchestrator"


async def reach(
    adapter: BrokerAdapter, symbols: Sequence[Symbol], rng: random.Random, log: EventLog, status: Callable[[str], None]
) -> AccountInfo:
    """Connect to the venue, however long it is away; raises what no waiting mends (keys, symbols)."""
    backoff = Backoff(rng=rng)
    while True:
        try:
            return await adapter.connect(symbols)
        except VenueUnavailable as error:
            delay = backoff.next_delay()
            message = f"the venue cannot be reached ({error}); next attempt in {delay:.1f} s"
            log.log_event(Level.ERROR, message, event=LogEvent.BROKER_PROBLEM, module=MODULE)
            status(message)
            await asyncio.sleep(delay)


async def warm_up(modules: Modules, now_ns: int, log: EventLog) -> None:
    """Show the strategies the bars that they want to have seen before their first decision."""
    for symbol, interval_ns, count in modules.strategies.wanted_history():
        try:
            # Markets close: reach back further when the time that the bars would take did not hold enough of them.
            for reach_ns in (2 * count * interval_ns, 8 * count * interval_ns + 5 * DAY_NS):
                bars = await modules.data.get_historical_bars(symbol, now_ns - reach_ns, now_ns, interval_ns)
                if len(bars) >= count:
                    break
        except (VenueUnavailable, FeedError) as error:
            message = f"no history of {symbol}: {error}; warming up live"
            log.log_event(Level.WARNING, message, event=LogEvent.FEED_PROBLEM, module=MODULE)
            continue
        modules.strategies.warm_up(symbol, interval_ns, bars[-count:])
