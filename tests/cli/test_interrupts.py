"""Ctrl-C in a replay, in a process of its own: it ends the command and is nobody's failure."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tradingd.tools.drills.tether import tethered

CONFIG = """
[daemon]
state_dir = "state"
[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL"]
[broker]
kind = "paper"
[[strategies]]
id = "slow"
class = "slow:Slow"
symbols = ["AAPL"]
"""

SLOW = """
from pathlib import Path
from tradingd.strategies.base import Params, Strategy

class Slow(Strategy[Params]):
    def on_tick(self, tick):
        Path("reached").touch()
        {body}
"""


def replay(folder: Path, body: str) -> "subprocess.Popen[str]":
    (folder / "c.toml").write_text(CONFIG)
    (folder / "slow.py").write_text(SLOW.format(body=body))
    command = [sys.executable, "-m", "tradingd", "replay", "-c", "c.toml"]
    command += ["--from", "2026-03-02T00:00:00Z", "--to", "2036-03-02T00:00:00Z"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path.cwd()}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=tethered(),
    )
    deadline = time.monotonic() + 60
    while not (folder / "reached").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    return process


def interrupt(process: "subprocess.Popen[str]", times: int) -> int:
    """Press Ctrl-C until it ends, so many times at most; return how often it took."""
    for count in range(1, times + 1):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30 if count == times else 3)
        except subprocess.TimeoutExpired:
            continue
        return count
    raise AssertionError("it did not end")


def test_ctrl_c_ends_a_replay_that_would_go_on_for_years(tmp_path: Path) -> None:
    process = replay(tmp_path, "pass")
    interrupt(process, times=3)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert (out, "Traceback" in err, "quarantined" in err) == ("", False, False)


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(10**6)"])
def test_a_callback_that_does_not_return_is_left_by_pressing_it_again(tmp_path: Path, body: str) -> None:
    process = replay(tmp_path, body)
    assert interrupt(process, times=3) > 1
    process.communicate()
    assert process.returncode == 130
