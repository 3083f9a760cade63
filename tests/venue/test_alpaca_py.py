"""The unmodified third-party client alpaca-py against the venue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.requests import (
    CryptoBarsRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, OrderClass, OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)
from alpaca.trading.stream import TradingStream
from tests.venue.running_venue import NOON, Desk
from tradingd.core.market import MINUTE_NS

KEYS = ("paper", "paper-secret")
P = ParamSpec("P")
T = TypeVar("T")


async def do(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call of the synchronous client beside the venue's loop."""
    return await asyncio.to_thread(call, *args, **kwargs)


@pytest.fixture
def client(desk: Desk) -> TradingClient:
    return TradingClient(*KEYS, url_override=desk.venue.base_url)


def limit_order(price: float, **more: Any) -> LimitOrderRequest:
    values = {"symbol": "AAPL", "qty": 2, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY} | more
    return LimitOrderRequest(limit_price=price, **values)


def market_order(**more: Any) -> MarketOrderRequest:
    values = {"symbol": "AAPL", "qty": 2, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY}
    return MarketOrderRequest(**(values | more))


async def test_account_assets_clock_and_calendar(desk: Desk, client: TradingClient) -> None:
    account: Any = await do(client.get_account)
    assert (account.cash, account.currency) == ("100000", "USD")
    assert (await do(client.get_account_configurations)).no_shorting is False  # type: ignore[union-attr]
    assets: Any = await do(client.get_all_assets, GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert [asset.symbol for asset in assets] == ["BTC/USD"]
    for name in ("AAPL", "BTC/USD", assets[0].id):
        assert (await do(client.get_asset, name)).tradable  # type: ignore[union-attr]
    assert (await do(client.get_clock)).is_open  # type: ignore[union-attr]
    days: Any = await do(
        client.get_calendar, GetCalendarRequest(start=datetime(2026, 1, 5).date(), end=datetime(2026, 1, 6).date())
    )
    assert len(days) == 2
    history: Any = await do(client.get_portfolio_history, GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
    assert history.equity == [100_000]


async def test_orders_are_placed_replaced_listed_and_cancelled(desk: Desk, client: TradingClient) -> None:
    desk.quote(99.9, 100)
    order: Any = await do(client.submit_order, limit_order(90, client_order_id="mine"))
    assert order.status is OrderStatus.NEW
    assert order.order_class is OrderClass.SIMPLE
    new: Any = await do(client.replace_order_by_id, order.id, ReplaceOrderRequest(qty=3, limit_price=91))
    assert new.replaces == order.id
    old: Any = await do(client.get_order_by_client_id, "mine")
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, new.id)
    listed: Any = await do(client.get_orders, GetOrdersRequest(status=QueryOrderStatus.ALL, symbols=["AAPL"]))
    assert [found.id for found in listed] == [new.id, order.id]
    after = GetOrdersRequest(status=QueryOrderStatus.ALL, after=order.submitted_at, nested=True)
    assert [found.id for found in await do(client.get_orders, after)] == [new.id]  # type: ignore[union-attr]
    await do(client.cancel_order_by_id, new.id)
    cancelled: Any = await do(client.get_order_by_id, new.id)
    assert cancelled.status is OrderStatus.CANCELED
    await do(client.submit_order, limit_order(90))
    (answer,) = await do(client.cancel_orders)
    assert answer.status == 200  # type: ignore[union-attr]


async def test_a_trailing_stop_and_an_order_on_close_are_placed(desk: Desk, client: TradingClient) -> None:
    desk.trade(100)
    request = TrailingStopOrderRequest(
        symbol="AAPL", qty=2, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, trail_percent=1
    )
    order: Any = await do(client.submit_order, request)
    assert (order.order_type.value, order.trail_percent, order.hwm, order.stop_price) == (
        "trailing_stop",
        "1",
        "100",
        "101",
    )
    desk.trade(90)
    moved: Any = await do(client.replace_order_by_id, order.id, ReplaceOrderRequest(trail=2))
    assert (moved.trail_percent, moved.hwm, moved.stop_price) == ("2", "90", "91.8")
    closing: Any = await do(client.submit_order, market_order(time_in_force=TimeInForce.CLS))
    assert (closing.status, closing.time_in_force) == (OrderStatus.ACCEPTED, TimeInForce.CLS)


async def test_refusals_are_read_as_such(desk: Desk, client: TradingClient) -> None:
    desk.quote(99.9, 100)
    with pytest.raises(APIError) as told:
        await do(client.submit_order, limit_order(90, qty=1_000_000))
    assert (told.value.status_code, told.value.code) == (403, 40310000)
    with pytest.raises(APIError) as told:
        await do(client.get_open_position, "AAPL")
    assert (told.value.status_code, told.value.code) == (404, 40410000)


async def test_positions_are_read_and_closed(desk: Desk, client: TradingClient) -> None:
    desk.quote(99.9, 100)
    desk.quote(50_000, 50_001, symbol="BTC/USD")
    await do(client.submit_order, market_order(qty=10))
    await do(client.submit_order, market_order(symbol="BTC/USD", qty=0.5, time_in_force=TimeInForce.GTC))
    await do(client.submit_order, market_order(symbol="AAPL", qty=None, notional=250.5))
    positions: Any = await do(client.get_all_positions)
    assert {position.symbol for position in positions} == {"AAPL", "BTCUSD"}
    apple: Any = await do(client.get_open_position, "AAPL")
    assert apple.qty == "12.505"
    order: Any = await do(client.close_position, "AAPL", ClosePositionRequest(percentage="50"))
    assert order.qty == "6.2525"
    closed: Any = await do(client.close_all_positions, True)
    assert [answer.status for answer in closed] == [200, 200]
    assert await do(client.get_all_positions) == []


async def test_a_bracket_shows_its_legs(desk: Desk, client: TradingClient) -> None:
    desk.quote(99.9, 100)
    order: Any = await do(
        client.submit_order,
        market_order(
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=110),
            stop_loss=StopLossRequest(stop_price=95, limit_price=94),
        ),
    )
    assert [leg.status for leg in order.legs] == [OrderStatus.HELD, OrderStatus.HELD]
    listed: Any = await do(client.get_orders, GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    assert [len(found.legs) for found in listed] == [2]


# -- streams ----------------------------------------------------------------------------------------------------------


class Heard:
    """What a stream's handler was given."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = asyncio.Event()

    async def __call__(self, item: Any) -> None:
        self.items.append(item)
        self._changed.set()

    async def until(self, condition: Callable[[], bool], provoke: Callable[[], None] = lambda: None) -> None:
        """Wait until something was heard, provoking it again and again: a client may not yet have subscribed."""
        async with asyncio.timeout(15):
            while not condition():
                provoke()
                try:
                    async with asyncio.timeout(0.05):
                        await self._changed.wait()
                except TimeoutError:
                    continue
                self._changed.clear()

    async def count(self, wanted: int, provoke: Callable[[], None] = lambda: None) -> None:
        """Wait until enough was heard."""
        await self.until(lambda: len(self.items) >= wanted, provoke)


# The streams take handlers that `inspect` knows as coroutine functions.
def handler(heard: Heard) -> Callable[[Any], Any]:
    async def handle(item: Any) -> None:
        await heard(item)

    return handle


@asynccontextmanager
async def running(stream: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(stream._run_forever())
    try:
        yield
    finally:
        await stream.stop_ws()
        # Its reader can lose a cancellation that meets a message; it is asked until it goes.
        async with asyncio.timeout(10):
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.1)
        await stream.close()


async def test_trade_updates_are_streamed(desk: Desk, client: TradingClient) -> None:
    heard = Heard()
    stream = TradingStream(*KEYS, url_override=desk.venue.stream_url)
    stream.subscribe_trade_updates(handler(heard))
    async with running(stream):
        async with asyncio.timeout(15):
            while not heard.items:
                await do(client.submit_order, limit_order(1))
                await asyncio.sleep(0)
        desk.quote(99.9, 100)
        await do(client.submit_order, market_order(qty=4))
        await heard.until(lambda: heard.items[-1].event == "fill")
        new, fill = heard.items[-2:]
        assert (new.event, new.order.id) == ("new", fill.order.id)
        assert (fill.qty, fill.price, fill.position_qty) == (4.0, 100.0, 4.0)
        assert fill.order.status is OrderStatus.FILLED


async def test_stock_data_are_streamed_in_msgpack(desk: Desk) -> None:
    trades, quotes, bars = Heard(), Heard(), Heard()
    stream = StockDataStream(*KEYS, feed=DataFeed.IEX, url_override=desk.venue.data_stream_url)
    stream.subscribe_trades(handler(trades), "AAPL")
    stream.subscribe_quotes(handler(quotes), "*")
    stream.subscribe_bars(handler(bars), "MSFT")

    def provoke() -> None:
        desk.trade(100.5, 7)
        desk.quote(99.9, 100)

    async with running(stream):
        await trades.count(1, provoke)
        await quotes.count(1)
        desk.bar(NOON - MINUTE_NS, MINUTE_NS, (1, 4, 1, 3), "MSFT")
        await bars.count(1)
    trade, quote, bar = trades.items[0], quotes.items[0], bars.items[0]
    assert (trade.symbol, trade.price, trade.size) == ("AAPL", 100.5, 7)
    assert trade.timestamp == datetime(2026, 1, 5, 17, tzinfo=UTC)
    assert (quote.bid_price, quote.ask_price) == (99.9, 100)
    assert (bar.open, bar.high, bar.close, bar.volume) == (1, 4, 3, 10)


async def test_a_subscription_in_many_fragments_is_read(desk: Desk) -> None:
    heard = Heard()
    stream = StockDataStream(*KEYS, url_override=desk.venue.data_stream_url)
    stream._max_frame_size = 16
    stream.subscribe_quotes(handler(heard), *(f"SYM{number}" for number in range(200)), "AAPL")
    async with running(stream):
        await heard.count(1, lambda: desk.quote(99.9, 100))


async def test_crypto_data_are_streamed(desk: Desk) -> None:
    quotes, books = Heard(), Heard()
    stream = CryptoDataStream(*KEYS, url_override=desk.venue.crypto_stream_url)
    stream.subscribe_quotes(handler(quotes), "BTC/USD")
    stream.subscribe_orderbooks(handler(books), "BTC/USD")
    async with running(stream):
        await quotes.count(1, lambda: desk.quote(50_000, 50_001, size=2, symbol="BTC/USD"))
        await books.count(1)
    assert quotes.items[0].ask_price == 50_001
    assert books.items[0].bids[0].price == 50_000


# -- history ----------------------------------------------------------------------------------------------------------


async def test_historical_data_are_read(desk: Desk) -> None:
    data = StockHistoricalDataClient(*KEYS, url_override=desk.venue.base_url)
    for number in range(3):
        for symbol in ("AAPL", "BTC/USD"):
            desk.bar(NOON - (3 - number) * MINUTE_NS, MINUTE_NS, (1, 4, 1, 3), symbol)
    desk.trade(100.5)
    desk.quote(99.9, 100)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    bars: Any = await do(
        data.get_stock_bars, StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, start=start)
    )
    assert [bar.close for bar in bars["AAPL"]] == [3, 3, 3]
    quotes: Any = await do(data.get_stock_latest_quote, StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
    assert quotes["AAPL"].ask_price == 100
    trades: Any = await do(data.get_stock_latest_trade, StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    assert trades["AAPL"].price == 100.5
    snapshots: Any = await do(data.get_stock_snapshot, StockSnapshotRequest(symbol_or_symbols="AAPL"))
    assert snapshots["AAPL"].daily_bar.close == 3
    crypto = CryptoHistoricalDataClient(url_override=desk.venue.base_url)
    coins: Any = await do(
        crypto.get_crypto_bars,
        CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Hour, start=start),
    )
    assert coins["BTC/USD"][0].volume == 30
