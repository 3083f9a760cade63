"""What TWS does with orders: takes, parks, works, changes and ends them. No sockets, no clock.

Owns the life of the orders in an `OrderBook`. Every act returns what TWS would tell about it, in order. An attached
order waits until its parent has filled whole; what is attached to one parent is one group. In a group the first order
to fill whole ends the others; those of types 2 and 3, and attached ones, are also reduced by what fills in part.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_UP, Decimal

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.core.matching import MatchCancel, MatchFill, MatchOutcome, StopElected, StopTrailed, meet_auction
from tradingd.core.orders import TimeInForce

from tests.tws.contracts import Catalogue, IbContract
from tests.tws.ledger import Ledger
from tests.tws.order_book import OrderBook
from tests.tws.records import DeskEvent, Executed, IbOrder, Said, Shown, Status, Truth
from tests.tws.requests import OrderAsked
from tests.tws.terms import AUCTIONS, NotAnOrder, check, match_order
from tests.tws.valuation import Valuation

_CANNOT_CANCEL_NOW = 161
_NO_SUCH_ORDER, _OVER_ALREADY = 10147, 10148
_NOT_NOW = "Warning: Your order will not be placed at the exchange until the next regular session."


class Desk:
    """All that happens to orders."""

    def __init__(self, truth: Truth, catalogue: Catalogue, accounts: Sequence[str], zone: str) -> None:
        self.ledger = Ledger(truth, catalogue)
        self.book = OrderBook(truth, catalogue, accounts, zone)
        self.valuation = Valuation(self.ledger, self.book.market, catalogue)
        self.slice: Decimal | None = None
        """The largest size of one execution; None for whatever the market has."""
        self._truth = truth

    # -- what clients ask -------------------------------------------------------------------------------------------

    def place(self, client_id: int, asked: OrderAsked, now_ns: int) -> list[DeskEvent]:
        """Take placeOrder: a new order, a change of a working one, or a what-if."""
        order_id = asked.order_id
        known = self.book.find(client_id, order_id)
        if known is None and order_id < self.book.next_valid_id(client_id):
            return [Said(client_id, order_id, 103, "Duplicate order id")]
        try:
            contract = self.book.resolve(asked)
            check(asked, contract, self.book.accounts)
            if known is not None and not asked.what_if:
                return self._change(known, asked, contract, now_ns)
            order = self.book.make(client_id, asked, contract, now_ns)
            if asked.what_if:
                return [self.valuation.what_if(order, contract)]
            self.valuation.check(order, contract)
            if order.parent_id and self.book.find(client_id, order.parent_id) is None:
                raise NotAnOrder(135, f"Can't find order with id = {order.parent_id}")
        except NotAnOrder as refusal:
            if refusal.takes_id:
                self.book.raise_floor(client_id, order_id)
            return [Said(client_id, order_id, refusal.code, refusal.text)]
        self.book.raise_floor(client_id, order_id)
        return self._enter(order, now_ns)

    def enter_manually(self, asked: OrderAsked, now_ns: int) -> list[DeskEvent]:
        """Take an order that a person types in TWS: client 0, without an API id unless it is bound."""
        contract = self.book.resolve(asked)
        return self._enter(msgspec.structs.replace(self.book.make(0, asked, contract, now_ns), order_id=0), now_ns)

    def bind(self, order: IbOrder) -> IbOrder:
        """Give a manual order an API id: negative, and no other order's."""
        lowest = min((o.order_id for o in self._truth.orders.values()), default=0)
        return self.book.put(msgspec.structs.replace(order, order_id=min(lowest, -1) - 1))

    def cancel(self, client_id: int, order_id: int, now_ns: int) -> list[DeskEvent]:
        """Take cancelOrder."""
        order = self.book.find(client_id, order_id)
        if order is None:
            said = f"OrderId {order_id} that needs to be cancelled is not found."
            return [Said(client_id, order_id, _NO_SUCH_ORDER, said)]
        if not order.is_open:
            said = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            return [Said(client_id, order_id, _OVER_ALREADY, said)]
        if order.status is Status.PENDING_CANCEL:
            said = f"Cancel attempted when order is not in a cancellable state.  Order permId ={order.perm_id}"
            return [Said(client_id, order_id, _CANNOT_CANCEL_NOW, said)]
        return list(self.end(order, now_ns))

    def cancel_all(self, now_ns: int) -> list[DeskEvent]:
        """Take reqGlobalCancel: the orders of all clients, and those typed in TWS."""
        return self._end_those([o for o in self._truth.orders.values() if o.is_open], now_ns)

    # -- what the market and the hours do ---------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent, now_ns: int) -> list[DeskEvent]:
        """Let the market move."""
        return self._fold(self.book.market.on_market_data(event), now_ns)

    def on_hours(self, *, regular: bool, extended: bool, now_ns: int) -> list[DeskEvent]:
        """Change the session: what may trade in it goes to the market, what may not leaves it."""
        self.book.regular_hours, self.book.extended_hours = regular, extended
        events: list[DeskEvent] = []
        for before in self.book.open_orders():
            order = self._truth.orders[before.perm_id]
            stands, may = self.book.is_in_market(order), self.book.works_now(order)
            if stands and not may:
                self.book.market.remove(self.book.symbol(order), str(order.perm_id))
            elif may and not stands:
                events += self._work(order, now_ns)
        return events

    def hold_auction(self, symbol: Symbol, time_in_force: TimeInForce, price: float, now_ns: int) -> list[DeskEvent]:
        """Hold the opening or the closing auction of a symbol: its orders fill whole at the one price, or end."""
        events: list[DeskEvent] = []
        for order in self.book.open_orders():
            if (
                self.book.symbol(order) == symbol
                and AUCTIONS.get((order.order_type, order.tif)) is time_in_force
                and not self.book.waits_for_parent(order)
            ):
                events += self._fold(meet_auction(match_order(order, symbol), price), now_ns)
        return events

    def on_time(self, now_ns: int) -> list[DeskEvent]:
        """End the orders whose time is over, and wake those whose time has come."""
        events: list[DeskEvent] = []
        for before in self.book.open_orders():
            order = self._truth.orders[before.perm_id]
            if order.is_open and order.expires_ns is not None and order.expires_ns <= now_ns:
                events += self.end(order, now_ns)
            elif order.is_open and order.activates_ns is not None and order.activates_ns <= now_ns:
                events += self._work(self.book.put(msgspec.structs.replace(order, activates_ns=None)), now_ns)
        return events

    def end_day(self, now_ns: int) -> list[DeskEvent]:
        """End what works for the day only."""
        return self._end_those([o for o in self.book.open_orders() if o.tif not in ("GTC", "GTD")], now_ns)

    def end(self, order: IbOrder, now_ns: int, reason: str = "") -> Iterator[DeskEvent]:
        """Cancel an open order, and what is attached to it."""
        self.book.market.remove(self.book.symbol(order), str(order.perm_id))
        order = self.book.put(
            msgspec.structs.replace(
                order, status=Status.CANCELLED, done_ns=now_ns, done_text=reason or "Cancelled by Trader", why_held=""
            )
        )
        if order.transmit:
            yield Shown(order)
            yield Said(order.client_id, order.order_id, 202, f"Order Canceled - reason:{reason}")
        for child in self.book.children(order):
            yield from self.end(child, now_ns)

    def await_cancel(self, order: IbOrder) -> list[DeskEvent]:
        """Take note of a cancel that is done later; the order can still fill."""
        return [Shown(self.book.put(msgspec.structs.replace(order, status=Status.PENDING_CANCEL)))]

    def finish_cancels(self, now_ns: int) -> list[DeskEvent]:
        """Do the cancels that are pending."""
        return self._end_those([o for o in self.book.open_orders() if o.status is Status.PENDING_CANCEL], now_ns)

    def reject(self, order: IbOrder, reason: str, now_ns: int) -> list[DeskEvent]:
        """Refuse an order that was taken: it is Inactive, and stays so."""
        self.book.market.remove(self.book.symbol(order), str(order.perm_id))
        inactive = msgspec.structs.replace(order, status=Status.INACTIVE, done_ns=now_ns, done_text="Rejected")
        said = Said(order.client_id, order.order_id, 201, f"Order rejected - reason:{reason}")
        return [Shown(self.book.put(inactive)), said]

    def fill_part(self, order: IbOrder, share: Decimal, now_ns: int) -> list[DeskEvent]:
        """Let a share of what is left of a limit order fill at its limit, whatever the market shows."""
        assert order.limit_price is not None, "only a limit order has a price to fill at"
        quantity = (order.remaining * share).to_integral_value(ROUND_UP)
        events = list(self._fill(order, quantity, order.limit_price, now_ns))
        symbol, name, left = self.book.symbol(order), str(order.perm_id), self._truth.orders[order.perm_id].remaining
        if left:
            self.book.market.reduce(symbol, name, left)
        else:
            self.book.market.remove(symbol, name)
        return events

    def liquidate(self, account: str, contract: IbContract, signed: Decimal, price: Decimal, now_ns: int) -> Executed:
        """Trade for the account as the broker does when margin is short: client 0, order id -1."""
        ghost = IbOrder(
            perm_id=self._truth.next_perm_id,
            client_id=0,
            order_id=-1,
            con_id=contract.con_id,
            action="BUY" if signed > 0 else "SELL",
            quantity=abs(signed),
            order_type="MKT",
            account=account,
        )
        self._truth.next_perm_id += 1
        _, execution = self.ledger.book(ghost, abs(signed), price, now_ns, liquidation=1)
        return Executed(execution, None)

    # -- the life of an order ---------------------------------------------------------------------------------------

    def _enter(self, order: IbOrder, now_ns: int) -> list[DeskEvent]:
        self._truth.next_perm_id = max(self._truth.next_perm_id, order.perm_id + 1)
        self.book.put(order)
        if not order.transmit:
            return []
        # The last of a bracket sends off all that were parked with it.
        events: list[DeskEvent] = []
        for one in [*self.book.parked_with(order), order]:
            events += self._begin(self.book.put(msgspec.structs.replace(one, transmit=True)), now_ns)
        return events

    def _begin(self, order: IbOrder, now_ns: int) -> list[DeskEvent]:
        if self.book.waits_for_parent(order):
            order = self.book.put(msgspec.structs.replace(order, why_held="child"))
        if self.book.works_now(order):
            return self._work(order, now_ns)
        events: list[DeskEvent] = [Shown(self.book.put(msgspec.structs.replace(order, status=Status.PRE_SUBMITTED)))]
        if not (self.book.regular_hours or order.why_held or (order.order_type, order.tif) in AUCTIONS):
            said = f"Order Message:\n{order.action} {order.quantity} {self.book.symbol(order)}\n{_NOT_NOW}"
            events.append(Said(order.client_id, order.order_id, 399, said))
        return events

    def _work(self, order: IbOrder, now_ns: int) -> list[DeskEvent]:
        if not self.book.works_now(order):
            return []
        waits_for_stop = order.order_type in ("STP", "STP LMT", "TRAIL") and not order.elected
        status = Status.PRE_SUBMITTED if waits_for_stop else Status.SUBMITTED
        order = self.book.put(msgspec.structs.replace(order, status=status, why_held=""))
        outcomes = self.book.market.arrive(match_order(order, self.book.symbol(order)))
        return [Shown(order), *self._fold(outcomes, now_ns)]

    def _change(self, known: IbOrder, asked: OrderAsked, contract: IbContract, now_ns: int) -> list[DeskEvent]:
        if known.status is Status.FILLED:
            raise NotAnOrder(104, "Cannot modify a filled order.")
        if not known.is_open:
            raise NotAnOrder(103, "Duplicate order id")
        if (known.con_id, known.action) != (contract.con_id, asked.action):
            raise NotAnOrder(105, "Order being modified does not match original order")
        if asked.quantity <= known.filled:
            raise NotAnOrder(201, f"Order rejected - reason:{known.filled} of the order are filled already")
        wanted = self.book.make(known.client_id, asked, contract, now_ns)
        order = msgspec.structs.replace(
            wanted,
            perm_id=known.perm_id,
            order_id=known.order_id,
            account=known.account,
            status=known.status,
            filled=known.filled,
            average_price=known.average_price,
            last_price=known.last_price,
            commission=known.commission,
            why_held=known.why_held,
            elected=known.elected,
            high_water=known.high_water if asked.order_type == known.order_type else None,
            placed_ns=known.placed_ns,
            transmit=known.transmit or asked.transmit,
        )
        self.book.market.remove(self.book.symbol(known), str(known.perm_id))
        if not known.transmit:
            return self._enter(order, now_ns)
        return self._begin(self.book.put(order), now_ns)

    def _end_those(self, orders: Sequence[IbOrder], now_ns: int) -> list[DeskEvent]:
        events: list[DeskEvent] = []
        for before in orders:
            order = self._truth.orders[before.perm_id]
            if order.is_open:
                events += self.end(order, now_ns)
        return events

    def _fold(self, outcomes: Sequence[MatchOutcome], now_ns: int) -> list[DeskEvent]:
        events: list[DeskEvent] = []
        for outcome in outcomes:
            order = self._truth.orders[int(outcome.order_id)]
            if not order.is_open:
                continue
            match outcome:
                case MatchFill():
                    events += self._fill(order, outcome.quantity, outcome.price, now_ns)
                case MatchCancel():
                    events += self.end(order, now_ns)
                case StopElected():
                    elected = msgspec.structs.replace(order, elected=True, status=Status.SUBMITTED)
                    events.append(Shown(self.book.put(elected)))
                case StopTrailed():
                    self.book.put(
                        msgspec.structs.replace(
                            order, high_water=outcome.high_water, trail_stop_price=outcome.stop_price
                        )
                    )
        return events

    def _fill(self, order: IbOrder, quantity: Decimal, price: Decimal, now_ns: int) -> Iterator[DeskEvent]:
        # What a group took away from an order while one event of the market was being worked does not fill.
        left = quantity = min(quantity, order.remaining)
        while left > 0:
            shares = left if self.slice is None else min(left, self.slice)
            left -= shares
            order, execution = self.ledger.book(order, shares, price, now_ns)
            if not order.remaining:
                order = msgspec.structs.replace(order, status=Status.FILLED, done_ns=now_ns, done_text="Filled Size: ")
            elif order.status is not Status.PENDING_CANCEL:
                order = msgspec.structs.replace(order, status=Status.SUBMITTED)
            yield Executed(execution, self.book.put(order))
        yield from self._touch_group(order, quantity, now_ns)
        if not order.remaining:
            for child in self.book.children(order):
                yield from self._work(child, now_ns)

    def _touch_group(self, order: IbOrder, filled: Decimal, now_ns: int) -> Iterator[DeskEvent]:
        reduces = bool(order.parent_id) or order.oca_type in (2, 3)
        for before in self.book.group(order):
            other = self._truth.orders[before.perm_id]
            if not other.is_open:
                continue
            if not order.remaining or (reduces and other.remaining <= filled):
                yield from self.end(other, now_ns)
            elif reduces:
                smaller = self.book.put(msgspec.structs.replace(other, quantity=other.quantity - filled))
                if self.book.is_in_market(smaller):
                    self.book.market.reduce(self.book.symbol(smaller), str(smaller.perm_id), smaller.remaining)
                yield Shown(smaller)
