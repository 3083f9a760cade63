"""The database behind the trading path: real files, real connections."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.core.making import ABC, D, canceled, denied, filled, order
from tests.journal.making import Bench
from tests.journal.story import story
from tradingd.core.entries import JournalEntry, OrderIntended, StrategyTransferred
from tradingd.core.identifiers import StrategyId
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.market import DAY_NS, MINUTE_NS, PriceBar
from tradingd.journal.history import read_denials, read_history
from tradingd.journal.projection import DatabaseError, schema_scripts
from tradingd.journal.segments import journal_id, segment_paths


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_what_is_put_is_written_in_one_batch(bench: Bench) -> None:
    async with bench.opened() as projection:
        bench.append(projection, *story(), denied("s1-9"))
        assert bench.rows("trades") == []
        await projection.flush()
        assert projection.seq == bench.written.writer.seq
    (first, _) = bench.rows("orders")
    assert first[:6] == ("s1-1", "v1", "s1", "ABC", "BUY", "10")
    assert first[10:14] == ("FILLED", "10", "100.25", "0.07")
    assert [row[7] for row in bench.rows("trades")] == ["100.25", "100.25"]
    assert [row[3] for row in bench.rows("denials")] == ["HALTED"]
    assert len(bench.rows("equity")) == 1


def _delete(bench: Bench) -> None:
    bench.path.unlink()


def _damage(bench: Bench) -> None:
    bench.path.write_bytes(b"this is no database" * 500)


def _cut(bench: Bench) -> None:
    content = bench.path.read_bytes()
    bench.path.write_bytes(content[: len(content) // 2])


def _of_another_journal(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("UPDATE meta SET value = 'other' WHERE key = 'journal'")
        connection.commit()


def _ahead(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("UPDATE meta SET value = '99999' WHERE key = 'seq'")
        connection.commit()


def _of_a_later_program(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_delete, None),
        (_damage, "cannot be used"),
        (_cut, "cannot be used"),
        (_of_another_journal, "another journal"),
        (_ahead, "ahead"),
        (_of_a_later_program, "schema 99"),
    ],
)
async def test_a_database_that_is_of_no_use_is_set_aside_and_made_again_from_the_journal(
    bench: Bench, spoil: Callable[[Bench], None], reason: str | None
) -> None:
    async with bench.opened() as projection:
        bench.append(projection, *story(), denied("s1-9"))
        await projection.flush()
    before = bench.contents()
    spoil(bench)
    async with bench.opened() as projection:
        assert projection.seq == bench.written.writer.seq
    assert bench.contents() == before
    assert all(before.values())
    if reason is None:
        assert bench.rebuilt == []
    else:
        assert [reason in told for told in bench.rebuilt] == [True]
        assert bench.path.with_name("tradingd.db.unusable").exists()


async def test_a_database_that_is_behind_catches_up(bench: Bench) -> None:
    async with bench.opened() as projection:
        bench.append(projection, *story()[:4])
        await projection.flush()
    bench.written.append(*story()[4:])
    async with bench.opened() as projection:
        assert projection.seq == bench.written.writer.seq
    assert [row[10] for row in bench.rows("orders")] == ["FILLED", "FILLED"]
    assert bench.rebuilt == []


async def test_a_rebuild_knows_orders_that_snapshots_have_forgotten(bench: Bench) -> None:
    async with bench.opened() as projection:
        bench.append(projection, *story())
        await projection.flush()
    before = bench.contents()
    for day in (10, 20):
        bench.written.books.orders.prune(day * DAY_NS)
        bench.written.append(OrderIntended(order=order(f"s1-{day}")), ts=day * DAY_NS)
        bench.written.append(canceled(f"s1-{day}"), ts=day * DAY_NS)
    assert len(segment_paths(bench.written.folder)) == 3
    assert len(bench.written.books.orders) == 1
    bench.path.unlink()
    async with bench.opened() as projection:
        assert projection.seq == bench.written.writer.seq
    assert bench.contents()["trades"] == before["trades"]
    assert [row[0] for row in bench.rows("orders")] == ["s1-1", "s1-10", "s1-2", "s1-20"]


async def test_the_schema_grows_by_steps_and_keeps_what_is_there(bench: Bench) -> None:
    first, *later = schema_scripts()
    assert later
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.executescript(f"{first} PRAGMA user_version = 1;")
        connection.execute("INSERT INTO meta VALUES ('journal', ?), ('seq', '0')", (journal_id(bench.written.folder),))
        connection.execute("INSERT INTO equity VALUES (77, '1', '1', '0', '0')")
        connection.commit()
    bench.written.append(*story())
    async with bench.opened():
        pass
    assert [row[0] for row in bench.rows("equity")] == [1, 77]
    assert bench.rows("bars") == []
    assert bench.rebuilt == []


async def test_bars_and_log_lines_are_kept_and_read_back(bench: Bench) -> None:
    def bar(minute: int, close: float) -> PriceBar:
        return PriceBar(
            symbol=ABC,
            interval_ns=MINUTE_NS,
            ts_open=minute * MINUTE_NS,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=3,
            ts_event=(minute + 1) * MINUTE_NS,
            ts_recv=(minute + 1) * MINUTE_NS,
        )

    async with bench.opened() as projection:
        for minute in range(5):
            projection.put(bar(minute, 100.5 + minute))
        projection.put(bar(2, 99.5))  # revised by its source
        projection.put(
            LogEntry(
                ts=5, level=Level.INFO, event=LogEvent.ORDER_FILLED, module="x", message="m", details={"q": D("1.50")}
            )
        )
        assert await projection.flush() == 5
        bars = await projection.fetch_bars(ABC, MINUTE_NS, MINUTE_NS, 4 * MINUTE_NS)
        assert list(bars) == [bar(1, 101.5), bar(2, 99.5), bar(3, 103.5)]
    assert await projection.fetch_bars(ABC, MINUTE_NS, 0, 1) == ()
    ((_, ts, level, event, *_, line),) = bench.rows("log")
    assert (ts, level, event) == (5, "INFO", "order.filled")
    assert '"q":"1.50"' in str(line)


async def test_the_task_writes_by_itself_and_a_stop_loses_nothing_that_was_flushed(bench: Bench) -> None:
    projection = bench.projection()
    task = asyncio.create_task(projection.run())
    async with asyncio.timeout(10):
        while projection.seq < len(story()):
            if not bench.written.writer.seq:
                bench.append(projection, *story())
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    bench.append(projection, filled("1", order_id="s1-1", execution="late"))
    await projection.flush()
    await projection.close()
    assert len(bench.rows("trades")) == 3


async def test_a_write_that_fails_is_reported_and_the_next_open_catches_up(bench: Bench) -> None:
    projection = bench.projection()
    await projection.open()
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("DROP TABLE trades")
        connection.commit()
    bench.append(projection, *story())
    with pytest.raises(DatabaseError, match="trades"):
        await projection.flush()
    assert bench.rows("orders") == [], "a batch is written whole or not at all"
    await projection.open()
    await projection.close()
    assert len(bench.rows("trades")) == 2
    assert len(bench.rebuilt) == 1


async def test_a_file_that_cannot_be_opened_now_is_kept_for_later(bench: Bench) -> None:
    bench.path.mkdir()
    before = threading.active_count()
    with pytest.raises(DatabaseError, match="unable to open"):
        await bench.projection().open()
    async with asyncio.timeout(10):
        # The connection that never was still has a thread, which answers to this loop once more as it ends.
        while threading.active_count() > before:  # noqa: ASYNC110 - a thread has no event for its end
            await asyncio.sleep(0.001)
    assert bench.path.is_dir()
    assert bench.rebuilt == []


def line(ts: int) -> LogEntry:
    return LogEntry(ts=ts, level=Level.INFO, event=LogEvent.DAEMON_READY, module="x", message=f"line {ts}")


@contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Hold the write lock of a database from another process."""
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "print('locked', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.stdin.close()
        holder.wait(10)


