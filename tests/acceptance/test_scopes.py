"""Commands on a strategy or a symbol, given to the real process; and halts without one."""

import getpass
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import WriteConfig
from tests.acceptance.running import Program, ask_json, run_command, wait_until
from tradingd.core.entries import HaltEngaged, OperatorCommand
from tradingd.journal.segments import read_records

FEED = """
[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL", "MSFT"]
interval_ms = 50
start_price = { AAPL = 100.0, MSFT = 200.0 }
"""
HOLDER = """
[[strategies]]
id = "{id}"
class = "tests.acceptance.holding:Holding"
symbols = {symbols}
params = {{ quantity = {quantity} }}
"""


def holders(write_config: WriteConfig) -> Path:
    """Two strategies that hold what they are told to, and have an order resting; one of them in two symbols."""
    return write_config(
        FEED,
        HOLDER.format(id="one", symbols='["AAPL", "MSFT"]', quantity=5),
        HOLDER.format(id="two", symbols='["AAPL"]', quantity=3),
    )


def held(config: Path) -> dict[tuple[str, str], Decimal]:
    """What each strategy holds in each symbol."""
    lines = ask_json("positions", "-c", str(config))
    return {
        (line["strategy_id"], line["symbol"]): Decimal(line["quantity"]) for line in lines if Decimal(line["quantity"])
    }


def working(config: Path) -> list[tuple[str, str]]:
    """Strategy and symbol of each working order."""
    return sorted((line["strategy_id"], line["symbol"]) for line in ask_json("orders", "-c", str(config)))


ALL = {("one", "AAPL"): Decimal(5), ("one", "MSFT"): Decimal(5), ("two", "AAPL"): Decimal(3)}


def wait_for_all(config: Path) -> None:
    wait_until(lambda: held(config) == ALL and working(config) == sorted(ALL), timeout_s=30, what="all positions")


def commands(state: Path) -> list[OperatorCommand]:
    """What operators asked for, as the journal has it."""
    return [
        record.entry
        for record in read_records(state / "journal", whole=True)
        if isinstance(record.entry, OperatorCommand)
    ]


