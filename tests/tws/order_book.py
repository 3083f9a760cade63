"""The orders of a `Truth`, and the questions that are asked of them.

Owns the orders by permId and the matching in which some of them work. Never decides what becomes of an order.
"""

from collections.abc import Sequence

from tradingd.core.identifiers import Symbol
from tradingd.core.matching import SimulatedMarket

from tests.tws.contracts import Catalogue, IbContract
from tests.tws.records import IbOrder, Status, Truth
from tests.tws.requests import OrderAsked, read_moment
from tests.tws.terms import AUCTIONS, NotAnOrder, match_order


class OrderBook:
    """All orders of all accounts."""

    def __init__(self, truth: Truth, catalogue: Catalogue, accounts: Sequence[str], zone: str) -> None:
        self.truth = truth
        self.market = SimulatedMarket()
        self.regular_hours = True
        self.extended_hours = False
        self.catalogue = catalogue
        self.accounts = accounts
        self._zone = zone
        for order in truth.orders.values():
            if self.works_now(order):
                self.market.place(match_order(order, self.symbol(order)))

    def next_valid_id(self, client_id: int) -> int:
        """The lowest order id that a client may use."""
        return self.truth.floors.get(client_id, 1)

    def find(self, client_id: int, order_id: int) -> IbOrder | None:
        """The last order of a client under an id."""
        found = (o for o in reversed(self.truth.orders.values()) if (o.client_id, o.order_id) == (client_id, order_id))
        return next(found, None)

    def open_orders(self) -> list[IbOrder]:
        """All orders that can still trade and were transmitted."""
        return [order for order in self.truth.orders.values() if order.is_open and order.transmit]

    def completed_orders(self) -> list[IbOrder]:
        """All orders that are over."""
        return [order for order in self.truth.orders.values() if not order.is_open]

    def parked_with(self, order: IbOrder) -> list[IbOrder]:
        """The orders of the same bracket that were not transmitted yet."""
        top = order.parent_id or order.order_id
        return [
            one
            for one in self.truth.orders.values()
            if one.is_open
            and not one.transmit
            and one.client_id == order.client_id
            and one.perm_id != order.perm_id
            and (one.parent_id or one.order_id) == top
        ]

    def children(self, order: IbOrder) -> list[IbOrder]:
        """The open orders that are attached to an order."""
        if order.is_manual:
            return []
        family = (order.client_id, order.order_id)
        return [o for o in self.truth.orders.values() if (o.client_id, o.parent_id) == family and o.is_open]

    def group(self, order: IbOrder) -> list[IbOrder]:
        """The other open orders of the same group: by its name, or by the order that they are attached to."""
        return [o for o in self.open_orders() if o.perm_id != order.perm_id and _are_one_group(order, o)]

    def works_now(self, order: IbOrder) -> bool:
        """Tell whether an order may stand in the market: sent, not over, not waiting for anything."""
        if not (order.is_open and order.transmit) or self.waits_for_parent(order) or order.activates_ns is not None:
            return False
        if order.status is Status.INACTIVE or (order.order_type, order.tif) in AUCTIONS:
            return False
        return self.regular_hours or (self.extended_hours and order.outside_rth)

    def waits_for_parent(self, order: IbOrder) -> bool:
        """Tell whether an attached order waits for what it is attached to."""
        parent = self.find(order.client_id, order.parent_id) if order.parent_id else None
        return parent is not None and parent.status is not Status.FILLED

    def is_in_market(self, order: IbOrder) -> bool:
        """Tell whether an order stands in the market."""
        return str(order.perm_id) in self.market.book(self.symbol(order)).working

    def symbol(self, order: IbOrder) -> Symbol:
        """The name of an order's contract in the matching."""
        return Symbol(self.catalogue.by_id(order.con_id).local_symbol)

    def put(self, order: IbOrder) -> IbOrder:
        """Keep an order in place of what it was."""
        self.truth.orders[order.perm_id] = order
        return order

    def raise_floor(self, client_id: int, order_id: int) -> None:
        """Count an order id as used."""
        self.truth.floors[client_id] = max(self.next_valid_id(client_id), order_id + 1)

    def resolve(self, asked: OrderAsked) -> IbContract:
        """The one contract that an order is for."""
        found = self.catalogue.find(asked.contract)
        if not found:
            raise NotAnOrder(200, "No security definition has been found for the request")
        if len(found) > 1:
            symbol = asked.contract.symbol
            raise NotAnOrder(200, f"The contract description specified for {symbol} is ambiguous.")
        return found[0]

    def make(self, client_id: int, asked: OrderAsked, contract: IbContract, now_ns: int) -> IbOrder:
        """The order that a placeOrder asks for, under the next permId; it is kept nowhere yet."""
        expires = read_moment(asked.good_till, self._zone) if asked.tif == "GTD" else None
        if asked.tif == "GTD" and expires is None:
            raise NotAnOrder(321, "Error validating request.-'bW' : cause - Invalid good till date")
        return IbOrder(
            perm_id=self.truth.next_perm_id,
            client_id=client_id,
            order_id=asked.order_id,
            con_id=contract.con_id,
            action=asked.action,
            quantity=asked.quantity,
            order_type=asked.order_type,
            limit_price=asked.limit_price,
            aux_price=asked.aux_price,
            tif=asked.tif or "DAY",
            oca_group=asked.oca_group,
            oca_type=asked.oca_type,
            account=asked.account or self.accounts[0],
            order_ref=asked.order_ref,
            parent_id=asked.parent_id,
            exchange=asked.contract.exchange,
            outside_rth=asked.outside_rth,
            trail_stop_price=asked.trail_stop_price,
            trailing_percent=asked.trailing_percent,
            good_till=asked.good_till,
            good_after=asked.good_after,
            all_or_none=asked.all_or_none,
            what_if=asked.what_if,
            transmit=asked.transmit,
            expires_ns=expires,
            activates_ns=read_moment(asked.good_after, self._zone) if asked.good_after else None,
            placed_ns=now_ns,
        )


def _are_one_group(one: IbOrder, other: IbOrder) -> bool:
    if one.oca_group and (one.account, one.oca_group) == (other.account, other.oca_group):
        return True
    return bool(one.parent_id) and (one.client_id, one.parent_id) == (other.client_id, other.parent_id)
