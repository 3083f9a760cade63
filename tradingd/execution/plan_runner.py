"""The plans that run: which there are, when each is looked at, and how what it asks for is done.

Part of the execution engine, apart from it so that each can be read on its own. Owns the plans of the books. A plan is
looked at after a report about an order in its symbol, a price that it waits for, a beat of the clock, and once the
books were compared with the venue. Its orders take the way of every other; its start is in the journal before them.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol, assert_never

import msgspec

from tradingd.core.identifiers import ClientOrderId, PlanId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Breach, DenialCode, Order, OrderModification, ValidationResponse
from tradingd.core.plans.records import (
    CLOSING,
    EXITS,
    ExistingPosition,
    Leg,
    Plan,
    PlanEnded,
    PlanMoved,
    PlanStarted,
    PlanState,
    TargetPosition,
    moved,
)
from tradingd.core.plans.step import needs_prices, open_exits, step
from tradingd.core.plans.targeting import approach, entering, peers_of, pursued, still_to_leave
from tradingd.core.plans.view import (
    Cancel,
    CloseEntry,
    CloseOtherEntries,
    End,
    Modify,
    Move,
    Place,
    PlanAction,
    PlanView,
    Prices,
    ReachStop,
    WatchStop,
)
from tradingd.core.signals import OcoSignal, TradingSignal
from tradingd.errors import JournalError
from tradingd.execution.order_factory import OrderFactory
from tradingd.execution.plan_drafts import PlanDrafts
from tradingd.execution.price_watch import PriceWatch, prices_of
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.ports import LatestData

MODULE = "execution_engine"
PAUSE_NS = NS_PER_SECOND
"""Minimum time between two equal requests of a plan, and between two marks in the journal."""
MAX_STEPS = 8
"""Evaluations of a plan in a row: each may make the next step possible, but never without end."""
_PASSING = frozenset(
    {
        DenialCode.HALTED,
        DenialCode.SYMBOL_HALTED,
        DenialCode.STOPPING,
        DenialCode.NOT_RECONCILED,
        DenialCode.DISK_SPACE,
        DenialCode.ORDER_RATE,
        DenialCode.PRICE_STALE,
        DenialCode.PRICE_MISSING,
    }
)
"""Refusals after which an exit is tried again: the position still needs it."""


class PlanDesk(Protocol):
    """What plans ask of the execution engine."""

    def place(self, order: Order, *, cause: int) -> tuple[Breach, ...]:
        """Let an order leave by the gate that all pass, or say why not."""
        ...

    def request_cancel(self, order_id: ClientOrderId) -> bool:
        """Ask for a cancel."""
        ...

    def modify_order(self, order_id: ClientOrderId, new_order_details: OrderModification) -> ValidationResponse:
        """Ask for new terms."""
        ...


class PlanRunner:
    """Keeper of the plans of one account."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        factory: OrderFactory,
        drafts: PlanDrafts,
        watch: PriceWatch,
        latest: LatestData,
        ready: Callable[[], bool],
    ) -> None:
        self._books = kernel.books
        self._journal = kernel.journal
        self._log = kernel.log
        self._clock = kernel.clock
        self._factory = factory
        self.drafts = drafts
        self._watch = watch
        self._latest = latest
        self._ready = ready
        self._suspended = False
        self._evaluating: set[Symbol] = set()
        self._evaluate_again: set[Symbol] = set()
        self._marks: dict[PlanId, PlanState] = {}
        """Plans whose marks have moved since the journal heard of them."""
        self._asked: dict[tuple[PlanId, object], int] = {}
        self._recorded_ns: dict[PlanId, int] = {}
        self._unrecorded: list[PlanEnded | PlanMoved] = []
        self._last: dict[PlanId, int] = {}
        """Number of the journal's last entry about each plan: what its next step follows from."""

    # -- beginnings ---------------------------------------------------------------------------------------------------

    def protect(self, signal: OcoSignal, order: Order, desk: PlanDesk) -> ValidationResponse:
        """Protect a position as a strategy wishes, in place of an earlier such wish."""
        plan = self.drafts.protection(signal, order)
        if isinstance(plan, ValidationResponse):
            return plan
        for state in self._of_strategy(signal.strategy_id):
            if state.plan.symbol == signal.symbol and isinstance(state.plan.method, ExistingPosition):
                self.end(state, "another one takes its place", desk)
        self.begin(plan, signal.cause, desk)
        return ValidationResponse()

    def missing(self, signal: TradingSignal, goal: Decimal) -> Decimal | None:
        """What one order is to bring of a target, signed; None where nothing is to be done.

        A target takes the place of an earlier one, whose order works on and is counted. Where one order is not enough
        (something has to be cancelled first, or zero to be crossed) it is what the whole plan is for.
        """
        strategy_id, symbol = signal.strategy_id, signal.symbol
        before = pursued(self._books.plans, strategy_id, symbol)
        if before is not None:
            assert isinstance(before.plan.method, TargetPosition)
            if before.plan.method.goal == goal:
                return None
            self.end(before, f"a target of {goal:f} takes its place", None)
        held = self._books.portfolio.quantity_of(strategy_id, symbol)
        look = approach(goal, held, self._peers(strategy_id, symbol))
        if self.is_direct(strategy_id, symbol, goal):
            return look.quantity or None
        return goal - held

    def is_direct(self, strategy_id: StrategyId, symbol: Symbol, goal: Decimal) -> bool:
        """True for a target that one order brings, or none; otherwise it takes a plan."""
        held = self._books.portfolio.quantity_of(strategy_id, symbol)
        look = approach(goal, held, self._peers(strategy_id, symbol))
        return look.is_direct and held * goal >= 0 and not entering(self._books.plans, strategy_id, symbol)

    def release_target(self, strategy_id: StrategyId, symbol: Symbol) -> None:
        """Release a strategy's target: the strategy trades the symbol itself."""
        before = pursued(self._books.plans, strategy_id, symbol)
        if before is not None:
            self.end(before, "the strategy trades the symbol itself", None)

    def begin(self, plan: Plan, cause: int, desk: PlanDesk) -> None:
        """Begin to pursue a plan."""
        self._record_late()  # the end of what it takes the place of comes before it
        entry = PlanStarted(plan=plan)
        self._last[plan.plan_id] = self._journal.record(entry, durable=True, cause=cause)
        self._books.apply(entry)
        what = f"{plan.method_name}: {plan.side} {plan.quantity:f} {plan.symbol}"
        if isinstance(plan.method, TargetPosition):
            what = (
                f"target {plan.method.goal:f} {plan.symbol}: what could carry the position past it is cancelled first"
            )
        self._say(Level.INFO, LogEvent.PLAN_STARTED, what, plan)
        self._evaluate_now(plan.symbol, desk)

    # -- when plans are looked at -------------------------------------------------------------------------------------

    def suspend(self) -> None:
        """Begin nothing more in this run: the daemon is stopping, and the next run goes on."""
        self._suspended = True

    def on_change(self, order: OrderState, desk: PlanDesk) -> None:
        """Go on after something happened to an order; one outside of all plans may still change what is held."""
        self.evaluate(order.order.symbol, desk)

    def evaluate(self, symbol: Symbol, desk: PlanDesk) -> None:
        """Evaluate the plans of a symbol."""
        if self._books.plans:
            self._evaluate_now(symbol, desk)

    def evaluate_all(self, desk: PlanDesk) -> None:
        """Evaluate every plan: time passed, or the books were compared with the venue."""
        self._record_late()
        for symbol in dict.fromkeys(state.plan.symbol for state in self._books.plans.values()):
            self._evaluate_now(symbol, desk)

    def _evaluate_now(self, symbol: Symbol, desk: PlanDesk) -> None:
        if self._suspended or not self._ready():
            return
        if symbol in self._evaluating:
            self._evaluate_again.add(symbol)  # a step's own doings are followed up after it
            return
        self._evaluating.add(symbol)
        try:
            self._subscribe_prices(symbol)
            prices = self._watch.take(symbol) or prices_of(self._latest(symbol))
            for _ in range(MAX_STEPS):
                self._evaluate_again.discard(symbol)
                for state in [state for state in self._books.plans.values() if state.plan.symbol == symbol]:
                    self._step(self._marks.get(state.plan.plan_id, state), prices, desk)
                if symbol not in self._evaluate_again:
                    break
                prices = prices.settled()
            self._subscribe_prices(symbol)
        finally:
            self._evaluating.discard(symbol)

    def _subscribe_prices(self, symbol: Symbol) -> None:
        """Subscribe to the prices of a symbol exactly while some plan waits for one."""
        if any(state.plan.symbol == symbol and needs_prices(state) for state in self._books.plans.values()):
            self._watch.follow(symbol, self._clock.now_ns(), self._latest(symbol))
        else:
            self._watch.leave(symbol)

    def _step(self, state: PlanState, prices: Prices, desk: PlanDesk) -> None:
        plan = state.plan
        portfolio, orders = self._books.portfolio, self._books.orders.of_plan(plan.plan_id)
        exposure = portfolio.open_exposure_of(plan.strategy_id, plan.symbol)
        selling = plan.side.sign > 0
        leaving = exposure.sell_quantity if selling else exposure.buy_quantity
        held = portfolio.quantity_of(plan.strategy_id, plan.symbol)
        others = leaving - open_exits(orders, plan.side.opposite)
        target = pursued(self._books.plans, plan.strategy_id, plan.symbol)
        is_target = isinstance(plan.method, TargetPosition)
        if target is not None and not is_target and held * plan.side.sign > 0:
            others += self._claimed_by(target, held)
        view = PlanView(
            now=self._clock.now_ns(),
            prices=prices,
            held=held,
            others=others,
            account=portfolio.quantity(plan.symbol),
            instrument=self._factory.instrument_of(plan.symbol),
            peers=self._peers(plan.strategy_id, plan.symbol, plan.plan_id) if is_target else (),
            entering=is_target and bool(entering(self._books.plans, plan.strategy_id, plan.symbol)),
        )
        for action in step(state, orders, view):
            if plan.plan_id not in self._books.plans:
                return
            self._do(self._current(plan), action, desk)

    def _claimed_by(self, target: PlanState, held: Decimal) -> Decimal:
        """What a target will still take from a position: other plans' exits leave that much alone."""
        method = target.plan.method
        assert isinstance(method, TargetPosition)
        return still_to_leave(method.goal, held, self._books.orders.of_plan(target.plan.plan_id))

    def _peers(self, strategy_id: StrategyId, symbol: Symbol, besides: PlanId | None = None) -> tuple[OrderState, ...]:
        return peers_of(self._books.orders.open, strategy_id, symbol, besides)

    def _current(self, plan: Plan) -> PlanState:
        return self._marks.get(plan.plan_id) or self._books.plans[plan.plan_id]

    # -- what they ask for --------------------------------------------------------------------------------------------

    def _do(self, state: PlanState, action: PlanAction, desk: PlanDesk) -> None:
        plan = state.plan
        match action:
            case Place():
                self._place(plan, action, desk)
            case Cancel(order_id=order_id):
                if self._may_ask(plan, (Cancel, order_id)):
                    desk.request_cancel(order_id)
            case Modify(order_id=order_id, details=details):
                if self._may_ask(plan, (order_id, details)):
                    desk.modify_order(order_id, details)
            case Move(entry_mark=entry_mark, stop_mark=stop_mark):
                new = msgspec.structs.replace(
                    state, entry_mark=entry_mark or state.entry_mark, stop_mark=stop_mark or state.stop_mark
                )
                self._move(new, at_once=False)
            case CloseEntry():
                self._move(msgspec.structs.replace(state, entry_over=True))
            case CloseOtherEntries():
                for other in entering(self._books.plans, plan.strategy_id, plan.symbol):
                    self._move(msgspec.structs.replace(self._current(other.plan), entry_over=True))
            case ReachStop():
                self._move(msgspec.structs.replace(state, stop_reached=True))
            case WatchStop():
                self._watch_stop(state, "the venue refused it")
            case End(reason=reason, alarm=alarm):
                self.end(state, reason, desk, alarm=alarm)
            case _:
                assert_never(action)

    def _may_ask(self, plan: Plan, wish: object) -> bool:
        """Ask for the same thing once a second at most: what refused it has to have time to show why."""
        now, key = self._clock.monotonic_ns(), (plan.plan_id, wish)
        if now - self._asked.get(key, -PAUSE_NS) < PAUSE_NS:
            return False
        self._asked[key] = now
        return True

    def _place(self, plan: Plan, action: Place, desk: PlanDesk) -> None:
        closes = action.leg in CLOSING
        if closes and not self._may_ask(plan, action.leg):
            return
        if not closes and self._latest(plan.symbol) is None:
            return  # a new run may look before the market has been heard of
        if action.alarm:
            self._say(Level.ERROR, LogEvent.PLAN_ALARM, action.alarm, plan)
        order = self._factory.build(
            plan.strategy_id,
            plan.symbol,
            action.side,
            quantity=action.quantity,
            terms=action.terms,
            trace_id=plan.trace_id,
            plan_id=plan.plan_id,
            leg=action.leg,
        )
        breaches = desk.place(order, cause=self._last.get(plan.plan_id, 0))
        if not breaches or plan.plan_id not in self._books.plans:
            return
        reason = "; ".join(breach.message for breach in breaches)
        state = self._current(plan)
        if closes and all(breach.code in _PASSING for breach in breaches):
            return
        if action.leg == Leg.STOP and not state.stop_watched:
            self._watch_stop(state, reason)
            return
        self.end(state, f"its {action.leg} was refused: {reason}", desk, alarm=closes)

    def _watch_stop(self, state: PlanState, reason: str) -> None:
        self._say(Level.ERROR, LogEvent.PLAN_ALARM, f"the stop does not rest, it is watched here: {reason}", state.plan)
        self._move(msgspec.structs.replace(state, stop_watched=True))

    def _move(self, state: PlanState, *, at_once: bool = True) -> None:
        """Take a plan's progress; marks alone go into the journal once a second at most."""
        plan_id, now = state.plan.plan_id, self._clock.monotonic_ns()
        if not at_once and now - self._recorded_ns.get(plan_id, -PAUSE_NS) < PAUSE_NS:
            self._marks[plan_id] = state
            return
        entry = moved(state)
        self._last[plan_id] = self._journal.record(entry, durable=at_once, cause=self._last.get(plan_id, 0))
        self._books.apply(entry)
        self._marks.pop(plan_id, None)
        self._recorded_ns[plan_id] = now
        if at_once:
            self._evaluate_again.add(state.plan.symbol)

    # -- ends ---------------------------------------------------------------------------------------------------------

    def end(self, state: PlanState, reason: str, desk: PlanDesk | None, *, alarm: bool = False) -> None:
        """Pursue a plan no longer, and have its orders cancelled; the end comes before the cancels."""
        plan = state.plan
        self._record_or_defer(PlanEnded(plan_id=plan.plan_id, reason=reason), plan)
        self._marks.pop(plan.plan_id, None)
        self._recorded_ns.pop(plan.plan_id, None)
        self._last.pop(plan.plan_id, None)
        self._asked = {key: asked for key, asked in self._asked.items() if key[0] != plan.plan_id}
        level, event = (Level.ERROR, LogEvent.PLAN_ALARM) if alarm else (Level.INFO, LogEvent.PLAN_ENDED)
        self._say(level, event, reason, plan)
        self._subscribe_prices(plan.symbol)
        if desk is not None:
            for order in self._books.orders.of_plan(plan.plan_id):
                if not order.is_terminal and order.order.leg != Leg.THEN:
                    desk.request_cancel(order.client_order_id)

    def end_all(
        self, strategy_id: StrategyId | None, reason: str, symbol: Symbol | None = None, *, alarm: bool = False
    ) -> None:
        """Pursue no plan, or none of one strategy or symbol; whoever asks cancels the orders."""
        for state in self._of_strategy(strategy_id):
            if symbol in (None, state.plan.symbol):
                self.end(state, reason, None, alarm=alarm)

    def close_entries(self, strategy_id: StrategyId) -> None:
        """Send nothing more that a strategy's plans come by a position with; what reduces and protects goes on."""
        for state in self._of_strategy(strategy_id):
            plan = state.plan
            leaves = self._books.portfolio.quantity_of(strategy_id, plan.symbol) * plan.side.sign < 0
            if not (state.entry_over or leaves or isinstance(plan.method, ExistingPosition | TargetPosition)):
                self._move(msgspec.structs.replace(self._current(state.plan), entry_over=True))

    def on_cancel_requested(self, order_id: ClientOrderId, desk: PlanDesk) -> bool:
        """Follow a cancel that somebody asked for; True when nothing is left to cancel.

        Of a plan's name it ends the plan, and of one of its exits too. Of its entry it ends the entry: what has filled
        stays protected.
        """
        state = self._books.plans.get(PlanId(order_id))
        if state is not None:
            self.end(state, "taken back", desk)
            return True
        order = self._books.orders.get(order_id)
        state = None if order is None else self._books.plans.get(order.order.plan_id)
        if state is None or order is None or order.is_terminal:
            return False
        if order.order.leg in EXITS:
            self.end(state, f"its {order.order.leg} was taken back", desk)
            return True
        if order.order.leg != Leg.THEN and not state.entry_over:
            over = msgspec.structs.replace(self._current(state.plan), entry_over=True)
            self._record_or_defer(moved(over), over.plan)
            self._marks.pop(over.plan.plan_id, None)
        return False

    def _record_or_defer(self, entry: PlanEnded | PlanMoved, plan: Plan) -> None:
        """Record an end, later if the journal cannot take it now: a cancel never waits for it."""
        try:
            self._journal.record(entry, cause=self._last.get(plan.plan_id, 0))
        except JournalError as error:
            self._unrecorded.append(entry)
            self._say(Level.CRITICAL, LogEvent.JOURNAL_UNWRITABLE, f"it ends all the same, unrecorded: {error}", plan)
        self._books.apply(entry)

    def _record_late(self) -> None:
        """Write what the journal did not take when it happened: a restart must not take a plan up that has ended."""
        while self._unrecorded:
            try:
                self._journal.record(self._unrecorded[0])
            except JournalError:
                return
            del self._unrecorded[0]

    def owner_of(self, name: ClientOrderId) -> StrategyId | None:
        """Whose order or plan a name belongs to, None for a name that there is not."""
        state = self._books.plans.get(PlanId(name))
        if state is not None:
            return state.plan.strategy_id
        order = self._books.orders.get(name)
        return None if order is None else order.order.strategy_id

    def _of_strategy(self, strategy_id: StrategyId | None) -> Iterator[PlanState]:
        for state in list(self._books.plans.values()):
            if strategy_id in (None, state.plan.strategy_id):
                yield state

    def _say(self, level: Level, event: LogEvent, message: str, plan: Plan) -> None:
        self._log.log_event(
            level,
            message,
            {"plan_id": plan.plan_id, "way": plan.method_name},
            event=event,
            module=MODULE,
            strategy_id=plan.strategy_id,
            symbol=plan.symbol,
        )
