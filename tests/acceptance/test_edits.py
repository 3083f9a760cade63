"""The configuration is edited between two runs of the real daemon: nothing is left alone, bought twice or blinded."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.running import Program, ask_json, run_command, wait_until

BUYS_ONCE = """
from decimal import Decimal

from tradingd.core.orders import OrderTerms, OrderType, TimeInForce
from tradingd.strategies.base import Params, Strategy


class Once(Strategy[Params]):
    def on_tick(self, tick):
        if not self.state.get(tick.symbol) and not self.position(tick.symbol) and not self.working(tick.symbol):
            self.state[tick.symbol] = True
            self.buy(tick.symbol, Decimal(10))

    def on_fill(self, trade):
        if trade.symbol == "AAPL" and not self.state.get("rests"):
            self.state["rests"] = True
            low = Decimal(round(float(trade.price) * 0.97, 2)).quantize(Decimal("0.01"))
            self.buy("AAPL", Decimal(2), limit_price=low, time_in_force=TimeInForce.GTC)


class Other(Once):
    pass
"""

FILE = """
[daemon]
state_dir = "state"
log_format = "json"

[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL", "MSFT"]
interval_ms = 50
volatility = 0.01
start_price = {{ AAPL = 100.0, MSFT = 100.0 }}

[broker]
kind = "paper"

[risk]
max_position_value = {limit}

{strategies}
"""


def table(strategy_id: str, *, symbols: str = '"AAPL", "MSFT"', kind: str = "Once", more: str = "") -> str:
    return f'[[strategies]]\nid = "{strategy_id}"\nclass = "once:{kind}"\nsymbols = [{symbols}]\n{more}\n'


class Owner:
    """Someone who edits the file, starts and stops the daemon, and reads what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "c.toml"
        self.runs = 0
        (folder / "once.py").write_text(BUYS_ONCE)

    def edit(self, *strategies: str, limit: int = 5_000) -> None:
        self.config.write_text(FILE.format(strategies="\n".join(strategies), limit=limit))

    @property
    def env(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self.folder}:{Path(__file__).resolve().parents[2]}"}

    def run(self, *arguments: str) -> Program:
        self.runs += 1
        log = self.folder / f"log-{self.runs}"
        return Program("run", "-c", str(self.config), *arguments, log=log, env=self.env)

    def command(self, name: str, *arguments: str) -> tuple[int, str]:
        done = run_command(name, "-c", str(self.config), *arguments, env=self.env)
        return done.returncode, done.stdout + done.stderr

    def buy(self) -> None:
        """Hold 10 of each symbol and a resting order, under the id `old`."""
        self.edit(table("old"))
        with self.run() as daemon:
            daemon.wait_event("order.accepted", count=3)
            wait_until(lambda: self.held() == {("old", "AAPL"): 10, ("old", "MSFT"): 10}, timeout_s=60, what="10 each")
            assert daemon.stop() == 0

    def held(self) -> dict[tuple[str, str], Decimal]:
        return {
            (line["strategy_id"], line["symbol"]): Decimal(line["quantity"])
            for line in ask_json("positions", "-c", str(self.config))
            if Decimal(line["quantity"])
        }

    def resting(self) -> list[str]:
        return [order["strategy_id"] for order in ask_json("orders", "-c", str(self.config))]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        done = run_command("journal", "export", "-c", str(self.config))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line["entry"] for line in lines if line["type"] == kind]

    def refusal(self) -> str:
        """What a start says that is refused before there is a venue; `check` and `doctor` say the same."""
        before = (self.folder / "state" / "journal").stat().st_mtime_ns
        with self.run() as daemon:
            assert daemon.process.wait(60) == 2
            said = daemon.text()
        assert "venue.started" not in said
        assert (self.folder / "state" / "journal").stat().st_mtime_ns == before
        code, checked = self.command("check")
        assert (code, checked.strip()) == (2, said.strip())
        examined = run_command("doctor", "-c", str(self.config), "--offline", "--json", env=self.env)
        assert examined.returncode == 1
        found = [one for one in json.loads(examined.stdout)["findings"] if one["check"] == "holdings"]
        assert {one["verdict"] for one in found} == {"FAILED"}
        return said

    def goes_on(self, held: dict[tuple[str, str], Decimal | int], *arguments: str) -> Program:
        """Start; what is held is that, also a good while after strategies have seen prices."""
        daemon = self.run(*arguments)
        daemon.wait_event("daemon.ready")
        wait_until(lambda: int(self.status()["events_accepted"]) > 40, timeout_s=60, what="ticks")
        assert self.held() == held
        return daemon

    def status(self) -> dict[str, Any]:
        return dict(ask_json("status", "-c", str(self.config)))


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    owner = Owner(tmp_path)
    owner.buy()
    return owner


