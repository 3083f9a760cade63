"""The daemon as a process whose log cannot be written, and whose session closes: it trades on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, ask_json, environment, run_command, wait_until
from tradingd.tools.drills.tether import tethered


def restless(tmp_path: Path, write_config: WriteConfig, daemon: str = "") -> Path:
    """A daemon that trades for minutes."""
    return write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200),
        RESTLESS.format(id="restless", symbol="IBM", every=5, quantity=10),
        daemon=daemon,
    )


def more_trades(config: Path) -> None:
    """Wait until there is an execution more than now."""
    before = ask_json("status", "-c", str(config))["journal_seq"]
    trades = len(ask_json("trades", "-c", str(config)))
    wait_until(lambda: len(ask_json("trades", "-c", str(config))) > trades, timeout_s=30, what="one more trade")
    assert ask_json("status", "-c", str(config))["journal_seq"] > before


def test_a_hang_up_opens_the_log_file_anew_and_ends_nothing(tmp_path: Path, write_config: WriteConfig) -> None:
    config = restless(tmp_path, write_config, 'log_file = "d.log"')
    log = tmp_path / "d.log"
    with Program("run", "-c", str(config), log=tmp_path / "out") as daemon:
        daemon.wait_event("order.filled")
        log.rename(tmp_path / "d.log.1")
        config.write_text(config.read_text().replace("every = 5", "every = 7"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_event("log.reopened")
        wait_until(lambda: log.exists() and b"log.reopened" in log.read_bytes(), timeout_s=10, what="a new log file")
        more_trades(config)
        assert daemon.stop() == 0
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "daemon.stopped"
    assert not any("Traceback" in line for line in daemon.text().splitlines())


def test_a_hang_up_before_there_is_a_log_ends_nothing(tmp_path: Path, write_config: WriteConfig) -> None:
    config = restless(tmp_path, write_config)
    with Program("run", "-c", str(config), log=tmp_path / "out") as daemon:
        process = Path(f"/proc/{daemon.process.pid}/status")

        def ignores_or_handles() -> bool:
            masks = dict(line.split(":\t") for line in process.read_text().splitlines() if line.startswith("Sig"))
            return bool((int(masks["SigIgn"], 16) | int(masks["SigCgt"], 16)) & 1)

        wait_until(ignores_or_handles, timeout_s=20, what="SIGHUP is no longer deadly")

        def ready_in_spite_of_it() -> bool:
            daemon.process.send_signal(signal.SIGHUP)
            return bool(daemon.events("daemon.ready"))

        wait_until(ready_in_spite_of_it, timeout_s=30, what="ready")
        assert daemon.stop() == 0


@pytest.mark.parametrize("what", ["gone", "stalled", "closed"])
def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path, write_config: WriteConfig, what: str) -> None:
    """The reader of the pipe has ended, does not read, or there never was a standard output."""
    config = restless(tmp_path, write_config, 'log_level = "DEBUG"')
    read, write = os.pipe()
    shell = '"$@" >&- 2>&-' if what == "closed" else '"$@"'
    process = subprocess.Popen(
        ["sh", "-c", f"exec {shell}", "sh", sys.executable, "-m", "tradingd", "run", "-c", str(config)],
        stdout=write,
        stderr=write,
        stdin=subprocess.DEVNULL,
        env=environment(),
        cwd=tmp_path,
        preexec_fn=tethered(),
    )
    os.close(write)
    try:
        socket = tmp_path / "state-daemon" / "control.sock"
        wait_until(socket.is_socket, timeout_s=30, what="the control socket")
        if what == "gone":
            os.close(read)
        more_trades(config)
        if what == "gone":
            asked = ("logs", "-c", str(config), "--event", "log.unwritable")
            wait_until(lambda: "Broken pipe" in run_command(*asked).stdout, timeout_s=30, what="`logs` says so")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if what != "gone":
            os.close(read)


def test_a_full_disk_under_the_log_file_stops_nothing(tmp_path: Path, write_config: WriteConfig) -> None:
    config = restless(tmp_path, write_config, 'log_file = "d.log"')
    (tmp_path / "d.log").symlink_to("/dev/full")
    with Program("run", "-c", str(config), log=tmp_path / "out") as daemon:
        daemon.wait_event("log.unwritable")
        assert "No space left on device; trading goes on" in daemon.events("log.unwritable")[0]["message"]
        more_trades(config)
        (tmp_path / "d.log").unlink()
        daemon.wait_event("log.writable")
        assert daemon.events("log.writable")[0]["details"]["lines_lost"] > 1
        assert daemon.stop() == 0
    assert len(daemon.events("log.unwritable")) == 1
