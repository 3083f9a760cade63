"""What the doctor makes of feeds: streams on loopback that follow a script, and files."""

import gzip
import time
from http import HTTPStatus
from pathlib import Path

import pytest
from tests.brokers.alpaca.market_data_server import MarketDataServer, Script, Session, forever, market_data_server, stay
from tests.tools.doctor.examining import FEED, STRATEGY, examined, finding
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.core.timestamps import format_timestamp
from tradingd.tools.doctor.findings import Finding, Verdict
from tradingd.tools.doctor.report import exit_code_of

OPEN = 1_767_632_400 * NS_PER_SECOND
"""2026-01-05 12:00 in New York, a Monday."""


def quotes(age_ns: int) -> Script:
    """Log the client in and show one quote of this age."""

    async def script(session: Session) -> None:
        await session.log_in()
        at = format_timestamp(time.time_ns() - age_ns)
        await session.send({"T": "q", "S": "AAPL", "bp": 10.0, "bs": 100, "ap": 10.5, "as": 200, "c": ["R"], "t": at})
        await stay(session)

    return script


async def complain(session: Session) -> None:
    """Refuse the keys."""
    await session.greet()
    await session.send({"T": "error", "code": 402, "msg": "auth failed"})
    await stay(session)


async def ask(server: MarketDataServer, folder: Path, *, now: int = OPEN, channels: str = '["quotes"]') -> Finding:
    """Ask about a stream of AAPL at a moment of our own choice; the answer is waited for half a second."""
    feed = (
        f'[[data.feeds]]\nkind = "alpaca"\nurl = "{server.url}"\nsymbols = ["AAPL"]\nchannels = {channels}\n'
        'api_key = "key"\napi_secret = "secret"\n'
    )
    return finding(await examined(folder, feed, within_s=0.5, clock=lambda: now), "alpaca:v2/iex")


async def test_live_prices_pass(tmp_path: Path) -> None:
    async with market_data_server(quotes(0)) as server:
        told = await ask(server, tmp_path)
    assert told.verdict is Verdict.OK
    assert "live prices of every symbol" in told.text


async def test_delayed_prices_are_a_warning_with_the_delay(tmp_path: Path) -> None:
    async with market_data_server(quotes(15 * MINUTE_NS)) as server:
        told = await ask(server, tmp_path)
    assert told.verdict is Verdict.WARNING
    assert "delayed by 15 minutes" in told.text


async def test_a_stream_that_is_mute_while_the_exchange_is_open_is_a_warning(tmp_path: Path) -> None:
    async with market_data_server(forever) as server:
        told = await ask(server, tmp_path)
    assert told.verdict is Verdict.WARNING
    assert "within 0.5 s nothing came of AAPL" in told.text


async def test_of_a_stream_of_bars_a_minute_is_the_least_to_wait(tmp_path: Path) -> None:
    async with market_data_server(forever) as server:
        assert "more than a minute" in (await ask(server, tmp_path, channels='["bars"]')).remedy


async def test_no_price_is_waited_for_while_the_exchange_is_closed(tmp_path: Path) -> None:
    async with market_data_server(forever) as server:
        told = await ask(server, tmp_path, now=OPEN - DAY_NS)
    assert told.verdict is Verdict.OK
    assert "the exchange is closed until 2026-01-05T14:30Z" in told.text


async def test_keys_that_a_stream_refuses_end_with_the_code_for_them(tmp_path: Path) -> None:
    async with market_data_server(complain) as server:
        feed = f'[[data.feeds]]\nkind = "alpaca"\nurl = "{server.url}"\nsymbols = ["AAPL"]\n'
        text = feed + 'api_key = "key"\napi_secret = "secret"\n'
        examination = await examined(tmp_path, text, within_s=5, clock=lambda: OPEN)
    assert finding(examination, "alpaca:v2/iex").verdict is Verdict.FAILED
    assert exit_code_of(examination) == 4


async def test_a_stream_that_never_comes_up_fails_with_the_reason(tmp_path: Path) -> None:
    async with market_data_server(forever, statuses=[HTTPStatus.BAD_GATEWAY] * 9) as server:
        told = await ask(server, tmp_path)
    assert told.verdict is Verdict.FAILED
    assert "has not connected within 0.5 s: server rejected WebSocket connection: HTTP 502" in told.text


BARS = "timestamp,open,high,low,close,volume\n"
GOOD = "2026-03-02T14:30:00Z,1,2,1,2,9\n"
FILES = {
    # content -> verdict, words
    "right": (BARS + GOOD, Verdict.OK, "its first 1 bars can be used"),
    "of another schema": ("timestamp_ns,price,size\n", Verdict.FAILED, "starts with timestamp,open,high,low"),
    "without a row": (BARS, Verdict.FAILED, "a header and no rows"),
    "empty": ("", Verdict.FAILED, "this one with nothing"),
    "with a row that cannot be read": (BARS + GOOD + "noon,1,1,1,1,1\n", Verdict.WARNING, "1 of its first 2 rows"),
    "with a row that makes no sense": (BARS + GOOD + GOOD.replace(",2,1,2,", ",1,2,2,"), Verdict.WARNING, "1 of its"),
    "of which nothing can be read": (BARS + "a,b\n", Verdict.FAILED, "none of its rows can be used"),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_opened_and_read(name: str, tmp_path: Path) -> None:
    content, verdict, words = FILES[name]
    (tmp_path / "bars.csv").write_text(content)
    feed = '[[data.feeds]]\nkind = "file"\npath = "bars.csv"\nsymbol = "AAPL"\nschema = "bars"\n'
    told = finding(await examined(tmp_path, feed), "file:bars.csv")
    assert (told.verdict, words in told.text) == (verdict, True), told


async def test_a_zipped_file_that_was_cut_fails(tmp_path: Path) -> None:
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress((BARS + GOOD).encode())[:-12])
    feed = '[[data.feeds]]\nkind = "file"\npath = "bars.csv.gz"\nsymbol = "AAPL"\nschema = "bars"\n'
    told = finding(await examined(tmp_path, feed), "file:bars.csv.gz")
    assert (told.verdict, "break off" in told.text) == (Verdict.FAILED, True)


async def test_an_invented_market_is_heard_at_any_hour(tmp_path: Path) -> None:
    examination = await examined(tmp_path, FEED + STRATEGY, clock=lambda: OPEN - DAY_NS)
    assert finding(examination, "synthetic:1").verdict is Verdict.OK


async def test_no_feed_is_a_warning(tmp_path: Path) -> None:
    assert finding(await examined(tmp_path, ""), "feeds").verdict is Verdict.WARNING
