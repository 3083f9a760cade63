"""Keeping the books and the venue together: asks at every (re)connect and on timers, applies what the answers prove.

Part of the execution engine, apart from it so that each can be read on its own. Three questions, each on its own timer:
orders with a command under way are asked for one by one; the list of working orders; everything, positions and cash
included. Corrections of orders enter as ordinary execution reports, by the same call as live ones. Questions wait while
orders do. A question that failed changes nothing and is put again.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

from tradingd.core.coin_fees import FEE_CAUSES
from tradingd.core.entries import AccountOpened, CashAdjusted, OrderAdopted, PositionAdjusted
from tradingd.core.flows import SPLIT_CAUSE
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_findings import Findings, judge_order
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ExecutionReport
from tradingd.core.reconcile import ReconciliationPlan, match_working
from tradingd.core.venue_view import VenueSnapshot
from tradingd.execution.config import ExecutionConfig
from tradingd.execution.correction_limit import CorrectionLimit, describe
from tradingd.execution.in_flight import InFlight
from tradingd.execution.reconciler import Reconciler, Verdict
from tradingd.execution.reconciliation_log import ReconciliationLog
from tradingd.runtime.clock import JumpWatch
from tradingd.runtime.events import OpenOrdersTaken, OrderLookup, SnapshotTaken
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.ports import OrderGateway, RiskGate

PlanListener: TypeAlias = Callable[[ReconciliationPlan | str], None]
"""Hears a plan, or why there is none."""

RETRY_NS = NS_PER_SECOND
JUMP_NS = 2 * NS_PER_SECOND
"""Alert when wall and monotonic clock drift apart by more."""
MAX_POSTPONED = 5
"""Clock ticks for which due queries are postponed at most while orders are queued."""
MAX_DISAGREEMENTS = 10
"""Snapshots in a row that may each show another difference; after that many the symbols are halted."""


class Corrections(Protocol):
    """How corrections enter the books."""

    def on_execution_update(self, execution_report: ExecutionReport, *, cause: int | None = None) -> None:
        """Fold a report in."""
        ...

    def adopt(self, adoption: OrderAdopted) -> None:
        """Take in an order that is not ours."""
        ...

    def adjust(self, adjustment: PositionAdjusted | CashAdjusted) -> None:
        """Take in a difference that no order of ours explains."""
        ...

    def halt_symbol(self, symbol: Symbol, reason: str) -> None:
        """Let only orders leave that reduce the position of a symbol."""
        ...

    def cancel_resting(self, symbol: Symbol) -> None:
        """Ask for a cancel of what rests in a symbol at a price that no longer means what it did."""
        ...


def account_opened(broker: str, snapshot: VenueSnapshot) -> AccountOpened:
    """The journal's record of the account that it belongs to."""
    account = snapshot.account
    return AccountOpened(
        broker=broker,
        account_id=account.account_id,
        account_kind=account.account_kind,
        currency=account.currency,
        cash=account.cash,
    )


