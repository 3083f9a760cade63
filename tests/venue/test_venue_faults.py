"""Each fault of the venue, as a client meets it over real HTTP and a real websocket."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter
from tests.venue.running_venue import KEYS, SYMBOLS, Clock, Desk
from tradingd.core.identifiers import Symbol
from tradingd.errors import UsageError
from tradingd.settings.venue import VenueSettings
from tradingd.venue.fault_acts import BY_HAND, FaultPlayer
from tradingd.venue.fault_rules import FaultRule
from tradingd.venue.faults import FaultLayer
from tradingd.venue.faulty import FaultyVenue

RULES: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)
BOUND_S = 5


@dataclass
class Stage:
    """A venue that commits faults, and a client of it."""

    desk: Desk
    layer: FaultLayer
    player: FaultPlayer
    venue: FaultyVenue

    async def play(self, kind: str, **terms: object) -> None:
        await self.player.play(RULES.validate_python({"kind": kind, **terms}))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Ear"]:
        """A client of the order stream that was let in and listens."""
        async with aiohttp.ClientSession() as session, session.ws_connect(self.venue.stream_url) as socket:
            await socket.send_json(
                {"action": "auth", "key": KEYS["APCA-API-KEY-ID"], "secret": KEYS["APCA-API-SECRET-KEY"]}
            )
            assert (await socket.receive(BOUND_S)).data
            await socket.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            assert b"listening" in (await socket.receive(BOUND_S)).data
            yield Ear(socket)

    async def rest_order(self, **body: object) -> str:
        """Place a limit order that rests."""
        order = await self.desk.submit(**({"type": "limit", "limit_price": "90", "qty": "4"} | body))
        return str(order["id"])


@dataclass
class Ear:
    """Hears events."""

    socket: aiohttp.ClientWebSocketResponse

    async def raw(self) -> bytes | None:
        """The next frame, None when the connection has ended."""
        message = await self.socket.receive(BOUND_S)
        return message.data if message.type is aiohttp.WSMsgType.BINARY else None

    async def event(self) -> dict[str, Any]:
        raw = await self.raw()
        assert raw is not None, "the connection ended"
        data: dict[str, Any] = json.loads(raw)["data"]
        return data

    async def words(self, count: int) -> list[str]:
        return [(await self.event())["event"] for _ in range(count)]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    layer = FaultLayer(clock, random.Random(1))
    venue = FaultyVenue(
        VenueSettings.model_validate({"rate_limit_per_minute": 0}),
        database=tmp_path / "venue.db",
        symbols=SYMBOLS,
        clock=clock,
        log=lambda level, event, message, details: None,
        faults=layer,
    )
    await venue.start()
    async with aiohttp.ClientSession(headers=KEYS, timeout=aiohttp.ClientTimeout(total=BOUND_S)) as session:
        desk = Desk(venue, session, clock, [])
        desk.quote(99.0, 100.0)
        player = FaultPlayer(venue, layer)
        yield Stage(desk, layer, player, venue)
        await player.stop()
    await venue.stop()


async def submit(stage: Stage, name: str) -> tuple[int, str]:
    """Send an order; the status and the text of the answer."""
    body = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    async with stage.desk.session.post(
        stage.venue.base_url + "/v2/orders", json=body | {"client_order_id": name}
    ) as response:
        return response.status, (await response.read()).decode(errors="replace")


async def names(stage: Stage) -> list[str]:
    return [order["client_order_id"] for order in await stage.desk.get("/v2/orders", status="all")]


@pytest.mark.parametrize("kind", ["request_lost", "answer_lost"])
async def test_a_reset_connection_says_nothing_about_the_order(stage: Stage, kind: str) -> None:
    await stage.play(kind)
    with pytest.raises(aiohttp.ClientError):
        await submit(stage, "a")
    assert await names(stage) == ([] if kind == "request_lost" else ["a"])
    assert (await submit(stage, "b"))[0] == 200
    assert [injection.kind for injection in stage.layer.injections] == [kind]


async def test_half_an_answer_is_no_answer(stage: Stage) -> None:
    await stage.play("answer_cut")
    with pytest.raises(aiohttp.ClientError):
        await submit(stage, "a")
    assert await names(stage) == ["a"]


async def test_an_answer_without_an_order(stage: Stage) -> None:
    await stage.play("answer_empty")
    await stage.play("answer_garbage")
    assert await submit(stage, "a") == (200, "")
    status, text = await submit(stage, "b")
    assert (status, text[:4]) == (200, '{"id')
    assert sorted(await names(stage)) == ["a", "b"]


async def test_a_repeated_request_is_refused_for_its_id(stage: Stage) -> None:
    await stage.play("request_twice")
    status, text = await submit(stage, "a")
    assert (status, json.loads(text)["code"]) == (422, 40010001)
    assert await names(stage) == ["a"]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_error_with_and_without_the_order(stage: Stage, carried_out: bool) -> None:
    await stage.play("answer_status", status=503, carried_out=carried_out)
    assert (await submit(stage, "a"))[0] == 503
    assert await names(stage) == (["a"] if carried_out else [])


async def test_too_many_requests_with_a_time_to_wait(stage: Stage) -> None:
    await stage.play("answer_status", on="query", status=429, retry_after_s=3)
    async with stage.desk.session.get(stage.venue.base_url + "/v2/account") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert (await stage.desk.call("GET", "/v2/account"))[0] == 200


@pytest.mark.parametrize(
    ("kind", "known_at_once"), [("request_late", False), ("answer_late", True), ("answer_never", True)]
)
async def test_late_and_absent_answers(stage: Stage, kind: str, known_at_once: bool) -> None:
    await stage.play(kind, seconds=60)
    asking = asyncio.create_task(submit(stage, "a"))
    async with asyncio.timeout(BOUND_S):
        while not stage.layer.injections:  # noqa: ASYNC110  # the layer counts; it tells nobody when it does
            await asyncio.sleep(0.01)
    assert await names(stage) == (["a"] if known_at_once else [])
    assert not asking.done()
    await stage.player.stop()
    if kind == "answer_never":
        with pytest.raises(aiohttp.ClientError):
            await asking
    else:
        assert (await asking)[0] == 200


async def test_a_held_cancel_is_carried_out_at_the_end(stage: Stage) -> None:
    order_id = await stage.rest_order()
    await stage.play("command_held", on="cancel", seconds=60)
    assert (await stage.desk.call("DELETE", f"/v2/orders/{order_id}"))[0] == 204
    assert (await stage.desk.order(order_id))["status"] == "new"
    await stage.player.stop()
    assert (await stage.desk.order(order_id))["status"] == "canceled"


async def test_an_order_that_is_not_found_yet(stage: Stage) -> None:
    await stage.play("order_not_found", seconds=60)
    order = await stage.desk.submit(client_order_id="a")
    path = "/v2/orders:by_client_order_id"
    assert (await stage.desk.call("GET", path, client_order_id="a"))[0] == 404
    assert (await stage.desk.call("GET", f"/v2/orders/{order['id']}"))[0] == 404
    assert await names(stage) == []
    await stage.player.stop()
    assert (await stage.desk.call("GET", path, client_order_id="a"))[0] == 200
    assert await names(stage) == ["a"]


async def test_a_list_that_is_cut(stage: Stage) -> None:
    for name in "abc":
        await stage.desk.submit(client_order_id=name)
    await stage.play("list_cut", limit=2)
    assert len(await stage.desk.get("/v2/orders", status="all", limit="500")) == 2
    assert len(await stage.desk.get("/v2/orders", status="all", limit="500")) == 3


async def test_only_exits_are_refused(stage: Stage) -> None:
    await stage.play("exit_refused")
    await stage.desk.submit()
    assert (await stage.desk.refuse(side="sell"))[0] == 403
    await stage.desk.submit(side="sell")


async def test_frames_lost_doubled_and_spoilt(stage: Stage) -> None:
    await stage.play("frame_lost", event="new")
    await stage.play("frame_twice", event="fill")
    async with stage.listening() as ear:
        await stage.desk.submit()
        assert await ear.words(2) == ["fill", "fill"]
        await stage.play("frame_garbage", event="new")
        await stage.play("frame_priceless", event="fill")
        await stage.desk.submit(qty="2")
        with pytest.raises(UnicodeDecodeError):
            json.loads(await ear.raw() or b"")
        assert (await ear.event())["price"] == "100"
        assert (await ear.event())["price"] == "0"


async def test_frames_late_and_out_of_order(stage: Stage) -> None:
    async with stage.listening() as ear:
        await stage.play("frame_late", event="new", seconds=0.2)
        await stage.desk.submit()
        assert await ear.words(2) == ["fill", "new"]
        await stage.play("frame_swapped", event="new")
        await stage.desk.submit()
        assert await ear.words(2) == ["fill", "new"]


async def test_a_split_fill_whose_second_part_names_the_total(stage: Stage) -> None:
    await stage.play("fill_split")
    await stage.play("frame_cumulative", event="fill")
    async with stage.listening() as ear:
        await stage.desk.submit(qty="10")
        events = [await ear.event() for _ in range(3)]
    assert [(event["event"], event.get("qty")) for event in events] == [
        ("new", None),
        ("partial_fill", "5"),
        ("fill", "10"),
    ]
    fills = await stage.desk.get("/v2/account/activities/FILL", direction="asc")
    assert [(fill["qty"], fill["cum_qty"]) for fill in fills] == [("5", "5"), ("5", "10")]


async def test_a_frame_cut_in_the_middle_ends_the_connection(stage: Stage) -> None:
    await stage.play("frame_cut", event="new")
    async with stage.listening() as ear:
        await stage.desk.submit()
        frames = [await ear.raw(), await ear.raw(), await ear.raw()]
    assert frames[-1] is None
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[0] or b"")


async def test_a_stray_cancel_of_the_replaced_id(stage: Stage) -> None:
    order_id = await stage.rest_order()
    await stage.play("frame_stray_cancel")
    async with stage.listening() as ear:
        assert (await stage.desk.call("PATCH", f"/v2/orders/{order_id}", {"limit_price": "91"}))[0] == 200
        replaced, stray = await ear.event(), await ear.event()
    assert (replaced["event"], stray["event"], stray["order"]["id"]) == ("replaced", "canceled", order_id)


async def test_a_mute_stream_answers_pings_and_says_nothing(stage: Stage) -> None:
    async with stage.listening() as ear:
        await stage.play("stream_mute", seconds=60)
        await stage.desk.submit()
        await ear.socket.ping()
        await stage.player.stop()
        await stage.desk.submit(qty="2")
        assert (await ear.event())["order"]["qty"] == "2"


async def test_a_refused_stream_is_cut_and_answers_406(stage: Stage) -> None:
    async with stage.listening() as ear:
        await stage.play("stream_refused", seconds=60)
        assert await ear.raw() is None
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with stage.listening():
            pass
    assert refused.value.status == 406
    await stage.player.stop()
    async with stage.listening():
        pass


async def test_old_executions_come_again_after_a_cut(stage: Stage) -> None:
    await stage.desk.submit()
    await stage.desk.submit()
    await stage.play("stream_replays", executions=1)
    async with stage.listening() as ear:
        again = await ear.event()
        assert again["event"] == "fill"
        await stage.play("stream_cut")
        assert await ear.raw() is None


@pytest.mark.parametrize(("fills", "status", "filled"), [("part", 204, "2"), ("all", 422, "4")])
async def test_a_fill_just_before_the_cancel(stage: Stage, fills: str, status: int, filled: str) -> None:
    order_id = await stage.rest_order()
    await stage.play("fill_race", fills=fills)
    assert (await stage.desk.call("DELETE", f"/v2/orders/{order_id}"))[0] == status
    order = await stage.desk.order(order_id)
    assert (order["filled_qty"], order["status"]) == (filled, "canceled" if fills == "part" else "filled")


async def test_a_fill_just_before_the_replace(stage: Stage) -> None:
    order_id = await stage.rest_order()
    await stage.play("fill_race", before="replace")
    status, new = await stage.desk.call("PATCH", f"/v2/orders/{order_id}", {"limit_price": "91"})
    assert (status, new["filled_qty"], new["qty"]) == (200, "2", "4")


async def test_more_fills_than_was_asked(stage: Stage) -> None:
    await stage.play("fill_over", quantity=3)
    order = await stage.desk.submit(qty="10")
    after = await stage.desk.order(order["id"])
    assert (after["status"], after["filled_qty"]) == ("filled", "13")
    assert (await stage.desk.get("/v2/positions"))[0]["qty"] == "13"


async def test_a_cut_link_resets_refuses_and_comes_back(stage: Stage) -> None:
    await stage.play("link_cut", seconds=60)
    with pytest.raises(aiohttp.ClientError):
        await stage.desk.call("GET", "/v2/account")
    await stage.player.stop()
    assert (await stage.desk.call("GET", "/v2/account"))[0] == 200


async def test_somebody_else_trades_on_the_account(stage: Stage) -> None:
    before = Decimal((await stage.desk.get("/v2/account"))["cash"])
    await stage.play("position_appears", quantity=7)
    assert Decimal((await stage.desk.get("/v2/account"))["cash"]) == before
    await stage.play("foreign_fill", quantity=1)
    await stage.play("foreign_order", quantity=2)
    assert (await stage.desk.get("/v2/positions"))[0]["qty"] == "8"
    orders = await stage.desk.get("/v2/orders", status="all", direction="asc")
    assert [order["status"] for order in orders] == ["filled", "new"]
    assert all(order["client_order_id"].startswith(BY_HAND) for order in orders)
    with pytest.raises(UsageError, match="no price"):
        await stage.play("foreign_fill", quantity=1, symbol=Symbol("MSFT"))


async def test_a_chance_is_drawn_for_each_occasion(stage: Stage) -> None:
    await stage.play("answer_status", status=500, count=100, chance=0.5)
    statuses = [(await submit(stage, f"o{number}"))[0] for number in range(20)]
    assert 2 < statuses.count(500) < 18


async def test_a_normal_venue_has_no_fault_layer(desk: Desk) -> None:
    assert (await desk.call("POST", "/play", {"kind": "stream_cut"}))[0] == 404
