"""SIGKILL at any moment: after the restart every order, fill, position and cent is still right."""

import os
import random
from pathlib import Path

import pytest
from tests.acceptance.books import ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.making import BROKER, SEED, VENUE, kill_at_random, settle, venue_of
from tests.acceptance.markets import eurusd_quotes, from_the_open
from tests.acceptance.running import Program

KILLS = int(os.environ.get("TRADINGD_KILLS", "16"))
"""Against a venue that lives on; the nightly run asks for 200."""


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
