"""A daemon that a command cannot reach: it does not run, does not answer, or is another user's."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import WriteConfig
from tests.acceptance.running import Program, run_command
from tests.cli.another_user import as_nobody, folder_of_all, let_others_read

FEED = """
[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL"]
interval_ms = 100
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that other users may enter as well."""
    with folder_of_all() as folder:
        yield folder


def test_only_a_free_lock_means_that_it_does_not_run(tmp_path: Path, write_config: WriteConfig) -> None:
    config = write_config(FEED)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        socket = tmp_path / "state-daemon" / "control.sock"
        socket.rename(tmp_path / "elsewhere")
        hidden = run_command("status", "-c", str(config))
        assert hidden.returncode == 5
        assert f"running as pid {daemon.process.pid}, does not answer" in hidden.stderr
        (tmp_path / "elsewhere").rename(socket)
        assert run_command("status", "-c", str(config)).returncode == 0
        daemon.kill()
        for command in (("status",), ("flatten", "--yes"), ("cancel-all",), ("reconcile",)):
            ended = run_command(*command, "-c", str(config))
            assert (ended.returncode, ended.stdout) == (5, "")
            assert "not running" in ended.stderr


def test_a_stopped_process_is_named_with_what_lets_it_go_on(tmp_path: Path, write_config: WriteConfig) -> None:
    config = write_config(FEED)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        daemon.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        for command in ("status", "halt", "resume"):
            ended = run_command(command, "-c", str(config))
            assert (ended.returncode, ended.stdout) == (5, "")
            assert f"running as pid {daemon.process.pid}, does not answer (stopped since about 20" in ended.stderr
            assert f"kill -CONT {daemon.process.pid}" in ended.stderr
        asked = run_command("positions", "-c", str(config))
        assert (asked.returncode, asked.stdout[:3]) == (0, "no ")
        assert "this is what the journal has" in asked.stderr
        assert time.monotonic() - began < 60
        daemon.process.send_signal(signal.SIGCONT)
        assert run_command("status", "-c", str(config)).returncode == 0
        assert daemon.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize("mode", [0o700, 0o755], ids=["the folder is closed", "the socket is closed"])
def test_another_users_daemon_is_permission_denied(tmp_path: Path, write_config: WriteConfig, mode: int) -> None:
    config = write_config(FEED)
    let_others_read(tmp_path)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        (tmp_path / "state-daemon").chmod(mode)
        for command in ("status", "positions", "halt"):
            ended = as_nobody(command, "-c", str(config))
            assert (ended.code, ended.out) == (5, "")
            assert "control.sock: permission denied, owned by UID 0 (root); this is UID 65534 (nobody)" in ended.err
        verified = as_nobody("journal", "verify", "-c", str(config))
        assert (verified.code, verified.out) == (2, "")
        assert "permission denied, owned by UID 0 (root): run this as that user, or as root" in verified.err
        assert daemon.stop() == 0
