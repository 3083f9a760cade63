"""New terms for a working order: rounded, and turned into what is judged, journaled and asked of the venue."""

from decimal import Decimal

import msgspec

from tradingd.core.identifiers import ClientOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Order, OrderModification, OrderType, ReplaceRequested


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """One change that is wished for."""

    candidate: Order
    """What would be left of the order, under its new terms: what the gate judges."""
    quantity: Decimal
    """The order's total, filled part included."""
    details: OrderModification
    """The wish, rounded to the instrument's steps."""

    def request(self, order_id: ClientOrderId, now: int) -> ReplaceRequested:
        """What the journal says of it."""
        terms = self.candidate.terms
        return ReplaceRequested(
            client_order_id=order_id,
            quantity=self.quantity,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trail_amount=terms.trail_amount,
            trail_percent=terms.trail_percent,
            ts_event=now,
            ts_recv=now,
        )


def amend(state: OrderState, wish: OrderModification, instrument: Instrument) -> Amendment:
    """Work a wish out; whether it is a sensible one is for the gate to say."""
    old = state.terms
    trails = old.order_type is OrderType.TRAILING_STOP
    quantity = instrument.round_quantity(_or(wish.quantity, state.quantity))
    wanted = msgspec.structs.replace(
        old,
        limit_price=old.limit_price if wish.limit_price is None else wish.limit_price,
        # Where a trailing stop stands is the venue's to say.
        stop_price=wish.stop_price if trails or wish.stop_price is not None else old.stop_price,
        trail_amount=old.trail_amount if wish.trail_amount is None else wish.trail_amount,
        trail_percent=old.trail_percent if wish.trail_percent is None else wish.trail_percent,
    )
    terms = instrument.round_terms(wanted, state.order.side)
    return Amendment(
        candidate=msgspec.structs.replace(state.order, quantity=quantity - state.filled_quantity, terms=terms),
        quantity=quantity,
        details=OrderModification(
            quantity=None if wish.quantity is None else quantity,
            limit_price=None if wish.limit_price is None else terms.limit_price,
            stop_price=None if wish.stop_price is None else terms.stop_price,
            trail_amount=wish.trail_amount,
            trail_percent=wish.trail_percent,
        ),
    )


def _or(value: Decimal | None, default: Decimal) -> Decimal:
    return default if value is None else value
