"""The programs under measurement, as processes: the floors, and the daemon with either durability."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
[daemon]
state_dir = "state"
log_format = "json"

{venue}

[[strategies]]
id = "trigger"
class = "tests.benchmarks.trigger:Trigger"
symbols = ["BENCH"]

[[strategies]]
id = "watcher"
class = "tests.benchmarks.trigger:Watcher"
symbols = ["BENCH"]

[risk]
max_orders_per_minute = 1000000
max_repeated_orders = 0
max_daily_loss = 1000000000

[journal]
durability = "{durability}"

[execution]
reconcile_interval_s = 3600
"""

ALPACA = """
[[data.feeds]]
kind = "alpaca"
url = "ws://127.0.0.1:{port}/v2/iex"
data_url = "http://127.0.0.1:{port}"
symbols = ["BENCH"]
channels = ["quotes"]
encoding = "json"

[broker]
kind = "alpaca"
base_url = "http://127.0.0.1:{port}"
stream_url = "ws://127.0.0.1:{port}/stream"
data_url = "http://127.0.0.1:{port}"
api_key = "key"
api_secret = "secret"
requests_per_minute = 0
"""

IB = """
[[data.feeds]]
kind = "ib"
mode = "tick_by_tick"
symbols = ["BENCH"]

[broker]
kind = "ib"
port = {port}
"""


class Measured:
    """One process, on a core of its own, with what the kernel knows of it."""

    def __init__(self, name: str, arguments: list[str], folder: Path, *, notify: bool = False) -> None:
        self.name = name
        env = dict(os.environ, PYTHONPATH=str(ROOT))
        self._notify: socket.socket | None = None
        if notify:
            self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._notify.bind(str(folder / "notify"))
            self._notify.settimeout(20)
            env["NOTIFY_SOCKET"] = str(folder / "notify")
        self._log = (folder / f"{name.replace(' ', '-')}.log").open("wb")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments], env=env, cwd=folder, stdout=self._log, stderr=self._log
        )
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(self.process.pid, {cores[-1]})

    def __enter__(self) -> "Measured":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        if self._notify is not None:
            self._notify.close()

    def seconds_to_ready(self) -> float:
        """Wait for READY=1, as systemd would."""
        assert self._notify is not None
        while b"READY=1" not in self._notify.recv(4096):
            pass
        return time.perf_counter() - self.began

    def rss_mib(self) -> float:
        """Resident memory now."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def floor(port: int, folder: Path) -> Measured:
    """The smallest program that does the wire work."""
    return Measured("floor", ["-m", "tests.benchmarks.floor", str(port)], folder)


def floor_ib(port: int, folder: Path, kind: str) -> Measured:
    """The smallest program over Interactive Brokers: `bare`, or with the client of the `library`."""
    return Measured(f"floor {kind}", ["-m", "tests.benchmarks.floor_ib", str(port), kind], folder)


def daemon(port: int, folder: Path, durability: str, venue: str = ALPACA) -> Measured:
    """The daemon with risk, journal, log and two strategies."""
    config = folder / "daemon.toml"
    config.write_text(CONFIG.format(venue=venue.format(port=port), durability=durability))
    return Measured(f"daemon {durability}", ["-m", "tradingd", "run", "-c", str(config)], folder, notify=True)
