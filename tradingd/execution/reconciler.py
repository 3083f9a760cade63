"""Reconciliation over time: from when on to ask the venue, and which differences to believe.

Reports about our own orders are facts and are believed at once. A difference of positions or cash is believed only when
two snapshots in a row show the same one and nothing happened in the books between asking and answering: a snapshot that
was taken beside a fill must not undo the fill.
"""

from collections.abc import Collection

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, PositionAdjusted
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.reconcile import ReconciliationPlan, Scope, at_market, diff, same_difference
from tradingd.core.venue_view import VenueSnapshot

SINCE_MARGIN_NS = 120 * NS_PER_SECOND
"""How far before the oldest thing in doubt the venue is asked, for clocks that differ."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot came to."""

    plan: ReconciliationPlan
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...]
    """The differences of the plan that are believed."""
    strays: tuple[VenueOrderId, ...]
    """Orders of the plan that work and should not, shown twice in a row."""
    ask_again: bool
    """True when another snapshot is needed before the books can be called right."""


class Reconciler:
    """Memory between one snapshot and the next."""

    def __init__(self, books: Books, *, scope: Scope) -> None:
        self._books = books
        self.scope = scope
        self._previous: tuple[PositionAdjusted | CashAdjusted, ...] = ()
        self._since_floor: int | None = None
        self._ahead_ns = 0
        self._least_offset = 1 << 62
        self._strays: tuple[VenueOrderId, ...] = ()
        self._recovering = True

    def record_clock_skew(self, ts_ours: int, ts_venue: int) -> None:
        """Take note of one instant on both clocks: how far ours was ahead of the venue's, at most."""
        self._ahead_ns = max(self._ahead_ns, ts_ours - ts_venue)

    def since_ns(self, now_ns: int, monotonic_ns: int) -> int:
        """From when on the venue has to be asked: the last known fill and every open order are inside.

        After a start from a journal whose last lines were lost, until the books agree, so is all since the last good
        entry. The times of our orders are by our wall clock, which may have jumped or be ahead of the venue's.
        """
        offset = now_ns - monotonic_ns
        self._least_offset = min(self._least_offset, offset)
        ahead_ns = self._ahead_ns + offset - self._least_offset
        now_ns -= ahead_ns
        oldest = min((state.order.ts_created - ahead_ns for state in self._books.orders.open), default=now_ns)
        known = self._books.last_fill_ts or oldest
        since = min(oldest, known, now_ns if self._since_floor is None else self._since_floor)
        if self._recovering and self._books.recovered_from_ts:
            since = min(since, self._books.recovered_from_ts)
        return max(since - SINCE_MARGIN_NS, 0)

    def plan(
        self,
        snapshot: VenueSnapshot,
        *,
        now_ns: int,
        settled: Collection[ClientOrderId] = (),
        not_found: Collection[ClientOrderId] = (),
    ) -> ReconciliationPlan:
        """Compare the books with a snapshot; changes nothing."""
        return diff(self._books, snapshot, now_ns=now_ns, not_found=not_found, settled=settled, scope=self.scope)

    def judge(
        self,
        snapshot: VenueSnapshot,
        *,
        now_ns: int,
        undisturbed: bool,
        settled: Collection[ClientOrderId] = (),
        not_found: Collection[ClientOrderId] = (),
    ) -> Verdict:
        """Compare the books with a snapshot and decide what to believe.

        `undisturbed` tells that nothing entered the books since the snapshot was asked for; `not_found` names orders
        that the venue, asked by our id before it was asked for the snapshot, did not know.
        """
        plan = self.plan(snapshot, now_ns=now_ns, settled=settled, not_found=not_found)
        believed = self._believe(plan.adjustments) if undisturbed else ()
        self._previous = () if believed else plan.adjustments
        strays = tuple(name for name in plan.strays if name in self._strays)
        self._strays = plan.strays
        if undisturbed and plan.empty:
            self._books.portfolio.coin_trades.forget()
        ask_again = bool(plan.incomplete or plan.strays or (plan.adjustments and not believed))
        self._recovering = self._recovering and (ask_again or bool(plan.unresolved))
        return Verdict(plan=plan, adjustments=believed, strays=strays, ask_again=ask_again)

    def _believe(
        self, found: tuple[PositionAdjusted | CashAdjusted, ...]
    ) -> tuple[PositionAdjusted | CashAdjusted, ...]:
        """The differences, when the answer before showed the same ones; none otherwise."""
        if len(found) != len(self._previous) or not all(map(same_difference, found, self._previous)):
            return ()
        return tuple(at_market(adjustment, self._books) for adjustment in found)

    def found(self, ts_submitted: int) -> None:
        """Take note that an order which no snapshot showed exists: the next snapshot reaches back to it."""
        floor = self._since_floor
        self._since_floor = ts_submitted if floor is None else min(floor, ts_submitted)
