"""The simulated venue of the deterministic drivers: matching, cash and positions without a socket or a task.

Owns an account kept in memory. Reads commands and market data; every command is carried out at once and its reports
reach the sink before the call returns, so one input always gives one sequence of reports. Never waits, never reads a
clock but the one that it is given.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import assert_never

from tradingd.brokers.base import BrokerSink
from tradingd.brokers.simulated.model import SIMULATED
from tradingd.brokers.simulated.orders import AUCTIONS, SimulatedOrder, modified_terms, refusal
from tradingd.brokers.simulated.timetable import Auctioned, Expired, SessionChanged, Timetable
from tradingd.core.accounting import EXACT, Position, apply_trade, value_of
from tradingd.core.broker_events import BrokerEvent, OrderStreamUp
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, ExecutionId, Symbol, VenueOrderId
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.core.market import MarketDataEvent, PriceBar
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOutcome,
    SimulatedMarket,
    StopElected,
    StopTrailed,
    meet_auction,
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
    ReplaceRefused,
    TimeInForce,
)
from tradingd.core.venue_view import AccountInfo, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition, VenueSnapshot

_BASIS_POINTS = Decimal(10_000)
_FLAT = Position()


class SimulatedBroker:
    """A `BrokerAdapter` for replay and simulation; call `on_market_data` before strategies see the event."""

    def __init__(
        self,
        sink: BrokerSink,
        clock: Callable[[], int],
        starting_cash: Decimal,
        fee_bps: Decimal = ZERO,
        instruments: Mapping[Symbol, Instrument] | None = None,
        *,
        regular_hours: bool = False,
        model: BrokerModel = SIMULATED,
    ) -> None:
        self.model = model
        self.backlog: Mapping[str, int] = {}
        self._sink = sink
        self._clock = clock
        self._fee_rate = fee_bps / _BASIS_POINTS
        self._instruments: dict[Symbol, Instrument] = dict(instruments or {})
        self._market = SimulatedMarket()
        self._cash = starting_cash
        self._positions: dict[Symbol, Position] = {}
        self._orders: dict[str, SimulatedOrder] = {}
        self._current: dict[ClientOrderId, SimulatedOrder] = {}
        self._executions: dict[str, int] = {}
        self._fills: list[VenueFill] = []
        self._timetable = Timetable(regular_hours=regular_hours)
        self._timed = self._timetable.by_symbol
        self._order_count = 0

    # -- market data --------------------------------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Match one valid event against the working orders and report what it does."""
        if event.symbol in self._timed:
            self._keep_time(event)
        outcomes = self._market.on_market_data(event)
        if outcomes:
            self._report(outcomes)

    def _keep_time(self, event: MarketDataEvent) -> None:
        book = self._market.book(event.symbol)
        for turn in self._timetable.turns(event, book, has_sessions=self._has_sessions(event.symbol)):
            life = turn.life
            match turn:
                case Expired():
                    self._expire(life)
                case Auctioned(price=price):
                    self._report(meet_auction(life.match_order(), price))
                case SessionChanged(is_open=is_open):
                    life.parked = not is_open
                    if is_open:
                        self._market.place(life.match_order())
                    else:
                        self._market.remove(event.symbol, life.venue_id)
                case _:
                    assert_never(turn)

    def _expire(self, life: SimulatedOrder) -> None:
        self._finish(life, VenueOrderStatus.EXPIRED)
        now = self._clock()
        self._sink(
            OrderExpired(
                client_order_id=life.order.client_order_id, venue_order_id=life.venue_id, ts_event=now, ts_recv=now
            )
        )

    def _has_sessions(self, symbol: Symbol) -> bool:
        return self._instrument(symbol).asset_class is AssetClass.EQUITY

    def _instrument(self, symbol: Symbol) -> Instrument:
        return self._instruments.get(symbol) or default_instrument(symbol)

    def _report(self, outcomes: Sequence[MatchOutcome]) -> None:
        for outcome in outcomes:
            life = self._orders[outcome.order_id]
            match outcome:
                case MatchFill():
                    self._book(life, outcome)
                case MatchCancel():
                    self._cancel(life)
                case StopElected():
                    life.elected = True
                case StopTrailed():
                    life.trail(outcome.high_water, outcome.stop_price)
                case _:
                    assert_never(outcome)

    def _book(self, life: SimulatedOrder, fill: MatchFill) -> None:
        now = self._clock()
        order = life.order
        contract = self._instrument(order.symbol).contract
        value = value_of(contract, fill.quantity, fill.price)
        fee = EXACT.multiply(value, self._fee_rate)
        number = self._executions[fill.order_id] = self._executions.get(fill.order_id, 0) + 1
        execution_id = ExecutionId(f"{fill.order_id}-{number}")
        life.filled += fill.quantity
        life.spent = EXACT.add(life.spent, EXACT.multiply(fill.quantity, fill.price))
        if life.filled >= life.quantity:
            self._finish(life, VenueOrderStatus.FILLED)
        self._cash = EXACT.subtract(self._cash, EXACT.add(value * order.side.sign, fee))
        held = self._positions.get(order.symbol, _FLAT)
        self._positions[order.symbol] = apply_trade(held, order.side, fill.quantity, fill.price, fee, contract=contract)
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

    def _finish(self, life: SimulatedOrder, status: VenueOrderStatus) -> None:
        life.status = status
        self._market.remove(life.order.symbol, life.venue_id)
        self._timetable.remove(life)

    def _cancel(self, life: SimulatedOrder) -> None:
        self._finish(life, VenueOrderStatus.CANCELED)
        now = self._clock()
        self._sink(
            OrderCanceled(
                client_order_id=life.order.client_order_id,
                venue_order_id=life.venue_id,
                filled_quantity=life.filled,
                ts_event=now,
                ts_recv=now,
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
        if life is None or life.status is not VenueOrderStatus.WORKING:
            reason = "no such order" if life is None else f"the order is {life.status.value.lower()}"
            self._sink(ReplaceRefused(client_order_id=order.client_order_id, reason=reason, ts_event=now, ts_recv=now))
            return
        terms = modified_terms(life.terms, details)
        quantity = details.quantity or life.quantity
        refused = refusal(terms, quantity, life.filled, now)
        if refused is not None:
            self._sink(
                ReplaceRefused(client_order_id=order.client_order_id, reason=refused[1], ts_event=now, ts_recv=now)
            )
            return
        self._finish(life, VenueOrderStatus.REPLACED)
        successor = self._open(life.order, quantity, terms)
        successor.take_over(life)
        self._sink(
            OrderReplaced(
                client_order_id=order.client_order_id,
                venue_order_id=successor.venue_id,
                replaces=life.venue_id,
                quantity=successor.quantity,
                limit_price=successor.terms.limit_price,
                stop_price=successor.terms.stop_price,
                trail_amount=successor.terms.trail_amount,
                trail_percent=successor.terms.trail_percent,
                ts_event=now,
                ts_recv=now,
            )
        )
        self._arrive(successor)

    def _judge(self, order: Order) -> tuple[str, str] | None:
        if order.client_order_id in self._current:
            return "DUPLICATE_ID", "client_order_id must be unique"
        if order.terms.time_in_force in AUCTIONS and not self._has_sessions(order.symbol):
            return "TIME_IN_FORCE", f"{order.symbol} is not traded in auctions"
        return refusal(order.terms, order.quantity, ZERO, self._clock())

    def _open(self, order: Order, quantity: Decimal, terms: OrderTerms) -> SimulatedOrder:
        self._order_count += 1
        life = SimulatedOrder(order, VenueOrderId(f"SIM-{self._order_count}"), quantity, terms, self._clock())
        self._orders[life.venue_id] = self._current[order.client_order_id] = life
        return life

    def _arrive(self, life: SimulatedOrder) -> None:
        # A report's receiver may already have cancelled it.
        if life.status is not VenueOrderStatus.WORKING:
            return
        self._timetable.add(life, has_sessions=self._has_sessions(life.order.symbol))
        tif = life.terms.time_in_force
        if tif in AUCTIONS:
            return
        if not life.parked:
            self._report(self._market.arrive(life.match_order()))
        elif tif in (TimeInForce.IOC, TimeInForce.FOK):
            self._cancel(life)

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
        equity = cash = self._cash
        for symbol, position in self._positions.items():
            mark = self._market.book(symbol).mark
            contract = position.contract
            worth = value_of(contract, position.quantity, to_decimal(mark)) if mark else position.cost
            equity = EXACT.add(equity, worth)
            if contract.margined:
                cash = EXACT.add(cash, position.cost)  # what is held on margin has cost nothing yet
        return AccountInfo(
            account_id="SIM",
            account_kind="paper",
            currency="USD",
            cash=cash,
            equity=equity,
            buying_power=max(cash, ZERO),
            multiplier=Decimal(1),
            shorting_enabled=True,
        )

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Give account, orders, fills and positions as they stand."""
        now = self._clock()
        return VenueSnapshot(
            ts_requested=now,
            account=self.account(),
            orders=tuple(life.view(now) for life in self._orders.values()),
            fills=tuple(fill for fill in self._fills if fill.ts_event >= since_ns),
            positions=tuple(
                VenuePosition(
                    symbol=symbol,
                    quantity=position.quantity,
                    average_price=position.average_price,
                    contract=position.contract,
                )
                for symbol, position in self._positions.items()
                if position.average_price is not None
            ),
        )

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Give the orders that work."""
        now = self._clock()
        return tuple(life.view(now) for life in self._orders.values() if life.status is VenueOrderStatus.WORKING)

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
        """Report no more; account and orders stay, for whoever attaches next."""
        self._sink = _unheard

    def attach(self, sink: BrokerSink) -> None:
        """Report to another listener from now on, as a venue does to a client that came back."""
        self._sink = sink


def _unheard(event: BrokerEvent) -> None:
    """Drop what nobody listens to."""
