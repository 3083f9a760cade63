"""How reconciliation reads in the log."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tradingd.core.entries import CashAdjusted
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState
from tradingd.core.order_words import order_in_words
from tradingd.core.orders import ExecutionReport
from tradingd.core.reconcile import ReconciliationPlan
from tradingd.runtime.ports import EventLog

MODULE = "execution_engine"


class ReconciliationLog:
    """The lines of one venue's reconciliation; what lasts is said once."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._pending_said = False

    def judged(self, plan: ReconciliationPlan, foreign: list[str], *, corrected: bool, first: bool) -> None:
        """Say what a comparison came to; `first` since the stream came up."""
        if corrected:
            self.corrected(plan.reports, foreign)
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
        if plan.empty and first:
            self._log.log_event(
                Level.INFO, "the books and the venue agree", event=LogEvent.RECONCILE_CLEAN, module=MODULE
            )

    def corrected(self, reports: Iterable[ExecutionReport], foreign: list[str]) -> None:
        """Say what the venue's answer changed."""
        self._log.log_event(
            Level.WARNING,
            "the books were corrected from the venue",
            {
                "reports": [f"{type(report).__name__} {report.client_order_id}" for report in reports],
                "foreign": foreign,
            },
            event=LogEvent.RECONCILE_CORRECTED,
            module=MODULE,
        )

    def cash_booked(self, adjustment: CashAdjusted, bound: Decimal) -> None:
        """Say that some cash came or went without an order, too little to stop anything."""
        way = "came in" if adjustment.amount > 0 else "went out"
        self._log.log_event(
            Level.WARNING,
            f"cash of {abs(adjustment.amount):,.2f} {way} without an order (a fee, interest, a dividend?): booked, and "
            f"trading goes on, since it is within max_unexplained_cash ({bound:,.2f})",
            {"amount": adjustment.amount, "limit": bound, "adjustment_id": adjustment.adjustment_id},
            event=LogEvent.RECONCILE_CASH,
            module=MODULE,
        )

    def failed(self, message: str) -> None:
        """Say that an answer did not come."""
        self._log.log_event(Level.WARNING, message, event=LogEvent.RECONCILE_FAILED, module=MODULE)

    def jumped(self, jump_ns: int) -> None:
        """Say that the wall clock jumped: waits go by the monotonic one, but ends of days do not."""
        self._log.log_event(
            Level.ERROR,
            f"the wall clock jumped by {jump_ns / NS_PER_SECOND:+.1f} s; day orders and the ends of days go by it",
            {"jump_s": round(jump_ns / NS_PER_SECOND, 3)},
            event=LogEvent.CLOCK_JUMPED,
            module=MODULE,
        )

    def down(self, down_ns: int, orders_open: int, in_doubt: Sequence[ClientOrderId]) -> None:
        """Say that the order stream has been down for too long."""
        self._log.log_event(
            Level.ERROR,
            f"the order stream has been down for {down_ns // NS_PER_SECOND} s; nothing new leaves until it is back",
            {"orders_open": orders_open, "orders_in_doubt": list(in_doubt)},
            event=LogEvent.BROKER_STREAM_DOWN,
            module=MODULE,
        )

    def overdue(self, state: OrderState, age_ns: int) -> None:
        """Say that an order has been in flight for too long."""
        self._log.log_order(
            Level.ERROR,
            LogEvent.ORDER_OVERDUE,
            f"{order_in_words(state.order, state)}: {state.status} for {age_ns // NS_PER_SECOND} s: "
            "it counts at full size until the venue says what became of it",
            state.order,
            status=state.status.value,
        )
