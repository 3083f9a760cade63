"""Market data for acceptance tests: real ticks and bars where they are at hand, else seeded stand-ins.

Both have the same layout.
Real files are looked for in the folder that TRADINGD_TEST_DATA names, else in `shared/data` beside the checkout; the
repository ships none.
"""

import gzip
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.running import ROOT

DATA = Path(os.environ.get("TRADINGD_TEST_DATA", ROOT.parent / "shared" / "data"))

IBM_QUOTES = "ibm_us_tick_quote_20131007.csv.gz"
EURUSD_QUOTES = "eurusd_oanda_tick_quote_20140501_20140505.csv.gz"
SPY_BARS = "spy_us_minute_trade_20131007_20131011.csv.gz"


def ibm_quotes(folder: Path) -> Path:
    """Quotes of a US share with sizes, some crossed."""
    return _find(IBM_QUOTES) or _quotes(folder / "ibm.csv.gz", price=182.0, tick=0.01, sizes=True, count=40_000)


def eurusd_quotes(folder: Path) -> Path:
    """Quotes of a currency pair without sizes."""
    return _find(EURUSD_QUOTES) or _quotes(
        folder / "eurusd.csv.gz", price=1.3865, tick=0.00001, sizes=False, count=60_000
    )


def spy_bars(folder: Path) -> Path:
    """Minute bars of a US fund."""
    return _find(SPY_BARS) or _bars(folder / "spy.csv.gz", price=167.0, count=4_000)


def from_the_open(folder: Path) -> Path:
    """The same share quotes from the opening of the regular session (13:30 UTC) on: the hours before are quiet."""
    whole, cut = ibm_quotes(folder), folder / "ibm-open.csv"
    with gzip.open(whole, "rt") as source, cut.open("w") as target:
        target.write(next(source))
        rows = source.readlines()
        opened = 1_381_152_600_000_000_000
        busy = [row for row in rows if int(row.split(",", 1)[0]) >= opened]
        target.writelines(busy if len(busy) > len(rows) // 4 else rows)
    return cut


def _find(name: str) -> Path | None:
    path = DATA / name
    return path if path.is_file() else None


def _quotes(path: Path, *, price: float, tick: float, sizes: bool, count: int) -> Path:
    rng = random.Random(7)
    ts = 1_381_132_800_000_000_000
    with gzip.open(path, "wt") as file:
        file.write("timestamp_ns,bid,ask,bid_size,ask_size\n")
        for _ in range(count):
            ts += rng.randrange(1_000_000, 2_000_000_000)
            price = max(tick * 100, price + rng.choice((-2, -1, 0, 0, 1, 2)) * tick)
            spread = rng.choice((1, 1, 1, 2, 3, -1)) * tick if rng.random() < 0.01 else tick
            bid, ask = round(price, 6), round(price + spread, 6)
            size = f"{rng.randrange(1, 20) * 100},{rng.randrange(1, 20) * 100}" if sizes else ","
            file.write(f"{ts},{bid},{ask},{size}\n")
    return path


def _bars(path: Path, *, price: float, count: int) -> Path:
    rng = random.Random(11)
    when = datetime(2013, 10, 7, 8, tzinfo=UTC)
    with gzip.open(path, "wt") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for _ in range(count):
            opened, price = price, round(price * (1 + rng.gauss(0, 0.0005)), 2)
            high, low = max(opened, price) + 0.02, min(opened, price) - 0.02
            volume = rng.randrange(100, 100_000)
            file.write(f"{when:%Y-%m-%dT%H:%M:%SZ},{opened},{high:.2f},{low:.2f},{price},{volume}\n")
            when += timedelta(minutes=rng.choice((1, 1, 1, 2)))
    return path
