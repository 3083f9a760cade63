"""What the command line says to wrong input, and what it says of itself."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command_line import CONFIG, Ended, environment, tradingd, write_config
from tradingd import __version__
from tradingd.cli.exit_codes import MEANINGS

COMMANDS = (
    "run", "check", "replay", "report", "status", "positions", "orders", "trades", "risk", "logs", "halt", "resume",
    "flatten", "close", "cancel", "cancel-all", "venue", "doctor", "config show", "config schema", "journal rebuild",
    "journal verify", "journal export", "journal backup", "statement", "denials", "reconcile", "transfer", "accept",
    "drill", "conform", "explain",
)  # fmt: skip


def test_every_command_explains_itself_with_an_example_that_it_understands(tmp_path: Path) -> None:
    # One process for all: what is imported for each command is measured elsewhere.
    script = (
        "import sys\n"
        "from tradingd.cli.app import build_app\n"
        "for words in sys.argv[1:]:\n"
        "    try:\n"
        "        build_app()([*words.split(), '--help'], prog_name='tradingd')\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0, words\n"
        "    print('=====')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *COMMANDS], env=environment(), capture_output=True, text=True, check=True
    )
    texts = dict(zip(COMMANDS, ended.stdout.split("====="), strict=False))
    for command, text in texts.items():
        assert f"Example: tradingd {command}" in re.sub(r"\s+", " ", text)
        assert f"Usage: tradingd {command}" in text


def test_the_list_of_commands_is_whole_and_cut_nowhere(tmp_path: Path) -> None:
    text = tradingd("--help", cwd=tmp_path).out
    assert {command.split()[0] for command in COMMANDS} <= set(re.findall(r"^  ([a-z-]+)  ", text, re.MULTILINE))
    assert "..." not in text.split("Commands:")[1]


def test_version(tmp_path: Path) -> None:
    ended = tradingd("--version", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, f"tradingd {__version__}\n")


WRONG = {
    "no such command": (["chek", "-c", "c.toml"], "No such command 'chek'"),
    "no configuration named": (["check"], "Missing option"),
    "no such file": (["check", "-c", "none.toml"], "none.toml: cannot read the configuration file"),
    "a folder for a file": (["check", "-c", "."], "cannot read the configuration file"),
    "a date that does not exist": (["report", "-c", "c.toml", "--from", "2026-02-30"], "--from: '2026-02-30'"),
    "a time without zone": (["replay", "-c", "c.toml", "--to", "2026-03-02T10:00:00"], "--to: '2026-03-02T10:00:00'"),
    "a span the wrong way round": (
        ["report", "-c", "c.toml", "--from", "2026-03-02", "--to", "2026-03-01"],
        "does not come before",
    ),
    "an age in no known unit": (["logs", "-c", "c.toml", "--since", "3w"], "--since: '3w' is neither"),
    "a level that does not exist": (["logs", "-c", "c.toml", "--level", "LOUD"], "LOUD"),
    "an unknown format": (["report", "-c", "c.toml", "--format", "pdf"], "pdf"),
    "no order named": (["cancel", "-c", "c.toml"], "cancel needs the id of an order"),
    "an order and a scope": (["cancel", "-c", "c.toml", "trend-1", "--symbol", "AAPL"], "not both"),
    "close without a scope": (["close", "-c", "c.toml"], "close needs --strategy ID"),
    "a halt before the first start": (["halt", "-c", "c.toml"], "tradingd run --halted"),
    "a wait without an end": (["cancel-all", "-c", "c.toml", "--wait", "inf"], "--wait"),
    "a wait of nothing known": (["flatten", "-c", "c.toml", "--yes", "--wait", "nan"], "--wait"),
    "an empty order id": (["cancel", "-c", "c.toml", ""], "is no order id"),
    "a statement of a day to come": (["statement", "-c", "c.toml", "--date", "2999-01-01"], "still to come"),
    "flatten without a terminal": (["flatten", "-c", "c.toml"], "--yes"),
    "trades without a journal": (["trades", "-c", "c.toml", "--json"], "there is no journal yet"),
    "rebuild without a journal": (["journal", "rebuild", "-c", "c.toml"], "there is no journal yet"),
    "logs before there are any": (["logs", "-c", "c.toml"], "there is no log"),
    "a folder in use for a replay": (["replay", "-c", "c.toml", "--journal", "."], "is in use"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_clear_line_and_exit_code_2(name: str, tmp_path: Path, called: Callable[..., Ended]) -> None:
    write_config(tmp_path)
    arguments, said = WRONG[name]
    ended = called(*arguments)
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert len([line for line in ended.err.splitlines() if "rror" in line]) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("arguments", [["cancel", "trend-abc-1"], ["status", "--json"], ["resume"], ["risk"]])
def test_without_a_daemon_a_command_says_that_none_runs(
    arguments: list[str], tmp_path: Path, called: Callable[..., Ended]
) -> None:
    write_config(tmp_path)
    ended = called(*arguments, "-c", "c.toml")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("tradingd: error: not running: no daemon answers at ")
    assert not (tmp_path / "state").exists()


def test_the_exit_codes_stand_in_the_help(tmp_path: Path) -> None:
    text = tradingd("--help", cwd=tmp_path).out
    for code, meaning in MEANINGS.items():
        assert f"  {code:>3}  {meaning}\n" in text


def test_all_problems_of_a_configuration_are_told_at_once_each_with_its_place(
    tmp_path: Path, called: Callable[..., Ended]
) -> None:
    text = CONFIG.replace("seed = 1", 'seed = "one"').replace("bars =", "bar =")
    write_config(tmp_path, text.replace("fast = 3", "fst = 3"))
    for command in ("check", "run", "replay"):
        ended = called(command, "-c", "c.toml")
        assert (ended.code, ended.out) == (2, "")
        places = [line.split(": ")[:2] for line in ended.err.splitlines()]
        file = tmp_path / "c.toml"
        assert places[:2] == [[f"{file}:7:1", "data.feeds[0].seed"], [f"{file}:14:1", "strategies[0].bar"]]
        assert any(key == "strategies[0].params.fst" for _, key in places)


def test_problems_between_sections_stop_a_run(tmp_path: Path) -> None:
    write_config(tmp_path, CONFIG.replace('symbols = ["AAPL"]\nbars', 'symbols = ["MSFT"]\nbars'))
    ended = tradingd("run", "-c", "c.toml", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "strategies[0].symbols[0]: no feed delivers MSFT" in ended.err


def test_check_says_what_it_found_good(tmp_path: Path, called: Callable[..., Ended]) -> None:
    write_config(tmp_path)
    ended = called("check", "-c", "c.toml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "c.toml: ok (1 strategy, 1 feed, broker paper (paper account))\n"


@pytest.mark.parametrize(
    ("cut", "said"), [("[[strategies]]", "there are no strategies"), ("[[data.feeds]]", "there are no feeds")]
)
def test_a_configuration_that_leaves_nothing_to_do_is_a_warning(
    cut: str, said: str, tmp_path: Path, called: Callable[..., Ended]
) -> None:
    write_config(tmp_path, CONFIG.split(cut)[0])
    ended = called("check", "-c", "c.toml")
    assert ended.code == 0
    assert said in ended.err


def test_the_effective_configuration_shows_sources_and_hides_secrets(tmp_path: Path) -> None:
    write_config(tmp_path)
    ended = tradingd(
        "config", "show", "-c", "c.toml", cwd=tmp_path,
        env={"TRADINGD_VENUE__API_SECRET": "tell-nobody", "TRADINGD_DATA__STALE_AFTER_S": "7"},
    )  # fmt: skip
    assert ended.code == 0
    assert "data.stale_after_s = 7.0  # env TRADINGD_DATA__STALE_AFTER_S\n" in ended.out
    assert f"strategies[0].params.fast = 3  # {tmp_path / 'c.toml'}:17\n" in ended.out
    assert "broker.kind = " in ended.out
    assert "tell-nobody" not in ended.out + ended.err


def test_the_schema_is_json(tmp_path: Path) -> None:
    import json

    assert "strategies" in json.loads(tradingd("config", "schema", cwd=tmp_path).out)["properties"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tradingd", "config", "schema"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_the_command_line_itself_imports_nothing_heavy() -> None:
    heavy = ("rich", "aiohttp", "pydantic", "asyncio", "loguru", "uvloop", "sqlite3", "msgspec", "websockets")
    script = f"import sys, tradingd.cli.app; print([name for name in {heavy!r} if name in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
