"""Which price a simulated market takes for an auction, and until when orders for one are taken."""

from datetime import UTC, datetime

import pytest
from tests.core.making_matching import bar, quote, trade
from tradingd.core.auctions import closing_price, opening_price
from tradingd.core.calendar import AlwaysOpen, NewYorkStockExchange
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent
from tradingd.core.matching import SymbolBook
from tradingd.core.orders import Side, TimeInForce

OPG, CLS, DAY = TimeInForce.OPG, TimeInForce.CLS, TimeInForce.DAY


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


def book(*events: MarketDataEvent) -> SymbolBook:
    made = SymbolBook()
    for event in events:
        made.on_market_data(event)
    return made


OPENINGS: dict[str, tuple[SymbolBook, MarketDataEvent, Side, float | None]] = {
    "a print opens at its price": (book(), trade(10), Side.BUY, 10),
    "a quote opens a symbol without prints at the side that is met": (book(), quote(9, 11), Side.BUY, 11),
    "a quote opens a sale at the bid": (book(), quote(9, 11), Side.SELL, 9),
    "a side that is not quoted opens nothing": (book(), quote(9, 0), Side.BUY, None),
    "a quote does not open a symbol that prints": (book(trade(8)), quote(9, 11), Side.BUY, None),
    "a bar opens at its open": (book(), bar(10, 12, 9, 11, ts_open=MINUTE_NS), Side.BUY, 10),
    "a bar that had begun opens at its close": (book(), bar(10, 12, 9, 11, ts_open=0), Side.BUY, 11),
    "a bar opens nothing where there is something finer": (book(quote(9, 11)), bar(10, 12, 9, 11), Side.BUY, None),
    "a bar opens nothing where there are prints": (book(trade(9)), bar(10, 12, 9, 11), Side.BUY, None),
}


@pytest.mark.parametrize(("seen", "event", "side", "price"), OPENINGS.values(), ids=OPENINGS.keys())
def test_opening(seen: SymbolBook, event: MarketDataEvent, side: Side, price: float | None) -> None:
    assert opening_price(event, side, seen, arrived=1) == price


BELL = MINUTE_NS
CLOSINGS: dict[str, tuple[SymbolBook, MarketDataEvent, float | None]] = {
    "an event before the bell closes nothing": (book(trade(10)), trade(11), None),
    "the last print before the bell closes": (book(trade(10), quote(8, 9)), bar(11, 11, 11, 11, ts_open=BELL), 10),
    "without prints the quote that is met closes": (book(quote(9, 11)), bar(12, 12, 12, 12, ts_open=BELL), 11),
    "a bar that ends with the bell closes": (book(), bar(10, 12, 9, 11), 11),
    "of a bar after the bell nothing counts": (book(bar(5, 5, 5, 5)), bar(10, 12, 9, 11, ts_open=BELL), 5),
    "without any price there is none": (book(), bar(10, 12, 9, 11, ts_open=BELL), 0),
}


@pytest.mark.parametrize(("seen", "event", "price"), CLOSINGS.values(), ids=CLOSINGS.keys())
def test_closing(seen: SymbolBook, event: MarketDataEvent, price: float | None) -> None:
    assert closing_price(event, Side.BUY, seen, closes=BELL, since=0) == price


def test_a_price_from_before_the_day_closes_nothing() -> None:
    late = bar(10, 12, 9, 11, ts_open=BELL)
    assert closing_price(late, Side.BUY, book(trade(10)), closes=BELL, since=2) == 0


@pytest.mark.parametrize(
    ("instant", "opg", "cls"),
    [
        ("2026-01-05T09:27:59-05:00", True, True),
        ("2026-01-05T09:28:00-05:00", False, True),
        ("2026-01-05T15:49:59-05:00", False, True),
        ("2026-01-05T15:50:00-05:00", False, False),
        ("2026-01-05T18:59:59-05:00", False, False),
        ("2026-01-05T19:00:00-05:00", True, True),
    ],
)
def test_orders_for_an_auction_have_a_cut_off(instant: str, opg: bool, cls: bool) -> None:
    calendar = NewYorkStockExchange()
    assert calendar.takes_auction(OPG, ns(instant)) is opg
    assert calendar.takes_auction(CLS, ns(instant)) is cls
    assert calendar.takes_auction(DAY, ns(instant))
    assert AlwaysOpen().takes_auction(OPG, ns(instant))


def test_auctions_are_held_on_trading_days() -> None:
    calendar = NewYorkStockExchange()
    evening = ns("2024-11-27T20:00:00-05:00")  # a holiday follows, then a half day
    assert calendar.next_auction(OPG, evening) == ns("2024-11-29T09:30:00-05:00")
    assert calendar.next_auction(CLS, evening) == ns("2024-11-29T13:00:00-05:00")
    midnight = ns("2024-11-28T00:00:00-05:00")
    assert AlwaysOpen().next_auction(OPG, evening) == AlwaysOpen().next_auction(CLS, evening) == midnight
