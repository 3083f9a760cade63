"""Proving a journal: every line, the chain over all segments, and every snapshot against the fold of what came before.

Reads: the segments; changes nothing, and needs no lock: a running daemon may go on writing.
"""

from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import Snapshot
from tradingd.errors import JournalError, TradingdError, UsageError
from tradingd.journal.codec import LineDefect, Record, decode
from tradingd.journal.segments import origin, segment_number, segment_paths


class SegmentProof(msgspec.Struct, frozen=True, kw_only=True):
    """What one segment came to."""

    file: str
    entries: int
    first_seq: int
    last_seq: int
    state: str
    """Hash of the books after its last good entry."""


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """One place that cannot be right."""

    file: str
    line: int
    reason: str


class JournalProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole journal came to."""

    whole: bool
    """True when nothing is wrong with it."""
    entries: int
    state: str
    segments: tuple[SegmentProof, ...]
    damage: tuple[Damage, ...]
    unproved: str
    """What nothing can prove, because older segments were moved away; empty when all is proved."""
    set_aside: tuple[str, ...]
    """Files that hold last lines which starts could not believe."""


def state_hash(books: Books) -> str:
    """Hash of everything that the books hold."""
    return blake2b(msgspec.json.encode(books.snapshot()), digest_size=16).hexdigest()


def verify(folder: Path, *, is_written: bool = False) -> JournalProof:
    """Prove a journal. `is_written` tells that a process writes it now: its last line may be on its way.

    Raises `UsageError` when there is no journal.
    """
    paths = segment_paths(folder)
    if not paths:
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    run = _Proving(folder, paths, is_written=is_written)
    for path in paths:
        run.prove(path)
    return JournalProof(
        whole=not run.damage,
        entries=sum(segment.entries for segment in run.segments),
        state=state_hash(run.books),
        segments=tuple(run.segments),
        damage=tuple(run.damage),
        unproved=run.unproved,
        set_aside=tuple(sorted(path.name for path in folder.glob("quarantine-*.bin"))),
    )


class _Proving:
    def __init__(self, folder: Path, paths: list[Path], *, is_written: bool) -> None:
        self.books = Books()
        self.segments: list[SegmentProof] = []
        self.damage: list[Damage] = []
        self._last = paths[-1]
        self._is_written = is_written
        self._seq, self._hash = origin(paths)
        self._number = segment_number(paths[0]) - 1
        self._folds_on = segment_number(paths[0]) == 1
        self.unproved = "" if self._folds_on else f"{paths[0].name}: its first line, since older segments are not here"

    def prove(self, path: Path) -> None:
        """Take in one segment up to its first defect; the next one starts from its own snapshot then."""
        if segment_number(path) != self._number + 1:
            self._report(path, 1, f"segment {self._number + 1:08d} is missing before it")
            self._folds_on, self._seq, self._hash = False, None, None
        self._number = segment_number(path)
        entries = first = last = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if self._is_written and path == self._last and not line.endswith(b"\n"):
                    break
                record = decode(line, self._seq, self._hash)
                reason = record.reason if isinstance(record, LineDefect) else self._take(record, number, line)
                if reason or isinstance(record, LineDefect):
                    self._report(path, number, reason)
                if isinstance(record, LineDefect):
                    self._folds_on, self._seq, self._hash = False, None, None
                    break
                entries, first, last = entries + 1, first or record.seq, record.seq
                self._seq, self._hash = record.seq, record.hash.encode()
        if not entries and (self._number > 1 or path != self._last) and not self._said(path):
            self._report(path, 1, "the segment is empty")
        self.segments.append(
            SegmentProof(file=path.name, entries=entries, first_seq=first, last_seq=last, state=state_hash(self.books))
        )

    def _take(self, record: Record, number: int, line: bytes) -> str:
        """Fold one record; return what is wrong with it, or nothing."""
        entry = record.entry
        is_snapshot = isinstance(entry, Snapshot)
        if is_snapshot != (number == 1 and self._number > 1):
            return (
                "a snapshot stands where none belongs" if is_snapshot else "the segment does not open with a snapshot"
            )
        differs = ""
        if isinstance(entry, Snapshot) and self._folds_on:
            differs = _differences(self.books, entry, line)
        try:
            self.books.apply(entry)
        except (TradingdError, ArithmeticError) as error:
            return f"the entry does not follow from those before it: {error}"
        self._folds_on = self._folds_on or is_snapshot
        return f"the snapshot is not the fold of what came before it: {differs}" if differs else ""

    def _report(self, path: Path, line: int, reason: str) -> None:
        self.damage.append(Damage(file=str(path), line=line, reason=reason))

    def _said(self, path: Path) -> bool:
        return any(damage.file == str(path) for damage in self.damage)


_BY_NAME = frozenset({"marks", "state", "corrections"})
"""Members that are mappings of names, in which each name counts; other members may be newer than what is compared."""


def _differences(books: Books, snapshot: Snapshot, line: bytes) -> str:
    """Names of the members in which the fold differs from a snapshot as it stands on its line.

    Orders that ended long ago are left out of snapshots, and members that this program has and the one that wrote the
    snapshot had not prove nothing.
    """
    kept = {state.client_order_id for state in snapshot.orders}
    if any(not state.is_terminal for state in books.orders if state.client_order_id not in kept):
        return "orders"
    fold = books.snapshot()
    orders = tuple(state for state in fold.orders if state.client_order_id in kept)
    ours = msgspec.to_builtins(msgspec.structs.replace(fold, orders=orders))
    theirs = msgspec.json.decode(line)["entry"]
    return ", ".join(
        name for name in theirs if name in ours and not _same(ours[name], theirs[name], exact=name in _BY_NAME)
    )


def _same(ours: object, theirs: object, *, exact: bool = False) -> bool:
    match ours, theirs:
        case dict(), dict():
            if exact and ours.keys() != theirs.keys():
                return False
            return all(name in ours and _same(ours[name], theirs[name], exact=name in _BY_NAME) for name in theirs)
        case ((list() | tuple()), list()):
            return len(ours) == len(theirs) and all(map(_same, ours, theirs))
        case str(), str() if ours != theirs:
            try:
                return Decimal(ours) == Decimal(theirs)
            except InvalidOperation:
                return False
        case _:
            return ours == theirs


def require_whole(folder: Path) -> JournalProof:
    """Prove a journal that nobody writes. Raises `JournalError` that names the first damage."""
    proof = verify(folder)
    if proof.damage:
        first = proof.damage[0]
        raise JournalError(f"{first.file}:{first.line}: {first.reason}")
    return proof
