"""The market of a drill: the configured prices, from now on, without end."""

import itertools
from pathlib import Path

import pytest
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND, PriceBar, find_defect
from tradingd.errors import UsageError
from tradingd.settings.feeds import FileFeedSettings, SyntheticFeedSettings
from tradingd.tools.drills.market import play, slow_down

NOW = 1_800_000_000 * NS_PER_SECOND


def file_feed(path: Path, schema: str) -> FileFeedSettings:
    return FileFeedSettings.model_validate({"kind": "file", "path": path, "symbol": "IBM", "schema": schema})


def test_a_file_begins_now_and_again_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("timestamp_ns,bid,ask,bid_size,ask_size\n1000,10,11,1,1\n5000,11,12,1,1\n")
    events = list(itertools.islice(play([file_feed(path, "quotes")], NOW), 4))
    assert [event.ts_event - NOW for event in events] == [0, 4000, 4000 + NS_PER_SECOND, 8000 + NS_PER_SECOND]


def test_bars_become_ticks_within_their_own_prices(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("timestamp,open,high,low,close,volume\n2013-10-07T08:00:00Z,10,12,9,11,400\n")
    events = list(itertools.islice(play([file_feed(path, "bars")], NOW), 8))
    assert not any(isinstance(event, PriceBar) or find_defect(event) for event in events)
    trades = [event.price for event in events if hasattr(event, "price")]
    assert trades == [10, 9, 12, 11]
    assert {event.symbol for event in events} == {Symbol("IBM")}


def test_a_file_without_a_sound_row_is_no_market(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("timestamp_ns,bid,ask,bid_size,ask_size\n1000,11,10,1,1\n")
    with pytest.raises(UsageError, match="no row that a drill could play"):
        next(play([file_feed(path, "quotes")], NOW))


def test_an_invented_market_is_slowed_down_until_a_few_quotes_fill_a_bar() -> None:
    feed = SyntheticFeedSettings.model_validate({"kind": "synthetic", "symbols": ["A", "B"], "interval_ms": 200})
    slow = slow_down(feed, ["1m", "1d"])
    assert isinstance(slow, SyntheticFeedSettings)
    assert slow.interval_ms == 7500
    events = list(itertools.islice(play([slow], NOW), 100))
    assert events == sorted(events, key=lambda event: event.ts_event)
