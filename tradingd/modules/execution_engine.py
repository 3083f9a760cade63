"""Execution engine: turns signals into orders and keeps every order's true state.

Owns: orders, and the gate that new ones must pass. Reads: signals, execution reports, the venue's snapshots. Emits:
orders to the broker interface, updates to the strategies. Never: lets an order leave before its intent is in the
journal; never sends one twice; never takes silence for an answer.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

import msgspec

from tradingd.core.accounting import Position
from tradingd.core.broker_events import ForeignOrderEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.broker_model import replace_refusals
from tradingd.core.entries import CashAdjusted, OrderAdopted, OrderIntended, PositionAdjusted
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.instruments import is_sensible
from tradingd.core.order_state import NOT_SENT, OrderState, OrderStatus, apply_report, intend
from tradingd.core.order_words import Fill
from tradingd.core.orders import (
    Breach,
    CancelRequested,
    DenialCode,
    ExecutionReport,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderModification,
    OrderRejected,
    OrderTerms,
    OrderType,
    ReplaceRefused,
    ReplaceRequested,
    Side,
    SignalAction,
    StopPolicy,
    Trade,
    ValidationResponse,
)
from tradingd.core.plans.records import CLOSING, Leg, Plan, TargetPosition
from tradingd.core.plans.targeting import overshoots
from tradingd.core.repeats import RefusalGuard, RepeatGuard
from tradingd.core.scopes import ACCOUNT, Scope
from tradingd.core.signals import CancelSignal, ModifySignal, OcoSignal, TradingSignal
from tradingd.errors import JournalError
from tradingd.execution import anomalies, order_log
from tradingd.execution.admission import Admission, refuse
from tradingd.execution.amendment import Amendment, amend
from tradingd.execution.config import ExecutionConfig
from tradingd.execution.denial_log import DenialLog
from tradingd.execution.flatten import TRACE, WindingDown
from tradingd.execution.order_factory import OrderFactory
from tradingd.execution.plan_drafts import PlanDrafts
from tradingd.execution.plan_runner import PlanRunner
from tradingd.execution.price_watch import PriceWatch
from tradingd.execution.reconciliation import Reconciliation
from tradingd.runtime.events import (
    ExecutionEvent,
    LookupFailed,
    OpenOrdersTaken,
    OrderLookup,
    OrderUpdate,
    PricesMoved,
    SnapshotFailed,
    SnapshotTaken,
    StrategyFailed,
)
from tradingd.runtime.inbox import Inbox, Outlet
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.kill_switch import HALT, STOP
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import Ledger, MarketLookup, OrderGateway, RiskGate

_PASSING = frozenset(
    {
        DenialCode.HALTED,
        DenialCode.SYMBOL_HALTED,
        DenialCode.SCOPE_HALTED,
        DenialCode.STOPPING,
        DenialCode.NOT_RECONCILED,
        DenialCode.ORDER_IN_DOUBT,
        DenialCode.PRICE_MISSING,
        DenialCode.PRICE_STALE,
    }
)
"""Refusals for a state of the world that passes: a strategy which asks on meanwhile has not run away."""


class ExecutionEngine(Module[ExecutionEvent]):
    """Keeper of orders."""

    name = "execution_engine"

    def __init__(
        self,
        inbox: Inbox[ExecutionEvent],
        kernel: Kernel,
        config: ExecutionConfig,
        *,
        market: MarketLookup,
        watch: PriceWatch,
        risk: RiskGate,
        ledger: Ledger,
        broker: OrderGateway,
        strategies: Outlet[OrderUpdate],
        signal_taken: Callable[[TradingSignal], None],
        on_reconciled: Callable[[], None],
    ) -> None:
        super().__init__(inbox)
        self._books = kernel.books
        self._journal = kernel.journal
        self._log = kernel.log
        self._clock = kernel.clock
        self._kill_switch = kernel.kill_switch
        self._risk = risk
        self._ledger = ledger
        self._broker = broker
        self._strategies = strategies
        self._signal_taken = signal_taken
        self._repeats = RepeatGuard(config.max_repeated_orders)
        self._refusals = RefusalGuard(config.max_refused_orders)
        self._held_back = RefusalGuard(config.max_refused_orders)
        self._cancel_when_named: set[ClientOrderId] = set()
        self._denials = DenialLog(kernel.log, kernel.clock)
        self._winding = WindingDown(kernel.books, kernel.log)
        self._factory = OrderFactory(kernel.clock, market, config.order_id_prefix)
        self.reconciliation = Reconciliation(
            kernel, config, broker=broker, risk=risk, busy=lambda: len(inbox) > 0, on_reconciled=on_reconciled
        )
        self._admission = Admission(
            kernel, config, market=market, risk=risk, broker=broker, reconciliation=self.reconciliation
        )
        drafts = PlanDrafts(
            kernel.books,
            config,
            factory=self._factory,
            broker=broker,
            latest=market.latest,
            limits=self._admission.limits,
        )
        self._plans = PlanRunner(
            kernel,
            factory=self._factory,
            drafts=drafts,
            watch=watch,
            latest=market.latest,
            ready=lambda: self.reconciliation.reconciled and kernel.journal.shortage is None,
        )
        self._openings_cancelled = False

    def initialize(self) -> None:
        """Go on with cancels that were asked for before the venue had named their orders."""
        for state in self._books.orders.open:
            if state.status is OrderStatus.PENDING_CANCEL and state.venue_order_id is None:
                self._cancel_when_named.add(state.client_order_id)

    def handle(self, event: ExecutionEvent) -> None:
        """React to a signal, a report, an answer from the venue, or the clock."""
        match event:
            case TradingSignal():
                self.process_signal(event)
            case OcoSignal():
                self._protect(event)
            case CancelSignal():
                self._cancel_for_strategy(event)
            case ModifySignal():
                self._modify_for_strategy(event)
            case OrderStreamUp():
                self.reconciliation.connected()
            case OrderStreamDown():
                self.reconciliation.disconnected()
            case ForeignOrderEvent():
                self._on_foreign_order(event)
            case SnapshotTaken():
                self.reconciliation.on_snapshot(event, self)
                self._cancel_openings_of_retired()
                self._plans.evaluate_all(self)
            case SnapshotFailed(reason=reason):
                self.reconciliation.question_failed(f"the venue could not be asked: {reason}")
            case OpenOrdersTaken():
                self.reconciliation.on_open_orders(event, self)
            case OrderLookup():
                self.reconciliation.on_lookup(event, self)
            case LookupFailed(client_order_id=order_id, reason=reason):
                self.reconciliation.question_failed(f"the venue could not be asked about {order_id}: {reason}")
            case StrategyFailed(strategy_id=strategy_id):
                self.cancel_all(strategy_id)
            case PricesMoved(symbol=symbol):
                self._plans.evaluate(symbol, self)
            case ClockTick():
                self.reconciliation.on_clock()
                self._plans.evaluate_all(self)
            case _:
                self.on_execution_update(event)

    def close_gate(self) -> None:
        """Refuse every further signal, and hold back what has not left yet: the first step of a stop."""
        self._admission.stopping = True
        self._plans.suspend()
        self._kill_switch.close(STOP, "the daemon is stopping")

    # -- signals become orders ----------------------------------------------------------------------------------------

    def process_signal(self, signal: TradingSignal) -> None:
        """Size, judge, reserve, journal, send: in this order and without a pause."""
        self._signal_taken(signal)
        wanted = self._wanted(signal)
        if wanted is None:
            return
        side, quantity = wanted
        order = self._factory.build(
            signal.strategy_id, signal.symbol, side, quantity=quantity, terms=signal.terms, trace_id=signal.trace_id
        )
        if runaway := self._runaway(order):
            self._deny(order, runaway.breaches, signal.cause, runaway=runaway.breaches[0].message)
            return
        verdict = self._admission.gate(order.strategy_id)
        if verdict.approved and signal.reduce_only:
            order, verdict = self._admission.cut_to_reduce(order)
        if not verdict.approved:
            self._deny(order, verdict.breaches, signal.cause)
            return
        match self._plan_of(signal, order):
            case Plan() as plan:
                self._plans.begin(plan, signal.cause, self)
            case ValidationResponse(breaches=breaches):
                self._deny(order, breaches, signal.cause)
            case None:
                self._admit(order, signal.cause, signal.target)

    def _plan_of(self, signal: TradingSignal, order: Order) -> Plan | ValidationResponse | None:
        goal = signal.target
        if goal is not None and not self._plans.is_direct(signal.strategy_id, signal.symbol, goal):
            return self._plans.drafts.target(signal, goal, order)
        return self._plans.drafts.consider(signal, order)

    def _wanted(self, signal: TradingSignal) -> tuple[Side, Decimal] | None:
        """What a signal asks for now, None for nothing."""
        if signal.target is not None:
            missing = self._plans.missing(signal, signal.target)
            return None if missing is None else (Side.BUY if missing >= 0 else Side.SELL, abs(missing))
        if signal.action is SignalAction.HOLD:
            return None
        self._plans.release_target(signal.strategy_id, signal.symbol)
        return Side.BUY if signal.action is SignalAction.BUY else Side.SELL, signal.quantity

    def _runaway(self, order: Order) -> ValidationResponse | None:
        """Refuse the wish of a strategy that has run away, None for one that has not."""
        now, strategy_id = self._clock.monotonic_ns(), order.strategy_id
        if self._repeats.count(order, now):
            return refuse(
                DenialCode.REPEATED_ORDER,
                f"{strategy_id} asks for the same order again and again; it is stopped until `tradingd resume`",
            )
        return self._refused_too_often(strategy_id)

    def _refused_too_often(self, strategy_id: StrategyId) -> ValidationResponse | None:
        if not self._refusals.full(strategy_id, self._clock.monotonic_ns()):
            return None
        return refuse(
            DenialCode.REFUSED_TOO_OFTEN,
            f"{self._refusals.limit} orders of {strategy_id} were refused within a minute (max_refused_orders); it is "
            "stopped until `tradingd resume`",
        )

    def _protect(self, signal: OcoSignal) -> None:
        order = self._plans.drafts.closing_order(signal)
        if runaway := self._refused_too_often(signal.strategy_id):
            self._deny(order, runaway.breaches, signal.cause, runaway=runaway.breaches[0].message)
            return
        verdict = self._admission.gate(signal.strategy_id)
        if verdict.approved:
            verdict = self._plans.protect(signal, order, self)
        if not verdict.approved:
            self._deny(order, verdict.breaches, signal.cause)

    def resume(self, strategy_id: StrategyId | None = None) -> None:
        """Count repeated and refused orders anew, of one strategy or of all: an operator has looked."""
        self._repeats.forget(strategy_id)
        self._refusals.forget(strategy_id)

    def place(self, order: Order, *, cause: int) -> tuple[Breach, ...]:
        """Let an order of a plan leave by the gate that all pass, or say why not."""
        plan = self._books.plans.get(order.plan_id) if order.plan_id is not None else None
        method = None if plan is None or order.leg in CLOSING or order.leg == Leg.THEN else plan.plan.method
        return self._admit(order, cause, method.goal if isinstance(method, TargetPosition) else None)

    def _admit(self, order: Order, cause: int, goal: Decimal | None) -> tuple[Breach, ...]:
        """Judge an order, and send it or refuse it; return the rules that it breaks.

        `goal` is the target position that it is for, None for any other order.
        """
        verdict = self._admission.judge(order)
        if not verdict.approved:
            self._deny(order, verdict.breaches, cause)
        else:
            if self._admission.only_reduces(order):
                self._kill_switch.let_pass(order.client_order_id, HALT)
            self._send(order, cause, verdict.waived, goal)
        return verdict.breaches

    def _send(self, order: Order, cause: int = 0, waived: tuple[Breach, ...] = (), goal: Decimal | None = None) -> None:
        state = intend(order)
        self._ledger.reserve(state)
        self._journal.record(OrderIntended(order=order), durable=True, cause=cause)
        self._books.orders.put(state)
        self.reconciliation.in_flight.sent(order.client_order_id)
        self._journal.after_commit(partial(self._submit, order, waived, goal))

    def _submit(
        self, order: Order, waived: tuple[Breach, ...], goal: Decimal | None, error: JournalError | None
    ) -> None:
        """Hand an order to the broker, now that its intent is committed, unless something has changed meanwhile."""
        if error is not None:
            order_log.log_not_sent(self._log, error, order)
            return
        reason = self._held_back_by(order, goal)
        if reason is None:
            self._broker.submit_order(order)
            order_log.log_submitted(self._log, order, waived)
        else:
            now, order_id = self._clock.now_ns(), order.client_order_id
            self.on_execution_update(
                OrderRejected(client_order_id=order_id, code=NOT_SENT, reason=reason, ts_event=now, ts_recv=now)
            )

    def _held_back_by(self, order: Order, goal: Decimal | None) -> str | None:
        """Why an order must not leave any more, None when it may; halts are the kill switch's to tell."""
        orders, portfolio = self._books.orders, self._books.portfolio
        state = orders.get(order.client_order_id)
        if state is not None and state.status is OrderStatus.PENDING_CANCEL:
            return "it was cancelled before it had left"
        if goal is not None:
            key = order.strategy_id, order.symbol
            peers = [peer for peer in orders.open if (peer.order.strategy_id, peer.order.symbol) == key]
            held = portfolio.quantity_of(*key)
            if overshoots(goal, held, order.side, peers):
                return f"the position is {held:f} by now: it would pass the target of {goal:f}"
        return None

    def _deny(self, order: Order, breaches: tuple[Breach, ...], cause: int, *, runaway: str = "") -> None:
        now, monotonic_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        denial = OrderDenied(
            client_order_id=order.client_order_id, ts_event=now, ts_recv=now, order=order, breaches=breaches
        )
        if cause == 0 and any(breach.code in _PASSING for breach in breaches):
            # Asked for at a tick, and held back by what an operator or the market will end: no fault of the strategy.
            # A wish that answers a refusal is one: it could go on without an end.
            self._repeats.uncount(order)
            if self._held_back.full(order.strategy_id, monotonic_ns):
                self._denials.say(denial)  # counted there; journal and strategy have had enough of them this minute
                return
            self._held_back.count(order.strategy_id, monotonic_ns)
        else:
            self._refusals.count(order.strategy_id, monotonic_ns)
        if self._journal.shortage is None:  # what room there is belongs to orders that are out
            cause = self._journal.record(denial, cause=cause)
        self._strategies.put(
            OrderUpdate(strategy_id=order.strategy_id, report=denial, trade=None, cause=cause, runaway=runaway)
        )
        self._denials.say(denial)

    # -- what becomes of them -----------------------------------------------------------------------------------------

    def on_execution_update(self, execution_report: ExecutionReport, *, cause: int | None = None) -> None:
        """Fold one report into the books: journal first, then state, reservation, position, and those who listen.

        `cause` is 0 for a report that was made from a comparison with the venue.
        """
        state = self._books.orders.get(execution_report.client_order_id)
        if state is None:
            order_log.log_unheld(self._log, execution_report)
            self.reconciliation.ask_soon()
            return
        transition = apply_report(state, execution_report)
        if transition.state is state:
            if isinstance(execution_report, OrderCanceled) and not state.is_terminal:
                self.reconciliation.ask_soon()  # an execution was not heard, or a name is no more
            return
        # New terms change what may fill, as an intent does: they are durable before they leave.
        durable = isinstance(execution_report, ReplaceRequested)
        seq = self._journal.record(execution_report, cause=cause, durable=durable)
        if isinstance(execution_report, OrderRejected) and state.status is not OrderStatus.PENDING_CANCEL:
            self._refusals.count(state.order.strategy_id, self._clock.monotonic_ns())
        if isinstance(execution_report, OrderAccepted):
            self.reconciliation.record_clock_skew(state.order.ts_created, execution_report.ts_event)
        self._books.orders.put(transition.state)
        self._ledger.reserve(transition.state)
        if isinstance(execution_report, CancelRequested | ReplaceRequested):
            self.reconciliation.in_flight.commanded(state.client_order_id)
        self.reconciliation.in_flight.changed(transition.state)
        if transition.trade is not None:
            self._book_trade(transition.trade, transition.state, execution_report)
        if transition.changed:
            owner, trade = state.order.strategy_id, transition.trade
            self._strategies.put(OrderUpdate(strategy_id=owner, report=execution_report, trade=trade, cause=seq))
            order_log.log_report(self._log, execution_report, transition.state)
        if transition.charge is not None:
            self._ledger.charge(transition.charge)
        if transition.state.is_terminal:
            self._kill_switch.forget(state.client_order_id)
            self._cancel_when_named.discard(state.client_order_id)
        anomalies.handle_anomaly(transition, self._books, self, self._log)
        self._after_change(transition.state)

    def _book_trade(self, trade: Trade, state: OrderState, report: ExecutionReport) -> None:
        key = trade.strategy_id, trade.symbol
        before = self._books.portfolio.lines.get(key, Position())
        self._ledger.update_trade(trade)
        self._books.note_fill(report)
        self._log.log_trade(trade, state, Fill(trade, state, before, self._books.portfolio.lines[key]))

    def _after_change(self, state: OrderState) -> None:
        order_id = state.client_order_id
        if order_id in self._cancel_when_named and state.venue_order_id is not None:
            self._cancel_when_named.discard(order_id)
            self.request_cancel(order_id)
        self._plans.on_change(state, self)
        self._winding.go_on()

    # -- cancels ------------------------------------------------------------------------------------------------------

    def _cancel_for_strategy(self, signal: CancelSignal) -> None:
        if self._plans.owner_of(signal.client_order_id) == signal.strategy_id:
            self.cancel_order(signal.client_order_id)

    def cancel_order(self, order_id: ClientOrderId) -> bool:
        """Ask for a cancel of one order, or end a plan; False when there is no such thing."""
        return self._plans.on_cancel_requested(order_id, self) or self.request_cancel(order_id)

    def request_cancel(self, order_id: ClientOrderId) -> bool:
        """Ask for a cancel of one order, whether or not the journal takes it; False when no such order is working."""
        state = self._books.orders.get(order_id)
        if state is None or state.is_terminal:
            return False
        now = self._clock.now_ns()
        try:
            self.on_execution_update(CancelRequested(client_order_id=order_id, ts_event=now, ts_recv=now))
        except JournalError as error:
            order_log.log_unwritten(self._log, error, state.order)
        if state.venue_order_id is None:
            self._cancel_when_named.add(order_id)  # asked for as soon as the venue has named it
        else:
            self._broker.cancel_order(order_id)
        return True

    def cancel_all(self, strategy_id: StrategyId | None = None, symbol: Symbol | None = None) -> int:
        """Ask for a cancel of every working order, or of those of a strategy or symbol; return how many."""
        self._plans.end_all(strategy_id, "all orders are being cancelled", symbol)
        scope, count = Scope(strategy_id, symbol), 0
        for state in self._books.orders.open:
            if scope.covers(state.order.strategy_id, state.order.symbol):
                count += self.request_cancel(state.client_order_id)
        return count

    def modify_order(self, order_id: ClientOrderId, new_order_details: OrderModification) -> ValidationResponse:
        """Ask for new terms of a working order, judged as if they came on top of the old ones."""
        state = self._books.orders.get(order_id)
        if state is None or state.status is not OrderStatus.ACCEPTED:
            return refuse(DenialCode.ORDER_NOT_WORKING, f"{order_id} is not working at the venue")
        instrument = self._factory.instrument_of(state.order.symbol)
        if breaches := replace_refusals(self._broker.model, state.terms, new_order_details, instrument.asset_class):
            return ValidationResponse(breaches=breaches)
        amendment = amend(state, new_order_details, instrument)
        replaced = state.open_quantity
        if state.order.leg not in CLOSING and is_sensible(
            amendment.candidate.quantity
        ):  # until the venue confirms, the old quantity may fill as well as the new one
            replaced = min(replaced, amendment.candidate.quantity)
        verdict = self._admission.judge(amendment.candidate, replaced=replaced)
        if verdict.approved:
            self.on_execution_update(amendment.request(order_id, self._clock.now_ns()))
            self._journal.after_commit(partial(self._replace, amendment, replaced, self._halts))
        return verdict

    @property
    def _halts(self) -> tuple[object, ...]:
        """What is halted now, to be compared with what is halted later."""
        return self._risk.halted, tuple(self._books.halted_symbols), tuple(self._books.halted_scopes)

    def _replace(
        self, amendment: Amendment, replaced: Decimal, halts: tuple[object, ...], error: JournalError | None
    ) -> None:
        """Ask the broker for new terms, now that the request is committed, unless something has changed meanwhile."""
        order = amendment.candidate
        state = self._books.orders.get(order.client_order_id)
        if error is not None:
            order_log.log_not_sent(self._log, error, order)
            return
        if state is None or state.is_terminal:
            return
        reason = None
        if state.status is not OrderStatus.PENDING_REPLACE:
            reason = "the order has changed before the new terms had left"
        elif order.leg not in CLOSING and self._halts != halts:
            reason = self._risk.halted_for(order, self._books.portfolio, replaced=replaced)
        if reason is None:
            self._broker.modify_order(order.client_order_id, amendment.details)
        else:
            now = self._clock.now_ns()
            self.on_execution_update(
                ReplaceRefused(client_order_id=order.client_order_id, reason=reason, ts_event=now, ts_recv=now)
            )

    def _modify_for_strategy(self, signal: ModifySignal) -> None:
        state = self._books.orders.get(signal.client_order_id)
        if state is None or state.order.strategy_id != signal.strategy_id:
            return
        verdict = self.modify_order(signal.client_order_id, signal.details)
        if verdict.approved:
            return
        # Told and not booked: the order goes on as it was.
        runaway = self._refused_too_often(signal.strategy_id)
        self._refusals.count(signal.strategy_id, self._clock.monotonic_ns())
        reason, now = "; ".join(breach.message for breach in verdict.breaches), self._clock.now_ns()
        report = ReplaceRefused(client_order_id=signal.client_order_id, reason=reason, ts_event=now, ts_recv=now)
        stops = "" if runaway is None else runaway.breaches[0].message
        self._strategies.put(OrderUpdate(strategy_id=signal.strategy_id, report=report, trade=None, runaway=stops))
        order_log.log_kept(self._log, state.order, reason, verdict.breaches)

    def _cancel_openings_of_retired(self) -> None:
        """Once a run: cancel what retired strategies had resting that could open or add; exits stay."""
        if self._openings_cancelled or not self.reconciliation.reconciled:
            return
        self._openings_cancelled = True
        for strategy_id in sorted(self._admission.retired):
            self._plans.close_entries(strategy_id)
            for state in self._books.orders.open:
                left = msgspec.structs.replace(state.order, quantity=state.open_quantity)
                if left.strategy_id == strategy_id and self._admission.opens(left, state.open_quantity):
                    self.request_cancel(state.client_order_id)

    # -- flattening ---------------------------------------------------------------------------------------------------

    def flatten(self, scope: Scope = ACCOUNT) -> None:
        """Cancel every order and close every position of a scope; passes a halt, since it can only reduce."""
        self._winding.flatten(self, scope)

    def books_version(self) -> int:
        """Counts what entered the books."""
        return self.reconciliation.books_version

    @property
    def closing(self) -> tuple[Scope, ...]:
        """What is being flattened now."""
        return self._winding.closing

    def wind_down(self, policies: Mapping[StrategyId, StopPolicy]) -> None:
        """Do what a stop does for each strategy; `wound_down` tells when nothing of it is under way any more."""
        self._winding.wind_down(policies, self)

    @property
    def wound_down(self) -> bool:
        """True when no order that a stop was to cancel or to close with is working."""
        return self._winding.done

    def close_position(self, strategy_id: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        """Send what closes a strategy's position at market, unless it is less than the venue takes."""
        order = self._factory.build(
            strategy_id,
            symbol,
            Side.SELL if quantity > 0 else Side.BUY,
            quantity=abs(quantity),
            terms=OrderTerms(),
            trace_id=TraceId(f"{TRACE}{self._books.run}/{strategy_id}/{symbol}"),
        )
        if order.quantity >= self._factory.instrument_of(symbol).min_quantity:
            self._kill_switch.let_pass(order.client_order_id, HALT, STOP)
            self._send(order)

    # -- what is not ours ---------------------------------------------------------------------------------------------

    def _on_foreign_order(self, event: ForeignOrderEvent) -> None:
        order_log.log_foreign(self._log, event.order)
        self.reconciliation.ask_soon()

    def adopt(self, adoption: OrderAdopted) -> None:
        """Take in an order that works at the venue and is not ours."""
        self._journal.record(adoption, durable=True)
        self._books.apply(adoption)
        self.reconciliation.books_changed()
        self._broker.adopt_order(adoption.venue_order_id, adoption.order.client_order_id)

    def adjust(self, adjustment: PositionAdjusted | CashAdjusted) -> None:
        """Take in a difference of positions or cash that no order of ours explains."""
        self._ledger.adjust(adjustment)
        self.reconciliation.books_changed()

    def halt_symbol(self, symbol: Symbol, reason: str) -> None:
        """Let only orders leave that reduce the position of a symbol."""
        self._risk.halt_symbol(symbol, reason)

    def cancel_resting(self, symbol: Symbol) -> None:
        """Ask for a cancel of what rests or waits in a symbol at a price that no longer means what it did."""
        self._plans.end_all(None, f"the prices of {symbol} have another meaning now", symbol, alarm=True)
        for state in self._books.orders.open:
            if state.order.symbol == symbol and state.terms.order_type is not OrderType.MARKET:
                self.request_cancel(state.client_order_id)
