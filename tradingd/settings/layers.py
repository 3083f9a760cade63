"""The layers of a configuration: file, systemd credentials, environment, each over the one before.

Owns: how a variable or credential finds its key, and how text becomes a value. Emits: the merged tables and where each
overridden value came from. Never reads `os.environ`: the caller hands the environment in.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from tradingd.settings.problems import KeyPath, Problem, format_key, suggest
from tradingd.settings.root import ENV_DELIMITER, ENV_PREFIX, Settings
from tradingd.settings.shape import alternatives, annotation_at, child, is_text, known_keys, step_into

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
STATE_VARIABLE = "STATE_DIRECTORY"


class Layers(msgspec.Struct):
    """The merged tables, the origin of every value that is not the file's, and what was wrong on the way."""

    data: dict[str, Any]
    origins: dict[KeyPath, str]
    problems: list[Problem]


def apply_environment(layers: Layers, environ: Mapping[str, str]) -> None:
    """Lay every `TRADINGD_SECTION__KEY` over the tables; one that names no key is a problem."""
    names = [name for name in environ if name.startswith(ENV_PREFIX) and ENV_DELIMITER in name]
    # `kind` first: it decides which keys the rest of its table may have.
    for name in sorted(names, key=lambda name: (not name.endswith("__KIND"), name)):
        steps = name[len(ENV_PREFIX) :].split(ENV_DELIMITER)
        path, problem = _find_key(layers.data, steps, f"env {name}")
        if problem is not None:
            layers.problems.append(problem)
            continue
        annotation = annotation_at(Settings, path, layers.data)
        _put(layers.data, path, _read_value(environ[name], annotation))
        layers.origins[path] = f"env {name}"


def apply_credentials(layers: Layers, environ: Mapping[str, str]) -> None:
    """Lay the files of `$CREDENTIALS_DIRECTORY` over the tables where the environment did not speak.

    A credential that names no key is left alone: the unit may load others for others.
    """
    folder = environ.get(CREDENTIALS_VARIABLE)
    if not folder or not Path(folder).is_dir():
        return
    for file in sorted(Path(folder).iterdir()):
        origin = f"credential {file.name}"
        path, problem = _find_key(layers.data, file.name.split("."), origin)
        if problem is not None or path in layers.origins or not file.is_file():
            continue
        annotation = annotation_at(Settings, path, layers.data)
        if is_text(annotation):
            try:
                text = file.read_text().rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                layers.problems.append(
                    Problem(
                        file=origin, line=0, column=0, key=format_key(path), message=f"cannot read {file}",
                        remedy=type(error).__name__,
                    )
                )  # fmt: skip
                continue
            _put(layers.data, path, text)
            layers.origins[path] = origin


def apply_paths(layers: Layers, config: Path, environ: Mapping[str, str]) -> None:
    """Give the state folder its default and let relative paths start at the configuration file's folder."""
    daemon = layers.data.setdefault("daemon", {})
    if isinstance(daemon, dict):
        if "state_dir" not in daemon:
            given = environ.get(STATE_VARIABLE, "").split(":")[0]
            daemon["state_dir"] = given or f"/var/lib/tradingd/{config.stem}"
            layers.origins["daemon", "state_dir"] = f"env {STATE_VARIABLE}" if given else "default"
        _resolve(daemon, "state_dir", config.parent)
        _resolve(daemon, "log_file", config.parent)
    data = layers.data.get("data")
    feeds = data.get("feeds") if isinstance(data, dict) else None
    for feed in feeds if isinstance(feeds, list) else ():
        if isinstance(feed, dict):
            _resolve(feed, "path", config.parent)


def _resolve(table: dict[str, Any], key: str, folder: Path) -> None:
    if isinstance(table.get(key), str):
        table[key] = os.path.normpath(folder / table[key])


def _find_key(data: Any, steps: list[str], origin: str) -> tuple[KeyPath, Problem | None]:
    """Follow the steps of a variable's or credential's name to a key of the settings."""
    annotation: Any = Settings
    path: KeyPath = ()
    for raw in steps:
        step = _read_step(annotation, data, raw)
        under = child(annotation, step, data)
        if under is None or (isinstance(step, int) and step_into(data, step) is None):
            keys = known_keys(annotation, data)
            problem = Problem(
                file=origin,
                line=0,
                column=0,
                key=format_key((*path, step)),
                message="names no table of the file" if isinstance(step, int) else "unknown key",
                remedy=suggest(str(step), keys),
            )
            return path, problem
        path += (step,)
        annotation, data = under, step_into(data, step)
    if known_keys(annotation, data):
        problem = Problem(
            file=origin, line=0, column=0, key=format_key(path), message="is a table, not a key",
            remedy=f"keys: {', '.join(known_keys(annotation, data))}",
        )  # fmt: skip
        return path, problem
    return path, None


def _read_step(annotation: Any, data: Any, raw: str) -> str | int:
    """Variables are upper case, keys mostly are not; a key that stands in the file decides."""
    if raw.isascii() and raw.isdigit():
        return int(raw)
    if isinstance(data, dict):
        for key in data:
            if key.lower() == raw.lower():
                return str(key)
    # The keys of a table with one type of value are symbols, which are upper case.
    tables = [option for option in alternatives(annotation) if get_origin(option) is dict]
    by_symbol = any(get_args(option)[1] is not Any for option in tables)
    return raw if by_symbol else raw.lower()


def _read_value(text: str, annotation: Any) -> Any:
    """Text stays text where text is wanted; elsewhere it is read as a TOML value."""
    if is_text(annotation):
        return text
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if list(table) == ["value"] else text


def _put(data: Any, path: KeyPath, value: Any) -> None:
    """Set a value, making the tables above it where they are missing; a table of the wrong shape is told later."""
    for step in path[:-1]:
        below = step_into(data, step)
        if below is None and isinstance(data, dict):
            below = data[step] = {}
        data = below
    last = path[-1]
    fits = isinstance(data, dict) or (isinstance(data, list) and isinstance(last, int) and last < len(data))
    if fits:
        data[last] = value
