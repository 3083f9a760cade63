"""The order stream over a real websocket: sessions, losses, frames."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.brokers.alpaca.making import Heard
from tests.brokers.scripted_venue import BOUND_S, KEY, SECRET, ScriptedVenue, order_json, update_json
from tradingd.brokers.alpaca.order_stream import TradeUpdateStream
from tradingd.brokers.alpaca.wire import TradeUpdate
from tradingd.errors import CredentialsRefused, UsageError


@pytest.fixture
def heard() -> Heard:
    return Heard()


def make_stream(venue: ScriptedVenue, heard: Heard, *, key: str = KEY) -> TradeUpdateStream:
    def on_update(update: TradeUpdate) -> None:
        heard.note(f"{update.event} {update.order.client_order_id}")

    return TradeUpdateStream(
        url=venue.stream_url,
        api_key=key,
        api_secret=SECRET,
        on_update=on_update,
        on_up=lambda: heard.note("up"),
        on_down=lambda _reason: heard.note("down"),
        on_problem=lambda event, _message, _details: heard.note(event),
        rng=random.Random(3),
        timeout_s=0.5,
        ping_interval_s=0.1,
        pong_timeout_s=0.2,
        first_wait_s=0.01,
    )


@pytest.fixture
async def running(venue: ScriptedVenue, heard: Heard) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(make_stream(venue, heard).run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("binary", [True, False], ids=["binary frames", "text frames"])
async def test_updates_are_read_from_both_kinds_of_frame(
    venue: ScriptedVenue, heard: Heard, running: asyncio.Task[None], binary: bool
) -> None:
    venue.binary_frames = binary
    await heard.until("up")
    await venue.push(update_json("new", order_json("t-1")))
    await heard.until("new t-1")
    assert heard.words == ["up", "new t-1"]
    assert not running.done()


@pytest.mark.parametrize(
    "frame",
    [b"{", b'{"stream":"trade_updates","data":{"event":1}}', b'{"stream":"\xff"}'],
    ids=["not JSON", "wrong types", "not UTF-8"],
)
async def test_a_frame_that_cannot_be_read_is_told_and_the_next_one_arrives(
    venue: ScriptedVenue, heard: Heard, running: asyncio.Task[None], frame: bytes
) -> None:
    await heard.until("up")
    await venue.push(frame)
    await venue.push({"action": "error", "data": {"error_message": "something"}})
    await venue.push(update_json("new", order_json("t-1")))
    await heard.until("new t-1")
    assert heard.words == ["up", "broker.frame_undecodable", "broker.stream_fault", "new t-1"]
    assert not running.done()


async def test_a_lost_connection_is_told_once_and_comes_back(
    venue: ScriptedVenue, heard: Heard, running: asyncio.Task[None]
) -> None:
    await heard.until("up")
    await venue.cut_stream()
    await heard.until("up", 2)
    assert heard.words == ["up", "down", "up"]
    assert not running.done()


async def test_a_peer_that_answers_no_pings_is_a_lost_connection(venue: ScriptedVenue, heard: Heard) -> None:
    venue.answer_pings = False
    task = asyncio.create_task(make_stream(venue, heard).run())
    await heard.until("up", 2)
    assert heard.words[:3] == ["up", "down", "up"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_address_that_is_no_websockets_is_named(venue: ScriptedVenue, heard: Heard) -> None:
    stream = TradeUpdateStream(
        url=venue.url,
        api_key=KEY,
        api_secret=SECRET,
        on_update=lambda _update: None,
        on_up=lambda: heard.note("up"),
        on_down=lambda _reason: heard.note("down"),
        on_problem=lambda event, _message, _details: heard.note(event),
        rng=random.Random(3),
        timeout_s=1.0,
    )
    with pytest.raises(UsageError, match="ws://"):
        await stream.run()


async def test_a_refused_handshake_is_retried_and_was_never_up(venue: ScriptedVenue, heard: Heard) -> None:
    venue.handshake_statuses = [429, 503]
    task = asyncio.create_task(make_stream(venue, heard).run())
    await heard.until("up")
    assert heard.words == ["broker.stream_unreachable", "broker.stream_unreachable", "up"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_redirect_is_not_followed_with_the_keys(venue: ScriptedVenue, heard: Heard) -> None:
    venue.handshake_statuses = [302]
    task = asyncio.create_task(make_stream(venue, heard).run())
    await heard.until("broker.stream_unreachable")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_refused_keys_end_the_stream(venue: ScriptedVenue, heard: Heard) -> None:
    with pytest.raises(CredentialsRefused) as refused:
        async with asyncio.timeout(BOUND_S):
            await make_stream(venue, heard, key="PKWRONG").run()
    assert heard.words == []
    assert SECRET not in str(refused.value)


async def test_keys_that_the_handshake_refuses_end_the_stream(venue: ScriptedVenue, heard: Heard) -> None:
    venue.handshake_statuses = [401]
    with pytest.raises(CredentialsRefused):
        async with asyncio.timeout(BOUND_S):
            await make_stream(venue, heard).run()
    assert venue.connections == 1


async def test_a_venue_that_takes_keys_back_ends_the_stream(venue: ScriptedVenue, heard: Heard) -> None:
    task = asyncio.create_task(make_stream(venue, heard).run())
    await heard.until("up")
    await venue.push({"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}})
    with pytest.raises(CredentialsRefused):
        async with asyncio.timeout(BOUND_S):
            await task
    assert heard.words == ["up", "down"]


async def test_a_failing_callback_is_no_lost_connection(venue: ScriptedVenue, heard: Heard) -> None:
    def on_update(update: TradeUpdate) -> None:
        raise OSError(f"disk full at {update.event}")

    stream = TradeUpdateStream(
        url=venue.stream_url,
        api_key=KEY,
        api_secret=SECRET,
        on_update=on_update,
        on_up=lambda: heard.note("up"),
        on_down=lambda _reason: heard.note("down"),
        on_problem=lambda event, _message, _details: heard.note(event),
        rng=random.Random(3),
        timeout_s=1.0,
    )
    task = asyncio.create_task(stream.run())
    await heard.until("up")
    await venue.push(update_json("new", order_json("t-1")))
    with pytest.raises(OSError, match="disk full"):
        async with asyncio.timeout(BOUND_S):
            await task
    assert heard.words == ["up"]


async def test_a_mute_peer_is_given_up_and_told(heard: Heard) -> None:
    """A server that takes the connection and never answers the handshake."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    mute = ScriptedVenue()
    mute.port = server.sockets[0].getsockname()[1]
    stream = make_stream(mute, heard)
    task = asyncio.create_task(stream.run())
    await heard.until("broker.stream_unreachable")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for writer in held:
        writer.close()
    server.close()
    await server.wait_closed()
