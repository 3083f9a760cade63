"""Whether the daemon may write where it has to: the state folder, what stands in it, and the log file's folder.

Emits: problems of the configuration, so that `check`, `doctor` and `run` refuse alike. Never: leaves anything behind.
"""

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.problems import KeyPath, Problem

MAX_SOCKET = 107
"""Bytes of a Unix socket's path on Linux, see unix(7)."""
_STATE: KeyPath = ("daemon", "state_dir")
_LOG: KeyPath = ("daemon", "log_file")


def check_places(loaded: LoadedSettings) -> list[Problem]:
    """Find every place that this user may not write; the daemon's user is taken to be this one."""
    daemon = loaded.settings.daemon
    problems = [_problem(loaded, _STATE, path, daemon.state_dir) for path in _unwritable_state(daemon.state_dir)]
    length = len(os.fsencode(StatePaths(daemon.state_dir).control_socket))
    if length > MAX_SOCKET:
        message = f"the path of the control socket in it has {length} bytes, and a socket's has at most {MAX_SOCKET}"
        problems.append(loaded.problem(_STATE, message, "name a folder with a shorter path"))
    if daemon.log_file is not None:
        above = nearest_existing(daemon.log_file)
        if above == daemon.log_file and above.is_dir():
            problems.append(loaded.problem(_LOG, f"{above} is a folder", "name a file in it"))
        elif not may_write(above):
            problems.append(_problem(loaded, _LOG, above, daemon.log_file))
    return problems


def _unwritable_state(folder: Path) -> Iterator[Path]:
    """The first place that stands in the way."""
    paths = StatePaths(folder)
    above = nearest_existing(folder)
    if not above.is_dir() or not may_write(above):
        yield above
        return
    files = (paths.journal / "LOCK", paths.journal / "ID", paths.database, paths.venue_database)
    segments = sorted(paths.journal.glob("*.jsonl"))[-1:] if may_write(paths.journal) else []
    for place in (paths.journal, paths.reports, *files, *segments):
        if os.path.lexists(place) and not may_write(place):
            yield place
            return


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that there is."""
    for candidate in (path, *path.parents):
        if os.path.lexists(candidate):
            return candidate
    return Path("/")


def may_write(path: Path) -> bool:
    """Whether this user may write a file, or make files in a folder: tried where that leaves nothing behind."""
    if not path.is_dir():
        return os.access(path, os.W_OK)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return False
    try:
        os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        # A disk that is full is another question, and not every file system knows files without a name.
        return error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS)
    return True


def _problem(loaded: LoadedSettings, key: KeyPath, place: Path, wanted: Path) -> Problem:
    me = owner_name(os.geteuid())
    try:
        found = place.stat()
    except OSError as error:
        return loaded.problem(key, f"{place} cannot be reached by {me}: {error.strerror}", "name another place")
    if key == _STATE and not stat.S_ISDIR(found.st_mode) and place in (wanted, *wanted.parents):
        return loaded.problem(key, f"{place} is no folder", "name another one")
    owner = owner_name(found.st_uid)
    mode = f"mode {stat.S_IMODE(found.st_mode):04o}, of {owner}"
    if place in wanted.parents and not os.access(place, os.X_OK):
        # What stands in it, and whether anything does, is not this user's to know.
        closed = f"{wanted} cannot be seen by {me}: {place} ({mode}) is closed to it"
        return loaded.problem(key, closed, f"run this as {owner}, or name another place")
    if place in wanted.parents:
        return loaded.problem(
            key,
            f"{wanted} does not exist, and {place} ({mode}) cannot be written by {me}",
            f"make it: install -d -m 700 -o {me} {wanted if key == _STATE else wanted.parent}; or run this as {owner}",
        )
    if found.st_uid == os.geteuid():
        remedy = f"chmod -R u+rwX {wanted}, or see whether its file system is mounted read-only"
    else:
        remedy = f"run this as {owner}, or give it to {me}: chown -R {me} {wanted}"
    return loaded.problem(key, f"{place} ({mode}) cannot be written by {me}", remedy)


def owner_name(uid: int) -> str:
    """The name of a user, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a dynamic user of systemd has a name only while its unit runs
        return f"user {uid}"
