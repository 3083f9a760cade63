"""Daemons beside a venue of their own: configurations, kills, and when books and account agree again."""

import os
import random
import statistics
import time
from pathlib import Path

from pydantic import SecretStr
from tests.acceptance.running import Program, ask_json, run_command, wait_until
from tradingd.settings.venue import VenueSettings
from tradingd.venue.server import PaperVenue

SEED = int(os.environ.get("TRADINGD_KILL_SEED", "20131007"))


READY_WITHIN_S = 5.0


VENUE = """
[venue]
port = {port}
api_key = "key"
api_secret = "secret"
rate_limit_per_minute = 0
"""


BROKER = """
[[data.feeds]]
kind = "alpaca"
url = "ws://127.0.0.1:{port}/v2/iex"
data_url = "http://127.0.0.1:{port}"
symbols = ["IBM"]
channels = ["quotes"]

[broker]
kind = "alpaca"
base_url = "http://127.0.0.1:{port}"
stream_url = "ws://127.0.0.1:{port}/stream"
data_url = "http://127.0.0.1:{port}"
api_key = "key"
api_secret = "secret"
requests_per_minute = 0

[execution]
unknown_grace_s = 0.5
"""


def kill_at_random(arguments: list[str], log: Path, rng: random.Random, kills: int) -> list[float]:
    """Start and kill again and again: some during the start, most while it trades. Returns the times to ready, without
    what was spent waiting for a core."""
    ready_after = []
    for _ in range(kills):
        with Program(*arguments, log=log) as daemon:
            if rng.random() < 0.15:
                time.sleep(rng.uniform(0.1, 0.9))  # the moment is the point: no condition to wait for
            else:
                daemon.wait_event("daemon.ready")
                ready_after.append(time.monotonic() - daemon.began - daemon.queued_s())
                time.sleep(rng.uniform(0.0, 0.7))
            daemon.kill()
    # The middle one: on a machine that others use as well a single start may wait for the disk.
    middle = statistics.median(ready_after)
    print(f"{kills} kills; ready after {middle:.2f} s in the middle, {max(ready_after):.2f} s at most")
    assert middle < READY_WITHIN_S
    return ready_after


async def settle(daemon: Program, config: Path) -> None:
    """Wait until a last, undisturbed run has nothing in doubt, then stop it."""
    daemon.wait_event("daemon.ready")
    halted = run_command("halt", "-c", str(config), "--reason", "the end of the test")
    assert halted.returncode == 0, halted.stderr
    wait_until(
        lambda: not ask_json("status", "-c", str(config))["orders_in_doubt"], timeout_s=20, what="no order in doubt"
    )
    # The venue's market goes on: what rests there would fill between the stop and the comparison.
    assert run_command("cancel-all", "-c", str(config)).returncode == 0
    wait_until(
        lambda: not ask_json("status", "-c", str(config))["open_orders"], timeout_s=20, what="no order is working"
    )
    assert daemon.stop() == 0


CUT_S = float(os.environ.get("TRADINGD_LINK_CUT_S", "5"))


RIGHT_WITHIN_S = 5.0


async def venue_of(state: Path) -> PaperVenue:
    """The embedded venue's account, opened again after its daemon has stopped."""
    settings = VenueSettings(api_key="judge", api_secret=SecretStr("judge"), rate_limit_per_minute=0)
    venue = PaperVenue(settings, database=state / "venue.db", symbols=[], clock=lambda: 0, log=lambda *_: None)
    await venue.start()
    return venue
