"""One strategy's side of the strategy engine: the context that it calls, and what is kept for it."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import msgspec

from tradingd.core.books import Books
from tradingd.core.identifiers import ClientOrderId, PlanId, Symbol
from tradingd.core.instruments import is_sensible
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import PriceBar
from tradingd.core.orders import ZERO, OrderModification, OrderTerms, SignalAction
from tradingd.core.plans.records import TargetPosition
from tradingd.core.plans.step import resting_exits, to_come
from tradingd.core.plans.targeting import approach, entering, peers_of, pursued
from tradingd.core.signals import PLAIN, CancelSignal, ModifySignal, Protection, StrategySignal, Work
from tradingd.runtime.clock import Clock
from tradingd.runtime.events import StrategyFailed
from tradingd.runtime.inbox import Outlet
from tradingd.runtime.ports import EventLog
from tradingd.strategies.base import Strategy
from tradingd.strategies.inputs import require_decimals, require_keepable

BARS_KEPT = 500
MIN_TIMER_NS = 1_000_000
"""A timer is due a millisecond from now or later: one that sets itself anew must let time pass, in a replay as well."""


class HostEngine(Protocol):
    """What a host asks of the engine."""

    name: ClassVar[str]
    books: Books
    clock: Clock
    log: EventLog
    signals: Outlet[StrategySignal | StrategyFailed]
    timers_used: bool

    def emit(
        self,
        host: "StrategyHost",
        symbol: Symbol,
        action: SignalAction,
        quantity: Decimal,
        *,
        terms: OrderTerms,
        reason: str,
        work: Work = PLAIN,
    ) -> None:
        """Send a signal."""
        ...

    def protect(self, host: "StrategyHost", symbol: Symbol, protection: Protection) -> None:
        """Send a wish for protection."""
        ...


class _Timer:
    __slots__ = ("at_ns", "every_ns")

    def __init__(self, at_ns: int, every_ns: int | None) -> None:
        self.at_ns = at_ns
        self.every_ns = every_ns


class StrategyHost:
    """One strategy's side of the engine: the context it calls, and what is kept for it."""

    def __init__(self, engine: HostEngine, strategy: Strategy[Any], interval_ns: int) -> None:
        self.strategy = strategy
        self.interval_ns = interval_ns
        self.wants_ticks = type(strategy).on_tick is not Strategy.on_tick
        self.running = False
        self.started = False
        self.timers: dict[str, _Timer] = {}
        self.saved: dict[str, Any] = {}
        self.unsaved: dict[str, Any] | None = None
        """State that has changed and can be kept; None while there is none."""
        self.emitted: dict[Symbol, Decimal] = {}
        self.targets: dict[Symbol, Decimal] = {}
        """The target of the last signal, for as long as the execution engine has not taken it."""
        self.warmup = strategy.warmup
        kept = max(BARS_KEPT, self.warmup)
        self.history: dict[Symbol, deque[PriceBar]] = {symbol: deque(maxlen=kept) for symbol in strategy.symbols}
        self._engine = engine

    def look_at_state(self) -> None:
        """Take over a state that has changed; raises for one that cannot be kept. Its values are the strategy's own."""
        state = self.strategy.state
        if state != self.saved:
            require_keepable(state)
            self.unsaved = dict(state)

    def now(self) -> int:
        return self._engine.clock.now_ns()

    def position(self, symbol: Symbol) -> Decimal:
        return self._engine.books.portfolio.quantity_of(self.strategy.id, symbol)

    def working(self, symbol: Symbol) -> Decimal:
        books = self._engine.books
        target = pursued(books.plans, self.strategy.id, symbol)
        if target is not None and isinstance(target.plan.method, TargetPosition):
            return self.emitted.get(symbol, ZERO) + target.plan.method.goal - self.position(symbol)
        reserved = books.portfolio.open_exposure_of(self.strategy.id, symbol)
        count = self.emitted.get(symbol, ZERO) + reserved.buy_quantity - reserved.sell_quantity
        for state in books.plans.values():
            if state.plan.symbol == symbol and state.plan.strategy_id == self.strategy.id:
                orders = books.orders.of_plan(state.plan.plan_id)
                # What a plan will still send counts; exits that only work if the market comes to them do not.
                count += to_come(state, orders) - resting_exits(orders)
        return count

    def plans(self, symbol: Symbol) -> Sequence[PlanId]:
        return [
            plan_id
            for plan_id, state in self._engine.books.plans.items()
            if state.plan.symbol == symbol and state.plan.strategy_id == self.strategy.id
        ]

    def bars(self, symbol: Symbol, count: int) -> Sequence[PriceBar]:
        history = self.history[symbol]
        return list(history)[-count:] if count < len(history) else list(history)

    def emit(
        self,
        symbol: Symbol,
        action: SignalAction,
        quantity: Decimal,
        terms: OrderTerms,
        reason: str,
        *,
        work: Work = PLAIN,
    ) -> None:
        if action is not SignalAction.HOLD:
            self.targets.pop(symbol, None)  # the strategy has taken the position into its own hands
        self._engine.emit(self, symbol, action, quantity, terms=terms, reason=reason, work=work)

    def protect(self, symbol: Symbol, protection: Protection) -> None:
        self._engine.protect(self, symbol, protection)

    def set_target(self, symbol: Symbol, quantity: Decimal, reason: str) -> None:
        require_decimals(quantity)
        if not is_sensible(quantity):
            raise ValueError(f"a target position is a number below 10^18, not {quantity}")
        if self.targets.get(symbol) == quantity or (not self.emitted.get(symbol) and self._is_at(symbol, quantity)):
            return
        missing = quantity - self.position(symbol) - self.working(symbol)
        action = SignalAction.HOLD if not missing else SignalAction.BUY if missing > 0 else SignalAction.SELL
        self.targets[symbol] = quantity
        self._engine.emit(
            self, symbol, action, abs(missing), terms=OrderTerms(), reason=reason, work=Work(target=quantity)
        )

    def _is_at(self, symbol: Symbol, goal: Decimal) -> bool:
        """True where a target asks for nothing: it is pursued already, or all there is leads to it."""
        books, owner = self._engine.books, self.strategy.id
        state = pursued(books.plans, owner, symbol)
        if state is not None:
            return state.plan.method == TargetPosition(goal=goal)
        if entering(books.plans, owner, symbol):
            return False
        held = self.position(symbol)
        look = approach(goal, held, peers_of(books.orders.open, owner, symbol))
        return look.is_direct and not look.quantity and held * goal >= 0

    def cancel(self, client_order_id: ClientOrderId) -> None:
        self._engine.signals.put(
            CancelSignal(strategy_id=self.strategy.id, client_order_id=client_order_id, ts_event=self.now())
        )

    def modify(self, client_order_id: ClientOrderId, details: OrderModification) -> None:
        require_decimals(
            details.quantity, details.limit_price, details.stop_price, details.trail_amount, details.trail_percent
        )
        self._engine.signals.put(
            ModifySignal(
                strategy_id=self.strategy.id,
                client_order_id=client_order_id,
                details=details,
                ts_event=self.now(),
            )
        )

    def set_timer(self, name: str, at_ns: int, every_ns: int | None) -> None:
        if not isinstance(at_ns, int) or not (every_ns is None or (isinstance(every_ns, int) and every_ns > 0)):
            raise ValueError(f"a timer has a time in ns and steps above zero, not {at_ns!r} and {every_ns!r}")
        steps = None if every_ns is None else max(every_ns, MIN_TIMER_NS)
        self.timers[name] = _Timer(max(at_ns, self.now() + MIN_TIMER_NS), steps)
        self._engine.timers_used = True

    def cancel_timer(self, name: str) -> None:
        self.timers.pop(name, None)

    def say(self, message: str, details: dict[str, object]) -> None:
        self._engine.log.log_event(
            Level.INFO,
            message,
            # Rendered here, behind the strategy's wall, and as it is now.
            msgspec.json.decode(msgspec.json.encode(details, enc_hook=str)),
            event=LogEvent.STRATEGY_MESSAGE,
            module=self._engine.name,
            strategy_id=self.strategy.id,
        )
