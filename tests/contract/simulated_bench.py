"""The simulated venue as an account for the cases; it outlives the adapter, as a venue does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.errors import UsageError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.harness import ProblemSink
from tradingd.tools.conform.venue_harness import SYMBOLS, MovedClock, PushedMarket, open_market
from tradingd.venue.fault_rules import FaultRule

_C = Capability


def simulated_broker(clock: MovedClock) -> SimulatedBroker:
    """A venue with a fee of a hundredth of a percent."""
    return SimulatedBroker(lambda event: None, clock, Decimal(100_000), Decimal(1))


class SimulatedHarness:
    """One simulated account; whoever connected last hears of it."""

    name = "simulated"
    account_kind = "paper"
    patience_s = 2.0
    requests_per_minute = 0.0
    no_such_id = VenueOrderId("SIM-999999")
    symbols = SYMBOLS
    offers = frozenset(
        {
            _C.MARKET_CONTROL,
            _C.CLOCK_CONTROL,
            _C.RESTART,
            _C.FRESH_ACCOUNT,
            _C.OPEN_MARKET,
            _C.PARTIAL_FILLS,
        }
    )

    def __init__(self, make: Callable[[MovedClock], SimulatedBroker] | None = None) -> None:
        self._clock = MovedClock()
        self.broker = (make or simulated_broker)(self._clock)
        self.market = PushedMarket(self._clock, self.broker.on_market_data)

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
        self.broker.attach(sink)
        return self.broker

    def make_stranger(self, sink: BrokerSink) -> BrokerAdapter:
        raise UsageError("the simulated venue has no keys")

    async def prices(self, symbol: Symbol, adapter: BrokerAdapter) -> tuple[float, float]:
        shown = self.market.shown[symbol]
        return shown.bid, shown.ask

    async def play(self, fault: FaultRule) -> None:
        raise UsageError("the simulated venue commits no faults")


@asynccontextmanager
async def simulated_harness() -> AsyncIterator[SimulatedHarness]:
    """Give a new account."""
    harness = SimulatedHarness()
    await open_market(harness.market, harness.symbols)
    yield harness
