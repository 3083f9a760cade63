"""The account that a configuration names, as it is: nothing about it can be moved, and what it held it keeps.

Owns: the account's lock while cases are tried, so that no daemon trades it meanwhile. Never: keeps a journal.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tradingd.assembly.lone_adapter import lone_adapter
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import AssetClass, default_instrument
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.errors import UsageError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.service.account_lock import AccountLock
from tradingd.settings.root import Settings
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.harness import Market, ProblemSink
from tradingd.venue.fault_rules import FaultRule

_C = Capability
_OFFERS = frozenset(
    {_C.LATCH, _C.RESTART, _C.SYMBOL_DIRECTORY, _C.TICK_RULES, _C.BUYING_POWER, _C.HISTORY},
)
_PRICE_AGE_NS = 60 * NS_PER_SECOND
_PATIENCE_S = 20.0


class AccountHarness:
    """One account of a user; orders are as small as they can be, and are taken back."""

    market: Market | None = None

    def __init__(self, settings: Settings, symbols: tuple[Symbol, ...], *, patience_s: float = _PATIENCE_S) -> None:
        self.name = settings.broker.kind
        self.symbols = symbols
        self.account_kind = settings.account_kind
        self.patience_s = patience_s
        self.requests_per_minute = float(getattr(settings.broker, "requests_per_minute", 0))
        self.no_such_id = VenueOrderId(_NO_SUCH_ID.get(settings.broker.kind, _NO_SUCH_ID["alpaca"]))
        self._settings = settings
        self._exchange = NewYorkStockExchange()
        self._prices: dict[Symbol, tuple[int, float]] = {}

    @property
    def offers(self) -> frozenset[Capability]:
        """What such an account has at this moment."""
        found = _OFFERS
        if self.name == "alpaca":
            found |= {_C.FOREIGN}
        is_equity = default_instrument(self.symbols[0]).asset_class is AssetClass.EQUITY
        if not is_equity or self._exchange.is_open(self.now()):
            found |= {_C.OPEN_MARKET}
        return found

    def now(self) -> int:
        """The machine's time."""
        return time.time_ns()

    def make_adapter(
        self,
        sink: BrokerSink,
        is_ours: Callable[[ClientOrderId], bool],
        kill_switch: KillSwitch,
        *,
        on_problem: ProblemSink,
        failure: Callable[[BaseException], None],
    ) -> BrokerAdapter:
        """Make the adapter that the daemon would make."""
        return lone_adapter(
            self._settings,
            None,
            clock=self.now,
            failure=failure,
            on_problem=on_problem,
            sink=sink,
            is_ours=is_ours,
            kill_switch=kill_switch,
        )

    def make_stranger(self, sink: BrokerSink) -> BrokerAdapter:
        """Refuse: wrong keys in a row may lock a user out."""
        raise UsageError(f"{self.name}: {_C.STRANGER}")

    async def prices(self, symbol: Symbol, adapter: BrokerAdapter) -> tuple[float, float]:
        """Give the close of the last bar, as bid and as offer."""
        now = self.now()
        at, price = self._prices.get(symbol, (0, 0.0))
        if now - at > _PRICE_AGE_NS:
            price = await _last_close(symbol, adapter, now)
            self._prices[symbol] = (now, price)
        return price, price

    async def play(self, fault: FaultRule) -> None:
        """Refuse."""
        raise UsageError(f"{self.name}: {_C.FAULTS}")


async def _last_close(symbol: Symbol, adapter: BrokerAdapter, now: int) -> float:
    for interval, reach in ((MINUTE_NS, 2 * 60 * MINUTE_NS), (DAY_NS, 14 * DAY_NS)):
        bars = await adapter.fetch_bars(symbol, interval, now - reach, now)
        if bars:
            return bars[-1].close
    raise UsageError(f"{symbol}: the broker has no bar of the last two weeks to take a price from: name another symbol")


_NO_SUCH_ID = {"alpaca": "00000000-0000-4000-8000-000000000000", "ib": "2000000001"}


@asynccontextmanager
async def account_harness(settings: Settings, symbols: tuple[Symbol, ...]) -> AsyncIterator[AccountHarness]:
    """Hold the account while the block runs; raises `UsageError` while a daemon trades it."""
    harness = AccountHarness(settings, symbols)
    adapter = harness.make_adapter(
        lambda event: None,
        lambda name: False,
        KillSwitch(),
        on_problem=lambda _name, _text: None,
        failure=lambda _: None,
    )
    try:
        account = await adapter.connect(symbols)
    finally:
        await adapter.close()
    lock = AccountLock(settings.broker.kind, account.account_id)
    try:
        yield harness
    finally:
        lock.release()
