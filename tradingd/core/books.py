"""The books: everything that is durable, as one fold over the journal.

At start the fold is the whole memory of the program. While it runs, each part has one owner that changes it by the same
calls, right after the entry that says so has been written: orders by the execution engine, the portfolio by the
portfolio manager, halt and equity by the risk manager, strategies' state by the strategy engine.
"""

from collections.abc import Collection, Iterator

import msgspec

from tradingd.core.entries import (
    AccountOpened,
    CashAdjusted,
    ChangesAccepted,
    Declaration,
    EquitySampled,
    EquityTrack,
    HaltEngaged,
    HaltReleased,
    JournalEntry,
    MessageKept,
    OperatorCommand,
    OrderAdopted,
    OrderIntended,
    PositionAdjusted,
    RunStarted,
    RunStopped,
    ScopeHalted,
    ScopeReleased,
    Snapshot,
    StrategyQuarantined,
    StrategyStateSaved,
    StrategyTransferred,
    SymbolHalted,
)
from tradingd.core.flows import shift_equity
from tradingd.core.identifiers import ClientOrderId, PlanId, StrategyId, Symbol, VenueOrderId
from tradingd.core.market import DAY_NS
from tradingd.core.order_state import OrderState, OrderStatus, Transition, apply_report, intend
from tradingd.core.orders import ExecutionReport, OrderAccepted, OrderDenied, OrderFilled, Trade
from tradingd.core.plans.records import PlanEnded, PlanMoved, PlanStarted, PlanState
from tradingd.core.portfolio import PortfolioState
from tradingd.core.scopes import Scope
from tradingd.errors import InvariantBroken

DAYS_KEPT = 252
CASH = "cash"
"""What adjustments of cash are counted under."""


class OrderTable:
    """Orders by our id and by the venue's, the open ones apart."""

    def __init__(self) -> None:
        self._states: dict[ClientOrderId, OrderState] = {}
        self._open: dict[ClientOrderId, OrderState] = {}
        self._in_doubt: set[ClientOrderId] = set()
        self._by_venue_id: dict[VenueOrderId, ClientOrderId] = {}
        self._by_plan: dict[PlanId, dict[ClientOrderId, None]] = {}

    def __contains__(self, client_order_id: ClientOrderId) -> bool:
        return client_order_id in self._states

    def __iter__(self) -> Iterator[OrderState]:
        return iter(self._states.values())

    def __len__(self) -> int:
        return len(self._states)

    def get(self, client_order_id: ClientOrderId) -> OrderState | None:
        """The state of one order, None for an order that is not ours or was closed long ago."""
        return self._states.get(client_order_id)

    def named(self, text: str) -> tuple[ClientOrderId, ...]:
        """Orders with this id, or whose id ends with it after a dash: what lists show is enough to name one."""
        if ClientOrderId(text) in self._states:
            return (ClientOrderId(text),)
        return tuple(order_id for order_id in self._states if order_id.endswith(f"-{text}"))

    def by_venue_id(self, venue_order_id: VenueOrderId) -> OrderState | None:
        """The order that a venue id, current or superseded, belongs to."""
        client_order_id = self._by_venue_id.get(venue_order_id)
        return None if client_order_id is None else self._states.get(client_order_id)

    def of_plan(self, plan_id: PlanId) -> tuple[OrderState, ...]:
        """The orders of one plan, oldest first."""
        return tuple(self._states[order_id] for order_id in self._by_plan.get(plan_id, ()))

    @property
    def open(self) -> tuple[OrderState, ...]:
        """Every order that may still do something, oldest first."""
        return tuple(self._open.values())

    @property
    def open_count(self) -> int:
        """How many orders may still do something."""
        return len(self._open)

    def in_doubt(self, symbol: Symbol) -> OrderState | None:
        """An order in the symbol of which nobody knows what the venue made of it, None when there is none."""
        if self._in_doubt:
            for client_order_id in sorted(self._in_doubt):
                if self._states[client_order_id].order.symbol == symbol:
                    return self._states[client_order_id]
        return None

    def put(self, state: OrderState) -> None:
        """Store the state that a report made."""
        client_order_id = state.order.client_order_id
        self._states[client_order_id] = state
        if state.is_terminal:
            self._open.pop(client_order_id, None)
        else:
            self._open[client_order_id] = state
        if state.status is OrderStatus.UNKNOWN:
            self._in_doubt.add(client_order_id)
        else:
            self._in_doubt.discard(client_order_id)
        for venue_order_id in state.venue_order_ids:
            self._by_venue_id[venue_order_id] = client_order_id
        if state.order.plan_id:
            self._by_plan.setdefault(state.order.plan_id, {})[client_order_id] = None

    @property
    def fees_pending(self) -> int:
        """How many executions have a fee that the venue has not told yet."""
        return sum(len(state.fees_pending) for state in self._states.values() if state.fees_pending)

    def prune(self, before_ns: int, plans: Collection[PlanId] = ()) -> None:
        """Forget orders that ended before a time, but for those of plans that are still pursued."""
        for client_order_id, state in list(self._states.items()):
            if state.is_terminal and state.ts_updated < before_ns and state.order.plan_id not in plans:
                del self._states[client_order_id]
                self._by_plan.pop(state.order.plan_id, None)
                for venue_order_id in state.venue_order_ids:
                    self._by_venue_id.pop(venue_order_id, None)


