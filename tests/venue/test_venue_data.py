"""The market-data endpoints and the bars behind them."""

from datetime import datetime

import pytest
from tests.venue.running_venue import NOON, Desk, Starter
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.venue.bars import parse_timeframe

NOON_TEXT = "2026-01-05T17:00:00.000000Z"


def minutes(desk: Desk, symbol: str, count: int, start: int = NOON - 60 * MINUTE_NS) -> None:
    for number in range(count):
        price = 100.0 + number
        desk.bar(start + number * MINUTE_NS, MINUTE_NS, (price, price + 1, price - 1, price), symbol)


async def test_bars_are_paged_over_all_symbols(desk: Desk) -> None:
    minutes(desk, "AAPL", 5)
    minutes(desk, "MSFT", 4)
    query = {"symbols": "MSFT,AAPL,NIX,BTC/USD", "timeframe": "1min", "limit": "3"}
    seen: list[tuple[str, str]] = []
    token = ""
    pages = 0
    while True:
        answer = await desk.get("/v2/stocks/bars", **query, page_token=token)
        pages += 1
        seen += [(symbol, bar["t"]) for symbol, bars in answer["bars"].items() for bar in bars]
        token = answer["next_page_token"]
        if token is None:
            break
    assert pages == 3
    assert [symbol for symbol, _ in seen] == ["AAPL"] * 5 + ["MSFT"] * 4
    assert seen == sorted(seen)
    (first, *_) = (await desk.get("/v2/stocks/bars", **query))["bars"]["AAPL"]
    assert first == {
        "t": "2026-01-05T16:00:00.000000Z",
        "o": 100.0,
        "h": 101.0,
        "l": 99.0,
        "c": 100.0,
        "v": 10.0,
        "n": 0,
        "vw": 100.0,
    }


async def test_bars_are_bounded_by_start_and_end_and_sorted(desk: Desk) -> None:
    minutes(desk, "AAPL", 10)
    query = {"symbols": "AAPL", "timeframe": "1Min"}
    answer = await desk.get("/v2/stocks/bars", **query, start="2026-01-05T16:03:00Z", end="2026-01-05T16:05:00Z")
    assert [bar["c"] for bar in answer["bars"]["AAPL"]] == [103, 104, 105]
    answer = await desk.get("/v2/stocks/bars", **query, sort="desc", limit="2")
    assert [bar["c"] for bar in answer["bars"]["AAPL"]] == [109, 108]
    answer = await desk.get("/v2/stocks/bars", **query, sort="desc", limit="2", page_token=answer["next_page_token"])
    assert [bar["c"] for bar in answer["bars"]["AAPL"]] == [107, 106]
    assert (await desk.get("/v2/stocks/bars", **query, start="2026-01-06"))["bars"] == {}


async def test_longer_bars_are_made_of_minutes(desk: Desk) -> None:
    minutes(desk, "AAPL", 60)
    answer = await desk.get("/v2/stocks/bars", symbols="AAPL", timeframe="15Min")
    first, *_, last = answer["bars"]["AAPL"]
    assert (first["o"], first["h"], first["l"], first["c"], first["v"]) == (100, 115, 99, 114, 150)
    assert last["t"] == "2026-01-05T16:45:00.000000Z"
    (day,) = (await desk.get("/v2/stocks/bars", symbols="AAPL", timeframe="1Day", start="2026-01-05"))["bars"]["AAPL"]
    assert (day["t"], day["o"], day["c"], day["v"]) == ("2026-01-05T05:00:00.000000Z", 100, 159, 600)


async def test_bars_of_the_feeds_own_length_are_given_as_they_came(desk: Desk) -> None:
    midnight = NOON - 12 * 60 * MINUTE_NS
    for number in (3, 2, 1):
        desk.bar(midnight - number * DAY_NS, DAY_NS, (10, 12, 9, 11), "AAPL")
    answer = await desk.get("/v2/stocks/bars", symbols="AAPL", timeframe="1Day", start="2026-01-01")
    assert [bar["t"][:10] for bar in answer["bars"]["AAPL"]] == ["2026-01-02", "2026-01-03", "2026-01-04"]


async def test_the_minute_under_way_is_among_the_bars_and_survives_a_restart(start_venue: Starter) -> None:
    desk = await start_venue()
    desk.trade(100, 2)
    desk.trade(102, 2)
    query = {"symbols": "AAPL", "timeframe": "1Min"}
    (bar,) = (await desk.get("/v2/stocks/bars", **query))["bars"]["AAPL"]
    assert (bar["t"], bar["h"], bar["v"], bar["n"], bar["vw"]) == (NOON_TEXT, 102, 4, 2, 101)
    desk.clock.advance(60)
    desk.trade(103)
    await start_venue.stop(desk)
    again = await start_venue(desk.clock)
    (bar,) = (await again.get("/v2/stocks/bars", **query))["bars"]["AAPL"]
    assert (bar["t"], bar["v"]) == (NOON_TEXT, 4)


