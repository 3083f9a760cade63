"""Market data over the real library and an emulated TWS."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, listening
from tests.feeds.recording import RecordingSink
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.feed import IbFeed
from tradingd.brokers.ib.lines import FeedMode
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, PriceBar, QuoteTick, TradeTick
from tradingd.errors import UsageError
from tradingd.feeds.base import FeedState


async def test_quotes_come_whole_and_trades_once(tws: TwsEmulator) -> None:
    async with listening(tws) as heard:
        first = (await heard.count(QuoteTick, 1))[0]
        assert (first.bid, first.ask, first.bid_size, first.ask_size) == (189.9, 190.1, 300.0, 300.0)
        tws.quote("AAPL", 191.0, 191.5, bid_size=100, ask_size=200)
        tws.trade("AAPL", 191.25, 70)
        tws.trade("AAPL", 191.25, 30)
        trades = await heard.count(TradeTick, 2)
        assert [(trade.price, trade.size) for trade in trades] == [(191.25, 70.0), (191.25, 30.0)]
        assert all(quote.bid <= quote.ask for quote in heard.of(QuoteTick))
        last = heard.of(QuoteTick)[-1]
        assert (last.bid, last.ask, last.bid_size, last.ask_size) == (191.0, 191.5, 100.0, 200.0)


async def test_a_side_that_is_not_quoted_has_no_price(tws: TwsEmulator) -> None:
    async with listening(tws) as heard:
        await heard.count(QuoteTick, 1)
        tws.quote("AAPL", 0, 190.2)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].ask == 190.2)
        assert heard.of(QuoteTick)[-1].bid == 0


async def test_the_trade_of_long_ago_is_not_told_as_new(tws: TwsEmulator) -> None:
    later = time.time_ns() + 300 * NS_PER_SECOND
    tws.trade("AAPL", 185.0, 10)
    async with listening(tws, clock=lambda: later) as heard:
        await heard.count(QuoteTick, 1)
        assert heard.of(TradeTick) == []


async def test_tick_by_tick_tells_each(tws: TwsEmulator) -> None:
    async with listening(tws, mode=FeedMode.TICK_BY_TICK) as heard:
        await heard.asked(tws, 2)
        for number in range(5):
            tws.quote("AAPL", 190.0 + number, 190.5 + number, 10, 20)
            tws.trade("AAPL", 190.25 + number, 5)
        trades, quotes = await heard.count(TradeTick, 5), await heard.count(QuoteTick, 5)
        assert [trade.price for trade in trades] == [190.25 + number for number in range(5)]
        assert [(quote.bid, quote.ask) for quote in quotes] == [(190.0 + n, 190.5 + n) for n in range(5)]


def _fast(factor: int) -> Callable[[], int]:
    began = time.time_ns() // MINUTE_NS * MINUTE_NS
    return lambda: began + (time.time_ns() - began) * factor


async def test_bars_of_five_seconds(recorder: object) -> None:
    clock = _fast(50)
    async with TwsEmulator(clock=clock) as tws:
        tws.trade("AAPL", 190.0, 10)
        async with listening(tws, mode=FeedMode.BARS_5S, clock=clock) as heard:
            await heard.asked(tws)
            bars = await heard.count(PriceBar, 3)
            assert {bar.interval_ns for bar in bars} == {5 * NS_PER_SECOND}
            assert [bar.ts_open for bar in bars] == sorted({bar.ts_open for bar in bars})
            assert all(bar.ts_open % (5 * NS_PER_SECOND) == 0 for bar in bars)


async def test_minutes_are_added_up_from_bars_of_five_seconds() -> None:
    clock = _fast(200)
    async with TwsEmulator(clock=clock) as tws:
        tws.trade("AAPL", 190.0, 10)
        async with listening(tws, mode=FeedMode.BARS_1M, clock=clock) as heard:
            bars = await heard.count(PriceBar, 2)
            assert {bar.interval_ns for bar in bars} == {MINUTE_NS}
            assert all(bar.ts_open % MINUTE_NS == 0 for bar in bars)


async def test_delayed_data_is_not_passed_on_unless_allowed(tws: TwsEmulator) -> None:
    tws.faults.delayed_data = True
    async with listening(tws) as heard:
        await heard.sink.until(lambda: FeedState.DOWN in heard.sink.states)
        assert heard.problems[0][0] == "feed.refused"
        assert heard.sink.events == []
    async with listening(tws, client_id=9, allow_delayed=True) as heard:
        await heard.count(QuoteTick, 1)
        assert heard.problems[0][0] == "feed.delayed"
        assert any("delayed" in status.detail for status in heard.sink.statuses)


@pytest.mark.parametrize("data_lost", [True, False])
async def test_data_flows_again_after_the_link_was_lost(tws: TwsEmulator, data_lost: bool) -> None:
    async with listening(tws) as heard:
        await heard.count(QuoteTick, 1)
        tws.acts.lose_link()
        await heard.up(2)
        tws.acts.restore_link(data_lost=data_lost)
        tws.quote("AAPL", 192.0, 192.5)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].bid == 192.0)


async def test_bars_that_fell_silent_are_asked_for_anew(tws: TwsEmulator) -> None:
    async with listening(tws) as heard:
        await heard.count(QuoteTick, 1)
        tws.acts.lose_market_farm()
        await heard.up(2)
        tws.sessions[8].data.forget()  # as they have been seen to stay
        tws.acts.restore_market_farm()
        await heard.asked(tws)
        tws.quote("AAPL", 192.0, 192.5)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].bid == 192.0)


async def test_a_lost_socket_comes_back_with_its_requests(tws: TwsEmulator) -> None:
    async with listening(tws) as heard:
        await heard.count(QuoteTick, 1)
        tws.acts.cut()
        await heard.sink.until(lambda: FeedState.DOWN in heard.sink.states)
        await heard.up(2)
        tws.quote("AAPL", 192.0, 192.5)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].bid == 192.0)


async def test_a_mute_line_is_renewed_when_data_is_expected(tws: TwsEmulator) -> None:
    async with listening(tws, expects_data=lambda: True, mute_after_s=0.2) as heard:
        await heard.count(QuoteTick, 1)
        tws.sessions[8].data.forget()
        await heard.asked(tws)
        tws.quote("AAPL", 192.0, 192.5)
        await heard.sink.until(lambda: heard.of(QuoteTick)[-1].bid == 192.0)


async def test_a_silent_host_is_left(tws: TwsEmulator) -> None:
    async with listening(tws, probe_s=0.1, timeout_s=0.3) as heard:
        await heard.count(QuoteTick, 1)
        tws.acts.stall()
        await heard.sink.until(lambda: FeedState.DOWN in heard.sink.states)
        tws.acts.resume()
        await heard.up(2)


async def test_a_competing_session_is_told_and_asked_past(tws: TwsEmulator) -> None:
    tws.acts.begin_competing_session()
    async with listening(tws, ask_again_s=0.1) as heard:
        await heard.sink.until(lambda: FeedState.DOWN in heard.sink.states)
        assert "10197" in heard.sink.statuses[-1].detail
        tws.acts.end_competing_session()
        await heard.count(QuoteTick, 1)


async def test_the_feed_says_that_it_is_up_again_once_the_data_is_back(tws: TwsEmulator) -> None:
    tws.acts.begin_competing_session()
    async with listening(tws, ask_again_s=0.1) as heard:
        await heard.sink.until(lambda: FeedState.DOWN in heard.sink.states)
        assert FeedState.UP not in heard.sink.states  # it was refused before it was ever up
        tws.acts.end_competing_session()
        await heard.up()
        assert heard.sink.states[-1] is FeedState.UP


async def test_data_that_cannot_be_read_is_turned_away(tws: TwsEmulator) -> None:
    async with listening(tws) as heard:
        await heard.up()
        tws.acts.garble(8)
        await heard.sink.until(lambda: bool(heard.sink.rejected))
        assert [name for name, _, _ in heard.problems] == ["broker.frame_undecodable"]
        tws.trade("AAPL", 190.0, 7)
        await heard.count(TradeTick, 1)


async def test_a_symbol_that_no_contract_fits_ends_the_feed(tws: TwsEmulator) -> None:
    feed = IbFeed(host="127.0.0.1", port=tws.port, client_id=8, symbols=(Symbol("NOSUCH"),), contracts={})
    with pytest.raises(UsageError, match="NOSUCH"):
        await feed.run(RecordingSink())


async def test_what_the_sink_raises_ends_the_feed(tws: TwsEmulator) -> None:
    class Broken(RecordingSink):
        def ingest(self, event: Any, row: int = 0) -> None:
            raise RuntimeError("a fault")

    feed = IbFeed(host="127.0.0.1", port=tws.port, client_id=8, symbols=(AAPL,), contracts={})
    with pytest.raises(RuntimeError, match="a fault"):
        async with asyncio.timeout(10):
            await feed.run(Broken())


async def test_the_feed_has_bars_of_the_past_unless_the_broker_has(tws: TwsEmulator) -> None:
    now = time.time_ns()
    tws.trade("AAPL", 190.0, 10)
    async with listening(tws) as heard:
        assert list(await heard.feed.fetch_bars(AAPL, MINUTE_NS, now - 10 * MINUTE_NS, now)) == []
    async with listening(tws, client_id=9, offers_history=False) as heard:
        assert list(await heard.feed.fetch_bars(AAPL, MINUTE_NS, 0, now)) == []
