"""A CSV or CSV.gz file as a feed, paced by its own times or as fast as the reader is.

Owns: the open file and the pace. Emits: the file's rows as events in file order, `ts_recv` equal to `ts_event` because
nobody received them when they happened. Row 1 is the first line after the header; blank lines are skipped and count.
A row that does not decode is reported and left out; a source that ends badly raises `FeedError`.
"""

import asyncio
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, DataDefect, MarketDataEvent
from tradingd.errors import FeedError, SourceMissing, UsageError
from tradingd.feeds.base import FeedState, FeedStatus, MarketDataSink
from tradingd.feeds.rows import COLUMNS, row_parser

_GZIP_MAGIC = b"\x1f\x8b"
_REMEMBERED = 10_000
_EVENTS_PER_YIELD = 64
_SHORTEST_SLEEP_S = 0.001
_DETAIL_LIMIT = 120
_CHUNK_BYTES = 1 << 17


class FileFeed:
    """One file of one symbol's quotes, trades or bars.

    `speed` is a multiple of real time, or None for as fast as the sink has room. A wait longer than `max_wait_s` (a
    night, a weekend) is cut to that.
    """

    realtime = False

    def __init__(
        self,
        path: Path,
        symbol: Symbol,
        schema: str,
        *,
        interval_ns: int = MINUTE_NS,
        speed: float | None = 1.0,
        max_wait_s: float = 300.0,
    ) -> None:
        self.name = f"file:{path.name}"
        self.symbols = (symbol,)
        self._path = path
        self._symbol = symbol
        self._schema = schema
        self._parse = row_parser(schema, symbol, interval_ns)
        self._speed = speed
        self._max_wait_s = max_wait_s
        self._malformed: deque[tuple[Symbol, int, str]] = deque(maxlen=_REMEMBERED)
        self._last_row = 0

    def malformed(self) -> Sequence[tuple[Symbol, int, str]]:
        """Rows that did not decode in the latest reading: the last 10,000 of them, newest last."""
        return self._malformed

    def read(self) -> Iterator[tuple[MarketDataEvent | None, int]]:
        """Yield every event with its row, in file order; None stands for a row that did not decode.

        Raises `SourceMissing`, `UsageError` for a header of another layout, and `FeedError` where the data break off.
        """
        self._malformed.clear()
        row = 0
        with self._open() as file:
            try:
                lines = _lines(file)
                self._check_header(next(lines, ""))
                # What follows runs once for every row of a replay.
                parse = self._parse
                for text in lines:
                    row += 1
                    try:
                        # int() and float() take 1_000 for a number, which no file means.
                        event = parse(text) if "_" not in text else None
                    except (ValueError, OverflowError):
                        event = None
                    if event is None:
                        if not text.strip():
                            continue
                        self._malformed.append((self._symbol, row, self._complaint(text)))
                    yield event, row
            except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
                raise FeedError(f"{self._path}: the data break off after row {row}: {error}") from error

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver the whole file at its pace, then return; after a failure it goes on behind the last row."""
        sink.feed_status(self._status(FeedState.UP, f"reading {self._path}"))
        loop = asyncio.get_running_loop()
        speed = self._speed
        offset: float | None = None
        count = 0
        for event, row in self.read():
            if row <= self._last_row:
                continue
            if event is None:
                self._last_row = row
                symbol, _, detail = self._malformed[-1]
                sink.reject(symbol, DataDefect.MALFORMED, row, detail)
                continue
            if speed is not None:
                due = event.ts_event / NS_PER_SECOND / speed
                now = loop.time()
                offset = now - due if offset is None else offset
                wait = due + offset - now
                if wait > self._max_wait_s:
                    offset -= wait - self._max_wait_s
                    wait = self._max_wait_s
                if wait >= _SHORTEST_SLEEP_S:
                    await asyncio.sleep(wait)
            await sink.ready()
            self._last_row = row
            sink.ingest(event, row)
            count += 1
            if count % _EVENTS_PER_YIELD == 0:  # `ready` need not suspend, and the rest of the daemon must run
                await asyncio.sleep(0)
        left_out = f", {len(self._malformed)} left out" if self._malformed else ""
        sink.feed_status(self._status(FeedState.ENDED, f"end of {self._path}: {count} events{left_out}"))

    def _status(self, state: FeedState, detail: str) -> FeedStatus:
        return FeedStatus(feed=self.name, state=state, detail=detail, symbols=self.symbols)

    def _open(self) -> io.BufferedIOBase:
        try:
            with self._path.open("rb") as raw:
                zipped = raw.read(2) == _GZIP_MAGIC
            return gzip.open(self._path, "rb") if zipped else self._path.open("rb")
        except OSError as error:
            raise SourceMissing(f"{self._path}: cannot read the data file: {error.strerror}") from error

    def _check_header(self, line: str) -> None:
        found = line.strip().lstrip("\ufeff")
        expected = ",".join(COLUMNS[self._schema])
        if found != expected:
            shown = found[:_DETAIL_LIMIT] or "nothing"
            raise UsageError(f"{self._path}:1: a file of {self._schema} starts with {expected}, this one with {shown}")

    def _complaint(self, text: str) -> str:
        columns = COLUMNS[self._schema]
        fields = text.split(",")
        if len(fields) != len(columns):
            return f"{len(fields)} fields where {len(columns)} are due: {text[:_DETAIL_LIMIT]!r}"
        return f"not {', '.join(columns)}: {text[:_DETAIL_LIMIT]!r}"


def _lines(file: io.BufferedIOBase) -> Iterator[str]:
    """Yield lines without their ends; twice as fast as the file's own iteration.

    What was read before the data broke off is yielded before the error is raised. What is not UTF-8 becomes a sign
    that no number has, and its row malformed.
    """
    rest = b""
    while chunk := file.read1(_CHUNK_BYTES):
        whole, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest += chunk
            continue
        yield from (rest + whole).replace(b"\r\n", b"\n").removesuffix(b"\r").decode(errors="replace").split("\n")
        rest = tail
    if rest:
        yield rest.decode(errors="replace").rstrip("\r")