async def test_a_lock_held_for_too_long_costs_no_line_and_no_entry(bench: Bench) -> None:
    projection = bench.projection(busy_timeout_ms=50)
    await projection.open()
    with locked_by_another(bench.path):
        bench.append(projection, *story())
        projection.put(line(7))
        with pytest.raises(DatabaseError, match="locked"):
            await projection.flush()
        with pytest.raises(DatabaseError, match="locked"):
            await projection.open()
        bench.append(projection, filled("1", order_id="s1-1", execution="late"))
        projection.put(line(8))
    await projection.open()
    await projection.flush()
    await projection.close()
    assert [row[1] for row in bench.rows("log")] == [7, 8]
    assert len(bench.rows("trades")) == 3
    assert bench.rebuilt == []


async def test_what_waits_for_a_database_that_is_down_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingd.journal.projection.WAITING_MOST", 3)
    projection = bench.projection()
    for ts in range(5):
        projection.put(line(ts))
    assert projection.left_out == 2
    await projection.open()
    await projection.flush()
    await projection.close()
    assert [row[1] for row in bench.rows("log")] == [0, 1, 2]


def _garbage_under_it(bench: Bench) -> None:
    size = bench.path.stat().st_size
    with bench.path.open("r+b") as file:
        file.write(b"\xa5" * size)
    bench.path.with_name("tradingd.db-wal").write_bytes(b"\xa5" * 4096)


