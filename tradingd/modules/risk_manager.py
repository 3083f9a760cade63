"""Risk manager: says no to an order, and stop to everything.

Owns: the halt, and the limits. Reads: the portfolio, the last good prices, the record of equity. Emits: halts. Never:
waits, and never forgets a halt: it is in the journal before it is in force.
"""

from decimal import Decimal

from tradingd.core.books import Books
from tradingd.core.entries import HaltEngaged, HaltReleased
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import reference_price
from tradingd.core.orders import Breach, DenialCode, Order, ValidationResponse
from tradingd.core.portfolio import PortfolioState
from tradingd.core.risk import MarketView, OrderRate, RiskRules, validate
from tradingd.core.risk_metrics import (
    ReturnStatistics,
    RiskAssessment,
    RiskInputs,
    RiskLimits,
    RiskMetrics,
    assess,
    return_statistics,
)
from tradingd.runtime.channel import Inbox
from tradingd.runtime.clock import Clock
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import AgeOf, EventLog, InstrumentOf, Journal, LatestData


class RiskManager(Module[ClockTick]):
    """Keeper of the limits."""

    name = "risk_manager"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        *,
        books: Books,
        rules: RiskRules,
        limits: RiskLimits,
        latest: LatestData,
        age_of: AgeOf,
        instrument_of: InstrumentOf,
        journal: Journal,
        log: EventLog,
        clock: Clock,
        annualisation_days: int,
    ) -> None:
        super().__init__(inbox)
        self._books = books
        self._rules = rules
        self._limits = limits
        self._latest = latest
        self._age_of = age_of
        self._instrument_of = instrument_of
        self._journal = journal
        self._log = log
        self._clock = clock
        self._annualisation_days = annualisation_days
        self._rate = OrderRate(rules.max_orders_per_minute)
        self._assessment: RiskAssessment | None = None
        self._past: ReturnStatistics | None = None
        self._days_measured: tuple[Decimal, ...] | None = None

    @property
    def halted(self) -> str | None:
        """Why trading is halted, None when it is not."""
        return None if self._books.halt is None else self._books.halt.reason

    def validate_order(self, order: Order, portfolio_state: PortfolioState) -> ValidationResponse:
        """Judge an order against every pre-trade limit; an approved order counts against the order rate."""
        halt = self._books.halt
        if halt is not None:
            breach = Breach(code=DenialCode.HALTED, message=f"trading is halted: {halt.reason}")
            return ValidationResponse(breaches=(breach,))
        now = self._clock.monotonic_ns()
        latest = self._latest(order.symbol)
        market = MarketView(
            instrument=self._instrument_of(order.symbol),
            price=None if latest is None else Decimal(repr(reference_price(latest))),
            age_ns=self._age_of(order.symbol),
        )
        verdict = validate(order, portfolio_state, self._rules, market, rate_full=self._rate.full(now))
        if verdict.approved:
            self._rate.count(now)
        return verdict

    def assess_portfolio_risk(self, portfolio_state: PortfolioState) -> RiskAssessment:
        """Measure the account's risk and compare it with its limits."""
        gross, net = portfolio_state.exposure()
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

    def get_current_risk_metrics(self) -> RiskMetrics:
        """The figures of the latest assessment, made now if there is none."""
        assessment = self._assessment or self.assess_portfolio_risk(self._books.portfolio)
        return assessment.metrics

    def halt(self, reason: str, operator: str) -> None:
        """Stop new orders, across restarts, until an operator resumes; a second halt changes nothing."""
        if self._books.halt is not None:
            return
        entry = HaltEngaged(reason=reason, operator=operator)
        self._journal.record(entry, durable=True)
        self._books.halt = entry
        self._log.log_event(
            Level.CRITICAL,
            f"trading is halted: {reason}; no new order leaves until `tradingd resume`",
            {"operator": operator, "open_orders": self._books.orders.open_count},
            event=LogEvent.RISK_HALTED,
            module=self.name,
        )

    def resume(self, operator: str) -> None:
        """Let trading go on, quarantined strategies included."""
        entry = HaltReleased(operator=operator)
        self._journal.record(entry, durable=True)
        self._books.apply(entry)
        self._log.log_event(
            Level.WARNING,
            "trading is resumed",
            {"operator": operator},
            event=LogEvent.RISK_RESUMED,
            module=self.name,
        )

    def handle(self, event: ClockTick) -> None:
        """Assess the account; a breached limit halts trading."""
        if self._books.account is None:
            return
        assessment = self.assess_portfolio_risk(self._books.portfolio)
        if assessment.breaches and self._books.halt is None:
            self.halt("; ".join(breach.message for breach in assessment.breaches), operator="risk_manager")
