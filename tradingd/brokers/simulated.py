"""The simulated venue of the deterministic drivers: matching, cash and positions without a socket or a task.

Owns an account kept in memory. Reads commands and market data; every command is carried out at once and its reports
reach the sink before the call returns, so one input always gives one sequence of reports. Never waits, never reads a
clock but the one that it is given.

A day order lives through the New York date of the first market data of its symbol that follows it: placed after the
last data of a day, it works on the next day that has any, whatever the calendar.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import assert_never

from tradingd.brokers.base import BrokerSink, OrderStreamUp
from tradingd.core.accounting import EXACT, Position, apply_trade
from tradingd.core.identifiers import ClientOrderId, ExecutionId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument, default_instrument
from tradingd.core.market import MarketDataEvent, PriceBar
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOrder,
    MatchOutcome,
    SimulatedMarket,
    StopElected,
    to_decimal,
)
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    OrderType,
    ReplaceRefused,
    TimeInForce,
)
from tradingd.core.sessions import next_new_york_midnight
from tradingd.core.venue_view import AccountInfo, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition, VenueSnapshot

_BASIS_POINTS = Decimal(10_000)
_FLAT = Position()


class _Life:
    """One order at this venue: its terms as they now are and what became of it."""

    __slots__ = (
        "day_end", "filled", "order", "quantity", "replaced_by", "replaces", "spent", "status", "terms", "venue_id",
    )  # fmt: skip

    def __init__(self, order: Order, venue_id: VenueOrderId, quantity: Decimal, terms: OrderTerms) -> None:
        self.order = order
        self.venue_id = venue_id
        self.quantity = quantity
        self.terms = terms
        self.filled = ZERO
        self.spent = ZERO
        self.status = VenueOrderStatus.WORKING
        self.replaces: VenueOrderId | None = None
        self.replaced_by: VenueOrderId | None = None
        self.day_end: int | None = None
        """When a day order ends; None until the first market data after it tells which day it works in."""

    def view(self, ts_updated: int) -> VenueOrder:
        """Describe it as a venue would."""
        return VenueOrder(
            client_order_id=self.order.client_order_id,
            venue_order_id=self.venue_id,
            symbol=self.order.symbol,
            side=self.order.side,
            quantity=self.quantity,
            filled_quantity=self.filled,
            average_fill_price=self.spent / self.filled if self.filled else None,
            terms=self.terms,
            status=self.status,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            ts_submitted=self.order.ts_created,
            ts_updated=ts_updated,
        )


class SimulatedBroker:
    """A `BrokerAdapter` for replay and simulation; call `on_market_data` before strategies see the event."""

    def __init__(
        self,
        sink: BrokerSink,
        clock: Callable[[], int],
        starting_cash: Decimal,
        fee_bps: Decimal = ZERO,
        instruments: Mapping[Symbol, Instrument] | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._fee_rate = fee_bps / _BASIS_POINTS
        self._instruments: dict[Symbol, Instrument] = dict(instruments or {})
        self._market = SimulatedMarket()
        self._cash = starting_cash
        self._positions: dict[Symbol, Position] = {}
        self._lives: dict[str, _Life] = {}
        self._current: dict[ClientOrderId, _Life] = {}
        self._executions: dict[str, int] = {}
        self._fills: list[VenueFill] = []
        self._day_orders: dict[Symbol, dict[str, _Life]] = {}
        self._order_count = 0

    # -- market data --------------------------------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Match one valid event against the working orders and report what it does."""
        if event.symbol in self._day_orders:
            self._expire_day_orders(event)
        outcomes = self._market.on_market_data(event)
        if outcomes:
            self._report(outcomes)

    def _expire_day_orders(self, event: MarketDataEvent) -> None:
        # A bar belongs to the day that it opens in: a daily bar closes on the stroke of the next one.
        instant = event.ts_open if isinstance(event, PriceBar) else event.ts_event
        for life in list(self._day_orders[event.symbol].values()):
            if life.day_end is None:
                life.day_end = next_new_york_midnight(instant)
            elif instant >= life.day_end:
                self._finish(life, VenueOrderStatus.EXPIRED)
                now = self._clock()
                self._sink(
                    OrderExpired(
                        client_order_id=life.order.client_order_id,
                        venue_order_id=life.venue_id,
                        ts_event=now,
                        ts_recv=now,
                    )
                )

    def _report(self, outcomes: Sequence[MatchOutcome]) -> None:
        for outcome in outcomes:
            life = self._lives[outcome.order_id]
            match outcome:
                case MatchFill():
                    self._book(life, outcome)
                case MatchCancel():
                    self._cancel(life)
                case StopElected():
                    pass
                case _:
                    assert_never(outcome)

    def _book(self, life: _Life, fill: MatchFill) -> None:
        now = self._clock()
        order = life.order
        value = EXACT.multiply(fill.quantity, fill.price)
        fee = EXACT.multiply(value, self._fee_rate)
        number = self._executions[fill.order_id] = self._executions.get(fill.order_id, 0) + 1
        execution_id = ExecutionId(f"{fill.order_id}-{number}")
        life.filled += fill.quantity
        life.spent = EXACT.add(life.spent, value)
        if life.filled >= life.quantity:
            self._finish(life, VenueOrderStatus.FILLED)
        self._cash = EXACT.subtract(self._cash, EXACT.add(value * order.side.sign, fee))
        held = self._positions.get(order.symbol, _FLAT)
        self._positions[order.symbol] = apply_trade(held, order.side, fill.quantity, fill.price, fee)
        self._fills.append(
            VenueFill(
                execution_id=execution_id,
                venue_order_id=life.venue_id,
                symbol=order.symbol,
                side=order.side,
                quantity=fill.quantity,
                price=fill.price,
                fee=fee,
                cum_quantity=life.filled,
                ts_event=now,
            )
        )
        self._sink(
            OrderFilled(
                client_order_id=order.client_order_id,
                venue_order_id=life.venue_id,
                execution_id=execution_id,
                quantity=fill.quantity,
                price=fill.price,
                fee=fee,
                cum_quantity=life.filled,
                ts_event=now,
                ts_recv=now,
            )
        )

    def _finish(self, life: _Life, status: VenueOrderStatus) -> None:
        life.status = status
        symbol = life.order.symbol
        self._market.remove(symbol, life.venue_id)
        day_orders = self._day_orders.get(symbol)
        if day_orders is not None and day_orders.pop(life.venue_id, None) is not None and not day_orders:
            del self._day_orders[symbol]

    def _cancel(self, life: _Life) -> None:
        self._finish(life, VenueOrderStatus.CANCELED)
        now = self._clock()
        self._sink(
            OrderCanceled(
                client_order_id=life.order.client_order_id, venue_order_id=life.venue_id, ts_event=now, ts_recv=now
            )
        )

    # -- commands -----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Take a new order: accepted or rejected, then whatever trades at once, all reported before this returns."""
        now = self._clock()
        refusal = self._judge(order)
        if refusal is not None:
            code, reason = refusal
            self._sink(
                OrderRejected(
                    client_order_id=order.client_order_id, code=code, reason=reason, ts_event=now, ts_recv=now
                )
            )
            return
        life = self._open(order, order.quantity, order.terms)
        self._sink(
            OrderAccepted(
                client_order_id=order.client_order_id, venue_order_id=life.venue_id, ts_event=now, ts_recv=now
            )
        )
        self._arrive(life)

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Take a working order back, or report why that cannot be."""
        life = self._current.get(order.client_order_id)
        if life is None or life.status is not VenueOrderStatus.WORKING:
            now = self._clock()
            reason = "no such order" if life is None else f"the order is {life.status.value.lower()}"
            self._sink(CancelRefused(client_order_id=order.client_order_id, reason=reason, ts_event=now, ts_recv=now))
            return
        self._cancel(life)

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Replace a working order by one with a new id and new terms, or report why that cannot be."""
        now = self._clock()
        life = self._current.get(order.client_order_id)
        reason = "no such order" if life is None else None
        if life is not None and life.status is not VenueOrderStatus.WORKING:
            reason = f"the order is {life.status.value.lower()}"
        elif life is not None and details.quantity is not None and details.quantity <= life.filled:
            reason = "the quantity must exceed what is filled"
        if life is None or reason is not None:
            self._sink(
                ReplaceRefused(client_order_id=order.client_order_id, reason=reason or "", ts_event=now, ts_recv=now)
            )
            return
        terms = OrderTerms(
            order_type=life.terms.order_type,
            limit_price=details.limit_price or life.terms.limit_price,
            stop_price=details.stop_price or life.terms.stop_price,
            time_in_force=life.terms.time_in_force,
        )
        self._finish(life, VenueOrderStatus.REPLACED)
        successor = self._open(life.order, details.quantity or life.quantity, terms)
        successor.filled, successor.spent = life.filled, life.spent
        successor.replaces, life.replaced_by = life.venue_id, successor.venue_id
        self._sink(
            OrderReplaced(
                client_order_id=order.client_order_id,
                venue_order_id=successor.venue_id,
                replaces=life.venue_id,
                quantity=successor.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
                ts_event=now,
                ts_recv=now,
            )
        )
        self._arrive(successor)

    def _judge(self, order: Order) -> tuple[str, str] | None:
        terms = order.terms
        if order.client_order_id in self._current:
            return "DUPLICATE_ID", "client_order_id must be unique"
        if order.quantity <= 0:
            return "QUANTITY_INVALID", "the quantity must be positive"
        if terms.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and not terms.limit_price:
            return "PRICE_INVALID", "a limit price is needed"
        if terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and not terms.stop_price:
            return "PRICE_INVALID", "a stop price is needed"
        return None

    def _open(self, order: Order, quantity: Decimal, terms: OrderTerms) -> _Life:
        self._order_count += 1
        life = _Life(order, VenueOrderId(f"SIM-{self._order_count}"), quantity, terms)
        self._lives[life.venue_id] = self._current[order.client_order_id] = life
        return life

    def _arrive(self, life: _Life) -> None:
        # A report's receiver may already have cancelled it.
        if life.status is not VenueOrderStatus.WORKING:
            return
        symbol = life.order.symbol
        if life.terms.time_in_force is TimeInForce.DAY:
            self._day_orders.setdefault(symbol, {})[life.venue_id] = life
        self._report(
            self._market.arrive(
                MatchOrder(
                    order_id=life.venue_id,
                    symbol=symbol,
                    side=life.order.side,
                    quantity=life.quantity - life.filled,
                    terms=life.terms,
                    ts_arrived=self._clock(),
                )
            )
        )

    # -- questions ----------------------------------------------------------------------------------------------------

    async def connect(self, symbols: Sequence[Symbol]) -> AccountInfo:
        """Describe the symbols by their defaults where no instrument was given, and the account."""
        for symbol in symbols:
            self._instruments.setdefault(symbol, default_instrument(symbol))
        return self.account()

    async def run(self) -> None:
        """Say that the order stream is up and wait to be cancelled; the reports need no stream."""
        self._sink(OrderStreamUp(ts_recv=self._clock()))
        await asyncio.Event().wait()

    def account(self) -> AccountInfo:
        """The account now, valued at the last prices seen."""
        equity = self._cash
        for symbol, position in self._positions.items():
            mark = self._market.book(symbol).mark
            equity = EXACT.add(equity, EXACT.multiply(position.quantity, to_decimal(mark)) if mark else position.cost)
        return AccountInfo(
            account_id="SIM",
            account_kind="paper",
            currency="USD",
            cash=self._cash,
            equity=equity,
            buying_power=max(self._cash, ZERO),
            multiplier=Decimal(1),
            shorting_enabled=True,
        )

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Give account, orders, fills and positions as they stand."""
        now = self._clock()
        return VenueSnapshot(
            ts_requested=now,
            account=self.account(),
            orders=tuple(life.view(now) for life in self._lives.values()),
            fills=tuple(fill for fill in self._fills if fill.ts_event >= since_ns),
            positions=tuple(
                VenuePosition(symbol=symbol, quantity=position.quantity, average_price=position.average_price)
                for symbol, position in self._positions.items()
                if position.average_price is not None
            ),
        )

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Give the order as it stands, None when it was never accepted."""
        life = self._current.get(client_order_id)
        return None if life is None else life.view(self._clock())

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Give nothing: a replay's past is its file."""
        return ()

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Do nothing: no order of a former run exists here."""

    @property
    def instruments(self) -> Mapping[Symbol, Instrument]:
        """What is known of each symbol."""
        return self._instruments

    async def close(self) -> None:
        """Do nothing: there is no connection."""
