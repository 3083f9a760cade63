"""Running the real program as a process: start it, wait for what it says, ask it, kill it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tradingd.tools.drills.tether import tethered

ROOT = Path(__file__).resolve().parents[2]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this one, with the checkout importable and no overrides of settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRADINGD_")}
    env["PYTHONPATH"] = str(ROOT)
    env["TRADINGD_JOURNAL__RESERVE_MB"] = "1"  # each test keeps a state folder for a while
    return env | dict(extra or {})


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Look again until the condition holds; fail with `what` after the bound."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.02)


class Program:
    """One process of `tradingd`, its log going to a file."""

    def __init__(
        self, *arguments: str, log: Path, env: Mapping[str, str] | None = None, module: str = "tradingd"
    ) -> None:
        self.log = log
        self.began = time.monotonic()
        self._file = log.open("ab")
        self._skip = log.stat().st_size
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=self._file,
            stderr=self._file,
            stdin=subprocess.DEVNULL,
            env=environment(env),
            cwd=log.parent,
            preexec_fn=tethered(),
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._file.close()

    def text(self) -> str:
        """What this process has written so far."""
        with self.log.open("rb") as file:
            file.seek(self._skip)
            return file.read().decode()

    def lines(self) -> list[dict[str, Any]]:
        """The structured lines written so far."""
        return [json.loads(line) for line in self.text().splitlines() if line.startswith("{") and line.endswith("}")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of one event."""
        return [line for line in self.lines() if line["event"] == name]

    def wait_event(self, name: str, *, timeout_s: float = 30.0, count: int = 1) -> None:
        """Wait for the `count`-th line of an event; fail at once when the process has ended."""

        def seen() -> bool:
            if self.text().count(f'"event":"{name}"') >= count:
                return True
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.text()[-3000:]}"
            return False

        wait_until(seen, timeout_s=timeout_s, what=f"{count} x {name}; log ends:\n{self.text()[-2000:]}")

    def queued_s(self) -> float:
        """How long it has waited for a core so far: what else runs on the machine is not its slowness."""
        figures = Path(f"/proc/{self.process.pid}/schedstat")
        return int(figures.read_text().split()[1]) / 1e9 if figures.exists() else 0.0

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, number: int = signal.SIGTERM, *, timeout_s: float = 20.0) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s)


def run_command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tradingd", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        check=False,
    )


def ask_json(*arguments: str) -> Any:
    """Run a command with `--json` and decode the one document that it prints."""
    done = run_command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
