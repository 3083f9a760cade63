"""A broker adapter without a daemon, for the commands that ask a venue and trade nothing.

Owns: for `[broker] kind = "paper"` a venue of its own. Never: opens the order stream, writes a journal.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from tradingd.assembly.adapters import build_adapter, build_venue
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.errors import FatalError, TradingdError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.service.null_log import NullLog
from tradingd.settings.root import Settings
from tradingd.settings.to_core import traded_symbols
from tradingd.venue.server import PaperVenue

OnProblem: TypeAlias = Callable[[str, str], None]
"""Hears a problem of the broker: a stable name, and a sentence."""

_CLOSE_WITHIN_S = 3.0


class _ProblemLog(NullLog):
    """Passes on what an adapter reports as a problem, and leaves the rest out."""

    def __init__(self, on_problem: OnProblem) -> None:
        self._on_problem = on_problem

    def log_event(
        self,
        level: Level,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        event: LogEvent,
        module: str,
        strategy_id: StrategyId | None = None,
        client_order_id: ClientOrderId | None = None,
        symbol: Symbol | None = None,
    ) -> None:
        """Pass on a problem of the broker."""
        if event is LogEvent.BROKER_PROBLEM:
            self._on_problem(str((details or {}).get("problem", event)), message)


def lone_adapter(
    settings: Settings,
    venue: PaperVenue | None,
    *,
    clock: Callable[[], int],
    failure: Callable[[BaseException], None],
    on_problem: OnProblem = lambda _problem, _message: None,
    sink: BrokerSink = lambda _event: None,
    is_ours: Callable[[ClientOrderId], bool] = lambda _order_id: False,
    kill_switch: KillSwitch | None = None,
) -> BrokerAdapter:
    """Make the adapter that the daemon would make, not yet connected."""
    make = build_adapter(
        settings,
        venue,
        clock=clock,
        log=_ProblemLog(on_problem),
        failure=failure,
        resync=lambda: None,
        keep=lambda _problem, _raw: None,
        kill_switch=kill_switch or KillSwitch(),
        rng=random.Random(),  # noqa: S311 - jitter needs no secrecy
    )
    return make(sink, is_ours)


@asynccontextmanager
async def lone_connection(
    settings: Settings,
    database: Path,
    *,
    clock: Callable[[], int],
    on_problem: OnProblem = lambda _problem, _message: None,
) -> AsyncIterator[BrokerAdapter]:
    """Give an adapter that is not yet connected; close it, and the venue behind it, at the end.

    `database` is the paper venue's file. Raises what ended the adapter meanwhile, as a `TradingdError`.
    """
    failures: list[BaseException] = []
    venue = None
    if settings.broker.kind == "paper":
        venue, settings = build_venue(
            settings, database=database, symbols=traded_symbols(settings), clock=clock, log=_ProblemLog(on_problem)
        )
        await venue.start()
    adapter = lone_adapter(settings, venue, clock=clock, failure=failures.append, on_problem=on_problem)
    try:
        yield adapter
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await adapter.close()
        if venue is not None:
            await venue.stop()
    for failure in failures:
        raise failure if isinstance(failure, TradingdError) else FatalError(str(failure)) from failure
