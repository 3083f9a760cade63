"""The plans that run: which there are, when each is looked at, and how what it asks for is done.

Part of the execution engine, apart from it so that each can be read on its own. Owns the plans of the books. A plan is
looked at after a report about an order in its symbol, a price that it waits for, a beat of the clock, and once the
books were compared with the venue. Its orders take the way of every other; its start is in the journal before them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, assert_never

import msgspec

from tradingd.core.books import Books
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, PlanId, StrategyId, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Breach, DenialCode, Order, OrderModification, OrderTerms, Side, ValidationResponse
from tradingd.core.plans.drafting import Venue, draft, draft_protection
from tradingd.core.plans.records import (
    CLOSING,
    EXITS,
    STOP,
    Armed,
    Held,
    Patience,
    Plan,
    PlanEnded,
    PlanStarted,
    PlanState,
    Split,
    moved,
)
from tradingd.core.plans.step import needs_prices, open_exits, step
from tradingd.core.plans.view import (
    Cancel,
    CloseEntry,
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
from tradingd.runtime.admission import refuse
from tradingd.runtime.clock import Clock
from tradingd.runtime.order_builder import OrderBuilder
from tradingd.runtime.ports import EventLog, Journal, LatestData
from tradingd.runtime.price_watch import PriceWatch, prices_of

MODULE = "execution_engine"
PAUSE_NS = NS_PER_SECOND
"""Least time between two equal wishes of a plan, and between two marks in the journal."""
MOST_STEPS = 8
"""Looks at a plan in a row: each may make the next one possible, and a circle must not close."""
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

    def place(self, order: Order, *, closes: bool) -> tuple[Breach, ...]:
        """Let an order leave by the gate that all pass, or say why not."""
        ...

    def take_back(self, order_id: ClientOrderId) -> bool:
        """Ask for a cancel."""
        ...

    def modify_order(self, order_id: ClientOrderId, new_order_details: OrderModification) -> ValidationResponse:
        """Ask for new terms."""
        ...


class PlanKeeper:
    """Keeper of the plans of one account."""

    def __init__(
        self,
        *,
        books: Books,
        journal: Journal,
        log: EventLog,
        clock: Clock,
        builder: OrderBuilder,
        model: Callable[[], BrokerModel],
        watch: PriceWatch,
        latest: LatestData,
        patience: Mapping[StrategyId, Patience],
        limits: Callable[[Order], ValidationResponse],
        ready: Callable[[], bool],
    ) -> None:
        self._books = books
        self._journal = journal
        self._log = log
        self._clock = clock
        self._builder = builder
        self._model = model
        self._watch = watch
        self._latest = latest
        self._patience = patience
        self._limits = limits
        self._ready = ready
        self._resting = False
        self._looking: set[Symbol] = set()
        self._again: set[Symbol] = set()
        self._marks: dict[PlanId, PlanState] = {}
        """Plans whose marks have moved since the journal heard of them."""
        self._asked: dict[tuple[PlanId, object], int] = {}
        self._kept_ns: dict[PlanId, int] = {}

    # -- from a signal to a plan --------------------------------------------------------------------------------------

    def consider(self, signal: TradingSignal, order: Order) -> Plan | ValidationResponse | None:
        """Make the plan that a signal needs: None for a signal that is one order, a refusal for one that cannot be.

        A plan has the name that the order would have had.
        """
        patience = self._patience.get(order.strategy_id)
        special = signal.protection or signal.algorithm or signal.then or patience
        if special is None and not self._is_beyond_the_venue(order):
            return None
        plan = draft(signal, order, PlanId(order.client_order_id), self._venue(order.symbol), patience)
        if isinstance(plan, Plan) and self._latest(order.symbol) is None:
            return refuse(DenialCode.PRICE_MISSING, f"no good price of {order.symbol} has been seen yet")
        if isinstance(plan, Plan) and isinstance(plan.way, Armed | Split):
            verdict = self._limits(order)  # its orders leave later, or in parts: what cannot be is said now
            return plan if verdict.approved else verdict
        return plan

    def _is_beyond_the_venue(self, order: Order) -> bool:
        model = self._model()
        crosses = self._books.portfolio.quantity(order.symbol) * order.side.sign < 0 and model.splits_zero_crossing
        return crosses or not model.supports(order.terms, self._builder.instrument_of(order.symbol).asset_class)

    def closing_order(self, signal: OcoSignal) -> Order:
        """What closing the position of a wish for protection would be; it is never sent."""
        held = self._books.portfolio.quantity_of(signal.strategy_id, signal.symbol)
        return self._builder.build(
            signal.strategy_id,
            signal.symbol,
            Side.SELL if held > 0 else Side.BUY,
            quantity=abs(held),
            terms=OrderTerms(),
            trace_id=signal.trace_id,
        )

    def protect(self, signal: OcoSignal, order: Order, desk: PlanDesk) -> ValidationResponse:
        """Protect a position as a strategy wishes, in place of an earlier such wish."""
        held = self._books.portfolio.quantity_of(signal.strategy_id, signal.symbol)
        plan = draft_protection(signal, order, PlanId(order.client_order_id), self._venue(signal.symbol), held)
        if isinstance(plan, ValidationResponse):
            return plan
        for state in self._of_strategy(signal.strategy_id):
            if state.plan.symbol == signal.symbol and isinstance(state.plan.way, Held):
                self.end(state, "another one takes its place", desk)
        self.begin(plan, signal.cause, desk)
        return ValidationResponse()

    def _venue(self, symbol: Symbol) -> Venue:
        return Venue(
            model=self._model(),
            instrument=self._builder.instrument_of(symbol),
            account=self._books.portfolio.quantity(symbol),
            working=self._books.orders.open,
        )

    def begin(self, plan: Plan, cause: int, desk: PlanDesk) -> None:
        """Begin to pursue a plan."""
        entry = PlanStarted(plan=plan)
        self._journal.record(entry, durable=True, cause=cause)
        self._books.apply(entry)
        kind = type(plan.way).__name__.lower()
        self._say(Level.INFO, LogEvent.PLAN_STARTED, f"{kind}: {plan.side} {plan.quantity:f} {plan.symbol}", plan)
        self._look(plan.symbol, desk)

    # -- when plans are looked at -------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Begin nothing more in this run: the daemon is stopping, and the next run goes on."""
        self._resting = True

    def on_change(self, order: OrderState, desk: PlanDesk) -> None:
        """Go on after something happened to an order; one outside of all plans may still change what is held."""
        self.look_at(order.order.symbol, desk)

    def look_at(self, symbol: Symbol, desk: PlanDesk) -> None:
        """Look at the plans of a symbol."""
        if self._books.plans:
            self._look(symbol, desk)

    def look_around(self, desk: PlanDesk) -> None:
        """Look at every plan: time passed, or the books were compared with the venue."""
        for symbol in dict.fromkeys(state.plan.symbol for state in self._books.plans.values()):
            self._look(symbol, desk)

    def _look(self, symbol: Symbol, desk: PlanDesk) -> None:
        if self._resting or not self._ready():
            return
        if symbol in self._looking:
            self._again.add(symbol)  # a step's own doings are followed up after it
            return
        self._looking.add(symbol)
        try:
            self._attend(symbol)
            prices = self._watch.take(symbol) or prices_of(self._latest(symbol))
            for _ in range(MOST_STEPS):
                self._again.discard(symbol)
                for state in [state for state in self._books.plans.values() if state.plan.symbol == symbol]:
                    self._step(self._marks.get(state.plan.plan_id, state), prices, desk)
                if symbol not in self._again:
                    break
                prices = prices.settled()
            self._attend(symbol)
        finally:
            self._looking.discard(symbol)

    def _attend(self, symbol: Symbol) -> None:
        """Watch the prices of a symbol exactly while some plan waits for one."""
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
        view = PlanView(
            now=self._clock.now_ns(),
            prices=prices,
            held=portfolio.quantity_of(plan.strategy_id, plan.symbol),
            others=leaving - open_exits(orders, plan.side.opposite),
            account=portfolio.quantity(plan.symbol),
            instrument=self._builder.instrument_of(plan.symbol),
        )
        for action in step(state, orders, view):
            if plan.plan_id not in self._books.plans:
                return
            self._do(self._current(plan), action, desk)

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
                    desk.take_back(order_id)
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
        order = self._builder.build(
            plan.strategy_id,
            plan.symbol,
            action.side,
            quantity=action.quantity,
            terms=action.terms,
            trace_id=plan.trace_id,
            plan_id=plan.plan_id,
            leg=action.leg,
        )
        breaches = desk.place(order, closes=closes)
        if not breaches or plan.plan_id not in self._books.plans:
            return
        reason = "; ".join(breach.message for breach in breaches)
        state = self._current(plan)
        if closes and all(breach.code in _PASSING for breach in breaches):
            return
        if action.leg == STOP and not state.stop_watched:
            self._watch_stop(state, reason)
            return
        self.end(state, f"its {action.leg} was refused: {reason}", desk, alarm=closes)

    def _watch_stop(self, state: PlanState, reason: str) -> None:
        self._say(Level.ERROR, LogEvent.PLAN_ALARM, f"the stop does not rest, it is watched here: {reason}", state.plan)
        self._move(msgspec.structs.replace(state, stop_watched=True))

    def _move(self, state: PlanState, *, at_once: bool = True) -> None:
        """Take a plan's progress; marks alone go into the journal once a second at most."""
        plan_id, now = state.plan.plan_id, self._clock.monotonic_ns()
        if not at_once and now - self._kept_ns.get(plan_id, -PAUSE_NS) < PAUSE_NS:
            self._marks[plan_id] = state
            return
        entry = moved(state)
        self._journal.record(entry, durable=at_once)
        self._books.apply(entry)
        self._marks.pop(plan_id, None)
        self._kept_ns[plan_id] = now
        if at_once:
            self._again.add(state.plan.symbol)

    # -- ends ---------------------------------------------------------------------------------------------------------

    def end(self, state: PlanState, reason: str, desk: PlanDesk | None, *, alarm: bool = False) -> None:
        """Pursue a plan no longer, and have its orders cancelled; the end comes before the cancels."""
        plan = state.plan
        entry = PlanEnded(plan_id=plan.plan_id, reason=reason)
        self._journal.record(entry)
        self._books.apply(entry)
        self._marks.pop(plan.plan_id, None)
        self._kept_ns.pop(plan.plan_id, None)
        self._asked = {key: asked for key, asked in self._asked.items() if key[0] != plan.plan_id}
        level, event = (Level.ERROR, LogEvent.PLAN_ALARM) if alarm else (Level.INFO, LogEvent.PLAN_ENDED)
        self._say(level, event, reason, plan)
        self._attend(plan.symbol)
        if desk is not None:
            for order in self._books.orders.of_plan(plan.plan_id):
                if not order.is_terminal and order.order.leg != "then":
                    desk.take_back(order.client_order_id)

    def end_all(
        self, strategy_id: StrategyId | None, reason: str, symbol: Symbol | None = None, *, alarm: bool = False
    ) -> None:
        """Pursue no plan, or none of one strategy or symbol; whoever asks cancels the orders."""
        for state in self._of_strategy(strategy_id):
            if symbol in (None, state.plan.symbol):
                self.end(state, reason, None, alarm=alarm)

    def taken_back(self, order_id: ClientOrderId, desk: PlanDesk) -> bool:
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
        if order.order.leg != "then" and not state.entry_over:
            self._move(msgspec.structs.replace(self._current(state.plan), entry_over=True))
        return False

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
            {"plan_id": plan.plan_id, "way": type(plan.way).__name__.lower()},
            event=event,
            module=MODULE,
            strategy_id=plan.strategy_id,
            symbol=plan.symbol,
        )
