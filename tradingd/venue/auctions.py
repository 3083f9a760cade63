"""Orders that wait for an opening or a closing auction.

Owns them from the request to the bell. Reads the calendar, the time and market data; emits, through `meet`, each order
with the price of its auction, 0 for one without. An order on open that no price came for by the close is cancelled by
its expiry.
"""

from collections.abc import Callable

from tradingd.core.auctions import opening_price
from tradingd.core.calendar import Calendar
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.core.matching import SimulatedMarket
from tradingd.core.orders import TimeInForce
from tradingd.venue.errors import unprocessable
from tradingd.venue.records import OrderRecord
from tradingd.venue.waiting import WaitingOrders

_AUCTIONS = (TimeInForce.OPG, TimeInForce.CLS)


class AuctionHouse:
    """The auctions to come."""

    def __init__(
        self,
        market: SimulatedMarket,
        calendar: Calendar,
        clock: Callable[[], int],
        meet: Callable[[OrderRecord, float], None],
    ) -> None:
        self._market = market
        self._calendar = calendar
        self._clock = clock
        self._meet = meet
        self._waiting = WaitingOrders()

    def __contains__(self, symbol: Symbol) -> bool:
        return symbol in self._waiting

    def choose(self, record: OrderRecord) -> None:
        """Settle which auction an opg or cls order is for; raises a `Refusal` after the cut-off."""
        tif, now = record.time_in_force, self._clock()
        if tif in _AUCTIONS:
            if not self._calendar.takes_auction(tif, now):
                raise unprocessable(f"it is too late for {tif.value.lower()} orders and too early for the next auction")
            record.auction_at = self._calendar.next_auction(tif, now)

    def add(self, record: OrderRecord) -> None:
        """Let an order wait, if it is for an auction."""
        if record.auction_at is not None:
            self._waiting.add(record)

    def remove(self, record: OrderRecord) -> None:
        """Let go of an order that is over."""
        self._waiting.remove(record)

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Hold the opening auction of a symbol at its first price after the bell; its book has seen the event."""
        book = self._market.book(event.symbol)
        for record in self._waiting.of(event.symbol):
            opens = record.auction_at
            if record.time_in_force is TimeInForce.OPG and opens is not None and opens <= self._clock():
                price = opening_price(event, record.side, book, arrived=opens)
                if price is not None:
                    self._meet(record, price)

    def on_time(self, now: int) -> None:
        """Hold the closing auctions whose bell has rung, at the last price before it."""
        for record in self._waiting:
            if record.time_in_force is TimeInForce.CLS and record.auction_at is not None and record.auction_at <= now:
                self._meet(record, self._market.book(record.symbol).last_price(record.side))
