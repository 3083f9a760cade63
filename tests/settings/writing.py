"""Configurations written for one test."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tradingd.settings import ConfigurationProblems, LoadedSettings, Problem, check_settings, load_settings


def write(folder: Path, text: str, name: str = "test.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> LoadedSettings:
    return load_settings(write(folder, text), environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Everything that is wrong, by loading or by checking."""
    path = write(folder, text)
    try:
        loaded = load_settings(path, environ or {})
    except ConfigurationProblems as error:
        return list(error.problems)
    return check_settings(loaded)


def told(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The same as the operator reads it, the folder left out."""
    return [str(problem).replace(f"{folder}/", "") for problem in problems(folder, text, environ)]


def refused(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> ConfigurationProblems:
    with pytest.raises(ConfigurationProblems) as caught:
        load(folder, text, environ)
    return caught.value
