"""Blocking work with a bound: a disk that hangs, or a journal of years, must not hold up a start for ever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from tradingd.errors import TradingdError

T = TypeVar("T")


async def bounded(work: Callable[[], T], within_s: float) -> T:
    """Do it in a thread that the end of the process does not wait for.

    Raises what it raises, of our own errors and the system's, and `TimeoutError` when it takes longer.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def answer(settle: Callable[[], None]) -> None:
        def deliver() -> None:
            if not done.done():
                settle()

        with suppress(RuntimeError):  # the loop has closed: nobody waits any longer
            loop.call_soon_threadsafe(deliver)

    def run() -> None:
        try:
            result = work()
        except (TradingdError, OSError) as error:
            caught = error
            answer(lambda: done.set_exception(caught))
        else:
            answer(lambda: done.set_result(result))

    threading.Thread(target=run, name="doctor-blocking", daemon=True).start()
    async with asyncio.timeout(within_s):
        return await done
