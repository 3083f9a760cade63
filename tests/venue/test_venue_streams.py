"""The websockets, spoken to frame by frame."""

import asyncio
from typing import Any

import aiohttp
import aiohttp.web
import msgspec
from aiohttp import ClientWebSocketResponse, WSMsgType
from tests.venue.running_venue import KEYS, NOON, Desk, Starter
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND
from tradingd.settings.venue import VenueSettings
from tradingd.venue.gate import Credentials
from tradingd.venue.market_stream import MarketStream
from tradingd.venue.sockets import SocketServer

AUTHENTICATE = {"action": "authenticate", "data": {"key_id": "paper", "secret_key": "paper-secret"}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "account_updates"]}}
AUTH = {"action": "auth", "key": "paper", "secret": "paper-secret"}
MSGPACK = {"Content-Type": "application/msgpack"}


async def read(socket: ClientWebSocketResponse) -> Any:
    """The next message, whatever its frame."""
    message = await socket.receive(timeout=5)
    if message.type is WSMsgType.BINARY:
        return msgspec.json.decode(message.data)
    assert message.type is WSMsgType.TEXT, message
    return msgspec.json.decode(message.data)


async def ask(socket: ClientWebSocketResponse, request: object) -> Any:
    await socket.send_json(request)
    return await read(socket)


# -- trade updates ----------------------------------------------------------------------------------------------------


async def listening(desk: Desk, path: str = "/stream") -> ClientWebSocketResponse:
    socket = await desk.session.ws_connect(desk.venue.base_url + path)
    await ask(socket, AUTHENTICATE)
    await ask(socket, LISTEN)
    return socket


async def test_a_listener_authenticates_and_listens(desk: Desk) -> None:
    socket = await desk.session.ws_connect(desk.venue.stream_url)
    assert await ask(socket, LISTEN) == {
        "stream": "authorization",
        "data": {"status": "unauthorized", "action": "listen"},
    }
    wrong = {"action": "authenticate", "data": {"key_id": "paper", "secret_key": "guess"}}
    assert (await ask(socket, wrong))["data"]["status"] == "unauthorized"
    assert await ask(socket, AUTHENTICATE) == {
        "stream": "authorization",
        "data": {"status": "authorized", "action": "authenticate"},
    }
    assert await ask(socket, LISTEN) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    assert (await ask(socket, {"action": "listen", "data": {"streams": []}}))["data"]["streams"] == []
    assert "error_message" in (await ask(socket, {"action": "dance"}))["data"]
    assert "error_message" in (await ask(socket, [1]))["data"]


async def test_the_flat_form_of_authentication_is_known_too(desk: Desk) -> None:
    socket = await desk.session.ws_connect(desk.venue.base_url + "/stream/")
    assert (await ask(socket, AUTH))["data"]["status"] == "authorized"


async def test_the_life_of_an_order_is_told_event_by_event(desk: Desk) -> None:
    socket = await listening(desk)
    desk.quote(99.9, 100, size=4)
    order = await desk.submit(qty="10", client_order_id="mine")
    desk.quote(99.9, 100, size=100)
    updates = [(await read(socket))["data"] for _ in range(3)]
    assert [update["event"] for update in updates] == ["new", "partial_fill", "fill"]
    assert [update["order"]["status"] for update in updates] == ["new", "partially_filled", "filled"]
    assert {update["order"]["id"] for update in updates} == {order["id"]}
    fill = updates[2]
    assert (fill["qty"], fill["price"], fill["position_qty"]) == ("6", "100", "10")
    activity = (await desk.get("/v2/account/activities", page_size="1"))[0]
    assert activity["id"].endswith(fill["execution_id"])


async def test_cancel_and_replacement_are_told(desk: Desk) -> None:
    socket = await listening(desk)
    order = await desk.submit(type="limit", limit_price="90")
    _, new = await desk.call("PATCH", f"/v2/orders/{order['id']}", {"limit_price": "91"})
    await desk.call("DELETE", f"/v2/orders/{new['id']}")
    updates = [(await read(socket))["data"] for _ in range(4)]
    assert [(update["event"], update["order"]["id"]) for update in updates] == [
        ("new", order["id"]),
        ("replaced", order["id"]),
        ("new", new["id"]),
        ("canceled", new["id"]),
    ]


async def test_every_listener_hears_everything_in_its_own_encoding(desk: Desk) -> None:
    first = await listening(desk)
    second = await desk.session.ws_connect(desk.venue.stream_url, headers=MSGPACK)
    for request in (AUTHENTICATE, LISTEN):
        await second.send_bytes(msgspec.msgpack.encode(request))
        await second.receive(timeout=5)
    await desk.submit(type="limit", limit_price="90")
    told = await read(first)
    assert msgspec.msgpack.decode((await second.receive(timeout=5)).data) == told


