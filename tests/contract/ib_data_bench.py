"""The feed of Interactive Brokers over the emulated TWS, in each of the ways that it can ask for data."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.ib_bench import IbMarket
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.feed import IbFeed
from tradingd.brokers.ib.history import HistoryPace
from tradingd.brokers.ib.lines import FeedMode
from tradingd.core.identifiers import Symbol
from tradingd.errors import UsageError
from tradingd.runtime.backoff import Backoff
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.venue_harness import MovedClock, open_market

_C = Capability
_CLIENT = 8
_ALWAYS = frozenset(
    {
        _C.MARKET_CONTROL,
        _C.CLOCK_CONTROL,
        _C.FAULTS,
        _C.SYMBOL_DIRECTORY,
        _C.MULTI_SYMBOL,
        _C.HISTORY,
    }
)
_TICKS = frozenset({_C.OPEN_MARKET, _C.QUOTES, _C.TRADES})
_BARS = frozenset({_C.BARS})
"""Where only bars are asked for nothing comes of a market until a minute is over: it is not open to the cases."""


class IbDataHarness:
    """One emulated TWS with one feed on it."""

    symbols = (Symbol("AAPL"), Symbol("MSFT"))
    patience_s = 5.0

    def __init__(self, tws: TwsEmulator, clock: MovedClock, mode: FeedMode) -> None:
        self.name = f"ib {mode.value}"
        self.offers = _ALWAYS | (_BARS if mode is FeedMode.BARS_1M else _TICKS)
        self.market = IbMarket(clock, tws)
        self.now = clock
        self._tws = tws
        self._mode = mode
        # Cases ask the same thing twice in a moment, and what TWS says of that is tried elsewhere.
        self._pace = HistoryPace(asyncio.get_running_loop().time, identical_s=0.0)

    def make_feed(self, symbols: tuple[Symbol, ...] | None = None, *, impatient: bool = False) -> IbFeed:
        wait_s = 0.3 if impatient else 5.0
        return IbFeed(
            host="127.0.0.1",
            port=self._tws.port,
            client_id=_CLIENT,
            symbols=symbols or self.symbols,
            contracts={},
            mode=self._mode,
            expects_data=lambda: impatient,
            mute_after_s=4 * wait_s,
            probe_s=wait_s,
            timeout_s=min(wait_s, 2.0),
            clock=self.now,
            backoff=Backoff(0.02, 0.1, random.Random(1)),
            history_pace=self._pace,
        )

    def make_stranger(self) -> IbFeed:
        raise UsageError("TWS knows no keys: whoever reaches its port is let in")

    async def cut(self) -> None:
        self._tws.acts.cut()

    async def mute(self) -> None:
        self._tws.acts.mute(_CLIENT)

    async def garble(self) -> None:
        self._tws.acts.garble(_CLIENT)


@asynccontextmanager
async def ib_data_harness(mode: FeedMode) -> AsyncIterator[IbDataHarness]:
    """Run an emulator while the block runs."""
    clock = MovedClock()
    async with TwsEmulator(clock=clock) as tws:
        tws.faults.pace_limit = 0
        harness = IbDataHarness(tws, clock, mode)
        await open_market(harness.market, harness.symbols)
        yield harness
