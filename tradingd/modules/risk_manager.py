"""Risk manager: says no to an order, and stop to everything.

Owns: the halt, and the limits. Reads: the portfolio, the last good prices, the record of equity. Emits: halts. Never:
waits, and never forgets a halt: it is in force at once, and in the journal as soon as that can be written.
"""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from tradingd.core.entries import HaltEngaged, HaltReleased, ScopeHalted, ScopeReleased, SymbolHalted
from tradingd.core.identifiers import Symbol
from tradingd.core.limit_table import LimitTable, limit_table
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import reference_price
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, Breach, DenialCode, Order, ValidationResponse
from tradingd.core.portfolio import PortfolioState
from tradingd.core.risk import MarketView, OrderRate, RiskRules, reduces, reduces_own, reducible, validate
from tradingd.core.risk_metrics import (
    ReturnStatistics,
    RiskAssessment,
    RiskInputs,
    RiskLimits,
    RiskMetrics,
    assess,
    return_statistics,
)
from tradingd.core.scopes import Scope
from tradingd.errors import JournalError
from tradingd.runtime.inbox import Inbox
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.kill_switch import HALT
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import MarketLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskConfig:
    """Frozen for a run."""

    rules: RiskRules
    limits: RiskLimits
    annualisation_days: int


class RiskManager(Module[ClockTick]):
    """Keeper of the limits."""

    name = "risk_manager"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        kernel: Kernel,
        config: RiskConfig,
        *,
        market: MarketLookup,
    ) -> None:
        super().__init__(inbox)
        self._books = kernel.books
        self._journal = kernel.journal
        self._log = kernel.log
        self._clock = kernel.clock
        self._kill_switch = kernel.kill_switch
        self._rules = config.rules
        self._limits = config.limits
        self._annualisation_days = config.annualisation_days
        self._market = market
        self._rate = OrderRate(config.rules.max_orders_per_minute)
        self._unwritten: HaltEngaged | None = None
        """A halt that is in force and that the journal did not take: tried again at every beat."""
        self._unwritten_scopes: list[ScopeHalted] = []
        self._assessment: RiskAssessment | None = None
        self._past: ReturnStatistics | None = None
        self._days_measured: tuple[Decimal, ...] | None = None

    def initialize(self) -> None:
        """Go on being halted where the journal says so."""
        if self._books.halt is not None:
            self._kill_switch.close(HALT, self._books.halt.reason)

    @property
    def halted(self) -> str | None:
        """Why trading is halted, None when it is not."""
        halt = self._books.halt or self._unwritten
        return None if halt is None else halt.reason

    def validate_order(
        self, order: Order, portfolio_state: PortfolioState, *, replaced: Decimal = ZERO
    ) -> ValidationResponse:
        """Judge an order against every pre-trade limit; an approved order counts against the order rate.

        An order that can only reduce the account's position passes halts and limits, and one that can only reduce its
        strategy's position passes a halt of that strategy; what it passes stands as waived in the answer. `replaced` is
        the open quantity that it takes the place of.
        """
        only_reduces = reduces(order, portfolio_state, replaced=replaced)
        halts = self._halts(order)
        if barred := self._barring(halts, order, portfolio_state, replaced):
            way_out = self._way_out(order, portfolio_state, replaced)
            barred[-1] = msgspec.structs.replace(barred[-1], message=f"{barred[-1].message} ({way_out})")
            return ValidationResponse(breaches=tuple(barred))
        now = self._clock.monotonic_ns()
        latest = self._market.latest(order.symbol)
        market = MarketView(
            instrument=self._market.instrument(order.symbol),
            price=None if latest is None else Decimal(repr(reference_price(latest))),
            age_ns=self._market.age_ns(order.symbol),
        )
        verdict = validate(
            order,
            portfolio_state,
            self._rules,
            market,
            rate_full=self._rate.full(now, only_reduces=only_reduces),
            only_reduces=only_reduces,
        )
        if verdict.approved:
            self._rate.count(now)
        if halts:
            verdict = msgspec.structs.replace(verdict, waived=(*(breach for breach, _ in halts), *verdict.waived))
        return verdict

    def halted_for(self, order: Order, portfolio_state: PortfolioState, *, replaced: Decimal = ZERO) -> str | None:
        """Why a halt bars an order now, None when none does; nothing is counted."""
        barred = self._barring(self._halts(order), order, portfolio_state, replaced)
        return "; ".join(breach.message for breach in barred) or None

    @staticmethod
    def _barring(
        halts: list[tuple[Breach, bool]], order: Order, portfolio_state: PortfolioState, replaced: Decimal
    ) -> list[Breach]:
        """The halts that an order does not pass: it passes those whose position it can only reduce."""
        if not halts:
            return []
        own = reduces_own(order, portfolio_state, replaced=replaced)
        account = reduces(order, portfolio_state, replaced=replaced)
        return [breach for breach, of_strategy in halts if not (own if of_strategy else account)]

    def _halts(self, order: Order) -> list[tuple[Breach, bool]]:
        """Every halt that is in force for an order, and whether it is one of the order's strategy."""
        halts = []
        if (reason := self.halted) is not None:
            halts.append((Breach(code=DenialCode.HALTED, message=f"trading is halted: {reason}"), False))
        if (closed := self._books.halted_symbols.get(order.symbol)) is not None:
            message = f"{order.symbol} is halted: {closed.reason}"
            halts.append((Breach(code=DenialCode.SYMBOL_HALTED, message=message), False))
        for scope, entry in self._books.halted_scopes.items():
            if scope.covers(order.strategy_id, order.symbol):
                message = f"{scope} is halted by {entry.operator}: {entry.reason}"
                halts.append((Breach(code=DenialCode.SCOPE_HALTED, message=message), scope.strategy_id is not None))
        return halts

    @staticmethod
    def _way_out(order: Order, portfolio_state: PortfolioState, replaced: Decimal) -> str:
        """How much of an order that a halt refuses would pass."""
        held, open_orders = portfolio_state.quantity(order.symbol), portfolio_state.open_exposure(order.symbol)
        free = reducible(order.side, held, open_orders, replaced)
        return f"{order.side} of up to {free:f} would pass as a reduction" if free else "nothing is left to reduce"

    def assess_portfolio_risk(self, portfolio_state: PortfolioState) -> RiskAssessment:
        """Measure the account's risk and compare it with its limits."""
        gross, net = portfolio_state.counted_gross(), portfolio_state.exposure()[1]
        track = self._books.equity
        equity = portfolio_state.cash + net
        if track.daily is not self._days_measured:
            self._days_measured = track.daily
            self._past = return_statistics(track.daily, days_per_year=self._annualisation_days)
        self._assessment = assess(
            RiskInputs(
                ts=self._clock.now_ns(),
                equity=equity,
                peak_equity=equity if track.peak is None else max(track.peak, equity),
                day_open_equity=equity if track.day_open is None else track.day_open,
                gross_exposure=gross,
                net_exposure=net,
                margin_multiplier=self._rules.max_leverage,
                daily_equity=track.daily,
            ),
            self._limits,
            days_per_year=self._annualisation_days,
            past=self._past,
        )
        return self._assessment

    def limits(self) -> LimitTable:
        """Every limit beside what it limits, as it is now."""
        books = self._books
        return limit_table(
            books.portfolio,
            self._rules,
            self._limits,
            self.assess_portfolio_risk(books.portfolio).metrics,
            open_orders=books.orders.open,
            sent_last_minute=self._rate.sent(self._clock.monotonic_ns()),
        )

    def get_current_risk_metrics(self) -> RiskMetrics:
        """The figures of the latest assessment, made now if there is none."""
        assessment = self._assessment or self.assess_portfolio_risk(self._books.portfolio)
        return assessment.metrics

    def halt(self, reason: str, operator: str) -> bool:
        """Stop new orders, across restarts, until an operator resumes; a second halt changes nothing and is False."""
        if self.halted is not None:
            return False
        self._kill_switch.close(HALT, reason)
        self._unwritten = HaltEngaged(reason=reason, operator=operator)
        written = self._write_halt()
        self._log.log_event(
            Level.CRITICAL,
            f"trading is halted: {reason}; no new order leaves until `tradingd resume`"
            + ("" if written else "; THE JOURNAL COULD NOT BE WRITTEN: so far a restart would not know of the halt"),
            {"operator": operator, "open_orders": self._books.orders.open_count},
            event=LogEvent.RISK_HALTED,
            module=self.name,
        )
        return True

    def _write_halt(self) -> bool:
        """Put every halt that is in force into the journal; False while the journal does not take it."""
        try:
            if self._unwritten is not None:
                self._journal.record(self._unwritten, durable=True)
                self._books.halt, self._unwritten = self._unwritten, None
            while self._unwritten_scopes:
                self._journal.record(self._unwritten_scopes[0], durable=True)
                del self._unwritten_scopes[0]
        except JournalError:
            return False
        return True

    def halt_scope(self, scope: Scope, reason: str, operator: str) -> bool:
        """Let only reductions leave of a strategy, in a symbol, or both; a second halt changes nothing and is False."""
        if scope in self._books.halted_scopes:
            return False
        entry = ScopeHalted(strategy_id=scope.strategy_id, symbol=scope.symbol, reason=reason, operator=operator)
        self._books.apply(entry)
        self._unwritten_scopes.append(entry)
        self._hold_back(scope, f"{scope} is halted: {reason}")
        written = self._write_halt()
        self._log.log_event(
            Level.CRITICAL,
            f"{scope} is halted: {reason}; only orders that reduce a position leave until `tradingd resume`"
            + ("" if written else "; THE JOURNAL COULD NOT BE WRITTEN: so far a restart would not know of the halt"),
            {"operator": operator},
            event=LogEvent.RISK_SCOPE_HALTED,
            module=self.name,
            strategy_id=scope.strategy_id,
            symbol=scope.symbol,
        )
        return True

    def _hold_back(self, scope: Scope, reason: str) -> None:
        """Keep what was approved and has not left from leaving; what reduces a position may."""
        for state in self._books.orders.open:
            order = state.order
            is_new = state.status is OrderStatus.PENDING_SUBMIT and scope.covers(order.strategy_id, order.symbol)
            passes = reduces if scope.strategy_id is None else reduces_own
            if is_new and not passes(order, self._books.portfolio, replaced=state.open_quantity):
                self._kill_switch.hold(state.client_order_id, reason)

    def resume_scope(self, scope: Scope, operator: str) -> None:
        """Let exactly this go on: what an operator halted, a symbol after a correction, a quarantined strategy."""
        entry = ScopeReleased(strategy_id=scope.strategy_id, symbol=scope.symbol, operator=operator)
        self._journal.record(entry, durable=True)
        self._unwritten_scopes = [halted for halted in self._unwritten_scopes if halted.scope != scope]
        self._books.apply(entry)
        self._log.log_event(
            Level.WARNING,
            f"{scope} is resumed",
            {"operator": operator},
            event=LogEvent.RISK_RESUMED,
            module=self.name,
            strategy_id=scope.strategy_id,
            symbol=scope.symbol,
        )

    def halt_symbol(self, symbol: Symbol, reason: str) -> None:
        """Let only orders leave that reduce the position of a symbol; a second halt of it changes nothing."""
        if symbol in self._books.halted_symbols:
            return
        entry = SymbolHalted(symbol=symbol, reason=reason)
        self._journal.record(entry, durable=True)
        self._books.apply(entry)
        self._hold_back(Scope(symbol=symbol), f"{symbol} is halted: {reason}")
        self._log.log_event(
            Level.ERROR,
            f"{symbol} is halted: {reason}; only orders that reduce its position leave until `tradingd resume`",
            event=LogEvent.RISK_SYMBOL_HALTED,
            module=self.name,
            symbol=symbol,
        )

    def resume(self, operator: str) -> None:
        """Let trading go on, in halted symbols and by quarantined strategies too."""
        entry = HaltReleased(operator=operator)
        self._journal.record(entry, durable=True)
        self._books.apply(entry)
        self._unwritten = None
        self._unwritten_scopes.clear()
        self._kill_switch.open(HALT)
        self._log.log_event(
            Level.WARNING,
            "trading is resumed",
            {"operator": operator},
            event=LogEvent.RISK_RESUMED,
            module=self.name,
        )

    def handle(self, event: ClockTick) -> None:
        """Assess the account at each beat; a breached limit halts trading."""
        self._write_halt()
        self.check_limits()

    def check_limits(self) -> None:
        """Halt trading if a limit of the account is broken now."""
        if self._books.account is None:
            return
        assessment = self.assess_portfolio_risk(self._books.portfolio)
        if assessment.breaches and self.halted is None:
            self.halt("; ".join(breach.message for breach in assessment.breaches), operator="risk_manager")
