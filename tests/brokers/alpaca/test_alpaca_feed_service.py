"""What Alpaca's real streams do beyond the plain case: crypto, corrections, taken places, breaks, silence."""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
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
from tradingd.core.timestamps import format_timestamp
from tradingd.errors import CredentialsRefused, FeedError, UsageError
from tradingd.feeds.base import FeedState
from tradingd.runtime.backoff import Backoff
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

BTC = Symbol("BTC/USD")


# -- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_crypto_stream(encoding: str) -> None:
    when: Any = TIME if encoding == "json" else PACKED_TIME
    frame = [
        {"T": "q", "S": "BTC/USD", "bp": 60000.5, "bs": 0.25, "ap": 60001, "as": 1.5, "t": when},
        {"T": "t", "S": "BTC/USD", "p": 60000.75, "s": 0.000016, "i": 12, "tks": "B", "t": when},
        {"T": "o", "S": "BTC/USD", "b": [{"p": 1, "s": 2}], "a": [], "r": True, "t": when},
        {"T": "b", "S": "BTC/USD", "o": 1.5, "h": 3, "l": 1, "c": 2, "v": 0.25, "n": 2, "vw": 2.0, "t": when},
    ]
    sink = RecordingSink()
    async with market_data_server(says(*frame)) as server:
        feed = make_feed(server, symbols=[BTC], encoding=encoding, channels=["quotes", "trades", "bars"])
        async with running(feed, sink):
            await sink.until(lambda: len(sink.events) == 3)
    quote, trade, bar = (event for event, _ in sink.events)
    assert isinstance(quote, QuoteTick) and (quote.bid, quote.ask_size, quote.ts_event) == (60000.5, 1.5, TIME_NS)
    assert isinstance(trade, TradeTick) and (trade.price, trade.size) == (60000.75, 0.000016)
    assert isinstance(bar, PriceBar) and bar.volume == 0.25
    assert feed.unknown_messages == 0 and sink.rejected == []


async def test_json_in_a_binary_frame_is_read_in_a_session_of_either_encoding() -> None:
    async def script(session: Session) -> None:
        await session.log_in()
        await session.connection.send(msgspec.json.encode([QUOTE]))
        await stay(session)

    for encoding in ("json", "msgpack"):
        sink = RecordingSink()
        async with market_data_server(script) as server, running(make_feed(server, encoding=encoding), sink):
            await sink.until(lambda sink=sink: len(sink.events) == 1)  # type: ignore[misc]
        assert sink.rejected == []


@pytest.mark.parametrize(
    ("side", "bid", "ask"), [({"ap": 0, "as": 0}, 10.0, 0.0), ({"bp": 0, "bs": 0}, 0.0, 10.5)], ids=["no ask", "no bid"]
)
async def test_a_book_with_one_side_comes_with_the_other_at_zero(side: dict[str, int], bid: float, ask: float) -> None:
    sink = RecordingSink()
    async with market_data_server(says(QUOTE | side)) as server, running(make_feed(server), sink):
        await sink.until(lambda: len(sink.events) == 1)
    ((quote, _),) = sink.events
    assert isinstance(quote, QuoteTick) and (quote.bid, quote.ask) == (bid, ask)


async def test_a_bar_that_comes_again_is_passed_on_as_the_same_bar_with_other_figures() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(says(BAR, BAR | {"T": "u", "v": 12, "h": 4})) as server,
        running(make_feed(server, channels=["bars"]), sink),
    ):
        await sink.until(lambda: len(sink.events) == 2)
    first, second = (event for event, _ in sink.events)
    assert isinstance(first, PriceBar) and isinstance(second, PriceBar)
    assert (second.ts_open, second.interval_ns) == (first.ts_open, MINUTE_NS)
    assert (first.volume, second.volume, second.high) == (9, 12, 4)
    assert server.requests[-1] == {"action": "subscribe", "bars": ["AAPL"], "updatedBars": ["AAPL"]}


