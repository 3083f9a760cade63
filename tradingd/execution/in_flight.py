"""Orders with a command under way: when each last changed, which answers are still out, and what has taken too long.

Ages are measured on the monotonic clock. The version of the books counts what entered them; an
answer of the venue that was asked for at an older version than an order's last change says nothing about what became of
that change.
"""

from collections.abc import Iterator

from tradingd.core.books import OrderTable
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.execution.config import InFlightConfig
from tradingd.runtime.clock import Clock

S = OrderStatus
IN_FLIGHT = frozenset({S.PENDING_SUBMIT, S.UNKNOWN, S.PENDING_CANCEL, S.PENDING_REPLACE})
FORGOTTEN_NS = 60 * NS_PER_SECOND
"""How long an order that the venue once named must be missing everywhere before it is taken for gone."""


class InFlight:
    """Memory of one run; an order of a former run counts as changed when this run began."""

    def __init__(
        self,
        orders: OrderTable,
        clock: Clock,
        config: InFlightConfig,
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._interval_ns = config.interval_ns
        self._grace_ns = config.grace_ns
        self._former_grace_ns = max(config.grace_ns, config.former_grace_ns)
        self._alarm_after_ns = config.alarm_after_ns
        self._began_ns = clock.monotonic_ns()
        self._changed_ns: dict[ClientOrderId, int] = {}
        self._touched: dict[ClientOrderId, int] = {}
        self._unanswered: set[ClientOrderId] = set()
        self._sent_here: set[ClientOrderId] = set()
        self._commanded: set[ClientOrderId] = set()
        self._asked_ns: dict[ClientOrderId, int] = {}
        self._alarmed: set[ClientOrderId] = set()
        self.books_version = 0
        """Counts what entered the books."""

    def sent(self, order_id: ClientOrderId) -> None:
        """Take note that a new order is on its way: until it is answered nothing proves that it will not arrive."""
        self._unanswered.add(order_id)
        self._sent_here.add(order_id)
        self._note(order_id)

    def commanded(self, order_id: ClientOrderId) -> None:
        """Take note that a cancel or a replace was asked for: its own answer settles it."""
        self._commanded.add(order_id)

    def changed(self, state: OrderState) -> None:
        """Take note that a report changed an order."""
        order_id = state.client_order_id
        self._note(order_id)
        if state.venue_order_ids or state.is_terminal or state.status is S.UNKNOWN:
            self._unanswered.discard(order_id)
        if state.is_terminal:
            self._forget(order_id)

    def _note(self, order_id: ClientOrderId) -> None:
        self.books_version += 1
        self._touched[order_id] = self.books_version
        self._changed_ns[order_id] = self._clock.monotonic_ns()

    def _forget(self, order_id: ClientOrderId) -> None:
        self._sent_here.discard(order_id)
        self._commanded.discard(order_id)
        del self._touched[order_id]
        del self._changed_ns[order_id]
        self._asked_ns.pop(order_id, None)
        self._alarmed.discard(order_id)

    def age_ns(self, order_id: ClientOrderId) -> int:
        """How long ago an order last changed."""
        return self._clock.monotonic_ns() - self._changed_ns.get(order_id, self._began_ns)

    def untouched_since(self, order_id: ClientOrderId, books_version: int) -> bool:
        """True when nothing happened to an order since the books were at `books_version`."""
        return self._touched.get(order_id, 0) <= books_version

    def may_be_lost(self, state: OrderState) -> bool:
        """True once "not found" can count as evidence: the submit is answered or dead, and the grace time is over."""
        order_id = state.client_order_id
        if order_id in self._unanswered:
            return False
        if order_id not in self._sent_here and not self._former_is_past:
            return False  # what the dead process wrote last may still be on its way
        return self.age_ns(order_id) >= (max(self._grace_ns, FORGOTTEN_NS) if state.venue_order_ids else self._grace_ns)

    @property
    def _former_is_past(self) -> bool:
        return self._clock.monotonic_ns() - self._began_ns >= self._former_grace_ns

    def settled(self, books_version: int) -> frozenset[ClientOrderId]:
        """Orders whose cancel or replace an answer asked for at `books_version` would show, had it reached the venue.

        That is a request in doubt after the grace time, and any request of a former run once nothing of that run can be
        on its way any more.
        """
        return frozenset(
            state.client_order_id
            for state in self._orders.open
            if self.untouched_since(state.client_order_id, books_version)
            and (
                (state.client_order_id not in self._commanded and self._former_is_past)
                or (state.status is S.UNKNOWN and self.age_ns(state.client_order_id) >= self._grace_ns)
            )
        )

    def may_ask(self, order_id: ClientOrderId, pause_ns: int) -> bool:
        """True when an order was not asked for within the pause; it counts as asked for now."""
        now = self._clock.monotonic_ns()
        if now - self._asked_ns.get(order_id, -pause_ns) < pause_ns:
            return False
        self._asked_ns[order_id] = now
        return True

    def due(self, most: int) -> list[ClientOrderId]:
        """Orders to ask the venue for one by one, the longest not asked for first; they count as asked for now."""
        waiting = [state.client_order_id for state in self._waiting(self._interval_ns)]
        waiting.sort(key=lambda order_id: self._asked_ns.get(order_id, 0))
        now = self._clock.monotonic_ns()
        for order_id in waiting[:most]:
            self._asked_ns[order_id] = now
        return waiting[:most]

    def is_alarming(self, age_ns: int) -> bool:
        """True for a wait that an operator should know of."""
        return age_ns >= self._alarm_after_ns

    def overdue(self) -> list[OrderState]:
        """Orders that have been in flight for longer than an operator should not know; each is told once."""
        late = [state for state in self._waiting(self._alarm_after_ns) if state.client_order_id not in self._alarmed]
        self._alarmed.update(state.client_order_id for state in late)
        return late

    def _waiting(self, min_ns: int) -> Iterator[OrderState]:
        for state in self._orders.open:
            if state.status in IN_FLIGHT and self.age_ns(state.client_order_id) >= min_ns:
                yield state
