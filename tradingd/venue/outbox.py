"""One websocket client's queue: filled synchronously where events happen, emptied by a task of its own.

Bounded: a client that does not keep up is marked slow and let go, never waited for.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

_BATCH = 256


class Outbox:
    """Encoded messages on their way to one client."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.slow = asyncio.Event()
        """Set when the client fell too far behind; nothing is queued for it any more."""

    def put(self, message: bytes) -> None:
        """Queue one message."""
        if len(self._messages) >= self._limit:
            self.slow.set()
        if not self.slow.is_set():
            self._messages.append(message)
            self._wake.set()

    async def pump(self, send: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
        """Send what is queued, as many at a time as have gathered; returns when the client is slow or gone."""
        sending = asyncio.create_task(self._send_all(send), name="venue-outbox-send")
        slow = asyncio.create_task(self.slow.wait(), name="venue-outbox-slow")
        try:
            await asyncio.wait((sending, slow), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, slow):
                task.cancel()
            await asyncio.gather(sending, slow, return_exceptions=True)

    async def _send_all(self, send: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._messages:
                batch = [self._messages.popleft() for _ in range(min(_BATCH, len(self._messages)))]
                try:
                    await send(batch)
                except ConnectionError:
                    return