def test_a_renamed_strategy_is_refused_with_file_and_line_and_formerly_takes_it_over(owner: Owner) -> None:
    owner.edit(table("new"))
    said = owner.refusal()
    assert re.search(r'c\.toml:20:\d+: strategies\[0\]\.id: "old" is not in the file, and holds 10 AAPL at', said)
    assert "has 1 working order (BUY 2 AAPL LIMIT)" in said
    for way in ('formerly = "old"', "tradingd transfer old OTHER", "retired = true"):
        assert way in said
    owner.edit(table("new", more='formerly = "old"'))
    assert owner.command("check")[0] == 0
    held: dict[tuple[str, str], Decimal | int] = {("new", "AAPL"): 10, ("new", "MSFT"): 10}
    with owner.goes_on(held) as daemon:
        assert daemon.events("strategy.transferred")[0]["strategy_id"] == "new"
        assert owner.resting() == ["new"]
        daemon.kill()
    with owner.goes_on(held) as daemon:
        assert daemon.events("strategy.transferred") == []
        assert daemon.stop() == 0
    assert len(owner.entries("strategy_transferred")) == 1
    assert {trade["strategy_id"] for trade in ask_json("trades", "-c", str(owner.config))} == {"new"}
    assert run_command("journal", "verify", "-c", str(owner.config)).returncode == 0
    owner.edit(table("new"))  # the word has done its work and may go
    with owner.goes_on(held) as daemon:
        assert daemon.stop() == 0


def test_a_strategy_that_was_taken_out_is_refused_and_retired_it_holds_and_opens_nothing(owner: Owner) -> None:
    owner.edit()
    assert '"old" is not in the file' in owner.refusal()
    owner.edit('[[strategies]]\nid = "old"\nretired = true\n')
    with owner.goes_on({("old", "AAPL"): 10, ("old", "MSFT"): 10}) as daemon:
        [line] = daemon.events("strategy.retired")
        assert "holds 10 AAPL" in line["message"]
        wait_until(lambda: owner.resting() == [], timeout_s=60, what="the resting buy is taken back")
        code, said = owner.command("close", "--strategy", "old")
        assert (code, said.strip().splitlines()[-1]) == (0, "strategy old: no orders, no positions")
        assert owner.held() == {}
        assert daemon.stop() == 0
    owner.edit()
    with owner.run() as daemon:
        daemon.wait_event("daemon.ready")
        assert daemon.stop() == 0


def test_a_symbol_that_was_taken_out_while_it_is_held_is_refused_and_can_be_handed_over(owner: Owner) -> None:
    owner.edit(table("old", symbols='"AAPL"'), table("two", symbols='"AAPL"'))
    said = owner.refusal()
    assert re.search(r'c\.toml:\d+:\d+: strategies\[0\]\.symbols: "old" no longer has MSFT, and holds 10 MSFT', said)
    code, said = owner.command("transfer", "old", "two", "MSFT")
    assert code == 7
    assert "two does not see MSFT" in said
    assert owner.command("transfer", "old", "nobody")[0] == 7
    owner.edit(table("old", symbols='"AAPL"'), '[[strategies]]\nid = "rest"\nretired = true\n')
    code, said = owner.command("transfer", "old", "rest", "MSFT")
    assert (code, said.startswith("rest now holds 10 MSFT at")) == (0, True)
    with owner.goes_on({("old", "AAPL"): 10, ("rest", "MSFT"): 10}) as daemon:
        code, said = owner.command("transfer", "old", "rest", "AAPL")
        assert code == 2
        assert "the daemon runs" in said
        assert daemon.stop() == 0
    [entry] = owner.entries("strategy_transferred")
    assert (entry["symbol"], bool(entry["operator"])) == ("MSFT", True)


