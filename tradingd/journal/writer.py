"""Appending to the journal: one `os.write` a line, so that it outlives the process the moment the call returns.

With `durability = "power"` a line that an order's bytes depend on is forced to the disk (`fdatasync`) before they
leave, so that it outlives the machine as well: beside the event loop where there is a flusher, and many lines at once.
A disk that is full is met once, by giving the reserve up.
"""

import os
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path

from tradingd.core.entries import JournalEntry, Snapshot
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.codec import encode
from tradingd.journal.flushing import Flusher
from tradingd.journal.quarantine import set_aside, sync_folder
from tradingd.journal.reserve import FULL, DiskReserve
from tradingd.journal.segments import Tail, segment_name


class Durability(StrEnum):
    """What a line survives once it is committed."""

    PROCESS = "process"
    POWER = "power"


Committed = Callable[[JournalError | None], None]
"""Hears that a line is as durable as promised, or why it is not."""


class JournalWriter:
    """The one writer of a journal; made after `load`, under the lock.

    With a `flusher` nothing here waits for the disk but a new segment and the end; without one each durable line does.
    """

    def __init__(
        self,
        folder: Path,
        tail: Tail,
        *,
        durability: Durability,
        take_snapshot: Callable[[], Snapshot],
        roll_daily: bool = True,
        reserve: DiskReserve | None = None,
        flusher: Flusher | None = None,
    ) -> None:
        self._folder = folder
        self.reserve = reserve or DiskReserve(folder, 0)
        self._power = durability is Durability.POWER
        self.flusher = flusher
        self._flushing = False
        self._wanted_seq = 0
        """The last line that has to be forced to the disk."""
        self._waiting: deque[tuple[int, Committed]] = deque()
        self._take_snapshot = take_snapshot
        self._roll_daily = roll_daily
        self._segment = tail.segment
        self._day_end = (tail.ts // DAY_NS + 1) * DAY_NS if tail.segment else 0
        self._hash = tail.hash
        self._size = tail.size
        self.seq = tail.seq
        self.synced_seq = tail.seq
        self._fd = -1
        self._closed = False
        if tail.segment:
            self._path = self._find_segment(tail.segment)
            if tail.bad is not None:
                set_aside(self._path, tail.segment, tail.size)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _find_segment(self, number: int) -> Path:
        return next(self._folder.glob(f"{number:08d}-*.jsonl"))

    def append(self, ts: int, entry: JournalEntry, *, durable: bool = False, cause: int = 0, trace: str = "") -> int:
        """Write one entry and return its sequence number.

        `durable` asks for what `durability` promises, `after_commit` tells when it holds; `cause` and `trace` stand
        beside the entry. Raises `JournalError`; the file then ends where it ended before.
        """
        if self._closed:
            raise JournalError(f"{self._folder}: the journal is closed")
        # While room is short the day's new segment, with its snapshot of everything, has to wait.
        if self._fd < 0 or (self._roll_daily and ts >= self._day_end and self.reserve.shortage is None):
            self._open_segment(ts)
        self._write(ts, entry, cause, trace)
        if durable and self._power:
            if self.flusher is None:
                self.sync()
            else:
                self._wanted_seq = self.seq
                self._flush(self.flusher)
        return self.seq

    def after_commit(self, then: Committed) -> None:
        """Call `then` once the last durable line is as durable as promised: at once where it already is.

        Those who wait are called in the order in which they asked, with None, or with the error of a disk that did not
        take the line; the journal takes nothing more after one.
        """
        if self._waiting or self._wanted_seq > self.synced_seq:
            self._waiting.append((self._wanted_seq, then))
        else:
            then(None)

    def _flush(self, flusher: Flusher) -> None:
        if not self._flushing:
            self._flushing = True
            flusher.begin(self._fd, partial(self._flushed, flusher, self.seq))

    def _flushed(self, flusher: Flusher, seq: int, error: OSError | None) -> None:
        self._flushing = False
        if self._fd < 0:
            return  # closed meanwhile: nothing may leave any more
        if error is not None:
            self._fail(error)
        self.synced_seq = max(self.synced_seq, seq)
        while self._waiting and self._waiting[0][0] <= self.synced_seq:
            self._waiting.popleft()[1](None)
        if self._wanted_seq > self.synced_seq:
            self._flush(flusher)

    def _fail(self, error: OSError) -> None:
        """Tell those who wait that the disk did not take the journal. Raises `JournalError`."""
        self._closed = True  # what of it is on the disk is not known: nothing may be built on it
        failure = JournalError(f"{self._path}: the disk did not take the journal: {error.strerror}")
        waiting, self._waiting = self._waiting, deque()
        for _, then in waiting:
            then(failure)
        raise failure from error

    def _open_segment(self, ts: int) -> None:
        opening = self._take_snapshot() if self._fd >= 0 else None
        self.close()
        self._segment += 1
        self._day_end = (ts // DAY_NS + 1) * DAY_NS
        self._path = self._folder / segment_name(self._segment, ts)
        # The file gets its name only once its snapshot is on the disk: no start ever meets a segment without one.
        unnamed = self._path.with_suffix(".new")
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._fd = self._make(unnamed, flags)
            self._size = 0
            if opening is not None:
                self._write(ts, opening)
                os.fdatasync(self._fd)
            unnamed.rename(self._path)
            sync_folder(self._folder)
            self._closed = False
        except OSError as error:
            raise JournalError(f"{self._path}: the journal cannot be written: {error.strerror}") from error

    def _make(self, path: Path, flags: int) -> int:
        try:
            return os.open(path, flags, 0o600)
        except OSError as error:
            if error.errno not in FULL or not self.reserve.release():
                raise
            return os.open(path, flags, 0o600)

    def _write(self, ts: int, entry: JournalEntry, cause: int = 0, trace: str = "") -> None:
        line, digest = encode(self.seq + 1, ts, entry, self._hash, cause, trace)
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            self._write_again(line, error)
        self._size += len(line)
        self._hash = digest
        self.seq += 1

    def _write_again(self, line: bytes, error: OSError) -> None:
        """Write a line once more into the room of the reserve. Raises `JournalError` where that does not help."""
        if self._cut_back() and error.errno in FULL and self.reserve.release():
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._fd, line[written:])
                return
            except OSError as again:
                self._cut_back()
                error = again
        raise JournalError(f"{self._path}: the journal cannot be written: {error.strerror}") from error

    def _cut_back(self) -> bool:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._closed = True  # what stands there is torn: a line after it would break the chain
            return False
        return True

    def sync(self) -> None:
        """Force what was written to the disk, and wait for it."""
        if self._flushing and self.flusher is not None:
            self.flusher.wait()
        if self.synced_seq == self.seq or self._fd < 0:
            return
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(f"{self._path}: the disk did not take the journal: {error.strerror}") from error
        self.synced_seq = self.seq

    def close(self) -> None:
        """Sync and close; the journal is complete, and takes nothing more."""
        self._closed = True
        if self._fd >= 0:
            fd = self._fd
            try:
                self.sync()
            finally:
                self._fd = -1
                os.close(fd)
