"""Rendering log entries: JSON lines for programs, short lines for people, through loguru's sinks.

The only way into the log is a `LogEntry`, so no line lacks an `event`. Tracebacks are rendered without values of
variables (`diagnose` stays off): a value may be a secret. Messages of libraries that use the standard `logging` come in
as `library.message`.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from loguru import logger

from tradingd.core.encoding import rfc3339
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.numbers import ABSENT, plain
from tradingd.reporting.times import Times
from tradingd.service.log_sinks import LogFile, LogStream, News

if TYPE_CHECKING:
    from loguru import Message, Record

_IDS = ("strategy_id", "client_order_id", "venue_order_id", "execution_id", "symbol", "trace_id")
SHOWN_IDS = ("strategy_id", "client_order_id", "symbol")
"""Ids that a person is shown; the others are in the JSON lines."""
_PRIORITY = {Level.DEBUG: 7, Level.INFO: 6, Level.WARNING: 4, Level.ERROR: 3, Level.CRITICAL: 2}
_COLOURS = {Level.DEBUG: "2", Level.INFO: "32", Level.WARNING: "33", Level.ERROR: "31", Level.CRITICAL: "1;31"}


def render_json(entry: LogEntry) -> str:
    """One JSON object: `ts`, `level`, `event`, `module`, `message`, then the ids that apply, then `details`."""
    line: dict[str, object] = {
        "ts": rfc3339(entry.ts),
        "level": entry.level.value,
        "event": entry.event.value,
        "module": entry.module,
        "message": entry.message,
    }
    for name in _IDS:
        value = getattr(entry, name)
        if value is not None:
            line[name] = value
    if entry.details:
        line["details"] = entry.details
    return msgspec.json.encode(line, enc_hook=str).decode()


def render_text(entry: LogEntry, times: Times, *, colour: bool = False) -> str:
    """One line for a person: time of day in the zone of `times`, then what happened."""
    clock = f"{times.local(entry.ts):%H:%M:%S}.{entry.ts // 1_000_000 % 1000:03d}"
    return f"{clock} {render_words(entry, colour=colour)}"


def render_words(entry: LogEntry, *, colour: bool = False) -> str:
    """What happened, for a person: level, event, message, ids and details."""
    level = f"{entry.level.value:<8}"
    event = f"{entry.event.value:<22}"
    if colour:
        level = f"\033[{_COLOURS[entry.level]}m{level}\033[0m"
        event = f"\033[1m{event}\033[0m"
    ids = {name: getattr(entry, name) for name in SHOWN_IDS if getattr(entry, name) is not None}
    details = " ".join(f"{key}={words_of(value)}" for key, value in (ids | entry.details).items())
    return f"{level} {event} {entry.message}{'  ' + details if details else ''}"


def words_of(value: object) -> str:
    """A detail as a person writes it: figures without dust, lists by commas."""
    match value:
        case None | "":
            return ABSENT
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return plain(value)
        case Mapping():
            return ",".join(f"{key}:{words_of(item)}" for key, item in value.items()) or ABSENT
        case list() | tuple() | set() | frozenset():
            return ",".join(map(words_of, value)) or ABSENT
        case _:
            return str(value)


class DatedLines:
    """Lines of a terminal: what they lack, the date and the zone, stands above the first and wherever it changes."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._date = ""

    def heading(self, ts: int) -> str:
        """The line to print before one of this time; empty while the date is that of the line before."""
        date = f"{self._times.local(ts):%Y-%m-%d %Z}"
        if date == self._date:
            return ""
        self._date = date
        return f"-- {date} --\n"


MIN_SECRET = 6
"""A shorter word is no secret, and cutting it out would leave no line readable."""


