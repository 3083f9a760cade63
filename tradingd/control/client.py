"""Asking a running daemon over its control socket, from the command line."""

import asyncio
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from tradingd.errors import UsageError

T = TypeVar("T")


class DaemonDown(UsageError):
    """No daemon answers at the control socket."""


def ask(socket: Path, path: str, answer: type[T], *, body: object = None, timeout_s: float = 10.0) -> T:
    """Send one request and decode its answer; a `body` makes it a command. Raises `DaemonDown`."""
    return msgspec.json.decode(asyncio.run(_ask(socket, path, body, timeout_s)), type=answer)


async def _ask(socket: Path, path: str, body: object, timeout_s: float) -> bytes:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.UnixConnector(path=str(socket))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(
                "GET" if body is None else "POST",
                f"http://daemon{path}",
                data=None if body is None else msgspec.json.encode(body),
            ) as response,
        ):
            return await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DaemonDown(f"no daemon answers at {socket} (is it running with this configuration?)") from error
