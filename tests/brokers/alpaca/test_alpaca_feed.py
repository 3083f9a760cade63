"""Alpaca's market-data stream against a scripted server on loopback."""

import asyncio
from http import HTTPStatus

import pytest
from tests.brokers.alpaca.making import (
    AAPL,
    BAR,
    NOW,
    PACKED_TIME,
    QUOTE,
    TIME,
    TIME_NS,
    TRADE,
    complains,
    make_feed,
    quick,
    running,
    says,
)
from tests.brokers.alpaca.market_data_server import Session, forever, market_data_server, stay
from tests.feeds.recording import RecordingSink
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, DataDefect, PriceBar, QuoteTick, TradeTick
from tradingd.errors import CredentialsRefused, UsageError
from tradingd.feeds.base import FeedState
from tradingd.runtime.backoff import Backoff

QUOTE_TICK = QuoteTick(symbol=AAPL, bid=10, ask=10.5, bid_size=100, ask_size=200, ts_event=TIME_NS, ts_recv=NOW)
TRADE_TICK = TradeTick(symbol=AAPL, price=10.25, size=7, ts_event=TIME_NS, ts_recv=NOW)


async def test_quotes_trades_and_bars_become_events() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(says(QUOTE, TRADE, BAR)) as server,
        running(make_feed(server, channels=["quotes", "trades", "bars"]), sink),
    ):
        await sink.until(lambda: len(sink.events) == 3)
    quote, trade, bar = (event for event, _ in sink.events)
    assert (quote, trade) == (QUOTE_TICK, TRADE_TICK)
    assert isinstance(bar, PriceBar)
    assert (bar.ts_open, bar.interval_ns, bar.ts_event) == (5 * MINUTE_NS, MINUTE_NS, 6 * MINUTE_NS)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1, 3, 1, 2, 9)
    assert server.requests == [
        {"action": "auth", "key": "key", "secret": "secret"},
        {"action": "subscribe", "quotes": ["AAPL"], "trades": ["AAPL"], "bars": ["AAPL"], "updatedBars": ["AAPL"]},
    ]
    assert sink.states == [FeedState.CONNECTING, FeedState.UP]


async def test_msgpack_keeps_the_nanoseconds_of_its_timestamps() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(says(QUOTE | {"t": PACKED_TIME}, TRADE | {"t": PACKED_TIME})) as server,
        running(make_feed(server, encoding="msgpack"), sink),
    ):
        await sink.until(lambda: len(sink.events) == 2)
    assert [event for event, _ in sink.events] == [QUOTE_TICK, TRADE_TICK]


async def test_a_fragmented_message_is_one_message() -> None:
    async def script(session: Session) -> None:
        await session.log_in()
        await session.send_fragments(QUOTE, TRADE)
        await stay(session)

    sink = RecordingSink()
    async with market_data_server(script) as server, running(make_feed(server), sink):
        await sink.until(lambda: len(sink.events) == 2)
    assert sink.rejected == []


@pytest.mark.parametrize("code", [402, 409, 411])
async def test_refused_keys_end_the_feed_for_good(code: int) -> None:
    async with market_data_server(complains(code)) as server:
        with pytest.raises(CredentialsRefused, match=str(code)) as caught:
            await asyncio.wait_for(make_feed(server).run(RecordingSink()), 10)
    assert server.connections == 1
    assert "secret" not in str(caught.value)


async def test_keys_refused_at_the_handshake_end_the_feed_for_good() -> None:
    async with market_data_server(forever, statuses=[HTTPStatus.UNAUTHORIZED]) as server:
        with pytest.raises(CredentialsRefused, match="401"):
            await asyncio.wait_for(make_feed(server).run(RecordingSink()), 10)


@pytest.mark.parametrize("code", [400, 405, 410])
async def test_a_subscription_that_is_never_granted_is_a_usage_error(code: int) -> None:
    async with market_data_server(complains(code)) as server:
        with pytest.raises(UsageError, match=f"{code}: message {code}; asked for AAPL"):
            await asyncio.wait_for(make_feed(server).run(RecordingSink()), 10)


@pytest.mark.parametrize("code", [404, 407, 500])
async def test_a_passing_complaint_is_followed_by_another_attempt(code: int) -> None:
    sink = RecordingSink()
    async with market_data_server(complains(code), forever) as server, running(make_feed(server), sink):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert sink.states == [FeedState.CONNECTING, FeedState.DOWN, FeedState.CONNECTING, FeedState.UP]
    assert f"the stream said {code}" in sink.statuses[1].detail


async def test_a_taken_slot_is_waited_for_with_the_slower_backoff() -> None:
    sink, slow = RecordingSink(), quick()
    async with market_data_server(complains(406), complains(406), forever) as server:
        feed = make_feed(server, slot_backoff=slow, backoff=Backoff(60, 60))
        async with running(feed, sink):
            await sink.until(lambda: FeedState.UP in sink.states)
    assert slow.failures == 2
    assert server.connections == 3


