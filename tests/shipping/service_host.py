"""A booted systemd with the package installed in it, for tests of the service unit."""

import json
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BOOT = Path(__file__).with_name("boot.sh")
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = ("unshare", "nsenter", "pivot_root", "systemctl", "systemd-analyze", "pgrep", "ip", "bash", SYSTEM_PYTHON)


def run(*command: str | Path, check: bool = True, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says; a failure shows it."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=timeout_s)
    assert not check or done.returncode == 0, (
        f"{command}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
    return done


def lay_out(tree: Path, source: Path) -> None:
    """Install the package and the units under `tree`, as they would lie under `/`."""
    tree.mkdir(mode=0o755)
    environment = tree / "opt" / "tradingd"
    run(SYSTEM_PYTHON, "-m", "venv", environment)
    run(environment / "bin" / "pip", "install", "-q", "--no-compile", source, timeout_s=150)
    command = environment / "bin" / "tradingd"
    # The environment moves to /opt/tradingd when it is laid over the root.
    command.write_text(command.read_text().replace(str(environment), "/opt/tradingd"))
    shutil.copytree(ROOT / "systemd", tree / "etc" / "systemd" / "system", dirs_exist_ok=True)
    (tree / "etc" / "tradingd").mkdir()


class ServiceHost:
    """A machine of its own whose PID 1 is systemd."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self._folder = folder
        run("bash", BOOT, "up", folder, tree)

    def close(self) -> None:
        """Shut it down."""
        run("bash", BOOT, "down", self._folder)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        return run("bash", BOOT, "in", self._folder, *command, check=check)

    def write(self, path: str, text: str) -> None:
        """Write a file in it that all may read."""
        subprocess.run(
            ["bash", BOOT, "in", self._folder, "sh", "-c", 'mkdir -p "${1%/*}" && cat > "$1"', "sh", path],
            input=text,
            text=True,
            check=True,
            timeout=10,
        )

    def show(self, unit: str) -> Mapping[str, str]:
        """What systemd says about a unit; it leaves out what is empty."""
        text = self.run("systemctl", "show", unit).stdout
        pairs = (line.partition("=") for line in text.splitlines())
        return defaultdict(str, ((name, value) for name, _, value in pairs))

    def wait(self, unit: str, what: str, condition: Callable[[Mapping[str, str]], bool], *, timeout_s: float) -> None:
        """Wait until what systemd says about a unit meets a condition."""
        deadline = time.monotonic() + timeout_s
        while not condition(said := self.show(unit)):
            assert time.monotonic() < deadline, (
                f"not within {timeout_s:g} s: {what}; {said['ActiveState']}/{said['SubState']}, {said['StatusText']}\n"
                + self.run("journalctl", "-u", unit, "-n", "20", "--no-pager").stdout
            )
            time.sleep(0.05)

    def log(self, unit: str, event: str) -> list[dict[str, Any]]:
        """Lines of one event that a unit has logged, from the journal of systemd."""
        self.run("journalctl", "--sync")
        text = self.run("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]
