"""What the data's time does to the orders of the simulated venue.

Owns the orders that time governs, by symbol. Reads market data before the matching sees it; emits, as values, which of
them are over, which met their auction, and which the session lets in or keeps out. Never reads a clock.

- A day order lives through the New York date of the first market data of its symbol that follows it: placed after the
  last data of a day, it works on the next day that has any, whatever the calendar. Where regular hours are kept, it
  ends with the session instead.
- A GTD order ends with the first data of its symbol at its time or after. A bar that reaches beyond that time ends the
  order before it can fill: the range does not tell when.
- Orders on open and on close meet the auctions of New York's trading days: `core.auctions`.
- Where regular hours are kept, equity orders that are not for extended hours wait outside of them. A bar counts as
  inside when any part of it is; bars of a day and longer always are.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from tradingd.brokers.simulated.orders import AUCTIONS, SimulatedOrder
from tradingd.core.auctions import closing_price, opening_price
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MarketDataEvent, PriceBar
from tradingd.core.matching import SymbolBook
from tradingd.core.orders import TimeInForce
from tradingd.core.sessions import next_new_york_midnight
from tradingd.core.venue_view import VenueOrderStatus


class Expired(msgspec.Struct, frozen=True):
    """The order's time has run out."""

    life: SimulatedOrder


class Auctioned(msgspec.Struct, frozen=True):
    """The auction that the order waited for has a price; 0 for one without."""

    life: SimulatedOrder
    price: float


class SessionChanged(msgspec.Struct, frozen=True):
    """The order's session has opened or closed."""

    life: SimulatedOrder
    is_open: bool


Turn: TypeAlias = Expired | Auctioned | SessionChanged


class Timetable:
    """Orders that time governs, by symbol."""

    def __init__(self, *, regular_hours: bool) -> None:
        self.by_symbol: dict[Symbol, dict[str, SimulatedOrder]] = {}
        self._regular_hours = regular_hours
        self._exchange = NewYorkStockExchange()
        self._open_now = False
        self._known_from = self._known_to = 0

    def add(self, life: SimulatedOrder, *, has_sessions: bool) -> None:
        """Take an order in; `has_sessions` for one of an asset that trades on an exchange."""
        terms = life.terms
        keeps_hours = self._regular_hours and has_sessions
        if terms.time_in_force in AUCTIONS:
            life.auction_at = self._exchange.next_auction(terms.time_in_force, life.arrived)
        elif keeps_hours:
            if terms.time_in_force is TimeInForce.DAY:
                life.day_end = self._exchange.day_end(life.arrived, terms.extended_hours)
            life.parked = not terms.extended_hours and not self._is_open(life.arrived)
        elif terms.time_in_force not in (TimeInForce.DAY, TimeInForce.GTD):
            return
        self.by_symbol.setdefault(life.order.symbol, {})[life.venue_id] = life

    def remove(self, life: SimulatedOrder) -> None:
        """Let go of an order that is over."""
        waiting = self.by_symbol.get(life.order.symbol)
        if waiting is not None and waiting.pop(life.venue_id, None) is not None and not waiting:
            del self.by_symbol[life.order.symbol]

    def turns(self, event: MarketDataEvent, book: SymbolBook, *, has_sessions: bool) -> Iterator[Turn]:
        """Say what an event's time does to the orders of its symbol, before `book` sees it, oldest order first."""
        keeps_hours = self._regular_hours and has_sessions
        for life in list(self.by_symbol[event.symbol].values()):
            # What an earlier turn was answered with may have ended it.
            if life.status is VenueOrderStatus.WORKING:
                turn = self._turn(life, event, book, keeps_hours)
                if turn is not None:
                    yield turn

    def _turn(self, life: SimulatedOrder, event: MarketDataEvent, book: SymbolBook, keeps_hours: bool) -> Turn | None:
        terms = life.terms
        # A bar belongs to the day that it opens in: a daily bar closes on the stroke of the next one.
        begins = event.ts_open if isinstance(event, PriceBar) else event.ts_event
        match terms.time_in_force:
            case TimeInForce.OPG | TimeInForce.CLS:
                price = _auction_price(life, event, book)
                return None if price is None else Auctioned(life, price)
            case TimeInForce.DAY:
                if life.day_end is None:
                    life.day_end = next_new_york_midnight(begins)
                elif begins >= life.day_end:
                    return Expired(life)
            case TimeInForce.GTD:
                assert terms.expires_ns is not None
                if begins >= terms.expires_ns or event.ts_event > terms.expires_ns:
                    return Expired(life)
            case _:
                pass
        if keeps_hours and not terms.extended_hours:
            is_open = self._is_inside(event)
            if is_open is life.parked:
                return SessionChanged(life, is_open)
        return None

    def _is_inside(self, event: MarketDataEvent) -> bool:
        if not isinstance(event, PriceBar):
            return self._is_open(event.ts_event)
        return event.interval_ns >= DAY_NS or self._is_open(event.ts_open) or self._is_open(event.ts_event - 1)

    def _is_open(self, instant: int) -> bool:
        if not self._known_from <= instant < self._known_to:
            self._open_now = self._exchange.is_open(instant)
            self._known_from, self._known_to = instant, self._exchange.next_change(instant)
        return self._open_now


def _auction_price(life: SimulatedOrder, event: MarketDataEvent, book: SymbolBook) -> float | None:
    side, bell = life.order.side, life.auction_at
    if life.terms.time_in_force is TimeInForce.CLS:
        return closing_price(event, side, book, closes=bell, since=bell - DAY_NS)
    # A bar that closes with the bell lies before it.
    if event.ts_event < bell or (isinstance(event, PriceBar) and event.ts_event == bell):
        return None
    return opening_price(event, side, book, arrived=life.arrived)
