"""The paper venue as an account for the cases: its market, its clock and its faults do what a case tells them.

Owns: a venue of its own on a loopback port, with a new account in a temporary folder. Never: touches the state of a
configured one.
"""

import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.alpaca.model import paper_venue_model
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.market import NS_PER_SECOND, QuoteTick, TradeTick
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.settings.venue import VenueSession, VenueSettings
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.harness import ProblemSink
from tradingd.venue.fault_acts import FaultPlayer
from tradingd.venue.fault_rules import FaultRule
from tradingd.venue.faults import FaultLayer
from tradingd.venue.faulty import FaultyVenue

SYMBOLS = (Symbol("AAPL"), Symbol("MSFT"), Symbol("BTC/USD"))
"""What a venue for the cases trades: two equities and a pair."""
NOON_NS = 1_767_632_400 * NS_PER_SECOND
"""2026-01-05 12:00 in New York, a Monday: where the clock of the cases begins."""
_PATIENCE_S = 5.0

_C = Capability
OFFERS = frozenset(
    {
        _C.MARKET_CONTROL,
        _C.CLOCK_CONTROL,
        _C.FAULTS,
        _C.FOREIGN,
        _C.LATCH,
        _C.RESTART,
        _C.STRANGER,
        _C.FRESH_ACCOUNT,
        _C.OPEN_MARKET,
        _C.SYMBOL_DIRECTORY,
        _C.TICK_RULES,
        _C.BUYING_POWER,
        _C.PARTIAL_FILLS,
        _C.HISTORY,
    }
)


class MovedClock:
    """The machine's clock, set to another day and moved on by hand."""

    def __init__(self, begin_ns: int = NOON_NS) -> None:
        self._offset = begin_ns - time.time_ns()

    def __call__(self) -> int:
        return time.time_ns() + self._offset

    def advance(self, seconds: float) -> None:
        """Move it on."""
        self._offset += int(seconds * NS_PER_SECOND)


class PushedMarket:
    """A market that is pushed into whatever takes market data."""

    def __init__(self, clock: MovedClock, push: Callable[[QuoteTick | TradeTick], None]) -> None:
        self._clock = clock
        self._push = push
        self.shown: dict[Symbol, QuoteTick] = {}

    async def quote(self, symbol: Symbol, bid: float, ask: float, size: float = 0.0) -> None:
        """Show a bid and an offer."""
        now = self._clock()
        tick = QuoteTick(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, ts_event=now, ts_recv=now)
        self.shown[symbol] = tick
        self._push(tick)

    async def trade(self, symbol: Symbol, price: float, size: float) -> None:
        """Print a trade."""
        now = self._clock()
        self._push(TradeTick(symbol=symbol, price=price, size=size, ts_event=now, ts_recv=now))

    async def advance(self, seconds: float) -> None:
        """Move the clock on, and show every quote again at the new time."""
        self._clock.advance(seconds)
        for symbol, tick in list(self.shown.items()):
            await self.quote(symbol, tick.bid, tick.ask, tick.ask_size)


async def open_market(market: PushedMarket, symbols: Sequence[Symbol]) -> None:
    """Give every symbol a quote and a print."""
    for symbol in symbols:
        price = 60_000.0 if "/" in symbol else 100.0
        await market.quote(symbol, price - 0.01, price + 0.01)
        await market.trade(symbol, price, 100.0)


class VenueHarness:
    """The Alpaca adapter over the paper venue."""

    account_kind = "paper"
    patience_s = _PATIENCE_S
    requests_per_minute = 0.0
    no_such_id = VenueOrderId("00000000-0000-4000-8000-000000000000")
    offers = OFFERS

    def __init__(self, venue: FaultyVenue, player: FaultPlayer, clock: MovedClock, symbols: tuple[Symbol, ...]) -> None:
        self.name = "paper"
        self.symbols = symbols
        self.venue = venue
        self._player = player
        self._clock = clock
        self.market = PushedMarket(clock, venue.on_market_data)

    def now(self) -> int:
        """The venue's time."""
        return self._clock()

    def make_adapter(
        self,
        sink: BrokerSink,
        is_ours: Callable[[ClientOrderId], bool],
        kill_switch: KillSwitch,
        *,
        on_problem: ProblemSink,
        failure: Callable[[BaseException], None],
        secret: str = "paper-secret",  # noqa: S107  # the venue's own, on loopback
    ) -> BrokerAdapter:
        """Make an adapter that talks to the venue over loopback."""
        return AlpacaBroker(
            base_url=self.venue.base_url,
            stream_url=self.venue.stream_url,
            data_url=self.venue.base_url,
            api_key="paper",
            api_secret=secret,
            account_kind=self.account_kind,
            sink=sink,
            clock=self._clock,
            is_ours=is_ours,
            refusal=kill_switch.refusal,
            on_problem=lambda event, message, _details: on_problem(event, message),
            failure=failure,
            rng=random.Random(1),  # noqa: S311  # it decides how long to wait
            timeout_s=2.0,
            model=paper_venue_model(always_open=False),
        )

    def make_stranger(self, sink: BrokerSink) -> BrokerAdapter:
        """Make an adapter whose secret is wrong."""
        return self.make_adapter(
            sink,
            lambda _: False,
            KillSwitch(),
            on_problem=lambda _name, _text: None,
            failure=lambda _: None,
            secret="not-the-secret",  # noqa: S106  # it is wrong on purpose
        )

    async def prices(self, symbol: Symbol, adapter: BrokerAdapter) -> tuple[float, float]:
        """Give what the market shows."""
        shown = self.market.shown[symbol]
        return shown.bid, shown.ask

    async def play(self, fault: FaultRule) -> None:
        """Commit a fault, or arm it."""
        await self._player.play(fault)


@asynccontextmanager
async def venue_harness(symbols: tuple[Symbol, ...] = SYMBOLS) -> AsyncIterator[VenueHarness]:
    """Run a venue with a new account while the block runs."""
    clock = MovedClock()
    layer = FaultLayer(clock, random.Random(1))  # noqa: S311  # it decides where a fault strikes
    with tempfile.TemporaryDirectory(prefix="tradingd-conform-") as folder:
        venue = FaultyVenue(
            VenueSettings(rate_limit_per_minute=0, session=VenueSession.XNYS),
            database=Path(folder) / "venue.db",
            symbols=symbols,
            clock=clock,
            log=lambda _level, _event, _message, _details: None,
            faults=layer,
        )
        await venue.start()
        player = FaultPlayer(venue, layer)
        try:
            harness = VenueHarness(venue, player, clock, symbols)
            await open_market(harness.market, symbols)
            yield harness
        finally:
            await player.stop()
            await venue.stop()
