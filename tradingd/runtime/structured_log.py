"""Rendering log entries: JSON lines for programs, short lines for people, through loguru's sinks.

The only way into the log is a `LogEntry`, so no line lacks an `event`. Tracebacks are rendered without values of
variables (`diagnose` stays off): a value may be a secret. Messages of libraries that use the standard `logging` come in
as `library.message`.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from loguru import logger

from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.market import NS_PER_SECOND

if TYPE_CHECKING:
    from loguru import Message, Record

_IDS = ("strategy_id", "client_order_id", "venue_order_id", "execution_id", "symbol", "trace_id")
_PRIORITY = {Level.DEBUG: 7, Level.INFO: 6, Level.WARNING: 4, Level.ERROR: 3, Level.CRITICAL: 2}
_COLOURS = {Level.DEBUG: "2", Level.INFO: "32", Level.WARNING: "33", Level.ERROR: "31", Level.CRITICAL: "1;31"}


def rfc3339(ts_ns: int) -> str:
    """Nanoseconds UTC as RFC 3339 with nine fractional digits."""
    seconds, fraction = divmod(ts_ns, NS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


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


def render_text(entry: LogEntry, *, colour: bool = False) -> str:
    """One line for a person: time of day, level, event, message, ids and details."""
    clock = datetime.fromtimestamp(entry.ts // NS_PER_SECOND, UTC).strftime("%H:%M:%S")
    level = f"{entry.level.value:<8}"
    event = f"{entry.event.value:<22}"
    if colour:
        level = f"\033[{_COLOURS[entry.level]}m{level}\033[0m"
        event = f"\033[1m{event}\033[0m"
    ids = {name: getattr(entry, name) for name in _IDS if getattr(entry, name) is not None}
    details = " ".join(f"{key}={_text(value)}" for key, value in (ids | entry.details).items())
    return (
        f"{clock}.{entry.ts // 1_000_000 % 1000:03d} {level} {event} {entry.message}{'  ' + details if details else ''}"
    )


def _text(value: object) -> object:
    return _plain(value) if isinstance(value, Decimal) else value


LEAST_SECRET = 6
"""A shorter word is no secret, and cutting it out would leave no line readable."""


class StructuredLog:
    """The sinks of one process. `write` is called off the trading path, by the trade logger's task."""

    def __init__(
        self,
        *,
        level: Level,
        style: str = "auto",
        file: Path | None = None,
        secrets: Collection[str] = (),
        stream: Any = None,
    ) -> None:
        # In a line of JSON a secret with a quote or a backslash in it is spelt another way.
        spellings = {
            spelling for secret in secrets for spelling in (secret, msgspec.json.encode(secret)[1:-1].decode())
        }
        self._secrets = tuple(
            sorted((spelling for spelling in spellings if len(spelling) >= LEAST_SECRET), key=len, reverse=True)
        )
        output = stream if stream is not None else sys.stdout
        terminal = output.isatty()
        as_text = style == "text" or (style == "auto" and terminal)
        in_journal = not terminal and "JOURNAL_STREAM" in os.environ
        colour = as_text and terminal and "NO_COLOR" not in os.environ

        def to_stream(message: "Message") -> None:
            entry = _entry_of(message.record)
            line = render_text(entry, colour=colour) if as_text else render_json(entry)
            prefix = f"<{_PRIORITY[entry.level]}>" if in_journal else ""
            output.write(f"{prefix}{self.redact(line)}\n")
            output.flush()

        logger.remove()
        logger.add(to_stream, level=level.value, format="{message}", catch=False, diagnose=False, backtrace=False)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)

            def in_file(record: "Record") -> str:
                record["extra"]["line"] = self.redact(render_json(_entry_of(record)))
                return "{extra[line]}\n"

            logger.add(
                file,
                level=level.value,
                format=in_file,
                rotation="50 MB",
                retention=10,
                catch=False,
                diagnose=False,
                backtrace=False,
            )
        intercept = _InterceptHandler(time.time_ns)
        logging.basicConfig(handlers=[intercept], level=logging.WARNING, force=True)

    def redact(self, line: str) -> str:
        """Cut every secret out of a text."""
        for secret in self._secrets:
            line = line.replace(secret, "********")
        return line

    @staticmethod
    def write(entry: LogEntry) -> None:
        """Send one entry to every sink."""
        logger.bind(entry=entry).log(entry.level.value, "{}", entry.message)


def _entry_of(record: "Record") -> LogEntry:
    entry = record["extra"]["entry"]
    assert isinstance(entry, LogEntry)
    return entry


class _InterceptHandler(logging.Handler):
    """Carry the standard library's log records over."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        super().__init__()
        self._now_ns = now_ns

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        details: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            details["exception"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        StructuredLog.write(
            LogEntry(
                ts=self._now_ns(),
                level=level,
                event=LogEvent.LIBRARY_MESSAGE,
                module=record.name.split(".")[0],
                message=record.getMessage(),
                details=details,
            )
        )
