"""CSV files as feeds."""

import asyncio
import gzip
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.feeds.recording import RecordingSink
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, DataDefect, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.errors import FeedError, SourceMissing, UsageError
from tradingd.feeds.base import FeedState
from tradingd.feeds.file import FileFeed
from tradingd.feeds.rows import COLUMNS

AAPL = Symbol("AAPL")
T0 = 1_700_000_000_000_000_000
QUOTES = "timestamp_ns,bid,ask,bid_size,ask_size\n"
TRADES = "timestamp_ns,price,size\n"
BARS = "timestamp,open,high,low,close,volume\n"


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    raw = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def events(feed: FileFeed) -> list[MarketDataEvent]:
    return [event for event, _ in feed.read() if event is not None]


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz"])
def test_quotes_are_read_in_order_with_their_rows(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"{QUOTES}{T0},10,10.5,100,\n{T0 + 1},,11,,7\n", name)
    rows = list(FileFeed(path, AAPL, "quotes").read())
    assert rows == [
        (QuoteTick(symbol=AAPL, bid=10, ask=10.5, bid_size=100, ask_size=0, ts_event=T0, ts_recv=T0), 1),
        (QuoteTick(symbol=AAPL, bid=0, ask=11, bid_size=0, ask_size=7, ts_event=T0 + 1, ts_recv=T0 + 1), 2),
    ]


def test_trades_are_read(tmp_path: Path) -> None:
    feed = FileFeed(write(tmp_path, f"{TRADES}{T0},10.25,3\n"), AAPL, "trades")
    assert events(feed) == [TradeTick(symbol=AAPL, price=10.25, size=3, ts_event=T0, ts_recv=T0)]


def test_bars_are_delivered_at_their_close(tmp_path: Path) -> None:
    feed = FileFeed(write(tmp_path, f"{BARS}1970-01-01T00:01:00Z,1,4,0.5,2,\n"), AAPL, "bars")
    (bar,) = events(feed)
    assert isinstance(bar, PriceBar)
    assert (bar.ts_open, bar.interval_ns, bar.ts_event) == (MINUTE_NS, MINUTE_NS, 2 * MINUTE_NS)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1, 4, 0.5, 2, 0)


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_newline_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeff" + f"{TRADES}{T0},10,\n{T0},11,2".replace("\n", "\r\n")
    feed = FileFeed(write(tmp_path, text), AAPL, "trades")
    assert [event.price for event in events(feed) if isinstance(event, TradeTick)] == [10, 11]


def test_a_row_that_does_not_decode_is_told_by_its_number_and_the_rest_is_read(tmp_path: Path) -> None:
    text = f"{TRADES}{T0},10,1\n{T0},ten,1\n\n{T0},10\nnow,10,1\n{T0},1_0,1\n-5,10,1\n{T0},12,1\n"
    feed = FileFeed(write(tmp_path, text), AAPL, "trades")
    assert [row for event, row in feed.read() if event is None] == [2, 4, 5, 6, 7]
    assert [row for event, row in feed.read() if event is not None] == [1, 8]
    assert [row for _, row, _ in feed.malformed()] == [2, 4, 5, 6, 7]
    assert "2 fields where 3 are due" in feed.malformed()[1][2]


def test_numbers_without_sense_are_for_the_data_handler_to_judge(tmp_path: Path) -> None:
    feed = FileFeed(write(tmp_path, f"{TRADES}{T0},nan,1\n{T0},-5,1\n"), AAPL, "trades")
    first, second = events(feed)
    assert isinstance(first, TradeTick) and math.isnan(first.price)
    assert isinstance(second, TradeTick) and second.price == -5


def test_bytes_that_are_no_text_make_a_malformed_row(tmp_path: Path) -> None:
    feed = FileFeed(write(tmp_path, TRADES.encode() + b"\xff\xfe\x00,1,1\n" + f"{T0},1,1\n".encode()), AAPL, "trades")
    assert [row for event, row in feed.read() if event is None] == [1]


def test_a_missing_file_is_a_missing_source(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"gone\.csv"):
        list(FileFeed(tmp_path / "gone.csv", AAPL, "trades").read())


@pytest.mark.parametrize("text", ["", TRADES, "time,price\n", f"{T0},1,2,3,4\n"])
def test_a_header_of_another_layout_names_the_columns_that_are_due(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="timestamp_ns,bid,ask,bid_size,ask_size"):
        list(FileFeed(write(tmp_path, text), AAPL, "quotes").read())


