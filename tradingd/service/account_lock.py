"""One daemon per account on this machine, whatever journals they keep.

The lock is an abstract Unix socket named after the account: the kernel frees it with the process, it needs no folder
that two services would share, and it tells who holds it.
"""

import hashlib
import os
import socket
import struct
from pathlib import Path

from tradingd.errors import UsageError

_ASKED_AT_ONCE = 16
"""Nobody ever accepts: each who asks for the holder takes a place, and past these the holder's number is not told."""
_SOCKETS = Path("/proc/net/unix")


class AccountLock:
    """The right to trade one account."""

    def __init__(self, broker: str, account_id: str) -> None:
        name = _name(broker, account_id)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        address = f"\0{name}"
        try:
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise UsageError(
                f"account {account_id} is traded by process {_holder(address)}: "
                "one daemon per account (stop that process first)"
            ) from None
        self._socket.listen(_ASKED_AT_ONCE)

    def release(self) -> None:
        """Give the account back."""
        self._socket.close()


def is_traded(broker: str, account_id: str) -> bool:
    """Tell whether a process of this machine holds an account, without a moment of holding it. Raises `OSError`."""
    sought = f" @{_name(broker, account_id)}"
    return any(line.endswith(sought) for line in _SOCKETS.read_text().splitlines())


def _name(broker: str, account_id: str) -> str:
    digest = hashlib.sha256(f"{broker}/{account_id}".encode()).hexdigest()[:32]
    return f"tradingd-account-{digest}"


def _holder(address: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.setblocking(False)  # without a place left a connect would wait for ever
        try:
            probe.connect(address)
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return f"unknown (asked by {os.getpid()})"
        pid, _, _ = struct.unpack("3i", credentials)
        return str(pid)
