"""The journal's folder: segment files, the lock that makes one process its owner, and reading it back.

journal/LOCK                          pid of the owner, held by flock
journal/ID                            six characters that make this journal's order ids unique
journal/00000001-2026-11-24.jsonl     segments, in order; every one but the first opens with a snapshot
journal/*.new                         a segment being begun; it gets its name once its snapshot is on the disk
    journal/torn-00000001-123456.bin      bytes of a last line that a dying machine left incomplete, set aside
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import Snapshot
from tradingd.core.market import NS_PER_SECOND
from tradingd.errors import JournalError, UsageError
from tradingd.journal.codec import GENESIS, LineDefect, Record, decode

_SEGMENT = re.compile(r"^(\d{8})-(\d{4}-\d{2}-\d{2})\.jsonl$")
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


class JournalLock:
    """The right to write one journal: one process holds it, and the kernel gives it back when that process dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "LOCK"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._path.read_text().strip() or "unknown"
            os.close(self._fd)
            raise UsageError(
                f"{folder} is in use by process {holder}: one daemon per journal (stop that process first)"
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the journal back."""
        os.close(self._fd)


def journal_id(folder: Path) -> str:
    """Return the journal's own six characters, made once when the journal is made."""
    path = folder / "ID"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        identity = "".join(secrets.choice(_ID_ALPHABET) for _ in range(6))
        temporary = path.with_suffix(".new")
        temporary.write_text(identity + "\n")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
        return identity


def segment_paths(folder: Path) -> list[Path]:
    """Every segment of a journal, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _SEGMENT.match(path.name))


def segment_name(number: int, ts: int) -> str:
    """Name of the `number`-th segment, begun at `ts`."""
    day = datetime.fromtimestamp(ts // NS_PER_SECOND, UTC).strftime("%Y-%m-%d")
    return f"{number:08d}-{day}.jsonl"


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """Where a journal ends: what the next line has to follow."""

    segment: int = 0
    seq: int = 0
    ts: int = 0
    hash: bytes = GENESIS
    size: int = 0
    """Bytes of the last segment that are good."""
    torn: int = 0
    """Bytes after them that are not a whole line."""
    day: str = ""


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise JournalError(f"{path}: the journal cannot be read: {error.strerror}") from error


def read_records(folder: Path, *, whole: bool) -> Iterator[Record]:
    """Yield the records of every segment (`whole`), or of the last one, which opens with all that came before it.

    Raises `JournalError` that names file and line when the chain is broken; an incomplete last line ends the reading.
    """
    for _, record in _walk(folder, whole=whole):
        if isinstance(record, Record):
            yield record


def _walk(folder: Path, *, whole: bool) -> Iterator[tuple[Path, Record | bytes]]:
    """Yield every record, and last the bytes of an incomplete last line if there is one."""
    paths = segment_paths(folder)
    previous_seq: int | None = 0
    previous_hash: bytes | None = GENESIS
    if paths and not paths[0].name.startswith(f"{1:08d}-"):
        previous_seq = previous_hash = (
            None  # older segments were moved away: nothing proves the first line that is left
        )
    if not whole and len(paths) > 1:
        # The snapshot that the last segment opens with is proved by the line before it.
        previous_seq, previous_hash = _end_of(paths[:-1])
        paths = paths[-1:]
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            if not line.endswith(b"\n") and path == paths[-1]:
                yield path, line
                return
            record = decode(line, previous_seq, previous_hash)
            if isinstance(record, LineDefect):
                raise JournalError(
                    f"{path}:{number}: {record.reason}; the journal is left as it is "
                    "(restore the file from a backup, or move the folder away to start a new journal)"
                )
            yield path, record
            previous_seq, previous_hash = record.seq, record.hash.encode()


def _end_of(paths: list[Path]) -> tuple[int, bytes]:
    """Sequence number and hash of the last line of the newest segment that has one."""
    for path in reversed(paths):
        last = b""
        for line in _lines(path):
            last = line
        if last:
            record = decode(last, None, None)
            if isinstance(record, LineDefect):
                raise JournalError(f"{path}: its last line: {record.reason}")
            return record.seq, record.hash.encode()
    return 0, GENESIS


def load(folder: Path) -> tuple[Books, Tail]:
    """Fold the journal: the books as they were at its last whole line, and where it ends. Changes nothing."""
    books = Books()
    tail = Tail()
    size = 0
    current: Path | None = None
    first_of_last = True
    for path, record in _walk(folder, whole=False):
        if path != current:
            current, size = path, 0
        if isinstance(record, bytes):
            tail = msgspec.structs.replace(tail, torn=len(record))
            break
        if first_of_last:
            first_of_last = False
            if record.seq != 1 and not isinstance(record.entry, Snapshot):
                raise JournalError(f"{path}:1: the segment does not open with a snapshot")
        books.apply(record.entry)
        tail = msgspec.structs.replace(tail, seq=record.seq, ts=record.ts, hash=record.hash.encode())
    paths = segment_paths(folder)
    if paths:
        match = _SEGMENT.match(paths[-1].name)
        assert match is not None
        size = paths[-1].stat().st_size - tail.torn
        tail = msgspec.structs.replace(tail, segment=int(match[1]), day=match[2], size=size)
    return books, tail
