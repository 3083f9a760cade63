"""Feeds from their settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from tradingd.assembly.feeds import build_feed, build_feeds
from tradingd.brokers.alpaca.feed import AlpacaFeed
from tradingd.core.identifiers import Symbol
from tradingd.errors import UsageError
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.settings.broker import AlpacaBrokerSettings, PaperBrokerSettings
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings

AAPL = Symbol("AAPL")
PAPER = PaperBrokerSettings()


def test_a_file_feed(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("timestamp,open,high,low,close,volume\n1970-01-01T00:00:00Z,1,1,1,1,1\n")
    settings = FileFeedSettings(kind="file", path=path, symbol=AAPL, schema="bars", interval="5m")
    feed = build_feed(settings, PAPER)
    assert isinstance(feed, FileFeed)
    assert feed.symbols == (AAPL,) and not feed.realtime
    ((event, row),) = feed.read()
    assert event is not None and event.ts_event == 300 * 10**9 and row == 1


def test_a_synthetic_feed_over_a_span() -> None:
    feed = build_feed(SyntheticFeedSettings(kind="synthetic", symbols=(AAPL,)), PAPER, span=(0, 10**9))
    assert isinstance(feed, SyntheticFeed)
    assert feed.realtime and next(feed.read())[0] is not None


async def test_an_alpaca_feed_borrows_the_keys_of_the_broker() -> None:
    broker = AlpacaBrokerSettings(kind="alpaca", api_key=SecretStr("k"), api_secret=SecretStr("s"))
    feed = build_feed(AlpacaFeedSettings(kind="alpaca", symbols=(AAPL,)), broker)
    assert isinstance(feed, AlpacaFeed)
    assert feed.name == "alpaca:v2/iex"
    await feed.close()


def test_an_alpaca_feed_without_keys_cannot_be_made() -> None:
    with pytest.raises(UsageError, match="needs api_key and api_secret"):
        build_feed(AlpacaFeedSettings(kind="alpaca", symbols=(AAPL,)), PAPER)


async def test_each_feed_is_told_when_its_own_data_are_due() -> None:
    broker = AlpacaBrokerSettings(kind="alpaca", api_key=SecretStr("k"), api_secret=SecretStr("s"))
    crypto = "wss://stream.data.alpaca.markets/v1beta3/crypto/us"
    tables = [
        AlpacaFeedSettings(kind="alpaca", symbols=(AAPL,), channels=("bars",), adjustment="raw"),
        AlpacaFeedSettings(kind="alpaca", symbols=(Symbol("BTC/USD"),), url=crypto),
    ]
    asked: list[str] = []

    def due(table: FeedSettings) -> Callable[[], bool]:
        assert isinstance(table, AlpacaFeedSettings)
        asked.append(table.url)
        return lambda: False

    feeds = build_feeds(tables, broker, data_due=due)
    assert [feed.name for feed in feeds] == ["alpaca:v2/iex", "alpaca:v1beta3/crypto/us"]
    assert asked == [table.url for table in tables]
