"""A copy of a journal that can be put in its place, taken while the daemon writes or when it is down.

Segments only grow: a copy up to the last whole line is a journal as it was at one instant. The copy is proved before it
gets its name, and never overwrites anything.
"""

import os
import shutil
import tarfile
from hashlib import blake2b
from pathlib import Path

from tradingd.errors import JournalError, UsageError
from tradingd.journal.quarantine import sync_folder
from tradingd.journal.segments import segment_paths
from tradingd.journal.verify import JournalProof, require_whole

ARCHIVE = ".tar.gz"
_CHUNK = 1 << 20


def back_up(folder: Path, target: Path) -> JournalProof:
    """Copy a journal to a new folder, or to a new archive where the name ends in `.tar.gz`; return the copy's proof.

    Raises `UsageError` when the target exists or there is no journal, `JournalError` when the copy is not whole.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    target = target.absolute()
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} exists (a backup overwrites nothing: name another place)")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: there is no such folder")
    unnamed = target.with_name(f".{target.name}.{os.getpid()}.partial")
    packed = unnamed.with_name(f"{unnamed.name}{ARCHIVE}")
    try:
        proof = _copy(folder, unnamed)
        if not target.name.endswith(ARCHIVE):
            unnamed.rename(target)
        else:
            _pack(unnamed, packed, target.name.removesuffix(ARCHIVE))
            # A link, not a rename: it fails where something has taken the name meanwhile.
            os.link(packed, target)
        sync_folder(target.parent)
    except FileExistsError as error:
        raise UsageError(f"{target} exists (a backup overwrites nothing: name another place)") from error
    finally:
        shutil.rmtree(unnamed, ignore_errors=True)
        packed.unlink(missing_ok=True)
    return proof


def _copy(folder: Path, copy: Path) -> JournalProof:
    copy.mkdir(mode=0o700)
    # Listed once: a segment that is begun from now on belongs to what comes after the backup.
    segments = segment_paths(folder)
    for path in segments:
        _copy_file(path, copy / path.name, to_last_line=path == segments[-1])
    for path in [folder / "ID", *sorted(folder.glob("quarantine-*.bin"))]:
        if path.exists():
            _copy_file(path, copy / path.name, to_last_line=False)
    sync_folder(copy)
    try:
        return require_whole(copy)
    except JournalError as error:
        message = str(error).replace(str(copy), str(folder))
        raise JournalError(
            f"{message}; there is no backup of a damaged journal (copy the folder to keep it)"
        ) from error


def _copy_file(source: Path, target: Path, *, to_last_line: bool) -> None:
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reader, os.fdopen(fd, "wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
        writer.flush()
        if to_last_line:
            writer.truncate(_end_of_last_line(target))
        os.fsync(writer.fileno())


def _end_of_last_line(path: Path) -> int:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _CHUNK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _pack(copy: Path, packed: Path, name: str) -> None:
    fd = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(copy, arcname=name)
        file.flush()
        os.fsync(file.fileno())
    with tarfile.open(packed, mode="r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            written = _digest(content.read())
            if written != _digest((copy / Path(member.name).name).read_bytes()):
                raise JournalError(f"{packed}: {member.name} was not written as it is (is the disk good?)")


def _digest(content: bytes) -> bytes:
    return blake2b(content).digest()
