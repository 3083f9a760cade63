"""Bars of the past from a REST server on loopback."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tradingd.brokers.alpaca.history import AlpacaHistory
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS
from tradingd.core.timestamps import format_timestamp
from tradingd.errors import CredentialsRefused, FeedError
from tradingd.runtime.backoff import Backoff

AAPL = Symbol("AAPL")
T0 = 1_700_006_400 * 1_000_000_000  # a full hour
NOW = T0 + DAY_NS
Answer = Callable[[int], web.Response]


def bar(number: int, interval_ns: int = MINUTE_NS) -> dict[str, Any]:
    time = format_timestamp(T0 + number * interval_ns)
    return {"t": time, "o": 1 + number, "h": 9 + number, "l": 1, "c": 2 + number, "v": 10, "n": 1, "vw": 2}


def page(bars: list[dict[str, Any]], token: str | None = None, symbol: str = "AAPL") -> web.Response:
    return web.json_response({"bars": {symbol: bars} if bars else {}, "next_page_token": token})


@asynccontextmanager
async def serving(*answers: Answer, now_ns: int = NOW) -> AsyncIterator[tuple[AlpacaHistory, list[web.Request]]]:
    """A history whose n-th request gets the n-th answer, the last one again and again."""
    requests: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(request)
        return answers[min(len(requests), len(answers)) - 1](len(requests))

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    history = AlpacaHistory(
        f"http://127.0.0.1:{port}/", "key", "secret",
        backoff=Backoff(0.001, 0.002, random.Random(1)), timeout_s=5, clock=lambda: now_ns,
    )  # fmt: skip
    try:
        yield history, requests
    finally:
        await history.close()
        await runner.cleanup()


async def test_pages_are_read_to_the_end() -> None:
    answers: list[Answer] = [
        lambda n: page([bar(0), bar(1)], "more"),
        lambda n: page([], "last"),
        lambda n: page([bar(2)]),
    ]
    async with serving(*answers) as (history, requests):
        bars = await history.fetch_bars(AAPL, MINUTE_NS, T0, T0 + 10 * MINUTE_NS)
    assert [b.ts_open for b in bars] == [T0, T0 + MINUTE_NS, T0 + 2 * MINUTE_NS]
    assert (bars[1].open, bars[1].high, bars[1].close, bars[1].ts_event) == (2, 10, 3, T0 + 2 * MINUTE_NS)
    assert [request.query.get("page_token") for request in requests] == [None, "more", "last"]
    first = requests[0]
    assert first.path == "/v2/stocks/bars"
    assert first.headers["APCA-API-KEY-ID"] == "key"
    assert first.query["timeframe"] == "1Min" and first.query["feed"] == "iex"
    assert first.query["end"] == format_timestamp(T0 + 10 * MINUTE_NS - 1)


async def test_a_bar_that_is_not_closed_yet_is_left_out() -> None:
    async with serving(lambda n: page([bar(0), bar(1)]), now_ns=T0 + 2 * MINUTE_NS - 1) as (history, _):
        bars = await history.fetch_bars(AAPL, MINUTE_NS, T0, T0 + 10 * MINUTE_NS)
    assert [b.ts_open for b in bars] == [T0]


async def test_crypto_has_its_own_path() -> None:
    async with serving(lambda n: page([bar(0)], symbol="BTC/USD")) as (history, requests):
        bars = await history.fetch_bars(Symbol("BTC/USD"), 60 * MINUTE_NS, T0, T0 + DAY_NS)
    assert len(bars) == 1
    assert requests[0].path == "/v1beta3/crypto/us/bars"
    assert requests[0].query["timeframe"] == "1Hour"
    assert "feed" not in requests[0].query


async def test_an_interval_that_the_service_lacks_is_added_up_from_minutes() -> None:
    async with serving(lambda n: page([bar(i) for i in range(180)])) as (history, requests):
        bars = await history.fetch_bars(AAPL, 90 * MINUTE_NS, T0, T0 + 180 * MINUTE_NS)
    assert requests[0].query["timeframe"] == "1Min"
    assert sum(b.volume for b in bars) == 1800
    assert {b.interval_ns for b in bars} == {90 * MINUTE_NS}


async def test_there_are_no_bars_shorter_than_a_minute() -> None:
    async with serving(lambda n: page([])) as (history, requests):
        assert await history.fetch_bars(AAPL, MINUTE_NS // 12, T0, NOW) == ()
        assert await history.fetch_bars(AAPL, MINUTE_NS, NOW, T0) == ()
    assert requests == []


async def test_a_symbol_without_bars_has_none() -> None:
    async with serving(lambda n: web.json_response({"bars": None, "next_page_token": None})) as (history, _):
        assert list(await history.fetch_bars(AAPL, DAY_NS, T0, NOW)) == []


@pytest.mark.parametrize(("status", "body"), [(401, {"message": "unauthorized."}), (403, {"message": "forbidden."})])
async def test_refused_keys_are_refused_at_once(status: int, body: dict[str, Any]) -> None:
    async with serving(lambda n: web.json_response(body, status=status)) as (history, requests):
        with pytest.raises(CredentialsRefused, match=str(status)):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)
    assert len(requests) == 1


@pytest.mark.parametrize(("status", "code"), [(403, 42210000), (400, 0), (422, 40010001), (302, 0)])
async def test_a_question_that_is_refused_is_not_repeated(status: int, code: int) -> None:
    async with serving(lambda n: web.json_response({"message": "no", "code": code}, status=status)) as (
        history,
        requests,
    ):
        with pytest.raises(FeedError, match=f"HTTP {status} no"):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)
    assert len(requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_service_is_asked_again(status: int) -> None:
    busy: Answer = lambda n: web.Response(status=status, headers={"Retry-After": "0"}, text="busy")  # noqa: E731
    async with serving(busy, busy, lambda n: page([bar(0)])) as (history, requests):
        assert len(await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)) == 1
    assert len(requests) == 3


async def test_a_limit_that_ends_soon_is_waited_for_as_the_service_says() -> None:
    headers = {"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": str(NOW // 10**9)}
    busy: Answer = lambda n: web.Response(status=429, headers=headers)  # noqa: E731
    async with serving(busy, lambda n: page([bar(0)])) as (history, requests):
        assert len(await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)) == 1
    assert len(requests) == 2


async def test_a_plan_without_recent_data_of_all_exchanges_is_told_what_to_use() -> None:
    refusal = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    denied: Answer = lambda n: web.json_response(refusal, status=403, headers={"X-Request-Id": "req-1"})  # noqa: E731
    async with serving(denied) as (history, _):
        with pytest.raises(FeedError, match=r"recent SIP data \(request req-1\): .*use the iex feed"):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)


async def test_prices_allow_for_splits_unless_told_otherwise() -> None:
    async with serving(lambda n: page([bar(0)])) as (history, requests):
        await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)
    assert requests[0].query["adjustment"] == "split"


async def test_a_service_that_stays_broken_is_a_feed_error() -> None:
    async with serving(lambda n: web.Response(status=500)) as (history, requests):
        with pytest.raises(FeedError, match="no answer after 4 attempts: HTTP 500"):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)
    assert len(requests) == 4


async def test_half_an_answer_is_no_answer() -> None:
    async with serving(lambda n: page([bar(0)], "more"), lambda n: web.Response(text="oops")) as (history, _):
        with pytest.raises(FeedError, match="something else than bars"):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)


async def test_a_page_that_comes_round_again_is_a_feed_error() -> None:
    async with serving(lambda n: page([bar(0)], "same")) as (history, _):
        with pytest.raises(FeedError, match="repeats a page"):
            await history.fetch_bars(AAPL, MINUTE_NS, T0, NOW)
