"""Interactive Brokers' adapter over the emulated TWS as an account for the cases."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.contract.ib_faults import play
from tests.tws.server import TwsEmulator
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.brokers.ib.broker import IbBroker
from tradingd.brokers.ib.connection import Pace
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.errors import UsageError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.harness import ProblemSink
from tradingd.tools.conform.venue_harness import MovedClock, PushedMarket, open_market
from tradingd.venue.fault_rules import FaultRule, LinkFault

_C = Capability
CLIENT = 7
_PACE = Pace(per_s=2_000.0, burst=2_000)
"""Cases are not about the venue's limit, and would wait for it half a second each."""


class IbMarket(PushedMarket):
    """The emulator's market; its days end when the clock says so."""

    def __init__(self, clock: MovedClock, tws: TwsEmulator) -> None:
        super().__init__(clock, tws.on_market_data)
        self._now = clock
        self._tws = tws
        self._exchange = NewYorkStockExchange()

    async def advance(self, seconds: float) -> None:
        close = self._exchange.day_end(self._now())
        await super().advance(seconds)
        if self._now() >= close:
            self._tws.acts.end_day()
        self._tws.on_time()


class IbHarness:
    """One emulated TWS with one account."""

    name = "ib"
    account_kind = "paper"
    patience_s = 5.0
    requests_per_minute = 0.0
    symbols = (Symbol("AAPL"), Symbol("MSFT"))
    no_such_id = VenueOrderId("999999999")
    offers = frozenset(
        {
            _C.MARKET_CONTROL,
            _C.CLOCK_CONTROL,
            _C.LATCH,
            _C.RESTART,
            _C.FRESH_ACCOUNT,
            _C.OPEN_MARKET,
            _C.SYMBOL_DIRECTORY,
            _C.TICK_RULES,
            _C.PARTIAL_FILLS,
            _C.FAULTS,
            _C.FOREIGN,
            _C.HISTORY,
        }
    )

    def __init__(self, tws: TwsEmulator, clock: MovedClock) -> None:
        self._tws = tws
        self._clock = clock
        self.market = IbMarket(clock, tws)
        self._clients: dict[BrokerSink, int] = {}
        self._returns: set[asyncio.Task[None]] = set()

    def now(self) -> int:
        return self._clock()

    def make_adapter(
        self,
        sink: BrokerSink,
        is_ours: Callable[[ClientOrderId], bool],
        kill_switch: KillSwitch,
        *,
        on_problem: ProblemSink,
        failure: Callable[[BaseException], None],
    ) -> BrokerAdapter:
        return IbBroker(
            host="127.0.0.1",
            port=self._tws.port,
            client_id=self._clients.setdefault(sink, CLIENT + len(self._clients)),
            account="",
            account_kind=self.account_kind,
            contracts={},
            base_currency="USD",
            sink=sink,
            clock=self._clock,
            is_ours=is_ours,
            refusal=kill_switch.refusal,
            on_problem=lambda event, message, _details: on_problem(event, message),
            failure=failure,
            rng=random.Random(7),
            timeout_s=2.0,
            probe_s=5.0,
            pace=_PACE,
        )

    def make_stranger(self, sink: BrokerSink) -> BrokerAdapter:
        raise UsageError("TWS knows no keys: whoever reaches its port is let in")

    async def prices(self, symbol: Symbol, adapter: BrokerAdapter) -> tuple[float, float]:
        shown = self.market.shown[symbol]
        return shown.bid, shown.ask

    async def play(self, fault: FaultRule) -> None:
        play(fault, self._tws)
        if isinstance(fault, LinkFault):
            task = asyncio.create_task(self._come_back(fault.seconds))
            self._returns.add(task)
            task.add_done_callback(self._returns.discard)

    async def _come_back(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._tws.acts.start_up()

    async def close(self) -> None:
        """Wait until what was shut down is there again."""
        await asyncio.gather(*self._returns)


@asynccontextmanager
async def ib_harness() -> AsyncIterator[IbHarness]:
    """Run an emulator with a new account while the block runs."""
    clock = MovedClock()
    async with TwsEmulator(clock=clock, master_client_id=CLIENT) as tws:
        tws.faults.pace_limit = 0
        harness = IbHarness(tws, clock)
        await open_market(harness.market, harness.symbols)
        try:
            yield harness
        finally:
            await harness.close()
