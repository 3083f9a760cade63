"""What stands between the cases and one account, or one feed.

A harness makes adapters on one and the same account and says what else it can do. Tests bring one for each broker; a
user's configuration gives another.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias, TypeVar

from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.feeds.base import BarHistory, Feed
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.tools.conform.capabilities import Capability
from tradingd.venue.fault_rules import FaultRule

T = TypeVar("T")

ProblemSink: TypeAlias = Callable[[str, str], None]
"""Takes what an adapter reports as a problem: its name and one line."""


class Market(Protocol):
    """A market that does what it is told."""

    async def quote(self, symbol: Symbol, bid: float, ask: float, size: float = 0.0) -> None:
        """Show a bid and an offer; `size` 0 is a market that bounds no order."""
        ...

    async def trade(self, symbol: Symbol, price: float, size: float) -> None:
        """Print a trade."""
        ...

    async def advance(self, seconds: float) -> None:
        """Move the clock of venue and adapters on; only where the harness offers `CLOCK_CONTROL`."""
        ...


class Harness(Protocol):
    """One account."""

    @property
    def name(self) -> str:
        """What the account is called in a report."""
        ...

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is traded, the first one most."""
        ...

    @property
    def account_kind(self) -> str:
        """Whether real money is at stake: `paper` or `live`."""
        ...

    @property
    def patience_s(self) -> float:
        """How long an expected report may take."""
        ...

    @property
    def requests_per_minute(self) -> float:
        """How many requests the venue allows; 0 for no limit."""
        ...

    @property
    def no_such_id(self) -> VenueOrderId:
        """A venue order id that is well formed there, and no order's."""
        ...

    @property
    def market(self) -> Market | None:
        """The market, where it does what it is told."""
        ...

    @property
    def offers(self) -> frozenset[Capability]:
        """What does not follow from the broker's own description."""
        ...

    def now(self) -> int:
        """The present time, ns UTC, as adapters and venue have it."""
        ...

    def make_adapter(
        self,
        sink: BrokerSink,
        is_ours: Callable[[ClientOrderId], bool],
        kill_switch: KillSwitch,
        *,
        on_problem: ProblemSink,
        failure: Callable[[BaseException], None],
    ) -> BrokerAdapter:
        """Make a new adapter on the account; what a former one left there is still there."""
        ...

    def make_stranger(self, sink: BrokerSink) -> BrokerAdapter:
        """Make an adapter whose keys are wrong; only where the harness offers `STRANGER`."""
        ...

    async def prices(self, symbol: Symbol, adapter: BrokerAdapter) -> tuple[float, float]:
        """Give a recent bid and ask, or one recent price twice. Raises `UsageError` where there is none."""
        ...

    async def play(self, fault: FaultRule) -> None:
        """Commit a fault now or at its next occasion; only where the harness offers `FAULTS`."""
        ...


class AnyFeed(Feed, BarHistory, Protocol):
    """A feed with its history; one that has none gives no bars."""

    async def close(self) -> None:
        """Close the connection that history is asked over."""
        ...


class DataHarness(Protocol):
    """One feed."""

    @property
    def name(self) -> str:
        """What the feed is called in a report."""
        ...

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What it brings, the first one most."""
        ...

    @property
    def patience_s(self) -> float:
        """How long an expected event may take."""
        ...

    @property
    def market(self) -> Market | None:
        """The market, where it does what it is told."""
        ...

    @property
    def offers(self) -> frozenset[Capability]:
        """What can be tried on the feed."""
        ...

    def now(self) -> int:
        """The present time, ns UTC, as the feed has it."""
        ...

    def make_feed(self, symbols: tuple[Symbol, ...] | None = None, *, impatient: bool = False) -> AnyFeed:
        """Make a new feed; an impatient one expects data and takes a fraction of a second's silence for a loss."""
        ...

    def make_stranger(self) -> Feed:
        """Make a feed whose keys are wrong; only where the harness offers `STRANGER`."""
        ...

    async def cut(self) -> None:
        """Reset the feed's connection; only where the harness offers `FAULTS`, as with the next two."""
        ...

    async def mute(self) -> None:
        """Let the feed's connection stand and nothing come over it, until it is made anew."""
        ...

    async def garble(self) -> None:
        """Send the feed something that cannot be read."""
        ...


@asynccontextmanager
async def kept(harness: T) -> AsyncIterator[T]:
    """Give one and the same harness to every case."""
    yield harness
