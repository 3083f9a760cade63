"""The replay half of the benchmark: a long file of minute bars, and a bare loop to compare with."""

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.programs import ROOT
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, PriceBar

BARS = 500_000

CONFIG = """
[daemon]
state_dir = "state"

[[data.feeds]]
kind = "file"
path = "bars.csv"
symbol = "BENCH"
schema = "bars"
speed = "max"

[[strategies]]
id = "sma"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["BENCH"]
params = { fast = 20, slow = 100, quantity = 10 }

[risk]
max_orders_per_minute = 100000
max_repeated_orders = 0
max_daily_loss = 1000000
max_drawdown_pct = 100
"""


PROGRAM = """
import json, pathlib, sys
from tradingd.assembly.replay_run import replay
from tradingd.settings import load_settings

loaded = load_settings(pathlib.Path(sys.argv[1]), {})
journal = pathlib.Path(sys.argv[2])
result = replay(loaded, start_ns=None, end_ns=None, journal=journal, on_progress=lambda *_: None)
print(json.dumps([result.events, result.seconds, result.orders]))
"""


def measure_replay(folder: Path) -> tuple[int, float, int]:
    """Replay `BARS` bars by the command line; return bars, seconds of the replay itself, and orders."""
    rng = random.Random(1)
    price, when = 100.0, datetime(2020, 1, 1, tzinfo=UTC)
    with (folder / "bars.csv").open("w") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for number in range(BARS):
            opened, price = price, round(max(1.0, price * (1 + rng.gauss(0, 0.0005))), 4)
            stamp = f"{when + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"
            high, low = max(opened, price) + 0.01, min(opened, price) - 0.01
            file.write(f"{stamp},{opened},{high:.4f},{low:.4f},{price},{rng.randrange(1, 1000)}\n")
    (folder / "config.toml").write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "config.toml"), str(folder / "journal")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    events, seconds, orders = json.loads(done.stdout)
    return events, seconds, orders


def plain_loop(bars: int) -> float:
    """Seconds that a loop needs that makes a bar object and two running sums for each of as many bars."""
    began = time.perf_counter()
    fast = slow = 0.0
    for number in range(bars):
        price = 100.0 + number % 7
        bar = PriceBar(
            symbol=Symbol("BENCH"),
            interval_ns=MINUTE_NS,
            ts_open=number,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=1.0,
            ts_event=number,
            ts_recv=number,
        )
        fast += (bar.close - fast) / 20
        slow += (bar.close - slow) / 100
    return time.perf_counter() - began
