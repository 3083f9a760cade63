"""Every shipped drill once, against strategies that trade fast; and what the command says about bad input."""

import asyncio
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import RISK, WriteConfig
from tests.acceptance.running import Program, environment, run_command, wait_until
from tradingd.settings import LoadedSettings, load_settings
from tradingd.tools.drills.report import details_of
from tradingd.tools.drills.runner import Drill, Outcome
from tradingd.tools.drills.scenario import Scenario, find_scenarios

AT_A_TIME = 2

MARKET = """
[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL", "MSFT"]
start_price = { AAPL = 190.0, MSFT = 42.0 }

[execution]
unknown_grace_s = 0.5
in_flight_interval_s = 0.5
open_orders_interval_s = 1.0
reconcile_interval_s = 2.0
"""
STRATEGIES = """
[[strategies]]
id = "one"
class = "tests.acceptance.restless:Restless"
symbols = ["AAPL"]
params = { every = 6, quantity = 10 }

[[strategies]]
id = "two"
class = "tests.acceptance.restless:Restless"
symbols = ["MSFT"]
params = { every = 9, quantity = 20 }
"""
IDLE = """
[[strategies]]
id = "idle"
class = "tests.acceptance.restless:Restless"
symbols = ["AAPL"]
params = { every = 1000000 }
"""


def loaded(write_config: WriteConfig, strategies: str = STRATEGIES) -> LoadedSettings:
    return load_settings(write_config(MARKET, strategies), {})


async def play_all(settings: LoadedSettings, scenarios: list[Scenario]) -> list[Outcome]:
    places = asyncio.Semaphore(AT_A_TIME)

    async def play(scenario: Scenario) -> Outcome:
        async with places:
            return await Drill(settings, scenario, seed=1).run()

    return await asyncio.gather(*(play(scenario) for scenario in scenarios))


@pytest.mark.timeout(300)
async def test_every_shipped_drill_holds(write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    outcomes = await play_all(loaded(write_config), find_scenarios(None))
    found = [line for outcome in outcomes for line in details_of(outcome)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["two-daemons", "answer-lost", "filled-while-cancelling", "replace-after-part"])
async def test_where_the_strategies_never_trade_the_drill_trades_itself(write_config: WriteConfig, name: str) -> None:
    (outcome,) = await play_all(loaded(write_config, IDLE), find_scenarios(name))
    assert outcome.held, details_of(outcome)
    assert outcome.orders == 0
    assert outcome.own_orders > 0


def test_where_nobody_may_trade_nothing_was_tested_and_the_exit_code_says_so(write_config: WriteConfig) -> None:
    """A limit that refuses every order keeps the drill's own from leaving as well."""
    config = write_config(MARKET, IDLE, risk="[risk]\nmax_order_value = 1\n")
    done = run_command("drill", "-c", str(config), "--scenario", "two-daemons", "--json")
    assert done.returncode == 8, done.stdout + done.stderr
    (drill,) = json.loads(done.stdout)["drills"]
    assert (drill["result"], drill["breaches"]) == ("not tested", [])
    assert "0 orders" in drill["untested"]
    assert "[1/1] two-daemons (seed 1): not tested" in done.stderr
    shutil.rmtree(drill["folder"])  # kept for whoever wants to know why


def processes_in(folder: str) -> list[int]:
    """Processes whose command line names a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if folder.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def test_a_drill_that_is_killed_leaves_no_process_behind(write_config: WriteConfig, tmp_path: Path) -> None:
    config = write_config(MARKET, STRATEGIES)
    arguments = ("drill", "-c", str(config), "--scenario", "two-daemons", "--seeds", "50")
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:  # a socket's path must be short
        with Program(*arguments, log=tmp_path / "log", env={"TMPDIR": folder}) as drill:
            wait_until(lambda: len(processes_in(folder)) >= 2, timeout_s=60, what="venue and daemon of a drill")
            drill.kill()
        wait_until(lambda: not processes_in(folder), timeout_s=10, what="no process of the drill")


def test_the_command_prints_one_document_and_leaves_the_users_state_alone(write_config: WriteConfig) -> None:
    config = write_config(MARKET, STRATEGIES)
    done = run_command("drill", "-c", str(config), "--scenario", "filled-twice", "--first-seed", "7", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, document["held"]) == (0, True), done.stdout + done.stderr
    (drill,) = document["drills"]
    assert (drill["case"], drill["seed"], drill["result"]) == ("F08", 7, "held")
    assert drill["faults"]["frame_priceless"] > 0
    assert not list(config.parent.glob("state*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "overfil"], "did you mean overfill?"),
        (["--scenario", "nowhere.toml"], "cannot read"),
        (["--seeds", "0"], "--seeds"),
        ([], "a drill needs strategies"),
    ],
)
def test_bad_input_is_exit_code_2(write_config: WriteConfig, arguments: list[str], said: str) -> None:
    config = write_config(MARKET, STRATEGIES if arguments else "", risk=RISK)
    done = run_command("drill", "-c", str(config), *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr


def test_a_broken_scenario_is_refused_with_its_place(tmp_path: Path, write_config: WriteConfig) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text('name = "mine"\ncase = "F01"\nsentence = "s"\n[[steps]]\nfault = { kind = "answer_lots" }\n')
    done = run_command("drill", "-c", str(write_config(MARKET, STRATEGIES)), "--scenario", str(scenario))
    assert done.returncode == 2
    assert f"{scenario}:5:11: steps[0].fault.kind:" in done.stderr
    assert "\n" not in done.stderr.strip()


def test_the_list_names_every_scenario_without_a_configuration() -> None:
    done = run_command("drill", "--list")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(find_scenarios(None)) + 1
