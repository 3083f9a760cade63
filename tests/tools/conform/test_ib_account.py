"""The cases on a user's paper account at Interactive Brokers, which here is the emulator."""

import time
from functools import partial
from pathlib import Path

from tests.settings.writing import load
from tests.tws.server import TwsEmulator
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, PriceBar
from tradingd.tools.conform.account_harness import account_harness
from tradingd.tools.conform.case import chosen
from tradingd.tools.conform.cases import EXECUTION
from tradingd.tools.conform.harness import kept
from tradingd.tools.conform.runner import Verdict, play_all
from tradingd.tools.conform.selection import account_symbols

CONFIG = """\
[broker]
kind = "ib"
port = {port}

[[data.feeds]]
kind = "ib"
symbols = ["AAPL"]
"""


async def test_cases_hold_or_say_why_they_cannot_be_tried(tmp_path: Path) -> None:
    async with TwsEmulator(accounts=("DU4711001",)) as tws:
        begin = time.time_ns() // MINUTE_NS * MINUTE_NS - 30 * MINUTE_NS
        bar = PriceBar(
            symbol=Symbol("AAPL"),
            interval_ns=MINUTE_NS,
            ts_open=begin,
            open=190.0,
            high=190.0,
            low=190.0,
            close=190.0,
            volume=100.0,
            ts_event=begin + MINUTE_NS,
            ts_recv=begin + MINUTE_NS,
        )
        tws.load_bars([bar])
        tws.quote("AAPL", 189.9, 190.1)
        configured = load(tmp_path, CONFIG.format(port=tws.port)).settings
        # Those that ask the adapter for most; tests/contract plays all of them over the emulator.
        cases = chosen(EXECUTION, ["connect", "submit", "fill"])
        async with account_harness(configured, account_symbols(configured)) as harness:
            results = [result async for result in play_all([(partial(kept, harness), cases)], [], "t")]
        truth = tws.truth()
    assert [(result.case, result.reasons) for result in results if result.verdict is Verdict.FAILED] == []
    assert sum(result.verdict is Verdict.HELD for result in results) >= 15
    assert [order.order_ref for order in truth.orders.values() if order.is_open] == []
    assert all(holding.quantity == 0 for holding in truth.holdings.values())