async def test_events_come_in_binary_frames(desk: Desk) -> None:
    socket = await listening(desk)
    await desk.submit(type="limit", limit_price="90")
    assert (await socket.receive(timeout=5)).type is WSMsgType.BINARY


async def test_stopping_closes_listeners_at_once(start_venue: Starter) -> None:
    desk = await start_venue()
    socket = await listening(desk)
    async with asyncio.timeout(5):
        await asyncio.gather(desk.venue.stop(), socket.receive())
    start_venue.running.remove(desk)
    await desk.session.close()


# -- market data ------------------------------------------------------------------------------------------------------


async def connected(desk: Desk, path: str = "/v2/iex", **headers: str) -> ClientWebSocketResponse:
    socket = await desk.session.ws_connect(desk.venue.base_url + path, headers=NO_KEYS | headers)
    assert await read(socket) == [{"T": "success", "msg": "connected"}]
    return socket


NO_KEYS = {"APCA-API-KEY-ID": "", "APCA-API-SECRET-KEY": ""}


async def subscribed(desk: Desk, path: str = "/v2/iex", **channels: list[str]) -> ClientWebSocketResponse:
    socket = await connected(desk, path)
    assert await ask(socket, AUTH) == [{"T": "success", "msg": "authenticated"}]
    await ask(socket, {"action": "subscribe"} | channels)
    return socket


async def test_errors_have_their_numbers(desk: Desk) -> None:
    socket = await connected(desk)
    subscribe = {"action": "subscribe", "trades": ["AAPL"]}

    async def code(request: object) -> int:
        (answer,) = await ask(socket, request)
        assert answer["T"] == "error"
        return int(answer["code"])

    assert await code(subscribe) == 401
    assert await code({"action": "dance"}) == 400
    assert await code("?") == 400
    await ask(socket, AUTH)
    assert await code(AUTH) == 403
    assert await code({"action": "subscribe", "trades": "AAPL"}) == 400
    assert await code({"action": "subscribe", "rumours": ["AAPL"]}) == 400
    assert await code({"action": "subscribe", "orderbooks": ["AAPL"]}) == 410


async def test_wrong_keys_end_the_connection(desk: Desk) -> None:
    socket = await connected(desk)
    assert (await ask(socket, AUTH | {"secret": "guess"}))[0]["code"] == 402
    assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE


async def test_one_connection_a_key_and_endpoint(desk: Desk) -> None:
    first = await subscribed(desk)
    second = await connected(desk)
    assert (await ask(second, AUTH))[0]["code"] == 406
    other = await connected(desk, "/v2/sip")
    assert (await ask(other, AUTH))[0]["T"] == "success"
    await first.close()
    third = await connected(desk)
    assert (await ask(third, AUTH))[0]["T"] == "success"


async def test_keys_in_the_handshake_authenticate_unasked(desk: Desk) -> None:
    socket = await desk.session.ws_connect(desk.venue.data_stream_url, headers=KEYS)
    assert [(await read(socket))[0]["msg"] for _ in range(2)] == ["connected", "authenticated"]


async def test_subscriptions_add_up_and_are_echoed_whole(start_venue: Starter) -> None:
    desk = await start_venue(symbol_limit=2)
    socket = await subscribed(desk, trades=["AAPL"])
    (state,) = await ask(socket, {"action": "subscribe", "quotes": ["MSFT"], "bars": ["*"]})
    assert state["T"] == "error"
    (state,) = await ask(socket, {"action": "subscribe", "quotes": ["MSFT"]})
    assert (state["trades"], state["quotes"], state["corrections"], state["bars"]) == (["AAPL"], ["MSFT"], ["AAPL"], [])
    (error,) = await ask(socket, {"action": "subscribe", "quotes": ["IBM"]})
    assert error["code"] == 405
    (state,) = await ask(socket, {"action": "unsubscribe", "trades": ["AAPL"]})
    assert (state["trades"], state["corrections"], state["quotes"]) == ([], [], ["MSFT"])


async def test_a_client_that_says_nothing_is_sent_away() -> None:
    sockets = SocketServer()
    stream = MarketStream(Credentials(VenueSettings()), sockets, 0, auth_seconds=0.05)
    app = aiohttp.web.Application()
    app.add_routes([aiohttp.web.get("/v2/iex", stream.handle)])
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{host}:{port}/v2/iex") as socket:
            await read(socket)
            assert (await read(socket))[0]["code"] == 404
            assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
    finally:
        await runner.cleanup()


