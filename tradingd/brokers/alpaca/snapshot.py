"""The account as Alpaca keeps it, asked for in one go.

Owns: which questions make a snapshot, and in which order. Emits: a problem for an order that the venue will soon end.
Never: returns one with a part missing: any question that fails raises.
"""

from collections.abc import Iterable

from tradingd.brokers.alpaca.chains import OrderChains
from tradingd.brokers.alpaca.convert import (
    SymbolBook,
    flatten,
    is_working,
    to_account,
    to_fill,
    to_position,
    to_venue_order,
    venue_time,
)
from tradingd.brokers.alpaca.queries import AlpacaQueries
from tradingd.brokers.alpaca.translate import Problem
from tradingd.brokers.alpaca.wire import WireActivity, WireOrder, WirePosition
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueSnapshot
from tradingd.errors import VenueUnavailable

_ORDER_MARGIN_NS = 60 * NS_PER_SECOND
"""Orders are listed by their time of submission at the venue, whose clock is not ours."""
_FILL_MARGIN_NS = NS_PER_SECOND
_ENDS_SOON_NS = 3 * DAY_NS
"""How long before its end an operator should know that an order of unlimited life will not live for ever."""


class SnapshotReader:
    """Reads snapshots and single orders under our own order ids."""

    def __init__(
        self,
        queries: AlpacaQueries,
        chains: OrderChains,
        symbols: SymbolBook,
        account_kind: str,
        on_problem: Problem,
    ) -> None:
        self._on_problem = on_problem
        self._ends_told: set[str] = set()
        self._queries = queries
        self._chains = chains
        self._symbols = symbols
        self._account_kind = account_kind

    async def read(self, since_ns: int, ts_requested: int) -> VenueSnapshot:
        """Ask for orders, then their fills, then positions and account, so that later answers know no less."""
        orders = {order.id: order for order in flatten(await self._queries.orders("open", None))}
        recent = await self._queries.orders("all", max(0, since_ns - _ORDER_MARGIN_NS))
        # The later answer about the same order is the newer one.
        orders.update((order.id, order) for order in flatten(recent))
        fills = await self._fills(since_ns)
        await self._add_old_orders(orders, [fill.order_id for fill in fills])
        positions = await self._queries.positions()
        await self._learn_spellings(positions)
        account = await self._queries.account()
        self._tell_ends(orders.values(), ts_requested)
        return VenueSnapshot(
            ts_requested=ts_requested,
            account=to_account(account, self._account_kind),
            orders=self._orders(list(orders.values())),
            fills=tuple(self._fill(fill) for fill in fills),
            positions=tuple(to_position(position, self._symbols) for position in positions),
        )

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Ask for the working orders alone."""
        return self._orders(list(flatten(await self._queries.orders("open", None))))

    async def find(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Ask for one order by our id; of a replaced order the leg that took its place."""
        order = await self._queries.order_by_client_id(client_order_id)
        if order is None:
            return None
        seen = {order.id}
        self._chains.owner(order)
        while order.status == "replaced" and order.replaced_by and order.replaced_by not in seen:
            leg = await self._queries.order(order.replaced_by)
            if leg is None:
                raise VenueUnavailable(f"order {order.id} was replaced by {order.replaced_by}, which is not found")
            seen.add(leg.id)
            self._chains.adopt_leg(order, leg)
            order = leg
        return to_venue_order(order, client_order_id, self._symbols)

    async def _fills(self, since_ns: int) -> list[WireActivity]:
        fills = await self._queries.fills(max(0, since_ns - _FILL_MARGIN_NS))
        timed = [(self._fill(fill).ts_event, fill) for fill in fills]
        return [fill for ts, fill in sorted(timed, key=lambda pair: pair[0]) if ts >= since_ns]

    async def _add_old_orders(self, orders: dict[str, WireOrder], order_ids: list[str]) -> None:
        """Ask for orders that filled since, but were submitted long before and are done."""
        for order_id in dict.fromkeys(order_ids):
            if order_id not in orders:
                order = await self._queries.order(order_id)
                if order is None:
                    raise VenueUnavailable(f"order {order_id} has an execution and is not found")
                orders.update((leg.id, leg) for leg in flatten([order]))

    async def _learn_spellings(self, positions: list[WirePosition]) -> None:
        """Learn how orders spell crypto that is held without being configured here."""
        for position in positions:
            if position.asset_class == "crypto" and not self._symbols.knows(position.asset_id, position.symbol):
                asset = await self._queries.asset(position.asset_id or position.symbol)
                if asset is not None:
                    self._symbols.learn(asset)

    def _tell_ends(self, orders: Iterable[WireOrder], now_ns: int) -> None:
        """Say once of each order good till cancelled that the venue is about to end it all the same."""
        ending = {
            order.id: order
            for order in orders
            if order.time_in_force == "gtc"
            and is_working(order.status)
            and venue_time(order.expires_at, now_ns + _ENDS_SOON_NS) < now_ns + _ENDS_SOON_NS
        }
        for order in ending.values():
            if order.id not in self._ends_told:
                details = {
                    "client_order_id": self._chains.owner(order) or order.client_order_id,
                    "venue_order_id": order.id,
                    "symbol": order.symbol,
                    "expires_at": order.expires_at,
                }
                self._on_problem("broker.order_expires", "the venue is about to end an order by its age", details)
        self._ends_told = set(ending)

    def _orders(self, orders: list[WireOrder]) -> tuple[VenueOrder, ...]:
        # Oldest first, so that a chain's first leg is known before the leg that names it.
        orders = sorted(orders, key=lambda order: venue_time(order.submitted_at or order.created_at, 0))
        return tuple(
            to_venue_order(order, self._chains.owner(order) or ClientOrderId(order.client_order_id), self._symbols)
            for order in orders
        )

    def _fill(self, fill: WireActivity) -> VenueFill:
        try:
            return to_fill(fill, self._symbols)
        except ValueError as error:
            raise VenueUnavailable(f"execution {fill.id}: {error}") from error
