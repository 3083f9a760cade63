"""Where the structured log is read: a file with its rotated predecessors, or the database.

Emits: lines of text, oldest first, without end where asked to follow. Never: writes or locks what it reads.
"""

import glob
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from tradingd.core.market import NS_PER_SECOND
from tradingd.errors import UsageError

POLL_S = 0.25
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_EARLIEST = -(2**63)


def read_file(path: Path, since_ns: int | None, *, follow: bool) -> Iterator[str]:
    """Yield the lines of a log file, those of rotated files first; when following, go on into the next file.

    Raises `UsageError` when there is no file and nothing to wait for.
    """
    file = _open(path)
    if file is None and not follow:
        raise UsageError(f"{path}: there is no log yet (start the daemon first)")
    current = None if file is None else _identity(os.fstat(file.fileno()))
    for earlier in _rotated(path, since_ns):
        with earlier.open("rb") as old:
            # Renamed since it was opened above: its turn comes below.
            if _identity(os.fstat(old.fileno())) != current:
                yield from map(_text, old)
    while True:
        if file is not None:
            with file:
                yield from _lines(file, path, follow=follow)
            if not follow:
                return
        file = _open(path)
        if file is None:
            time.sleep(POLL_S)


def read_database(path: Path, since_ns: int | None, *, follow: bool) -> Iterator[str]:
    """Yield the lines that a database keeps; when following, also from one that has taken its place.

    Raises `UsageError` when there is none and nothing to wait for, or when it cannot be read.
    """
    last = 0
    while True:
        try:
            rows = _rows_after(path, last, _EARLIEST if since_ns is None else since_ns)
        except sqlite3.OperationalError as error:
            # Not made yet, or about to be replaced: a follower waits.
            if not follow:
                raise UsageError(f"{path}: there is no log that can be read ({error})") from error
            rows = []
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{path}: the log cannot be read: {error}") from error
        for number, line in rows:
            last = number
            yield line
        if not follow:
            return
        time.sleep(POLL_S)


def _rows_after(path: Path, last: int, since_ns: int) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()
        if newest < last:
            last = 0  # another database: its lines are all new
        return connection.execute(
            "SELECT id, line FROM log WHERE id > ? AND ts >= ? ORDER BY id", (last, since_ns)
        ).fetchall()


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: the log cannot be read: {error.strerror}") from error


def _rotated(path: Path, since_ns: int | None) -> list[Path]:
    """Find `name.TIME.ext` and logrotate's `name.ext.1` beside `name.ext`, oldest first.

    One that ended before `since_ns` is left out, and so are compressed ones.
    """
    patterns = (f"{glob.escape(path.stem)}.*{path.suffix}", f"{glob.escape(path.name)}.*")
    files = {file for pattern in patterns for file in path.parent.glob(pattern) if file.suffix not in _COMPRESSED}
    found = [(file.stat().st_mtime_ns, file) for file in files]
    # A second of tolerance: the last line's time was taken before it was written.
    return [
        file
        for changed_ns, file in sorted(found)
        if file != path and (since_ns is None or changed_ns + NS_PER_SECOND >= since_ns)
    ]


def _lines(file: BinaryIO, path: Path, *, follow: bool) -> Iterator[str]:
    """Yield whole lines to the end of the file, or when following until another file has taken its name."""
    pending = b""
    was_replaced = False
    while True:
        pending += file.readline()
        if pending.endswith(b"\n"):
            yield _text(pending)
            pending = b""
        elif not follow or was_replaced:
            return
        elif _is_replaced(file, path):
            was_replaced = True  # once more to the end: lines may have come just before the rename
        else:
            if os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
                pending = b""
            time.sleep(POLL_S)


def _is_replaced(file: BinaryIO, path: Path) -> bool:
    try:
        return _identity(path.stat()) != _identity(os.fstat(file.fileno()))
    except FileNotFoundError:
        return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\n")
