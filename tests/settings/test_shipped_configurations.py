"""The configurations that come with the program."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tradingd.settings import check_settings, effective_settings, load_settings

FOLDER = Path(__file__).parents[2] / "config"
KEYS = {"TRADINGD_BROKER__API_KEY": "canary-k", "TRADINGD_BROKER__API_SECRET": "canary-s"}
SHIPPED = {"paper.toml": {}, "venue.toml": {}, "alpaca.toml": KEYS}


def test_every_shipped_file_is_known_here() -> None:
    assert {path.name for path in FOLDER.glob("*.toml")} >= set(SHIPPED)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_configuration_has_no_problems(name: str) -> None:
    loaded = load_settings(FOLDER / name, SHIPPED[name])
    assert [str(problem) for problem in check_settings(loaded)] == []
    assert "canary" not in str(effective_settings(loaded))
    assert loaded.settings.account_kind == "paper"


@pytest.mark.parametrize("name", ["paper.toml", "alpaca.toml"])
def test_a_whole_configuration_mentions_every_key_of_its_sections(name: str) -> None:
    text = (FOLDER / name).read_text()
    loaded = load_settings(FOLDER / name, SHIPPED[name])
    written = tomllib.loads(text)
    for key, _, _ in effective_settings(loaded):
        section, *_, last = key.replace("]", "").split(".")
        if section.startswith("strategies") or section not in written:
            continue
        assert last.split("[")[0] in text, key


def test_keys_of_the_service_are_asked_for_when_the_environment_has_none() -> None:
    problems = check_settings(load_settings(FOLDER / "alpaca.toml", {}))
    assert {problem.key for problem in problems} == {"broker.api_key", "broker.api_secret"}


def test_reading_a_configuration_loads_no_heavy_library() -> None:
    code = (
        "import sys; from pathlib import Path; from tradingd.settings import load_settings;"
        f"load_settings(Path({str(FOLDER / 'venue.toml')!r}), {{}});"
        "print(sorted({'aiohttp', 'websockets', 'tree_sitter', 'sqlite3', 'rich', 'pandas'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent)
    assert found.stdout.strip() == "[]"
