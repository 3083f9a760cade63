"""What the venue has told anybody survives its death at any instant."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.venue.running_venue import KEYS, NOON, SYMBOLS, Clock, Desk, Starter
from tradingd.core.market import DAY_NS
from tradingd.errors import UsageError
from tradingd.settings.venue import VenueSettings
from tradingd.tools.drills.tether import tethered
from tradingd.venue.server import PaperVenue

QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/v2/account", {}),
    ("/v2/orders", {"status": "all"}),
    ("/v2/orders", {"status": "open", "nested": "true"}),
    ("/v2/positions", {}),
    ("/v2/account/activities", {}),
    ("/v2/assets", {}),
)


async def answers(desk: Desk) -> list[Any]:
    return [await desk.get(path, **query) for path, query in QUESTIONS]


async def trade_a_little(desk: Desk) -> None:
    desk.quote(99.9, 100, size=400)
    desk.quote(50_000, 50_000, symbol="BTC/USD")
    await desk.submit(qty="10", client_order_id="first")
    await desk.submit(symbol="BTC/USD", qty="0.123456789", time_in_force="gtc")
    await desk.submit(qty="500", type="limit", limit_price="100")
    cancelled = await desk.submit(type="limit", limit_price="90")
    await desk.call("DELETE", f"/v2/orders/{cancelled['id']}")
    replaced = await desk.submit(type="limit", limit_price="90", time_in_force="gtc")
    await desk.call("PATCH", f"/v2/orders/{replaced['id']}", {"limit_price": "91"})
    await desk.submit(
        qty="5",
        type="limit",
        limit_price="95",
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": "120"},
        stop_loss={"stop_price": "85"},
    )


async def test_every_answer_is_the_same_after_a_restart(start_venue: Starter) -> None:
    desk = await start_venue()
    await trade_a_little(desk)
    before = await answers(desk)
    clock = desk.clock
    await start_venue.stop(desk)
    again = await start_venue(clock)
    assert await answers(again) == before
    assert (await again.refuse(client_order_id="first"))[:2] == (422, 40010001)


async def test_open_orders_go_on_where_they_stood(start_venue: Starter) -> None:
    desk = await start_venue()
    desk.quote(99.9, 100, size=4)
    part = await desk.submit(qty="10", type="limit", limit_price="100", time_in_force="gtc")
    order = await desk.submit(
        qty="5",
        time_in_force="gtc",
        order_class="oto",
        type="limit",
        limit_price="95",
        stop_loss={"stop_price": "90"},
    )
    await start_venue.stop(desk)
    again = await start_venue(desk.clock)
    again.quote(94, 95)
    done = await again.order(part["id"])
    assert (done["status"], done["filled_qty"]) == ("filled", "10")
    assert (await again.order(order["legs"][0]["id"]))["status"] == "new"
    again.trade(90)
    assert (await again.order(order["legs"][0]["id"]))["status"] == "filled"
    assert (await again.get("/v2/positions/AAPL"))["qty"] == "10"


async def test_what_ended_while_the_venue_was_down_ends_at_its_start(start_venue: Starter) -> None:
    desk = await start_venue()
    order = await desk.submit(type="limit", limit_price="90")
    await start_venue.stop(desk)
    again = await start_venue(Clock(NOON + 2 * DAY_NS))
    assert (await again.order(order["id"]))["status"] == "expired"


async def test_a_changed_list_of_symbols_forgets_no_position(start_venue: Starter) -> None:
    desk = await start_venue()
    desk.quote(99.9, 100)
    await desk.submit()
    await start_venue.stop(desk)
    venue = PaperVenue(
        VenueSettings(), database=start_venue.database, symbols=[], clock=Clock(), log=lambda *told: None
    )
    await venue.start()
    try:
        async with (
            aiohttp.ClientSession(headers=KEYS) as session,
            session.get(f"{venue.base_url}/v2/positions") as response,
        ):
            assert [position["symbol"] for position in await response.json()] == ["AAPL"]
    finally:
        await venue.stop()


_CHILD = """
import asyncio, sys, time
from pathlib import Path
from tradingd.core.market import QuoteTick
from tradingd.settings.venue import VenueSettings
from tradingd.venue.server import PaperVenue

async def main():
    venue = PaperVenue(
        VenueSettings(rate_limit_per_minute=0), database=Path(sys.argv[1]), symbols=["AAPL"],
        clock=time.time_ns, log=lambda *told: None,
    )
    await venue.start()
    print(venue.base_url, flush=True)
    while True:
        now = time.time_ns()
        venue.on_market_data(QuoteTick(
            symbol="AAPL", bid=99.9, ask=100.0, bid_size=3, ask_size=3, ts_event=now, ts_recv=now))
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_nothing_that_was_answered_is_lost_by_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "venue.db"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        str(database),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        preexec_fn=tethered(),
    )
    enough = asyncio.Event()
    taken: list[str] = []
    fills: set[str] = set()
    try:
        assert child.stdout is not None
        url = (await child.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(headers=KEYS) as session:
            stream = await session.ws_connect(url.replace("http", "ws") + "/stream")
            await stream.send_json(
                {"action": "authenticate", "data": {"key_id": "paper", "secret_key": "paper-secret"}}
            )
            await stream.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})

            async def listen() -> None:
                async for message in stream:
                    update = message.json()
                    if update["stream"] == "trade_updates" and update["data"]["event"].endswith("fill"):
                        fills.add(update["data"]["execution_id"])
                        if len(taken) >= 30 and len(fills) >= 30:
                            enough.set()

            listening = asyncio.create_task(listen())

            async def keep_buying() -> None:
                body = {"symbol": "AAPL", "qty": 4, "side": "buy", "type": "market", "time_in_force": "day"}
                while True:
                    async with session.post(f"{url}/v2/orders", json=body) as response:
                        if response.status == 200:
                            taken.append((await response.json())["id"])

            buying = asyncio.create_task(keep_buying())
            async with asyncio.timeout(30):
                await enough.wait()
            child.send_signal(signal.SIGKILL)
            with contextlib.suppress(aiohttp.ClientError):
                await buying
            await listening
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    venue = PaperVenue(VenueSettings(), database=database, symbols=SYMBOLS, clock=Clock(), log=lambda *told: None)
    await venue.stop()
    db = sqlite3.connect(database)
    try:
        kept = {order_id for (order_id,) in db.execute("SELECT id FROM orders")}
        executions = {activity.partition("::")[2] for (activity,) in db.execute("SELECT activity_id FROM executions")}
    finally:
        db.close()
    assert set(taken) <= kept
    assert fills <= executions


async def test_a_second_venue_on_one_database_is_kept_out(start_venue: Starter) -> None:
    await start_venue()
    with pytest.raises(UsageError, match="another process is using"):
        PaperVenue(
            VenueSettings(), database=start_venue.database, symbols=SYMBOLS, clock=Clock(), log=lambda *told: None
        )


async def test_a_port_in_use_is_one_clear_line(start_venue: Starter, tmp_path: Path) -> None:
    desk = await start_venue()
    port = int(desk.venue.base_url.rpartition(":")[2])
    other = PaperVenue(
        VenueSettings(port=port), database=tmp_path / "other.db", symbols=SYMBOLS, clock=Clock(), log=lambda *told: None
    )
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: the port is in use"):
        await other.start()
    await other.stop()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "venue.db"
    database.write_bytes(b"certainly no database" * 100)
    with pytest.raises(UsageError, match="not a paper venue's database"):
        PaperVenue(VenueSettings(), database=database, symbols=SYMBOLS, clock=Clock(), log=lambda *told: None)
