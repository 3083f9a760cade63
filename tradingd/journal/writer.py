"""Appending to the journal: one `os.write` a line, so that it outlives the process the moment the call returns.

With `durability = "power"` a line that an order's bytes depend on is forced to the disk (`fdatasync`) before the call
returns, so that it outlives the machine as well.
"""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from tradingd.core.entries import JournalEntry, Snapshot
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.codec import encode
from tradingd.journal.segments import Tail, segment_name


class Durability(StrEnum):
    """What a line that returned from `append` survives."""

    PROCESS = "process"
    POWER = "power"


class JournalWriter:
    """The one writer of a journal; made after `load`, under the lock."""

    def __init__(
        self,
        folder: Path,
        tail: Tail,
        *,
        durability: Durability,
        take_snapshot: Callable[[], Snapshot],
        roll_daily: bool = True,
    ) -> None:
        self._folder = folder
        self._power = durability is Durability.POWER
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
            if tail.torn:
                self._set_torn_line_aside(tail)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _find_segment(self, number: int) -> Path:
        return next(self._folder.glob(f"{number:08d}-*.jsonl"))

    def _set_torn_line_aside(self, tail: Tail) -> None:
        with self._path.open("r+b") as file:
            file.seek(tail.size)
            torn = file.read()
            aside = self._folder / f"torn-{tail.segment:08d}-{tail.size}.bin"
            aside.write_bytes(torn)
            file.truncate(tail.size)
            os.fsync(file.fileno())

    def append(self, ts: int, entry: JournalEntry, *, durable: bool = False) -> int:
        """Write one entry and return its sequence number.

        `durable` asks for what `durability` promises before returning. Raises `JournalError`; the file then ends where
        it ended before.
        """
        if self._closed:
            raise JournalError(f"{self._folder}: the journal is closed")
        if self._fd < 0 or (self._roll_daily and ts >= self._day_end):
            self._open_segment(ts)
        self._write(ts, entry)
        if durable and self._power:
            self.sync()
        return self.seq

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
            self._fd = os.open(unnamed, flags, 0o600)
            self._size = 0
            if opening is not None:
                self._write(ts, opening)
                os.fdatasync(self._fd)
            unnamed.rename(self._path)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._closed = False
        except OSError as error:
            raise JournalError(f"{self._path}: the journal cannot be written: {error.strerror}") from error

    def _write(self, ts: int, entry: JournalEntry) -> None:
        line, digest = encode(self.seq + 1, ts, entry, self._hash)
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            self._cut_back()
            raise JournalError(f"{self._path}: the journal cannot be written: {error.strerror}") from error
        self._size += len(line)
        self._hash = digest
        self.seq += 1

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._closed = True  # what stands there is torn: a line after it would break the chain

    def sync(self) -> None:
        """Force what was written to the disk."""
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
