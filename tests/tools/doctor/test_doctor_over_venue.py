"""The doctor against real paper venues: nothing is ordered, and nothing is written."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.cli.command_line import past
from tests.tools.doctor.examining import FEED, RISK, STRATEGY, alpaca, examined, finding, verdicts
from tests.tools.doctor.journals import write_entries
from tests.venue.running_venue import KEYS
from tradingd.core.identifiers import Symbol
from tradingd.core.market import QuoteTick
from tradingd.journal.segments import JournalLock
from tradingd.settings.paths import StatePaths
from tradingd.settings.venue import VenueSettings
from tradingd.tools.doctor.findings import Verdict
from tradingd.tools.doctor.report import exit_code_of
from tradingd.venue.server import PaperVenue

AAPL = Symbol("AAPL")


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[PaperVenue]:
    running = PaperVenue(
        VenueSettings(),
        database=tmp_path / "venue.db",
        symbols=[AAPL, Symbol("BTC/USD")],
        clock=time.time_ns,
        log=lambda _level, _event, _message, _details: None,
    )
    await running.start()
    yield running
    await running.stop()


async def truth(venue: PaperVenue, path: str) -> Any:
    async with aiohttp.ClientSession(headers=KEYS) as session, session.get(venue.base_url + path) as answer:
        return await answer.json()


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below a folder: its mode, when it was written, and what is in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in files
    }


def streaming(venue: PaperVenue) -> str:
    feed = f'[[data.feeds]]\nkind = "alpaca"\nurl = "{venue.data_stream_url}"\nsymbols = ["AAPL"]\n'
    return alpaca(venue.base_url, key="paper", secret="paper-secret") + feed + STRATEGY + RISK


async def quoting(venue: PaperVenue) -> None:
    """Show a bid and an offer over and over, since a stream has no memory."""
    while True:
        now = time.time_ns()
        venue.on_market_data(
            QuoteTick(symbol=AAPL, bid=99.0, ask=100.0, bid_size=1.0, ask_size=1.0, ts_event=now, ts_recv=now)
        )
        await asyncio.sleep(0.01)


async def test_everything_is_asked_of_a_venue_and_no_order_reaches_it(venue: PaperVenue, tmp_path: Path) -> None:
    market = asyncio.create_task(quoting(venue))
    try:
        # By day a price is waited for, by night the stream alone: the feed is in order either way.
        examination = await examined(tmp_path, streaming(venue))
    finally:
        market.cancel()
    assert verdicts(examination, Verdict.FAILED) == []
    assert finding(examination, "venue's clock").verdict is Verdict.OK
    assert finding(examination, "alpaca:v2/iex").verdict is Verdict.OK
    assert await truth(venue, "/v2/orders?status=all") == []
    assert await truth(venue, "/v2/positions") == []


async def test_the_wrong_secret_is_refused_by_venue_and_feed(venue: PaperVenue, tmp_path: Path) -> None:
    examination = await examined(tmp_path, streaming(venue).replace("paper-secret", "wrong"))
    assert finding(examination, "keys").verdict is Verdict.FAILED
    assert finding(examination, "alpaca:v2/iex").verdict is Verdict.FAILED
    assert exit_code_of(examination) == 4


async def test_the_built_in_venue_is_started_apart_and_the_state_stays_byte_for_byte(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "state")
    write_entries(paths, *past())
    (paths.state_dir / "venue.db").write_bytes(b"the account of the built-in venue")
    (paths.state_dir / "tradingd.db").write_bytes(b"the projection")
    before = contents(tmp_path / "state")
    examination = await examined(tmp_path, FEED + STRATEGY + RISK)
    assert verdicts(examination, Verdict.FAILED) == []
    assert contents(tmp_path / "state") == before
    assert "account A1" in finding(examination, "journal's account").text


async def test_a_state_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    examination = await examined(tmp_path, FEED + STRATEGY + RISK)
    assert exit_code_of(examination) == 0
    assert list(contents(tmp_path)) == ["test.toml"]


async def test_a_journal_whose_built_in_account_is_gone_fails(tmp_path: Path) -> None:
    write_entries(StatePaths(tmp_path / "state"), *past())
    told = finding(await examined(tmp_path, FEED + STRATEGY), "journal's account")
    assert (told.verdict, "is gone" in told.text) == (Verdict.FAILED, True)


async def test_a_running_daemon_is_a_warning_and_keeps_its_feeds_to_itself(venue: PaperVenue, tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "state")
    write_entries(paths)
    lock = JournalLock(paths.journal)
    (paths.journal / "00000001-2026-03-02.jsonl").touch()
    try:
        examination = await examined(tmp_path, streaming(venue))
    finally:
        lock.release()
    assert finding(examination, "daemon").verdict is Verdict.WARNING
    assert finding(examination, "alpaca:v2/iex").verdict is Verdict.NOT_CHECKED
    assert finding(examination, "venue").verdict is Verdict.OK
    assert exit_code_of(examination) == 0


async def test_offline_asks_nobody_and_says_so(tmp_path: Path) -> None:
    text = alpaca("http://127.0.0.1:9") + FEED + STRATEGY + RISK
    examination = await examined(tmp_path, text, offline=True)
    assert verdicts(examination, Verdict.NOT_CHECKED) == ["venue", "symbols", "feeds", "clocks"]
    assert exit_code_of(examination) == 0
    assert [row.share_pct for row in examination.limits] == [None] * len(examination.limits)


async def test_a_port_that_nobody_listens_on_is_told(tmp_path: Path) -> None:
    examination = await examined(tmp_path, alpaca("http://127.0.0.1:9") + FEED + STRATEGY + RISK)
    assert "no connection" in finding(examination, "venue").text
    assert exit_code_of(examination) == 1


async def test_what_the_venue_takes_of_each_symbol_is_listed(tmp_path: Path) -> None:
    strategy = STRATEGY.replace('["AAPL"]', '["AAPL", "BTC/USD"]')
    shares, pair = (await examined(tmp_path, FEED + strategy)).symbols
    assert (shares.symbol, shares.strategies, shares.asset_class) == ("AAPL", ("trend",), "EQUITY")
    assert shares.order_types["TRAILING_STOP"] == ["DAY", "GTC"]
    assert shares.extended_hours == {"LIMIT": ["DAY", "GTC"]}
    assert (pair.shortable, pair.order_types["MARKET"]) == (False, ["GTC", "IOC"])


async def test_limits_that_were_left_out_are_named_with_the_figure_that_holds(tmp_path: Path) -> None:
    examination = await examined(tmp_path, FEED + STRATEGY)
    assert finding(examination, "max_daily_loss").text.endswith("the built-in 1000 holds")
    assert finding(examination, "max_gross_exposure").verdict is Verdict.WARNING


async def test_every_limit_has_its_worth(tmp_path: Path) -> None:
    text = FEED + STRATEGY + "[strategies.risk]\nmax_order_value = 500\n" + RISK
    text += 'max_leverage = 2\n[risk.symbols."AAPL"]\nmax_position_quantity = 7\n'
    rows = {(row.scope, row.limit): row for row in (await examined(tmp_path, text)).limits}
    assert rows["account", "max_drawdown_pct"].money == 10_000
    assert rows["account", "max_drawdown_pct"].share_pct == 10
    assert rows["account", "max_leverage"].money == 200_000
    assert rows["account", "price_collar_pct"].money == 500
    assert rows["account", "max_orders_per_minute"].value == 120
    assert rows["trend", "max_order_value"].share_pct == Decimal("0.5")
    assert (rows["AAPL", "max_position_quantity"].unit, rows["AAPL", "max_position_quantity"].money) == ("units", None)
