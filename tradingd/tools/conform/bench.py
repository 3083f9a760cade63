"""The bench of an execution case: one adapter on one account, orders in, reports expected.

Owns: the adapter, the orders that it sent and what became of them, folded from the reports by the same rules as the
books. Emits: `Failed`. Never: ends a case with an order at work or another position than before without saying so.
"""

import asyncio
from decimal import Decimal

import msgspec
from pydantic import TypeAdapter

from tradingd.brokers.base import BrokerAdapter
from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import (
    CancelRequested,
    Contract,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderTerms,
    OrderType,
    ReplaceRequested,
    Side,
    TimeInForce,
)
from tradingd.core.venue_view import AccountInfo, VenueOrder, VenueSnapshot
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.tools.conform.capabilities import Capability, derived_capabilities, lasting
from tradingd.tools.conform.harness import Harness, Market
from tradingd.tools.conform.market import Prices
from tradingd.tools.conform.order_tracker import OrderTracker
from tradingd.tools.conform.record import Recorder, check
from tradingd.venue.fault_rules import FaultRule

_CONFORM = StrategyId("conform")
_FAULTS: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)


class Bench(OrderTracker):
    """What a case acts through; `token` makes the order ids of this bench its own."""

    def __init__(self, harness: Harness, token: str) -> None:
        super().__init__(harness.patience_s)
        self.harness = harness
        self.symbol = harness.symbols[0]
        self.prefix = f"{token}-"
        self.problems: Recorder[tuple[str, str]] = Recorder()
        self.failures: list[str] = []
        self.others: list[Bench] = []
        self.kill_switch = KillSwitch()
        self.tolerant = False
        """True where the case itself provokes problems and repeats."""
        self.expects_problems = False
        """True where the case sends what a venue may well complain about."""
        self.requests = 0
        """A rough count of what was asked of the venue."""
        self.opened_ns = 0
        self.prices = Prices.none()
        self._adapter: BrokerAdapter | None = None
        self._run: asyncio.Task[None] | None = None
        self._account: AccountInfo | None = None
        self._before: VenueSnapshot | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, listen, and see how the account stands."""
        self.opened_ns = self.now()
        await self.come_back()
        self._before = await self.snapshot(self.opened_ns)
        self.prices = Prices(*await self.harness.prices(self.symbol, self.adapter), self.instrument)

    async def come_back(self) -> None:
        """Make a new adapter on the account, tell it the orders of before, and listen."""
        adapter = self.harness.make_adapter(
            self.take,
            lambda order_id: order_id.startswith(self.prefix),
            self.kill_switch,
            on_problem=lambda name, text: self.problems.put((name, text)),
            failure=self.note_failure,
        )
        self._adapter = adapter
        self.requests += 1 + len(self.harness.symbols)
        self._account = await adapter.connect(self.harness.symbols)
        adapter.adopt({venue_id: name for name, state in self.states.items() for venue_id in state.venue_order_ids})
        heard = self.count(OrderStreamUp)
        self._run = asyncio.create_task(adapter.run(), name="conform-adapter")
        await self.until(lambda: self.count(OrderStreamUp) > heard, "the order stream says that it is up")

    async def leave(self) -> None:
        """End the adapter as a process ends; orders stay where they are."""
        run, self._run = self._run, None
        if run is not None:
            run.cancel()
            ended = (await asyncio.gather(run, return_exceptions=True))[0]
            if isinstance(ended, Exception):
                self.failures.append(f"run() ended with {type(ended).__name__}: {ended}")
        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            await adapter.close()

    async def restart(self) -> None:
        """Leave and come back."""
        await self.leave()
        await self.come_back()

    async def other_hand(self) -> "Bench":
        """Somebody else on the same account: a bench of its own, cleaned up after with this one."""
        other = Bench(self.harness, f"by-hand-{self.prefix.rstrip('-')}")
        self.others.append(other)
        await other.open()
        return other

    # -- facts --------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The present time, as adapter and venue have it."""
        return self.harness.now()

    @property
    def adapter(self) -> BrokerAdapter:
        """The adapter, while there is one."""
        assert self._adapter is not None, "the bench was left"
        return self._adapter

    @property
    def connected(self) -> bool:
        """True while there is an adapter that listens."""
        return self._adapter is not None

    @property
    def account(self) -> AccountInfo:
        """The account as it was at the last connect."""
        assert self._account is not None, "the bench is open"
        return self._account

    @property
    def before(self) -> VenueSnapshot:
        """The account as it was when the case began."""
        assert self._before is not None, "the bench is open"
        return self._before

    @property
    def instrument(self) -> Instrument:
        """The steps of the symbol."""
        return self.adapter.instruments[self.symbol]

    @property
    def no_such_id(self) -> VenueOrderId:
        """A venue order id that is well formed here and no order's."""
        return self.harness.no_such_id

    @property
    def contract(self) -> Contract:
        """How a price of the symbol becomes money."""
        return self.instrument.contract

    @property
    def market(self) -> Market:
        """The market, where it can be moved."""
        assert self.harness.market is not None, "a case that moves the market needs MARKET_CONTROL"
        return self.harness.market

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What can be tried here."""
        found = self.harness.offers | derived_capabilities(self.adapter.model, self.instrument, self.account)
        if len(self.harness.symbols) > 1:
            found |= {Capability.MULTI_SYMBOL}
        if self.crypto is not None:
            found |= {Capability.CRYPTO}
        return found

    @property
    def crypto(self) -> Symbol | None:
        """A crypto pair of the harness."""
        instruments = self.adapter.instruments
        pairs = (name for name in self.harness.symbols if instruments[name].asset_class is AssetClass.CRYPTO)
        return next(pairs, None)

    @property
    def lasting(self) -> TimeInForce:
        """How an order lives that is to rest."""
        return self.lifetime_of(self.symbol)

    def lifetime_of(self, symbol: Symbol) -> TimeInForce:
        """How an order of a symbol lives that is to rest."""
        return lasting(self.adapter.model.by_class[self.adapter.instruments[symbol].asset_class])

    # -- orders -------------------------------------------------------------------------------------------------------

    def order(
        self,
        side: Side = Side.BUY,
        lots: int = 1,
        *,
        limit: Decimal | None = None,
        stop: Decimal | None = None,
        trail_amount: Decimal | None = None,
        trail_percent: Decimal | None = None,
        tif: TimeInForce | None = None,
        expires_ns: int | None = None,
        extended_hours: bool = False,
        quantity: Decimal | None = None,
        symbol: Symbol | None = None,
        order_type: OrderType | None = None,
    ) -> Order:
        """Make an order; its type is the one that its prices ask for."""
        trails = trail_amount is not None or trail_percent is not None
        kind = OrderType.TRAILING_STOP if trails else _TYPES[limit is not None, stop is not None]
        number = len(self.sent) + 1
        return self.keep(
            Order(
                client_order_id=ClientOrderId(f"{self.prefix}{number}"),
                strategy_id=_CONFORM,
                symbol=symbol or self.symbol,
                side=side,
                quantity=self.prices.lot * lots if quantity is None else quantity,
                terms=OrderTerms(
                    order_type=order_type or kind,
                    limit_price=limit,
                    stop_price=stop,
                    trail_amount=trail_amount,
                    trail_percent=trail_percent,
                    time_in_force=tif or self.lasting,
                    expires_ns=expires_ns,
                    extended_hours=extended_hours,
                ),
                trace_id=TraceId(f"{self.prefix}{number}"),
                contract=self.adapter.instruments[symbol or self.symbol].contract,
                ts_created=self.now(),
                reference_price=self.prices.mid,
            )
        )

    def stray_from(self, adapter: BrokerAdapter) -> Order:
        """Make a resting order to be sent by an adapter that was left."""
        self._adapter = adapter
        try:
            return self.resting()
        finally:
            self._adapter = None

    def stray(self, symbol: Symbol) -> Order:
        """Make a resting order for a symbol that nothing is known of."""
        made = self.resting()
        order = msgspec.structs.replace(made, symbol=symbol)
        return self.keep(order)

    def resting(self, side: Side = Side.BUY, lots: int = 1, *, tif: TimeInForce | None = None) -> Order:
        """Make a limit order far from the market."""
        limit = self.prices.far_below if side is Side.BUY else self.prices.far_above
        return self.order(side, lots, limit=limit, tif=tif)

    def submit(self, order: Order) -> None:
        """Send it."""
        self.requests += 1
        self.adapter.submit(order)

    async def place(self, order: Order) -> OrderAccepted:
        """Send it and wait until the venue has it."""
        self.submit(order)
        return await self.expect(OrderAccepted, order)

    async def fill(self, order: Order) -> list[OrderFilled]:
        """Send it and wait until all of it has filled."""
        self.submit(order)
        return await self.filled(order)

    def cancel(self, order: Order, venue_order_id: VenueOrderId | None = None) -> None:
        """Ask for a cancel."""
        now = self.now()
        self.requests += 1
        self.fold(CancelRequested(client_order_id=order.client_order_id, ts_event=now, ts_recv=now))
        self.adapter.cancel(order, venue_order_id or self.venue_id(order))

    async def cancelled(self, order: Order) -> OrderCanceled:
        """Ask for a cancel and wait for it."""
        self.cancel(order)
        return await self.expect(OrderCanceled, order)

    def modify(self, order: Order, *, lots: int | None = None, **figures: Decimal) -> None:
        """Ask for new terms; `lots` is the new total, the rest by the names of `OrderModification`."""
        state, now = self.state(order), self.now()
        details = OrderModification(quantity=None if lots is None else self.prices.lot * lots, **figures)
        self.requests += 1
        self.fold(
            ReplaceRequested(
                client_order_id=order.client_order_id,
                quantity=details.quantity or state.quantity,
                limit_price=details.limit_price or state.terms.limit_price,
                stop_price=details.stop_price or state.terms.stop_price,
                ts_event=now,
                ts_recv=now,
            )
        )
        self.adapter.modify(order, self.venue_id(order), details)

    # -- what became of them ------------------------------------------------------------------------------------------

    async def filled_lots(self, order: Order, lots: int) -> None:
        """Wait until so much of an order has filled."""
        target = self.prices.lot * lots
        await self.until(
            lambda: self.state(order).filled_quantity >= target,
            f"{target} of {order.client_order_id} fill ({self.state(order).filled_quantity} did)",
        )
        got = self.state(order).filled_quantity
        check(got == target, f"{got} of {order.client_order_id} filled, where the market showed {target}")

    async def fees_told(self, order: Order) -> None:
        """Wait until the fee of every execution is known."""
        await self.until(lambda: not self.state(order).fees_pending, "every fee is told")

    async def settle(self) -> None:
        """Wait until everything that the venue has said so far was heard: an order's two reports come after it."""
        probe = self.resting()
        await self.place(probe)
        await self.cancelled(probe)

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Ask for a snapshot."""
        self.requests += 6
        return await self.adapter.snapshot(since_ns)

    async def find(self, order: Order) -> VenueOrder | None:
        """Ask for an order by our id."""
        self.requests += 1
        return await self.adapter.find_order(order.client_order_id)

    async def working(self) -> list[VenueOrder]:
        """Ask for the orders of this bench that work."""
        self.requests += 1
        return [order for order in await self.adapter.open_orders() if order.client_order_id.startswith(self.prefix)]

    async def position(self, symbol: Symbol | None = None) -> Decimal:
        """Ask by how much the position has changed since the case began."""
        symbol = symbol or self.symbol
        return held(await self.snapshot(self.now()), symbol) - held(self.before, symbol)

    # -- the market ---------------------------------------------------------------------------------------------------

    async def quote(self, bid: float, ask: float, *, lots: int = 0, symbol: Symbol | None = None) -> None:
        """Show a quote, `lots` at either side (0 bounds no order)."""
        await self.market.quote(symbol or self.symbol, bid, ask, float(self.prices.lot * lots))

    async def move(self, price: float) -> None:
        """Bring the market to a price: a quote around it, and a print at it."""
        await self.quote(round(price - 0.01, 2), round(price + 0.01, 2))
        await self.market.trade(self.symbol, price, float(self.prices.lot * 100))

    async def prices_of(self, symbol: Symbol) -> Prices:
        """The prices of another symbol."""
        bid, ask = await self.harness.prices(symbol, self.adapter)
        return Prices(bid, ask, self.adapter.instruments[symbol])

    async def play(self, **fault: object) -> None:
        """Commit a fault; its words are those of a drill's scenario."""
        await self.harness.play(_FAULTS.validate_python(fault))

    def note_failure(self, error: BaseException) -> None:
        """Take what escaped a task of an adapter."""
        self.failures.append(f"{type(error).__name__}: {error}")

    def seconds(self, count: float) -> int:
        """So many seconds from now, as ns UTC."""
        return self.now() + int(count * NS_PER_SECOND)


def held(snapshot: VenueSnapshot, symbol: Symbol) -> Decimal:
    """The position of a symbol."""
    return sum((item.quantity for item in snapshot.positions if item.symbol == symbol), Decimal(0))


_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}
