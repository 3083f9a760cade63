"""An emulated TWS as a process of its own, and the judge of what a daemon's journal says about its account."""

import json
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from tests.acceptance.running import ROOT, Program, wait_until
from tradingd.core.books import Books
from tradingd.core.entries import OrderIntended
from tradingd.core.orders import OrderFilled
from tradingd.journal.segments import load, read_records


class Gateway:
    """A running emulator; its state file lets another process go on where this one was killed."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self._log = folder / "tws.log"
        self._told = self._log.stat().st_size if self._log.exists() else 0
        # Of its own, since a daemon locks its account on the whole machine.
        self.account = f"DU{zlib.crc32(str(folder).encode()):010}"
        state = ("--port", str(port), "--state", str(folder / "tws.json"), "--account", self.account)
        self.program = Program(*state, *arguments, log=self._log, module="tests.tws")
        wait_until(lambda: b"\n" in self._line(), timeout_s=20, what=f"the emulator runs ({ROOT})")
        ports = json.loads(self._line().splitlines()[0])
        self.port: int = ports["port"]
        self._control = f"http://127.0.0.1:{ports['control']}"

    def _line(self) -> bytes:
        return self._log.read_bytes()[self._told :]

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__(None, None, None)

    async def do(self, act: str, **arguments: object) -> Any:
        """Have something happen at TWS."""
        return await self._post(f"do/{act}", arguments)

    async def set_faults(self, **faults: object) -> None:
        """Change what goes wrong."""
        await self._post("faults", faults)

    async def _post(self, path: str, body: dict[str, object]) -> Any:
        url = f"{self._control}/{path}"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def truth(self) -> dict[str, Any]:
        """Orders, executions, positions and cash as the venue has them."""
        async with aiohttp.ClientSession() as session, session.get(f"{self._control}/truth") as answer:
            told: dict[str, Any] = await answer.json()
            return told


def judge(truth: dict[str, Any], journal: Path) -> dict[str, int]:
    """Fail on any difference between the account and the journal; return how much was compared."""
    books, _ = load(journal)
    intents, fills = _read(journal)
    orders = list(truth["orders"].values())
    refs = [order["order_ref"] for order in orders]
    assert len(refs) == len(set(refs)), "an intent is at the venue twice"
    assert set(refs) <= intents, f"orders that the journal never intended: {set(refs) - intents}"
    told = {_first_part(one["exec_id"]): (Decimal(one["shares"]), Decimal(one["price"])) for one in truth["executions"]}
    assert len(told) == len(truth["executions"])
    assert fills == told, (
        f"executions: only here {fills.items() - told.items()}, only there {told.items() - fills.items()}"
    )
    held = {key: Decimal(one["quantity"]) for key, one in truth["holdings"].items() if Decimal(one["quantity"])}
    ours = {symbol: quantity for symbol, quantity in books.portfolio.net.items() if quantity}
    assert sorted(held.values()) == sorted(ours.values()), f"positions: {ours} here, {held} there"
    (cash,) = truth["cash"].values()
    assert books.portfolio.settled_cash == Decimal(cash), f"cash: {books.portfolio.settled_cash} here, {cash} there"
    _compare_working(books, orders)
    return {"orders": len(orders), "fills": len(fills), "intents": len(intents)}


def _read(journal: Path) -> tuple[set[str], dict[str, tuple[Decimal, Decimal]]]:
    intents: set[str] = set()
    fills: dict[str, tuple[Decimal, Decimal]] = {}
    for record in read_records(journal, whole=True):
        match record.entry:
            case OrderIntended(order=order):
                assert order.client_order_id not in intents, f"{order.client_order_id} was intended twice"
                intents.add(order.client_order_id)
            case OrderFilled() as fill:
                assert fill.execution_id not in fills, f"{fill.execution_id} was booked twice"
                fills[fill.execution_id] = (fill.quantity, fill.price)
    return intents, fills


def _first_part(exec_id: str) -> str:
    """The name that an execution and its corrections share."""
    return exec_id.rpartition(".")[0] + ".01"


def _compare_working(books: Books, orders: list[dict[str, Any]]) -> None:
    over = ("Cancelled", "Filled")
    there = {order["order_ref"] for order in orders if order["status"] not in over}
    here = {state.client_order_id for state in books.orders.open}
    assert here == there, f"working: only here {here - there}, only there {there - here}"