async def test_a_server_that_is_busy_or_broken_is_tried_again() -> None:
    sink, fast, slow = RecordingSink(), quick(), quick()
    statuses = [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS]
    async with (
        market_data_server(forever, statuses=statuses) as server,
        running(make_feed(server, backoff=fast, slot_backoff=slow), sink),
    ):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert (fast.failures, slow.failures) == (1, 1)


async def test_a_broken_stream_comes_back_and_data_reset_the_backoff() -> None:
    async def drop(session: Session) -> None:
        await session.log_in()
        await session.send(QUOTE)
        session.connection.transport.abort()

    sink, fast = RecordingSink(), quick()
    fast.failures = 5
    async with market_data_server(drop, says(TRADE)) as server, running(make_feed(server, backoff=fast), sink):
        await sink.until(lambda: len(sink.events) == 2)
    assert sink.states == [
        FeedState.CONNECTING,
        FeedState.UP,
        FeedState.DOWN,
        FeedState.CONNECTING,
        FeedState.UP,
    ]
    assert fast.failures == 1
    assert [request["action"] for request in server.requests] == ["auth", "subscribe"] * 2


async def test_a_connection_that_brings_nothing_does_not_reset_the_backoff() -> None:
    async def drop(session: Session) -> None:
        await session.log_in()
        await session.connection.close()

    sink, fast = RecordingSink(), quick()
    async with market_data_server(drop, drop, drop, forever) as server, running(make_feed(server, backoff=fast), sink):
        await sink.until(lambda: sink.states.count(FeedState.UP) == 4)
    assert fast.failures == 3


async def test_a_server_that_says_nothing_is_left() -> None:
    sink = RecordingSink()
    async with market_data_server(stay, forever) as server, running(make_feed(server, answer_timeout_s=0.1), sink):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert server.connections == 2


async def test_nobody_listening_is_told_and_tried_again() -> None:
    async with market_data_server(forever) as server:
        pass
    sink = RecordingSink()
    async with running(make_feed(server), sink):
        await sink.until(lambda: sink.states.count(FeedState.DOWN) >= 3)
    assert "next attempt in" in sink.statuses[1].detail


async def test_what_cannot_be_read_is_counted_and_costs_nothing_else() -> None:
    async def script(session: Session) -> None:
        await session.log_in()
        await session.send({"T": "zz", "S": "AAPL"}, QUOTE, {"T": "q", "S": "AAPL", "bp": "ten", "t": TIME})
        await session.connection.send("not JSON")
        await session.send(TRADE | {"t": "yesterday"}, {"T": "d", "S": "AAPL"}, TRADE)
        await stay(session)

    sink = RecordingSink()
    async with market_data_server(script) as server:
        feed = make_feed(server)
        async with running(feed, sink):
            await sink.until(lambda: len(sink.events) == 2)
    assert [event for event, _ in sink.events] == [QUOTE_TICK, TRADE_TICK]
    assert feed.unknown_messages == 1
    assert [(symbol, defect) for symbol, defect, _, _ in sink.rejected] == [
        (AAPL, DataDefect.MALFORMED),
        (Symbol(""), DataDefect.MALFORMED),
        (AAPL, DataDefect.MALFORMED),
    ]
    assert sink.states == [FeedState.CONNECTING, FeedState.UP]


async def test_a_subscription_that_was_granted_in_part_is_told() -> None:
    async def script(session: Session) -> None:
        await session.greet()
        await session.send({"T": "success", "msg": "authenticated"})
        await session.expect()
        await session.send({"T": "subscription", "trades": ["AAPL"], "quotes": ["AAPL", "MSFT"]})
        await stay(session)

    sink = RecordingSink()
    async with (
        market_data_server(script) as server,
        running(make_feed(server, symbols=[AAPL, Symbol("MSFT")]), sink),
    ):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert sink.statuses[-1].detail.endswith("but not trades of MSFT")


async def test_a_mute_stream_is_replaced_while_data_are_due() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(forever, says(QUOTE)) as server,
        running(make_feed(server, expects_data=lambda: True, mute_after_s=0.05), sink),
    ):
        await sink.until(lambda: len(sink.events) == 1)
    assert FeedState.DOWN in sink.states


async def test_silence_is_no_fault_while_no_data_are_due() -> None:
    go = asyncio.Event()

    async def script(session: Session) -> None:
        await session.log_in()
        await go.wait()
        await session.send(QUOTE)
        await stay(session)

    asked = 0

    def expects_data() -> bool:
        nonlocal asked
        asked += 1
        if asked >= 4:
            go.set()
        return False

    sink = RecordingSink()
    async with (
        market_data_server(script) as server,
        running(make_feed(server, expects_data=expects_data, mute_after_s=0.02), sink),
    ):
        await sink.until(lambda: len(sink.events) == 1)
    assert server.connections == 1
