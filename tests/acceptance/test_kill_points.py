"""SIGKILL exactly before and after every journal entry and every command: nothing lost, nothing twice, ready soon."""

import os
import random
from pathlib import Path

import pytest
from tests.acceptance.books import ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.kill_points import POINTS
from tests.acceptance.making import BROKER, SEED, VENUE, settle
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, wait_until

PAIRS = int(os.environ.get("TRADINGD_KILL_PAIRS", "0"))
"""Random pairs of points after each has had its turn: the second kill meets the recovery from the first."""
AGAIN = [point for point in POINTS if not point.startswith("account_opened")]
ONCE = frozenset({"run_started", "account_opened", "equity"})
"""Entries that come about once in a run: the trap waits for the first."""


ORDERS = 60
"""Orders of one run after which a point that was not passed had no occasion: ten rounds of the strategy's cycle."""
PATIENCE_S = 90.0
"""How long these orders may take on a machine with other work."""


def die_at(point: str, config: Path, log: Path, often: int) -> bool:
    """Run the daemon until it passes a point so often; False when so many orders gave it no occasion."""
    env = {"TRADINGD_TRAP": f"{point}:{often}"}
    with Program("run", "-c", str(config), log=log, env=env, module="tests.acceptance.kill_points") as daemon:
        wait_until(
            lambda: daemon.process.poll() is not None or daemon.text().count('"event":"order.submitted"') >= ORDERS,
            timeout_s=PATIENCE_S,
            what=f"{point}, or {ORDERS} orders; log ends:\n{daemon.text()[-2000:]}",
        )
        if daemon.process.poll() is None:
            daemon.kill()
            return False
        assert daemon.process.returncode == -9, daemon.text()[-2000:]
    return True


def times(point: str, rng: random.Random) -> int:
    """At which passing of a point to die."""
    return 1 if point.partition(".")[0] in ONCE else rng.randint(1, 4)


@pytest.mark.timeout(1200 + 120 * PAIRS)
async def test_every_kill_point_once(tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int) -> None:
    """Over real sockets, against a venue that lives on; each next run begins where the last one died."""
    port = unused_tcp_port
    venue_config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 20), VENUE.format(port=port), name="venue", risk=""
    )
    config = write_config(BROKER.format(port=port), RESTLESS.format(id="r", symbol="IBM", every=2, quantity=10))
    log, rng = tmp_path / "daemon.log", random.Random(SEED)
    with Program("venue", "-c", str(venue_config), log=tmp_path / "venue.log") as venue:
        venue.wait_event("venue.started")
        # The account is opened once in a journal's life: its points come first.
        points = sorted(POINTS, key=lambda point: not point.startswith("account_opened"))
        missed = [point for point in points if not die_at(point, config, log, times(point, rng))]
        # What the market gave too few occasions within the bound dies at the first one.
        for _ in range(3):
            missed = [point for point in missed if not die_at(point, config, log, 1)]
        for _ in range(PAIRS):
            pair = rng.sample(AGAIN, 2)
            died = [die_at(point, config, log, times(point, rng)) for point in pair]
            assert any(died), pair
        with Program("run", "-c", str(config), log=log) as daemon:
            daemon.wait_event("daemon.ready")
            await settle(daemon, config)
        truth = await ask_venue(f"http://127.0.0.1:{port}", "key", "secret")
    assert set(missed) <= {"account_opened.after", "account_opened.before"}, missed
    counted = compare(truth, tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= 20, counted
