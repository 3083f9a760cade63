"""How log entries read, for programs and for people."""

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest
from loguru import logger
from tradingd.core.encoding import rfc3339
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.reporting.times import Times
from tradingd.service.log_sinks import LogFile
from tradingd.service.structured_log import DatedLines, StructuredLog, render_json, render_text

TS = 1_767_632_400_000_000_123

UTC_TIMES = Times(UTC)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def quiet_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    before, level = logging.root.handlers[:], logging.root.level
    yield
    logger.remove()
    logging.root.handlers[:], logging.root.level = before, level


def entry(message: str = "BUY 10 ABC", level: Level = Level.INFO, **details: object) -> LogEntry:
    return LogEntry(
        ts=TS,
        level=level,
        event=LogEvent.ORDER_SUBMITTED,
        module="execution_engine",
        message=message,
        strategy_id=StrategyId("s1"),
        client_order_id=ClientOrderId("s1-abc-1"),
        symbol=Symbol("ABC"),
        details=details,
    )


def test_a_line_for_programs_has_its_members_in_order() -> None:
    line = json.loads(render_json(entry(price=Decimal("100.10"), at=Path("/x"), codes=["A"])))
    assert list(line) == [
        "ts",
        "level",
        "event",
        "module",
        "message",
        "strategy_id",
        "client_order_id",
        "symbol",
        "details",
    ]
    assert line["ts"] == "2026-01-05T17:00:00.000000123Z"
    assert (line["level"], line["event"]) == ("INFO", "order.submitted")
    assert line["details"] == {"price": "100.10", "at": "/x", "codes": ["A"]}


def test_what_does_not_apply_is_left_out() -> None:
    bare = LogEntry(ts=0, level=Level.INFO, event=LogEvent.DAEMON_READY, module="x", message="m")
    assert list(json.loads(render_json(bare))) == ["ts", "level", "event", "module", "message"]


@pytest.mark.parametrize(
    ("ts", "text"), [(0, "1970-01-01T00:00:00.000000000Z"), (-1, "1969-12-31T23:59:59.999999999Z")]
)
def test_times_have_nine_digits(ts: int, text: str) -> None:
    assert rfc3339(ts) == text


def test_a_line_for_people_is_short_and_has_the_ids() -> None:
    line = render_text(entry(price=Decimal("1E+2"), codes=["A", "B"]), UTC_TIMES)
    assert line.startswith("17:00:00.000 INFO     order.submitted")
    assert "BUY 10 ABC" in line
    assert "client_order_id=s1-abc-1" in line
    assert "price=100 codes=A,B" in line
    assert "\033" not in line
    assert "\033[32m" in render_text(entry(), UTC_TIMES, colour=True)


def test_the_date_and_the_zone_stand_above_the_first_line_and_wherever_they_change() -> None:
    dates = DatedLines(UTC_TIMES)
    assert [dates.heading(hour * 3600 * 10**9) for hour in (0, 23, 24, 25)] == [
        "-- 1970-01-01 UTC --\n",
        "",
        "-- 1970-01-02 UTC --\n",
        "",
    ]


def test_elsewhere_than_on_a_terminal_lines_are_json() -> None:
    stream = io.StringIO()
    StructuredLog(level=Level.INFO, stream=stream).write(entry("two\nlines"))
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["message"] == "two\nlines"


def test_on_a_terminal_lines_are_text_in_colour_unless_colour_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    StructuredLog(level=Level.INFO, stream=terminal).write(entry())
    assert "\033[32mINFO" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    StructuredLog(level=Level.INFO, stream=plain).write(entry())
    assert plain.getvalue().splitlines()[1].startswith("17:00:00.000 INFO ")


def test_the_style_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, terminal = io.StringIO(), Terminal()
    StructuredLog(level=Level.INFO, style="text", stream=stream).write(entry())
    assert stream.getvalue().startswith("-- 2026-01-05 UTC --\n17:00:00.000")
    StructuredLog(level=Level.INFO, style="json", stream=terminal).write(entry())
    assert terminal.getvalue().startswith("{")


def test_for_journald_a_line_begins_with_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    stream = io.StringIO()
    log = StructuredLog(level=Level.DEBUG, stream=stream)
    for level in Level:
        log.write(entry(level=level))
    assert re.findall(r"^<(\d)>\{", stream.getvalue(), re.MULTILINE) == ["7", "6", "4", "3", "2"]


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    log = StructuredLog(level=Level.WARNING, stream=stream)
    log.write(entry(level=Level.INFO))
    log.write(entry(level=Level.ERROR))
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("secret", ["hunter2", 'with "quotes" and \\', "ünïcode"])
def test_a_secret_is_never_written(tmp_path: Path, secret: str) -> None:
    stream, terminal, file = io.StringIO(), Terminal(), tmp_path / "logs" / "x.log"
    for output, style in ((stream, "json"), (terminal, "text")):
        log = StructuredLog(level=Level.INFO, style=style, stream=output, secrets=["", secret], file=LogFile(file))
        log.write(entry(f"sent {secret}", header=f"key={secret}"))
        assert "********" in output.getvalue()
    logger.remove()
    written = stream.getvalue() + terminal.getvalue() + file.read_text()
    assert secret not in written
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in written
    assert written.count("********") == 8


def test_text_that_looks_like_markup_or_a_format_is_text(tmp_path: Path) -> None:
    message = "<red>{0} {missing} %s</red>"
    stream = io.StringIO()
    log = StructuredLog(level=Level.INFO, stream=stream, file=LogFile(tmp_path / "x.log"))
    log.write(entry(message))
    logger.remove()
    assert json.loads(stream.getvalue())["message"] == message
    assert json.loads((tmp_path / "x.log").read_text())["message"] == message


def test_messages_of_libraries_come_in_without_values_of_variables() -> None:
    stream = io.StringIO()
    StructuredLog(level=Level.INFO, stream=stream)
    password = "hunter2"
    try:
        raise ValueError(f"{len(password)} bytes refused")
    except ValueError:
        logging.getLogger("aiohttp.client").exception("request %d failed", 7)
    logging.getLogger("aiohttp.client").info("chatter")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["module"], line["message"]) == ("library.message", "aiohttp", "request 7 failed")
    assert line["details"] == {"logger": "aiohttp.client", "exception": "ValueError: 7 bytes refused"}
    assert "hunter2" not in stream.getvalue()


def test_a_sink_that_fails_is_told_in_the_others_once_and_again_when_it_recovers(tmp_path: Path) -> None:
    stream, path = io.StringIO(), tmp_path / "x.log"
    path.symlink_to("/dev/full")
    log = StructuredLog(level=Level.INFO, stream=stream, file=LogFile(path))
    log.write(entry("one"))
    log.write(entry("two"))
    path.unlink()
    log.write(entry("three"))
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["order.submitted", "log.unwritable", "order.submitted", "order.submitted", "log.writable"]
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in written] == ["order.submitted", "log.writable"]
    assert written[1]["details"] == {"lines_lost": 3}


def test_what_happens_to_a_sink_goes_where_it_is_asked_for(tmp_path: Path) -> None:
    heard: list[LogEntry] = []
    log = StructuredLog(level=Level.INFO, stream=io.StringIO(), file=LogFile(tmp_path))
    log.report_to(heard.append)
    log.write(entry())
    assert [line.event for line in heard] == [LogEvent.LOG_UNWRITABLE]
