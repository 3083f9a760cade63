"""The unit as systemd's own tools judge it, on any machine that has them."""

import shutil
import tomllib
from pathlib import Path

import pytest
from tests.shipping.service_host import ROOT, run
from tradingd.errors import EXIT_CREDENTIALS, EXIT_USAGE
from tradingd.settings.sections import DaemonSettings

UNITS = ROOT / "systemd"
UNIT = UNITS / "tradingd@.service"


def lines() -> list[tuple[str, str]]:
    """The unit's settings in their order."""
    pairs = [line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] not in "#;"]
    return [(name, value) for name, value in pairs]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as installed, with a command that exists on every machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    folder = tmp_path / "system"
    shutil.copytree(UNITS, folder)
    stub = tmp_path / "tradingd"
    stub.write_text("#!/bin/sh\n")
    stub.chmod(0o755)
    unit = folder / UNIT.name
    unit.write_text(unit.read_text().replace("/opt/tradingd/bin/tradingd", str(stub)))
    return folder


@pytest.mark.parametrize("instance", ["paper", "alpaca"])
def test_verify_has_nothing_to_say(units: Path, instance: str) -> None:
    verdict = run("systemd-analyze", "verify", "--man=no", units / f"tradingd@{instance}.service", check=False)
    # Unknown keys and bad values are told on stderr alone and leave the exit code at 0.
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_exposure_is_two_or_less(units: Path) -> None:
    verdict = run("systemd-analyze", "security", "--offline=true", "--threshold=20", units / UNIT.name, check=False)
    assert verdict.returncode == 0, verdict.stdout


def test_no_restart_after_the_exit_codes_that_would_come_again() -> None:
    assert ("RestartPreventExitStatus", f"{EXIT_USAGE} {EXIT_CREDENTIALS}") in lines()


def test_a_stop_is_given_more_time_than_the_daemon_takes() -> None:
    seconds = int(dict(lines())["TimeoutStopSec"])
    assert seconds > DaemonSettings().stop_timeout_s
    for config in (ROOT / "config").glob("*.toml"):
        daemon = tomllib.loads(config.read_text())["daemon"]
        assert seconds > daemon.get("stop_timeout_s", 0), config.name


def test_every_end_that_nobody_asked_for_is_followed_by_a_start() -> None:
    """`on-failure` would take a death by SIGHUP, SIGINT, SIGTERM or SIGPIPE for a success."""
    assert ("Restart", "always") in lines()
    assert not [value for name, value in lines() if name == "SuccessExitStatus"]


def test_a_reload_opens_the_log_file_anew() -> None:
    assert ("ExecReload", "/bin/kill -HUP $MAINPID") in lines()
