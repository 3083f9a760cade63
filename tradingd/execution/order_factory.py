"""From a wish to an order: rounded to the instrument's steps, named for ever, valued at the last good price."""

from decimal import Decimal

import msgspec

from tradingd.core.identifiers import ClientOrderId, PlanId, StrategyId, Symbol, TraceId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import reference_price
from tradingd.core.orders import ZERO, Order, OrderTerms, Side, TimeInForce
from tradingd.runtime.clock import Clock
from tradingd.runtime.ports import MarketLookup

NO_PLAN = PlanId("")


class OrderFactory:
    """Maker of orders; `prefix` names journal and run, so that no two runs ever make the same id."""

    def __init__(self, clock: Clock, market: MarketLookup, prefix: str) -> None:
        self._clock = clock
        self._latest = market.latest
        self._prefix = prefix
        self._made = 0
        self.instrument_of = market.instrument

    def build(
        self,
        strategy_id: StrategyId,
        symbol: Symbol,
        side: Side,
        *,
        quantity: Decimal,
        terms: OrderTerms,
        trace_id: TraceId,
        plan_id: PlanId = NO_PLAN,
        leg: str = "",
    ) -> Order:
        """Make an order; the risk rules judge it."""
        instrument = self.instrument_of(symbol)
        latest = self._latest(symbol)
        self._made += 1
        return Order(
            client_order_id=ClientOrderId(f"{strategy_id}-{self._prefix}-{self._made}"),
            strategy_id=strategy_id,
            symbol=symbol,
            side=side,
            quantity=instrument.round_quantity(quantity),
            terms=_fitting(instrument.round_terms(terms, side), instrument),
            trace_id=trace_id,
            ts_created=self._clock.now_ns(),
            reference_price=ZERO if latest is None else Decimal(repr(reference_price(latest))),
            plan_id=plan_id,
            leg=leg,
            contract=instrument.contract,
        )


def _fitting(terms: OrderTerms, instrument: Instrument) -> OrderTerms:
    if instrument.asset_class is AssetClass.CRYPTO and terms.time_in_force is TimeInForce.DAY:
        # A market that never closes has no day to be good for.
        return msgspec.structs.replace(terms, time_in_force=TimeInForce.GTC)
    return terms