def test_another_class_is_refused_until_somebody_accepts_it_by_name(owner: Owner) -> None:
    owner.edit(table("old", kind="Other"))
    assert '"old" was of class once:Once and holds' in owner.refusal()
    held: dict[tuple[str, str], Decimal | int] = {("old", "AAPL"): 10, ("old", "MSFT"): 10}
    with owner.goes_on(held, "--accept-changes") as daemon:
        assert daemon.events("config.accepted")
        daemon.kill()
    with owner.goes_on(held) as daemon:  # a service that restarts by itself needs no word
        assert daemon.stop() == 0
    [entry] = owner.entries("changes_accepted")
    assert entry["operator"]


def test_a_limit_lowered_below_what_is_held_is_refused_until_it_is_accepted(owner: Owner) -> None:
    owner.edit(table("old"), limit=500)
    assert "500 (it was 5000) is below what is held: AAPL worth" in owner.refusal()
    code, said = owner.command("accept")
    assert (code, said.count("accepted: ")) == (0, 2)
    with owner.goes_on({("old", "AAPL"): 10, ("old", "MSFT"): 10}) as daemon:
        assert daemon.stop() == 0
    assert owner.command("accept")[1].startswith("nothing to accept")


def test_an_invented_market_goes_on_from_its_last_price(owner: Owner) -> None:
    """The file may name another first price: a position is not revalued by a restart."""
    owner.config.write_text(owner.config.read_text().replace("AAPL = 100.0, MSFT = 100.0", "AAPL = 150.0, MSFT = 50.0"))
    with owner.run() as daemon:
        daemon.wait_event("daemon.ready")
        wait_until(lambda: int(owner.status()["events_accepted"]) > 5, timeout_s=60, what="ticks")
        now = [Decimal(line["market_price"]) for line in ask_json("positions", "-c", str(owner.config))]
        assert all(99 < price < 101 for price in now)
        assert daemon.stop() == 0


def test_a_running_daemon_says_what_an_edit_changes_and_what_the_next_start_would_do(owner: Owner) -> None:
    with owner.goes_on({("old", "AAPL"): 10, ("old", "MSFT"): 10}) as daemon:
        owner.edit(table("new"), limit=6_000)
        daemon.wait_event("config.changed_on_disk")
        [line] = daemon.events("config.changed_on_disk")
        assert (
            "strategies.old: taken out; strategies.new: added; risk.max_position_value: 5000 → 6000" in line["message"]
        )
        assert "the next start would refuse: " in line["message"]
        assert '"old" is not in the file, and holds 10 AAPL' in line["message"]
        owner.config.write_text("[daemon\n")
        daemon.wait_event("config.changed_on_disk", count=2)
        assert "it cannot be read; " in daemon.events("config.changed_on_disk")[1]["message"]
        owner.edit(table("old"))
        daemon.wait_event("config.changed_on_disk", count=3)
        last = daemon.events("config.changed_on_disk")[2]["message"]
        assert ": no setting differs; " in last
        assert last.endswith("the next start would take it")
        assert daemon.stop() == 0


def test_another_broker_is_refused_without_asking_anybody(owner: Owner) -> None:
    text = owner.config.read_text().replace(
        'kind = "paper"', 'kind = "alpaca"\naccount_kind = "paper"\napi_key = "k"\napi_secret = "s"'
    )
    owner.config.write_text(text)
    assert 'the journal is of an account at "paper", the file names "alpaca"' in owner.refusal()
