"""The paper venue as a whole: one port with Alpaca's REST API and websockets around a simulated market.

Owns the database, the listening socket and one housekeeping task. Reads market data, pushed in synchronously by its
embedder. Emits what Alpaca's clients expect. Never opens a connection.
"""

import asyncio
import errno
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.errors import JournalError, UsageError
from tradingd.settings.venue import VenueSettings
from tradingd.venue.account import Account
from tradingd.venue.assets import AssetDirectory
from tradingd.venue.bars import BarKeeper
from tradingd.venue.changes import new_id
from tradingd.venue.fault_answers import RequestFaults
from tradingd.venue.fault_frames import FrameFaults
from tradingd.venue.faults import FaultLayer
from tradingd.venue.gate import Credentials, Faults, RateLimit, build_gate
from tradingd.venue.log_sink import LogSink
from tradingd.venue.market_stream import MarketStream
from tradingd.venue.orders import OrderDesk
from tradingd.venue.portfolio import Portfolio
from tradingd.venue.rest_account import AccountApi
from tradingd.venue.rest_data import DataApi
from tradingd.venue.rest_trading import TradingApi
from tradingd.venue.sessions import build_calendar
from tradingd.venue.sockets import SocketServer
from tradingd.venue.store import VenueStore
from tradingd.venue.trade_updates import TradeUpdates

_STOCK_FEEDS = ("iex", "sip", "delayed_sip", "boats", "overnight", "test")
_HOUSEKEEPING_SECONDS = 0.5
_SHUTDOWN_SECONDS = 2.0


