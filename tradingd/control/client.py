"""Asking a running daemon over its control socket, from the command line; and saying why none answers.

Emits: one of three errors, since three things have to be done about them. Only a journal whose lock is free has no
daemon.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from tradingd.core.encoding import rfc3339
from tradingd.errors import DaemonUnreachable
from tradingd.journal.segments import lock_holder, segment_paths
from tradingd.settings.paths import StatePaths
from tradingd.settings.places import owner_name

T = TypeVar("T")


class DaemonDown(DaemonUnreachable):
    """No daemon runs: the journal's lock is free."""


class DaemonSilent(DaemonUnreachable):
    """A daemon holds the journal's lock and does not answer."""


class DaemonForbidden(DaemonUnreachable):
    """This user may not open the daemon's socket."""


def ask(paths: StatePaths, path: str, answer: type[T], *, body: object = None, timeout_s: float = 10.0) -> T:
    """Send one request and decode its answer; a `body` makes it a command.

    Raises `DaemonDown`, `DaemonSilent` or `DaemonForbidden`.
    """
    return msgspec.json.decode(asyncio.run(_ask(paths, path, body, timeout_s)), type=answer)


async def _ask(paths: StatePaths, path: str, body: object, timeout_s: float) -> bytes:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.UnixConnector(path=str(paths.control_socket))
    try:
        holder = lock_holder(paths.journal)
        if holder is not None and _is_stopped(holder):
            raise DaemonSilent(_silence(paths, holder))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(
                "GET" if body is None else "POST",
                f"http://daemon{path}",
                data=None if body is None else msgspec.json.encode(body),
            ) as response,
        ):
            return await response.read()
    except PermissionError as error:
        raise DaemonForbidden(_forbidden(paths)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _why_silent(paths) from error
    finally:
        await connector.close()


def _why_silent(paths: StatePaths) -> DaemonUnreachable:
    try:
        paths.control_socket.stat()
    except PermissionError:
        return DaemonForbidden(_forbidden(paths))
    except OSError:
        pass
    else:
        if not os.access(paths.control_socket, os.W_OK):
            return DaemonForbidden(_forbidden(paths))
    try:
        holder = lock_holder(paths.journal)
    except PermissionError:
        return DaemonForbidden(_forbidden(paths))
    if holder is None:
        return DaemonDown(
            f"not running: no daemon answers at {paths.control_socket}, and nobody holds the journal "
            "(start it with `tradingd run`)"
        )
    return DaemonSilent(_silence(paths, holder))


def _forbidden(paths: StatePaths) -> str:
    """Name what may not be opened, and whose it is."""
    for place in (paths.control_socket, *paths.control_socket.parents):
        with suppress(OSError):
            uid = place.stat().st_uid
            return (
                f"{paths.control_socket}: permission denied, owned by UID {uid} ({owner_name(uid)}); this is UID "
                f"{os.geteuid()} ({owner_name(os.geteuid())}): run the command as that user, or as root"
            )
    return f"{paths.control_socket}: permission denied"


def _silence(paths: StatePaths, pid: int) -> str:
    who = f"running as pid {pid}" if pid else "running"
    since = _last_sign_ns(paths)
    when = f" since about {rfc3339(since)[:19]}Z" if since else ""
    if _is_stopped(pid):
        return f"{who}, does not answer (stopped{when}: `kill -CONT {pid}` lets it go on)"
    if not paths.control_socket.exists():
        return f"{who}, does not answer (it is starting{when}, or ending: its log says what it waits for)"
    return f"{who}, does not answer (hung? nothing is written{when}; its log says more)"


def _last_sign_ns(paths: StatePaths) -> int:
    """When the daemon last wrote what it always writes sooner or later."""
    signs = [0]
    with suppress(OSError):
        for path in [*segment_paths(paths.journal)[-1:], paths.journal / "LOCK", *paths.state_dir.glob("tradingd.db*")]:
            with suppress(OSError):
                signs.append(path.stat().st_mtime_ns)
    return max(signs)


def _is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger; False where that cannot be told."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("T", "t")
