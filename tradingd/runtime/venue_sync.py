"""Keeping the books and the venue together: asks at every (re)connect and on a timer, applies what the answers prove.

Part of the execution engine, apart from it so that each can be read on its own. Corrections of orders enter as ordinary
execution reports, by the same call as live ones.
"""

from collections.abc import Callable
from typing import Protocol

from tradingd.core.books import Books
from tradingd.core.entries import AccountOpened, CashAdjusted, OrderAdopted, PositionAdjusted
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import ExecutionReport
from tradingd.core.venue_view import VenueSnapshot
from tradingd.runtime.clock import Clock
from tradingd.runtime.events import OrderLookup, SnapshotTaken
from tradingd.runtime.ports import EventLog, Journal, OrderGateway, RiskGate
from tradingd.runtime.reconciler import Reconciler, Verdict

RETRY_NS = NS_PER_SECOND
MODULE = "execution_engine"


class Corrections(Protocol):
    """How corrections enter the books."""

    def on_execution_update(self, execution_report: ExecutionReport) -> None:
        """Fold a report in."""
        ...

    def adopt(self, adoption: OrderAdopted) -> None:
        """Take in an order that is not ours."""
        ...

    def adjust(self, adjustment: PositionAdjusted | CashAdjusted) -> None:
        """Take in a difference that no order of ours explains."""
        ...


class VenueSync:
    """Reconciliation with one venue, over time."""

    def __init__(
        self,
        *,
        books: Books,
        reconciler: Reconciler,
        broker: OrderGateway,
        journal: Journal,
        risk: RiskGate,
        log: EventLog,
        clock: Clock,
        account_of: Callable[[VenueSnapshot], AccountOpened],
        interval_ns: int,
        halt_on_external: bool,
        on_reconciled: Callable[[], None],
    ) -> None:
        self._books = books
        self._reconciler = reconciler
        self._broker = broker
        self._journal = journal
        self._risk = risk
        self._log = log
        self._clock = clock
        self._account_of = account_of
        self._interval_ns = interval_ns
        self._halt_on_external = halt_on_external
        self._on_reconciled = on_reconciled
        self._connected = False
        self._connected_at = 0
        self._ask_at_ns: int | None = None
        self._pending_said = False
        self.reconciled = False
        """True while the order stream is up and the books have been compared with the venue since it came up."""
        self.fence = 0
        """Counts what entered the books; a snapshot asked for at another count was disturbed."""

    def connected(self) -> None:
        """The order stream listens: compare before anything new is sent."""
        self._connected = True
        self.fence += 1
        self._connected_at = self.fence
        self.reconciled = False
        self.ask()

    def disconnected(self) -> None:
        """The order stream is gone: what happens meanwhile is not heard."""
        self._connected = False
        self.reconciled = False
        self._ask_at_ns = None

    def ask(self) -> None:
        """Ask the venue for everything now."""
        now = self._clock.now_ns()
        self._ask_at_ns = None
        self._broker.request_snapshot(self._reconciler.since_ns(now), self.fence)

    def ask_soon(self) -> None:
        """Ask again in a second, or when it was planned if that is sooner."""
        at = self._clock.now_ns() + RETRY_NS
        self._ask_at_ns = at if self._ask_at_ns is None else min(at, self._ask_at_ns)

    def on_clock(self, now_ns: int) -> None:
        """Ask when it is time."""
        if self._connected and self._ask_at_ns is not None and now_ns >= self._ask_at_ns:
            self.ask()

    def question_failed(self, message: str) -> None:
        """An answer did not come: nothing changes, and the question is put again."""
        self._log.log_event(Level.WARNING, message, event=LogEvent.RECONCILE_FAILED, module=MODULE)
        self.ask_soon()

    def on_lookup(self, event: OrderLookup) -> None:
        """Take in what the venue says about one order; only together with the next snapshot is it believed."""
        if event.order is None:
            self._reconciler.not_found(event.client_order_id)
        else:
            self._reconciler.found(event.order.ts_submitted)
        self.ask()

    def on_snapshot(self, event: SnapshotTaken, corrections: Corrections) -> None:
        """Apply what a snapshot proves; open the way for orders once nothing is left to correct."""
        if not self._connected:
            return
        if event.fence < self._connected_at:
            self.ask()  # it was asked for before the stream listened: what came between the two was heard by nobody
            return
        opening = self._books.account is None
        if opening:
            account = self._account_of(event.snapshot)
            self._journal.record(account, durable=True)
            self._books.apply(account)
        verdict = self._reconciler.judge(
            event.snapshot, now_ns=self._clock.now_ns(), undisturbed=event.fence == self.fence
        )
        for report in verdict.plan.reports:
            corrections.on_execution_update(report)
        for adoption in verdict.plan.adoptions:
            corrections.adopt(adoption)
        for adjustment in verdict.adjustments:
            corrections.adjust(adjustment)
        self._say(verdict)
        self._check_policy(verdict)
        for order_id in verdict.look_up:
            self._broker.request_order(order_id)
        if verdict.plan.unresolved or verdict.plan.incomplete or (verdict.ask_again and self.reconciled):
            self.ask_soon()
        elif verdict.ask_again:
            self.ask()
        elif self._interval_ns:
            self._ask_at_ns = self._clock.now_ns() + self._interval_ns
        if not verdict.ask_again and not self.reconciled:
            self.reconciled = True
            self._on_reconciled()

    def _check_policy(self, verdict: Verdict) -> None:
        foreign = [*verdict.plan.adoptions, *verdict.adjustments]
        if foreign and self._halt_on_external:
            self._risk.halt(
                f"the venue holds what the journal does not explain: {describe_foreign(verdict)}", "reconciliation"
            )

    def _say(self, verdict: Verdict) -> None:
        plan = verdict.plan
        if plan.reports or plan.adoptions or verdict.adjustments:
            self._log.log_event(
                Level.WARNING,
                "the books were corrected from the venue",
                {
                    "reports": [f"{type(report).__name__} {report.client_order_id}" for report in plan.reports],
                    "foreign": describe_foreign(verdict),
                },
                event=LogEvent.RECONCILE_CORRECTED,
                module=MODULE,
            )
        pending = bool(plan.unresolved or plan.incomplete)
        if pending and not self._pending_said:
            self._log.log_event(
                Level.WARNING,
                "some orders are in doubt; they count at full size until the venue has proved what became of them",
                {"unresolved": list(plan.unresolved), "incomplete": list(plan.incomplete)},
                event=LogEvent.RECONCILE_PENDING,
                module=MODULE,
            )
        self._pending_said = pending
        if plan.empty and not self.reconciled:
            self._log.log_event(
                Level.INFO, "the books and the venue agree", event=LogEvent.RECONCILE_CLEAN, module=MODULE
            )

    def in_doubt(self) -> list[ClientOrderId]:
        """Orders whose fate is not known."""
        return list(self._reconciler.in_doubt())


def describe_foreign(verdict: Verdict) -> list[str]:
    """What the venue holds that no order of ours explains, one line each."""
    orders = [adoption.order for adoption in verdict.plan.adoptions]
    lines = [f"order {order.client_order_id}: {order.side} {order.quantity} {order.symbol}" for order in orders]
    for adjustment in verdict.adjustments:
        match adjustment:
            case PositionAdjusted(symbol=symbol, quantity=quantity):
                lines.append(f"position: {quantity:+f} {symbol}")
            case CashAdjusted(amount=amount):
                lines.append(f"cash: {amount:+f}")
    return lines
