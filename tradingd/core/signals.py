"""What a strategy asks for: a trade, how it is to be worked and protected, or a change of its own orders."""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.orders import OrderModification, OrderTerms, Side, SignalAction


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a position is to be left: at a target, at a stop, or at whichever comes first.

    The stop is at a price (with `stop_limit` as a stop-limit order) or trails by an amount or a percentage.
    """

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_limit: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None

    @property
    def figures(self) -> tuple[Decimal | None, ...]:
        """Every figure, given or not."""
        return self.take_profit, self.stop_loss, self.stop_limit, self.trail_amount, self.trail_percent

    @property
    def stops(self) -> bool:
        """True when there is a stop, fixed or trailing."""
        return self.stop_loss is not None or self.trails

    @property
    def trails(self) -> bool:
        """True when the stop trails."""
        return self.trail_amount is not None or self.trail_percent is not None


class Remainder(StrEnum):
    """What becomes of what an algorithm has not filled by its end."""

    CANCEL = "cancel"
    MARKET = "market"


class Twap(msgspec.Struct, frozen=True, kw_only=True, tag="twap"):
    """Send a quantity in equal slices over a time; a slice that was missed is not made up for by a bigger one."""

    duration_s: float
    slices: int
    remainder: Remainder = Remainder.MARKET
    """MARKET: the last slice is all that is left. CANCEL: it is a slice like the others, and the rest is given up."""


class Reprice(msgspec.Struct, frozen=True, kw_only=True, tag="reprice"):
    """Rest at the best price of the own side, and follow it when it moves."""

    interval_s: float = 1.0
    """Least time between two prices."""
    max_chase_pct: Decimal = Decimal(1)
    """How far from the price at the start it follows, in percent."""
    timeout_s: float
    remainder: Remainder = Remainder.CANCEL


Algorithm: TypeAlias = Twap | Reprice


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """An order to send once another has filled completely."""

    side: Side
    quantity: Decimal
    terms: OrderTerms = OrderTerms()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a signal asks for beyond one order."""

    protection: Protection | None = None
    algorithm: Algorithm | None = None
    then: FollowUp | None = None
    target: Decimal | None = None
    """The position to come to, signed."""
    reduce_only: bool = False
    """Whether it is cut to what can only reduce the position."""

    @property
    def figures(self) -> tuple[Decimal | None, ...]:
        """Every figure that has to be a `Decimal`."""
        protected = () if self.protection is None else self.protection.figures
        if self.then is None:
            return protected
        terms = self.then.terms
        return (*protected, self.then.quantity, terms.limit_price, terms.stop_price, *terms.asked[2:])


PLAIN = Work()


class TradingSignal(msgspec.Struct, frozen=True, kw_only=True, tag="signal"):
    """A strategy's decision."""

    strategy_id: StrategyId
    symbol: Symbol
    action: SignalAction
    quantity: Decimal
    terms: OrderTerms
    trace_id: TraceId
    ts_event: int
    reason: str = ""
    cause: int = 0
    """Number of the journal's entry that the strategy was hearing of when it decided; 0 for the market or the clock."""
    protection: Protection | None = None
    algorithm: Algorithm | None = None
    then: FollowUp | None = None
    target: Decimal | None = None
    """The position to come to, signed; action and quantity are what was missing as the strategy saw it."""
    reduce_only: bool = False


class OcoSignal(msgspec.Struct, frozen=True, kw_only=True, tag="oco_signal"):
    """A strategy's wish to have the position that it holds protected; it takes the place of an earlier such wish."""

    strategy_id: StrategyId
    symbol: Symbol
    protection: Protection
    trace_id: TraceId
    ts_event: int
    cause: int = 0


class CancelSignal(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_signal"):
    """A strategy's wish to take back one of its own working orders, or a plan with all its orders."""

    strategy_id: StrategyId
    client_order_id: ClientOrderId
    ts_event: int


class ModifySignal(msgspec.Struct, frozen=True, kw_only=True, tag="modify_signal"):
    """A strategy's wish for new terms of one of its own working orders."""

    strategy_id: StrategyId
    client_order_id: ClientOrderId
    details: OrderModification
    ts_event: int


StrategySignal: TypeAlias = TradingSignal | OcoSignal | CancelSignal | ModifySignal
