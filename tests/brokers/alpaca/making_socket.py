"""A websocket to a server of the test, and a collector of its messages."""

import asyncio
from collections.abc import Callable

from tradingd.brokers.alpaca.socket import VenueSocket, open_socket

BOUND_S = 20.0


async def connect(
    url: str,
    on_message: Callable[[bytes], None],
    *,
    timeout_s: float = BOUND_S,
    max_bytes: int = 1 << 16,
    ping_interval_s: float = BOUND_S,
    pong_timeout_s: float = BOUND_S,
) -> VenueSocket:
    return await open_socket(
        url,
        on_message,
        headers={"X-Key": "k"},
        timeout_s=timeout_s,
        max_bytes=max_bytes,
        ping_interval_s=ping_interval_s,
        pong_timeout_s=pong_timeout_s,
    )


class Collector:
    """Keeps messages; `count` of them can be waited for."""

    def __init__(self, count: int) -> None:
        self.messages: list[bytes] = []
        self._count = count
        self.all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, message: bytes) -> None:
        self.messages.append(message)
        if len(self.messages) == self._count:
            self.all.set_result(None)
