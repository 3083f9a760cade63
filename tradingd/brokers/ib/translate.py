"""From what TWS tells to broker events. No I/O.

Owns: what a message means for an order of ours, and which executions and fees were told. Never: takes a status word for
a quantity, an error for the end of an order that may live, or a correction for another execution.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from tradingd.brokers.ib.codes import (
    READ_ONLY_REMEDY,
    Command,
    Kind,
    Verdict,
    answers_cancel_alone,
    is_read_only,
    judge,
    meaning,
)
from tradingd.brokers.ib.convert import SymbolBook, order_of_execution, to_venue_order
from tradingd.brokers.ib.executions import Executions, ReportedExecution
from tradingd.brokers.ib.ledger import Entry, OrderLedger
from tradingd.brokers.ib.orders import ENDED_WORDS, PROVING_WORDS, Terms, read_terms
from tradingd.brokers.ib.questions import FIRST_NUMBER
from tradingd.brokers.ib.wire import (
    Record,
    WireCommission,
    WireError,
    WireExecution,
    WireOrder,
    WireStatus,
    execution_name,
)
from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent
from tradingd.core.identifiers import ExecutionId
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    CancelUnknown,
    FeeReported,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
    ReplaceRefused,
    ReplaceUnknown,
    TimeInForce,
)

Problem: TypeAlias = Callable[[str, str, dict[str, Any]], None]


class Translator:
    """Turns records into reports under our own order ids."""

    def __init__(
        self,
        ledger: OrderLedger,
        symbols: SymbolBook,
        executions: Executions,
        account: Callable[[], str],
        problem: Problem,
    ) -> None:
        self._ledger = ledger
        self._symbols = symbols
        self._executions = executions
        self._account = account
        self._problem = problem
        self._strangers: dict[int, tuple[str, Decimal, Terms]] = {}

    def translate(self, record: Record, now_ns: int) -> list[BrokerEvent]:
        """Say what one record means, in order; nothing for one that changes nothing."""
        match record:
            case WireOrder():
                return self._on_order(record, now_ns)
            case WireStatus():
                return self._on_status(record, now_ns)
            case WireExecution():
                return self._on_execution(record, now_ns)
            case WireCommission():
                return self._on_commission(record, now_ns)
            case WireError():
                return self._on_error(record, now_ns)

    # -- orders -------------------------------------------------------------------------------------------------------

    def _on_order(self, wire: WireOrder, now_ns: int) -> list[BrokerEvent]:
        if wire.account and wire.account != self._account():
            return []
        entry = self._ledger.of(wire)
        if entry is None:
            return self._stranger(wire, now_ns)
        terms = read_terms(wire)
        events: list[BrokerEvent] = self._accept(entry, wire.status, now_ns)
        before, entry.wire, entry.terms = entry.terms, wire, terms
        if entry.wanted is not None and terms.says_the_same(entry.wanted):
            entry.wanted = None
            entry.pending.pop(Command.MODIFY, None)
            events.append(self._replaced(entry, terms, now_ns))
        elif entry.perm_id and entry.accepted and not entry.ended and before is not None and _differs(before, terms):
            events.append(self._replaced(entry, terms, now_ns))  # changed by hand in TWS
        return events  # that it has ended orderStatus says, with what had filled by then

    def _stranger(self, wire: WireOrder, now_ns: int) -> list[BrokerEvent]:
        terms = read_terms(wire)
        shown = (wire.status, wire.quantity, terms)
        known = self._strangers.get(wire.perm_id)
        if wire.status == "Filled" or wire.status in ENDED_WORDS:
            self._strangers.pop(wire.perm_id, None)
        else:
            self._strangers[wire.perm_id] = shown
        if wire.is_answer or shown == known or not wire.perm_id:
            return []
        order = to_venue_order(wire, None, self._ledger.owner(wire.perm_id, wire.ref), self._symbols, now_ns)
        return [ForeignOrderEvent(ts_recv=now_ns, order=order)]

    def _on_status(self, status: WireStatus, now_ns: int) -> list[BrokerEvent]:
        entry = self._ledger.of(status)
        if entry is None:
            self._ledger.note_status(status)
            return []
        entry.status = status
        entry.filled = max(entry.filled, status.filled)
        events = self._accept(entry, status.status, now_ns)
        if status.status in ENDED_WORDS:
            events += self._ended(entry, status.filled, now_ns)
        elif status.status == "Filled":
            entry.ended = True  # for the ledger's memory alone: executions end the order
            entry.pending.pop(Command.SUBMIT, None)  # a cancel or a change that it has beaten gets an answer yet
        return events

    def _accept(self, entry: Entry, word: str, now_ns: int) -> list[BrokerEvent]:
        if not entry.perm_id or word not in PROVING_WORDS:
            return []
        entry.pending.pop(Command.SUBMIT, None)
        if entry.accepted:
            return []
        entry.accepted = True
        return [
            OrderAccepted(
                client_order_id=entry.client_order_id,
                venue_order_id=entry.venue_order_id,
                ts_event=now_ns,
                ts_recv=now_ns,
            )
        ]

    def _replaced(self, entry: Entry, terms: Terms, now_ns: int) -> OrderReplaced:
        return OrderReplaced(
            client_order_id=entry.client_order_id,
            venue_order_id=entry.venue_order_id,
            replaces=entry.venue_order_id,
            quantity=terms.quantity,
            limit_price=terms.terms.limit_price,
            stop_price=terms.terms.stop_price,
            trail_amount=terms.terms.trail_amount,
            trail_percent=terms.terms.trail_percent,
            ts_event=now_ns,
            ts_recv=now_ns,
        )

    def _ended(self, entry: Entry, filled: Decimal, now_ns: int) -> list[BrokerEvent]:
        """Say that the rest of an order is gone; an order that never had a name at the venue was never taken."""
        if entry.ended:
            return []
        owner, asked = entry.client_order_id, Command.CANCEL in entry.pending
        entry.ended = True
        entry.pending.clear()
        entry.wanted = None
        if not entry.perm_id:
            reason = "TWS ended the order before it had a name"
            return [OrderRejected(client_order_id=owner, code="ended", reason=reason, ts_event=now_ns, ts_recv=now_ns)]
        terms = None if entry.terms is None else entry.terms.terms
        if not asked and terms is not None and terms.time_in_force is TimeInForce.GTD:
            expires = terms.expires_ns
            if expires is not None and expires <= now_ns and filled <= entry.filled:
                return [
                    OrderExpired(
                        client_order_id=owner, venue_order_id=entry.venue_order_id, ts_event=now_ns, ts_recv=now_ns
                    )
                ]
        return [
            OrderCanceled(
                client_order_id=owner,
                venue_order_id=entry.venue_order_id,
                filled_quantity=filled,
                ts_event=now_ns,
                ts_recv=now_ns,
            )
        ]

    # -- executions ---------------------------------------------------------------------------------------------------

    def _on_execution(self, wire: WireExecution, now_ns: int) -> list[BrokerEvent]:
        if wire.account and wire.account != self._account():
            return []
        name = execution_name(wire.exec_id)
        entry = self._ledger.of(wire)
        known = self._executions.get(name)
        if known is not None:
            return self._compare(known, name, wire, entry, now_ns)
        owner = None if entry is None else entry.client_order_id
        told = ReportedExecution(
            exec_id=wire.exec_id, quantity=wire.quantity, price=wire.price, owner=owner, ts_event=wire.ts_event
        )
        self._executions.put(name, told)
        if wire.liquidation:
            details = {"symbol": self._symbols.symbol_of(wire.contract), "execution_id": wire.exec_id}
            self._problem("broker.liquidation", "Interactive Brokers has closed a position for want of margin", details)
        if entry is None:
            if not wire.is_live:
                return []
            shown_as = self._ledger.owner(wire.perm_id, wire.ref)
            return [ForeignOrderEvent(ts_recv=now_ns, order=order_of_execution(wire, self._symbols, now_ns, shown_as))]
        entry.filled = max(entry.filled, wire.cum_quantity)
        entry.pending.pop(Command.SUBMIT, None)
        if not wire.is_live:
            return []  # whoever asked compares the whole answer with the books
        entry.accepted = True
        return [
            self._filled(entry, name, wire.quantity, wire.price, ts_event=wire.ts_event, fee=told.fee, now_ns=now_ns)
        ]

    def _compare(
        self, known: ReportedExecution, name: ExecutionId, wire: WireExecution, entry: Entry | None, now_ns: int
    ) -> list[BrokerEvent]:
        """Tell of a correction: the books are put right by the comparison with the account that follows."""
        before = (known.last_quantity, known.last_price)
        if known.exec_id >= wire.exec_id or before == (wire.quantity, wire.price):
            return []
        details = {
            "client_order_id": "" if entry is None else entry.client_order_id,
            "execution_id": name,
            "revision": wire.exec_id,
            "was": f"{known.last_quantity} at {known.last_price}",
            "is": f"{wire.quantity} at {wire.price}",
        }
        more = wire.quantity - known.last_quantity
        known.exec_id, known.last_quantity, known.last_price = wire.exec_id, wire.quantity, wire.price
        events: list[BrokerEvent] = []
        if more > 0:
            added = (ExecutionId(wire.exec_id), more, wire.price)
            known.added += (added,)
            if entry is not None and wire.is_live:
                events.append(self._filled(entry, *added, ts_event=wire.ts_event, fee=ZERO, now_ns=now_ns))
        self._problem("broker.execution_revised", "Interactive Brokers corrects an execution: check the books", details)
        return events

    def _filled(
        self,
        entry: Entry,
        name: ExecutionId,
        quantity: Decimal,
        price: Decimal,
        *,
        ts_event: int,
        fee: Decimal | None,
        now_ns: int,
    ) -> OrderFilled:
        return OrderFilled(
            client_order_id=entry.client_order_id,
            venue_order_id=entry.venue_order_id,
            execution_id=name,
            quantity=quantity,
            price=price,
            fee=fee or ZERO,
            fee_pending=fee is None,
            ts_event=ts_event,
            ts_recv=now_ns,
        )

    def _on_commission(self, wire: WireCommission, now_ns: int) -> list[BrokerEvent]:
        if wire.fee is None:
            return []  # it stays pending: a later report has the figure
        name = execution_name(wire.exec_id)
        told = self._executions.get(name)
        if told is None:
            self._executions.fee_before(name, wire.fee)
            return []
        if told.fee == wire.fee:
            return []
        told.fee = wire.fee
        if told.owner is None:
            return []
        return [
            FeeReported(
                client_order_id=told.owner, execution_id=name, fee=wire.fee, ts_event=told.ts_event, ts_recv=now_ns
            )
        ]

    # -- refusals -----------------------------------------------------------------------------------------------------

    def _on_error(self, said: WireError, now_ns: int) -> list[BrokerEvent]:
        entry = self._ledger.by_order_id(said.req_id) if said.req_id > 0 else None
        if entry is None:
            if 0 < said.req_id < FIRST_NUMBER and meaning(said.code).kind is not Kind.INFORMATION:
                message = f"TWS says of order id {said.req_id}, which is not known here: {said.code}: {said.text}"
                self._problem("broker.message", message, {"code": said.code})
            return []
        command = _addressed(entry, said.code)
        verdict = Verdict.NOTHING if command is None else judge(command, said.code)
        reason = f"{said.code}: {said.text}"
        if is_read_only(said.code, said.text):
            reason = f"{said.code}: {READ_ONLY_REMEDY}"
            self._problem("broker.read_only", READ_ONLY_REMEDY, {})
        match verdict:
            case Verdict.ENDED:
                return self._ended(entry, entry.filled, now_ns)
            case Verdict.DEFINITE | Verdict.AMBIGUOUS:
                assert command is not None
                return self.conclude(entry, command, verdict, code=str(said.code), reason=reason, now_ns=now_ns)
            case _ if entry.is_over and answers_cancel_alone(said.code):
                return []  # a cancel that met the order's end, which was told
            case _:
                self._problem(
                    "broker.order_message",
                    f"TWS says of an order: {reason}",
                    {"code": said.code, "client_order_id": entry.client_order_id},
                )
                return []

    def conclude(
        self, entry: Entry, command: Command, verdict: Verdict, *, code: str, reason: str, now_ns: int
    ) -> list[BrokerEvent]:
        """End a command with a refusal, or without an answer that proves anything; only once."""
        if command is not Command.SUBMIT and entry.pending.pop(command, None) is None:
            return []
        owner, definite = entry.client_order_id, verdict is Verdict.DEFINITE
        match command:
            case Command.SUBMIT if definite:
                if entry.ended:
                    return []
                entry.ended = True
                entry.pending.clear()
                return [OrderRejected(client_order_id=owner, code=code, reason=reason, ts_event=now_ns, ts_recv=now_ns)]
            case Command.SUBMIT:
                if entry.pending.pop(command, None) is None:
                    return []
                return [OrderUnknown(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)]
            case Command.CANCEL:
                kind = CancelRefused if definite else CancelUnknown
                return [kind(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)]
            case _:
                if definite:
                    entry.wanted = None  # in doubt it stays: the order's next openOrder may show it
                    return [ReplaceRefused(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)]
                return [ReplaceUnknown(client_order_id=owner, reason=reason, ts_event=now_ns, ts_recv=now_ns)]


def _addressed(entry: Entry, code: int) -> Command | None:
    """The command that a code about an order is the answer to; a refusal without one is of the order itself."""
    for command in (Command.MODIFY, Command.CANCEL, Command.SUBMIT):
        if command in entry.pending and judge(command, code) is not Verdict.NOTHING:
            return command
    return Command.SUBMIT if code in (201, 202) else None


def _differs(before: Terms, after: Terms) -> bool:
    """True when what was asked for has changed, beyond what TWS itself moves."""
    return not before.says_the_same(after)
