"""What the doctor asks of this machine's files: the configuration, its secrets, the state folder, the disk.

Reads: modes, owners and free space. Never: makes, changes or opens a file, or shows a secret.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from tradingd.journal.reserve import MEGABYTE
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.places import nearest_existing, owner_name
from tradingd.settings.problems import KeyPath, format_key
from tradingd.settings.shape import key_of
from tradingd.tools.doctor.findings import Finding, Part, failed, ok, warning

_PART = Part.FILES
_OTHERS_READ_OR_ENTER = 0o077


def check_files(loaded: LoadedSettings, euid: int) -> list[Finding]:
    """Look at everything that a start needs of the disk. Raises `OSError` when the disk does not answer."""
    settings = loaded.settings
    paths = StatePaths(settings.daemon.state_dir)
    secrets = _secret_sources(loaded)
    strategies = _count(len(settings.strategies), "strategy", "strategies")
    feeds = _count(len(settings.data.feeds), "feed", "feeds")
    return [
        ok(
            _PART,
            "configuration",
            f"{loaded.path} can be used: {strategies}, {feeds}, broker {settings.broker.kind} "
            f"({settings.account_kind} account)",
        ),
        _check_secrets(secrets),
        _check_mode(loaded.path, [key for key, source in secrets.items() if source.startswith(str(loaded.path))]),
        check_state_folder(paths.state_dir, euid),
        check_disk(paths, settings.journal.reserve_mb * MEGABYTE),
    ]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


# -- secrets ----------------------------------------------------------------------------------------------------------


def _secret_sources(loaded: LoadedSettings) -> dict[str, str]:
    """Where each secret that is set came from, by its key."""
    settings = loaded.settings
    # The password of [venue] is left out: a daemon makes one of its own for its venue, whom nobody else is to reach.
    found = [*_secret_paths(settings.broker, ("broker",)), *_secret_paths(settings.data, ("data",))]
    return {format_key(path): loaded.provenance(path) for path in found}


def _secret_paths(value: object, path: KeyPath) -> Iterator[KeyPath]:
    match value:
        case SecretStr():
            yield path
        case BaseModel():
            for name, field in type(value).model_fields.items():
                yield from _secret_paths(getattr(value, name), (*path, key_of(name, field)))
        case tuple():
            for index, item in enumerate(value):
                yield from _secret_paths(item, (*path, index))
        case _:
            pass


def _check_secrets(sources: Mapping[str, str]) -> Finding:
    if not sources:
        return ok(_PART, "secrets", "none is needed")
    # Files of $CREDENTIALS_DIRECTORY are not looked at: who may read them is the service manager's business, and
    # systemd 257 gives them to root with mode 0440.
    return ok(_PART, "secrets", ", ".join(f"{key} from {source}" for key, source in sources.items()))


def _check_mode(path: Path, secrets: list[str]) -> Finding:
    check = "configuration file"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IWOTH:
        return failed(
            _PART, check, f"{path} has mode {mode:04o}: every user may change what is traded", f"chmod o-w {path}"
        )
    if secrets and mode & stat.S_IROTH:
        return failed(
            _PART,
            check,
            f"{path} has mode {mode:04o} and holds {', '.join(secrets)}: every user may read it",
            f"chmod o-r {path}, or take the keys out of it and load them as credentials",
        )
    return ok(_PART, check, f"{path} has mode {mode:04o}" + (", and holds keys" if secrets else ""))


# -- the state folder -------------------------------------------------------------------------------------------------


def check_state_folder(folder: Path, euid: int) -> Finding:
    """Whether the folder is there for this user alone, or can be made."""
    check = "state folder"
    try:
        found = folder.stat()
    except FileNotFoundError:
        return _check_room_for(folder)
    except (PermissionError, NotADirectoryError) as error:
        return failed(
            _PART, check, f"{folder} cannot be reached: {error.strerror}", "name another folder in daemon.state_dir"
        )
    if not stat.S_ISDIR(found.st_mode):
        return failed(_PART, check, f"{folder} is no folder", "name another one in daemon.state_dir")
    mode = stat.S_IMODE(found.st_mode)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return failed(
            _PART,
            check,
            f"{folder} (mode {mode:04o}, of {owner_name(found.st_uid)}) cannot be written by {owner_name(euid)}",
            "run this as the daemon's user, or give that user the folder with chown",
        )
    if mode & stat.S_IWOTH:
        return failed(
            _PART, check, f"{folder} has mode {mode:04o}: every user may change the journal", f"chmod 700 {folder}"
        )
    if found.st_uid != euid:
        return warning(
            _PART,
            check,
            f"{folder} belongs to {owner_name(found.st_uid)}, and this is {owner_name(euid)}",
            "run the doctor and the daemon as one user",
        )
    if mode & _OTHERS_READ_OR_ENTER:
        return warning(
            _PART,
            check,
            f"{folder} has mode {mode:04o}: others may see what is traded, and reach the control socket's folder",
            f"chmod 700 {folder}",
        )
    return ok(_PART, check, f"{folder} is private (mode {mode:04o}, of {owner_name(found.st_uid)})")


def _check_room_for(folder: Path) -> Finding:
    above = nearest_existing(folder)
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return failed(
            _PART,
            "state folder",
            f"{folder} does not exist, and {above} lets this user make nothing in it",
            f"make {folder} for the daemon's user, or name another one in daemon.state_dir",
        )
    return ok(_PART, "state folder", f"{folder} does not exist yet; the first start makes it in {above}")


# -- the disk ---------------------------------------------------------------------------------------------------------


def check_disk(paths: StatePaths, reserve: int) -> Finding:
    """Whether there is room beside what the journal sets aside, as the daemon will ask for it."""
    found = os.statvfs(nearest_existing(paths.state_dir))
    free = found.f_bavail * found.f_frsize
    if not reserve:
        return warning(
            _PART,
            "disk",
            f"{free // MEGABYTE:,} MB are free, and journal.reserve_mb = 0 watches none of it",
            "set journal.reserve_mb, so that a full disk cannot keep a fill out of the journal",
        )
    needed = reserve if _is_held(paths.journal / "RESERVE", reserve) else 2 * reserve
    text = f"{free // MEGABYTE:,} MB are free and {needed // MEGABYTE:,} MB are needed (see journal.reserve_mb)"
    if free < needed:
        return failed(_PART, "disk", f"{text}: no new order would leave", "make room on the disk of daemon.state_dir")
    return ok(_PART, "disk", text)


def _is_held(path: Path, reserve: int) -> bool:
    try:
        return path.stat().st_size >= reserve
    except OSError:
        return False
