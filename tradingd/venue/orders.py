"""The order desk: the life of every order from request to last fill, with brackets, replacement and expiry.

Owns the open orders and the market that they meet. Reads requests, market data and the time; emits, through `Changes`,
records, executions and trade updates. Each public call is one transaction: it is on disk when the call returns.
Never waits.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import assert_never

from tradingd.core.accounting import EXACT
from tradingd.core.calendar import Calendar
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.core.matching import (
    MatchCancel,
    MatchFill,
    MatchOutcome,
    SimulatedMarket,
    StopElected,
    StopTrailed,
    meet_auction,
)
from tradingd.core.matching import to_decimal as exact_price
from tradingd.core.orders import OrderType, Side, TimeInForce
from tradingd.settings.venue import VenueSettings
from tradingd.venue.account import Account
from tradingd.venue.admission import Admission
from tradingd.venue.assets import AssetDirectory
from tradingd.venue.auctions import AuctionHouse
from tradingd.venue.changes import Changes, UpdateSink, new_id
from tradingd.venue.errors import Refusal, duplicate_client_order_id, not_found, unprocessable
from tradingd.venue.faults import FaultLayer
from tradingd.venue.intake import OrderBody, ReplaceBody, asset_missing, build_orders
from tradingd.venue.open_orders import OpenOrders
from tradingd.venue.records import OrderClass, OrderEvent, OrderRecord, OrderStatus
from tradingd.venue.replacement import build_replacement
from tradingd.venue.sessions import expiry
from tradingd.venue.store import OrderQuery, VenueStore
from tradingd.venue.waiting import WaitingOrders
from tradingd.venue.wire import leg_order, order_json

_MICROSECOND = 1000
_EVERYTHING = 1_000_000_000


class OrderDesk:
    """All orders of the account."""

    def __init__(
        self,
        *,
        settings: VenueSettings,
        store: VenueStore,
        account: Account,
        assets: AssetDirectory,
        calendar: Calendar,
        clock: Callable[[], int],
        publish: UpdateSink,
        faults: FaultLayer | None = None,
    ) -> None:
        self._faults = faults
        self.market = SimulatedMarket()
        self.open = OpenOrders()
        self._store = store
        self._account = account
        self._assets = assets
        self._calendar = calendar
        self._clock = clock
        self._changes = Changes(store, account, assets, publish)
        self._stored_marks = store.marks()
        self.admission = Admission(settings, account, self.market, self.open, self.marks)
        self._unpriced = WaitingOrders()
        self._auctions = AuctionHouse(self.market, calendar, clock, self._meet_auction)
        self._next_change = 0
        self._last_stamp = 0
        self._restore()

    # -- questions ----------------------------------------------------------------------------------------------------

    @property
    def failed(self) -> bool:
        """True once the database could not be written: nothing in memory may be shown any more."""
        return self._changes.failed

    def marks(self) -> Mapping[Symbol, Decimal]:
        """The last price of every held symbol, from before the start where none came since."""
        marks = {}
        for symbol in self._account.positions:
            mark = self.market.book(symbol).mark
            price = exact_price(mark) if mark else self._stored_marks.get(symbol)
            if price is not None:
                marks[symbol] = price
        return marks

    def prices(self) -> Mapping[Symbol, Decimal]:
        """The last price of every symbol that was seen since the start."""
        return {symbol: exact_price(mark) for symbol, mark in self.market.marks().items()}

    def describe(self, record: OrderRecord, nested: bool) -> dict[str, object]:
        """An order as JSON, its legs inside where that is asked for."""
        legs = None
        if nested and record.order_class is not OrderClass.SIMPLE and record.parent_id is None:
            current = [leg for leg in self._store.legs(record.id) if leg.status is not OrderStatus.REPLACED]
            legs = [self.describe(leg, nested=False) for leg in sorted(current, key=leg_order)]
        return order_json(record, self._assets.of(record.symbol).id, legs)

    def find(self, order_id: str) -> OrderRecord:
        """One order by the venue's id; raises a `Refusal` when there is none."""
        record = self.open.get(order_id) or self._store.order(order_id)
        if record is None:
            raise not_found(f"order not found for {order_id}")
        return record

    # -- commands -----------------------------------------------------------------------------------------------------

    def submit(self, body: OrderBody) -> dict[str, object]:
        """Take an order and return it as it was when it was taken, before the market saw it; raises a `Refusal`."""
        asset = None if body.symbol is None else self._assets.find(body.symbol)
        if asset is None:
            raise asset_missing(body.symbol)
        now = self._stamp()
        order, *legs = build_orders(body, asset, now, new_id)
        if body.client_order_id and self._store.order_by_client_id(body.client_order_id) is not None:
            raise duplicate_client_order_id()
        self._auctions.choose(order)
        if order.order_type is OrderType.TRAILING_STOP and self._tradable(order, now):
            self._begin_trail(order)
        self.admission.admit(order)
        self.admission.check_legs(order, legs)
        for record in (order, *legs):
            record.expires_at = self._expiry(record, now)
            self.open.add(record)
            self._auctions.add(record)
            self._changes.touch(record)
        working = [order, *legs] if order.order_class is OrderClass.OCO else [order]
        for record in working:
            self._take_up(record, now)
        described = [self.describe(leg, nested=False) for leg in sorted(legs, key=leg_order)]
        snapshot = self.describe(order, nested=False) | {"legs": described or None}
        # Of two exits the protective one stands first, so that an event that reaches both stops the loss.
        for record in reversed(working):
            self._meet_market(record)
        self._changes.commit()
        return snapshot

    def cancel(self, order_id: str) -> None:
        """Cancel an open order; raises a `Refusal` when it is not there or not open."""
        record = self.find(order_id)
        self._fill_before("cancel", record)
        if not record.is_open:
            raise unprocessable(f'order is already in "{record.status.value}" state')
        self._end(record, OrderStatus.CANCELED)
        self._changes.commit()

    def cancel_all(self, symbol: Symbol | None = None) -> list[str]:
        """Cancel every open order, or those of one symbol, in one transaction; return their ids."""
        ids = [record.id for record in self.open if symbol in (None, record.symbol)]
        for order_id in ids:
            # Cancelling one may have taken its siblings along.
            if (record := self.open.get(order_id)) is not None:
                self._end(record, OrderStatus.CANCELED)
        self._changes.commit()
        return ids

    def replace(self, order_id: str, body: ReplaceBody) -> dict[str, object]:
        """Put a new order in an open one's place and return it; raises a `Refusal`."""
        old = self.find(order_id)
        self._fill_before("replace", old)
        now = self._stamp()
        new = build_replacement(old, body, self._assets.of(old.symbol), now, new_id)
        if body.client_order_id and self._store.order_by_client_id(body.client_order_id) is not None:
            raise duplicate_client_order_id()
        if new.status is not OrderStatus.HELD:
            self.admission.admit(new, instead_of=old)
        new.expires_at = self._expiry(new, now)
        self.market.remove(old.symbol, old.id)
        old.status, old.replaced_by, old.replaced_at, old.updated_at = OrderStatus.REPLACED, new.id, now, now
        relatives = self.open.relatives(old)
        self.open.remove(old)
        for relative in relatives:
            if relative.parent_id == old.id:
                self.open.adopt(relative, new.id)
                self._changes.touch(relative)
        self._changes.announce(OrderEvent.REPLACED, old, now)
        self.open.add(new)
        self._changes.touch(new)
        if new.status is not OrderStatus.HELD:
            self._take_up(new, now)
        snapshot = self.describe(new, nested=False)
        if new.status is not OrderStatus.HELD:
            self._meet_market(new)
        self._changes.commit()
        return snapshot

    # -- events -------------------------------------------------------------------------------------------------------

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Match one valid event against the open orders."""
        book = self.market.book(event.symbol)
        waits = event.symbol in self._auctions
        if len(self.open) and self._clock() >= self._next_change:
            self.on_time()
        outcomes = book.on_market_data(event)
        if outcomes:
            self._apply(outcomes)
        if waits:
            self._auctions.on_market_data(event)
        if event.symbol in self._unpriced:
            for record in self._unpriced.of(event.symbol):
                self._meet_market(record)
            waits = True
        if outcomes or waits:
            self._changes.commit()

    def on_time(self) -> None:
        """Expire what is over, release what waited for an opening, put aside what waits for the next."""
        now = self._clock()
        if now < self._next_change:
            return
        self._auctions.on_time(now)
        for record in list(self.open):
            if record.id in self.open and record.expires_at is not None and record.expires_at <= now:
                # An opening without a price is an auction that did not fill, which is a cancel at Alpaca.
                self._end(record, OrderStatus.EXPIRED if record.auction_at is None else OrderStatus.CANCELED)
        for record in sorted(self.open, key=lambda record: (record.submitted_at, -leg_order(record))):
            if record.status is OrderStatus.HELD or record.id not in self.open:
                continue
            if not self._tradable(record, now):
                self.market.remove(record.symbol, record.id)
            elif record.status is OrderStatus.ACCEPTED:
                self._take_up(record, self._stamp())
                self._meet_market(record)
            elif not self._is_working(record):
                self._meet_market(record)
        expiries = (record.expires_at for record in self.open if record.expires_at is not None)
        self._next_change = min((self._calendar.next_change(now), *expiries))
        self._changes.commit()

    # -- one order ----------------------------------------------------------------------------------------------------

    def _take_up(self, record: OrderRecord, now: int) -> None:
        """Say that an order is at work, or that it waits for the opening."""
        open_now = self._tradable(record, self._clock())
        record.status = OrderStatus.NEW if open_now else OrderStatus.ACCEPTED
        record.updated_at = now
        self._changes.announce(OrderEvent.NEW if open_now else OrderEvent.ACCEPTED, record, now)

    def _meet_market(self, record: OrderRecord) -> None:
        """Bring an order into its book, unless the session is closed or it needs a price and there is none."""
        if record.id not in self.open or not self._tradable(record, self._clock()):
            return
        price = self.market.book(record.symbol).opposite_price(record.side)
        if (record.work_qty is None or (record.opening and record.reserve_price is None)) and price <= 0:
            if record.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
                self._end(record, OrderStatus.CANCELED)
            else:
                self._unpriced.add(record)
            return
        self._unpriced.remove(record)
        if self._is_affordable(record, price):
            self._apply(self.market.arrive(record.match_order(self._clock())))

    def _is_affordable(self, record: OrderRecord, price: float) -> bool:
        """Settle what had to wait for a price; an order that proves to be too much ends here."""
        try:
            self.admission.settle(record, price)
        except Refusal:
            self._end(record, OrderStatus.REJECTED)
            return False
        return True

    def _begin_trail(self, record: OrderRecord) -> None:
        price = self.market.book(record.symbol).last_price(record.side)
        if price > 0:
            record.trail(exact_price(price))

    def _meet_auction(self, record: OrderRecord, price: float) -> None:
        if record.id in self.open and (price <= 0 or self._is_affordable(record, price)):
            self._apply(meet_auction(record.match_order(self._clock()), price))

    def _apply(self, outcomes: Sequence[MatchOutcome]) -> None:
        for outcome in outcomes:
            record = self.open.get(outcome.order_id)
            # A sibling's fill earlier in the same list may have ended it.
            if record is None:
                continue
            match outcome:
                case MatchFill():
                    quantity = min(outcome.quantity, record.leaves)
                    for part in (quantity,) if self._faults is None else self._faults.fills_of(record, quantity):
                        self._fill(record, part, outcome.price)
                case MatchCancel():
                    self._end(record, OrderStatus.CANCELED)
                case StopElected():
                    record.elected = True
                    self._changes.touch(record)
                case StopTrailed():
                    record.hwm, record.stop_price = outcome.high_water, outcome.stop_price
                    self._changes.touch(record)
                case _:
                    assert_never(outcome)

    def _fill(self, record: OrderRecord, quantity: Decimal, price: Decimal) -> None:
        now = self._stamp()
        short = record.side is Side.SELL and self._account.quantity(record.symbol) <= 0
        position = self._account.apply(record.symbol, record.side, quantity, price)
        record.filled_qty += quantity
        record.filled_value = EXACT.add(record.filled_value, EXACT.multiply(quantity, price))
        record.updated_at = now
        done = not record.leaves
        record.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        if done:
            record.filled_at = now
        self._changes.book(record, quantity, price, now, short=short, position=position)
        relatives = self.open.relatives(record)
        if done:
            self.open.remove(record)
            self._auctions.remove(record)
        self._follow_fill(record, relatives)

    def _fill_before(self, command: str, record: OrderRecord) -> None:
        """Let the fault layer fill a part of an order that a command is about to end or change."""
        if self._faults is not None and self._is_working(record):
            self._faults.fill_before(command, record, self.market, self._fill)
            self._changes.commit()

    def _follow_fill(self, record: OrderRecord, relatives: list[OrderRecord]) -> None:
        """Release the exits of a filled entry; shrink or cancel the sibling of an exit that traded."""
        if not record.is_exit:
            if record.status is OrderStatus.FILLED:
                # The stop-loss first: see `submit`.
                for leg in sorted(relatives, key=leg_order, reverse=True):
                    leg.opening = False
                    self._take_up(leg, self._stamp())
                for leg in sorted(relatives, key=leg_order, reverse=True):
                    self._meet_market(leg)
            return
        for sibling in relatives:
            if sibling.id not in self.open or not sibling.is_exit:
                continue
            if record.status is OrderStatus.FILLED:
                self._end(sibling, OrderStatus.CANCELED)
            elif sibling.leaves > record.leaves:
                sibling.qty = sibling.work_qty = sibling.filled_qty + record.leaves
                if self._is_working(sibling):
                    self.market.reduce(sibling.symbol, sibling.id, sibling.leaves)
                self._changes.announce(OrderEvent.RESTATED, sibling, self._stamp())

    def _end(self, record: OrderRecord, status: OrderStatus) -> None:
        """Close what is left of an order, and with it what depends on it: held legs, or the other exit."""
        now = self._stamp()
        record.status = status
        record.updated_at = now
        match status:
            case OrderStatus.CANCELED:
                record.canceled_at, event = now, OrderEvent.CANCELED
            case OrderStatus.EXPIRED:
                record.expired_at, event = now, OrderEvent.EXPIRED
            case _:
                record.failed_at, event = now, OrderEvent.REJECTED
        self.market.remove(record.symbol, record.id)
        self._unpriced.remove(record)
        self._auctions.remove(record)
        relatives = self.open.relatives(record)
        self.open.remove(record)
        self._changes.announce(event, record, now)
        follows = OrderStatus.CANCELED if status is OrderStatus.REJECTED else status
        for relative in relatives:
            if relative.id in self.open and relative.is_exit:
                self._end(relative, follows)

    # -- bookkeeping --------------------------------------------------------------------------------------------------

    def _tradable(self, record: OrderRecord, now: int) -> bool:
        """Tell whether an order can be in its book: one that waits for an auction never is."""
        return record.auction_at is None and (record.crypto or self._calendar.is_open(now, record.extended_hours))

    def _is_working(self, record: OrderRecord) -> bool:
        return record.id in self.market.book(record.symbol).working

    def _expiry(self, record: OrderRecord, now: int) -> int | None:
        expires = expiry(record, now, self._calendar)
        if expires is not None:
            self._next_change = min(self._next_change, expires)
        return expires

    def _stamp(self) -> int:
        """The time in whole microseconds, never twice the same: clients page through orders by it."""
        now = self._clock()
        self._last_stamp = max(now - now % _MICROSECOND, self._last_stamp + _MICROSECOND)
        return self._last_stamp

    def _restore(self) -> None:
        """Take up the open orders of a former run where they stood."""
        for record in self._store.orders(OrderQuery(is_open=True, ascending=True, limit=_EVERYTHING)):
            self.open.add(record)
            self._auctions.add(record)
            self._last_stamp = max(self._last_stamp, record.updated_at)
        for latest in self._store.orders(OrderQuery(limit=1)):
            self._last_stamp = max(self._last_stamp, latest.updated_at)
        self.on_time()
