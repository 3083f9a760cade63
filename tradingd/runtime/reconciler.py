"""Reconciliation over time: when to ask the venue, what to ask, and which differences to believe.

Reports about our own orders are facts and are believed at once. A difference of positions or cash is believed only when
two snapshots in a row show the same one and nothing happened in the books between asking and answering: a snapshot that
was taken beside a fill must not undo the fill.
"""

from collections.abc import Mapping

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, PositionAdjusted
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderStatus
from tradingd.core.reconcile import ReconciliationPlan, diff
from tradingd.core.venue_view import VenueSnapshot

SINCE_MARGIN_NS = 120 * NS_PER_SECOND
"""How far before the oldest thing in doubt the venue is asked, for clocks that differ."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot came to."""

    plan: ReconciliationPlan
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...]
    """The differences of the plan that are believed."""
    look_up: tuple[ClientOrderId, ...]
    """Orders to ask for one by one."""
    ask_again: bool
    """True when another snapshot is needed before the books can be called right."""


class Reconciler:
    """Memory between one snapshot and the next."""

    def __init__(self, books: Books, *, grace_ns: int) -> None:
        self._books = books
        self._grace_ns = grace_ns
        self._previous: tuple[PositionAdjusted | CashAdjusted, ...] = ()
        self._not_found: set[ClientOrderId] = set()
        self._since_floor: int | None = None
        self._settled_once = False

    def since_ns(self, now_ns: int) -> int:
        """From when on the venue has to be asked: the last known fill and every open order are inside."""
        oldest = min((state.order.ts_created for state in self._books.orders.open), default=now_ns)
        known = self._books.last_fill_ts or oldest
        since = min(oldest, known, now_ns if self._since_floor is None else self._since_floor)
        return max(since - SINCE_MARGIN_NS, 0)

    def judge(self, snapshot: VenueSnapshot, *, now_ns: int, undisturbed: bool) -> Verdict:
        """Compare the books with a snapshot.

        `undisturbed` tells that nothing entered the books since the snapshot was asked for.
        """
        plan = diff(
            self._books,
            snapshot,
            now_ns=now_ns,
            not_found=self._not_found,
            settle_requests=not self._settled_once,
        )
        self._not_found.clear()
        believed = plan.adjustments if undisturbed and plan.adjustments == self._previous else ()
        self._previous = () if believed else plan.adjustments
        look_up = tuple(order_id for order_id in plan.unresolved if self._is_ripe(order_id, now_ns))
        self._settled_once = True
        return Verdict(
            plan=plan,
            adjustments=believed,
            look_up=look_up,
            ask_again=bool(plan.incomplete or (plan.adjustments and not believed)),
        )

    def _is_ripe(self, order_id: ClientOrderId, now_ns: int) -> bool:
        state = self._books.orders.get(order_id)
        return state is not None and now_ns - state.order.ts_created >= self._grace_ns

    def not_found(self, order_id: ClientOrderId) -> None:
        """Take note that the venue, asked for an order by our id, does not know it."""
        self._not_found.add(order_id)

    def found(self, ts_submitted: int) -> None:
        """Take note that an order which no snapshot showed exists: the next snapshot reaches back to it."""
        floor = self._since_floor
        self._since_floor = ts_submitted if floor is None else min(floor, ts_submitted)

    def in_doubt(self) -> Mapping[ClientOrderId, OrderStatus]:
        """Orders whose fate is not known."""
        doubtful = (OrderStatus.UNKNOWN, OrderStatus.PENDING_SUBMIT)
        return {state.client_order_id: state.status for state in self._books.orders.open if state.status in doubtful}
