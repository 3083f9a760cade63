"""A log that nobody reads: for the short commands that use the daemon's edges without being the daemon."""

from collections.abc import Mapping

from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.order_state import OrderState
from tradingd.core.order_words import Fill
from tradingd.core.orders import Order, Trade


class NullLog:
    """Implements `runtime.ports.EventLog` by leaving everything out."""

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
        """Leave it out."""

    def log_order(self, level: Level, event: LogEvent, message: str, order: Order, **details: object) -> None:
        """Leave it out."""

    def log_trade(self, trade: Trade, state: OrderState, fill: Fill) -> None:
        """Leave it out."""
