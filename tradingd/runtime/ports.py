"""What modules ask of each other by direct call, as protocols: modules never import one another.

Only questions that gate an order, and bookings that must not be seen half done, are asked this way; all else travels by
inbox. The orchestrator hands each module what it needs.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from tradingd.core.broker_model import BrokerModel
from tradingd.core.entries import CashAdjusted, JournalEntry, PositionAdjusted
from tradingd.core.executions import FeeCharge
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import MarketDataEvent
from tradingd.core.order_state import OrderState
from tradingd.core.order_words import Fill
from tradingd.core.orders import ZERO, Order, OrderModification, Trade, ValidationResponse
from tradingd.core.portfolio import PortfolioState
from tradingd.errors import JournalError

LatestData: TypeAlias = Callable[[Symbol], MarketDataEvent | None]
"""The last good event of a symbol."""

AgeOf: TypeAlias = Callable[[Symbol], int]
"""How long ago, in ns, the last good event of a symbol arrived."""

InstrumentOf: TypeAlias = Callable[[Symbol], Instrument]
"""The trading steps of a symbol."""


@dataclass(frozen=True, slots=True)
class MarketLookup:
    """What is known of a symbol now: the data handler's last good event and its age, and the venue's trading steps."""

    latest: LatestData
    age_ns: AgeOf
    instrument: InstrumentOf


Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None], str], None]
"""Start something that waits, under a name; its failure is the process's failure."""


class Journal(Protocol):
    """The one place that writes what happened."""

    @property
    def shortage(self) -> str | None:
        """Why no new order may leave for want of room on the journal's disk; None while there is room."""
        ...

    def record(self, entry: JournalEntry, *, durable: bool = False, cause: int | None = None) -> int:
        """Write an entry before anything acts on it; return its number.

        `cause` is the number of the entry that it follows from, 0 for none; left out, the last one about its order.
        `durable` has it forced to the disk where the durability asks for that; `after_commit` tells when it is.
        """
        ...

    def after_commit(self, then: Callable[[JournalError | None], None]) -> None:
        """Call `then` once the last durable entry is as durable as promised: at once where it already is.

        Calls come in the order of asking, with None, or with the error for which nothing may leave.
        """
        ...


class EventLog(Protocol):
    """The structured log; a call costs a microsecond and renders nothing."""

    def log_event(
        self,
        level: Level,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        event: LogEvent,
        module: str,
        strategy_id: StrategyId | None = None,
        client_order_id: ClientOrderId | None = None,
        symbol: Symbol | None = None,
    ) -> None:
        """Say that something happened."""
        ...

    def log_order(self, level: Level, event: LogEvent, message: str, order: Order, **details: object) -> None:
        """Say that something happened to an order."""
        ...

    def log_trade(self, trade: Trade, state: OrderState, fill: Fill) -> None:
        """Say that an order filled."""
        ...


class RiskGate(Protocol):
    """The verdict that every order needs."""

    def validate_order(
        self, order: Order, portfolio_state: PortfolioState, *, replaced: Decimal = ZERO
    ) -> ValidationResponse:
        """Judge an order against every limit; `replaced` is the open quantity that it takes the place of."""
        ...

    def halted_for(self, order: Order, portfolio_state: PortfolioState, *, replaced: Decimal = ZERO) -> str | None:
        """Why a halt bars an order now, None when none does; nothing is counted."""
        ...

    def halt(self, reason: str, operator: str) -> bool:
        """Stop new orders until an operator resumes."""
        ...

    def halt_symbol(self, symbol: Symbol, reason: str) -> None:
        """Let only orders leave that reduce the position of a symbol, until an operator resumes."""
        ...

    @property
    def halted(self) -> str | None:
        """Why trading is halted, None when it is not."""
        ...


class Ledger(Protocol):
    """Where executions and reservations are booked."""

    @property
    def state(self) -> PortfolioState:
        """The portfolio as it is now."""
        ...

    def reserve(self, state: OrderState) -> None:
        """Set what an order reserves."""
        ...

    def update_trade(self, trade: Trade) -> None:
        """Book an execution."""
        ...

    def charge(self, charge: FeeCharge) -> None:
        """Book a fee that was told apart from its execution."""
        ...

    def adjust(self, adjustment: PositionAdjusted | CashAdjusted) -> None:
        """Journal and book a correction that no order of ours explains."""
        ...


class OrderGateway(Protocol):
    """The way to the venue."""

    @property
    def model(self) -> BrokerModel:
        """What the venue takes."""
        ...

    def submit_order(self, order: Order) -> None:
        """Send a new order."""
        ...

    def cancel_order(self, order_id: ClientOrderId) -> None:
        """Ask for a cancel."""
        ...

    def modify_order(self, order_id: ClientOrderId, new_order_details: OrderModification) -> None:
        """Ask for new terms."""
        ...

    def adopt_order(self, venue_order_id: VenueOrderId, order_id: ClientOrderId) -> None:
        """Hear of an order that we did not send."""
        ...

    def cancel_leg(self, order_id: ClientOrderId, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel of one of an order's names at the venue: it should not be working any more."""
        ...

    def request_snapshot(self, since_ns: int, books_version: int, *, plan_only: bool) -> None:
        """Ask the venue for everything; the answer comes to the execution engine's inbox."""
        ...

    def request_open_orders(self, books_version: int) -> None:
        """Ask the venue for the working orders; the answer comes to the execution engine's inbox."""
        ...

    def request_order(self, order_id: ClientOrderId, books_version: int) -> None:
        """Ask the venue for one order; the answer comes to the execution engine's inbox."""
        ...
