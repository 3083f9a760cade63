"""The daemon at Interactive Brokers: killed, cut off, started beside others, started on what it does not know.

The gateway is an emulator in a process of its own: it speaks the wire protocol to the unmodified client library, and
its account lives on whatever happens to the daemon.
"""

import asyncio
import json
import os
import random
import time
from pathlib import Path

import pytest
from tests.acceptance.conftest import RESTLESS, RISK, WriteConfig
from tests.acceptance.gateway import Gateway, judge
from tests.acceptance.link import Link
from tests.acceptance.making import CUT_S, RIGHT_WITHIN_S, SEED, kill_at_random, settle
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, ask_json, run_command

KILLS = int(os.environ.get("TRADINGD_IB_KILLS", "12"))
"""Against a gateway that lives on; the nightly run asks for 100."""

BROKER = """
[[data.feeds]]
kind = "ib"
symbols = ["AAPL"]

[broker]
kind = "ib"
port = {port}
timeout_s = 5

[execution]
unknown_grace_s = 0.5
external = "{external}"
"""


def configure(write_config: WriteConfig, port: int, *, name: str = "daemon", external: str = "halt") -> Path:
    return write_config(
        BROKER.format(port=port, external=external),
        RESTLESS.format(id="r", symbol="AAPL", every=2, quantity=10),
        name=name,
    )


def market(folder: Path) -> tuple[str, ...]:
    """Real quotes of IBM, under a name that the emulator's catalogue has."""
    return "--ticks", f"AAPL={from_the_open(folder)}", "--schema", "quotes", "--tick-pause", "0.02"


def log_lines(folder: Path, event: str) -> list[dict[str, object]]:
    lines = (folder / "daemon.log").read_text().splitlines()
    return [json.loads(line) for line in lines if f'"event":"{event}"' in line]


