"""A market played to the matching rules, and what they make of it."""

from decimal import Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOrder,
    MatchOutcome,
    SimulatedMarket,
    StopElected,
    StopTrailed,
)
from tradingd.core.orders import OrderTerms, OrderType, Side, TimeInForce

ABC = Symbol("ABC")


D = Decimal


MARKET, LIMIT, STOP, STOP_LIMIT = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT


DAY, GTC, IOC, FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK


def quote(bid: float, ask: float, bid_size: float = 100, ask_size: float = 100) -> QuoteTick:
    return QuoteTick(symbol=ABC, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, ts_event=1, ts_recv=1)


def trade(price: float, size: float = 100) -> TradeTick:
    return TradeTick(symbol=ABC, price=price, size=size, ts_event=1, ts_recv=1)


def bar(open_: float, high: float, low: float, close: float, ts_open: int = 0) -> PriceBar:
    return PriceBar(
        symbol=ABC,
        interval_ns=MINUTE_NS,
        ts_open=ts_open,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=1000,
        ts_event=ts_open + MINUTE_NS,
        ts_recv=ts_open + MINUTE_NS,
    )


def order(
    side: Side,
    quantity: str,
    order_type: OrderType = MARKET,
    *,
    limit: str | None = None,
    stop: str | None = None,
    trail: str | None = None,
    tif: TimeInForce = DAY,
    ts: int = 0,
    order_id: str = "o",
) -> MatchOrder:
    return MatchOrder(
        order_id=order_id,
        symbol=ABC,
        side=side,
        quantity=D(quantity),
        terms=OrderTerms(
            order_type=order_type,
            limit_price=None if limit is None else D(limit),
            stop_price=None if stop is None else D(stop),
            trail_amount=None if trail is None else D(trail),
            time_in_force=tif,
        ),
        ts_arrived=ts,
    )


def play(*steps: MatchOrder | MarketDataEvent) -> list[str]:
    """Run orders and events through a market and write down what came of them."""
    market = SimulatedMarket()
    told: list[str] = []
    for step in steps:
        outcomes = market.arrive(step) if isinstance(step, MatchOrder) else market.on_market_data(step)
        told.extend(describe(outcome) for outcome in outcomes)
    return told


def describe(outcome: MatchOutcome) -> str:
    match outcome:
        case MatchFill():
            return f"{outcome.order_id} {outcome.quantity}@{outcome.price}"
        case MatchCancel():
            return f"{outcome.order_id} cancelled"
        case StopElected():
            return f"{outcome.order_id} elected"
        case StopTrailed():
            return f"{outcome.order_id} stop {outcome.stop_price.normalize():f}"