async def test_a_client_that_does_not_read_is_let_go(start_venue: Starter) -> None:
    desk = await start_venue()
    socket = await subscribed(desk, quotes=["AAPL"])
    for _ in range(30_000):
        desk.quote(99.9, 100)
    codes = []
    async with asyncio.timeout(10):
        async for message in socket:
            codes += [item.get("code") for item in msgspec.json.decode(message.data)]
    assert codes[-1] == 407 or socket.closed
    assert (await ask(await connected(desk), AUTH))[0]["T"] == "success"


async def test_ticks_reach_those_who_subscribed(desk: Desk) -> None:
    socket = await subscribed(desk, trades=["AAPL"], quotes=["*"])
    desk.trade(100.5, 7)
    desk.trade(50, 7, symbol="MSFT")
    desk.quote(49.9, 50, size=3, symbol="MSFT")
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    messages = await read(socket)
    while len(messages) < 2:
        messages += await read(socket)
    trade, quote = messages
    assert next(iter(trade)) == "T"
    assert (trade["T"], trade["S"], trade["p"], trade["s"]) == ("t", "AAPL", 100.5, 7)
    assert trade["t"] == "2026-01-05T17:00:00.000000Z"
    assert (quote["T"], quote["S"], quote["bp"], quote["ap"], quote["as"]) == ("q", "MSFT", 49.9, 50, 3)


async def test_crypto_has_its_own_endpoint_with_order_books(desk: Desk) -> None:
    socket = await subscribed(desk, "/v1beta3/crypto/us", quotes=["BTC/USD"], orderbooks=["BTC/USD"])
    desk.quote(49.9, 50)
    desk.quote(50_000, 50_001, size=2, symbol="BTC/USD")
    quote, book = await read(socket)
    assert (quote["T"], quote["S"], quote["bp"]) == ("q", "BTC/USD", 50_000)
    assert (book["T"], book["b"], book["r"]) == ("o", [{"p": 50_000, "s": 2}], True)


async def test_msgpack_carries_times_as_its_own_timestamp(desk: Desk) -> None:
    socket = await desk.session.ws_connect(desk.venue.data_stream_url, headers=KEYS | MSGPACK)
    for _ in range(2):
        await socket.receive(timeout=5)
    await socket.send_bytes(msgspec.msgpack.encode({"action": "subscribe", "quotes": ["AAPL"]}))
    (state,) = msgspec.msgpack.decode((await socket.receive(timeout=5)).data)
    assert state["quotes"] == ["AAPL"]
    for _ in range(40):
        desk.quote(99.9, 100)
    message = await socket.receive(timeout=5)
    quotes = msgspec.msgpack.decode(message.data)
    assert len(quotes) == 40
    assert next(iter(quotes[0])) == "T"
    assert quotes[0]["t"].timestamp() == NOON / NS_PER_SECOND


async def test_a_minute_is_told_when_it_closes_and_again_when_it_is_revised(desk: Desk) -> None:
    socket = await subscribed(desk, bars=["*"], updatedBars=["*"], dailyBars=["AAPL"])
    for price, size in ((100, 1), (102, 2), (99, 1)):
        desk.trade(price, size)
    desk.clock.advance(60)
    desk.trade(101, 5)
    bar, day = await read(socket)
    assert (bar["T"], bar["o"], bar["h"], bar["l"], bar["c"], bar["v"], bar["n"]) == ("b", 100, 102, 99, 99, 4, 3)
    assert bar["vw"] == 100.75
    assert bar["t"] == "2026-01-05T17:00:00.000000Z"
    assert (day["T"], day["v"]) == ("d", 4)
    desk.trade(103, 1, ago=30 * NS_PER_SECOND)
    revised, day = await read(socket)
    assert (revised["T"], revised["h"], revised["c"], revised["v"]) == ("u", 103, 99, 5)
    assert (day["T"], day["h"], day["v"]) == ("d", 103, 5)


async def test_the_clock_closes_a_quiet_minute(desk: Desk) -> None:
    socket = await subscribed(desk, bars=["AAPL"])
    desk.quote(99.9, 100.1)
    desk.clock.advance(61)
    (bar,) = await read(socket)
    assert (bar["T"], bar["c"], bar["v"]) == ("b", 100, 0)


async def test_bars_of_the_feed_are_passed_on(desk: Desk) -> None:
    socket = await subscribed(desk, bars=["AAPL"])
    desk.trade(500)
    desk.bar(NOON - MINUTE_NS, MINUTE_NS, (1, 4, 1, 3), "AAPL")
    (bar,) = await read(socket)
    assert (bar["o"], bar["h"], bar["l"], bar["c"], bar["v"]) == (1, 4, 1, 3, 10)