class Reconciliation:
    """Reconciliation with one venue, over time."""

    def __init__(
        self,
        kernel: Kernel,
        config: ExecutionConfig,
        *,
        broker: OrderGateway,
        risk: RiskGate,
        busy: Callable[[], bool],
        on_reconciled: Callable[[], None],
    ) -> None:
        books, clock = kernel.books, kernel.clock
        self._books = books
        self._reconciler = Reconciler(books, scope=config.scope)
        self.in_flight = InFlight(books.orders, clock, config.in_flight)
        self._limit = CorrectionLimit(clock, config)
        self._broker = broker
        self._broker_kind = config.broker
        self._journal = kernel.journal
        self._risk = risk
        self._lines = ReconciliationLog(kernel.log)
        self._clock = clock
        self._cadence = config.cadence
        self._halt_on_external = config.halt_on_external
        self._busy = busy
        self._on_reconciled = on_reconciled
        self._jumps = JumpWatch(clock, limit_ns=JUMP_NS)
        self._connected = False
        self._down_since = clock.monotonic_ns()
        self._down_alerted = False
        self._connected_at = 0
        self._ask_at: int | None = None
        self._asked_at = -RETRY_NS
        self._next_in_flight = 0
        self._next_open_orders = 0
        self._postponed = 0
        self._disagreements = 0
        self._listeners: deque[PlanListener] = deque()
        self._not_found: dict[ClientOrderId, int] = {}
        """Orders that the venue did not know when asked by our id, and how far the books had come by then."""
        self.reconciled = False
        """True while the order stream is up and the books have been compared with the venue since it came up."""

    @property
    def books_version(self) -> int:
        """Counts what entered the books: an answer that was asked for at an older count may not know of it."""
        return self.in_flight.books_version

    def books_changed(self) -> None:
        """Take note that something entered the books that no answer under way can know of."""
        self.in_flight.books_version += 1

    # -- the connection -----------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The order stream listens: compare before anything new is sent."""
        self._connected = True
        self.in_flight.books_version += 1
        self._connected_at = self.in_flight.books_version
        self.reconciled = False
        self.ask()

    def disconnected(self) -> None:
        """The order stream is gone: what happens meanwhile is not heard."""
        if self._connected:
            self._down_since, self._down_alerted = self._clock.monotonic_ns(), False
        self._connected = False
        self.reconciled = False
        self._ask_at = None

    # -- asking -------------------------------------------------------------------------------------------------------

    def ask(self, *, plan_only: bool = False) -> None:
        """Ask the venue for everything now."""
        if not plan_only:
            self._ask_at = None
        self._asked_at = self._clock.monotonic_ns()
        since_ns = self._reconciler.since_ns(self._clock.now_ns(), self._asked_at)
        self._broker.request_snapshot(since_ns, self.in_flight.books_version, plan_only=plan_only)

    def _ask_at_most_once_a_second(self) -> None:
        """Ask now, or in a second if the last query is younger than that: its answer may raise the same question."""
        if self._clock.monotonic_ns() - self._asked_at >= RETRY_NS:
            self.ask()
        else:
            self.ask_soon()

    def ask_soon(self) -> None:
        """Ask again in a second, or when it was planned if that is sooner."""
        at = self._clock.monotonic_ns() + RETRY_NS
        self._ask_at = at if self._ask_at is None else min(at, self._ask_at)

    def reconcile_now(self, on_plan: PlanListener, *, plan_only: bool) -> None:
        """Ask for everything at an operator's wish; `on_plan` hears the plan, or why there is none."""
        self._listeners.append(on_plan)
        self.ask(plan_only=plan_only)

    def on_clock(self) -> None:
        """Run the queries that are due; postpone them up to `MAX_POSTPONED` ticks while orders are queued."""
        if jump := self._jumps.look():
            self._lines.jumped(jump)
            if self._connected:
                self.ask_soon()
        if not self._connected:
            self._escalate()
            return
        if self._busy() and self._postponed < MAX_POSTPONED:
            self._postponed += 1
            return
        self._postponed = 0
        now, cadence = self._clock.monotonic_ns(), self._cadence
        if self._ask_at is not None and now >= self._ask_at:
            self.ask()
        if cadence.in_flight_ns and now >= self._next_in_flight:
            self._next_in_flight = now + cadence.in_flight_ns
            for order_id in self.in_flight.due(cadence.max_queries):
                self._broker.request_order(order_id, self.in_flight.books_version)
            self._alarm_overdue()
        if cadence.open_orders_ns and self.reconciled and now >= self._next_open_orders:
            self._next_open_orders = now + cadence.open_orders_ns
            self._broker.request_open_orders(self.in_flight.books_version)

    def _escalate(self) -> None:
        """Alert once when an outage exceeds `alarm_after`."""
        self._alarm_overdue()
        down_ns = self._clock.monotonic_ns() - self._down_since
        if self._down_alerted or not self.in_flight.is_alarming(down_ns):
            return
        self._down_alerted = True
        self._lines.down(down_ns, self._books.orders.open_count, self.in_doubt())

    def _alarm_overdue(self) -> None:
        for state in self.in_flight.overdue():
            self._lines.overdue(state, self.in_flight.age_ns(state.client_order_id))

    def question_failed(self, message: str) -> None:
        """An answer did not come: nothing changes, and the question is put again."""
        self._lines.failed(message)
        self._answer_listeners(message)
        self.ask_soon()

    def record_clock_skew(self, ts_created: int, ts_venue: int) -> None:
        """Take note of when the venue took an order: its clock against ours."""
        self._reconciler.record_clock_skew(ts_created, ts_venue)

    # -- answers ------------------------------------------------------------------------------------------------------

    def on_lookup(self, event: OrderLookup, corrections: Corrections) -> None:
        """Take in what the venue says about one order; "not found" needs a snapshot asked for after it."""
        state = self._books.orders.get(event.client_order_id)
        if state is None or state.is_terminal:
            return
        if event.order is None:
            if self.in_flight.untouched_since(
                event.client_order_id, event.books_version
            ) and self.in_flight.may_be_lost(state):
                if event.client_order_id not in self._not_found:
                    self.in_flight.books_version += 1  # a list that was read before says nothing of the time until now
                    self._not_found[event.client_order_id] = self.in_flight.books_version
                self.ask()
            return
        findings = judge_order(
            state,
            [event.order],
            [],
            now_ns=self._clock.now_ns(),
            settled=event.client_order_id in self.in_flight.settled(event.books_version),
        )
        if findings.incomplete:
            self._reconciler.found(event.order.ts_submitted)
            self._ask_at_most_once_a_second()
        self._apply({event.client_order_id: findings}, corrections)

    def _not_found_before(self, books_version: int) -> frozenset[ClientOrderId]:
        """Orders of which nothing was known, nor has happened, when the venue was asked for an answer."""
        self._not_found = {
            order_id: noted
            for order_id, noted in self._not_found.items()
            if self.in_flight.untouched_since(order_id, noted)
        }
        return frozenset(order_id for order_id, noted in self._not_found.items() if noted <= books_version)

    def on_open_orders(self, event: OpenOrdersTaken, corrections: Corrections) -> None:
        """Take in the list of working orders; what is missing on it, or nobody's here, is asked for."""
        if not self._connected:
            return
        findings, foreign = match_working(
            self._books,
            event.orders,
            now_ns=self._clock.now_ns(),
            settled=self.in_flight.settled(event.books_version),
        )
        self._apply(findings, corrections)
        missing = [
            state.client_order_id
            for state in self._books.orders.open
            if state.client_order_id not in findings
            and state.venue_order_ids
            and self.in_flight.untouched_since(state.client_order_id, event.books_version)
        ]
        for order_id in missing[: self._cadence.max_queries]:
            self._broker.request_order(order_id, self.in_flight.books_version)
        if any(self._reconciler.scope.covers(order.symbol) for order in foreign) or any(
            found.incomplete for found in findings.values()
        ):
            self._ask_at_most_once_a_second()

    def _apply(self, findings: dict[ClientOrderId, Findings], corrections: Corrections) -> None:
        reports = [report for found in findings.values() for report in found.reports]
        if reports:
            self._lines.corrected(reports, [])
        for report in reports:
            corrections.on_execution_update(report, cause=0)

    def on_snapshot(self, event: SnapshotTaken, corrections: Corrections) -> None:
        """Apply what a snapshot proves; open the way for orders once nothing is left to correct."""
        now_ns, settled = self._clock.now_ns(), self.in_flight.settled(event.books_version)
        not_found = self._not_found_before(event.books_version)
        if self._listeners:
            self._answer_listeners(
                self._reconciler.plan(event.snapshot, now_ns=now_ns, settled=settled, not_found=not_found)
            )
        if event.plan_only or not self._connected:
            return
        if event.books_version < self._connected_at:
            self.ask()  # it was asked for before the stream listened: what came between the two was heard by nobody
            return
        opening = self._books.account is None
        if opening:
            account = account_opened(self._broker_kind, event.snapshot)
            self._journal.record(account, durable=True)
            self._books.apply(account)
        verdict = self._reconciler.judge(
            event.snapshot,
            now_ns=now_ns,
            undisturbed=event.books_version == self.in_flight.books_version,
            settled=settled,
            not_found=not_found,
        )
        for order_id in not_found:
            del self._not_found[order_id]
        if self._not_found:
            self.ask_soon()  # this answer was under way before they were asked for
        booked = self._correct(verdict, corrections, opening=opening)
        foreign = describe(verdict.plan.adoptions, booked)
        self._lines.judged(
            verdict.plan,
            foreign,
            corrected=bool(verdict.plan.reports or foreign or verdict.strays),
            first=not self.reconciled,
        )
        self._schedule_next_query(verdict)
        if not verdict.ask_again and not self.reconciled:
            self.reconciled = True
            self._next_open_orders = self._clock.monotonic_ns() + self._cadence.open_orders_ns
            self._on_reconciled()

    def _correct(
        self, verdict: Verdict, corrections: Corrections, *, opening: bool
    ) -> list[PositionAdjusted | CashAdjusted]:
        """Apply a verdict; return the adjustments but for cash that is too little for anybody to look at."""
        plan, booked = verdict.plan, list[PositionAdjusted | CashAdjusted]()
        for report in plan.reports:
            corrections.on_execution_update(report, cause=0)
        for adoption in plan.adoptions:
            corrections.adopt(adoption)
        for adjustment in verdict.adjustments:
            reason = None if opening else self._limit.judge(adjustment, self._books)
            bound = self._limit.small_cash(adjustment, self._books)
            corrections.adjust(adjustment)
            if isinstance(adjustment, CashAdjusted) and bound is not None:
                self._lines.cash_booked(adjustment, bound)
                continue
            booked.append(adjustment)
            if reason is not None and isinstance(adjustment, PositionAdjusted):
                corrections.halt_symbol(adjustment.symbol, reason)
                if adjustment.cause == SPLIT_CAUSE:
                    corrections.cancel_resting(adjustment.symbol)
        for venue_order_id in verdict.strays:
            self._cancel_stray(venue_order_id, corrections)
        self._count_disagreements(verdict, corrections)
        foreign = describe(plan.adoptions, [one for one in booked if one.cause not in FEE_CAUSES])
        if foreign and self._halt_on_external:
            reason = f"the venue holds what the journal does not explain: {'; '.join(foreign)}"
            self._risk.halt(reason, "reconciliation")
        return booked

    def _cancel_stray(self, venue_order_id: VenueOrderId, corrections: Corrections) -> None:
        state = self._books.orders.by_venue_id(venue_order_id)
        if state is not None:
            self._broker.cancel_leg(state.client_order_id, venue_order_id)
            corrections.halt_symbol(
                state.order.symbol,
                f"{venue_order_id} of {state.client_order_id} works at the venue and should not; it is being cancelled",
            )

    def _count_disagreements(self, verdict: Verdict, corrections: Corrections) -> None:
        """Halt symbols whose position differs in every snapshot, each time by another amount."""
        # Fees of pairs differ with every fill, and are no disagreement.
        told = [one for one in verdict.plan.adjustments if one.cause not in FEE_CAUSES]
        unbelieved = [] if verdict.adjustments else told
        self._disagreements = self._disagreements + 1 if unbelieved else 0
        if self._disagreements >= MAX_DISAGREEMENTS:
            self._disagreements = 0
            for adjustment in unbelieved:
                if isinstance(adjustment, PositionAdjusted):
                    reason = f"{MAX_DISAGREEMENTS} answers in a row told another position, each its own"
                    corrections.halt_symbol(adjustment.symbol, reason)

    def _schedule_next_query(self, verdict: Verdict) -> None:
        """Look up what is unresolved, and schedule the next snapshot."""
        plan = verdict.plan
        asked = 0
        for order_id in plan.unresolved:
            state = self._books.orders.get(order_id)
            if (
                state is not None
                and asked < self._cadence.max_queries
                and self.in_flight.may_be_lost(state)
                and self.in_flight.may_ask(order_id, RETRY_NS)
            ):
                asked += 1
                self._broker.request_order(order_id, self.in_flight.books_version)
        if plan.unresolved or plan.incomplete or (verdict.ask_again and self.reconciled):
            self.ask_soon()
        elif verdict.ask_again:
            self.ask()
        elif self._cadence.everything_ns:
            self._ask_at = self._clock.monotonic_ns() + self._cadence.everything_ns

    def _answer_listeners(self, answer: ReconciliationPlan | str) -> None:
        while self._listeners:
            self._listeners.popleft()(answer)

    def in_doubt(self) -> list[ClientOrderId]:
        """Orders whose fate is not known."""
        doubtful = (OrderStatus.UNKNOWN, OrderStatus.PENDING_SUBMIT)
        return [state.client_order_id for state in self._books.orders.open if state.status in doubtful]
