"""SIGKILL at any moment: after the restart every order, fill, position and cent is still right."""

import os
import random
import statistics
import time
from pathlib import Path

import pytest
from tests.acceptance.books import ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import eurusd_quotes, from_the_open
from tests.acceptance.running import Program, ask_json, run_command, wait_until
from tests.acceptance.test_real_ticks import venue_of

SEED = int(os.environ.get("TRADINGD_KILL_SEED", "20131007"))
KILLS = int(os.environ.get("TRADINGD_KILLS", "16"))
"""Against a venue that lives on; the nightly run asks for 200."""
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


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_kills_at_random_against_a_venue_that_lives_on(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int
) -> None:
    """The venue is a process of its own and sees every order that ever left."""
    port = unused_tcp_port
    venue_config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200), VENUE.format(port=port), name="venue", risk=""
    )
    config = write_config(BROKER.format(port=port), RESTLESS.format(id="r", symbol="IBM", every=2, quantity=10))
    rng = random.Random(SEED)
    with Program("venue", "-c", str(venue_config), log=tmp_path / "venue.log") as venue:
        venue.wait_event("venue.started")
        kill_at_random(["run", "-c", str(config)], tmp_path / "daemon.log", rng, kills=KILLS)
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            await settle(daemon, config)
        truth = await ask_venue(f"http://127.0.0.1:{port}", "key", "secret")
    counted = compare(truth, tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= KILLS, counted


@pytest.mark.timeout(60 + 5 * KILLS)
async def test_kills_at_random_take_the_embedded_venue_along(tmp_path: Path, write_config: WriteConfig) -> None:
    """Daemon and venue die together and find each other again."""
    config = write_config(
        file_feed(eurusd_quotes(tmp_path), "EUR/USD", "quotes", 900),
        RESTLESS.format(id="r", symbol="EUR/USD", every=2, quantity=1000),
    )
    rng = random.Random(SEED + 1)
    kill_at_random(["run", "-c", str(config)], tmp_path / "daemon.log", rng, kills=max(6, KILLS // 4))
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        await settle(daemon, config)
    venue = await venue_of(tmp_path / "state-daemon")
    try:
        truth = await ask_venue(venue.base_url, "judge", "judge")
    finally:
        await venue.stop()
    counted = compare(truth, tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= 6, counted