class StructuredLog:
    """The sinks of one process. `write` is called off the trading path, by the trade logger's task.

    A sink that cannot be written costs lines, never more: the first one lost and the end of the losses are entries of
    their own, handed to `report_to`'s receiver, or written to the sinks that are left.
    """

    def __init__(
        self,
        *,
        level: Level,
        style: str = "auto",
        file: LogFile | None = None,
        secrets: Collection[str] = (),
        stream: Any = None,
    ) -> None:
        # In a line of JSON a secret with a quote or a backslash in it is spelt another way.
        spellings = {
            spelling for secret in secrets for spelling in (secret, msgspec.json.encode(secret)[1:-1].decode())
        }
        self._secrets = tuple(
            sorted((spelling for spelling in spellings if len(spelling) >= MIN_SECRET), key=len, reverse=True)
        )
        self._sinks: list[LogStream | LogFile] = []
        self._receiver: Callable[[LogEntry], None] | None = None
        logger.remove()
        output = stream if stream is not None else sys.stdout
        if output is not None:  # a process may be started with its standard output closed
            self._add_stream(output, level, style)
        self._file = file
        if file is not None:
            self._sinks.append(file)

            def to_file(message: "Message") -> None:
                file.write(f"{self.redact(render_json(_entry_of(message.record)))}\n")

            logger.add(to_file, level=level.value, format="{message}", catch=False, diagnose=False, backtrace=False)
        intercept = _InterceptHandler(time.time_ns, self.write)
        logging.basicConfig(handlers=[intercept], level=logging.WARNING, force=True)

    def _add_stream(self, output: Any, level: Level, style: str) -> None:
        terminal = output.isatty()
        as_text = style == "text" or (style == "auto" and terminal)
        in_journal = not terminal and "JOURNAL_STREAM" in os.environ
        colour = as_text and terminal and "NO_COLOR" not in os.environ
        sink = LogStream(output)
        self._sinks.append(sink)
        times = Times.of_operator()
        dates = DatedLines(times)

        def to_stream(message: "Message") -> None:
            entry = _entry_of(message.record)
            if as_text:
                line = f"{dates.heading(entry.ts)}{render_text(entry, times, colour=colour)}"
            else:
                line = render_json(entry)
            prefix = f"<{_PRIORITY[entry.level]}>" if in_journal else ""
            sink.write(f"{prefix}{self.redact(line)}\n")

        logger.add(to_stream, level=level.value, format="{message}", catch=False, diagnose=False, backtrace=False)

    def report_to(self, receiver: Callable[[LogEntry], None]) -> None:
        """Hand what happens to the sinks to somebody who writes it here and elsewhere."""
        self._receiver = receiver

    def reopen(self) -> None:
        """Open the log file anew before its next line."""
        if self._file is not None:
            self._file.reopen()

    def close(self) -> None:
        """Hand over what a slow reader has not taken yet, within a bound."""
        for sink in self._sinks:
            sink.close()

    def redact(self, line: str) -> str:
        """Cut every secret out of a text."""
        for secret in self._secrets:
            line = line.replace(secret, "********")
        return line

    def write(self, entry: LogEntry) -> None:
        """Send one entry to every sink."""
        logger.bind(entry=entry).log(entry.level.value, "{}", entry.message)
        for sink in self._sinks:
            if (news := sink.losses.take_news()) is not None:
                (self._receiver or self.write)(_entry_about(news))


def _entry_of(record: "Record") -> LogEntry:
    entry = record["extra"]["entry"]
    assert isinstance(entry, LogEntry)
    return entry


def _entry_about(news: News) -> LogEntry:
    return LogEntry(
        ts=time.time_ns(),
        level=Level.WARNING if news.is_good else Level.ERROR,
        event=LogEvent.LOG_WRITABLE if news.is_good else LogEvent.LOG_UNWRITABLE,
        module="structured_log",
        message=news.message,
        details={"lines_lost": news.lost} if news.lost else {},
    )


class _InterceptHandler(logging.Handler):
    """Carry the standard library's log records over."""

    def __init__(self, now_ns: Callable[[], int], write: Callable[[LogEntry], None]) -> None:
        super().__init__()
        self._now_ns = now_ns
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        details: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            details["exception"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        self._write(
            LogEntry(
                ts=self._now_ns(),
                level=level,
                event=LogEvent.LIBRARY_MESSAGE,
                module=record.name.split(".")[0],
                message=record.getMessage(),
                details=details,
            )
        )
