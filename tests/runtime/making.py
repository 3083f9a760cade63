"""Events for inboxes, and looks at a supervisor."""

import asyncio
from contextlib import suppress
from typing import Any

from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar, QuoteTick, TradeTick
from tradingd.runtime.live import Supervisor

ABC, XYZ = Symbol("ABC"), Symbol("XYZ")


def quote(ts: int, symbol: Symbol = ABC) -> QuoteTick:
    return QuoteTick(symbol=symbol, bid=1, ask=2, bid_size=1, ask_size=1, ts_event=ts, ts_recv=ts)


def print_(ts: int, symbol: Symbol = ABC) -> TradeTick:
    return TradeTick(symbol=symbol, price=1, size=1, ts_event=ts, ts_recv=ts)


def bar(ts: int, symbol: Symbol = ABC) -> PriceBar:
    return PriceBar(
        symbol=symbol, interval_ns=1, ts_open=ts, open=1, high=1, low=1, close=1, volume=1, ts_event=ts, ts_recv=ts
    )


async def is_ending(supervisor: Supervisor) -> bool:
    """True once an end has been asked for."""
    return not await comes_first(supervisor, None)


async def comes_first(supervisor: Supervisor, event: asyncio.Event | None) -> bool:
    """True when an event comes before the end; without one, when no end has been asked for."""
    end: asyncio.Task[Any] = asyncio.create_task(supervisor.wait())
    waiting: asyncio.Task[Any] = asyncio.create_task(asyncio.sleep(0.01) if event is None else event.wait())
    await asyncio.wait([end, waiting], return_when=asyncio.FIRST_COMPLETED)
    first = not end.done()
    for task in (end, waiting):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return first
