"""The unit under a real systemd: readiness, death, hang, refusal, stop. Needs root."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shipping.service_host import NEEDED, ROOT, SYSTEM_PYTHON, ServiceHost, lay_out, run

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

PAPER = "".join(
    line
    for line in (ROOT / "config" / "paper.toml").read_text().splitlines(keepends=True)
    if not line.startswith("state_dir")
)


def missing() -> str:
    """What this machine lacks for a systemd of its own, empty when nothing."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking or not Path("/lib/systemd/systemd").exists():
        return f"not installed: {', '.join(lacking) or 'systemd'}"
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    if not any(kind == "cgroup2" and "rw" in options.split(",") for _, _, kind, options, *_ in mounts):
        return "no cgroup2 to write to"
    if run(SYSTEM_PYTHON, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))", check=False).returncode:
        return f"{SYSTEM_PYTHON} is older than 3.11 or has no venv"
    probe = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "true"]
    return "" if subprocess.run(probe, check=False, capture_output=True).returncode == 0 else "no new namespaces"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceHost]:
    """One machine for all tests; each has an instance of its own."""
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("service")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "tradingd", source / "tradingd", ignore=shutil.ignore_patterns("__pycache__"))
    lay_out(folder / "tree", source)
    booted = ServiceHost(folder, folder / "tree")
    try:
        yield booted
    finally:
        booted.close()


def install(host: ServiceHost, instance: str, config: str = PAPER, **settings: str) -> str:
    """Give an instance its configuration, and settings of its own in a drop-in; return the unit's name."""
    unit = f"tradingd@{instance}.service"
    host.write(f"/etc/tradingd/{instance}.toml", config)
    if settings:
        text = "[Service]\n" + "".join(f"{name}={value}\n" for name, value in settings.items())
        host.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        host.run("systemctl", "daemon-reload")
    return unit


def test_active_means_ready_and_a_stop_is_clean(host: ServiceHost) -> None:
    unit = install(host, "paper")
    host.run("systemctl", "start", unit)
    said = host.show(unit)
    assert (said["ActiveState"], said["SubState"]) == ("active", "running")
    assert "equity 100,000.00" in said["StatusText"]
    assert len(host.log(unit, "daemon.ready")) == 1
    modes = host.run("stat", "-c", "%a", "-L", "/var/lib/tradingd/paper", "/var/lib/tradingd/paper/journal").stdout
    assert modes.split() == ["700", "700"]
    status = host.run("/opt/tradingd/bin/tradingd", "status", "-c", "/etc/tradingd/paper.toml", "--json").stdout
    assert f'"pid": {said["MainPID"]}' in status

    host.run("systemctl", "stop", unit)
    said = host.show(unit)
    assert (said["ActiveState"], said["Result"], said["ExecMainStatus"]) == ("inactive", "success", "0")
    assert len(host.log(unit, "daemon.stopped")) == 1


def test_not_active_while_the_venue_cannot_be_reached_and_keys_come_as_credentials(host: ServiceHost) -> None:
    alpaca = (ROOT / "config" / "alpaca.toml").read_text().replace('state_dir = "../state/alpaca"', "")
    nobody = alpaca.replace("https://paper-api.alpaca.markets", "http://127.0.0.1:9")
    for key in ("api_key", "api_secret"):
        host.write(f"/etc/tradingd/credentials/alpaca/broker.{key}", f"{key}-of-nobody\n")
    unit = install(host, "alpaca", nobody.replace("https://data.alpaca.markets", "http://127.0.0.1:9"))
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "--no-block", unit)
    host.wait(unit, "a word about the venue", lambda said: "cannot be reached" in said["StatusText"], timeout_s=15)
    assert host.show(unit)["ActiveState"] == "activating"
    host.run("systemctl", "stop", unit)
    assert host.show(unit)["Result"] == "success"
    assert "of-nobody" not in host.run("journalctl", "--no-pager").stdout


def test_killed_it_comes_back_ready_with_its_journal(host: ServiceHost) -> None:
    unit = install(host, "killed", RestartSec="100ms")
    host.run("systemctl", "start", unit)
    first = host.show(unit)["MainPID"]
    host.run("kill", "-9", first)
    host.wait(unit, "restart", lambda said: said["NRestarts"] == "1", timeout_s=10)
    host.wait(unit, "ready again", lambda said: said["SubState"] == "running", timeout_s=20)
    assert host.show(unit)["MainPID"] != first
    before, after = (line["details"] for line in host.log(unit, "journal.opened"))
    assert before["entries"] == 0
    assert after["entries"] > 0
    assert after["previous"] == "killed"
    host.run("systemctl", "stop", unit)


def test_a_reload_and_a_hang_up_open_the_log_anew_and_end_nothing(host: ServiceHost) -> None:
    unit = install(host, "reload")
    host.run("systemctl", "start", unit)
    first = host.show(unit)["MainPID"]
    host.run("systemctl", "reload", unit)
    host.run("kill", "-HUP", first)
    host.wait(unit, "both", lambda said: len(host.log(unit, "log.reopened")) == 2, timeout_s=10)
    said = host.show(unit)
    assert (said["MainPID"], said["NRestarts"], said["SubState"]) == (first, "0", "running")
    host.run("systemctl", "stop", unit)


def test_an_end_that_nobody_asked_systemd_for_is_followed_by_a_start(host: ServiceHost) -> None:
    """SIGTERM from elsewhere ends it in order, with exit code 0; positions must not be left with nobody in charge."""
    unit = install(host, "ended", RestartSec="100ms")
    host.run("systemctl", "start", unit)
    host.run("kill", "-TERM", host.show(unit)["MainPID"])
    host.wait(unit, "restart", lambda said: said["NRestarts"] == "1", timeout_s=20)
    host.wait(unit, "ready again", lambda said: said["SubState"] == "running", timeout_s=20)
    host.run("systemctl", "stop", unit)
    assert host.show(unit)["ActiveState"] == "inactive"


def test_a_bad_configuration_fails_once(host: ServiceHost) -> None:
    unit = install(host, "wrong", PAPER.replace("stop_timeout_s", "stop_timeout_z"))
    host.run("systemctl", "start", unit, check=False)
    host.wait(unit, "failure", lambda said: said["ActiveState"] == "failed", timeout_s=15)
    said = host.show(unit)
    assert (said["ExecMainStatus"], said["NRestarts"], said["Result"]) == ("2", "0", "exit-code")
    told = host.run("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout
    assert "daemon.stop_timeout_z: unknown key" in told


def test_a_hang_is_ended_by_the_watchdog(host: ServiceHost) -> None:
    unit = install(host, "hung", WatchdogSec="3s", RestartSec="100ms")
    host.run("systemctl", "start", unit)
    host.run("kill", f"-{signal.SIGSTOP.value}", host.show(unit)["MainPID"])
    host.wait(unit, "restart", lambda said: said["NRestarts"] == "1", timeout_s=15)
    host.wait(unit, "ready again", lambda said: said["SubState"] == "running", timeout_s=20)
    told = host.run("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout
    assert "Watchdog timeout" in told
    host.run("systemctl", "stop", unit)
