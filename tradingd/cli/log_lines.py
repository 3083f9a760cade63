"""Lines of the structured log, read back: which are wanted, and how a person sees them. Pure."""

from fnmatch import fnmatchcase
from typing import Any

import msgspec

from tradingd.core.log import SEVERITY, Level, LogEntry
from tradingd.feeds.timestamps import parse_timestamp
from tradingd.runtime.structured_log import render_text

_RANK = {level.value: rank for level, rank in SEVERITY.items()}
_IDS = ("strategy_id", "client_order_id", "symbol")
"""Ids that a person is shown; the others are in the JSON lines."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line; a word that this version does not know is not an error."""

    ts: str
    level: str
    event: str
    module: str = ""
    message: str = ""
    strategy_id: str | None = None
    client_order_id: str | None = None
    symbol: str | None = None
    details: dict[str, Any] = {}

    @property
    def ts_ns(self) -> int:
        """Time in nanoseconds UTC."""
        return parse_timestamp(self.ts)


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator asked to see; None and an empty tuple ask for nothing in particular."""

    events: tuple[str, ...] = ()
    strategy: str | None = None
    order: str | None = None
    least_level: str = Level.DEBUG.value
    since_ns: int | None = None

    def admits(self, line: LogLine) -> bool:
        """Judge one line."""
        return (
            (not self.events or any(fnmatchcase(line.event, pattern) for pattern in self.events))
            and self.strategy in (None, line.strategy_id)
            and self.order in (None, line.client_order_id)
            # A level that is not known is shown rather than hidden.
            and _RANK.get(line.level, len(_RANK)) >= _RANK[self.least_level]
            and (self.since_ns is None or line.ts_ns >= self.since_ns)
        )


_decoder = msgspec.json.Decoder(LogLine)


def read_line(text: str) -> LogLine | None:
    """Decode one line; None for what is not a line of the log."""
    try:
        line = _decoder.decode(text)
        parse_timestamp(line.ts)
    except (msgspec.MsgspecError, ValueError):
        return None
    return line


def show_line(line: LogLine) -> str:
    """One line for a person: the date, then as the daemon prints to a terminal, the ids among the details."""
    ids = {name: value for name in _IDS if (value := getattr(line, name)) is not None}
    details = {**ids, **line.details}
    try:
        entry = msgspec.convert(
            {
                "ts": line.ts_ns,
                "level": line.level,
                "event": line.event,
                "module": line.module,
                "message": line.message,
            },
            LogEntry,
        )
    except msgspec.ValidationError:
        pairs = " ".join(f"{key}={value}" for key, value in details.items())
        return f"{line.ts[:10]} {line.ts[11:23]} {line.level:<8} {line.event:<22} {line.message}  {pairs}".rstrip()
    return f"{line.ts[:10]} {render_text(msgspec.structs.replace(entry, details=details))}"
