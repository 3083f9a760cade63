"""Whether a signal needs a plan in this account, at this venue, now; the rules are `core.plans.drafting`'s."""

from collections.abc import Callable
from decimal import Decimal

from tradingd.core.books import Books
from tradingd.core.identifiers import PlanId, Symbol
from tradingd.core.orders import DenialCode, Order, OrderTerms, Side, ValidationResponse
from tradingd.core.plans.drafting import Venue, draft, draft_protection
from tradingd.core.plans.records import EmulatedStop, Plan, TargetPosition, ZeroCross
from tradingd.core.signals import OcoSignal, TradingSignal
from tradingd.execution.admission import refuse
from tradingd.execution.config import ExecutionConfig
from tradingd.execution.order_factory import OrderFactory
from tradingd.runtime.ports import LatestData, OrderGateway


class PlanDrafts:
    """Maker of plans that have not begun."""

    def __init__(
        self,
        books: Books,
        config: ExecutionConfig,
        *,
        factory: OrderFactory,
        broker: OrderGateway,
        latest: LatestData,
        limits: Callable[[Order], ValidationResponse],
    ) -> None:
        self._books = books
        self._factory = factory
        self._broker = broker
        self._latest = latest
        self._unfilled_timeouts = config.unfilled_timeouts
        self._limits = limits

    def consider(self, signal: TradingSignal, order: Order) -> Plan | ValidationResponse | None:
        """Make the plan that a signal needs: None for a signal that is one order, a refusal for one that cannot be.

        A plan has the name that the order would have had.
        """
        timeout = self._unfilled_timeouts.get(order.strategy_id)
        special = signal.protection or signal.algorithm or signal.then or timeout
        if special is None and not self._is_beyond_the_venue(order):
            return None
        plan = draft(signal, order, PlanId(order.client_order_id), self._venue(order.symbol), timeout)
        if isinstance(plan, Plan) and self._latest(order.symbol) is None:
            return refuse(DenialCode.PRICE_MISSING, f"no good price of {order.symbol} has been seen yet")
        if isinstance(plan, Plan) and isinstance(plan.method, EmulatedStop | ZeroCross):
            verdict = self._limits(order)  # its orders leave later, or in parts: what cannot be is said now
            return plan if verdict.approved else verdict
        return plan

    def target(self, signal: TradingSignal, goal: Decimal, order: Order) -> Plan:
        """Make the plan that brings a strategy to a target."""
        return Plan(
            plan_id=PlanId(order.client_order_id),
            strategy_id=order.strategy_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            method=TargetPosition(goal=goal),
            trace_id=signal.trace_id,
            ts_started=order.ts_created,
        )

    def _is_beyond_the_venue(self, order: Order) -> bool:
        model = self._broker.model
        crosses = self._books.portfolio.quantity(order.symbol) * order.side.sign < 0 and model.splits_zero_crossing
        return crosses or not model.supports(order.terms, self._factory.instrument_of(order.symbol).asset_class)

    def closing_order(self, signal: OcoSignal) -> Order:
        """What closing the position of a wish for protection would be; it is never sent."""
        held = self._books.portfolio.quantity_of(signal.strategy_id, signal.symbol)
        return self._factory.build(
            signal.strategy_id,
            signal.symbol,
            Side.SELL if held > 0 else Side.BUY,
            quantity=abs(held),
            terms=OrderTerms(),
            trace_id=signal.trace_id,
        )

    def protection(self, signal: OcoSignal, order: Order) -> Plan | ValidationResponse:
        """Make the plan that protects what a strategy holds."""
        held = self._books.portfolio.quantity_of(signal.strategy_id, signal.symbol)
        return draft_protection(signal, order, PlanId(order.client_order_id), self._venue(signal.symbol), held)

    def _venue(self, symbol: Symbol) -> Venue:
        return Venue(
            model=self._broker.model,
            instrument=self._factory.instrument_of(symbol),
            account=self._books.portfolio.quantity(symbol),
            working=self._books.orders.open,
        )
