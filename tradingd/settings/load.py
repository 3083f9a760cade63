"""From a TOML file and an environment to settings, or to every problem at once.

Owns: the order of things: read, overlay, validate, and after a failure check what is left, so that one run shows all.
Never reads `os.environ` by itself and never shows a secret.
"""

import copy
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tradingd.errors import SourceMissing
from tradingd.settings.check import check_settings
from tradingd.settings.explain import Finding, explain
from tradingd.settings.layers import Layers, apply_credentials, apply_environment, apply_paths
from tradingd.settings.loaded import TABLE_LISTS, LoadedSettings, SettingsSource
from tradingd.settings.problems import ConfigurationProblems, KeyPath, Problem, suggest
from tradingd.settings.root import Settings
from tradingd.settings.shape import step_into, value_at

_TOML_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)
_SALVAGE_ROUNDS = 8
_STAND_INS: dict[tuple[KeyPath, str], Any] = {
    (("strategies",), "id"): "?",  # replaced by the index, since ids are unique
    (("strategies",), "symbols"): ["?"],
    (("data", "feeds"), "symbol"): "?",
    (("data", "feeds"), "symbols"): ["?"],
    (("data", "feeds"), "schema"): "quotes",
}
"""Values under which the rest of a table can still be checked when this one is wrong."""


def load_settings(path: Path, environ: Mapping[str, str]) -> LoadedSettings:
    """Read a configuration file under an environment.

    Raises `SourceMissing` when there is no such file and `ConfigurationProblems` when it cannot be used; the latter
    then also holds what `check_settings` finds in the part that can.
    """
    path = path.absolute()
    text = read_text(path)
    layers = Layers(parse_toml(path, text), {}, [])
    reserved = _take_reserved(layers.data)
    apply_environment(layers, environ)
    apply_credentials(layers, environ)
    apply_paths(layers, path, environ)
    source = SettingsSource(path, text, layers.origins)
    digest = hashlib.sha256(text.encode()).hexdigest()
    problems = list(layers.problems)
    try:
        settings = Settings(**layers.data)
    except ValidationError as error:
        findings = [*reserved, *explain(Settings, error, layers.data)]
        problems += [source.problem(finding.path, finding.message, finding.remedy) for finding in findings]
        problems += _check_rest(layers.data, findings, source, digest)
    else:
        problems += [source.problem(finding.path, finding.message, finding.remedy) for finding in reserved]
        loaded = LoadedSettings(settings, source, digest)
        if not problems:
            return loaded
        problems += check_settings(loaded)
    raise ConfigurationProblems(sort_problems(problems))


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Order problems as the file reads, those of the environment last, none twice."""
    unique = {(p.file, p.line, p.column, p.key, p.message): p for p in problems}
    return sorted(unique.values(), key=lambda p: (p.line == 0, p.line, p.column, p.key))


def read_text(path: Path) -> str:
    """Read a file of configuration; raises `SourceMissing`, or `ConfigurationProblems` when it is not UTF-8."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceMissing(f"{path}: cannot read the configuration file: {error.strerror}") from error
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode(errors="replace")) + 1
        raise ConfigurationProblems(
            [Problem(file=str(path), line=line, column=column, key="", message="the file is not UTF-8 text")]
        ) from error


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """Read TOML; raises `ConfigurationProblems` with the place of what cannot be read."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.fullmatch(str(error))
        if place is not None:
            message, line, column = place[1], int(place[2]), int(place[3])
        else:  # "at end of document"
            lines = text.split("\n")
            message, line, column = str(error), len(lines), len(lines[-1]) + 1
        raise ConfigurationProblems(
            [Problem(file=str(path), line=line, column=column, key="", message=f"not TOML: {message}")]
        ) from error


def _take_reserved(data: dict[str, Any]) -> list[Finding]:
    """Remove top-level keys that pydantic-settings would take for options of its own."""
    names = [name for name in data if name.startswith("_")]
    for name in names:
        del data[name]
    return [Finding((name,), "unknown key", suggest(name, Settings.model_fields), False) for name in names]


def _check_rest(data: dict[str, Any], findings: list[Finding], source: SettingsSource, digest: str) -> list[Problem]:
    """Leave out what is known to be wrong and check what remains."""
    data = copy.deepcopy(data)
    kept: dict[KeyPath, list[int]] = {}
    told = {source.problem(finding.path, "").key for finding in findings}
    for _ in range(_SALVAGE_ROUNDS):
        _prune(data, findings, kept)
        try:
            rest = LoadedSettings(Settings(**data), source, digest, kept)
        except ValidationError as error:
            findings = explain(Settings, error, data)
            continue
        return [p for p in check_settings(rest) if not any(p.key == key or p.key.startswith(f"{key}[") for key in told)]
    return []


def _prune(data: dict[str, Any], findings: list[Finding], kept: dict[KeyPath, list[int]]) -> None:
    """Remove every wrong value; a table that lacks a key goes as a whole unless something can stand in for it."""
    targets: set[KeyPath] = set()
    for finding in findings:
        head, table = finding.path[:-2], value_at(data, finding.path[:-1])
        stand_in = _STAND_INS.get((head, str(finding.path[-1]))) if len(finding.path) > 2 else None
        if stand_in is None or not isinstance(table, dict):
            targets.add(_target(finding))
            continue
        index, key = finding.path[-2:]
        table[key] = f"unnamed-{index}" if key == "id" else copy.copy(stand_in)
        kept.setdefault(head, list(range(len(value_at(data, head)))))
    # From the back, so that an index still means what it meant.
    for target in sorted(targets - {()}, key=lambda path: [(isinstance(s, int), s) for s in path], reverse=True):
        holder, last = value_at(data, target[:-1]), target[-1]
        if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
            head = target[:-1]
            kept.setdefault(head, list(range(len(holder)))).pop(last)
            holder.pop(last)
        elif isinstance(holder, dict) and step_into(holder, last) is not None:
            del holder[last]


def _target(finding: Finding) -> KeyPath:
    path = finding.path[:-1] if finding.is_missing else finding.path
    if finding.path[-1:] == ("kind",):
        path = finding.path[:-1]  # without its kind a table's other keys mean nothing
    for size in range(len(path)):
        if isinstance(path[size], int) and path[:size] not in TABLE_LISTS:
            return path[:size]
    return path
