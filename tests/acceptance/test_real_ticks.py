"""Trading on real ticks through the paper venue's sockets: journal, venue and command line agree to the cent."""

import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from tests.acceptance.books import ask_venue, compare
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.making import venue_of
from tests.acceptance.markets import eurusd_quotes, from_the_open, ibm_quotes, spy_bars
from tests.acceptance.running import Program, ask_json, wait_until

SMA = """
[[strategies]]
id = "trend"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["{symbol}"]
bars = "1m"
params = {{ fast = 3, slow = 9, quantity = {quantity}, long_only = {long_only} }}
"""


CASES = [
    pytest.param(ibm_quotes, "IBM", "quotes", "max", 10, id="share quotes, as fast as possible"),
    pytest.param(from_the_open, "IBM", "quotes", 60, 10, id="share quotes, sixty times real time"),
    pytest.param(eurusd_quotes, "EUR/USD", "quotes", "max", 1000, id="currency quotes, as fast as possible"),
    pytest.param(eurusd_quotes, "EUR/USD", "quotes", 60, 1000, id="currency quotes, sixty times real time"),
    pytest.param(spy_bars, "SPY", "bars", "max", 10, id="minute bars, as fast as possible"),
    pytest.param(spy_bars, "SPY", "bars", 600, 10, id="minute bars, six hundred times real time"),
]


@pytest.mark.parametrize(("market", "symbol", "schema", "speed", "quantity"), CASES)
async def test_journal_venue_and_command_line_agree(
    tmp_path: Path,
    write_config: WriteConfig,
    *,
    market: Callable[[Path], Path],
    symbol: str,
    schema: str,
    speed: object,
    quantity: int,
) -> None:
    """Trade for a while, ask for the positions, stop, and compare everything with everything."""
    restless = RESTLESS.format(id="restless", symbol=symbol, every=4 if speed == 60 else 80, quantity=quantity)
    long_only = "true" if "/" in symbol else "false"
    config = write_config(
        file_feed(market(tmp_path), symbol, schema, speed),
        SMA.format(symbol=symbol, quantity=quantity, long_only=long_only),
        restless if schema == "quotes" else "",
    )
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("daemon.ready")
        daemon.wait_event("order.filled", count=10, timeout_s=60)
        if speed == "max":
            wait_until(lambda: "end of" in daemon.text(), timeout_s=90, what="the end of the file")
        assert daemon.stop(signal.SIGTERM) == 0
    positions = {
        (line["strategy_id"], line["symbol"]): Decimal(line["quantity"])
        for line in ask_json("positions", "-c", str(config))
    }
    trades = ask_json("trades", "-c", str(config))
    venue = await venue_of(tmp_path / "state-daemon")
    try:
        truth = await ask_venue(venue.base_url, "judge", "judge")
    finally:
        await venue.stop()
    counted = compare(truth, tmp_path / "state-daemon" / "journal")
    assert counted["fills"] >= 10
    assert len(trades) == counted["fills"]
    shown: dict[str, Decimal] = {}
    for (_, name), held in positions.items():
        shown[name.replace("/", "")] = shown.get(name.replace("/", ""), Decimal(0)) + held
    assert {name: held for name, held in shown.items() if held} == truth.positions
    traded = {
        "execution_id", "client_order_id", "strategy_id", "symbol", "side", "quantity", "price", "fee", "ts_event",
    }  # fmt: skip
    assert traded <= set(trades[0])
    cash = Decimal(100_000)
    for trade in trades:
        sign = 1 if trade["side"] == "BUY" else -1
        cash -= sign * Decimal(trade["quantity"]) * Decimal(trade["price"]) + Decimal(trade["fee"])
    assert cash == truth.cash
