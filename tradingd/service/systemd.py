"""Telling systemd how the process is: ready, status, watchdog, stopping.

The protocol is one datagram to the socket that `NOTIFY_SOCKET` names (sd_notify(3)); without it no call does anything.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The service manager that started this process, if one did."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        watched = environ.get("WATCHDOG_PID") in (None, str(os.getpid()))
        usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_interval_s: float | None = int(usec) / 2e6 if usec.isdigit() and watched else None
        """How often to call `alive`, None when nobody watches."""

    def _send(self, state: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A manager that is away, or does not read for a while, must neither take the process with it nor hold it up.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(state.encode(), socket.MSG_DONTWAIT, address)

    def ready(self, status: str) -> None:
        """Trading may begin."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """The trading path, not only the loop, moves."""
        self._send("WATCHDOG=1")

    def stopping(self, status: str) -> None:
        """The process is on its way out."""
        self._send(f"STOPPING=1\nSTATUS={status}")
