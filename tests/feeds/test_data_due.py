"""When silence of a feed is strange."""

from datetime import UTC, datetime

import pytest
from tradingd.core.identifiers import Symbol
from tradingd.feeds.due import data_due
from tradingd.settings.feeds import AlpacaFeedSettings, SyntheticFeedSettings

CRYPTO_URL = "wss://stream.data.alpaca.markets/v1beta3/crypto/us"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-03-03T14:29:59", False),
        ("2026-03-03T14:30:00", True),
        ("2026-03-03T20:59:59", True),
        ("2026-03-03T21:00:00", False),
        ("2026-07-03T15:00:00", False),
        ("2026-11-27T17:59:00", True),
        ("2026-11-27T18:01:00", False),
        ("2026-03-07T15:00:00", False),
    ],
    ids=["before", "open", "last second", "closed", "holiday", "half day", "after a half day", "Saturday"],
)
def test_shares_are_due_in_the_regular_session(moment: str, due: bool) -> None:
    settings = AlpacaFeedSettings(kind="alpaca", symbols=(Symbol("AAPL"),))
    assert data_due(settings, lambda: at(moment))() is due


def test_pairs_are_always_due() -> None:
    settings = AlpacaFeedSettings(kind="alpaca", symbols=(Symbol("BTC/USD"),), url=CRYPTO_URL)
    assert data_due(settings, lambda: at("2026-03-07T03:00:00"))()


@pytest.mark.parametrize("path", ["v2/overnight", "v2/boats", "v2/test/"])
def test_streams_with_hours_of_their_own_are_never_due(path: str) -> None:
    url = f"wss://stream.data.alpaca.markets/{path}"
    settings = AlpacaFeedSettings(kind="alpaca", symbols=(Symbol("FAKEPACA"),), url=url)
    assert not data_due(settings, lambda: at("2026-03-03T15:00:00"))()


def test_an_invented_market_is_never_due() -> None:
    settings = SyntheticFeedSettings(kind="synthetic", symbols=(Symbol("AAPL"),))
    assert not data_due(settings, lambda: at("2026-03-03T15:00:00"))()
