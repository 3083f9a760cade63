"""From `trade_updates` to broker events. No I/O.

Owns: the table from the stream's event words to our reports.
Never: adds a cumulative quantity, drops an execution, or takes an event of a superseded leg for the order's end.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from tradingd.brokers.alpaca.chains import OrderChains
from tradingd.brokers.alpaca.convert import SymbolBook, to_venue_order, venue_time
from tradingd.brokers.alpaca.wire import TradeUpdate, WireOrder
from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent
from tradingd.core.identifiers import ClientOrderId, ExecutionId, VenueOrderId
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    ReplaceRefused,
)

Problem: TypeAlias = Callable[[str, str, dict[str, Any]], None]
"""Takes something that an operator should know: event name, message, details."""

_QUIET = frozenset(
    {
        # The order goes on working; its next event says how it ends.
        "pending_cancel",
        "pending_replace",
        "done_for_day",
        "stopped",
        "calculated",
        "suspended",
        "held",
        "accepted_for_bidding",
        "pending_review",
    }
)
_REVISIONS = frozenset({"trade_bust", "trade_correct", "restated"})
"""What no report of ours can say: whoever hears of it has to ask for positions and cash."""


class Translator:
    """Turns stream events and command answers into reports under our own order ids."""

    def __init__(self, chains: OrderChains, symbols: SymbolBook, on_problem: Problem) -> None:
        self._chains = chains
        self._symbols = symbols
        self._on_problem = on_problem

    def translate(self, update: TradeUpdate, ts_recv: int) -> list[BrokerEvent]:
        """Say what one stream event means, in order; nothing for an event that changes nothing."""
        order = update.order
        owner = self._chains.owner(order)
        if owner is None:
            name = ClientOrderId(order.client_order_id)
            if update.event in _REVISIONS:
                self._tell(update, name, update.event)
            return [ForeignOrderEvent(ts_recv=ts_recv, order=to_venue_order(order, name, self._symbols))]
        ts_event = venue_time(update.timestamp, ts_recv)
        if update.event == "order_replace_rejected":
            return self.refuse_replace(owner, VenueOrderId(order.id), "the venue kept the old terms", ts_event, ts_recv)
        if order.replaces and update.event == "rejected" and self._chains.never_lived(order):
            old = VenueOrderId(order.replaces)
            return self.refuse_replace(owner, old, "the venue rejected the new terms", ts_event, ts_recv)
        if update.event == "replaced":
            return self._replaced(owner, self._chains.on_replaced(order), ts_event, ts_recv)
        events = self._replaced(owner, self._chains.on_new_leg(order), ts_event, ts_recv)
        report = self._report(update, owner, ts_event, ts_recv)
        if report is not None:
            events.append(report)
        return events

    def accepted(self, owner: ClientOrderId, order: WireOrder, ts_recv: int) -> OrderAccepted:
        """The acknowledgement that an HTTP answer stands for."""
        ts_event = venue_time(order.submitted_at or order.created_at, ts_recv)
        return OrderAccepted(
            client_order_id=owner, venue_order_id=VenueOrderId(order.id), ts_event=ts_event, ts_recv=ts_recv
        )

    def patched(self, owner: ClientOrderId, old: VenueOrderId, new: WireOrder, ts_recv: int) -> list[BrokerEvent]:
        """Take the new order of a PATCH answer or a look-up; says so only once the replacement is a fact."""
        ts_event = venue_time(new.submitted_at or new.created_at, ts_recv)
        return self._replaced(owner, self._chains.on_patch_answer(old, new), ts_event, ts_recv)

    def gone_for(self, owner: ClientOrderId, old: WireOrder, ts_recv: int) -> list[BrokerEvent]:
        """Take a look-up's word that an old leg was replaced."""
        ts_event = venue_time(old.updated_at, ts_recv)
        return self._replaced(owner, self._chains.on_replaced(old), ts_event, ts_recv)

    def refuse_replace(
        self, owner: ClientOrderId, old: VenueOrderId, reason: str, ts_event: int, ts_recv: int
    ) -> list[BrokerEvent]:
        """Say that the old terms stay, once."""
        if not self._chains.refuse(old):
            return []
        return [ReplaceRefused(client_order_id=owner, reason=reason, ts_event=ts_event, ts_recv=ts_recv)]

    def _replaced(self, owner: ClientOrderId, new: WireOrder | None, ts_event: int, ts_recv: int) -> list[BrokerEvent]:
        if new is None:
            return []
        return [
            OrderReplaced(
                client_order_id=owner,
                venue_order_id=VenueOrderId(new.id),
                replaces=VenueOrderId(new.replaces or ""),
                quantity=new.qty or new.filled_qty or ZERO,
                limit_price=new.limit_price,
                stop_price=new.stop_price,
                trail_amount=new.trail_price,
                trail_percent=new.trail_percent,
                ts_event=ts_event,
                ts_recv=ts_recv,
            )
        ]

    def _report(self, update: TradeUpdate, owner: ClientOrderId, ts_event: int, ts_recv: int) -> BrokerEvent | None:
        order = update.order
        venue_id = VenueOrderId(order.id)
        match update.event:
            case "fill" | "partial_fill":
                return self._fill(update, owner, ts_event, ts_recv)
            case "new" | "accepted" | "pending_new":
                if order.replaces:
                    return None  # the new leg of an order that was accepted long ago
                return OrderAccepted(client_order_id=owner, venue_order_id=venue_id, ts_event=ts_event, ts_recv=ts_recv)
            case "canceled" | "expired" | "rejected" if self._chains.is_superseded(venue_id):
                return None
            case "canceled":
                return OrderCanceled(
                    client_order_id=owner,
                    venue_order_id=venue_id,
                    filled_quantity=update.order.filled_qty,
                    ts_event=ts_event,
                    ts_recv=ts_recv,
                )
            case "expired":
                return OrderExpired(client_order_id=owner, venue_order_id=venue_id, ts_event=ts_event, ts_recv=ts_recv)
            case "rejected":
                reason = "the venue rejected the order after taking it"
                return OrderRejected(
                    client_order_id=owner, code="rejected", reason=reason, ts_event=ts_event, ts_recv=ts_recv
                )
            case "order_cancel_rejected":
                reason = "the venue rejected the cancel"
                return CancelRefused(client_order_id=owner, reason=reason, ts_event=ts_event, ts_recv=ts_recv)
            case word if word in _QUIET:
                return None
            case word:
                self._tell(update, owner, word)
                return None

    def _fill(self, update: TradeUpdate, owner: ClientOrderId, ts_event: int, ts_recv: int) -> OrderFilled | None:
        order = update.order
        quantity, price, cumulative = update.qty, update.price, order.filled_qty
        if not quantity or not price or not (quantity.is_finite() and price.is_finite()) or quantity < 0:
            self._on_problem(
                "broker.fill_incomplete",
                "an execution came without its quantity or price; the next snapshot has to supply it",
                {"client_order_id": owner, "venue_order_id": order.id, "execution_id": update.execution_id},
            )
            return None
        # Without the venue's name, order and cumulative quantity name the execution for ever just as well.
        name = update.execution_id or f"{order.id}@{cumulative}"
        return OrderFilled(
            client_order_id=owner,
            venue_order_id=VenueOrderId(order.id),
            execution_id=ExecutionId(name),
            quantity=quantity,
            price=price,
            cum_quantity=cumulative,
            ts_event=ts_event,
            ts_recv=ts_recv,
        )

    def _tell(self, update: TradeUpdate, owner: ClientOrderId, word: str) -> None:
        if word in _REVISIONS:
            event, message = (
                "broker.execution_revised",
                "the venue takes back, corrects or restates what was told of an order: the books are compared",
            )
        else:
            event, message = "broker.event_unknown", "the order stream sent an event word that is not known"
        details = {
            "word": word,
            "client_order_id": owner,
            "venue_order_id": update.order.id,
            "execution_id": update.execution_id,
        }
        self._on_problem(event, message, details)