def test_closing_a_strategy_leaves_the_others_and_stays_closed_over_a_kill(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    config = holders(write_config)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        wait_for_all(config)
        closed = run_command("close", "-c", str(config), "--strategy", "one", "--reason", "weekend")
        assert closed.returncode == 0, closed.stderr
        assert closed.stdout.splitlines()[-1] == "strategy one: no orders, no positions"
        assert "strategy one is halted until `tradingd resume`" in closed.stdout
        assert held(config) == {("two", "AAPL"): Decimal(3)}
        assert working(config) == [("two", "AAPL")]
        daemon.kill()
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.denied")
        assert ask_json("status", "-c", str(config))["halted_scopes"] == {
            "strategy one": f"close: weekend (by {getpass.getuser()})"
        }
        assert held(config) == {("two", "AAPL"): Decimal(3)}
        again = run_command("close", "-c", str(config), "--strategy", "one")
        assert again.returncode == 0
        assert "no order works and nothing is held" in again.stdout
        resumed = run_command("resume", "-c", str(config), "--strategy", "one")
        assert "lifted: the halt of strategy one (close: weekend)\n" in resumed.stdout
        wait_for_all(config)
        flat = run_command("flatten", "-c", str(config), "--symbol", "AAPL", "--yes")
        assert (flat.returncode, flat.stdout.splitlines()[-1]) == (0, "AAPL: no orders, no positions")
        assert held(config) == {("one", "MSFT"): Decimal(5)}
        assert daemon.stop() == 0
    given = commands(tmp_path / "state-daemon")
    assert [entry.command for entry in given] == ["close", "close", "resume", "flatten"]
    assert {(entry.operator, entry.uid) for entry in given} == {(getpass.getuser(), os.getuid())}


def test_cancels_wait_until_the_venue_has_confirmed_them(tmp_path: Path, write_config: WriteConfig) -> None:
    config = holders(write_config)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        wait_for_all(config)
        assert run_command("halt", "-c", str(config)).returncode == 0
        done = run_command("cancel-all", "-c", str(config), "--symbol", "MSFT")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("cancels of 1 order of MSFT were asked for\n")
        assert ": CANCELED" in done.stdout
        assert working(config) == [("one", "AAPL"), ("two", "AAPL")]
        order = ask_json("orders", "-c", str(config))[0]["client_order_id"]
        assert run_command("cancel", order, "-c", str(config)).stdout.endswith(f"{order}: CANCELED\n")
        twice = run_command("cancel", order, "-c", str(config))
        assert (twice.returncode, twice.stdout) == (0, f"{order} is CANCELED already\n")
        unknown = run_command("cancel", "one-nobody-1", "-c", str(config))
        assert (unknown.returncode, unknown.stdout) == (7, "")
        assert run_command("cancel-all", "-c", str(config)).returncode == 0
        none = run_command("cancel-all", "-c", str(config))
        assert (none.returncode, none.stdout) == (0, "no order is working\n")
        assert daemon.stop() == 0


def test_a_halt_without_a_daemon_is_found_by_the_next_start(tmp_path: Path, write_config: WriteConfig) -> None:
    config = holders(write_config)
    with Program("run", "--halted", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.denied")
        status = ask_json("status", "-c", str(config))
        assert (status["state"], status["halt_reason"]) == ("halted", "started with --halted")
        assert not daemon.events("order.submitted")
        assert run_command("resume", "-c", str(config)).returncode == 0
        wait_for_all(config)
        daemon.kill()
    for arguments, said in (
        (["--symbol", "AAPL", "--reason", "odd"], "AAPL is halted for the next start"),
        (["--reason", "over night"], "the account is halted for the next start"),
        ([], "the account is halted already (over night)"),
    ):
        ended = run_command("halt", "-c", str(config), *arguments)
        assert ended.returncode == 0, ended.stderr
        assert said in ended.stdout
    refused = run_command("resume", "-c", str(config))
    assert (refused.returncode, refused.stdout) == (5, "")
    assert "a halt is lifted by the daemon alone" in refused.stderr
    assert run_command("journal", "verify", "-c", str(config)).returncode == 0
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("daemon.ready")
        status = ask_json("status", "-c", str(config))
        assert (status["state"], status["halt_reason"]) == ("halted", "over night")
        assert list(status["halted_scopes"]) == ["AAPL"]
        resumed = run_command("resume", "-c", str(config))
        assert resumed.stdout.count("lifted: ") == 2
        assert daemon.stop() == 0
    halts = [
        record.entry
        for record in read_records(tmp_path / "state-daemon" / "journal", whole=True)
        if isinstance(record.entry, HaltEngaged)
    ]
    assert [(halt.reason, halt.operator) for halt in halts] == [
        ("started with --halted", getpass.getuser()),
        ("over night", getpass.getuser()),
    ]


def test_a_start_that_waits_for_its_venue_answers_and_can_be_halted(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int
) -> None:
    url = f"127.0.0.1:{unused_tcp_port}"
    broker = (
        f'[broker]\nkind = "alpaca"\naccount_kind = "paper"\nbase_url = "http://{url}"\n'
        f'stream_url = "ws://{url}/stream"\ndata_url = "http://{url}"\napi_key = "k"\napi_secret = "correct horse"\n'
    )
    config = write_config(FEED, HOLDER.format(id="one", symbols='["AAPL"]', quantity=1), broker)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("broker.problem")

        def asked() -> Any:
            shown = run_command("status", "-c", str(config), "--json")
            return json.loads(shown.stdout) if shown.returncode == 0 else None

        wait_until(lambda: asked() is not None, timeout_s=20, what="an answer")
        assert asked()["state"] == "starting"
        refused = run_command("flatten", "-c", str(config), "--yes")
        assert (refused.returncode, refused.stdout) == (7, "")
        assert "until it has reached the venue only halt and resume work" in refused.stderr
        for command in ("statement", "reconcile"):
            assert run_command(command, "-c", str(config)).returncode == 7
        assert run_command("halt", "-c", str(config), "--reason", "wait").returncode == 0
        assert asked()["halt_reason"] == "wait"
        assert daemon.stop() == 0
