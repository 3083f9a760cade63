"""The closed set of things that the journal can say. What is not one of these never happened.

Signals, market data and log lines are not here: they can be had again or done without. Everything that the books are a
fold of is.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, VenueOrderId
from tradingd.core.order_state import OrderState
from tradingd.core.orders import (
    SPOT,
    CancelRefused,
    CancelRequested,
    CancelUnknown,
    Contract,
    FeeReported,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
    ReplaceRefused,
    ReplaceRequested,
    ReplaceUnknown,
)
from tradingd.core.plans.records import PlanEnded, PlanMoved, PlanStarted, PlanState
from tradingd.core.portfolio import PortfolioSnapshot
from tradingd.core.scopes import Scope


class RunEnd(StrEnum):
    """How a run ended, as the next one finds it."""

    NONE = "none"
    CLEAN = "clean"
    KILLED = "killed"
    QUARANTINED = "quarantined"
    """Its last lines could not be believed and were set aside."""


class StrategyDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says of one strategy that runs its code."""

    strategy_id: StrategyId
    class_path: str
    symbols: tuple[Symbol, ...]


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was started with, as far as a later edit of the file is compared with it."""

    strategies: tuple[StrategyDeclaration, ...] = ()
    limits: dict[str, Decimal] = {}
    """Limits on what may be held, by the key that sets each; one that is not set is not there."""
    fed: tuple[Symbol, ...] = ()
    """Symbols that a feed delivers."""


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag="run_started"):
    """A process took the journal over: the run's manifest, and the seal on a run before it that had no end."""

    run: int
    version: str
    config_hash: str
    previous: RunEnd
    broker: str = ""
    account_id: str = ""
    """The account as far as the journal knew it by then."""
    python: str = ""
    sqlite: str = ""
    pid: int = 0
    recovered_from_ts: int = 0
    """Time of the last good entry where bad lines after it were set aside, else 0."""
    declared: Declaration | None = None
    """None in journals of versions that did not write it."""


class ChangesAccepted(msgspec.Struct, frozen=True, kw_only=True, tag="changes_accepted"):
    """An operator accepted what a start would otherwise refuse: the file as it is now against what is held."""

    accepted: tuple[str, ...]
    """What was accepted, one sentence each."""
    declared: Declaration
    operator: str


class StrategyTransferred(msgspec.Struct, frozen=True, kw_only=True, tag="strategy_transferred"):
    """What one strategy held is another's from now on: positions with their results, orders, plans.

    Without a symbol everything goes over, saved state and quarantine too. Orders keep their ids.
    """

    source: StrategyId
    target: StrategyId
    symbol: Symbol | None = None
    operator: str
    """Who asked for it; `formerly` where the configuration did."""

    def covers(self, strategy_id: StrategyId, symbol: Symbol) -> bool:
        """True for what goes over."""
        return strategy_id == self.source and self.symbol in (None, symbol)


class RunStopped(msgspec.Struct, frozen=True, kw_only=True, tag="run_stopped"):
    """A process let go of the journal in order."""

    run: int
    reason: str
    orders_left: tuple[ClientOrderId, ...] = ()
    """Orders that were still at the venue, or in doubt: the next start asks what became of them first."""


class AccountOpened(msgspec.Struct, frozen=True, kw_only=True, tag="account_opened"):
    """The account that this journal belongs to, and the cash that its ledger starts from."""

    broker: str
    account_id: str
    account_kind: str
    currency: str
    cash: Decimal


class OrderIntended(msgspec.Struct, frozen=True, kw_only=True, tag="order_intended"):
    """The order may be seen by the venue from now on."""

    order: Order


class OrderAdopted(msgspec.Struct, frozen=True, kw_only=True, tag="order_adopted"):
    """An order that we did not send works at the venue: visible and counted, traded by nobody.

    `already_filled` is what had filled before it was found; that part is in the venue's positions already.
    """

    order: Order
    venue_order_id: VenueOrderId
    already_filled: Decimal


class CashAdjusted(msgspec.Struct, frozen=True, kw_only=True, tag="cash_adjusted"):
    """Money came or went without a trade."""

    amount: Decimal
    cause: str
    adjustment_id: str = ""
    """What it stands for, as a name: the same difference found again has the same one."""
    equity: Decimal | None = None
    """What the account was worth right before; older journals do not say."""


class PositionAdjusted(msgspec.Struct, frozen=True, kw_only=True, tag="position_adjusted", omit_defaults=True):
    """Quantity came or went without a trade of ours."""

    strategy_id: StrategyId
    symbol: Symbol
    quantity: Decimal
    price: Decimal
    cause: str
    adjustment_id: str = ""
    """What it stands for, as a name: the same difference found again has the same one."""
    contract: Contract = SPOT
    equity: Decimal | None = None
    """What the account was worth right before; older journals do not say."""


class SymbolHalted(msgspec.Struct, frozen=True, kw_only=True, tag="symbol_halted"):
    """Only orders that reduce the position of this symbol leave until an operator resumes."""

    symbol: Symbol
    reason: str


class MessageKept(msgspec.Struct, frozen=True, kw_only=True, tag="message_kept"):
    """The venue said something that could not be read: kept as it came, secrets cut out, and never guessed at."""

    problem: str
    raw: str


class HaltEngaged(msgspec.Struct, frozen=True, kw_only=True, tag="halt_engaged"):
    """No new order leaves until an operator resumes."""

    reason: str
    operator: str


