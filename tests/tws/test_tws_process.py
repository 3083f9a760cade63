"""The emulator as a process: it is killed and started again, and moved from outside."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from tradingd.tools.drills.tether import tethered

from tests.tws.raw_client import COMMISSION, RawClient, until


class Running:
    """A started process and its ports."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, control: int) -> None:
        self.process = process
        self.port = port
        self._control = control

    async def ask(self, path: str) -> Any:
        """Read from the control port."""
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self._control}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def tell(self, path: str, status: int = 200, /, **arguments: object) -> Any:
        """Act through the control port."""
        url = f"http://127.0.0.1:{self._control}{path}"
        async with aiohttp.ClientSession() as http, http.post(url, json=arguments) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if status == 200 else await answer.text()


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Running]:
    """Start the process; it is killed when the test is done with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tws", *arguments, stdout=asyncio.subprocess.PIPE, preexec_fn=tethered()
    )
    try:
        assert process.stdout is not None, "the output is a pipe"
        ports = json.loads(await asyncio.wait_for(process.stdout.readline(), timeout=30))
        yield Running(process, ports["port"], ports["control"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_orders_and_ids_outlive_a_killed_process(tmp_path: Path) -> None:
    state = str(tmp_path / "tws.json")
    async with running("--state", state, "--quote", "AAPL=189.9:190.1") as first, RawClient(first.port) as raw:
        await raw.start(1)
        raw.place(1, "BUY", 10, ref="filled")
        raw.place(2, "BUY", 5, "LMT", limit="180", tif="GTC", ref="resting")
        await until(lambda: raw.of(COMMISSION) and raw.statuses(2), "the orders")
        first.process.send_signal(signal.SIGKILL)
        await until(lambda: raw.is_closed, "the death")
    async with running("--state", state) as second, RawClient(second.port) as raw:
        await raw.start(1)
        assert raw.of(9) == [["1", "3"]]
        truth = await second.ask("/truth")
        assert [order["order_ref"] for order in truth["orders"].values()] == ["filled", "resting"]
        assert truth["holdings"]["DU1234567/265598"]["quantity"] == "10"
        await second.tell("/do/quote", name="AAPL", bid=179.0, ask=179.5)
        await until(lambda: "Filled" in raw.statuses(2), "the fill of the order that was taken up again")


async def test_the_control_port_moves_the_market_the_switches_and_the_links() -> None:
    async with running() as tws, RawClient(tws.port) as raw:
        await raw.start(4)
        assert (await tws.ask("/state"))["clients"] == [4]
        await tws.tell("/do/quote", name="AAPL", bid=10.0, ask=10.5)
        told = await tws.tell("/faults", swallow_orders=1, commission_reports="sentinel")
        assert (told["swallow_orders"], told["commission_reports"]) == (1, "sentinel")
        await tws.tell("/do/lose_link")
        await tws.tell("/do/restore_link", data_lost=True)
        await until(lambda: 1101 in raw.codes(), "the link")
        await tws.tell("/do/order_by_client", client_id=9, name="AAPL", action="BUY", quantity=3, order_type="MKT")
        await tws.tell("/do/liquidate", name="AAPL", signed_quantity=-3, price=9)
        assert len((await tws.ask("/truth"))["executions"]) == 2
        await tws.tell("/do/refuse_connects")
        await tws.tell("/do/start_up")


async def test_what_the_control_port_does_not_know_is_refused() -> None:
    async with running() as tws:
        await tws.tell("/do/explode", 404)
        await tws.tell("/do/_announce", 404)
        await tws.tell("/do/quote", 400, name="NOPE", bid=1.0, ask=2.0)
        assert "no such switch" in await tws.tell("/faults", 400, swallow_order=1)
        await tws.tell("/faults", 400, swallow_orders="many")


async def test_ticks_of_a_file_are_played(tmp_path: Path) -> None:
    ticks = tmp_path / "aapl.csv"
    ticks.write_text("timestamp_ns,price,size\n1000,101.5,10\n2000,102.5,10\n")
    async with running("--ticks", f"AAPL={ticks}", "--tick-pause", "0") as tws, RawClient(tws.port) as raw:
        await raw.start(1)
        raw.place(1, "BUY", 1)
        await until(lambda: raw.of(COMMISSION), "the fill at a played price")
        assert raw.of(3)[-1][4] in ("101.5", "102.5")


async def test_sigterm_ends_it_in_order() -> None:
    async with running() as tws:
        tws.process.terminate()
        assert await asyncio.wait_for(tws.process.wait(), timeout=10) == 0
