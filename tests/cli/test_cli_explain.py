"""`tradingd explain`: every name that a user can meet, in a sentence."""

from pathlib import Path

import pytest
from tests.cli.command_line import tradingd
from tradingd.cli.exit_codes import ExitCode
from tradingd.core.log import LogEvent
from tradingd.core.orders import DenialCode


def test_a_code_an_event_and_an_exit_code_are_explained_in_the_order_of_asking(tmp_path: Path) -> None:
    told = tradingd("explain", "HALTED", "order.overdue", "6", cwd=tmp_path)
    assert told.code == 0
    names = [line.partition(":")[0] for line in told.out.splitlines() if not line.startswith(" ")]
    assert names == ["HALTED", "order.overdue", "6"]
    assert "accepted and not finished" in told.out


def test_the_first_part_of_an_event_explains_all_of_its_kind_and_case_does_not_matter(tmp_path: Path) -> None:
    told = tradingd("explain", "clock", "halted", "reconcile", cwd=tmp_path).out
    assert told.startswith("clock.jumped: ")
    assert "\nHALTED: " in told
    assert all(f"\n{event.value}: " in told for event in LogEvent if event.value.startswith("reconcile."))


def test_all_explains_every_name_within_80_columns(tmp_path: Path) -> None:
    told = tradingd("explain", "--all", cwd=tmp_path).out
    for name in (*DenialCode, *LogEvent, *(str(int(code)) for code in ExitCode)):
        assert f"\n{name}: " in told, name
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["HALTD"], "HALTD: no code or event has this name (near it: HALTED"),
        (["xyzzy"], "(`tradingd explain --all` lists them)"),
        ([], "explain what?"),
        (["HALTED", "--all"], "explain what?"),
    ],
)
def test_what_is_not_known_is_a_usage_error_with_what_is_near(tmp_path: Path, asked: list[str], said: str) -> None:
    told = tradingd("explain", *asked, cwd=tmp_path)
    assert told.code == ExitCode.USAGE
    assert said in told.err