async def test_old_minutes_are_let_go(start_venue: Starter) -> None:
    desk = await start_venue(bar_days=1)
    minutes(desk, "AAPL", 1, start=NOON - 3 * DAY_NS)
    minutes(desk, "AAPL", 1)
    answer = await desk.get("/v2/stocks/bars", symbols="AAPL", start="2026-01-01")
    assert len(answer["bars"]["AAPL"]) == 1


async def test_what_is_latest(desk: Desk) -> None:
    assert await desk.get("/v2/stocks/trades/latest", symbols="AAPL") == {"trades": {}}
    desk.trade(100.5, 7)
    desk.quote(100.4, 100.6, size=3)
    minutes(desk, "AAPL", 2)
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    quotes = await desk.get("/v2/stocks/quotes/latest", symbols="AAPL,MSFT")
    assert quotes["quotes"]["AAPL"] | {"ax": "V"} == {
        "bx": "V",
        "bp": 100.4,
        "bs": 3,
        "ax": "V",
        "ap": 100.6,
        "as": 3,
        "c": ["R"],
        "z": "C",
        "t": NOON_TEXT,
    }
    assert (await desk.get("/v2/stocks/trades/latest", symbols="AAPL"))["trades"]["AAPL"]["p"] == 100.5
    assert (await desk.get("/v2/stocks/bars/latest", symbols="AAPL"))["bars"]["AAPL"]["c"] == 101
    assert (await desk.get("/v2/stocks/AAPL/trades/latest"))["trade"]["p"] == 100.5
    assert (await desk.call("GET", "/v2/stocks/MSFT/trades/latest"))[0] == 404
    assert (await desk.call("GET", "/v2/stocks/rumours/latest", symbols="AAPL"))[0] == 404
    crypto = await desk.get("/v1beta3/crypto/us/latest/quotes", symbols="BTC/USD")
    assert crypto["quotes"]["BTC/USD"]["bp"] == 50_000
    snapshot = (await desk.get("/v2/stocks/snapshots", symbols="AAPL"))["AAPL"]
    assert (snapshot["latestTrade"]["p"], snapshot["dailyBar"]["c"]) == (100.5, 101)
    assert snapshot["prevDailyBar"] is None


async def test_one_symbols_bars(desk: Desk) -> None:
    minutes(desk, "AAPL", 2)
    answer = await desk.get("/v2/stocks/AAPL/bars", timeframe="1T")
    assert (answer["symbol"], len(answer["bars"])) == ("AAPL", 2)
    assert (await desk.get("/v2/stocks/MSFT/bars"))["bars"] is None


async def test_crypto_bars(desk: Desk) -> None:
    minutes(desk, "BTC/USD", 2)
    answer = await desk.get("/v1beta3/crypto/us/bars", symbols="BTC/USD", timeframe="1Hour")
    (bar,) = answer["bars"]["BTC/USD"]
    assert bar["v"] == 20


@pytest.mark.parametrize(
    "query",
    [
        {"timeframe": "61Min"},
        {"timeframe": "fortnight"},
        {"timeframe": "2Day"},
        {"limit": "0"},
        {"limit": "10001"},
        {"limit": "many"},
        {"start": "2026-13-01"},
        {"page_token": "%%%"},
        {"sort": "up"},
        {"symbols": ""},
    ],
)
async def test_a_question_that_cannot_be_read_is_refused(desk: Desk, query: dict[str, str]) -> None:
    status, body = await desk.call("GET", "/v2/stocks/bars", **({"symbols": "AAPL", "timeframe": "1Min"} | query))
    assert status == 400
    assert "code" not in body


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("5Min", "2026-01-05T17:00:00"),
        ("1h", "2026-01-05T17:00:00"),
        ("1day", "2026-01-05T05:00:00"),
        ("1Week", "2026-01-05T05:00:00"),
        ("1Month", "2026-01-01T05:00:00"),
        ("12M", "2026-01-01T05:00:00"),
    ],
)
def test_where_a_bar_begins(text: str, start: str) -> None:
    timeframe = parse_timeframe(text)
    assert timeframe is not None
    instant = timeframe.start_of(NOON + 3 * MINUTE_NS) // NS_PER_SECOND
    assert instant == int(datetime.fromisoformat(start + "+00:00").timestamp())


async def test_the_accounts_history(desk: Desk) -> None:
    desk.quote(100, 100)
    await desk.submit(qty="10")
    desk.quote(110, 110)
    history = await desk.get("/v2/account/portfolio/history", period="1D", timeframe="1Min")
    assert history["equity"][-1] == 100_100
    assert history["profit_loss"][-1] == 100
    assert len({len(history[key]) for key in ("timestamp", "equity", "profit_loss", "profit_loss_pct")}) == 1
    assert (await desk.get("/v2/account/portfolio/history"))["timeframe"] == "1D"
    assert (await desk.call("GET", "/v2/account/portfolio/history", period="soon"))[0] == 422
