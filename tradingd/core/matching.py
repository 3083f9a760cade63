"""A simulated market for our own orders: who fills, how much and at what price.

Owns, per symbol, the last quote, print and bar and the orders that wait for them. Reads market data and orders; emits
fills, cancels, stop elections and trails as values. Never knows the time, an account or a session: its caller decides
who may trade, when an auction is held and when an order is over.

The choices, for want of a real queue:

- *Quotes rule where there are any.* An order that is marketable on arrival takes the opposite quote; an order that was
  resting fills at its own limit when the opposite quote touches it. Either takes at most the size shown; what is taken
  is gone until the next quote. A size of 0 beside a price is unknown and bounds nothing.
- *A print fills a resting limit only when it goes through it*, for at most the print's size, which orders share in
  order of arrival.
- *Stops are elected by prints*, or by the quote they would trade against while a symbol has never printed. An elected
  stop is an arriving market or limit order.
- *Without quotes* the last print or close stands for both sides, with no size.
- *Bars fill only where nothing finer exists.* A resting limit fills at the better of limit and open when the range went
  through it; a stop at the worse of stop and open when the range reached it. Of a bar that had begun before the order
  arrived, only the close counts: the range may be older than the order.
- *A trailing stop follows prints*, or the quote it would trade against while a symbol has never printed; its mark moves
  one way only. Of a bar, which does not tell whether its high or its low came first, it gets the worst: elected by the
  stop as it stood, or, when the bar's best price moves the stop so far that the range reaches it, filled at the far end
  of the range.
- *An auction* (`meet_auction`) fills an order whole at its one price, or cancels it.
- *A market order without any price waits.* IOC and FOK never wait: what cannot trade on arrival is cancelled.
- Our orders do not trade with each other.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick, TradeTick, reference_price
from tradingd.core.orders import ZERO, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.trailing import trailing_stop


class MatchOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the matching sees it; `quantity` is what is still to fill."""

    order_id: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    terms: OrderTerms
    ts_arrived: int
    elected: bool = False
    """True for a stop that was elected before (an order taken up again after a restart)."""
    high_water: Decimal | None = None
    """The mark that a trailing stop has reached before; None to begin at the present price, or the first."""


class MatchFill(msgspec.Struct, frozen=True):
    """One execution."""

    order_id: str
    quantity: Decimal
    price: Decimal


class MatchCancel(msgspec.Struct, frozen=True):
    """The rest of an IOC or FOK order, or what an auction did not fill, is gone."""

    order_id: str


class StopElected(msgspec.Struct, frozen=True):
    """A stop was reached; the order now works as a market or limit order."""

    order_id: str


class StopTrailed(msgspec.Struct, frozen=True):
    """A trailing stop moved: its new stop price, and the best price since it was placed."""

    order_id: str
    stop_price: Decimal
    high_water: Decimal


MatchOutcome: TypeAlias = MatchFill | MatchCancel | StopElected | StopTrailed
NOTHING: Sequence[MatchOutcome] = ()


def to_decimal(value: float) -> Decimal:
    """Give a float of market data the decimal that people see it as: 0.1 is 0.1."""
    return Decimal(repr(value))


class _Working:
    """An order in a book, with its prices also as floats so that the scan of a tick compares cheaply."""

    __slots__ = (
        "buy",
        "immediate",
        "limit",
        "limit_price",
        "mark",
        "open",
        "order",
        "resting",
        "stop",
        "stop_price",
        "trails",
        "waits_for_stop",
        "whole",
    )

    def __init__(self, order: MatchOrder) -> None:
        terms = order.terms
        self.order = order
        self.open = order.quantity
        self.buy = order.side is Side.BUY
        limited = terms.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        self.limit_price = terms.limit_price if limited else None
        self.limit = math.nan if self.limit_price is None else float(self.limit_price)
        self.trails = terms.order_type is OrderType.TRAILING_STOP
        stops = self.trails or terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
        self.waits_for_stop = stops and not order.elected
        self.stop_price = None if self.trails else terms.stop_price
        self.stop = math.nan if self.stop_price is None else float(self.stop_price)
        # Any price is better than none: the first one begins the trail.
        self.mark = math.inf if self.buy else -math.inf
        self.immediate = terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        self.whole = terms.time_in_force is TimeInForce.FOK
        self.resting = False

    def accepts(self, price: float) -> bool:
        """Tell whether the order may trade at this price."""
        if self.limit_price is None:
            return True
        return price <= self.limit if self.buy else price >= self.limit

    def bound(self, price: Decimal) -> Decimal:
        """Keep a price inside the limit to the last digit: a limit may have more of them than a float holds."""
        if self.limit_price is None:
            return price
        return min(price, self.limit_price) if self.buy else max(price, self.limit_price)

    def is_passed_by(self, price: float) -> bool:
        """Tell whether a price lies beyond the limit, so that an order resting at it must have traded."""
        return price < self.limit if self.buy else price > self.limit

    def is_elected_by(self, price: float) -> bool:
        """Tell whether a price reaches the stop."""
        return price >= self.stop if self.buy else price <= self.stop

    def trail(self, mark: Decimal) -> StopTrailed:
        """Move the mark, and the stop after it."""
        self.mark = float(mark)
        self.stop_price = trailing_stop(self.order.terms, self.order.side, mark)
        self.stop = float(self.stop_price)
        return StopTrailed(self.order.order_id, self.stop_price, mark)

    def follow(self, price: float, outcomes: list[MatchOutcome]) -> None:
        """Let a price that is better than the mark move it."""
        if price < self.mark if self.buy else price > self.mark:
            outcomes.append(self.trail(to_decimal(price)))


