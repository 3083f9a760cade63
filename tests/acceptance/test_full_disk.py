"""The disk fills while the daemon trades: nothing new leaves, the brakes work, and afterwards the books are right."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.books import ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.making import BROKER, VENUE, settle
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, ask_json, run_command, wait_until
from tradingd.core.entries import OrderIntended
from tradingd.journal.segments import read_records

RESERVE = 4 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own where the daemon keeps its state."""
    folder = tmp_path / "state-daemon"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(folder)]
    try:
        mounted = (
            os.geteuid() == 0 and subprocess.run(mount, capture_output=True, timeout=30, check=False).returncode == 0
        )
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=30)


def fill(folder: Path, leave: int) -> None:
    """Leave so many bytes free."""
    found = os.statvfs(folder)
    with (folder / "ballast").open("ab") as file:
        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), found.f_bavail * found.f_frsize - leave)


def fill_up(folder: Path) -> None:
    """Take what is left, also from under those that write at the same time."""
    with (folder / "ballast").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def denied_for_room(daemon: Program) -> int:
    """How many orders this process has refused for want of room, and for nothing else."""
    return sum(line["details"]["codes"] == ["DISK_SPACE"] for line in daemon.events("order.denied"))


def intents(state: Path) -> int:
    return sum(isinstance(record.entry, OrderIntended) for record in read_records(state / "journal", whole=True))


@pytest.mark.timeout(200)
async def test_a_disk_that_fills_stops_orders_and_nothing_else(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int, disk: Path
) -> None:
    port = unused_tcp_port
    venue_config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200), VENUE.format(port=port), name="venue", risk=""
    )
    config = write_config(BROKER.format(port=port), RESTLESS.format(id="r", symbol="IBM", every=2, quantity=10))
    log, env = tmp_path / "daemon.log", {"TRADINGD_JOURNAL__RESERVE_MB": "4"}
    with Program("venue", "-c", str(venue_config), log=tmp_path / "venue.log") as venue:
        venue.wait_event("venue.started")
        with Program("run", "-c", str(config), log=log, env=env) as daemon:
            daemon.wait_event("order.filled", count=10)
            wait_until(
                lambda: bool(ask_json("orders", "-c", str(config))), timeout_s=20, what="an order that is working"
            )

            fill(disk, RESERVE // 2)
            daemon.wait_event("journal.disk_short")
            wait_until(lambda: denied_for_room(daemon) >= 3, timeout_s=20, what="orders refused for want of room")
            sent = intents(disk)
            assert "nearly full" in ask_json("status", "-c", str(config))["disk_shortage"]

            fill_up(disk)
            assert run_command("cancel-all", "-c", str(config)).returncode == 0
            wait_until(lambda: not ask_json("orders", "-c", str(config)), timeout_s=20, what="every order cancelled")

            def brake() -> bool:
                """Halt, and once more, until an entry has found no room but the reserve's."""
                for command in (("resume",), ("halt", "--reason", "no room")):
                    told = run_command(*command, "-c", str(config))
                    assert told.returncode == 0, told.stderr
                return not (disk / "journal" / "RESERVE").exists()

            wait_until(brake, timeout_s=60, what="the reserve given up")
            daemon.wait_event("journal.disk_short", count=2)
            status = ask_json("status", "-c", str(config))
            assert (status["halt_reason"], "given up" in status["disk_shortage"]) == ("no room", True)
            assert intents(disk) == sent
            assert daemon.stop() == 0

        # A start on a disk that is still short stays up and says so; it trades only after one with room.
        with Program("run", "-c", str(config), log=log, env=env) as daemon:
            daemon.wait_event("daemon.ready")
            assert run_command("resume", "-c", str(config)).returncode == 0
            wait_until(lambda: denied_for_room(daemon) >= 3, timeout_s=20, what="orders refused for want of room")
            status = ask_json("status", "-c", str(config))
            assert (status["state"], status["disk_shortage"] is None) == ("trading", False)
            assert daemon.stop() == 0
        assert intents(disk) == sent
        (disk / "ballast").unlink()

        with Program("run", "-c", str(config), log=log, env=env) as daemon:
            daemon.wait_event("order.filled", count=5)
            assert (disk / "journal" / "RESERVE").stat().st_size == RESERVE
            await settle(daemon, config)
        assert intents(disk) > sent
        proof = run_command("journal", "verify", "-c", str(config))
        assert proof.returncode == 0, proof.stdout
        truth = await ask_venue(f"http://127.0.0.1:{port}", "key", "secret")
    compare(truth, disk / "journal")
