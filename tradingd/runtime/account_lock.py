"""One daemon per account on this machine, whatever journals they keep.

The lock is an abstract Unix socket named after the account: the kernel frees it with the process, it needs no folder
that two services would share, and it tells who holds it.
"""

import hashlib
import os
import socket
import struct

from tradingd.errors import UsageError


class AccountLock:
    """The right to trade one account."""

    def __init__(self, broker: str, account_id: str) -> None:
        digest = hashlib.sha256(f"{broker}/{account_id}".encode()).hexdigest()[:32]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        address = f"\0tradingd-account-{digest}"
        try:
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise UsageError(
                f"account {account_id} is traded by process {_holder(address)}: "
                "one daemon per account (stop that process first)"
            ) from None
        self._socket.listen(1)

    def release(self) -> None:
        """Give the account back."""
        self._socket.close()


def _holder(address: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.connect(address)
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return f"unknown (asked by {os.getpid()})"
        pid, _, _ = struct.unpack("3i", credentials)
        return str(pid)
