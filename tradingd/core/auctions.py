"""What a simulated venue, which has no auctions of its own, takes for the price of one.

The opening auction trades at the first price after the bell, the closing auction at the last one before it. When the
bell rings, the caller knows.
"""

from tradingd.core.market import MarketDataEvent, PriceBar, TradeTick
from tradingd.core.matching import SymbolBook
from tradingd.core.orders import Side


def opening_price(event: MarketDataEvent, side: Side, book: SymbolBook, *, arrived: int) -> float | None:
    """The price at which an event opens a symbol for an order; None for an event that does not.

    Prints open a symbol that has any, quotes one without prints, bars one with neither. A bar that had begun before
    the order `arrived` opens at its close.
    """
    if isinstance(event, TradeTick):
        return event.price
    if book.trade is not None:
        return None
    if isinstance(event, PriceBar):
        if book.quote is not None:
            return None
        return event.open if event.ts_open >= arrived else event.close
    price = event.ask if side is Side.BUY else event.bid
    return price if price > 0 else None


def closing_price(event: MarketDataEvent, side: Side, book: SymbolBook, *, closes: int, since: int) -> float | None:
    """The price at which a symbol has closed for an order, told by the first event that lies at or after the bell.

    None for an event before it; 0 when there was no price from `since` on. `book` has not seen the event yet.
    """
    if event.ts_event < closes:
        return None
    if isinstance(event, PriceBar) and event.ts_open < closes and book.trade is None and book.quote is None:
        return event.close
    last = book.trade or book.quote or book.bar
    return 0.0 if last is None or last.ts_event < since else book.last_price(side)
