"""The venue's own truth: the matching core and an account, which outlive every process of the daemon.

Nothing here is ever lost or late; that is the link's part (`venue.py`).
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from tests.simulation.plans import SYMBOLS
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.brokers.simulated.orders import SimulatedOrder
from tradingd.core.accounting import EXACT, Position, apply_trade
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.matching import MatchFill
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    Order,
    OrderReplaced,
    OrderTerms,
    OrderType,
    ReplaceRefused,
    Side,
    TimeInForce,
)
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueOrderStatus, VenuePosition

CASH = Decimal(1_000_000)
ENDED = (
    VenueOrderStatus.FILLED,
    VenueOrderStatus.CANCELED,
    VenueOrderStatus.EXPIRED,
    VenueOrderStatus.REJECTED,
)


class Truth(SimulatedBroker):
    """An account at a venue; `tell` hears of every event at the instant that it happens."""

    def __init__(self, clock: Callable[[], int], tell: Callable[[BrokerEvent], None]) -> None:
        super().__init__(self._note, clock, CASH, Decimal(1))
        self._tell = tell
        self._touched: dict[VenueOrderId, int] = {}
        self._strangers = 0
        self.overfilled: dict[ClientOrderId, Decimal] = {}
        """Orders that were filled beyond their quantity."""

    def _note(self, event: BrokerEvent) -> None:
        venue_order_id = getattr(event, "venue_order_id", None)
        if venue_order_id is not None:
            self._touched[venue_order_id] = self._clock()
        if isinstance(event, OrderReplaced):
            self._touched[event.replaces] = self._clock()
        self._tell(event)

    # -- what is true -------------------------------------------------------------------------------------------------

    @property
    def cash(self) -> Decimal:
        """Cash of the account."""
        return self._cash

    @property
    def fills(self) -> list[VenueFill]:
        """Every execution, oldest first."""
        return self._fills

    def _view(self, life: SimulatedOrder) -> VenueOrder:
        """An order as this venue shows it: its times are the venue's own, whatever the daemon's clock said."""
        return msgspec.structs.replace(
            life.view(self._touched.get(life.venue_id, life.arrived)), ts_submitted=life.arrived
        )

    def order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """The latest leg of an order, None when it never arrived."""
        life = self._current.get(client_order_id)
        return None if life is None else self._view(life)

    def leg(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        """One leg by the venue's id."""
        life = self._orders.get(venue_order_id)
        return None if life is None else self._view(life)

    def orders(self, since_ns: int = 0) -> tuple[VenueOrder, ...]:
        """Every working order and every one touched since a time, oldest first."""
        return tuple(
            self._view(life)
            for life in self._orders.values()
            if life.status is VenueOrderStatus.WORKING or self._touched.get(life.venue_id, 0) >= since_ns
        )

    def working(self) -> tuple[VenueOrder, ...]:
        """Every working order, oldest first."""
        return tuple(order for order in self.orders(1 << 62) if order.status is VenueOrderStatus.WORKING)

    def positions(self) -> tuple[VenuePosition, ...]:
        """Every position that is not flat."""
        return tuple(
            VenuePosition(symbol=symbol, quantity=position.quantity, average_price=position.average_price)
            for symbol, position in self._positions.items()
            if position.average_price is not None
        )

    def quantity(self, symbol: Symbol) -> Decimal:
        """Quantity held of a symbol."""
        position = self._positions.get(symbol)
        return ZERO if position is None else position.quantity

    def refuse(self, refusal: CancelRefused | ReplaceRefused) -> None:
        """Refuse a request about an order that this venue does not work."""
        self._note(refusal)

    # -- outside hands ------------------------------------------------------------------------------------------------

    def fill_before_cancel(self, order: Order, share: float) -> None:
        """Let a working order fill, in part or whole, at the last instant before it is cancelled."""
        life = self._current.get(order.client_order_id)
        if life is None or life.status is not VenueOrderStatus.WORKING:
            return
        left = life.quantity - life.filled
        quantity = min(left, max(Decimal(1), Decimal(int(left * Decimal(str(round(share, 2)))) + 1)))
        price = life.terms.limit_price or self._price(order.symbol)
        if price is None:
            return
        book = self._market.book(order.symbol)
        if quantity < left and life.venue_id in book.working:
            self._market.reduce(order.symbol, life.venue_id, left - quantity)
        self._book(life, MatchFill(life.venue_id, quantity, price))

    def overfill(self, share: float) -> bool:
        """Execute a finished order once more; False when there is none."""
        done = [life for life in self._orders.values() if life.status is VenueOrderStatus.FILLED]
        if not done:
            return False
        life = done[int(share * len(done))]
        price = self._price(life.order.symbol) or life.spent / life.filled
        self.overfilled[life.order.client_order_id] = self.overfilled.get(life.order.client_order_id, ZERO) + 1
        self._book(life, MatchFill(life.venue_id, Decimal(1), price))
        return True

    def strange_order(self, share: float) -> None:
        """Take an order that somebody else placed in this account."""
        self._strangers += 1
        symbol = SYMBOLS[int(share * 97) % len(SYMBOLS)]
        price = self._price(symbol)
        passive = price is not None and share < 0.5
        away = Decimal("0.03") if share < 0.25 else Decimal("1.00")
        self.submit(
            Order(
                client_order_id=ClientOrderId(f"stranger-{self._strangers}"),
                strategy_id=StrategyId("stranger"),
                symbol=symbol,
                side=Side.BUY,
                quantity=Decimal(1 + int(share * 10)),
                terms=OrderTerms(
                    order_type=OrderType.LIMIT if passive else OrderType.MARKET,
                    limit_price=price - away if passive and price is not None else None,
                    time_in_force=TimeInForce.GTC,
                ),
                trace_id=TraceId("stranger"),
                ts_created=self._clock(),
                reference_price=price or ZERO,
            )
        )

    def cancel_by_stranger(self, share: float) -> None:
        """Cancel a working order from the venue's own website."""
        working = self.working()
        if working:
            life = self._orders[working[int(share * len(working))].venue_order_id]
            super().cancel(life.order, life.venue_id)

    def replaceable(self, share: float) -> tuple[Order, VenueOrder] | None:
        """Choose a working limit order for somebody else to replace."""
        working = [order for order in self.working() if order.terms.limit_price is not None]
        if not working:
            return None
        chosen = working[int(share * len(working))]
        return self._orders[chosen.venue_order_id].order, chosen

    def move_cash(self, amount: Decimal) -> None:
        """Pay in, or out."""
        self._cash = EXACT.add(self._cash, amount)

    def move_position(self, symbol: Symbol, quantity: Decimal) -> None:
        """Transfer shares in."""
        price = self._price(symbol) or Decimal(50)
        held = self._positions.get(symbol, Position())
        side = Side.BUY if quantity > 0 else Side.SELL
        self._positions[symbol] = apply_trade(held, side, abs(quantity), price, ZERO)

    def _price(self, symbol: Symbol) -> Decimal | None:
        mark = self._market.book(symbol).mark
        return Decimal(repr(round(mark, 2))) if mark else None
