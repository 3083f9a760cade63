"""The commands to TWS, each sent once, and what becomes of those that are not answered.

Owns: every command that waits for its turn or for its answer. Emits: broker events. Never: repeats one, takes an order
for sent before it left, or for lost before the lists of TWS say so.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from tradingd.brokers.base import BrokerSink
from tradingd.brokers.ib.codes import Command, Verdict
from tradingd.brokers.ib.connection import IbConnection, Problem
from tradingd.brokers.ib.inbox import what_if_key
from tradingd.brokers.ib.instruments import Described
from tradingd.brokers.ib.ledger import Entry, OrderLedger
from tradingd.brokers.ib.orders import Terms, build_order
from tradingd.brokers.ib.questions import QuestionRefused
from tradingd.brokers.ib.session import IbSession
from tradingd.brokers.ib.translate import Translator
from tradingd.brokers.ib.wire import WireMargin
from tradingd.brokers.pacing import Priority
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.order_state import NOT_SENT
from tradingd.core.orders import (
    CancelRefused,
    Order,
    OrderAccepted,
    OrderModification,
    OrderRejected,
    OrderType,
    OrderUnknown,
    ReplaceRefused,
)
from tradingd.errors import VenueUnavailable

DUPLICATE_ID = "DUPLICATE_ID"
_NO_CONNECTION = "there is no connection to TWS"
_TOO_MANY = "too many messages wait for TWS already"
_Refuse: TypeAlias = Callable[[str], None]


class IbCommands:
    """Submit, cancel and modify over one session; the arguments are those of `IbBroker`."""

    def __init__(
        self,
        *,
        session: IbSession,
        ledger: OrderLedger,
        translator: Translator,
        described: Mapping[Symbol, Described],
        sink: BrokerSink,
        clock: Callable[[], int],
        refusal: Callable[[ClientOrderId], str | None],
        failure: Callable[[BaseException], None],
        timeout_s: float,
        check_margin: bool,
        on_problem: Problem,
    ) -> None:
        self._session = session
        self._ledger = ledger
        self._translator = translator
        self._described = described
        self._sink = sink
        self._clock = clock
        self._refusal = refusal
        self._failure = failure
        self._timeout_s = timeout_s
        self._check_margin = check_margin
        self._on_problem = on_problem
        self._queued: dict[int, _Refuse] = {}
        self._queue_count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give up what is still being asked about orders that have not left."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def submit(self, order: Order) -> None:
        """Send a new order."""
        if self._check_margin:
            self._spawn(self._submit_checked(order), f"margin of {order.client_order_id}")
        else:
            self._submit(order)

    def _submit(self, order: Order) -> None:
        refuse = partial(self._reject, order.client_order_id, NOT_SENT)
        self._leave(Priority.ORDER, partial(self._place, order), refuse, may_wait=False)

    def _place(self, order: Order, connection: IbConnection) -> None:
        owner = order.client_order_id
        if (refusal := self._refusal(owner)) is not None:
            self._reject(owner, NOT_SENT, refusal)
            return
        if (known := self._ledger.get(owner)) is not None:
            self._answer_again(known)
            return
        wanted = Terms(quantity=order.quantity, terms=order.terms)
        try:
            contract = self._contract(order.symbol)
            built = self._build(order, wanted, self._session.next_order_id())
        except ValueError as error:
            self._reject(owner, NOT_SENT, str(error))
            return
        entry = self._ledger.begin(order, built.orderId, wanted, self._clock())
        connection.client.placeOrder(built.orderId, contract, built)
        self._await(entry, Command.SUBMIT)

    def _answer_again(self, entry: Entry) -> None:
        """Answer a submit whose id was used before with what is known of that order: TWS would take it for a new one.

        A refusal ends an order in the books, so it is given only where nothing of the first one works or has filled.
        """
        owner, now = entry.client_order_id, self._clock()
        state = "over" if entry.is_over else "at the venue" if entry.perm_id else "on its way"
        reason = f"the id was used before, and that order is {state}"
        self._on_problem("broker.duplicate_id", f"{owner} was not sent: {reason}", {"client_order_id": owner})
        if entry.is_over and not entry.filled:
            self._reject(owner, DUPLICATE_ID, reason)
        elif entry.accepted and entry.wire is not None and not entry.is_over:
            self._sink(
                OrderAccepted(client_order_id=owner, venue_order_id=entry.venue_order_id, ts_event=now, ts_recv=now)
            )
        else:
            self._sink(OrderUnknown(client_order_id=owner, reason=reason, ts_event=now, ts_recv=now))

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel."""
        entry = self._ledger.by_venue_id(venue_order_id)
        refuse = partial(self._keep_order, order.client_order_id)
        if entry is None or entry.order_id <= 0:
            refuse(f"{venue_order_id} was placed by another client or by hand in TWS: cancel it where it was placed")
            return

        def leave(connection: IbConnection) -> None:
            connection.client.cancelOrder(entry.order_id)
            self._await(entry, Command.CANCEL)

        self._leave(Priority.CANCEL, leave, refuse)

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Ask for new terms; a quantity is the order's new total."""
        entry = self._ledger.by_venue_id(venue_order_id)
        refuse = partial(self._keep_terms, order.client_order_id)
        if entry is None or entry.order_id <= 0:
            refuse(f"{venue_order_id} was placed by another client or by hand in TWS: change it where it was placed")
            return
        if entry.is_over:
            refuse("the order is over")
            return
        present = _present(entry, order)
        wanted = present.changed_by(details)
        if wanted.says_the_same(present):
            refuse("the order has these terms already")
            return
        try:
            contract = self._contract(order.symbol)
            built = self._build(order, wanted, entry.order_id)
        except ValueError as error:
            refuse(str(error))
            return

        def leave(connection: IbConnection) -> None:
            entry.wanted = wanted
            connection.client.placeOrder(entry.order_id, contract, built)
            self._await(entry, Command.MODIFY)

        self._leave(Priority.ORDER, leave, refuse, may_wait=False)

    def _build(self, order: Order, wanted: Terms, order_id: int) -> Any:
        session = self._session
        return build_order(session.library, order, wanted, order_id=order_id, account=session.account)

    def _contract(self, symbol: Symbol) -> Any:
        described = self._described.get(symbol)
        if described is None:
            raise ValueError(f"{symbol} is not among the symbols that the configuration names")
        return described.contract

    def _leave(
        self, priority: Priority, act: Callable[[IbConnection], None], refuse: _Refuse, *, may_wait: bool = True
    ) -> None:
        """Let a command leave when its turn comes; of one that never leaves the venue cannot know."""
        connection = self._session.connection
        if connection is None:
            refuse(_NO_CONNECTION)
            return
        self._queue_count += 1
        number = self._queue_count
        self._queued[number] = refuse

        def leave() -> None:
            del self._queued[number]
            act(connection)

        def give_up() -> None:
            del self._queued[number]
            refuse(_TOO_MANY)

        connection.pacer.submit(priority, leave, None if may_wait else give_up)

    def _await(self, entry: Entry, command: Command) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._timeout_s
        entry.pending[command] = due
        loop.call_at(due, self._overdue, entry, command, due)

    def _overdue(self, entry: Entry, command: Command, due: float) -> None:
        """An answer did not come: bursts have been seen to be swallowed whole."""
        if entry.pending.get(command) == due:
            self._conclude(entry, command, f"no answer within {self._timeout_s:g} s")

    def _conclude(self, entry: Entry, command: Command, reason: str) -> None:
        self._deliver(
            self._translator.conclude(entry, command, Verdict.AMBIGUOUS, code="", reason=reason, now_ns=self._clock())
        )

    def on_lost(self, reason: str) -> None:
        """The socket is gone: what had left may have arrived, what had not cannot have."""
        queued, self._queued = self._queued, {}
        for refuse in queued.values():
            refuse(reason)
        for entry in self._ledger.entries():
            for command in tuple(entry.pending):
                self._conclude(entry, command, reason)

    def _reject(self, owner: ClientOrderId, code: str, reason: str) -> None:
        now = self._clock()
        self._sink(OrderRejected(client_order_id=owner, code=code, reason=reason, ts_event=now, ts_recv=now))

    def _keep_order(self, owner: ClientOrderId, reason: str) -> None:
        now = self._clock()
        self._sink(CancelRefused(client_order_id=owner, reason=reason, ts_event=now, ts_recv=now))

    def _keep_terms(self, owner: ClientOrderId, reason: str) -> None:
        now = self._clock()
        self._sink(ReplaceRefused(client_order_id=owner, reason=reason, ts_event=now, ts_recv=now))

    # -- margin -------------------------------------------------------------------------------------------------------

    async def what_if(self, order: Order) -> WireMargin:
        """Ask what an order would do to the margin; nothing is placed. Raises `VenueUnavailable`."""
        built = self._build(order, Terms(quantity=order.quantity, terms=order.terms), self._session.next_order_id())
        built.whatIf = True
        contract = self._contract(order.symbol)
        (margin,) = await self._session.ask(
            what_if_key(built.orderId),
            lambda client, _: client.placeOrder(built.orderId, contract, built),
            what=f"the margin of {order.client_order_id}",
            priority=Priority.ORDER,
        )
        assert isinstance(margin, WireMargin)
        return margin

    async def _submit_checked(self, order: Order) -> None:
        try:
            margin = await self.what_if(order)
        except QuestionRefused as error:
            self._reject(order.client_order_id, str(error.code), str(error))
            return
        except (VenueUnavailable, ValueError) as error:
            self._reject(order.client_order_id, NOT_SENT, f"its margin could not be asked for: {error}")
            return
        needs, has = margin.initial_after, margin.equity_after
        if needs is not None and has is not None and needs > has:
            reason = f"it would need a margin of {needs} and the account's equity would be {has}"
            self._reject(order.client_order_id, "margin", reason)
            return
        self._submit(order)

    def _deliver(self, events: Sequence[BrokerEvent]) -> None:
        for event in events:
            self._sink(event)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure(error)


def _present(entry: Entry, order: Order) -> Terms:
    """The terms that an order has now: its own, with the figures that TWS told last."""
    if entry.terms is None:
        return Terms(quantity=order.quantity, terms=order.terms)
    told = entry.terms.terms
    trails = order.terms.order_type is OrderType.TRAILING_STOP
    terms = msgspec.structs.replace(
        order.terms,
        limit_price=told.limit_price,
        stop_price=None if trails else told.stop_price,  # where a trailing stop stands is the venue's business
        trail_amount=told.trail_amount,
        trail_percent=told.trail_percent,
    )
    return Terms(quantity=entry.terms.quantity, terms=terms)
