"""Reports and replays as documents, and the database made anew."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from tests.cli.command_line import Ended, write_config, write_journal
from tradingd.journal.segments import JournalLock
from tradingd.settings.paths import StatePaths

Called = Callable[..., Ended]


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return write_config(tmp_path)


def test_a_report_measures_what_the_journal_has(paths: StatePaths, called: Called) -> None:
    write_journal(paths)
    ended = called("report", "-c", "c.toml", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    account = json.loads(ended.out)["account"]
    assert (account["starting_equity"], account["ending_equity"]) == ("100000.00", "100000.25")
    assert account["statistics"]["trades"] == 2
    assert "Ending equity" in called("report", "-c", "c.toml").out


def test_a_report_covers_its_span_and_nothing_after(paths: StatePaths, called: Called, tmp_path: Path) -> None:
    write_journal(paths)
    span = ("--from", "2026-03-02", "--to", "2026-03-02T12:02:00Z")
    ended = called("report", "-c", "c.toml", *span, "--format", "json", "-o", "report.json")
    assert (ended.code, ended.out) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["account"]["statistics"]["trades"] == 1
    refused = called("report", "-c", "c.toml", "-o", "nowhere/report.json")
    assert (refused.code, refused.out) == (2, "")
    assert "nowhere/report.json: the report cannot be written" in refused.err


def test_a_replay_gives_the_same_document_each_time(paths: StatePaths, called: Called, tmp_path: Path) -> None:
    span = ("--from", "2026-03-02", "--to", "2026-03-02T01:00:00Z")
    first = called("replay", "-c", "c.toml", *span, "--format", "json", "--journal", "first")
    second = called("replay", "-c", "c.toml", *span, "--format", "json")
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    document = json.loads(first.out)
    assert document["replay"]["orders"] == document["account"]["statistics"]["trades"] > 0
    assert f"replay: journal {tmp_path / 'first'}\n" in first.err
    assert "events/s" in first.err
    assert len(list(paths.replay_journal.iterdir())) == 1
    again = called("replay", "-c", "c.toml", *span, "--journal", "first")
    assert (again.code, again.out) == (2, "")
    assert list((tmp_path / "first").iterdir())


def test_a_rebuilt_database_has_the_journal_and_keeps_bars_and_log(paths: StatePaths, called: Called) -> None:
    write_journal(paths)
    assert called("journal", "rebuild", "-c", "c.toml").code == 0
    with closing(sqlite3.connect(paths.database)) as database:
        database.execute("INSERT INTO bars VALUES ('AAPL', 60, 0, 1, 1, 1, 1, 1)")
        database.execute("INSERT INTO log (ts, level, event, line) VALUES (1, 'INFO', 'daemon.ready', '{}')")
        database.execute("DELETE FROM trades")
        database.commit()
    ended = called("journal", "rebuild", "-c", "c.toml")
    assert (ended.code, ended.err) == (0, "")
    assert f"{paths.database}: rebuilt from {paths.journal}, entry 11" in ended.out
    with closing(sqlite3.connect(paths.database)) as database:
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    assert counts == [2, 2, 2, 1, 1]
    assert paths.database.with_name("tradingd.db.replaced").exists()


TABLES = ("orders", "trades", "equity", "bars", "log")


def test_a_database_that_is_none_is_replaced_and_the_loss_is_told(paths: StatePaths, called: Called) -> None:
    write_journal(paths)
    paths.database.write_bytes(b"no database at all" * 100)
    ended = called("journal", "rebuild", "-c", "c.toml")
    assert ended.code == 0
    assert "bars and log lines of the former database are lost" in ended.err
    with closing(sqlite3.connect(paths.database)) as database:
        assert database.execute("SELECT count(*) FROM trades").fetchone() == (2,)


def test_no_rebuild_while_a_process_holds_the_journal(paths: StatePaths, called: Called) -> None:
    import os

    write_journal(paths)
    lock = JournalLock(paths.journal)
    try:
        ended = called("journal", "rebuild", "-c", "c.toml")
    finally:
        lock.release()
    assert (ended.code, ended.out) == (2, "")
    assert f"in use by process {os.getpid()}" in ended.err
    assert not paths.database.exists()


DAILY = """
[daemon]
state_dir = "state"
[[data.feeds]]
kind = "file"
path = "daily.csv"
schema = "bars"
symbol = "SPY"
interval = "1d"
[broker]
kind = "paper"
[[strategies]]
id = "hold"
class = "tradingd.strategies.buy_and_hold:BuyAndHold"
symbols = ["SPY"]
bars = "1d"
"""


def test_a_replay_of_daily_bars_ends_at_what_its_fills_and_the_last_close_make(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, DAILY)
    rows = ["timestamp,open,high,low,close,volume"]
    closes = [100 + day / 2 for day in range(40)]
    rows += [
        f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T00:00:00Z,{close},{close + 1},{close - 1},{close},1000"
        for day, close in enumerate(closes)
    ]
    (tmp_path / "daily.csv").write_text("\n".join(rows) + "\n")
    ended = called("replay", "-c", "c.toml", "--format", "json", "--journal", "replayed")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    account, [strategy] = document["account"], document["strategies"]
    [fill] = [
        record["entry"]
        for line in next((tmp_path / "replayed").glob("*.jsonl")).read_text().splitlines()
        if (record := json.loads(line))["entry"]["type"] == "filled"
    ]
    made = (Decimal(str(closes[-1])) - Decimal(fill["price"])) * Decimal(fill["quantity"])
    assert Decimal(account["profit"]) == Decimal(strategy["profit"]) == made > 0
    assert Decimal(account["ending_equity"]) == 100_000 + made
    assert account["cagr"] is not None
