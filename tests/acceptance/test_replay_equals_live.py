"""The same bars give the same decisions, live and replayed, and the same journal each time they are replayed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import WriteConfig, file_feed
from tests.acceptance.markets import ibm_quotes, spy_bars
from tests.acceptance.running import Program, run_command, wait_until
from tradingd.core.entries import OrderIntended
from tradingd.journal.segments import read_records

LONG_AND_SHORT = """
[[strategies]]
id = "trend"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["{symbol}"]
params = {{ fast = 5, slow = 20, quantity = 10, long_only = false }}
"""

THREE_LONG = """
[[strategies]]
id = "trend"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["{symbol}"]
params = {{ fast = 5, slow = 20, quantity = 10 }}

[[strategies]]
id = "reversion"
class = "tradingd.strategies.mean_reversion:MeanReversion"
symbols = ["{symbol}"]
params = {{ window = 20, width = 1.5, quantity = 10 }}

[[strategies]]
id = "holder"
class = "tradingd.strategies.buy_and_hold:BuyAndHold"
symbols = ["{symbol}"]
params = {{ quantity = 5 }}
"""


def decisions(journal: Path) -> list[tuple[str, str, str, str, str]]:
    """What was decided, in order: strategy, symbol, side, quantity, price that it was decided at."""
    found: list[tuple[str, str, str, str, str]] = []
    for record in read_records(journal, whole=True):
        if isinstance(record.entry, OrderIntended):
            order = record.entry.order
            found.append((order.strategy_id, order.symbol, order.side, str(order.quantity), str(order.reference_price)))
    return found


def replay(config: Path, journal: Path) -> bytes:
    """Replay into a folder; return the journal's bytes."""
    done = run_command("replay", "-c", str(config), "--journal", str(journal), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["replay"]["orders"] > 20
    return b"".join(path.read_bytes() for path in sorted(journal.glob("*.jsonl")))


def live(config: Path, folder: Path) -> Path:
    """Trade the whole file live, over the paper venue's sockets; return the journal's folder."""
    with Program("run", "-c", str(config), log=folder / "daemon.log") as daemon:
        daemon.wait_event("daemon.ready")
        wait_until(lambda: "end of" in daemon.text(), timeout_s=90, what="the end of the file")
        assert daemon.stop() == 0
    return folder / "state-daemon" / "journal"


@pytest.mark.parametrize("strategies", [LONG_AND_SHORT, THREE_LONG], ids=["long and short", "three strategies"])
@pytest.mark.parametrize(
    ("market", "symbol", "schema"),
    [(spy_bars, "SPY", "bars"), (ibm_quotes, "IBM", "quotes")],
    ids=["minute bars", "quotes, crossed ones among them"],
)
def test_live_decides_as_its_replay_does(
    tmp_path: Path,
    write_config: WriteConfig,
    *,
    market: Callable[[Path], Path],
    symbol: str,
    schema: str,
    strategies: str,
) -> None:
    """Replay twice, trade the same file live over sockets, and compare journals and decisions."""
    config = write_config(file_feed(market(tmp_path), symbol, schema, "max"), strategies.format(symbol=symbol))
    assert replay(config, tmp_path / "first") == replay(config, tmp_path / "second")
    assert decisions(live(config, tmp_path)) == decisions(tmp_path / "first")
