"""An event log that keeps what it is told."""

from collections.abc import Mapping

from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.order_state import OrderState
from tradingd.core.order_words import Fill
from tradingd.core.orders import Order, Trade


class ListeningLog:
    """Implements `EventLog`."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.messages: list[str] = []
        self.details: list[dict[str, object]] = []

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
        self.events.append(event)
        self.messages.append(message)
        self.details.append(dict(details or {}))

    def log_order(self, level: Level, event: LogEvent, message: str, order: Order, **details: object) -> None:
        self.log_event(level, message, details, event=event, module="execution_engine")

    def log_trade(self, trade: Trade, state: OrderState, fill: Fill) -> None:
        self.log_event(Level.INFO, fill.in_words(), event=LogEvent.ORDER_FILLED, module="execution_engine")