def test_a_truncated_archive_delivers_what_it_has_and_says_where_it_ends(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + index * 7919},{100 + index % 97},{index}\n" for index in range(20_000))
    whole = gzip.compress((TRADES + rows).encode())
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    read = 0
    with pytest.raises(FeedError, match=r"break off after row \d+") as caught:
        for _, row in FileFeed(path, AAPL, "trades").read():
            read = row
    assert 1000 < read < 20_000
    assert f"after row {read}:" in str(caught.value)


def test_a_corrupt_archive_is_a_feed_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(b"\x1f\x8b" + b"no archive at all" * 9)
    with pytest.raises(FeedError):
        list(FileFeed(path, AAPL, "trades").read())


async def test_as_fast_as_possible_delivers_all_and_ends(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + index * 10**12},{100 + index},1\n" for index in range(500))
    feed = FileFeed(write(tmp_path, f"{TRADES}{rows}{T0},x,1\n"), AAPL, "trades", speed=None)
    sink = RecordingSink()
    await feed.run(sink)
    assert [row for _, row in sink.events] == list(range(1, 501))
    assert sink.rejected[0][:3] == (AAPL, DataDefect.MALFORMED, 501)
    assert sink.states == [FeedState.UP, FeedState.ENDED]
    assert "500 events, 1 left out" in sink.statuses[-1].detail


async def test_a_fast_file_lets_the_rest_of_the_program_run(tmp_path: Path) -> None:
    rows = f"{T0},100,1\n" * 2000
    feed = FileFeed(write(tmp_path, TRADES + rows), AAPL, "trades", speed=None)
    sink = RecordingSink()
    seen: list[int] = []

    async def watch() -> None:
        while len(sink.events) < 2000:
            seen.append(len(sink.events))
            await asyncio.sleep(0)

    await asyncio.gather(feed.run(sink), watch())
    assert len(seen) >= 10


async def test_a_file_waits_until_there_is_room(tmp_path: Path) -> None:
    feed = FileFeed(write(tmp_path, f"{TRADES}{T0},1,1\n"), AAPL, "trades", speed=None)
    sink = RecordingSink()
    sink.room.clear()
    task = asyncio.create_task(feed.run(sink))
    await sink.until(lambda: sink.states == [FeedState.UP])
    assert sink.events == []
    sink.room.set()
    await task
    assert len(sink.events) == 1


async def test_the_pace_follows_the_times_of_the_events_and_long_gaps_are_cut(tmp_path: Path) -> None:
    ms = 1_000_000
    times = [T0, T0 + 4000 * ms, T0 + 4000 * ms, T0 + 86_400_000 * ms, T0 + 86_404_000 * ms]
    text = TRADES + "".join(f"{ts},1,1\n" for ts in times)
    feed = FileFeed(write(tmp_path, text), AAPL, "trades", speed=100, max_wait_s=0.1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.wait_for(feed.run(RecordingSink()), 10)
    assert 0.17 <= loop.time() - began < 5  # 40 ms, 0, 100 ms instead of 864 s, 40 ms


async def test_a_restart_after_a_failure_repeats_no_row(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + index * 7919},{100 + index % 97},{index}\n" for index in range(20_000))
    whole = gzip.compress((TRADES + rows).encode())
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    feed, sink = FileFeed(path, AAPL, "trades", speed=None), RecordingSink()
    with pytest.raises(FeedError):
        await feed.run(sink)
    read = len(sink.events)
    path.write_bytes(whole)
    await feed.run(sink)
    assert 0 < read < 20_000
    assert [row for _, row in sink.events] == list(range(1, 20_001))


FIELD = st.one_of(
    st.text(max_size=6), st.floats().map(str), st.integers().map(str), st.sampled_from(["", "nan", str(T0), '"'])
)
LINE = st.one_of(st.text(max_size=30), st.lists(FIELD, max_size=7).map(",".join)).map(
    lambda line: line.replace("\n", "").replace("\r", "")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=12), schema=st.sampled_from(sorted(COLUMNS)), zipped=st.booleans())
def test_no_line_stops_the_reading_and_every_line_is_accounted_for(
    folder: Path, lines: list[str], schema: str, zipped: bool
) -> None:
    text = "\n".join([",".join(COLUMNS[schema]), *lines]) + "\n"
    raw = text.encode(errors="surrogatepass")
    path = folder / "fuzz.csv"
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    feed = FileFeed(path, AAPL, schema)
    rows = list(feed.read())
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()}
    assert [row for _, row in rows] == [number for number in range(1, len(lines) + 1) if number not in blank]
    assert [row for event, row in rows if event is None] == [row for _, row, _ in feed.malformed()]