def adopted_state(adoption: OrderAdopted) -> OrderState:
    """The state of an order found working at the venue: accepted, with what filled before taken as booked elsewhere."""
    order = adoption.order
    state = apply_report(
        intend(order),
        OrderAccepted(
            client_order_id=order.client_order_id,
            venue_order_id=adoption.venue_order_id,
            ts_event=order.ts_created,
            ts_recv=order.ts_created,
        ),
    ).state
    return msgspec.structs.replace(
        state, filled_quantity=adoption.already_filled, filled_before=adoption.already_filled
    )


def track_equity(track: EquityTrack, sample: EquitySampled) -> EquityTrack:
    """Follow the peak and the day's opening equity; a new trading day opens at the last equity of the day before."""
    day = sample.ts // DAY_NS if sample.day < 0 else sample.day
    peak = sample.equity if track.peak is None else max(track.peak, sample.equity)
    day_open, daily = track.day_open, track.daily
    if day_open is None or track.last is None:
        day_open = sample.equity
    elif day != track.day:
        day_open = track.last
        daily = (*daily, track.last)[-DAYS_KEPT:]
    return EquityTrack(peak=peak, day=day, day_open=day_open, last=sample.equity, daily=daily, marks=sample.marks)


class Books:
    """The fold and its parts."""

    def __init__(self) -> None:
        self.run = 0
        self.run_ended = True
        self.account: AccountOpened | None = None
        self.orders = OrderTable()
        self.portfolio = PortfolioState()
        self.halt: HaltEngaged | None = None
        self.halted_symbols: dict[Symbol, SymbolHalted] = {}
        self.halted_scopes: dict[Scope, ScopeHalted] = {}
        self.messages_kept = 0
        """How many messages of the venue could not be read."""
        self.corrections: dict[str, int] = {}
        """How many adjustments each symbol has had, and `cash`: the ordinal in the next one's name."""
        self.quarantined: dict[StrategyId, StrategyQuarantined] = {}
        self.strategy_states: dict[StrategyId, StrategyStateSaved] = {}
        self.equity = EquityTrack()
        self.plans: dict[PlanId, PlanState] = {}
        """Plans that are pursued, oldest first."""
        self.declared: Declaration | None = None
        """What runs were started with so far, of each strategy the last; None where no run has said it."""
        self.last_fill_ts = 0
        self.recovered_from_ts = 0
        """From when on the journal may have lost entries (bad ones were set aside); 0 once a run has ended in order."""

    def apply(self, entry: JournalEntry) -> Trade | None:
        """Take one entry in; return the trade that it made, if it made one."""
        match entry:
            case RunStarted():
                self._begin_run(entry)
            case RunStopped():
                self.run_ended = True
                self.recovered_from_ts = 0
            case AccountOpened():
                self.account = entry
                self.portfolio.open_account(entry.cash)
            case OrderIntended(order=order):
                state = intend(order)
                self.orders.put(state)
                self.portfolio.reserve(state)
            case OrderAdopted():
                state = adopted_state(entry)
                self.orders.put(state)
                self.portfolio.reserve(state)
            case OrderDenied() | OperatorCommand():
                pass
            case CashAdjusted() | PositionAdjusted():
                self._adjust(entry)
            case MessageKept():
                self.messages_kept += 1
            case HaltEngaged() | HaltReleased() | SymbolHalted() | ScopeHalted() | ScopeReleased():
                self._apply_halt(entry)
            case StrategyQuarantined():
                self.quarantined[entry.strategy_id] = entry
            case StrategyStateSaved():
                self.strategy_states[entry.strategy_id] = entry
            case ChangesAccepted() | StrategyTransferred():
                self._apply_change(entry)
            case EquitySampled():
                self.equity = track_equity(self.equity, entry)
                self.portfolio.marks.update(entry.marks)
            case PlanStarted() | PlanMoved() | PlanEnded():
                self._apply_to_plans(entry)
            case Snapshot():
                self._restore(entry)
            case _:
                return self.apply_execution(entry).trade
        return None

    def apply_execution(self, report: ExecutionReport) -> Transition:
        """Take in a report about an order that the books hold."""
        state = self.orders.get(report.client_order_id)
        if state is None:
            raise InvariantBroken(f"a report names order {report.client_order_id}, which the journal never intended")
        transition = apply_report(state, report)
        self.orders.put(transition.state)
        self.portfolio.reserve(transition.state)
        if transition.trade is not None:
            self.portfolio.apply(transition.trade)
            self.note_fill(report)
        if transition.charge is not None:
            self.portfolio.charge(transition.charge)
        return transition

    def _apply_to_plans(self, entry: PlanStarted | PlanMoved | PlanEnded) -> None:
        match entry:
            case PlanStarted(plan=plan):
                self.plans[plan.plan_id] = PlanState(plan=plan)
            case PlanMoved(plan_id=plan_id):
                if plan_id in self.plans:
                    self.plans[plan_id] = entry.apply_to(self.plans[plan_id])
            case PlanEnded(plan_id=plan_id):
                self.plans.pop(plan_id, None)

    def _apply_halt(self, entry: HaltEngaged | HaltReleased | SymbolHalted | ScopeHalted | ScopeReleased) -> None:
        match entry:
            case HaltEngaged():
                self.halt = entry
            case HaltReleased():
                self.halt = None
                self.halted_symbols.clear()
                self.halted_scopes.clear()
                self.quarantined.clear()
            case SymbolHalted(symbol=symbol):
                self.halted_symbols[symbol] = entry
            case ScopeHalted(scope=scope):
                self.halted_scopes[scope] = entry
            case ScopeReleased(scope=scope):
                self._release(scope)

    def _release(self, scope: Scope) -> None:
        self.halted_scopes.pop(scope, None)
        if scope.strategy_id is None and scope.symbol is not None:
            self.halted_symbols.pop(scope.symbol, None)
        if scope.symbol is None and scope.strategy_id is not None:
            self.quarantined.pop(scope.strategy_id, None)

    def _begin_run(self, started: RunStarted) -> None:
        self.run, self.run_ended = started.run, False
        self._declare(started.declared)
        if since := started.recovered_from_ts:
            self.recovered_from_ts = min(since, self.recovered_from_ts or since)

    def _apply_change(self, entry: ChangesAccepted | StrategyTransferred) -> None:
        match entry:
            case ChangesAccepted(declared=declared):
                self._declare(declared)
            case StrategyTransferred():
                self._transfer(entry)

    def _declare(self, declared: Declaration | None) -> None:
        """Take a declaration over; strategies that it does not name may still hold something."""
        if declared is None:
            return
        known = {} if self.declared is None else {one.strategy_id: one for one in self.declared.strategies}
        known |= {one.strategy_id: one for one in declared.strategies}
        self.declared = msgspec.structs.replace(declared, strategies=tuple(known[name] for name in sorted(known)))

    def _transfer(self, entry: StrategyTransferred) -> None:
        source, target = entry.source, entry.target
        for strategy_id, symbol in list(self.portfolio.lines):
            if entry.covers(strategy_id, symbol):
                self.portfolio.transfer(source, target, symbol)
        for state in list(self.orders):
            if entry.covers(state.order.strategy_id, state.order.symbol):
                theirs = msgspec.structs.replace(state.order, strategy_id=target)
                moved = msgspec.structs.replace(state, order=theirs)
                self.orders.put(moved)
                self.portfolio.reserve(moved)
        for plan_id, pursued in self.plans.items():
            if entry.covers(pursued.plan.strategy_id, pursued.plan.symbol):
                plan = msgspec.structs.replace(pursued.plan, strategy_id=target)
                self.plans[plan_id] = msgspec.structs.replace(pursued, plan=plan)
        if entry.symbol is None:
            self._transfer_the_rest(source, target)

    def _transfer_the_rest(self, source: StrategyId, target: StrategyId) -> None:
        """Hand over what belongs to no symbol; what the target has of its own stays."""
        saved = self.strategy_states.pop(source, None)
        if saved is not None:
            self.strategy_states.setdefault(target, msgspec.structs.replace(saved, strategy_id=target))
        quarantined = self.quarantined.pop(source, None)
        if quarantined is not None:
            self.quarantined.setdefault(target, msgspec.structs.replace(quarantined, strategy_id=target))
        for scope, halted in list(self.halted_scopes.items()):
            if scope.strategy_id == source:
                del self.halted_scopes[scope]
                moved = msgspec.structs.replace(halted, strategy_id=target)
                self.halted_scopes.setdefault(moved.scope, moved)
        if self.declared is not None:
            known = {one.strategy_id: one for one in self.declared.strategies}
            declared = known.pop(source, None)
            if declared is not None:
                own = known.get(target, msgspec.structs.replace(declared, strategy_id=target))
                symbols = tuple(dict.fromkeys((*own.symbols, *declared.symbols)))
                known[target] = msgspec.structs.replace(own, symbols=symbols)
            self.declared = msgspec.structs.replace(
                self.declared, strategies=tuple(known[name] for name in sorted(known))
            )

    def _adjust(self, entry: CashAdjusted | PositionAdjusted) -> None:
        name = CASH if isinstance(entry, CashAdjusted) else entry.symbol
        self.corrections[name] = self.corrections.get(name, 0) + 1
        self.equity = shift_equity(self.equity, entry)
        if isinstance(entry, CashAdjusted):
            self.portfolio.adjust_cash(entry.amount)
        else:
            self.portfolio.adjust_position(entry.strategy_id, entry.symbol, entry.quantity, entry.price, entry.contract)

    def note_fill(self, report: ExecutionReport) -> None:
        """Remember how far the venue's executions are known."""
        if isinstance(report, OrderFilled):
            self.last_fill_ts = max(self.last_fill_ts, report.ts_event)

    def snapshot(self) -> Snapshot:
        """Capture the whole fold."""
        return Snapshot(
            run=self.run,
            run_ended=self.run_ended,
            account=self.account,
            orders=tuple(self.orders),
            portfolio=self.portfolio.snapshot(),
            halt=self.halt,
            quarantined=tuple(self.quarantined.values()),
            strategy_states=tuple(self.strategy_states.values()),
            equity=self.equity,
            last_fill_ts=self.last_fill_ts,
            halted_symbols=tuple(self.halted_symbols.values()),
            halted_scopes=tuple(self.halted_scopes.values()),
            corrections=dict(self.corrections),
            messages_kept=self.messages_kept,
            recovered_from_ts=self.recovered_from_ts,
            plans=tuple(self.plans.values()),
            declared=self.declared,
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self.run = snapshot.run
        self.run_ended = snapshot.run_ended
        self.account = snapshot.account
        self.portfolio = PortfolioState(snapshot.portfolio)
        self.portfolio.marks.update(snapshot.equity.marks)
        self.orders = OrderTable()
        for state in snapshot.orders:
            self.orders.put(state)
            self.portfolio.reserve(state)
        self.halt = snapshot.halt
        self.quarantined = {entry.strategy_id: entry for entry in snapshot.quarantined}
        self.strategy_states = {entry.strategy_id: entry for entry in snapshot.strategy_states}
        self.equity = snapshot.equity
        self.last_fill_ts = snapshot.last_fill_ts
        self.halted_symbols = {entry.symbol: entry for entry in snapshot.halted_symbols}
        self.halted_scopes = {entry.scope: entry for entry in snapshot.halted_scopes}
        self.messages_kept = snapshot.messages_kept
        self.corrections = dict(snapshot.corrections)
        self.recovered_from_ts = snapshot.recovered_from_ts
        self.plans = {state.plan.plan_id: state for state in snapshot.plans}
        self.declared = snapshot.declared
