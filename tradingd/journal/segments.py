"""The journal's folder: segment files, the lock that makes one process its owner, and reading it back.

journal/LOCK                             pid of the owner, held by flock
journal/ID                               six characters that make this journal's order ids unique
journal/00000001-2026-11-24.jsonl        segments, in order; every one but the first opens with a snapshot
journal/*.new                            a segment being begun; it gets its name once its snapshot is on the disk
journal/quarantine-00000001-123456.bin   last lines that could not be believed, set aside (see `quarantine`)
journal/RESERVE                          room that is given up when the disk is full (see `reserve`)
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import Snapshot, order_named_by
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.errors import JournalError, UsageError
from tradingd.journal.codec import GENESIS, LineDefect, Record, decode
from tradingd.journal.quarantine import BadTail, is_continued, lines_in, quarantine_files

_SEGMENT = re.compile(r"^(\d{8})-(\d{4}-\d{2}-\d{2})\.jsonl$")
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.02


class JournalLock:
    """The right to write one journal: one process holds it, and the kernel gives it back when that process dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "LOCK"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(self._fd)
        except BlockingIOError:
            holder = self._path.read_text().strip() or "unknown"
            os.close(self._fd)
            raise UsageError(
                f"{folder} is in use by process {holder}: one daemon per journal (stop that process first)"
            ) from None
        with suppress(OSError):  # the lock is what counts: a full disk has no room for the pid, and is no reason
            os.ftruncate(self._fd, 0)
            os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the journal back."""
        os.close(self._fd)


def _take(fd: int) -> None:
    """Lock a file for this process alone; one who only looks whether it is locked holds it for an instant."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(folder: Path) -> bool:
    """Whether a process writes this journal now."""
    return lock_holder(folder) is not None


def lock_holder(folder: Path) -> int | None:
    """The process that writes this journal now: 0 where it is not known which, None when there is none.

    Raises `PermissionError` when this user may not look.
    """
    try:
        fd = os.open(folder / "LOCK", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.read(fd, 32).decode(errors="replace").strip()
        return int(written) if written.isdigit() else 0
    finally:
        os.close(fd)
    return None


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
    bad: BadTail | None = None
    """What follows them and cannot be believed."""
    lost: int = 0
    """How many entries may have been lost at this end, those included that an earlier start set aside."""
    day: str = ""
    last_about: dict[ClientOrderId, int] = {}
    """Number of the last entry about each open order; the snapshot's where none has come since."""


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
    for path, record in _walk(folder, whole=whole):
        if isinstance(record, Record):
            yield record
        elif not record.is_torn:
            raise JournalError(
                f"{path}:{record.line}: {record.reason}; nothing after it can be proved "
                "(a start of the daemon sets these last lines aside; `tradingd journal verify` shows the damage)"
            )


def segment_number(path: Path) -> int:
    """Which segment a file is."""
    return int(path.name[:8])


def _walk(folder: Path, *, whole: bool) -> Iterator[tuple[Path, Record | BadTail]]:
    """Yield every record, and last the tail that cannot be believed if there is one."""
    paths = segment_paths(folder)
    previous_seq, previous_hash = origin(paths)
    if not whole and len(paths) > 1:
        # The snapshot that the last segment opens with is proved by the line before it.
        previous_seq, previous_hash = _end_of(paths[:-1])
        paths = paths[-1:]
    for path in paths:
        number = offset = 0
        for number, line in enumerate(_lines(path), start=1):
            record = decode(line, previous_seq, previous_hash)
            if isinstance(record, LineDefect):
                yield path, _judge_defect(path, number, offset, record, previous_hash, is_last=path == paths[-1])
                return
            yield path, record
            previous_seq, previous_hash = record.seq, record.hash.encode()
            offset += len(line)
        if number == 0 and segment_number(path) > 1:
            raise JournalError(f"{path}: the segment is empty, its snapshot is lost (restore the file from a backup)")


def origin(paths: list[Path]) -> tuple[int | None, bytes | None]:
    """What the first line of the oldest segment has to follow; None where older segments were moved away."""
    if paths and segment_number(paths[0]) > 1:
        return None, None  # nothing proves the first line that is left
    return 0, GENESIS


def _judge_defect(
    path: Path, number: int, offset: int, defect: LineDefect, previous_hash: bytes | None, *, is_last: bool
) -> BadTail:
    """Return the tail that a bad line begins. Raises `JournalError` where it is no tail."""
    opens = number == 1 and segment_number(path) > 1
    if is_last and not opens and not defect.is_genuine:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
        if not is_continued(content, previous_hash):
            return BadTail(line=number, reason=defect.reason, content=content)
    remedy = (
        "it was written so: by another version of tradingd, which can go on with it"
        if defect.is_genuine
        else "restore the file from a backup, or move the folder away to start a new journal"
    )
    raise JournalError(f"{path}:{number}: {defect.reason}; the journal is left as it is ({remedy})")


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
    """Fold the journal: the books as they were at its last good line, and where it ends. Changes nothing."""
    books = Books()
    tail = Tail()
    first_of_last = True
    last_about: dict[ClientOrderId, int] = {}
    for path, record in _walk(folder, whole=False):
        if isinstance(record, BadTail):
            tail = msgspec.structs.replace(tail, bad=record)
            break
        if first_of_last:
            first_of_last = False
            if record.seq != 1 and not isinstance(record.entry, Snapshot):
                raise JournalError(f"{path}:1: the segment does not open with a snapshot")
        books.apply(record.entry)
        if (order_id := order_named_by(record.entry)) is not None:
            last_about[order_id] = record.seq
        elif isinstance(record.entry, Snapshot):
            last_about = dict.fromkeys((state.client_order_id for state in record.entry.orders), record.seq)
        tail = msgspec.structs.replace(tail, seq=record.seq, ts=record.ts, hash=record.hash.encode())
    paths = segment_paths(folder)
    if not paths:
        return books, tail
    number = segment_number(paths[-1])
    size = paths[-1].stat().st_size - (0 if tail.bad is None else len(tail.bad.content))
    # A start that set bad lines aside may have died before it could say so in the journal: the file says it.
    lost = sum(lines_in(path.read_bytes()) for path in quarantine_files(folder, number, size))
    lost += 0 if tail.bad is None else lines_in(tail.bad.content)
    still_open = {state.client_order_id for state in books.orders.open}
    return books, msgspec.structs.replace(
        tail,
        segment=number,
        day=paths[-1].name[9:19],
        size=size,
        lost=lost,
        last_about={order_id: seq for order_id, seq in last_about.items() if order_id in still_open},
    )