async def test_trades_that_are_corrected_or_taken_back_are_told_as_what_they_are() -> None:
    correction = {
        "T": "c", "S": "AAPL", "x": "V", "oi": 5, "op": 10.25, "os": 7, "oc": ["@"],
        "ci": 6, "cp": 10.2, "cs": 8, "cc": ["@"], "z": "C", "t": TIME,
    }  # fmt: skip
    cancel = {"T": "x", "S": "AAPL", "i": 5, "x": "V", "p": 10.25, "s": 7, "a": "C", "z": "C", "t": TIME}
    sink = RecordingSink()
    async with market_data_server(says(TRADE, correction, cancel)) as server, running(make_feed(server), sink):
        await sink.until(lambda: len(sink.rejected) == 2)
    assert [(symbol, defect) for symbol, defect, _, _ in sink.rejected] == [(AAPL, DataDefect.REVISED)] * 2
    assert sink.rejected[0][3] == "trade 5 at 10.25 × 7.0 was corrected to 10.2 × 8.0"
    assert sink.rejected[1][3] == "trade 5 at 10.25 × 7.0 was taken back"
    assert len(sink.events) == 1


async def test_what_nobody_asked_for_is_left_alone_and_strange_kinds_are_counted() -> None:
    messages: list[dict[str, Any]] = [
        {"T": "d", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "t": TIME},
        {"T": "s", "S": "AAPL", "sc": "H", "sm": "Trading Halt", "rc": "T12", "rm": "", "z": "C", "t": TIME},
        {"T": "l", "S": "AAPL", "u": 11.0, "d": 9.0, "i": "B", "z": "C", "t": TIME},
        {"T": "i", "S": "AAPL", "p": 10.0, "z": "C", "t": TIME},
        {"T": "kind of next year", "S": "AAPL", "t": TIME},
    ]
    sink = RecordingSink()
    async with market_data_server(says(*messages, QUOTE)) as server:
        feed = make_feed(server)
        async with running(feed, sink):
            await sink.until(lambda: len(sink.events) == 1)
    assert sink.rejected == [] and feed.unknown_messages == 1


# -- complaints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error", "remedy"),
    [
        (402, CredentialsRefused, "check the keys"),
        (405, UsageError, "30 on the free one"),
        (409, CredentialsRefused, "v2/iex"),
        (410, UsageError, "lacks one of the channels"),
    ],
)
async def test_a_complaint_that_no_waiting_mends_names_the_remedy(
    code: int, error: type[Exception], remedy: str
) -> None:
    async with market_data_server(complains(code)) as server:
        with pytest.raises(error, match=remedy):
            await asyncio.wait_for(make_feed(server).run(RecordingSink()), 10)
    assert server.connections == 1


async def test_a_taken_place_is_told_once_however_often_it_is_tried() -> None:
    sink = RecordingSink()
    scripts = [complains(406)] * 5
    async with market_data_server(*scripts, forever) as server, running(make_feed(server), sink):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert server.connections == 6
    assert sink.states == [FeedState.CONNECTING, FeedState.DOWN, FeedState.UP]
    assert "up to 90 s" in sink.statuses[1].detail


async def test_a_place_that_stays_taken_is_told_again_with_the_likely_reason() -> None:
    sink, often = RecordingSink(), asyncio.Event()

    async def refuse(session: Session) -> None:
        if sink.states.count(FeedState.DOWN) == 2 and server.connections >= 20:
            often.set()
        await complains(406)(session)

    async with (
        market_data_server(refuse) as server,
        running(make_feed(server, slot_patience_s=0.02), sink),
    ):
        await asyncio.wait_for(often.wait(), 10)
    assert sink.states == [FeedState.CONNECTING, FeedState.DOWN, FeedState.DOWN]
    assert "another program" in sink.statuses[2].detail


async def test_another_reason_ends_the_quiet() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(complains(406), complains(500), complains(406), forever) as server,
        running(make_feed(server), sink),
    ):
        await sink.until(lambda: FeedState.UP in sink.states)
    assert sink.states.count(FeedState.DOWN) == 3
    assert "the stream said 500" in sink.statuses[2].detail


async def test_a_redirect_is_not_followed_with_the_keys() -> None:
    def redirect(connection: ServerConnection, request: Request) -> Response:
        answer = connection.respond(HTTPStatus.FOUND, "elsewhere\n")
        answer.headers["Location"] = elsewhere.url
        return answer

    async def never(connection: ServerConnection) -> None:
        raise AssertionError("the handshake was refused")

    sink = RecordingSink()
    async with market_data_server(forever) as elsewhere, serve(never, "127.0.0.1", 0, process_request=redirect) as here:
        feed = make_feed(elsewhere)
        feed._url = f"ws://127.0.0.1:{next(iter(here.sockets)).getsockname()[1]}/v2/iex"
        async with running(feed, sink):
            await sink.until(lambda: FeedState.DOWN in sink.states)
    assert elsewhere.connections == 0


