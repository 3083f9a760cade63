"""Interactive Brokers' own client, of either age, against the emulator; skipped where it is not installed."""

import asyncio
import importlib.util
import threading
from typing import Any

import pytest

from tests.tws.raw_client import until
from tests.tws.server import TwsEmulator

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ibapi") is None, reason="ibapi is not installed")


class Told:
    """What the client was told, by the name of the callback."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The calls of one callback."""
        return [arguments for called, arguments in self.calls if called == name]


def make_client(told: Told) -> Any:
    """A client of ibapi that records every callback."""
    client_module: Any = importlib.import_module("ibapi.client")
    wrapper_module: Any = importlib.import_module("ibapi.wrapper")

    class Recorder(wrapper_module.EWrapper):  # type: ignore[misc]  # the package has no types
        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if name.startswith("_") or not hasattr(wrapper_module.EWrapper, name):
                return found
            return lambda *arguments: told.calls.append((name, arguments))

    return client_module.EClient(Recorder())


def describe() -> Any:
    """AAPL as users of ibapi describe it."""
    contract: Any = importlib.import_module("ibapi.contract").Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    return contract


def order_of(action: str, quantity: int, kind: str, limit: float = 0.0) -> Any:
    """An order in the words of ibapi."""
    order: Any = importlib.import_module("ibapi.order").Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = action, quantity, kind, limit
    order.tif, order.eTradeOnly, order.firmQuoteOnly, order.orderRef = "DAY", False, False, "own"
    return order


@pytest.mark.parametrize("version", [157, 176])
async def test_the_official_client_trades_and_looks(version: int) -> None:
    told = Told()
    async with TwsEmulator(server_version=version) as tws:
        tws.quote("AAPL", 189.9, 190.1)
        client = make_client(told)
        await asyncio.to_thread(client.connect, "127.0.0.1", tws.port, 5)
        thread = threading.Thread(target=client.run, name="ibapi")
        thread.start()
        try:
            await until(lambda: told.of("nextValidId") and told.of("managedAccounts"), "the start")
            client.reqContractDetails(1, describe())
            await until(lambda: told.of("contractDetailsEnd"), "contract details")
            contract = told.of("contractDetails")[0][1].contract
            assert contract.conId == 265598
            client.reqMarketRule(26)
            client.placeOrder(1, contract, order_of("BUY", 100, "MKT"))
            await until(lambda: told.of("commissionReport"), "the commission")
            execution = told.of("execDetails")[0][2]
            assert (float(execution.shares), execution.price, execution.orderRef) == (100.0, 190.1, "own")
            client.placeOrder(2, contract, order_of("BUY", 10, "LMT", 180.0))
            await until(lambda: any(c[0] == 2 for c in told.of("orderStatus")), "the resting order")
            client.reqAllOpenOrders()
            await until(lambda: told.of("openOrderEnd"), "the open orders")
            assert {c[2].lmtPrice for c in told.of("openOrder") if c[0] == 2} == {180.0}
            client.reqPositions()
            client.reqCompletedOrders(False)
            await until(lambda: told.of("positionEnd") and told.of("completedOrdersEnd"), "the ends")
            assert float(told.of("position")[0][2]) == 100.0
            assert told.of("completedOrder")[0][1].orderRef == "own"
            assert told.of("marketRule")[0][1][0].increment == 0.01
            client.reqMktData(9, contract, "", False, False, [])
            await until(lambda: told.of("tickPrice"), "ticks")
        finally:
            client.disconnect()
            await asyncio.to_thread(thread.join, 5)
