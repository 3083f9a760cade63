"""How far corrections of positions may go before somebody has to look, and how they read."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from tradingd.core.accounting import value_of
from tradingd.core.books import Books
from tradingd.core.coin_fees import FEE_CAUSES
from tradingd.core.entries import CashAdjusted, OrderAdopted, PositionAdjusted
from tradingd.core.flows import SPLIT_CAUSE, unexplained_bound
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND
from tradingd.execution.config import ExecutionConfig
from tradingd.runtime.clock import Clock

WINDOW_NS = 3600 * NS_PER_SECOND


class CorrectionLimit:
    """Counts corrections of each symbol within an hour and weighs each one's value, and cash that nothing explains."""

    def __init__(self, clock: Clock, config: ExecutionConfig) -> None:
        self._clock = clock
        self._max_corrections = config.max_corrections
        self._max_value = config.max_correction_value
        self._max_unexplained_cash = config.max_unexplained_cash
        self._made: dict[Symbol, deque[int]] = {}

    def small_cash(self, adjustment: PositionAdjusted | CashAdjusted, books: Books) -> Decimal | None:
        """The bound that a difference of cash keeps within, None for one beyond it and for anything else."""
        if not isinstance(adjustment, CashAdjusted) or adjustment.cause in FEE_CAUSES:
            return None
        bound = unexplained_bound(books.portfolio.equity(), self._max_unexplained_cash)
        return bound if abs(adjustment.amount) <= bound else None

    def judge(self, adjustment: PositionAdjusted | CashAdjusted, books: Books) -> str | None:
        """Count a correction that is about to be booked; return why its symbol has to be halted, if it has to be."""
        if isinstance(adjustment, CashAdjusted) or adjustment.cause in FEE_CAUSES:
            return None
        symbol, now = adjustment.symbol, self._clock.monotonic_ns()
        made = self._made.setdefault(symbol, deque())
        made.append(now)
        while made[0] <= now - WINDOW_NS:
            made.popleft()
        if adjustment.cause == SPLIT_CAUSE:
            return f"{adjustment.cause}: check it, then the prices of resting orders ({adjustment.adjustment_id})"
        value = value_of(
            adjustment.contract, abs(adjustment.quantity), books.portfolio.price(symbol) or adjustment.price
        )
        if self._max_value is not None and value > self._max_value:
            return f"a correction worth {value:,.2f} is past max_correction_value ({adjustment.adjustment_id})"
        if len(made) > self._max_corrections:
            return f"{len(made)} corrections within an hour are past max_corrections ({adjustment.adjustment_id})"
        return None


def describe(adoptions: Iterable[OrderAdopted], adjustments: Iterable[PositionAdjusted | CashAdjusted]) -> list[str]:
    """What the venue holds that no order of ours explains, one line each."""
    orders = [adoption.order for adoption in adoptions]
    lines = [f"order {order.client_order_id}: {order.side} {order.quantity} {order.symbol}" for order in orders]
    for adjustment in adjustments:
        match adjustment:
            case PositionAdjusted(symbol=symbol, quantity=quantity, cause=cause):
                lines.append(f"position: {quantity:+f} {symbol}" + (f" ({cause})" if cause in FEE_CAUSES else ""))
            case CashAdjusted(amount=amount, cause=cause):
                lines.append(f"cash: {amount:+f}" + (f" ({cause})" if cause in FEE_CAUSES else ""))
    return lines
