"""Room on the journal's disk: a file of set-aside space, and the watch over what is free.

Owns: `journal/RESERVE`. Reads: how much is free, when told to. Never: waits, and never makes room on its own account:
the writer gives the file up when the disk refuses a line, so that what is out (fills above all) can still be written.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

import msgspec

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the kernel says of a disk, or a quota, that has no room left."""

MEGABYTE = 1 << 20
_CALM_PART = 8
"""Free space must exceed the reserve by an eighth before trading goes on, so that it does not flicker."""


class JournalHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal's disk has left."""

    reserve_bytes: int
    """Room that is wanted, both set aside and free; 0 when nothing is watched."""
    free_bytes: int
    """Free beside the reserve, when it was last looked at; -1 when that is not known."""
    is_held: bool
    """Whether the reserve is set aside."""
    is_spent: bool
    """Whether a line found no room in this run and the reserve was given up for it."""
    shortage: str | None
    """Why no new order may leave; None while there is room."""


class DiskReserve:
    """Set-aside space of one journal; `size` 0 sets nothing aside and watches nothing."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._path = folder / "RESERVE"
        self._size = size
        self._free = -1
        self._held = False
        self._spent = False
        self.shortage: str | None = None

    @property
    def health(self) -> JournalHealth:
        """What the disk has left, as of the last look."""
        return JournalHealth(
            reserve_bytes=self._size,
            free_bytes=self._free,
            is_held=self._held,
            is_spent=self._spent,
            shortage=self.shortage,
        )

    def prepare(self) -> None:
        """Set the space aside where there is room for it; keep what an earlier run has set aside."""
        if not self._size:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            return
        self._hold()
        self.look()

    def _hold(self) -> None:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            self._held = False
            return
        try:
            if os.fstat(fd).st_size > self._size:
                os.ftruncate(fd, self._size)
            os.posix_fallocate(fd, 0, self._size)
            self._held = True
        except OSError:
            self._held = False
        finally:
            os.close(fd)
        if not self._held:
            # Half a reserve would take the last room and promise nothing.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def look(self) -> bool:
        """Look how much is free; True when that changed whether orders may leave."""
        if not self._size:
            return False
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return False  # a disk that cannot be asked will say so at the next write
        self._free = found.f_bavail * found.f_frsize
        if self._spent:
            return False
        before = self.shortage
        calm = 0 if before is None else self._size // _CALM_PART
        if not self._held and self._free >= 2 * self._size + calm:
            self._hold()
            self._free -= self._size
        low = not self._held or self._free < self._size + calm
        self.shortage = self._words("is nearly full") if low else None
        return (before is None) != (self.shortage is None)

    def release(self) -> bool:
        """Give the set-aside space up because a line found no room; True when there was any.

        From here on no new order may leave in this run.
        """
        had, self._held, self._spent = self._held, False, True
        self.shortage = self._words("is full")
        try:
            self._path.unlink()
        except OSError:
            return False
        return had

    def _words(self, state: str) -> str:
        free = "" if self._free < 0 else f", {self._free // MEGABYTE} MB free"
        tail = "the reserve was given up; restart when there is room" if self._spent else "see journal.reserve_mb"
        return f"the journal's disk {state} ({self._folder}{free}; {tail})"
