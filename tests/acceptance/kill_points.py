"""The daemon with a trap in it: it dies by SIGKILL at the n-th passing of a named point.

Run as a program in place of `python -m tradingd`; `TRADINGD_TRAP=POINT:N` sets the trap. A point is an entry of the
journal, a commit or a command, before or after: `order_intended.before`, `filled.after`, `commit.before`,
`POST.before`, `DELETE.after`. Nothing else differs from the program that users run.
"""

import os
import signal
from typing import Any

from tradingd.brokers.alpaca import commands
from tradingd.journal import writer

ENTRIES = (
    "run_started",
    "account_opened",
    "order_intended",
    "accepted",
    "filled",
    "cancel_requested",
    "canceled",
    "replace_requested",
    "replaced",
    "equity",
)
COMMANDS = ("POST", "PATCH", "DELETE")
POINTS = tuple(f"{name}.{side}" for name in (*ENTRIES, "commit", *COMMANDS) for side in ("before", "after"))


class Trap:
    """Counts the passings of one point."""

    def __init__(self, text: str) -> None:
        self._point, _, number = text.rpartition(":")
        self._left = int(number)

    def pass_by(self, point: str) -> None:
        """Die if this is the time."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def spring(trap: Trap) -> None:
    """Put the trap around the journal's writes and the commands' requests."""
    flush, flushed = writer.JournalWriter._flush, writer.JournalWriter._flushed
    append = writer.JournalWriter.append
    send, tell = commands.Connection.send, commands.CommandConnections.tell

    def trapped_append(self: writer.JournalWriter, ts: int, entry: Any, **options: Any) -> int:
        name = type(entry).__struct_config__.tag
        trap.pass_by(f"{name}.before")
        seq = append(self, ts, entry, **options)
        trap.pass_by(f"{name}.after")
        return seq

    def trapped_send(self: commands.Connection, command: commands.Command, head: bytes) -> None:
        trap.pass_by(f"{command.method}.before")
        send(self, command, head)

    def trapped_tell(self: commands.CommandConnections, command: commands.Command, end: Any) -> None:
        trap.pass_by(f"{command.method}.after")
        tell(self, command, end)

    def trapped_flush(self: writer.JournalWriter, flusher: Any) -> None:
        trap.pass_by("commit.before")
        flush(self, flusher)

    def trapped_flushed(self: writer.JournalWriter, flusher: Any, seq: int, error: Any) -> None:
        trap.pass_by("commit.after")  # on the disk, and nobody has heard of it
        flushed(self, flusher, seq, error)

    writer.JournalWriter._flush = trapped_flush  # type: ignore[method-assign]  # as below
    writer.JournalWriter._flushed = trapped_flushed  # type: ignore[method-assign]  # as below
    writer.JournalWriter.append = trapped_append  # type: ignore[method-assign]  # the trap is the purpose
    commands.Connection.send = trapped_send  # type: ignore[method-assign]  # as above
    commands.CommandConnections.tell = trapped_tell  # type: ignore[method-assign]  # as above


if __name__ == "__main__":
    spring(Trap(os.environ["TRADINGD_TRAP"]))
    from tradingd.cli.app import main

    main()
