"""The end of a journal that cannot be believed: what it is, and setting it aside.

The rule. The first line of the last segment that its hash does not prove is bad. When anything after it can be proved
to continue the chain, the damage is in the middle: entries that did happen stand behind it, and nobody but the operator
may decide to lose them. When nothing can, it is a bad tail, as a power cut or a failing disk leaves it: a start moves
it, byte for byte, to a file of its own, and the books are recovered from the venue since the last good entry. The line
that a segment opens with is never set aside: it is on the disk before the segment has its name.

A later line counts as proved when its hash fits the hash stated by the line before it, or the one that the bad line
should have stated.
"""

import os
import re
from pathlib import Path

import msgspec

from tradingd.journal.codec import HASH_HEX, LINE_START, body_of, digest_of

_START = re.compile(re.escape(LINE_START))
_STATED = re.compile(rb',"hash":"([0-9a-f]{%d})"\}' % HASH_HEX)


class BadTail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything from the first bad line of the last segment on; nothing in it continues the chain."""

    line: int
    reason: str
    content: bytes

    @property
    def is_torn(self) -> bool:
        """True for one incomplete line, which a write that was cut short leaves."""
        return b"\n" not in self.content


def is_continued(content: bytes, good_hash: bytes | None) -> bool:
    """Tell whether anything after the first line of `content` can be proved to continue a chain.

    `good_hash` is the hash of the line before, None where that is not at hand.
    """
    first = content[: content.find(b"\n") + 1]
    should = None if good_hash is None or not first else digest_of(good_hash, body_of(first))
    stated: bytes | None = None
    ends = _STATED.finditer(content)
    end = next(ends, None)
    for start in _START.finditer(content):
        at = start.start()
        before = stated
        while end is not None and end.end() <= at:
            before = end[1]
            end = next(ends, None)
        stated = before
        if end is None:
            return False
        if at and any(
            known is not None and digest_of(known, content[at : end.start()]) == end[1] for known in (before, should)
        ):
            return True
    return False


def quarantine_files(folder: Path, segment: int, offset: int) -> list[Path]:
    """What was ever set aside from one place of one segment."""
    return sorted(folder.glob(f"quarantine-{segment:08d}-{offset}*.bin"))


def lines_in(content: bytes) -> int:
    """How many entries some bytes may have been."""
    return content.count(b"\n") + (not content.endswith(b"\n"))


def set_aside(path: Path, segment: int, size: int) -> Path:
    """Move what follows the first `size` bytes of a segment to a file of its own; both are on the disk then."""
    with path.open("r+b") as file:
        file.seek(size)
        content = file.read()
        aside = _keep(path.parent, segment, size, content)
        file.truncate(size)
        os.fsync(file.fileno())
    return aside


def _keep(folder: Path, segment: int, offset: int, content: bytes) -> Path:
    known = quarantine_files(folder, segment, offset)
    for path in known:
        if path.read_bytes() == content:
            return path  # a start that died between keeping the bytes and cutting them off
    number = f"-{len(known) + 1}" if known else ""
    path = folder / f"quarantine-{segment:08d}-{offset}{number}.bin"
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return path


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
