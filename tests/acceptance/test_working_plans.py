"""Plans in the real program: over the paper venue and the Alpaca adapter, and across a `kill -9`."""

from pathlib import Path

from tests.acceptance.conftest import WriteConfig, file_feed
from tests.acceptance.running import Program, ask_json, run_command
from tradingd.core.entries import OrderIntended
from tradingd.core.plans.records import PlanEnded, PlanStarted
from tradingd.journal.segments import read_records

WORKING = '[[strategies]]\nid = "working"\nclass = "tests.acceptance.working:Working"\nsymbols = ["ABC"]\n'
START = 1_767_632_400 * 1_000_000_000


def market(folder: Path, bid: float) -> Path:
    """Ten quotes a second of a market that stands still."""
    path = folder / "abc.csv"
    rows = ["timestamp_ns,bid,ask,bid_size,ask_size"]
    for number in range(900):
        rows.append(f"{START + number * 100_000_000},{bid},{bid + 0.1:.2f},500,500")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_bracket_and_slices_are_worked_across_a_kill(tmp_path: Path, write_config: WriteConfig) -> None:
    """Killed while the stop rests, the next run leaves at the target and sends the slices; nothing is sent twice."""
    path = write_config(file_feed(market(tmp_path, 99.95), "ABC", "quotes", 1), WORKING)
    log, journal = tmp_path / "daemon.log", tmp_path / "state-daemon" / "journal"
    with Program("run", "-c", str(path), log=log) as daemon:
        daemon.wait_event("order.accepted", count=2)
        legs = {order["leg"]: order for order in ask_json("orders", "-c", str(path), "--all")}
        assert (legs["entry"]["status"], legs["stop"]["quantity"]) == ("FILLED", "10")
        (plan,) = ask_json("status", "-c", str(path))["plans"]
        assert (plan["plan_id"], plan["take_profit"], plan["stop"]) == (legs["stop"]["plan_id"], "101.5", "97.5")
        daemon.kill()
    market(tmp_path, 102.0)
    with Program("run", "-c", str(path), log=log) as daemon:
        daemon.wait_event("plan.ended", count=2, timeout_s=30)
        (position,) = ask_json("positions", "-c", str(path))
        assert position["quantity"] == "10"
        assert run_command("flatten", "-c", str(path), "--yes").returncode == 0
        assert daemon.stop() == 0
    entries = [record.entry for record in read_records(journal, whole=True)]
    assert [type(entry) for entry in entries if isinstance(entry, PlanStarted | PlanEnded)] == [
        PlanStarted,
        PlanEnded,
        PlanStarted,
        PlanEnded,
    ]
    sent = [entry.order.leg for entry in entries if isinstance(entry, OrderIntended) and entry.order.leg]
    assert sent == ["entry", "stop", "target", "slice1", "slice2", "slice3"]
