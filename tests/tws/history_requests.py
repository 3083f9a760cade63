"""What tests of historical data ask for, and bars to answer it with."""

import time

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, PriceBar

from tests.tws.raw_client import (
    RawClient,
    contract_fields,
)


def ask_history(raw: RawClient, req_id: int, duration: str = "1 D") -> None:
    """Ask for minute bars up to now."""
    raw.send(20, req_id, *contract_fields("AAPL"), 0, "", "1 min", duration, 0, "TRADES", 2, 0, "")


def minutes(count: int) -> list[PriceBar]:
    """The minutes before the present one."""
    end = time.time_ns() // MINUTE_NS * MINUTE_NS
    return [
        PriceBar(
            symbol=Symbol("AAPL"), interval_ns=MINUTE_NS, ts_open=end - n * MINUTE_NS, open=1.0, high=1.0, low=1.0,
            close=1.0, volume=1.0, ts_event=end, ts_recv=end,
        )
        for n in range(count, 0, -1)
    ]  # fmt: skip