class PaperVenue:
    """An Alpaca-compatible venue; `on_market_data` drives it.

    Opening its database and re-arming the open orders happens at construction; listening at `start`. Raises
    `UsageError` when the database or the port cannot be had, `JournalError` when the database can no longer be written.
    """

    def __init__(
        self,
        settings: VenueSettings,
        *,
        database: Path,
        symbols: Sequence[Symbol],
        clock: Callable[[], int],
        log: LogSink,
        faults: FaultLayer | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._log = log
        self._store = VenueStore(database)
        self._assets = AssetDirectory(sorted({*symbols, *self._store.symbols()}))
        account = self._open_account()
        credentials = Credentials(settings)
        calendar = build_calendar(settings.session)
        self._sockets = SocketServer()
        self._trade_updates = TradeUpdates(credentials, self._sockets)
        self._market_stream = MarketStream(credentials, self._sockets, settings.symbol_limit)
        self._bars = BarKeeper(self._store, settings.bar_days)
        self._desk = OrderDesk(
            settings=settings,
            store=self._store,
            account=account,
            assets=self._assets,
            calendar=calendar,
            clock=clock,
            publish=self._trade_updates.publish,
            faults=faults,
        )
        self._account = account
        self._requests: RequestFaults | None = None
        answer = None if faults is None else self._break(faults)
        self._portfolio = Portfolio(
            settings=settings,
            account=account,
            desk=self._desk,
            assets=self._assets,
            store=self._store,
            bars=self._bars,
        )
        limit = RateLimit(settings.rate_limit_per_minute, clock)
        self._app = web.Application(middlewares=[build_gate(credentials, limit, lambda: self.failed, answer)])
        self._app.add_routes(
            [
                *TradingApi(self._desk, self._portfolio, self._assets, self._store, clock).routes(),
                *AccountApi(
                    settings=settings,
                    portfolio=self._portfolio,
                    assets=self._assets,
                    calendar=calendar,
                    store=self._store,
                    clock=clock,
                ).routes(),
                *DataApi(self._bars, self._desk.market, self._assets, clock).routes(),
                web.get("/stream", self._trade_updates.handle),
                web.get("/stream/", self._trade_updates.handle),
                *(web.get(f"/v2/{feed}", self._market_stream.handle) for feed in _STOCK_FEEDS),
                web.get("/v1beta3/crypto/{location}", self._market_stream.handle),
            ]
        )
        self._runner: web.AppRunner | None = None
        self._housekeeping: asyncio.Task[None] | None = None
        self._address = ("", 0)
        self._housekeeping_failed = False

    def last_prices(self) -> dict[Symbol, float]:
        """The last price of every symbol that was written before this start."""
        return {symbol: float(price) for symbol, price in self._store.marks().items()}

    def _break(self, faults: FaultLayer) -> Faults:
        """Put the fault layer between the books and the clients."""
        updates = self._trade_updates
        self._requests = RequestFaults(faults, self._account.quantity)
        updates.faults = FrameFaults(faults, updates.deliver, updates.deliver_raw, updates.cut)
        return self._requests.answer

    def _open_account(self) -> Account:
        meta = self._store.meta()
        if not meta:
            cash = str(self._settings.starting_cash)
            meta = {
                "account_id": new_id(),
                "account_number": f"PA{new_id()[:8].upper()}",
                "created_at": str(self._clock()),
                "starting_cash": cash,
                "cash": cash,
            }
            self._store.commit(meta=meta)
        return Account(Decimal(meta["cash"]), self._store.positions(), self._settings.multiplier)

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; raises `UsageError` with one clear line when the address cannot be had."""
        host, port = self._settings.host, self._settings.port
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            self._runner = None
            if error.errno == errno.EADDRINUSE:
                reason = "the port is in use by another process"
            else:
                reason = error.strerror or str(error)
            raise UsageError(f"venue: cannot listen on {host}:{port}: {reason}") from error
        self._address = self._runner.addresses[0][:2]
        self._housekeeping = asyncio.create_task(self._keep_house(), name="venue-housekeeping")
        self._log("INFO", "venue.started", f"paper venue listening on {self.base_url}", {"url": self.base_url})

    async def stop(self) -> None:
        """Close the connections, write what is held back, close the database."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._housekeeping
            self._housekeeping = None
        # aiohttp would wait for open websockets; they are told to go first.
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if not self.failed:
            self._bars.flush()
            self._portfolio.save_marks()
        self._store.close()
        self._log("INFO", "venue.stopped", "paper venue stopped", {})

    async def _keep_house(self) -> None:
        while True:
            try:
                self._desk.on_time()
                for news in self._bars.on_time(self._clock()):
                    self._market_stream.publish_bar(news)
                self._portfolio.sample(self._clock())
                self._store.tidy()
            except JournalError as error:
                self._housekeeping_failed = True
                self._log("ERROR", "venue.database_failed", str(error), {})
                return
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    # -- market data --------------------------------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Take one valid event: match it, build bars, and queue it for the subscribers.

        Raises `JournalError` once the database could not be written: the venue is then of no more use.
        """
        if self.failed:
            raise JournalError(f"{self._store.path}: the paper venue could not write its database and has stopped")
        self._desk.on_market_data(event)
        news = self._bars.on_market_data(event)
        self._market_stream.on_market_data(event)
        if news:
            for item in news:
                self._market_stream.publish_bar(item)

    @property
    def failed(self) -> bool:
        """True once the database could not be written."""
        return self._housekeeping_failed or self._desk.failed

    # -- addresses ----------------------------------------------------------------------------------------------------

    @property
    def updates_sent(self) -> int:
        """Order events sent to listeners so far: how far one of them may come."""
        return self._trade_updates.sent

    @property
    def base_url(self) -> str:
        """Where REST clients point, trading and data alike."""
        return f"http://{self._authority}"

    @property
    def stream_url(self) -> str:
        """Where trade updates are listened to."""
        return f"ws://{self._authority}/stream"

    @property
    def data_stream_url(self) -> str:
        """Where market data of stocks is subscribed to."""
        return f"ws://{self._authority}/v2/iex"

    @property
    def crypto_stream_url(self) -> str:
        """Where market data of crypto is subscribed to."""
        return f"ws://{self._authority}/v1beta3/crypto/us"

    @property
    def _authority(self) -> str:
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
