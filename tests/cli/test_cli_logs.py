"""Reading the structured log back: from its file, over rotations, and from the database."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.cli.command_line import CONFIG, NOON, Ended, environment, tradingd, write_config, write_journal
from tradingd.core.identifiers import ClientOrderId, StrategyId, TraceId
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.market import MINUTE_NS
from tradingd.journal.projection import Projection
from tradingd.service.structured_log import render_json
from tradingd.tools.drills.tether import tethered

Called = Callable[..., Ended]
IN_FILE = CONFIG.replace('state_dir = "state"', 'state_dir = "state"\nlog_file = "d.log"')


def entry(minute: int, event: LogEvent, level: Level = Level.INFO, order: str | None = None) -> LogEntry:
    return LogEntry(
        ts=NOON + minute * MINUTE_NS,
        level=level,
        event=event,
        module="execution_engine",
        message=f"minute {minute}",
        strategy_id=StrategyId("trend") if order else None,
        client_order_id=ClientOrderId(order) if order else None,
        details={"n": minute},
    )


ENTRIES = (
    entry(0, LogEvent.DAEMON_READY),
    entry(1, LogEvent.ORDER_SUBMITTED, order="trend-abc-1"),
    entry(2, LogEvent.ORDER_FILLED, order="trend-abc-1"),
    entry(3, LogEvent.ORDER_SUBMITTED, order="trend-abc-2"),
    entry(4, LogEvent.DATA_STALE, Level.WARNING),
    entry(5, LogEvent.RISK_HALTED, Level.CRITICAL),
)


def write_log(path: Path, entries: tuple[LogEntry, ...]) -> None:
    with path.open("a") as file:
        file.writelines(f"{render_json(line)}\n" for line in entries)


def minutes(ended: Ended) -> list[int]:
    """Which of the entries were shown, by their details."""
    assert ended.code == 0, ended.err
    return [msgspec.json.decode(line)["details"]["n"] for line in ended.out.splitlines()]


FILTERS = {
    "none": ([], [0, 1, 2, 3, 4, 5]),
    "an event": (["--event", "order.submitted"], [1, 3]),
    "a pattern and an event": (["--event", "order.*", "--event", "risk.halted"], [1, 2, 3, 5]),
    "a strategy": (["--strategy", "trend"], [1, 2, 3]),
    "an order": (["--order", "trend-abc-1"], [1, 2]),
    "an order by the end of its id": (["--order", "abc-2"], [3]),
    "an end": (["--until", "2026-03-02T12:02:00Z"], [0, 1]),
    "the last ones": (["--limit", "2"], [4, 5]),
    "a level and above": (["--level", "warning"], [4, 5]),
    "a time": (["--since", "2026-03-02T12:03:00Z"], [3, 4, 5]),
    "all together": (["--since", "2026-03-02T12:02:00Z", "--event", "order.*", "--order", "trend-abc-1"], [2]),
    "an age that all exceed": (["--since", "1s"], []),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(name: str, tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    write_log(tmp_path / "d.log", ENTRIES)
    arguments, expected = FILTERS[name]
    assert minutes(called("logs", "-c", "c.toml", "--json", *arguments)) == expected


def test_a_person_reads_date_level_event_message_and_ids(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    write_log(tmp_path / "d.log", ENTRIES[1:2])
    assert called("logs", "-c", "c.toml", "--utc").out == (
        "2026-03-02 12:01:00.000 UTC INFO     order.submitted        minute 1  "
        "strategy_id=trend client_order_id=trend-abc-1 n=1\n"
    )


def test_an_orders_lines_begin_with_the_signal_that_it_came_of(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    signal = msgspec.structs.replace(entry(0, LogEvent.STRATEGY_SIGNAL), trace_id=TraceId("t1"))
    other = msgspec.structs.replace(entry(1, LogEvent.STRATEGY_SIGNAL), trace_id=TraceId("t2"))
    orders = [msgspec.structs.replace(ENTRIES[2], trace_id=TraceId("t1")), ENTRIES[3]]
    write_log(tmp_path / "d.log", (signal, other, *orders))
    assert minutes(called("logs", "-c", "c.toml", "--json", "--order", "trend-abc-1")) == [0, 2]


def test_a_person_reads_times_in_the_own_zone(tmp_path: Path) -> None:
    write_config(tmp_path, IN_FILE)
    write_log(tmp_path / "d.log", ENTRIES[1:2])
    shown = tradingd("logs", "-c", "c.toml", cwd=tmp_path, env={"TZ": "America/New_York"})
    assert shown.out.startswith("2026-03-02 07:01:00.000 EST INFO")


def test_nothing_found_is_said(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    write_log(tmp_path / "d.log", ENTRIES)
    ended = called("logs", "-c", "c.toml", "--order", "nobody")
    assert (ended.out, ended.err) == ("", "note: no line of the log is of what was asked for\n")


def test_lines_of_another_version_are_shown_and_what_is_no_line_is_counted(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    line = render_json(ENTRIES[0]).replace("daemon.ready", "daemon.awake")
    (tmp_path / "d.log").write_text(f'{line}\n{{"torn\n\n{line[:30]}')
    ended = called("logs", "-c", "c.toml", "--utc")
    assert ended.out == "2026-03-02 12:00:00.000 UTC INFO     daemon.awake           minute 0  n=0\n"
    assert ended.err == "note: 2 lines were left out: they are not log lines\n"


def test_rotated_files_come_first(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    for name, part in (("d.2026-03-01_00.log", ENTRIES[:2]), ("d.2026-03-02_00.log", ENTRIES[2:4])):
        write_log(tmp_path / name, part)
    write_log(tmp_path / "d.log", ENTRIES[4:])
    assert minutes(called("logs", "-c", "c.toml", "--json")) == [0, 1, 2, 3, 4, 5]


async def test_without_a_file_the_database_is_read(tmp_path: Path, called: Called) -> None:
    paths = write_config(tmp_path)
    write_journal(paths)
    projection = Projection(
        paths.database,
        paths.journal,
        order_of=lambda order_id: None,
        render_line=render_json,
        history_days=30,
        on_rebuilt=lambda reason: None,
    )
    await projection.open()
    try:
        for line in ENTRIES:
            projection.put(line)
        await projection.flush()
        # While the daemon has the database open, and again when it does not.
        assert minutes(called("logs", "-c", "c.toml", "--json", "--event", "order.*")) == [1, 2, 3]
    finally:
        await projection.close()
    assert minutes(called("logs", "-c", "c.toml", "--json", "--since", "2026-03-02T12:04:00Z")) == [4, 5]
    with following(tmp_path) as wait_for:
        wait_for(6)
        await projection.open()
        projection.put(entry(6, LogEvent.DAEMON_STOPPED))
        await projection.flush()
        await projection.close()
        assert wait_for(7)[-1] == 6


@contextmanager
def following(folder: Path) -> Iterator[Callable[[int], list[int]]]:
    """Run `logs -f`; what is yielded waits until so many lines were shown and tells which."""
    shown: list[int] = []
    process = subprocess.Popen(
        # A shell starts what it puts in the background with Ctrl-C ignored, and that would be inherited.
        ["env", "--default-signal=INT", sys.executable, "-m", "tradingd", "logs", "-c", "c.toml", "-f", "--json"],
        cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=tethered(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    lines = process.stdout

    def read() -> None:
        for line in lines:
            shown.append(msgspec.json.decode(line)["details"]["n"])

    reader = threading.Thread(target=read)
    reader.start()

    def wait_for(count: int) -> list[int]:
        deadline = time.monotonic() + 15
        while len(shown) < count:
            assert time.monotonic() < deadline, f"{shown} instead of {count} lines"
            time.sleep(0.02)
        return shown

    try:
        yield wait_for
        process.send_signal(2)
        assert process.wait(5) == 130
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait(5)
        reader.join(5)
        process.stdout.close()
        process.stderr.close()


def test_following_waits_for_the_file_and_goes_on_over_a_rotation(tmp_path: Path) -> None:
    write_config(tmp_path, IN_FILE)
    log = tmp_path / "d.log"
    with following(tmp_path) as wait_for:
        write_log(log, ENTRIES[:1])
        wait_for(1)
        write_log(log, ENTRIES[1:2])
        wait_for(2)
        # Written just before the rename, read after it.
        write_log(log, ENTRIES[2:4])
        log.rename(tmp_path / "d.2026-03-02_12.log")
        write_log(log, ENTRIES[4:])
        assert wait_for(6) == [0, 1, 2, 3, 4, 5]


def test_files_that_logrotate_has_renamed_are_read_and_compressed_ones_are_not(tmp_path: Path, called: Called) -> None:
    write_config(tmp_path, IN_FILE)
    write_log(tmp_path / "d.log.1", ENTRIES[:3])
    (tmp_path / "d.log.2.gz").write_bytes(b"\x1f\x8b")
    write_log(tmp_path / "d.log", ENTRIES[3:])
    assert minutes(called("logs", "-c", "c.toml", "--json")) == [0, 1, 2, 3, 4, 5]
