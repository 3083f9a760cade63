"""The processes of a drill: started, watched by what they say, asked, and ended.

Owns: the children and their log files. A child that is still there at the end of the drill is killed.
"""

import asyncio
import os
import signal
import socket as sockets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from tradingd.tools.drills.tether import tethered

T = TypeVar("T")

_LOOK_S = 0.02
_DROPPED = ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class DrillFailed(Exception):
    """The drill itself could not go on; its text says why."""


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: the same modules to import, and no settings, secrets or service manager."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("TRADINGD_", "APCA_")) and name not in _DROPPED
    }
    kept["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return kept


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Look again until a condition holds; False when it does not within the bound."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


class ChildEnded(DrillFailed):
    """A process ended that should not have."""


class Child:
    """One process, its output going to a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, skip: int) -> None:
        self.process = process
        self.began = time.monotonic()
        self._log = log
        self._skip = skip

    @classmethod
    async def start(cls, arguments: Sequence[str], log: Path) -> "Child":
        """Start `python -m ARGUMENTS` with its output at the end of a log file."""
        with log.open("ab") as file:
            skip = file.tell()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=child_environment(os.environ),
                # Ctrl-C is for the runner, which then ends its children in its own order.
                start_new_session=True,
                preexec_fn=tethered(),
            )
        return cls(process, log, skip)

    @property
    def is_running(self) -> bool:
        """True until it has ended."""
        return self.process.returncode is None

    def text(self) -> str:
        """What it wrote."""
        with self._log.open("rb") as file:
            file.seek(self._skip)
            return file.read().decode(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """The structured lines that it wrote."""
        found = []
        for line in self.text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                found.append(msgspec.json.decode(line, type=dict[str, Any]))
        return found

    def has_said(self, event: str) -> bool:
        """Tell whether a line of this event was written."""
        return f'"event":"{event}"' in self.text()

    async def wait_said(self, event: str, timeout_s: float) -> None:
        """Wait for a line; raises `DrillFailed` when the process ends before it or the bound is over."""
        await wait_until(lambda: self.has_said(event) or not self.is_running, timeout_s)
        if not self.has_said(event):
            state = f"ended with {self.process.returncode}" if not self.is_running else f"said no {event} in time"
            raise DrillFailed(f"{self._log.stem} {state}: {self.text()[-600:].strip()}")

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.is_running:
            self.process.kill()
        await self.process.wait()

    async def stop(self, timeout_s: float) -> int | None:
        """SIGTERM; its exit code, None when it did not end in time."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                return await self.process.wait()
        except TimeoutError:
            return None


class SocketClient:
    """Questions over one Unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ask(self, path: str, answer: type[T], body: bytes | None = None, timeout_s: float = 20.0) -> T | None:
        """Ask, or command with a body; None when nobody answers."""
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(path=str(self._path)),
                    timeout=aiohttp.ClientTimeout(total=timeout_s),
                ) as session,
                session.request("GET" if body is None else "POST", f"http://drill{path}", data=body) as response,
            ):
                return msgspec.json.decode(await response.read(), type=answer)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError):
            return None