# -- breaks and silence -----------------------------------------------------------------------------------------------


class Past:
    """A history that knows a few bars, or cannot be had."""

    def __init__(self, *minutes: int, fails: bool = False) -> None:
        self.minutes = minutes
        self.fails = fails
        self.asked: list[tuple[Symbol, int, int]] = []

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> list[PriceBar]:
        self.asked.append((symbol, start_ns, end_ns))
        if self.fails:
            raise FeedError("no answer after 4 attempts")
        return [minute_bar(minute) for minute in self.minutes]

    async def close(self) -> None:
        return


T0 = NOW // MINUTE_NS * MINUTE_NS


def minute_bar(minute: int) -> PriceBar:
    ts = T0 + minute * MINUTE_NS
    return PriceBar(
        symbol=AAPL, interval_ns=MINUTE_NS, ts_open=ts, open=1, high=3, low=1, close=2, volume=9,
        ts_event=ts + MINUTE_NS, ts_recv=ts + MINUTE_NS,
    )  # fmt: skip


def told_bar(minute: int) -> dict[str, object]:
    return BAR | {"t": format_timestamp(T0 + minute * MINUTE_NS)}


async def dropped(session: Session) -> None:
    await session.log_in()
    await session.send(told_bar(0))
    await session.send({"T": "error", "code": 407, "msg": "slow client"})
    await stay(session)


async def test_bars_that_a_break_cost_come_before_those_of_the_new_connection() -> None:
    sink, past = RecordingSink(), Past(1, 2)
    async with (
        market_data_server(dropped, says(told_bar(3))) as server,
        running(make_feed(server, channels=["bars"], history=past, clock=lambda: T0 + 4 * MINUTE_NS), sink),
    ):
        await sink.until(lambda: len(sink.events) == 4)
    assert [(event.ts_event - T0) // MINUTE_NS for event, _ in sink.events] == [1, 2, 3, 4]
    assert past.asked == [(AAPL, T0 + MINUTE_NS, T0 + 4 * MINUTE_NS)]


async def test_a_long_break_is_filled_for_its_last_half_hour_alone() -> None:
    sink, past = (
        RecordingSink(),
        Past(),
    )
    now = T0 + 500 * MINUTE_NS
    async with (
        market_data_server(dropped, says(told_bar(499))) as server,
        running(make_feed(server, channels=["bars"], history=past, clock=lambda: now), sink),
    ):
        await sink.until(lambda: len(sink.events) == 2)
    assert past.asked == [(AAPL, now - 30 * MINUTE_NS, now)]


async def test_bars_that_cannot_be_had_are_told_and_the_stream_goes_on() -> None:
    sink, past = RecordingSink(), Past(fails=True)
    async with (
        market_data_server(dropped, says(told_bar(3))) as server,
        running(make_feed(server, channels=["bars"], history=past, clock=lambda: T0 + 4 * MINUTE_NS), sink),
    ):
        await sink.until(lambda: len(sink.events) == 2)
    assert sink.statuses[-1].state is FeedState.UP
    assert "bars that it missed cannot be had" in sink.statuses[-1].detail


async def test_a_first_connection_and_a_short_break_ask_for_nothing() -> None:
    sink, past = RecordingSink(), Past()
    async with (
        market_data_server(dropped, says(told_bar(1))) as server,
        running(make_feed(server, channels=["bars"], history=past, clock=lambda: T0 + MINUTE_NS), sink),
    ):
        await sink.until(lambda: len(sink.events) == 2)
    assert past.asked == []


async def test_patience_with_a_quiet_market_grows_and_the_reason_is_told() -> None:
    sink = RecordingSink()
    async with (
        market_data_server(forever) as server,
        running(make_feed(server, expects_data=lambda: True, mute_after_s=0.02, backoff=Backoff(0.001, 0.001)), sink),
    ):
        await sink.until(lambda: sink.states.count(FeedState.DOWN) == 3)
    reasons = [status.detail.split(";")[0] for status in sink.statuses if status.state is FeedState.DOWN]
    assert reasons == [f"no data for {seconds} s while the market is open" for seconds in ("0.02", "0.04", "0.08")]
    assert quick().failures == 0
