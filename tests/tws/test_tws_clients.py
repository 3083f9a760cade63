"""The whole emulator with an unmodified ib_insync or ib_async, at every layout of the protocol, also on uvloop."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest
import uvloop
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, PriceBar

from tests.tws.library import NAME, Connected, load
from tests.tws.raw_client import until
from tests.tws.server import TwsEmulator

pytestmark = pytest.mark.skipif(not NAME, reason="neither ib_insync nor ib_async is installed")

VERSIONS = (157, 158, 163, 164, 166, 170, 174, 176, 178)


def minute_bars(count: int) -> list[PriceBar]:
    """Bars of the last minutes, the last of which has ended."""
    end = time.time_ns() // MINUTE_NS * MINUTE_NS
    return [
        PriceBar(
            symbol=Symbol("AAPL"),
            interval_ns=MINUTE_NS,
            ts_open=end - (count - n) * MINUTE_NS,
            open=100.0 + n,
            high=101.0 + n,
            low=99.0 + n,
            close=100.5 + n,
            volume=1000.0,
            ts_event=end - (count - n - 1) * MINUTE_NS,
            ts_recv=end,
        )
        for n in range(count)
    ]


async def trade_and_look(version: int) -> None:
    """Walk through most of what a daemon does."""
    async with TwsEmulator(server_version=version) as tws:
        client = Connected(load())
        tws.quote("AAPL", 189.9, 190.1, ask_size=60)
        ib = await client.connect(tws)
        try:
            await _trade(client, ib, tws)
            await _look(client, ib, tws)
        finally:
            ib.disconnect()


async def _trade(client: Connected, ib: Any, tws: TwsEmulator) -> None:
    library = client.library
    (contract,) = await ib.qualifyContractsAsync(client.stock())
    assert contract.conId == 265598
    trade = ib.placeOrder(contract, library.MarketOrder("BUY", 100, tif="DAY", orderRef="ref-1"))
    await until(lambda: trade.orderStatus.filled == 60, "the first part")
    assert trade.orderStatus.status == "Submitted"
    tws.quote("AAPL", 190.0, 190.2)
    await until(lambda: trade.orderStatus.status == "Filled", "the second part")
    await until(lambda: all(fill.commissionReport.execId for fill in trade.fills), "commissions")
    assert [(f.execution.shares, f.execution.price) for f in trade.fills] == [(60.0, 190.1), (40.0, 190.2)]
    assert sum(f.commissionReport.commission for f in trade.fills) == 1.0
    assert abs(trade.fills[0].execution.time.timestamp() - time.time()) < 30 * 60 * 60
    assert trade.fills[0].execution.orderRef == "ref-1"

    resting = ib.placeOrder(contract, library.LimitOrder("BUY", 10, 180, tif="GTC"))
    await until(lambda: resting.orderStatus.permId, "a permId")
    assert resting.orderStatus.status == "Submitted"
    resting.order.lmtPrice = 181
    ib.placeOrder(contract, resting.order)
    await until(lambda: tws.working_orders()[0].limit_price == 181, "the change")
    figures = await asyncio.wait_for(
        ib.whatIfOrderAsync(contract, library.LimitOrder("BUY", 100, 180, tif="DAY")), timeout=5
    )
    assert float(figures.initMarginChange) == 4500
    assert len(tws.working_orders()) == 1
    trail = ib.placeOrder(
        contract,
        library.Order(action="SELL", totalQuantity=100, orderType="TRAIL", trailingPercent=2, tif="GTC", ocaGroup="g"),
    )
    await until(lambda: trail.orderStatus.status == "PreSubmitted", "the trailing stop")
    assert {t.order.orderId for t in await ib.reqAllOpenOrdersAsync()} == {resting.order.orderId, trail.order.orderId}
    ib.cancelOrder(resting.order)
    await until(lambda: resting.orderStatus.status == "Cancelled", "the cancel")
    assert 202 in client.codes
    off_tick = ib.placeOrder(contract, library.LimitOrder("BUY", 1, 180.001, tif="DAY"))
    await until(lambda: 110 in client.codes, "a refused price")
    assert off_tick.orderStatus.permId == 0


async def _look(client: Connected, ib: Any, tws: TwsEmulator) -> None:
    library = client.library
    await until(ib.positions, "the position")
    (position,) = ib.positions()
    assert (position.position, position.avgCost) == (100.0, 190.15)
    summary = {value.tag: value.value for value in await ib.accountSummaryAsync()}
    assert Decimal(summary["TotalCashValue"]) == tws.truth().cash["DU1234567/USD"] == Decimal("980985.0")
    fills = await ib.reqExecutionsAsync()
    assert [fill.execution.shares for fill in fills] == [60.0, 40.0]
    completed = await ib.reqCompletedOrdersAsync(False)
    assert [(t.order.orderRef, t.orderStatus.status) for t in completed] == [("ref-1", "Filled"), ("", "Cancelled")]
    ((details,),) = [await ib.reqContractDetailsAsync(library.Stock("PENY", "SMART", "USD"))]
    rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert [(step.lowEdge, step.increment) for step in rule] == [(0.0, 0.0001), (1.0, 0.01)]
    futures = await ib.reqContractDetailsAsync(library.Future("ES", exchange="CME", currency="USD"))
    assert [(d.contract.localSymbol, d.contract.multiplier) for d in futures] == [("ESZ6", "50"), ("ESH7", "50")]
    (pair,) = await ib.reqContractDetailsAsync(library.Forex("EURUSD"))
    assert (pair.minTick, pair.contract.localSymbol) == (0.00005, "EUR.USD")
    samples = await ib.reqMatchingSymbolsAsync("AAP")
    assert [sample.contract.symbol for sample in samples] == ["AAPL"]

    tws.load_bars(minute_bars(90))
    (stock,) = await ib.qualifyContractsAsync(client.stock())
    bars = await ib.reqHistoricalDataAsync(stock, "", "1 D", "5 mins", "TRADES", False, 2, True)
    assert sum(bar.volume for bar in bars) == 90_000
    count = len(bars)
    ticker = ib.reqMktData(stock)
    by_tick = ib.reqTickByTickData(stock, "AllLast")
    await until(lambda: ticker.bid == 190.0 and ticker.ask == 190.2, "the quote")
    tws.trade("AAPL", 190.1, 25)
    await until(lambda: ticker.last == 190.1 and by_tick.tickByTicks, "the print")
    await until(lambda: len(bars) > count or bars[-1].close == 190.1, "the bar that is kept up to date")


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unmodified_client_trades_and_looks(version: int) -> None:
    await trade_and_look(version)


def test_an_unmodified_client_trades_and_looks_on_uvloop() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(trade_and_look(176))


async def test_fills_of_an_outage_are_found_again_after_reconnecting() -> None:
    async with TwsEmulator() as tws:
        client = Connected(load())
        tws.quote("AAPL", 189.9, 190.1)
        ib = await client.connect(tws)
        (contract,) = await ib.qualifyContractsAsync(client.stock())
        trade = ib.placeOrder(contract, client.library.LimitOrder("BUY", 10, 189.0, tif="GTC", orderRef="r"))
        await until(lambda: trade.orderStatus.permId, "the order")
        tws.acts.cut()
        await until(lambda: not ib.isConnected(), "the cut")
        tws.quote("AAPL", 188.0, 188.5)
        again = Connected(client.library)
        ib = await again.connect(tws)
        try:
            assert [fill.execution.orderRef for fill in ib.fills()] == ["r"]
            assert not ib.openTrades()
            assert ib.client.getReqId() > trade.order.orderId
        finally:
            ib.disconnect()


async def test_real_time_bars_arrive_every_five_seconds_of_the_servers_clock() -> None:
    now = [1_764_000_000 * 10**9]
    async with TwsEmulator(clock=lambda: now[0]) as tws:
        client = Connected(load())
        ib = await client.connect(tws)
        try:
            bars = ib.reqRealTimeBars(client.stock(), 5, "TRADES", False)
            await ib.reqCurrentTimeAsync()
            tws.trade("AAPL", 100.0, 10)
            tws.trade("AAPL", 101.0, 20)
            now[0] += 5 * 10**9
            await until(lambda: bars, "the bar")
            bar = bars[0]
            assert (bar.open_, bar.high, bar.close, bar.volume) == (100.0, 101.0, 101.0, 30.0)
        finally:
            ib.disconnect()
