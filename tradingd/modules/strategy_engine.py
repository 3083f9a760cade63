"""Strategy engine: runs the strategies, each behind its own wall.

Owns: the strategies, their bars, timers and saved state. Reads: market data, order updates, the clock. Emits: signals
to the execution engine. Never: lets one strategy's exception reach another; never calls a strategy back about history.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from tradingd.core.entries import StrategyQuarantined, StrategyStateSaved
from tradingd.core.identifiers import StrategyId, Symbol, TraceId
from tradingd.core.instruments import is_sensible
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import MarketDataEvent, PriceBar
from tradingd.core.orders import (
    ZERO,
    OrderFilled,
    OrderTerms,
    SignalAction,
)
from tradingd.core.signals import PLAIN, OcoSignal, Protection, StrategySignal, TradingSignal, Work
from tradingd.runtime.events import OrderUpdate, StrategyFailed
from tradingd.runtime.guard import Failure, guarded
from tradingd.runtime.inbox import Inbox, Outlet
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.module import ClockTick, Module
from tradingd.strategies.base import Strategy
from tradingd.strategies.callback_budget import CallbackBudget
from tradingd.strategies.host import StrategyHost
from tradingd.strategies.inputs import require_decimals

_UNHURRIED = frozenset({"on_start", "on_history", "on_stop"})
"""Callbacks outside trading, which may take their time."""

StrategyEvent: TypeAlias = MarketDataEvent | OrderUpdate | ClockTick


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedStrategy:
    """A strategy with what the settings say of how it is run."""

    strategy: Strategy[Any]
    interval_ns: int
    callback_budget_ns: int


class StrategyEngine(Module[StrategyEvent]):
    """Host of the strategies."""

    name = "strategy_engine"

    def __init__(
        self,
        inbox: Inbox[StrategyEvent],
        kernel: Kernel,
        strategies: Sequence[HostedStrategy],
        *,
        signals: Outlet[StrategySignal | StrategyFailed],
        log_signal: Callable[[TradingSignal], None],
    ) -> None:
        super().__init__(inbox)
        self.signals = signals
        self.books = kernel.books
        self.log = kernel.log
        self.clock = kernel.clock
        self._journal = kernel.journal
        self._log_signal = log_signal
        self._hosts: dict[StrategyId, StrategyHost] = {}
        self._bar_readers: dict[tuple[Symbol, int], list[StrategyHost]] = {}
        self._tick_readers: dict[Symbol, list[StrategyHost]] = {}
        self._paces: dict[StrategyId, CallbackBudget] = {}
        self._signals_made = 0
        self._cause = 0
        """Number of the journal's entry that the strategies are hearing of."""
        self.timers_used = False
        """Whether any strategy ever set a timer: most never do, and a replay asks at every event."""
        for hosted in strategies:
            strategy = hosted.strategy
            host = StrategyHost(self, strategy, hosted.interval_ns)
            self._hosts[strategy.id] = host
            self._paces[strategy.id] = CallbackBudget(strategy.id, hosted.callback_budget_ns, kernel.log)
            for symbol in strategy.symbols:
                self._bar_readers.setdefault((symbol, hosted.interval_ns), []).append(host)
                if host.wants_ticks:
                    self._tick_readers.setdefault(symbol, []).append(host)

    # -- life ---------------------------------------------------------------------------------------------------------

    def initialize(self) -> None:
        """Give each strategy back the state that the journal kept for it."""
        for strategy_id, host in self._hosts.items():
            saved = self.books.strategy_states.get(strategy_id)
            host.saved = dict(saved.state) if saved is not None else {}
            host.strategy.bind(host, dict(host.saved))
            host.running = strategy_id not in self.books.quarantined
            self._begin(host)

    def _begin(self, host: StrategyHost) -> None:
        if host.running and not host.started:
            host.started = True
            self._run(host, host.strategy.on_start)

    def wanted_history(self) -> list[tuple[Symbol, int, int]]:
        """How many bars of which symbol and length the strategies want to have seen."""
        wanted: dict[tuple[Symbol, int], int] = {}
        for host in self._hosts.values():
            for symbol in host.strategy.symbols:
                key = (symbol, host.interval_ns)
                wanted[key] = max(wanted.get(key, 0), host.warmup)
        return [(symbol, interval_ns, count) for (symbol, interval_ns), count in wanted.items() if count]

    def warm_up(self, symbol: Symbol, interval_ns: int, bars: Sequence[PriceBar]) -> None:
        """Show the strategies bars of the past: for indicators, not for decisions."""
        for host in self._bar_readers.get((symbol, interval_ns), ()):
            for bar in bars:
                host.history[symbol].append(bar)
                self._run(host, host.strategy.on_history, bar)

    def start(self) -> None:
        """Say which strategies run."""
        for host in self._hosts.values():
            self.log.log_event(
                Level.INFO if host.running else Level.WARNING,
                f"strategy {host.strategy.id} {'runs' if host.running else 'is quarantined'}"
                f" on {', '.join(host.strategy.symbols)}",
                {"class": type(host.strategy).__name__, "bars_seen": max(map(len, host.history.values()), default=0)},
                event=LogEvent.STRATEGY_STARTED,
                module=self.name,
                strategy_id=host.strategy.id,
            )

    def next_timer_ns(self) -> int | None:
        """When the next timer is due, None while none is set."""
        if not self.timers_used:
            return None
        return min((timer.at_ns for host in self._hosts.values() for timer in host.timers.values()), default=None)

    def stop(self) -> None:
        """Let each strategy say what it wants to keep."""
        for host in self._hosts.values():
            self._run(host, host.strategy.on_stop)
            self._save_state(host)

    def resume(self, strategy_id: StrategyId | None = None) -> None:
        """Let quarantined strategies run again, or one of them; the operator said so.

        One that was quarantined when the process started begins now, with the bars that it has missed as its history.
        """
        for host in self._hosts.values():
            if strategy_id not in (None, host.strategy.id):
                continue
            host.running = True
            if not host.started:
                self._begin(host)
                for bars in host.history.values():
                    for bar in bars:
                        self._run(host, host.strategy.on_history, bar)

    # -- events -------------------------------------------------------------------------------------------------------

    def handle(self, event: StrategyEvent) -> None:
        """Call back the strategies that an event concerns."""
        if isinstance(event, OrderUpdate):
            self._cause = event.cause
            self._on_order_update(event)
            self._cause = 0
        elif isinstance(event, ClockTick):
            self._fire_timers(event.now_ns)
        else:
            self.on_market_data(event)

    def on_market_data(self, data: MarketDataEvent) -> None:
        """Show a bar to those who read bars of its length, a tick to those who read ticks."""
        if isinstance(data, PriceBar):
            for host in self._bar_readers.get((data.symbol, data.interval_ns), ()):
                host.history[data.symbol].append(data)
                self._run(host, host.strategy.on_bar, data)
        else:
            for host in self._tick_readers.get(data.symbol, ()):
                self._run(host, host.strategy.on_tick, data)

    def _on_order_update(self, update: OrderUpdate) -> None:
        host = self._hosts.get(update.strategy_id)
        if host is None:
            return
        if update.trade is not None:
            self._run(host, host.strategy.on_fill, update.trade)
        elif not isinstance(update.report, OrderFilled):
            self._run(host, host.strategy.on_order, update.report)
        if update.runaway and host.running:
            self._quarantine(host, Failure(summary=update.runaway, where=()))
        self._save_state(host)

    def _fire_timers(self, now_ns: int) -> None:
        for host in self._hosts.values():
            for name, timer in list(host.timers.items()):
                if timer.at_ns > now_ns or host.timers.get(name) is not timer:
                    continue  # it is not due, or a callback before it has cancelled or moved it
                if timer.every_ns is None:
                    del host.timers[name]
                else:
                    timer.at_ns += timer.every_ns * ((now_ns - timer.at_ns) // timer.every_ns + 1)
                self._run(host, host.strategy.on_timer, name, now_ns)
                self._save_state(host)

    # -- the wall -----------------------------------------------------------------------------------------------------

    def _run(self, host: StrategyHost, call: Callable[..., None], *arguments: object) -> None:
        if not host.running:
            return
        began = self.clock.monotonic_ns()
        failure = guarded(call, *arguments)
        took = self.clock.monotonic_ns() - began
        pace = self._paces[host.strategy.id]
        if failure is None and took > pace.budget_ns > 0 and call.__name__ not in _UNHURRIED:
            failure = pace.over(call.__name__, took, began)
        if failure is not None:
            self._quarantine(host, failure)

    def _quarantine(self, host: StrategyHost, failure: Failure) -> None:
        host.running = False
        strategy_id = host.strategy.id
        entry = StrategyQuarantined(strategy_id=strategy_id, reason=failure.summary)
        self._journal.record(entry, cause=self._cause)
        self.books.quarantined[strategy_id] = entry
        self.log.log_event(
            Level.ERROR,
            f"strategy {strategy_id} is stopped: {failure.summary}; its orders are being cancelled, others trade on",
            {"where": list(failure.where)},
            event=LogEvent.STRATEGY_QUARANTINED,
            module=self.name,
            strategy_id=strategy_id,
        )
        self.signals.put(StrategyFailed(strategy_id=strategy_id))

    def _save_state(self, host: StrategyHost) -> None:
        self._run(host, host.look_at_state)
        if host.unsaved is None:
            return
        host.saved, host.unsaved = host.unsaved, None
        entry = StrategyStateSaved(strategy_id=host.strategy.id, state=host.saved)
        self._journal.record(entry, cause=self._cause)
        self.books.strategy_states[host.strategy.id] = entry

    # -- signals ------------------------------------------------------------------------------------------------------

    def emit(
        self,
        host: StrategyHost,
        symbol: Symbol,
        action: SignalAction,
        quantity: Decimal,
        *,
        terms: OrderTerms,
        reason: str,
        work: Work = PLAIN,
    ) -> None:
        """Send a signal and count it as working until the execution engine has taken it.

        Raises `TypeError`, in the strategy's own call, for a number that is no `Decimal`.
        """
        require_decimals(quantity, terms.limit_price, terms.stop_price, terms.trail_amount, terms.trail_percent)
        require_decimals(*work.figures)
        if terms.expires_ns is not None and type(terms.expires_ns) is not int:
            raise TypeError(f"the time that an order ends at is a number of ns, not {terms.expires_ns!r}")
        signal = TradingSignal(
            strategy_id=host.strategy.id,
            symbol=symbol,
            action=action,
            quantity=quantity,
            terms=terms,
            trace_id=self._name_signal(host),
            ts_event=self.clock.now_ns(),
            reason=reason,
            cause=self._cause,
            protection=work.protection,
            algorithm=work.algorithm,
            then=work.then,
            target=work.target,
            reduce_only=work.reduce_only,
        )
        if action is not SignalAction.HOLD and is_sensible(quantity):
            signed = quantity if action is SignalAction.BUY else -quantity
            host.emitted[symbol] = host.emitted.get(symbol, ZERO) + signed
        self.signals.put(signal)
        self._log_signal(signal)

    def protect(self, host: StrategyHost, symbol: Symbol, protection: Protection) -> None:
        """Send a wish for protection; raises as `emit` does."""
        require_decimals(*protection.figures)
        signal = OcoSignal(
            strategy_id=host.strategy.id,
            symbol=symbol,
            protection=protection,
            trace_id=self._name_signal(host),
            ts_event=self.clock.now_ns(),
            cause=self._cause,
        )
        self.signals.put(signal)

    def _name_signal(self, host: StrategyHost) -> TraceId:
        self._signals_made += 1
        return TraceId(f"{host.strategy.id}/{self.books.run}/{self._signals_made}")

    def signal_taken(self, signal: TradingSignal) -> None:
        """Stop counting a signal: it is an order now, or was refused."""
        host = self._hosts.get(signal.strategy_id)
        if host is not None and host.targets.get(signal.symbol) == signal.target:
            host.targets.pop(signal.symbol, None)
        if host is not None and signal.action is not SignalAction.HOLD and is_sensible(signal.quantity):
            signed = signal.quantity if signal.action is SignalAction.BUY else -signal.quantity
            host.emitted[signal.symbol] = host.emitted.get(signal.symbol, ZERO) - signed
