"""An orderly stop: the gate first, then what each strategy's policy says, and a last line about what is still out."""

import time
from pathlib import Path

from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program
from tradingd.core.entries import OrderIntended, RunStopped
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.journal.segments import load, read_records

IBM = Symbol("IBM")
POLICIES = ("leave", "cancel", "flatten")


def trading(tmp_path: Path, write_config: WriteConfig, *policies: str) -> Path:
    """A daemon with one restless strategy for each policy."""
    strategies = [
        RESTLESS.format(id=policy, symbol="IBM", every=5 + number, quantity=10).replace(
            "[[strategies]]", f'[[strategies]]\non_stop = "{policy}"', 1
        )
        for number, policy in enumerate(policies)
    ]
    return write_config(file_feed(from_the_open(tmp_path), "IBM", "quotes", 200), "\n".join(strategies))


def test_each_strategy_is_left_as_its_policy_says_and_the_last_line_tells_what_is_out(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    config = trading(tmp_path, write_config, *POLICIES)
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.filled", count=60, timeout_s=60)
        asked = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - asked < 15
    books, _ = load(tmp_path / "state-daemon" / "journal")
    working = {state.order.strategy_id for state in books.orders.open}
    assert working <= {"leave"}
    assert books.portfolio.quantity_of(StrategyId("flatten"), IBM) == 0
    last = daemon.lines()[-1]
    assert last["event"] == "daemon.stopped"
    assert set(last["details"]["orders_left"]) == {state.client_order_id for state in books.orders.open}
    held = {symbol: str(quantity) for symbol, quantity in books.portfolio.net.items() if quantity}
    assert last["details"]["positions_held"] == held
    entries = [record.entry for record in read_records(tmp_path / "state-daemon" / "journal", whole=True)]
    assert isinstance(entries[-1], RunStopped)
    assert set(entries[-1].orders_left) == set(last["details"]["orders_left"])


def test_nothing_new_is_sent_once_a_stop_was_asked_for(tmp_path: Path, write_config: WriteConfig) -> None:
    config = trading(tmp_path, write_config, "leave")
    journal = tmp_path / "state-daemon" / "journal"
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.filled", count=20, timeout_s=60)
        assert daemon.stop() == 0
    (stopping,) = [line for line in daemon.events("daemon.stopping") if "no new orders" in line["message"]]
    late = [
        record.entry.order.client_order_id
        for record in read_records(journal, whole=True)
        if isinstance(record.entry, OrderIntended) and stamp(record.ts) > stopping["ts"]
    ]
    assert late == []


def stamp(ts_ns: int) -> str:
    """A time as the log writes it."""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
