"""Rows for a spreadsheet."""

import csv
import io
from datetime import UTC
from decimal import Decimal

from tests.core.making_performance import trade
from tradingd.core.market import DAY_NS
from tradingd.core.orders import Side
from tradingd.core.round_trips import fold_trades
from tradingd.reporting.csv import render_round_trips, render_trades
from tradingd.reporting.times import Times

TRADES = [trade(Side.BUY, "10.0", "100.10", "0.5", ts=0), trade(Side.SELL, "4", "103", "0.25", ts=DAY_NS)]
UTC_TIMES = Times(UTC)


def test_a_round_trip_is_a_row_with_its_entry_and_what_was_left() -> None:
    [row] = csv.DictReader(io.StringIO(render_round_trips(fold_trades(TRADES).round_trips, UTC_TIMES)))
    assert row == {
        "opened": "1970-01-01 00:00:00",
        "closed": "1970-01-02 00:00:00",
        "strategy": "s1",
        "symbol": "AAPL",
        "side": "long",
        "quantity": "4",
        "entry": "100.1",
        "exit": "103",
        "gross": "11.6",
        "fees": "0.45",
        "net": "11.15",
    }
    assert Decimal(row["gross"]) - Decimal(row["fees"]) == Decimal(row["net"])


def test_an_execution_is_a_row_too() -> None:
    first, second = csv.DictReader(io.StringIO(render_trades(TRADES, UTC_TIMES)))
    assert (first["side"], first["quantity"], first["price"], first["fee"]) == ("BUY", "10", "100.1", "0.5")
    assert second["time"] == "1970-01-02 00:00:00"
