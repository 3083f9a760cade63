"""Ctrl-C while strategies' code runs: it ends the command, and never passes for a failure of a strategy.

Python raises `KeyboardInterrupt` wherever the program happens to be, which in a replay is a callback most of the time,
and a strategy that raises is stopped alone.
"""

import os
import signal
from types import FrameType

from tradingd.cli.exit_codes import ExitCode


class Interrupts:
    """Takes Ctrl-C while its block runs: the first is noted, the second breaks into a callback, the third ends."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 2:
            raise KeyboardInterrupt  # a callback that does not return is left; its strategy counts as failed
        if self._count > 2:
            os._exit(ExitCode.INTERRUPTED)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` once Ctrl-C was pressed; called between callbacks."""
        if self._count:
            raise KeyboardInterrupt
