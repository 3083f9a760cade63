"""Running the program as its operator does, and what it needs on disk."""

import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
from tradingd.core.books import Books
from tradingd.core.entries import (
    AccountOpened,
    EquitySampled,
    JournalEntry,
    OrderIntended,
    RunEnd,
    RunStarted,
    RunStopped,
)
from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import MINUTE_NS
from tradingd.core.orders import Order, OrderAccepted, OrderFilled, OrderTerms, OrderType, Side
from tradingd.journal.segments import Tail, journal_id
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.settings.paths import StatePaths

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_772_452_800_000_000_000
"""2026-03-02 12:00 UTC."""

CONFIG = """\
[daemon]
state_dir = "state"

[[data.feeds]]
kind = "synthetic"
symbols = ["AAPL"]
seed = 1
interval_ms = 1000

[[strategies]]
id = "trend"
class = "tradingd.strategies.sma_cross:SmaCross"
symbols = ["AAPL"]
bars = "1m"

[strategies.params]
fast = 3
slow = 8
quantity = 10
"""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give a child this environment without overrides of settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRADINGD_")}
    return env | {"PYTHONPATH": str(ROOT)} | dict(extra or {})


def tradingd(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run one command to its end, without a terminal."""
    ended = subprocess.run(
        [sys.executable, "-m", "tradingd", *arguments],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def write_config(folder: Path, text: str = CONFIG) -> StatePaths:
    """Write `c.toml`; its state is under `state`."""
    (folder / "c.toml").write_text(text)
    return StatePaths(folder / "state")


def order(number: int, quantity: str, *, limit: str | None = None) -> Order:
    return Order(
        client_order_id=ClientOrderId(f"trend-abc-{number}"),
        strategy_id=StrategyId("trend"),
        symbol=Symbol("AAPL"),
        side=Side.BUY,
        quantity=Decimal(quantity),
        terms=OrderTerms(
            order_type=OrderType.LIMIT if limit else OrderType.MARKET, limit_price=Decimal(limit) if limit else None
        ),
        trace_id=TraceId(f"t{number}"),
        ts_created=NOON,
        reference_price=Decimal("190.00"),
    )


def past() -> list[JournalEntry]:
    """Give a short past: one order filled in two parts, one that still works, and two samples of equity."""
    filled, working = order(1, "10"), order(2, "5", limit="180.5")
    venue_id = VenueOrderId("v1")
    entries: list[JournalEntry] = [
        RunStarted(run=1, version="0.1.0", config_hash="x", previous=RunEnd.NONE),
        AccountOpened(broker="paper", account_id="A1", account_kind="paper", currency="USD", cash=Decimal(100_000)),
        EquitySampled(ts=NOON, equity=Decimal(100_000), cash=Decimal(100_000), gross=Decimal(0), net=Decimal(0)),
        OrderIntended(order=filled),
        OrderAccepted(client_order_id=filled.client_order_id, ts_event=NOON, ts_recv=NOON, venue_order_id=venue_id),
    ]
    for number, (quantity, price) in enumerate((("4", "190.01"), ("6", "190.02")), start=1):
        entries.append(
            OrderFilled(
                client_order_id=filled.client_order_id,
                ts_event=NOON + number * MINUTE_NS,
                ts_recv=NOON + number * MINUTE_NS,
                venue_order_id=venue_id,
                execution_id=ExecutionId(f"e{number}"),
                quantity=Decimal(quantity),
                price=Decimal(price),
                fee=Decimal("0.10"),
            )
        )
    return [
        *entries,
        OrderIntended(order=working),
        OrderAccepted(
            client_order_id=working.client_order_id, ts_event=NOON, ts_recv=NOON, venue_order_id=VenueOrderId("v2")
        ),
        EquitySampled(
            ts=NOON + 3 * MINUTE_NS,
            equity=Decimal("100000.25"),
            cash=Decimal("98099.64"),
            gross=Decimal("1900.61"),
            net=Decimal("1900.61"),
        ),
        RunStopped(run=1, reason="stopped"),
    ]


def write_journal(paths: StatePaths) -> None:
    """Write a journal with that past."""
    paths.journal.mkdir(parents=True)
    journal_id(paths.journal)
    books = Books()
    writer = JournalWriter(paths.journal, Tail(), durability=Durability.PROCESS, take_snapshot=books.snapshot)
    for entry in past():
        writer.append(getattr(entry, "ts_recv", getattr(entry, "ts", NOON)), entry)
        books.apply(entry)
    writer.close()
