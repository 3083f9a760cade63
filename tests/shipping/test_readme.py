"""What the README says, compared with what is."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shipping.readme import MANUALS, ROOT, blocks, rows, section, words
from tradingd.cli.app import build_app
from tradingd.cli.exit_codes import MEANINGS, ExitCode
from tradingd.core.order_state import TERMINAL, TRANSITIONS, OrderStatus
from tradingd.settings.root import Settings
from typer.main import get_command


@pytest.mark.parametrize(
    ("heading", "job"), [("Run it", "tradingd run -c config/paper.toml"), ("Test it", "python -m pytest")]
)
def test_one_line_does_all_the_setting_up_and_the_job(heading: str, job: str) -> None:
    line, rest = blocks(heading, "sh")[0].split("\n", 1)
    assert rest == ""
    assert line.startswith("python3 -m venv ")
    assert job in line


def test_the_table_of_order_states_is_the_one_in_the_code() -> None:
    states = [state for state in OrderStatus if state not in TERMINAL]
    heading = f"| report | {' | '.join(f'`{state}`' for state in states)} |"
    assert heading in section("Order states")
    reports = {report.__name__: report for _, report in TRANSITIONS}
    told = {
        (state, reports[words(row[0])[0]]): OrderStatus(words(cell)[0])
        for row in rows("Order states")
        if len(row) == len(states) + 1
        for state, cell in zip(states, row[1:], strict=True)
        if cell
    }
    assert told == TRANSITIONS


def test_every_order_state_is_explained_once() -> None:
    explained = [word for row in rows("Order states") if len(row) == 2 for word in words(row[0])]
    assert sorted(explained) == sorted(OrderStatus)


def test_the_exit_codes_are_those_of_the_program_with_its_sentences() -> None:
    assert {int(row[0]): row[1] for row in rows("Operate it") if row[0].isdigit()} == {
        int(code): meaning for code, meaning in MEANINGS.items()
    }
    assert set(MEANINGS) == set(ExitCode)


def commands() -> Iterator[str]:
    """Every command of the program, those in groups with the group's name."""
    root = get_command(build_app())
    for name, command in getattr(root, "commands", {}).items():
        below = getattr(command, "commands", None)
        yield from [name] if below is None else [f"{name} {inner}" for inner in below]


def test_every_command_is_in_the_table_and_no_other() -> None:
    listed = [word.removeprefix("tradingd ") for row in rows("Operate it") for word in words(row[0])]
    known = sorted(commands())
    told = [next((name for name in known if f"{line} ".startswith(f"{name} ")), line) for line in listed]
    assert sorted(told) == known


def test_every_section_of_the_configuration_is_in_the_table() -> None:
    named = {
        word.strip("[]").split(".")[0] for row in rows("Configuration") for word in words(row[0]) if word[0] == "["
    }
    assert named == set(Settings.model_fields)


def test_every_path_of_the_folder_map_exists() -> None:
    named = [words(row[0])[0] for row in rows("How it works") if row[0].startswith("`tradingd/")]
    assert [path for path in named if not (ROOT / path).exists()] == []
    folders = {f"tradingd/{path.name}/" for path in (ROOT / "tradingd").iterdir() if (path / "__init__.py").exists()}
    assert folders - set(named) == set()


def test_the_example_strategy_passes_its_check_and_trades_in_a_replay(tmp_path: Path) -> None:
    (tmp_path / "breakout.py").write_text(blocks("Write a strategy", "python")[0])
    (tmp_path / "breakout.toml").write_text(blocks("Write a strategy", "toml")[0])
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRADINGD_")}
    env["PYTHONPATH"] = f"{tmp_path}:{ROOT}"
    for line in blocks("Write a strategy", "sh")[0].splitlines()[:2]:
        _, command, *arguments = line.split()
        assert command == "tradingd"
        done = subprocess.run(
            [sys.executable, "-m", "tradingd", *arguments],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    trades = next(line.split() for line in done.stdout.splitlines() if line.startswith("Trades "))
    assert int(trades[1]) > 0


def test_every_page_of_the_manual_of_changes_is_linked_and_every_link_leads_to_one() -> None:
    manual = (ROOT / "tradingd" / "settings" / "README.md").read_text()
    pages = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", manual, re.MULTILINE)}
    links = set(re.findall(r"tradingd/settings/README\.md#([a-z-]+)", section("Change what it trades")))
    assert links == pages - {"the-routine"}


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_manual_leads_somewhere(manual: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", manual.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        place = (manual.parent / name).resolve() if name else manual
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


def test_every_manual_is_listed_in_the_readme() -> None:
    listed = re.findall(r"\]\(([^)#\s]+README\.md)\)", section("Manuals"))
    assert sorted(listed) == sorted(str(path.relative_to(ROOT)) for path in MANUALS[1:])


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 340
