"""What is done about an execution that nobody asked for: more than was ordered, or after the order's plan had ended.

Part of the execution engine. It is booked in any case; here the symbol is halted, and what an exit sold or bought too
much is closed again.
"""

from decimal import Decimal
from typing import Protocol

from tradingd.core.books import Books
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.order_state import Anomaly, Transition
from tradingd.core.orders import ZERO
from tradingd.core.plans.records import CLOSING
from tradingd.execution import order_log
from tradingd.runtime.ports import EventLog


class OddityDesk(Protocol):
    """The execution engine, as far as odd executions need it."""

    def halt_symbol(self, symbol: Symbol, reason: str) -> None:
        """Let only orders leave that reduce the position of a symbol."""
        ...

    def close_position(self, strategy_id: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        """Send what closes this much of a strategy's position."""
        ...


def handle_anomaly(transition: Transition, books: Books, desk: OddityDesk, log: EventLog) -> None:
    """Tell of what was odd about a report, and keep it from becoming a risk."""
    anomaly, order, trade = transition.anomaly, transition.state.order, transition.trade
    if anomaly is None:
        return
    order_log.log_anomaly(log, anomaly, order)
    after_the_end = anomaly is Anomaly.LATE_FILL and bool(order.plan_id) and order.plan_id not in books.plans
    if anomaly is not Anomaly.OVERFILL and not after_the_end:
        return
    desk.halt_symbol(order.symbol, f"{order.client_order_id} filled more than was ordered, or after its plan had ended")
    if not after_the_end or trade is None or order.leg not in CLOSING:
        return
    # Both sides of a bracket have filled: an exit must never leave a position behind that nobody wanted.
    held = books.portfolio.quantity_of(order.strategy_id, order.symbol) * order.side.sign
    excess = min(trade.quantity, max(held, ZERO))
    if excess > 0:
        desk.close_position(order.strategy_id, order.symbol, excess * order.side.sign)