def _delete_wal(bench: Bench) -> None:
    bench.path.with_name("tradingd.db-wal").unlink()


def _replace(bench: Bench) -> None:
    copy = bench.path.with_name("copy")
    copy.write_bytes(bench.path.read_bytes())
    copy.rename(bench.path)


@pytest.mark.parametrize("spoil", [_delete, _delete_wal, _replace, _garbage_under_it])
async def test_files_that_are_spoilt_under_a_running_database_make_it_anew(
    bench: Bench, spoil: Callable[[Bench], None]
) -> None:
    async with bench.opened() as reference:
        bench.append(reference, *story())
        await reference.flush()
    before = bench.contents()
    projection = bench.projection()
    await projection.open()
    projection.put(line(1))
    await projection.flush()
    spoil(bench)
    failures = 0
    for execution in range(6):
        projection.put(line(10 + execution))
        bench.append(projection, filled("1", order_id="s1-1", execution=f"late{execution}"))
        try:
            await projection.flush()
        except DatabaseError:
            failures += 1
            await projection.open()
    await projection.flush()
    await projection.close()
    assert failures == 1
    assert len(bench.rebuilt) == 1
    assert len(bench.rows("trades")) == len(before["trades"]) + 6
    with closing(sqlite3.connect(bench.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert [row[0] for row in connection.execute("SELECT ts FROM log ORDER BY ts")][-1] == 15


async def test_bars_of_a_damaged_database_are_none_and_no_error(bench: Bench) -> None:
    projection = bench.projection()
    await projection.open()
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("DROP TABLE bars")
        connection.commit()
    assert await projection.fetch_bars(ABC, MINUTE_NS, 0, 1) == ()
    await projection.close()


async def test_a_transfer_moves_what_stands_there_and_a_rebuilt_database_says_the_same(bench: Bench) -> None:
    s1, s2 = StrategyId("s1"), StrategyId("s2")
    transfer = StrategyTransferred(source=s1, target=s2, operator="formerly")
    later: list[JournalEntry] = [OrderIntended(order=order("s1-3")), filled("1", "99", order_id="s1-3", execution="e3")]
    async with bench.opened() as projection:
        bench.append(projection, *story(), denied("s1-9"))
        await projection.flush()
        bench.append(projection, transfer)
        await projection.flush()
        bench.append(projection, *later)  # the name is free for another strategy
        await projection.flush()
    assert [(row[0], row[2]) for row in bench.rows("orders")] == [("s1-1", "s2"), ("s1-2", "s2"), ("s1-3", "s1")]
    assert [row[3] for row in bench.rows("trades")] == ["s2", "s2", "s1"]
    assert [row[1] for row in bench.rows("denials")] == ["s2"]
    live = bench.contents()
    bench.path.unlink()
    async with bench.opened():
        assert bench.contents() == live


def test_history_puts_earlier_trades_under_the_strategy_that_has_their_results(bench: Bench) -> None:
    transfer = StrategyTransferred(source=StrategyId("s1"), target=StrategyId("s2"), symbol=ABC, operator="ann")
    bench.written.append(*story(), denied("s1-9"), transfer)
    history = read_history(bench.written.folder, 0, 1 << 62)
    assert {trade.strategy_id for trade in history.trades} == {"s2"}
    assert {owner for owner, _ in history.books.portfolio.lines} == {"s2"}
    assert [denial.order.strategy_id for _, denial in read_denials(bench.written.folder)] == ["s2"]
