"""The paper venue as a process of its own."""

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.command_line import Ended, environment, write_config
from tradingd.tools.drills.tether import tethered

VENUE = """\
[daemon]
state_dir = "state"

[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL"]
seed = 1

[venue]
port = {port}
"""
KEYS = {"APCA-API-KEY-ID": "paper", "APCA-API-SECRET-KEY": "paper-secret"}


@contextmanager
def running_venue(folder: Path, env: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the venue until it says where it listens; give the process and the address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tradingd", "venue", "-c", "c.toml"],
        cwd=folder, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=tethered(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    # The read below ends with the process, and the process at the latest with this.
    limit = threading.Timer(20, process.kill)
    limit.start()
    try:
        first = json.loads(process.stdout.readline() or "{}")
        assert first.get("event") == "venue.started", process.stderr.read()
        yield process, first["details"]["url"]
    finally:
        limit.cancel()
        process.kill()
        process.wait(5)
        process.stdout.close()
        process.stderr.close()


def clock(url: str) -> Any:
    """Ask the venue what time it is."""
    request = urllib.request.Request(f"{url}/v2/clock", headers=KEYS)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def test_it_serves_says_when_it_is_ready_and_stops_at_sigterm(tmp_path: Path) -> None:
    paths = write_config(tmp_path, VENUE.format(port=0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        with running_venue(tmp_path, {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as (process, url):
            assert clock(url)["is_open"] is True
            assert manager.recv(4096).decode() == f"READY=1\nSTATUS=paper venue listening on {url}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert manager.recv(4096).startswith(b"STOPPING=1")
            assert process.stderr is not None
            assert process.stderr.read() == ""
    assert paths.venue_database.exists()


def test_a_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_config(tmp_path, VENUE.format(port=port))
        ended = subprocess.run(
            [sys.executable, "-m", "tradingd", "venue", "-c", "c.toml"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == (
        f"tradingd: error: venue: cannot listen on 127.0.0.1:{port}: the port is in use by another process\n"
    )


def test_a_venue_needs_prices(tmp_path: Path, called: Callable[..., Ended]) -> None:
    write_config(tmp_path, "[venue]\nport = 0\n")
    ended = called("venue", "-c", "c.toml")
    assert (ended.code, ended.out) == (2, "")
    assert "data.feeds: is missing (the venue needs prices: add a [[data.feeds]] table)" in ended.err


def test_a_broker_without_keys_is_no_matter_to_the_venue(tmp_path: Path) -> None:
    write_config(tmp_path, VENUE.format(port=0) + '\n[broker]\nkind = "alpaca"\naccount_kind = "paper"\n')
    with running_venue(tmp_path, {}) as (process, url):
        assert clock(url)["is_open"] is True
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