class SymbolBook:
    """One symbol: what the market last showed and which of our orders wait for it."""

    __slots__ = ("_ask_taken", "_bid_taken", "_print_left", "bar", "last", "quote", "trade", "working")

    def __init__(self) -> None:
        self.quote: QuoteTick | None = None
        self.trade: TradeTick | None = None
        self.bar: PriceBar | None = None
        self.last: MarketDataEvent | None = None
        self.working: dict[str, _Working] = {}
        self._bid_taken = ZERO
        self._ask_taken = ZERO
        self._print_left = ZERO

    def on_market_data(self, event: MarketDataEvent) -> Sequence[MatchOutcome]:
        """Take in one valid event and say what it does to the waiting orders, in order of their arrival."""
        self.last = event
        kind = type(event)
        if kind is QuoteTick:
            self.quote = event  # type: ignore[assignment]  # `kind` narrows faster than isinstance on the hot path
            self._bid_taken = self._ask_taken = ZERO
        elif kind is TradeTick:
            self.trade = event  # type: ignore[assignment]
        else:
            self.bar = event  # type: ignore[assignment]
        if not self.working:
            return NOTHING
        outcomes: list[MatchOutcome] = []
        waiting = list(self.working.values())
        match event:
            case QuoteTick():
                for entry in waiting:
                    self._meet_quote(entry, event, outcomes)
            case TradeTick():
                self._print_left = to_decimal(event.size)
                for entry in waiting:
                    self._meet_print(entry, event, outcomes)
            case PriceBar() if self.quote is None and self.trade is None:
                for entry in waiting:
                    self._meet_bar(entry, event, outcomes)
            case PriceBar():
                return NOTHING
        return outcomes

    def arrive(self, order: MatchOrder) -> Sequence[MatchOutcome]:
        """Take an order: trade what is marketable now, keep or cancel the rest."""
        assert order.quantity > 0, "an order without quantity cannot be matched"
        entry = _Working(order)
        outcomes: list[MatchOutcome] = []
        self.working[order.order_id] = entry
        if not entry.waits_for_stop:
            self._arrive(entry, outcomes)
        elif entry.trails:
            if order.high_water is not None:
                entry.trail(order.high_water)
            elif (price := self.last_price(order.side)) > 0:
                entry.follow(price, outcomes)
        return outcomes

    def place(self, order: MatchOrder) -> None:
        """Take an order that waited elsewhere: it meets the next event, and not the prices of before."""
        entry = self.working[order.order_id] = _Working(order)
        if entry.trails and order.high_water is not None:
            entry.trail(order.high_water)

    def opposite_price(self, side: Side) -> float:
        """The price that an order of this side would meet now; 0 when there is none."""
        if self.quote is not None:
            return self.quote.ask if side is Side.BUY else self.quote.bid
        if self.trade is not None:
            return self.trade.price
        return 0.0 if self.bar is None else self.bar.close

    def last_price(self, side: Side) -> float:
        """The last print, or without any what an order of this side would meet; 0 when there is neither."""
        return self.opposite_price(side) if self.trade is None else self.trade.price

    @property
    def mark(self) -> float:
        """The price that a position is valued at; 0 when none is known."""
        return 0.0 if self.last is None else reference_price(self.last)

    # -- one order against one event ----------------------------------------------------------------------------------

    def _arrive(self, entry: _Working, outcomes: list[MatchOutcome]) -> None:
        self._take_opposite(entry, outcomes)
        if entry.open and entry.immediate:
            del self.working[entry.order.order_id]
            outcomes.append(MatchCancel(entry.order.order_id))
        entry.resting = True

    def _elect(self, entry: _Working, outcomes: list[MatchOutcome]) -> None:
        entry.waits_for_stop = False
        outcomes.append(StopElected(entry.order.order_id))

    def _meet_quote(self, entry: _Working, quote: QuoteTick, outcomes: list[MatchOutcome]) -> None:
        if not entry.waits_for_stop:
            self._take_opposite(entry, outcomes)
            return
        price = quote.ask if entry.buy else quote.bid
        if self.trade is None and price > 0:
            if entry.is_elected_by(price):
                self._elect(entry, outcomes)
                self._arrive(entry, outcomes)
            elif entry.trails:
                entry.follow(price, outcomes)

    def _meet_print(self, entry: _Working, trade: TradeTick, outcomes: list[MatchOutcome]) -> None:
        if entry.waits_for_stop:
            if entry.is_elected_by(trade.price):
                self._elect(entry, outcomes)
                self._arrive(entry, outcomes)
            elif entry.trails:
                entry.follow(trade.price, outcomes)
        elif entry.limit_price is not None:
            if entry.is_passed_by(trade.price) and self._print_left > 0:
                quantity = min(entry.open, self._print_left)
                self._print_left -= quantity
                self._fill(entry, quantity, entry.limit_price, outcomes)
        elif self.quote is None:
            self._take_opposite(entry, outcomes)

    def _meet_bar(self, entry: _Working, bar: PriceBar, outcomes: list[MatchOutcome]) -> None:
        worst_first = max if entry.buy else min
        if entry.order.ts_arrived <= bar.ts_open:
            first, lowest, highest = bar.open, bar.low, bar.high
        else:
            first = lowest = highest = bar.close
        if entry.waits_for_stop:
            worst = highest if entry.buy else lowest
            reached = entry.is_elected_by(worst)
            price = worst_first(entry.stop, first) if reached else worst
            if entry.trails and not reached:
                # The best price may have come before the worst: then the stop it moved was reached on the way back.
                entry.follow(lowest if entry.buy else highest, outcomes)
                reached = entry.is_elected_by(worst)
            if not reached:
                return
            self._elect(entry, outcomes)
            if entry.accepts(price):
                exact = entry.stop_price if price == entry.stop else None
                self._fill(entry, entry.open, exact or entry.bound(to_decimal(price)), outcomes)
            elif entry.immediate:
                del self.working[entry.order.order_id]
                outcomes.append(MatchCancel(entry.order.order_id))
            entry.resting = True
        elif entry.limit_price is None:
            self._fill(entry, entry.open, to_decimal(first), outcomes)
        elif entry.is_passed_by(lowest if entry.buy else highest):
            paid = to_decimal(first) if entry.is_passed_by(first) else entry.limit_price
            self._fill(entry, entry.open, entry.bound(paid), outcomes)

    def _take_opposite(self, entry: _Working, outcomes: list[MatchOutcome]) -> None:
        """Trade against the opposite quote, or against the last price where a symbol is not quoted."""
        price = self.opposite_price(entry.order.side)
        if price <= 0 or not entry.accepts(price):
            return
        quantity = entry.open
        shown = 0.0 if self.quote is None else self.quote.ask_size if entry.buy else self.quote.bid_size
        if 0 < shown < math.inf:
            left = to_decimal(shown) - (self._ask_taken if entry.buy else self._bid_taken)
            quantity = min(quantity, left)
        if quantity <= 0 or (entry.whole and quantity < entry.open):
            return
        if entry.buy:
            self._ask_taken += quantity
        else:
            self._bid_taken += quantity
        at_limit = entry.limit_price if entry.resting else None
        self._fill(entry, quantity, at_limit or entry.bound(to_decimal(price)), outcomes)

    def _fill(self, entry: _Working, quantity: Decimal, price: Decimal, outcomes: list[MatchOutcome]) -> None:
        entry.open -= quantity
        outcomes.append(MatchFill(entry.order.order_id, quantity, price))
        if not entry.open:
            del self.working[entry.order.order_id]