@pytest.mark.timeout(90 + 10 * KILLS)
async def test_kills_at_random_while_it_trades_lose_nothing_and_double_nothing(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    with Gateway(tmp_path, *market(tmp_path)) as gateway:
        config = configure(write_config, gateway.port)
        kill_at_random(["run", "-c", str(config)], tmp_path / "daemon.log", random.Random(SEED), kills=KILLS)
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            await settle(daemon, config)
        counted = judge(await gateway.truth(), tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= KILLS, counted


@pytest.mark.timeout(120 + CUT_S)
async def test_a_link_that_was_cut_leaves_the_books_right_within_seconds_of_its_return(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    journal = tmp_path / "state-daemon" / "journal"
    with Gateway(tmp_path, *market(tmp_path)) as gateway, Link(gateway.port) as link:
        config = configure(write_config, link.port)
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            daemon.wait_event("order.filled", count=6, timeout_s=60)
            link.cut()
            daemon.wait_event("broker.stream_down")
            assert run_command("halt", "-c", str(config), "--reason", "the link is cut").returncode == 0
            await asyncio.sleep(CUT_S)
            link.restore()
            back, wrong = time.monotonic(), "never compared"
            while wrong and time.monotonic() - back < RIGHT_WITHIN_S:
                try:
                    judge(await gateway.truth(), journal)
                except AssertionError as error:
                    wrong = str(error)
                    await asyncio.sleep(0.1)
                else:
                    wrong = ""
            assert not wrong, f"not right {RIGHT_WITHIN_S:g} s after the link's return: {wrong}"
            status = ask_json("status", "-c", str(config))
            assert (status["orders_in_doubt"], status["state"]) == ([], "halted")
            assert daemon.stop() == 0


@pytest.mark.timeout(120)
async def test_what_fills_while_tws_has_lost_its_own_link_is_found_when_it_is_back(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    """1100, fills that are never pushed, 1102: "data kept" says nothing of executions."""
    with Gateway(tmp_path, *market(tmp_path)) as gateway:
        config = configure(write_config, gateway.port)
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            daemon.wait_event("order.filled", count=6, timeout_s=60)
            await gateway.do("lose_link")
            daemon.wait_event("broker.stream_down")
            await asyncio.sleep(2)
            await gateway.do("restore_link", data_lost=False)
            daemon.wait_event("broker.stream_up", count=2)
            await settle(daemon, config)
            judge(await gateway.truth(), tmp_path / "state-daemon" / "journal")


async def test_a_start_on_a_position_and_an_order_that_it_does_not_know_halts_and_names_them(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    with Gateway(tmp_path, "--quote", "AAPL=189.9:190.1") as gateway:
        await gateway.do("liquidate", name="AAPL", signed_quantity="7", price="190")
        await gateway.do("order_by_hand", name="AAPL", action="BUY", quantity="3", price="150")
        config = configure(write_config, gateway.port)
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            daemon.wait_event("daemon.ready")
            status = ask_json("status", "-c", str(config))
            assert status["state"] == "halted"
            orders = ask_json("orders", "-c", str(config))
            assert [(order["strategy_id"], order["quantity"], order["limit_price"]) for order in orders] == [
                ("EXTERNAL", "3", "150")
            ]
            positions = ask_json("positions", "-c", str(config))
            assert [(held["strategy_id"], held["quantity"]) for held in positions] == [("EXTERNAL", "7")]
            assert daemon.stop() == 0
        truth = await gateway.truth()
    (by_hand,) = truth["orders"].values()  # it sent nothing of its own, and left what was there alone
    assert by_hand["status"] == "Submitted"


async def test_a_second_daemon_on_the_same_account_refuses(tmp_path: Path, write_config: WriteConfig) -> None:
    with Gateway(tmp_path, "--quote", "AAPL=189.9:190.1") as gateway:
        first, second = configure(write_config, gateway.port), configure(write_config, gateway.port, name="second")
        with Program("run", "-c", str(first), log=tmp_path / "daemon.log") as daemon:
            daemon.wait_event("daemon.ready")
            # Another client id: the gateway itself would let it in.
            second.write_text(second.read_text().replace("timeout_s = 5", "timeout_s = 5\nclient_id = 40"))
            refused = run_command("run", "-c", str(second))
            assert refused.returncode == 2, refused.stderr
            assert "one daemon per account" in refused.stdout + refused.stderr
            assert daemon.stop() == 0


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("change", "faults", "told"),
    [
        (('symbols = ["AAPL"]', 'symbols = ["NOSUCH"]'), {}, "NOSUCH"),
        (("timeout_s = 5", 'timeout_s = 5\naccount = "DU7"'), {}, "set broker.account to one of DU"),
        ((), {"read_only": True}, "read-only"),
    ],
    ids=["unknown contract", "another account", "read-only gateway"],
)
async def test_what_cannot_work_is_refused_before_any_order_with_the_remedy(
    tmp_path: Path,
    write_config: WriteConfig,
    change: tuple[str, ...],
    faults: dict[str, object],
    told: str,
) -> None:
    with Gateway(tmp_path, "--quote", "AAPL=189.9:190.1") as gateway:
        config = configure(write_config, gateway.port)
        if change:
            old, new = change
            config.write_text(config.read_text().replace(old, new))
        await gateway.set_faults(**faults)
        refused = run_command("run", "-c", str(config))
        assert refused.returncode == 2, refused.stdout
        assert told in (refused.stdout + refused.stderr), refused.stdout
        assert (await gateway.truth())["orders"] == {}


async def test_a_gateway_that_is_not_there_is_waited_for_and_traded_at_once_it_is(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int
) -> None:
    config = configure(write_config, unused_tcp_port)
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("broker.problem")
        (first, *_) = log_lines(tmp_path, "broker.problem")
        assert f"nothing listens at 127.0.0.1:{unused_tcp_port}" in str(first["message"])
        with Gateway(tmp_path, "--quote", "AAPL=189.9:190.1", port=unused_tcp_port):
            daemon.wait_event("daemon.ready", timeout_s=30)
            assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("kind", "port", "told"),
    [("paper", 4001, "IB Gateway trades real money"), ("live", 7497, "TWS trades on paper")],
)
def test_a_port_of_the_other_kind_of_account_is_refused_by_the_configuration(
    write_config: WriteConfig, kind: str, port: int, told: str
) -> None:
    config = write_config(f'[broker]\nkind = "ib"\naccount_kind = "{kind}"\nport = {port}\n', risk=RISK)
    refused = run_command("check", "-c", str(config))
    assert refused.returncode == 2
    assert told in refused.stdout + refused.stderr
