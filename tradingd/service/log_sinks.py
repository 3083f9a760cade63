"""Where lines of the log end up: a stream that somebody reads, and a file that may be renamed, rotated or full.

Owns: the two places, and the count of the lines that each of them did not take. Never: raises, and never waits for a
reader or a disk that does not take more. Trading goes on without a log.
"""

import glob
import os
import re
import select
import stat
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradingd.core.market import DAY_NS, NS_PER_SECOND

CHUNK = select.PIPE_BUF
"""Bytes that a pipe or a terminal which says that it takes more takes without waiting."""
MAX_WAITING = 1024 * 1024
"""Bytes that wait for a slow reader; lines beyond them are lost, and counted."""
CLOSING_S = 1.0
"""How long the end of a run waits for a slow reader."""
RETRY_NS = 60 * NS_PER_SECOND
"""How long after a rotation that failed the next one is tried."""
_STAMP = "%Y-%m-%d_%H-%M-%S_%f"
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}")


@dataclass(frozen=True)
class News:
    """A place of the log stopped taking lines, or takes them again."""

    message: str
    is_good: bool
    lost: int = 0


class Losses:
    """The lines that one place did not take since it last took one."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lost = 0
        self._reason = ""
        self._news: News | None = None

    def add(self, reason: str) -> None:
        """Count a line that is lost; the first one is news."""
        if not self._lost:
            self._news = News(f"{self._place} takes no more lines of the log: {reason}; trading goes on", is_good=False)
        self._lost += 1
        self._reason = reason

    def over(self) -> None:
        """A line was taken; after a loss that is news."""
        if self._lost:
            lines = "1 line was" if self._lost == 1 else f"{self._lost} lines were"
            message = f"{self._place} takes lines of the log again; {lines} lost ({self._reason})"
            self._news = News(message, is_good=True, lost=self._lost)
            self._lost = 0

    def remark(self, message: str) -> None:
        """Something to tell although no line is lost."""
        self._news = News(message, is_good=False)

    def take_news(self) -> News | None:
        """What has not been told yet."""
        news, self._news = self._news, None
        return news


class LogStream:
    """Standard output: a terminal, a pipe, a socket of journald, a file; its reader may stall, or be gone."""

    def __init__(self, stream: Any, place: str = "standard output") -> None:
        self._stream = stream
        self.losses = Losses(place)
        self._waiting: deque[bytes] = deque()
        self._is_torn = False
        """Whether the last line that was lost had begun to leave."""
        self._is_begun = False
        self._size = 0
        try:
            self._fd: int | None = stream.fileno()
        except (AttributeError, OSError, ValueError):  # a stream in memory has no descriptor
            self._fd = None
        self._poll = select.poll()
        if self._fd is not None:
            self._poll.register(self._fd, select.POLLOUT)

    def write(self, line: str) -> None:
        """Take one line, which leaves at once or when the reader has caught up."""
        if self._fd is None:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (OSError, ValueError) as error:
                self.losses.add(str(error))
            else:
                self.losses.over()
            return
        data = line.encode(errors="backslashreplace")
        self._drain(0)
        if self._is_torn:
            data, self._is_torn = b"\n" + data, False
        if self._size + len(data) > MAX_WAITING:
            self.losses.add("nobody reads it")
            return
        self._waiting.append(data)
        self._size += len(data)
        self._drain(0)

    def _drain(self, wait_ms: int) -> None:
        """Hand over what is waiting, as far as that is possible within the time."""
        assert self._fd is not None
        while self._waiting:
            # An error counts as ready: the write says which one.
            if not self._poll.poll(wait_ms):
                return
            data = self._waiting[0]
            try:
                written = os.write(self._fd, data[:CHUNK])
            except BlockingIOError:
                return
            except OSError as error:
                for _ in self._waiting:
                    self.losses.add(error.strerror or str(error))
                self._is_torn = self._is_torn or self._is_begun
                self._is_begun = False
                self._waiting.clear()
                self._size = 0
                return
            self._size -= written
            self._is_begun = written < len(data)
            if self._is_begun:
                self._waiting[0] = data[written:]
            else:
                self._waiting.popleft()
                self.losses.over()

    def close(self) -> None:
        """Hand over what is waiting, within a bound."""
        if self._fd is None:
            return
        deadline = time.monotonic() + CLOSING_S
        while self._waiting and (left := deadline - time.monotonic()) > 0:
            self._drain(max(1, int(left * 1000)))


class LogFile:
    """A file of lines that is opened anew when it was moved away, and rotated by size and by age."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 0,
        days: int = 0,
        keep: int = 0,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._days = days
        self._keep = keep
        self._now_ns = now_ns
        self.losses = Losses(str(path))
        self._fd = -1
        self._identity = (0, 0)
        self._period = 0
        self._is_torn = False
        self._is_astray = False
        self._no_rotation_before = 0

    def write(self, line: str) -> None:
        """Append one line."""
        data = line.encode(errors="backslashreplace")
        try:
            size = self._ready()
            if self._is_due(size, len(data)):
                self._rotate()
            self._append(data)
        except OSError as error:
            self.losses.add(error.strerror or str(error))
        else:
            self.losses.over()

    def reopen(self) -> None:
        """Open the file anew before the next line."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _ready(self) -> int:
        """Have the file open that bears the name; return its size."""
        if self._fd >= 0:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                pass
            else:
                if (found.st_dev, found.st_ino) == self._identity:
                    self._is_astray = False
                    return found.st_size
        try:
            return self._open()
        except OSError as error:
            # A renamed file goes on taking lines; one that was deleted has none who could read them.
            if self._fd < 0 or not os.fstat(self._fd).st_nlink:
                raise
            if not self._is_astray:
                self._is_astray = True
                self.losses.remark(
                    f"{self._path} was moved away and cannot be made anew: {error.strerror}; "
                    "lines go on into the file that was moved"
                )
            return 0

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Without O_NONBLOCK a named pipe that nobody reads would hold up everything.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(self._path, flags, 0o600)
        self.close()
        self._fd = fd
        status = os.fstat(fd)
        self._identity = (status.st_dev, status.st_ino)
        self._period = self._period_of(status.st_mtime_ns if status.st_size else self._now_ns())
        self._is_torn = self._is_astray = False
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def _period_of(self, ts: int) -> int:
        return ts // (DAY_NS * self._days) if self._days else 0

    def _is_due(self, size: int, more: int) -> bool:
        if not size or self._is_astray or self._now_ns() < self._no_rotation_before:
            return False
        is_full = 0 < self._max_bytes < size + more
        return is_full or self._period_of(self._now_ns()) != self._period

    def _rotate(self) -> None:
        """Give the file a name with the time in it, begin a new one, and delete the oldest beyond those to keep."""
        now = self._now_ns()
        stamp = datetime.fromtimestamp(now / NS_PER_SECOND, UTC).strftime(_STAMP)
        try:
            self._path.rename(self._path.with_name(f"{self._path.stem}.{stamp}{self._path.suffix}"))
            self._open()
            for file in self._rotated()[: -self._keep] if self._keep else ():
                file.unlink()
        except OSError as error:
            self._no_rotation_before = now + RETRY_NS
            self.losses.remark(f"{self._path} cannot be rotated: {error.strerror}; it grows on")

    def _rotated(self) -> list[Path]:
        """Files that a rotation named, oldest first."""
        stem, suffix = self._path.stem, self._path.suffix
        found = self._path.parent.glob(f"{glob.escape(stem)}.*{glob.escape(suffix)}")
        return sorted(
            file for file in found if _STAMPED.fullmatch(file.name[len(stem) + 1 : len(file.name) - len(suffix)])
        )

    def _append(self, data: bytes) -> None:
        if self._is_torn:
            data = b"\n" + data
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError:
            self._is_torn = self._is_torn or written > 0
            raise
        self._is_torn = False
