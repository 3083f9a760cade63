"""`tradingd doctor`: what it prints, how it ends, and that it never hangs."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command_line import CONFIG, Ended, tradingd, write_config

Call = Callable[..., Ended]
QUICK = CONFIG.replace("interval_ms = 1000", "interval_ms = 10")
RISK = "[risk]\nmax_order_value = 10000\nmax_gross_exposure = 100000\nmax_daily_loss = 1000\n"
ALPACA = """
[broker]
kind = "alpaca"
base_url = "http://127.0.0.1:9"
stream_url = "ws://127.0.0.1:9/stream"
data_url = "http://127.0.0.1:9"
api_key = "k"
api_secret = "s"
"""


@pytest.fixture
def doctor(tmp_path: Path, called: Call) -> Call:
    write_config(tmp_path, QUICK + RISK)
    return lambda *arguments: called("doctor", "-c", "c.toml", *arguments)


def test_a_sound_configuration_passes_with_a_line_for_each_question(doctor: Call, tmp_path: Path) -> None:
    ended = doctor()
    assert (ended.code, ended.err) == (0, ""), ended.out
    findings, limits, end = ended.out.split("\n\n")
    heading, *rows = findings.splitlines()
    assert heading.split() == ["part", "check", "verdict", "finding"]
    assert any(row.split()[:3] == ["symbols", "AAPL", "ok"] for row in rows)
    assert ["account", "max_daily_loss", "1,000.00", "1,000.00", "1"] in [line.split() for line in limits.splitlines()]
    assert end.startswith("the worst day under these limits: 11,500.00, 11.5 % of the equity\n")
    assert end.splitlines()[-1].endswith(" 0 FAILED, 0 not checked") or "1 not checked" in end
    assert not (tmp_path / "state").exists()


def test_what_failed_comes_with_its_remedy_and_exit_code_1(doctor: Call, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    ended = doctor("--offline")
    assert ended.code == 1
    assert "FAILED" in ended.out
    assert f"(chmod 700 {tmp_path / 'state'})" in " ".join(ended.out.split())


def test_the_report_fits_a_terminal_but_for_long_paths(doctor: Call) -> None:
    lines = doctor("--offline").out.splitlines()
    assert lines[0].split() == ["part", "check", "verdict", "finding"]
    assert not [line for line in lines if len(line) > 80 and "/" not in line]


def test_json_is_one_document(doctor: Call) -> None:
    document = json.loads(doctor("--json").out)
    assert (document["passed"], document["exit_code"], document["broker"]) == (True, 0, "paper")
    assert document["ts"].endswith("Z")
    assert document["account"]["equity"] == "100000"
    assert document["worst_day"]["total"] == "11500"
    assert [symbol["symbol"] for symbol in document["symbols"]] == ["AAPL"]
    assert {found["verdict"] for found in document["findings"]} <= {"ok", "warning", "not checked"}
    (equity,) = [row for row in document["limits"] if row["limit"] == "max_leverage"]
    assert (equity["value"], equity["unit"], equity["money"]) == ("2", "times equity", "200000")


def test_offline_says_what_was_not_asked(doctor: Call) -> None:
    ended = doctor("--offline")
    assert ended.code == 0
    assert ended.out.count("--offline asks nobody") == 4


def test_a_configuration_that_cannot_be_used_ends_as_check_does(called: Call, tmp_path: Path) -> None:
    write_config(tmp_path, CONFIG.replace("SmaCross", "SmaCros"))
    assert called("doctor", "-c", "c.toml") == called("check", "-c", "c.toml")
    assert called("doctor", "-c", "c.toml").code == 2
    assert called("doctor", "-c", "none.toml").code == 2
    assert called("doctor", "-c", "c.toml", "--within", "0").code == 2


def test_a_venue_that_is_not_there_is_no_longer_waited_for_than_told(called: Call, tmp_path: Path) -> None:
    write_config(tmp_path, QUICK + ALPACA)
    (tmp_path / "c.toml").chmod(0o600)
    began = time.monotonic()
    ended = called("doctor", "-c", "c.toml", "--within", "0.2")
    assert time.monotonic() - began < 10
    assert ended.code == 1
    assert "look at the" in ended.out


def test_it_runs_before_a_service_starts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    write_config(tmp_path, QUICK + RISK)
    ended = tradingd("doctor", "-c", "c.toml", cwd=tmp_path, env={"TMPDIR": str(temporary)})
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c.toml", "tmp"]
