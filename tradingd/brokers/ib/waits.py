"""How the session waits: by the event loop in life, by hand where a week is to pass in a test.

Owns: nothing. Never: decides how long.
"""

import asyncio
from typing import Protocol


class Waits(Protocol):
    """A clock that only goes forward, and waiting by it."""

    def time(self) -> float:
        """Seconds since some point in the past."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...

    async def happens(self, event: asyncio.Event, within_s: float) -> bool:
        """Wait for an event; False when it has not come within the time."""
        ...


class LoopWaits:
    """Waiting by the running loop."""

    @staticmethod
    def time() -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Wait so long."""
        await asyncio.sleep(seconds)

    @staticmethod
    async def happens(event: asyncio.Event, within_s: float) -> bool:
        """Wait for an event; False when it has not come within the time."""
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError:
            return False
        return True
