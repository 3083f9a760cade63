"""Portfolio manager: what the account holds and is worth.

Owns: the portfolio's part of the books and the record of equity. Reads: market data, for marks. Emits: equity samples
to the journal. Never: decides anything.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from tradingd.core.books import track_equity
from tradingd.core.entries import CashAdjusted, EquitySampled, PositionAdjusted
from tradingd.core.executions import FeeCharge
from tradingd.core.identifiers import Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent, reference_price
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Trade
from tradingd.core.performance import PerformanceReportData
from tradingd.core.portfolio import PortfolioState
from tradingd.core.trading_day import TradingDays
from tradingd.runtime.inbox import Inbox
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.module import ClockTick, Module

ALARM_PAUSE_NS = 10 * MINUTE_NS
FOR_EVER_NS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioConfig:
    """Frozen for a run."""

    sample_interval_ns: int
    days: TradingDays


class PortfolioManager(Module[ClockTick]):
    """Keeper of positions, cash and equity."""

    name = "portfolio_manager"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        kernel: Kernel,
        config: PortfolioConfig,
        *,
        unpriced: Callable[[Symbol], str | None],
        measure: Callable[[int, int], PerformanceReportData],
    ) -> None:
        super().__init__(inbox)
        self._books = kernel.books
        self._journal = kernel.journal
        self._log = kernel.log
        self._clock = kernel.clock
        self._interval_ns = config.sample_interval_ns
        self._days = config.days
        self._measure = measure
        self._unpriced = unpriced
        self._next_sample_ns = 0
        self._next_look_ns = 0
        self._next_alarm_ns: dict[Symbol, int] = {}

    @property
    def state(self) -> PortfolioState:
        """The portfolio as it is now."""
        return self._books.portfolio

    def on_market_data(self, data: MarketDataEvent) -> None:
        """Mark the symbol at the price that this event gives it."""
        self._books.portfolio.marks[data.symbol] = reference_price(data)

    def update_trade(self, trade: Trade) -> None:
        """Book an execution that is in the journal."""
        self._books.portfolio.apply(trade)

    def charge(self, charge: FeeCharge) -> None:
        """Book a fee that is in the journal."""
        self._books.portfolio.charge(charge)

    def reserve(self, state: OrderState) -> None:
        """Set what an order reserves."""
        self._books.portfolio.reserve(state)

    def adjust(self, adjustment: PositionAdjusted | CashAdjusted) -> None:
        """Journal and book a correction that reconciliation found, with what the account was worth before it."""
        adjustment = msgspec.structs.replace(adjustment, equity=self._books.portfolio.equity())
        self._journal.record(adjustment, durable=True)
        self._books.apply(adjustment)

    def _look_after_prices(self, now_ns: int) -> None:
        """Know which positions have no fresh price; say so when it begins, and not again within some minutes."""
        portfolio = self._books.portfolio
        before, portfolio.unpriced = portfolio.unpriced, {}
        for symbol, quantity in portfolio.net.items():
            if quantity and (reason := self._unpriced(symbol)) is not None:
                portfolio.unpriced[symbol] = reason
        for symbol, reason in portfolio.unpriced.items():
            if symbol in before or now_ns < self._next_alarm_ns.get(symbol, 0):
                continue
            self._next_alarm_ns[symbol] = now_ns + ALARM_PAUSE_NS
            counted, quantity = portfolio.counted_price(symbol), portfolio.quantity(symbol)
            self._log.log_event(
                Level.ERROR,
                f"{quantity:f} {symbol} are held without a fresh price ({reason}): counted at {counted:,.2f}, the "
                "worst that is known; nothing can be opened in it, and no stop that is watched here will be reached",
                {"quantity": quantity, "counted_price": counted, "reason": reason},
                event=LogEvent.PORTFOLIO_UNPRICED,
                module=self.name,
                symbol=symbol,
            )

    def get_performance_snapshot(self) -> PerformanceReportData:
        """Measure performance from the journal's trades and equity so far."""
        return self._measure(0, FOR_EVER_NS)

    def sample_equity(self) -> EquitySampled:
        """Record the equity of this instant in the journal."""
        portfolio = self._books.portfolio
        gross, net = portfolio.exposure()
        now = self._clock.now_ns()
        sample = EquitySampled(
            ts=now,
            day=self._days.number(now),
            equity=portfolio.cash + net,
            cash=portfolio.settled_cash,
            gross=gross,
            net=net,
            marks={symbol: mark for symbol, mark in portfolio.marks.items() if portfolio.quantity(symbol)},
        )
        self._journal.record(sample)
        self._books.equity = track_equity(self._books.equity, sample)
        return sample

    def stop(self) -> None:
        """Record the equity that the run ends with."""
        if self._books.account is not None:
            self.sample_equity()

    def handle(self, event: ClockTick) -> None:
        """Look after the prices of what is held, and sample equity when it is time."""
        if event.now_ns >= self._next_look_ns:
            self._next_look_ns = event.now_ns + NS_PER_SECOND
            self._look_after_prices(event.now_ns)
        if event.now_ns < self._next_sample_ns or self._books.account is None:
            return
        self._next_sample_ns = event.now_ns - event.now_ns % self._interval_ns + self._interval_ns
        sample = self.sample_equity()
        self._log.log_event(
            Level.INFO,
            f"equity {sample.equity:,.2f}, cash {sample.cash:,.2f}, exposure {sample.gross:,.2f}",
            {"equity": sample.equity, "cash": sample.cash, "gross": sample.gross, "net": sample.net},
            event=LogEvent.PORTFOLIO_EQUITY,
            module=self.name,
        )
