"""The invented market."""

import asyncio
from itertools import pairwise

import pytest
from tests.feeds.recording import RecordingSink
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent, QuoteTick, TradeTick, find_defect
from tradingd.errors import UsageError
from tradingd.feeds.base import FeedState
from tradingd.feeds.synthetic import SyntheticFeed

AAPL, BTC, PENNY = Symbol("AAPL"), Symbol("BTC/USD"), Symbol("PENNY")
T0 = 1_700_000_000 * NS_PER_SECOND
SPAN = (T0, T0 + 300 * NS_PER_SECOND)


def events(feed: SyntheticFeed) -> list[MarketDataEvent]:
    return [event for event, _ in feed.read() if event is not None]


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    assert events(SyntheticFeed([AAPL], span=SPAN)) == events(SyntheticFeed([AAPL], span=SPAN))
    assert events(SyntheticFeed([AAPL], span=SPAN)) != events(SyntheticFeed([AAPL], seed=2, span=SPAN))


def test_a_symbol_walks_alike_in_any_company() -> None:
    both = events(SyntheticFeed([AAPL, BTC], span=SPAN))
    assert [event for event in both if event.symbol == AAPL] == events(SyntheticFeed([AAPL], span=SPAN))


def test_events_are_sound_in_order_and_of_both_kinds() -> None:
    found = events(SyntheticFeed([AAPL, BTC, PENNY], start_price={"PENNY": 0.5}, volatility=2.0, span=SPAN))
    assert all(find_defect(event) is None for event in found)
    assert all(a.ts_event <= b.ts_event for a, b in pairwise(found))
    assert {type(event) for event in found} == {QuoteTick, TradeTick}
    assert {event.symbol for event in found} == {AAPL, BTC, PENNY}
    assert all(SPAN[0] <= event.ts_event < SPAN[1] for event in found)
    quotes = [event for event in found if isinstance(event, QuoteTick)]
    assert all(quote.bid < quote.ask for quote in quotes)
    assert 3000 < len(quotes) < 6000  # 3 symbols, 300 s, one each 200 ms


def test_the_start_price_is_where_the_walk_begins() -> None:
    first = events(SyntheticFeed([AAPL], start_price={"AAPL": 50.0}, spread_bps=10, span=SPAN))[0]
    assert isinstance(first, QuoteTick)
    assert abs(first.bid - 49.98) < 0.011 and abs(first.ask - 50.02) < 0.011


def test_a_market_that_was_seen_before_goes_on_where_it_ended_and_its_past_leads_there() -> None:
    feed = SyntheticFeed([AAPL], start_price={"AAPL": 50.0}, spread_bps=10, span=SPAN)
    feed.go_on_from({AAPL: 80.0, BTC: 7.0})
    first = events(feed)[0]
    assert isinstance(first, QuoteTick)
    assert abs(first.bid - 79.96) < 0.011 and abs(first.ask - 80.04) < 0.011
    assert asyncio.run(feed.fetch_bars(AAPL, MINUTE_NS, T0 - 10 * MINUTE_NS, T0))[-1].close == 80.0
    assert asyncio.run(feed.fetch_bars(BTC, MINUTE_NS, T0 - 10 * MINUTE_NS, T0)) == ()


def test_without_a_span_there_is_nothing_to_read() -> None:
    with pytest.raises(UsageError, match="both times"):
        next(SyntheticFeed([AAPL]).read())


async def test_the_first_thing_said_is_that_nothing_is_real() -> None:
    sink = RecordingSink()
    now = iter(range(T0, T0 + 10**9))
    task = asyncio.create_task(SyntheticFeed([AAPL], seed=7, interval_ms=1, clock=lambda: next(now)).run(sink))
    await sink.until(lambda: len(sink.events) >= 50)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert sink.states == [FeedState.UP]
    assert "SYNTHETIC" in sink.statuses[0].detail and "seed 7" in sink.statuses[0].detail
    walked = [event.bid for event, _ in sink.events if isinstance(event, QuoteTick)]
    again = events(SyntheticFeed([AAPL], seed=7, interval_ms=1, span=SPAN))
    replayed = [event.bid for event in again if isinstance(event, QuoteTick)]
    assert walked == replayed[: len(walked)]


async def test_the_past_ends_at_the_start_price_and_hangs_together() -> None:
    feed = SyntheticFeed([AAPL], start_price={"AAPL": 190.0}, clock=lambda: T0)
    bars = await feed.fetch_bars(AAPL, MINUTE_NS, T0 - 100 * MINUTE_NS, T0)
    assert len(bars) == 99  # T0 is no full minute, and a bar that opened before the asked-for time is not given
    assert bars[-1].close == 190.0
    assert all(find_defect(bar) is None for bar in bars)
    assert all(a.close == b.open and a.ts_event == b.ts_open for a, b in pairwise(bars))
    assert all(bar.ts_open >= T0 - 100 * MINUTE_NS and bar.ts_event <= T0 for bar in bars)


async def test_a_part_of_the_past_is_the_same_as_the_whole() -> None:
    feed = SyntheticFeed([AAPL], clock=lambda: T0)
    whole = await feed.fetch_bars(AAPL, MINUTE_NS, T0 - 100 * MINUTE_NS, T0)
    part = await feed.fetch_bars(AAPL, MINUTE_NS, T0 - 50 * MINUTE_NS, T0 - 20 * MINUTE_NS)
    assert list(part) == [bar for bar in whole if T0 - 50 * MINUTE_NS <= bar.ts_open < T0 - 20 * MINUTE_NS]


async def test_a_strange_symbol_or_the_future_has_no_bars() -> None:
    feed = SyntheticFeed([AAPL], clock=lambda: T0)
    assert list(await feed.fetch_bars(BTC, MINUTE_NS, 0, T0)) == []
    assert list(await feed.fetch_bars(AAPL, MINUTE_NS, T0 + MINUTE_NS, T0 + 10 * MINUTE_NS)) == []
    assert len(await feed.fetch_bars(AAPL, MINUTE_NS, 0, T0)) == 20_000
