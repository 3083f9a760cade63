"""Forcing the journal to the disk beside the event loop: a thread that does nothing else.

One `fdatasync` covers every line that was written before it began, so that orders which come while the disk is busy
share the next one.
"""

import os
import queue
import threading
from collections.abc import Callable
from typing import Protocol

Flushed = Callable[[OSError | None], None]
"""Hears that the file is on the disk, or why it is not."""


class Flusher(Protocol):
    """Forces a file to the disk without holding up its caller; at most one flush is under way."""

    def begin(self, fd: int, done: Flushed) -> None:
        """Force what was written to `fd` so far; `done` is called by the event loop."""
        ...

    def wait(self) -> None:
        """Return once the disk is done with what was begun; `done` may be called later."""
        ...


class FlushThread:
    """A thread that waits for the disk, for one event loop.

    `call_soon` is the loop's `call_soon_threadsafe`; what `done` raises is handed to `fail`.
    """

    def __init__(self, call_soon: Callable[..., object], fail: Callable[[BaseException], None]) -> None:
        self._call_soon = call_soon
        self._fail = fail
        self._asked: queue.SimpleQueue[tuple[int, Flushed]] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        # A daemon: a disk that does not answer must not keep the process from ending.
        threading.Thread(target=self._run, name="journal-flush", daemon=True).start()

    def begin(self, fd: int, done: Flushed) -> None:
        """Force what was written to `fd` so far."""
        self._idle.clear()
        self._asked.put((fd, done))

    def wait(self) -> None:
        """Return once the disk is done with what was begun."""
        self._idle.wait()

    def _run(self) -> None:
        while True:
            fd, done = self._asked.get()
            error = None
            try:
                os.fdatasync(fd)
            except OSError as failure:
                error = failure
            self._idle.set()
            try:
                self._call_soon(self._hand_over, done, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits for an answer

    def _hand_over(self, done: Flushed, error: OSError | None) -> None:
        try:
            done(error)
        except Exception as failure:  # noqa: BLE001 - a call of the loop has nobody else to tell
            self._fail(failure)
