"""Lines of the structured log, read back: which are wanted, and how a person sees them. Pure."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from tradingd.core.identifiers import names_order
from tradingd.core.log import SEVERITY, Level, LogEntry
from tradingd.core.timestamps import parse_timestamp
from tradingd.reporting.times import Times
from tradingd.service.structured_log import SHOWN_IDS, render_words, words_of

_RANK = {level.value: rank for level, rank in SEVERITY.items()}
MAX_SIGNALS = 10_000
"""Signals that are kept until an order tells that it is theirs."""


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
    trace_id: str | None = None
    details: dict[str, Any] = {}

    @property
    def ts_ns(self) -> int:
        """Time in nanoseconds UTC."""
        return parse_timestamp(self.ts)


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator asked to see; None and an empty tuple ask for nothing in particular.

    `order` is the whole id or its end, as `tradingd orders` shows it.
    """

    events: tuple[str, ...] = ()
    strategy: str | None = None
    symbol: str | None = None
    order: str | None = None
    min_level: str = Level.DEBUG.value
    since_ns: int | None = None
    until_ns: int | None = None

    def admits(self, line: LogLine) -> bool:
        """Judge one line."""
        return (
            (not self.events or any(fnmatchcase(line.event, pattern) for pattern in self.events))
            and self.strategy in (None, line.strategy_id)
            and self.symbol in (None, line.symbol)
            and (self.order is None or names_order(self.order, line.client_order_id))
            # A level that is not known is shown rather than hidden.
            and _RANK.get(line.level, len(_RANK)) >= _RANK[self.min_level]
            and (self.since_ns is None or line.ts_ns >= self.since_ns)
            and (self.until_ns is None or line.ts_ns < self.until_ns)
        )


def select(lines: Iterable[tuple[str, LogLine]], wanted: LogFilter) -> Iterator[tuple[str, LogLine]]:
    """The wanted lines with their text; before the first one of an order that was asked for, its signal."""
    if wanted.order is None:
        yield from (pair for pair in lines if wanted.admits(pair[1]))
        return
    signals: dict[str, tuple[str, LogLine]] = {}
    beside = msgspec.structs.replace(wanted, order=None)
    for text, line in lines:
        if line.client_order_id is None and line.trace_id is not None:
            signals[line.trace_id] = text, line
            if len(signals) > MAX_SIGNALS:
                del signals[next(iter(signals))]
        elif names_order(wanted.order, line.client_order_id):
            signal = signals.pop(line.trace_id or "", None)
            if signal is not None and beside.admits(signal[1]):
                yield signal
            if wanted.admits(line):
                yield text, line


_decoder = msgspec.json.Decoder(LogLine)


def read_line(text: str) -> LogLine | None:
    """Decode one line; None for what is not a line of the log."""
    try:
        line = _decoder.decode(text)
        parse_timestamp(line.ts)
    except (msgspec.MsgspecError, ValueError):
        return None
    return line


def show_line(line: LogLine, times: Times) -> str:
    """One line for a person: date, time and zone, then as the daemon prints to a terminal."""
    moment = f"{times.second(line.ts_ns)} {times.zone(line.ts_ns)}"
    ids = {name: value for name in SHOWN_IDS if (value := getattr(line, name)) is not None}
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
        pairs = " ".join(f"{key}={words_of(value)}" for key, value in details.items())
        return f"{moment} {line.level:<8} {line.event:<22} {line.message}  {pairs}".rstrip()
    return f"{moment} {render_words(msgspec.structs.replace(entry, details=details))}"
