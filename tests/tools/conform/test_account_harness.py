"""The cases on a user's account, which here is a venue that speaks like Alpaca and trades a pair around the clock."""

import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from tests.settings.writing import load
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, PriceBar, QuoteTick
from tradingd.errors import UsageError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.service.account_lock import AccountLock
from tradingd.settings.root import Settings
from tradingd.settings.venue import VenueSettings
from tradingd.tools.conform.account_harness import AccountHarness, account_harness
from tradingd.tools.conform.case import chosen
from tradingd.tools.conform.cases import EXECUTION
from tradingd.tools.conform.harness import kept
from tradingd.tools.conform.runner import Verdict, play_all
from tradingd.tools.conform.selection import INSIST, account_symbols, check_account, venue_symbols
from tradingd.venue.server import PaperVenue

BTC = Symbol("BTC/USD")
PRICE = 60_000.0
CONFIG = """\
[daemon]
state_dir = "state"

[broker]
kind = "alpaca"
account_kind = "{kind}"
base_url = "{url}"
stream_url = "{stream}"
data_url = "{url}"
api_key = "paper"
api_secret = "paper-secret"
requests_per_minute = 0

[[data.feeds]]
kind = "synthetic"
symbols = {symbols}
"""


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[PaperVenue]:
    """A venue that has a bar of an hour ago and a quote of now."""
    paper = PaperVenue(
        VenueSettings(rate_limit_per_minute=0),
        database=tmp_path / "venue.db",
        symbols=[BTC],
        clock=time.time_ns,
        log=lambda _level, _event, _message, _details: None,
    )
    await paper.start()
    now = time.time_ns()
    begin = now // MINUTE_NS * MINUTE_NS - 60 * MINUTE_NS
    bar = PriceBar(
        symbol=BTC,
        interval_ns=MINUTE_NS,
        ts_open=begin,
        open=PRICE,
        high=PRICE,
        low=PRICE,
        close=PRICE,
        volume=1.0,
        ts_event=begin + MINUTE_NS,
        ts_recv=begin + MINUTE_NS,
    )
    paper.on_market_data(bar)
    paper.on_market_data(
        QuoteTick(symbol=BTC, bid=PRICE - 5, ask=PRICE + 5, bid_size=9, ask_size=9, ts_event=now, ts_recv=now)
    )
    yield paper
    await paper.stop()


def settings(
    folder: Path, *, url: str = "", stream: str = "", kind: str = "paper", symbols: str = "['BTC/USD']"
) -> Settings:
    text = CONFIG.format(
        url=url or "http://127.0.0.1:9", stream=stream or "ws://127.0.0.1:9/stream", kind=kind, symbols=symbols
    )
    return load(folder, text).settings


async def test_every_case_holds_or_says_why_it_cannot_be_tried(venue: PaperVenue, tmp_path: Path) -> None:
    configured = settings(tmp_path, url=venue.base_url, stream=venue.stream_url)
    async with account_harness(configured, account_symbols(configured)) as harness:
        results = [result async for result in play_all([(partial(kept, harness), EXECUTION)], [], "t")]
    assert [result for result in results if result.verdict is Verdict.FAILED] == []
    assert sum(result.verdict is Verdict.HELD for result in results) >= 60
    moved = next(result for result in results if result.case == "E31")
    assert (moved.verdict, moved.reasons) == (Verdict.SKIPPED, ("the market cannot be moved here",))


async def test_the_account_is_left_as_it_was(venue: PaperVenue, tmp_path: Path) -> None:
    configured = settings(tmp_path, url=venue.base_url, stream=venue.stream_url)
    async with account_harness(configured, (BTC,)) as harness:
        cases = chosen(EXECUTION, ["E09", "E92"])
        results = [result async for result in play_all([(partial(kept, harness), cases)], [], "t")]
        adapter = harness.make_adapter(
            lambda event: None, lambda _: False, KillSwitch(), on_problem=lambda _, __: None, failure=lambda _: None
        )
        await adapter.connect([BTC])
        snapshot = await adapter.snapshot(0)
        await adapter.close()
    assert [result.verdict for result in results] == [Verdict.HELD, Verdict.HELD]
    assert snapshot.positions == ()
    assert len(snapshot.orders) > 20


async def test_an_account_that_a_daemon_trades_is_left_alone(venue: PaperVenue, tmp_path: Path) -> None:
    configured = settings(tmp_path, url=venue.base_url, stream=venue.stream_url)
    harness = AccountHarness(configured, (BTC,))
    adapter = harness.make_adapter(
        lambda event: None, lambda _: False, KillSwitch(), on_problem=lambda _, __: None, failure=lambda _: None
    )
    account = await adapter.connect([BTC])
    await adapter.close()
    lock = AccountLock("alpaca", account.account_id)
    try:
        with pytest.raises(UsageError, match="is traded by process"):
            async with account_harness(configured, (BTC,)):
                pass
    finally:
        lock.release()


def test_a_live_account_asks_for_the_sentence_word_for_word(tmp_path: Path) -> None:
    live = settings(tmp_path, kind="live")
    with pytest.raises(UsageError, match="live account"):
        check_account(live, None)
    for nearly in ("yes", INSIST.upper(), f"{INSIST} "):
        with pytest.raises(UsageError, match="word for word"):
            check_account(live, nearly)
    check_account(live, INSIST)
    check_account(settings(tmp_path), None)


def test_the_cases_trade_what_the_user_names_equities_first(tmp_path: Path) -> None:
    named = settings(tmp_path, symbols="['BTC/USD', 'SPY', 'ETH/USD', 'QQQ']")
    assert account_symbols(named) == ("SPY", "QQQ", "BTC/USD")
    assert venue_symbols(named)[0] == "AAPL"