class HaltReleased(msgspec.Struct, frozen=True, kw_only=True, tag="halt_released"):
    """An operator let trading go on, in halted symbols and by quarantined strategies too."""

    operator: str


class OperatorCommand(msgspec.Struct, frozen=True, kw_only=True, tag="operator_command", omit_defaults=True):
    """An operator gave a command: who, what for, and why. What it came to stands in the entries that follow."""

    command: str
    operator: str
    uid: int = -1
    """User who opened the control socket, as the kernel says; -1 where nobody did."""
    reason: str = ""
    strategy_id: StrategyId | None = None
    symbol: Symbol | None = None
    order_id: str = ""
    """The order or plan that it names."""


class ScopeHalted(msgspec.Struct, frozen=True, kw_only=True, tag="scope_halted"):
    """Only orders that reduce leave of a strategy, in a symbol, or both, until an operator resumes."""

    strategy_id: StrategyId | None
    symbol: Symbol | None
    reason: str
    operator: str

    @property
    def scope(self) -> Scope:
        """What is halted."""
        return Scope(self.strategy_id, self.symbol)


class ScopeReleased(msgspec.Struct, frozen=True, kw_only=True, tag="scope_released"):
    """An operator let exactly this go on; a symbol after a correction and a quarantined strategy too."""

    strategy_id: StrategyId | None
    symbol: Symbol | None
    operator: str

    @property
    def scope(self) -> Scope:
        """What goes on."""
        return Scope(self.strategy_id, self.symbol)


class StrategyQuarantined(msgspec.Struct, frozen=True, kw_only=True, tag="strategy_quarantined"):
    """A strategy raised; its orders are cancelled and it gets no more callbacks until an operator resumes."""

    strategy_id: StrategyId
    reason: str


class StrategyStateSaved(msgspec.Struct, frozen=True, kw_only=True, tag="strategy_state"):
    """What a strategy wants to find again after a restart."""

    strategy_id: StrategyId
    state: dict[str, str | int | float | bool | None]


class EquitySampled(msgspec.Struct, frozen=True, kw_only=True, tag="equity"):
    """Equity at one instant, by which drawdown, daily loss and the reports are measured."""

    ts: int
    equity: Decimal
    cash: Decimal
    gross: Decimal
    net: Decimal
    marks: dict[Symbol, float] = {}
    """Last good price of each symbol that is held."""
    day: int = -1
    """Number of the trading day; below zero in older journals, which count by UTC days."""


class EquityTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What the risk limits remember of past equity."""

    peak: Decimal | None = None
    day: int = -1
    """Number of the trading day that `day_open` belongs to."""
    day_open: Decimal | None = None
    last: Decimal | None = None
    daily: tuple[Decimal, ...] = ()
    """Last equity of each past day, at most a year of them, oldest first."""
    marks: dict[Symbol, float] = {}
    """What a restart values positions at until the market speaks again: at cost they would feign a loss or a peak."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """The whole fold so far; the first entry of every segment but the first."""

    run: int
    run_ended: bool
    account: AccountOpened | None
    orders: tuple[OrderState, ...]
    portfolio: PortfolioSnapshot
    halt: HaltEngaged | None
    quarantined: tuple[StrategyQuarantined, ...]
    strategy_states: tuple[StrategyStateSaved, ...]
    equity: EquityTrack
    last_fill_ts: int
    halted_symbols: tuple[SymbolHalted, ...] = ()
    halted_scopes: tuple[ScopeHalted, ...] = ()
    corrections: dict[str, int] = {}
    messages_kept: int = 0
    recovered_from_ts: int = 0
    plans: tuple[PlanState, ...] = ()
    declared: Declaration | None = None


JournalEntry: TypeAlias = (
    RunStarted
    | RunStopped
    | AccountOpened
    | OrderIntended
    | OrderDenied
    | OrderAdopted
    | OrderAccepted
    | OrderFilled
    | FeeReported
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderReplaced
    | OrderUnknown
    | CancelRequested
    | CancelRefused
    | CancelUnknown
    | ReplaceRequested
    | ReplaceRefused
    | ReplaceUnknown
    | CashAdjusted
    | PositionAdjusted
    | SymbolHalted
    | MessageKept
    | HaltEngaged
    | HaltReleased
    | OperatorCommand
    | ScopeHalted
    | ScopeReleased
    | StrategyQuarantined
    | StrategyStateSaved
    | StrategyTransferred
    | ChangesAccepted
    | EquitySampled
    | PlanStarted
    | PlanMoved
    | PlanEnded
    | Snapshot
)


def order_named_by(entry: JournalEntry) -> ClientOrderId | None:
    """The order that an entry is about, if it is about one."""
    match entry:
        case OrderIntended(order=order) | OrderAdopted(order=order):
            return order.client_order_id
        case (
            RunStarted()
            | RunStopped()
            | AccountOpened()
            | CashAdjusted()
            | PositionAdjusted()
            | SymbolHalted()
            | MessageKept()
            | HaltEngaged()
            | HaltReleased()
            | OperatorCommand()
            | ScopeHalted()
            | ScopeReleased()
            | StrategyQuarantined()
            | StrategyStateSaved()
            | StrategyTransferred()
            | ChangesAccepted()
            | EquitySampled()
            | PlanStarted()
            | PlanMoved()
            | PlanEnded()
            | Snapshot()
        ):
            return None
        case _:
            return entry.client_order_id