def meet_auction(order: MatchOrder, price: float) -> Sequence[MatchOutcome]:
    """Fill an order on open or close whole at the auction's price, or cancel it; 0 is an auction without a price."""
    entry = _Working(order)
    if price <= 0 or not entry.accepts(price):
        return (MatchCancel(order.order_id),)
    return (MatchFill(order.order_id, order.quantity, entry.bound(to_decimal(price))),)


class SimulatedMarket:
    """All symbols of a simulated market."""

    def __init__(self) -> None:
        self._books: dict[Symbol, SymbolBook] = {}

    def book(self, symbol: Symbol) -> SymbolBook:
        """The book of a symbol, made when it is first asked for."""
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = SymbolBook()
        return book

    def marks(self) -> dict[Symbol, float]:
        """The last price of every symbol that has one."""
        return {symbol: book.mark for symbol, book in self._books.items() if book.mark}

    def on_market_data(self, event: MarketDataEvent) -> Sequence[MatchOutcome]:
        """Take in one valid event (see `core.market.find_defect`) and say what it does to our orders."""
        book = self._books.get(event.symbol)
        if book is None:
            book = self.book(event.symbol)
        return book.on_market_data(event)

    def arrive(self, order: MatchOrder) -> Sequence[MatchOutcome]:
        """Take an order: trade what is marketable now, keep or cancel the rest."""
        return self.book(order.symbol).arrive(order)

    def place(self, order: MatchOrder) -> None:
        """Take an order that waited elsewhere: it meets the next event, and not the prices of before."""
        self.book(order.symbol).place(order)

    def remove(self, symbol: Symbol, order_id: str) -> bool:
        """Take an order out of its book; False when it is not in it."""
        return self.book(symbol).working.pop(order_id, None) is not None

    def reduce(self, symbol: Symbol, order_id: str, quantity: Decimal) -> None:
        """Set what is still to fill of a working order, keeping its place."""
        assert quantity > 0, "an order reduced to nothing is removed"
        self.book(symbol).working[order_id].open = quantity
