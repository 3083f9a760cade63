"""The gate that every order passes before it leaves: whether anything may, the venue's rules, the limits.

Part of the execution engine. One call without a pause, so that no order is judged against a position that has changed.
"""

from decimal import Decimal

import msgspec

from tradingd.core.broker_model import refusals
from tradingd.core.identifiers import StrategyId
from tradingd.core.instruments import is_sensible
from tradingd.core.orders import ZERO, Breach, DenialCode, Order, Side, ValidationResponse
from tradingd.core.plans.records import CLOSING
from tradingd.core.risk import reduces, reduces_own, reducible
from tradingd.execution.config import ExecutionConfig
from tradingd.execution.reconciliation import Reconciliation
from tradingd.runtime.kernel import Kernel
from tradingd.runtime.ports import MarketLookup, OrderGateway, RiskGate

APPROVED = ValidationResponse()


class Admission:
    """Judge of orders."""

    def __init__(
        self,
        kernel: Kernel,
        config: ExecutionConfig,
        *,
        market: MarketLookup,
        risk: RiskGate,
        broker: OrderGateway,
        reconciliation: Reconciliation,
    ) -> None:
        self._books = kernel.books
        self._journal = kernel.journal
        self._risk = risk
        self._broker = broker
        self._instrument_of = market.instrument
        self._reconciliation = reconciliation
        self.retired = config.retired
        """Strategies of which nothing but exits and reductions leaves."""
        self.stopping = False

    def gate(self, strategy_id: StrategyId) -> ValidationResponse:
        """Tell whether anything may leave for a strategy now."""
        if self.stopping:
            return refuse(DenialCode.STOPPING, "the daemon is stopping")
        if (shortage := self._journal.shortage) is not None:
            return refuse(DenialCode.DISK_SPACE, shortage)
        if strategy_id in self._books.quarantined:
            return refuse(DenialCode.STRATEGY_QUARANTINED, f"{strategy_id} is quarantined until `tradingd resume`")
        if not self._reconciliation.reconciled:
            return refuse(DenialCode.NOT_RECONCILED, "the books have not been compared with the venue yet")
        return APPROVED

    def judge(self, order: Order, *, replaced: Decimal = ZERO) -> ValidationResponse:
        """Judge an order; one that can only reduce the position is not held up by a limit or a halt.

        `replaced` is the open quantity that it takes the place of.
        """
        if not (gate := self.gate(order.strategy_id)).approved:
            return gate
        if order.strategy_id in self.retired and self.opens(order, replaced):
            return refuse(DenialCode.STRATEGY_RETIRED, f"{order.strategy_id} is retired: it only reduces what it holds")
        breaches = refusals(
            self._broker.model,
            order,
            self._instrument_of(order.symbol),
            position=self._books.portfolio.quantity(order.symbol),
            working=self._books.orders.open,
        )
        if breaches:
            return ValidationResponse(breaches=breaches)
        doubted = self._books.orders.in_doubt(order.symbol)
        if doubted is not None and not self.only_reduces(order, replaced):
            return refuse(
                DenialCode.ORDER_IN_DOUBT,
                f"nobody knows what became of {doubted.client_order_id}: {order.symbol} takes no new risk until then",
            )
        return self.limits(order, replaced)

    def limits(self, order: Order, replaced: Decimal = ZERO) -> ValidationResponse:
        """Judge an order against the limits alone."""
        return self._risk.validate_order(order, self._books.portfolio, replaced=replaced)

    def cut_to_reduce(self, order: Order) -> tuple[Order, ValidationResponse]:
        """Cut an order to what can only reduce the position of its strategy and of the account, or refuse it."""
        if not is_sensible(order.quantity):
            return order, APPROVED
        portfolio, symbol, owner = self._books.portfolio, order.symbol, order.strategy_id
        held, working = portfolio.quantity_of(owner, symbol), portfolio.open_exposure_of(owner, symbol)
        free = min(
            reducible(order.side, held, working),
            reducible(order.side, portfolio.quantity(symbol), portfolio.open_exposure(symbol)),
        )
        quantity = self._instrument_of(symbol).round_quantity(min(order.quantity, free))
        if quantity > 0 or order.quantity <= 0:
            return msgspec.structs.replace(order, quantity=quantity), APPROVED
        promised = working.sell_quantity if order.side is Side.SELL else working.buy_quantity
        return order, refuse(
            DenialCode.NOTHING_TO_REDUCE,
            f"{owner} holds {held:f} {symbol}, with {promised:f} in working orders: "
            f"a {order.side} has nothing to reduce",
        )

    def opens(self, order: Order, replaced: Decimal = ZERO) -> bool:
        """True for an order that could do more than reduce what its own strategy holds."""
        return order.leg not in CLOSING and not reduces_own(order, self._books.portfolio, replaced=replaced)

    def only_reduces(self, order: Order, replaced: Decimal = ZERO) -> bool:
        """True for an order that can only bring the account's position nearer to zero."""
        return reduces(order, self._books.portfolio, replaced=replaced)


def refuse(code: DenialCode, message: str) -> ValidationResponse:
    """A refusal for one reason."""
    return ValidationResponse(breaches=(Breach(code=code, message=message),))
