"""The bench of the simulated broker: orders in, bars played, reports out."""

from datetime import UTC, datetime
from decimal import Decimal

from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, PriceBar, QuoteTick, TradeTick
from tradingd.core.orders import (
    Order,
    OrderFilled,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)

ABC, BTC = Symbol("ABC"), Symbol("BTC/USD")


D = Decimal


T, F = OrderType, TimeInForce


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


MONDAY = "2026-01-05T"


OPENING, NOON, CLOSE = (ns(f"{MONDAY}{at}-05:00") for at in ("09:30:00", "12:00:00", "16:00:00"))


class Bench:
    """A broker under a clock that the data moves."""

    def __init__(self, at: int = NOON, *, regular_hours: bool = False) -> None:
        self.now = at
        self.reports: list[BrokerEvent] = []
        self.broker = SimulatedBroker(self.reports.append, lambda: self.now, D(100_000), regular_hours=regular_hours)
        self._count = 0

    def trade(self, price: float, at: int | None = None, symbol: Symbol = ABC) -> None:
        self.now = self.now + NS_PER_SECOND if at is None else at
        self.broker.on_market_data(
            TradeTick(symbol=symbol, price=price, size=1000, ts_event=self.now, ts_recv=self.now)
        )

    def quote(self, bid: float, ask: float, at: int | None = None) -> None:
        self.now = self.now + NS_PER_SECOND if at is None else at
        self.broker.on_market_data(
            QuoteTick(symbol=ABC, bid=bid, ask=ask, bid_size=0, ask_size=0, ts_event=self.now, ts_recv=self.now)
        )

    def bar(
        self, values: tuple[float, float, float, float], ts_open: int, interval: int = MINUTE_NS, symbol: Symbol = ABC
    ) -> None:
        open_, high, low, close = values
        self.now = ts_open + interval
        self.broker.on_market_data(
            PriceBar(
                symbol=symbol,
                interval_ns=interval,
                ts_open=ts_open,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=1,
                ts_event=self.now,
                ts_recv=self.now,
            )
        )

    def place(
        self,
        tif: TimeInForce = F.DAY,
        kind: OrderType = T.MARKET,
        *,
        side: Side = Side.BUY,
        limit: str | None = None,
        trail: str | None = None,
        expires: int | None = None,
        extended: bool = False,
        symbol: Symbol = ABC,
    ) -> Order:
        self._count += 1
        order = Order(
            client_order_id=ClientOrderId(f"c{self._count}"),
            strategy_id=StrategyId("s"),
            symbol=symbol,
            side=side,
            quantity=D(10),
            terms=OrderTerms(
                order_type=kind,
                time_in_force=tif,
                limit_price=None if limit is None else D(limit),
                trail_amount=None if trail is None else D(trail),
                expires_ns=expires,
                extended_hours=extended,
            ),
            trace_id=TraceId("t"),
            ts_created=self.now,
            reference_price=D(10),
        )
        self.broker.submit(order)
        return order

    def kinds(self) -> list[type[object]]:
        return [type(report) for report in self.reports]

    def fills(self) -> list[tuple[str, str]]:
        return [
            (report.client_order_id, f"{report.quantity}@{report.price}")
            for report in self.reports
            if isinstance(report, OrderFilled)
        ]
