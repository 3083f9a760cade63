"""The venue dies, both die, the link is cut: once it is back the books are right within seconds."""

import asyncio
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.acceptance.books import VenueTruth, ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.link import Link
from tests.acceptance.making import BROKER, CUT_S, RIGHT_WITHIN_S, SEED, VENUE, settle
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, ask_json, run_command, wait_until


def configure(tmp_path: Path, write_config: WriteConfig, port: int, link_port: int) -> tuple[Path, Path]:
    """A venue with a market of its own, and a daemon that reaches it at another port."""
    venue = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 60), VENUE.format(port=port), name="venue", risk=""
    )
    daemon = write_config(BROKER.format(port=link_port), RESTLESS.format(id="r", symbol="IBM", every=2, quantity=10))
    return venue, daemon


async def truth_of(port: int) -> VenueTruth:
    return await ask_venue(f"http://127.0.0.1:{port}", "key", "secret")


@pytest.mark.timeout(200)
async def test_a_link_that_was_cut_leaves_the_books_right_within_seconds_of_its_return(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int
) -> None:
    port, journal = unused_tcp_port, tmp_path / "state-daemon" / "journal"
    with Link(port) as link:
        venue_config, config = configure(tmp_path, write_config, port, link.port)
        with (
            Program("venue", "-c", str(venue_config), log=tmp_path / "venue.log") as venue,
            Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon,
        ):
            venue.wait_event("venue.started")
            daemon.wait_event("order.filled", count=10, timeout_s=60)
            link.cut()
            daemon.wait_event("broker.stream_down")
            # What rests at the venue fills while nobody hears of it.
            assert run_command("halt", "-c", str(config), "--reason", "the link is cut").returncode == 0
            await asyncio.sleep(CUT_S)
            link.restore()
            back = time.monotonic()
            wrong = "never compared"
            while time.monotonic() - back < RIGHT_WITHIN_S:
                truth = await truth_of(port)
                try:
                    compare(truth, journal)
                except AssertionError as error:
                    wrong = str(error)
                    await asyncio.sleep(0.1)
                else:
                    wrong = ""
                    break
            took = time.monotonic() - back
            assert not wrong, f"not right {took:.1f} s after the link's return: {wrong}"
            status = ask_json("status", "-c", str(config))
            assert (status["orders_in_doubt"], status["state"]) == ([], "halted")
            assert daemon.stop() == 0


@pytest.mark.timeout(200)
@pytest.mark.parametrize("both", [False, True], ids=["the venue", "both"])
async def test_kills_of_the_venue_alone_and_with_the_daemon(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int, both: bool
) -> None:
    port, rng = unused_tcp_port, random.Random(SEED + both)
    venue_config, config = configure(tmp_path, write_config, port, port)
    log, venue_log = tmp_path / "daemon.log", tmp_path / "venue.log"

    def start_venue() -> Program:
        venue = stack.enter_context(Program("venue", "-c", str(venue_config), log=venue_log))
        venue.wait_event("venue.started")
        return venue

    def start_daemon() -> Program:
        return stack.enter_context(Program("run", "-c", str(config), log=log))

    with ExitStack() as stack:
        venue, daemon = start_venue(), start_daemon()
        for _ in range(3):
            fills = daemon.text().count('"order.filled"')
            daemon.wait_event("order.filled", count=fills + 3, timeout_s=60)
            await asyncio.sleep(rng.uniform(0, 0.5))
            venue.kill()
            if both:
                daemon.kill()
            venue = start_venue()
            if both:
                daemon = start_daemon()
                daemon.wait_event("daemon.ready")
        wait_until(
            lambda: ask_json("status", "-c", str(config))["order_stream"] == "up", timeout_s=30, what="the stream is up"
        )
        await settle(daemon, config)
        truth = await truth_of(port)
    counted = compare(truth, tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= 9, counted
