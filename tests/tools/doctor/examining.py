"""Configurations for the doctor, and its answers."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.brokers.scripted_venue import KEY, SECRET
from tests.settings.writing import write
from tradingd.settings import load_settings
from tradingd.tools.doctor.examine import examine
from tradingd.tools.doctor.findings import Examination, Finding, Verdict

FEED = """
[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL", "BTC/USD"]
interval_ms = 10
"""
STRATEGY = """
[[strategies]]
id = "trend"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["AAPL"]
"""
RISK = """
[risk]
max_order_value = 10000
max_gross_exposure = 100000
max_daily_loss = 1000
allow_short = false
"""


def alpaca(url: str, *, key: str = KEY, secret: str = SECRET, kind: str = "paper", timeout_s: float = 2.0) -> str:
    """A `[broker]` table for a server on loopback."""
    return (
        f'[broker]\nkind = "alpaca"\naccount_kind = "{kind}"\nbase_url = "{url}"\n'
        f'stream_url = "{url.replace("http", "ws")}/stream"\ndata_url = "{url}"\napi_key = "{key}"\n'
        f'api_secret = "{secret}"\ntimeout_s = {timeout_s}\n'
    )


async def examined(
    folder: Path,
    text: str,
    *,
    offline: bool = False,
    within_s: float = 5.0,
    clock: Callable[[], int] = time.time_ns,
) -> Examination:
    """Examine a configuration whose state is `folder/state`."""
    path = write(folder, f'[daemon]\nstate_dir = "state"\n{text}')
    path.chmod(0o600)
    loaded = load_settings(path, {})
    return await examine(loaded, offline=offline, within_s=within_s, clock=clock)


def finding(examination: Examination, check: str) -> Finding:
    """The one answer to a question."""
    (found,) = [found for found in examination.findings if found.check == check]
    return found


def verdicts(examination: Examination, verdict: Verdict) -> list[str]:
    """The questions that were answered so."""
    return [found.check for found in examination.findings if found.verdict is verdict]
