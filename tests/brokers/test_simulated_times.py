"""What time does to orders of the simulated broker: stated ends, auctions, sessions; and what trails."""

import msgspec
import pytest
from tests.brokers.making import ABC, BTC, CLOSE, MONDAY, NOON, OPENING, Bench, D, F, T, ns
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.core.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderType,
    ReplaceRefused,
    Side,
)

# -- good till a date -------------------------------------------------------------------------------------------------


def test_an_order_ends_at_its_time_and_not_before() -> None:
    bench = Bench()
    bench.trade(10)
    end = bench.now + 60 * NS_PER_SECOND
    bench.place(F.GTD, T.LIMIT, limit="9", expires=end)
    bench.place(F.GTD, T.LIMIT, limit="8.5", expires=end)
    bench.trade(8.9, at=end - 1)
    bench.trade(8, at=end)
    assert bench.fills() == [("c1", "10@9")]
    assert bench.kinds()[-1] is OrderExpired


def test_a_bar_that_ends_with_the_order_can_fill_it_and_one_that_reaches_further_cannot() -> None:
    for end, filled in ((NOON + MINUTE_NS, True), (NOON + MINUTE_NS - 1, False)):
        bench = Bench()
        bench.place(F.GTD, T.LIMIT, limit="9", expires=end)
        bench.bar((10, 10, 8, 10), NOON)
        assert bool(bench.fills()) is filled


@pytest.mark.parametrize("expires", [None, NOON])
def test_an_end_that_is_not_to_come_is_refused(expires: int | None) -> None:
    bench = Bench()
    bench.place(F.GTD, expires=expires)
    expected: list[type[object]] = [OrderRejected]
    assert bench.kinds() == expected


# -- auctions ---------------------------------------------------------------------------------------------------------


def test_an_order_on_open_fills_at_the_first_price_from_the_bell_on() -> None:
    bench = Bench(OPENING - MINUTE_NS)
    bench.trade(10)
    bench.place(F.OPG)
    bench.place(F.OPG, T.LIMIT, limit="11")
    bench.trade(11, at=OPENING - 1)
    assert bench.fills() == []
    bench.trade(12, at=OPENING)
    assert bench.fills() == [("c1", "10@12")]
    assert bench.kinds()[-1] is OrderCanceled


def test_minute_bars_open_and_close_the_day() -> None:
    bench = Bench(OPENING - 2 * MINUTE_NS)
    bench.bar((8, 8, 8, 8), OPENING - 2 * MINUTE_NS)
    bench.place(F.OPG)
    bench.place(F.CLS, side=Side.SELL)
    bench.bar((9, 9, 9, 9), OPENING - MINUTE_NS)
    bench.bar((10, 12, 9, 11), OPENING)
    assert bench.fills() == [("c1", "10@10")]
    bench.bar((14, 15, 13, 14.5), CLOSE - MINUTE_NS)
    assert bench.fills()[1:] == [("c2", "10@14.5")]


def test_daily_bars_open_and_close_the_day() -> None:
    midnight = ns(f"{MONDAY}00:00:00-05:00")
    bench = Bench(midnight)
    bench.place(F.OPG)
    bench.place(F.CLS, side=Side.SELL)
    bench.bar((10, 12, 9, 11), midnight, DAY_NS)
    assert bench.fills() == [("c1", "10@10"), ("c2", "10@11")]


def test_ticks_close_the_day_at_the_last_print_before_the_bell() -> None:
    bench = Bench()
    bench.place(F.CLS)
    bench.trade(11, at=CLOSE - 1)
    bench.trade(20, at=CLOSE + NS_PER_SECOND)
    assert bench.fills() == [("c1", "10@11")]


def test_a_day_without_data_has_no_close() -> None:
    bench = Bench()
    bench.trade(11, at=NOON - 3 * DAY_NS)
    bench.now = NOON
    bench.place(F.CLS)
    bench.trade(12, at=CLOSE + DAY_NS)
    expected: list[type[object]] = [OrderAccepted, OrderCanceled]
    assert bench.kinds() == expected


def test_a_half_day_closes_early_and_holidays_have_no_auction() -> None:
    bench = Bench(ns("2024-11-27T17:00:00-05:00"))
    bench.place(F.CLS)
    bench.trade(10, at=ns("2024-11-28T12:00:00-05:00"))
    bench.trade(11, at=ns("2024-11-29T12:59:00-05:00"))
    bench.trade(12, at=ns("2024-11-29T13:00:00-05:00"))
    assert bench.fills() == [("c1", "10@11")]


def test_an_order_that_waits_for_an_auction_can_be_changed_and_taken_back() -> None:
    bench = Bench(OPENING - MINUTE_NS)
    bench.trade(10)
    order = bench.place(F.OPG, T.LIMIT, limit="9")
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(limit_price=D(12)))
    gone = bench.place(F.OPG)
    bench.broker.cancel(gone, VenueOrderId("SIM-3"))
    bench.trade(11, at=OPENING)
    assert bench.fills() == [("c1", "10@11")]


@pytest.mark.parametrize(("kind", "symbol"), [(T.STOP, ABC), (T.TRAILING_STOP, ABC), (T.MARKET, BTC)])
def test_what_no_auction_trades_is_refused(kind: OrderType, symbol: Symbol) -> None:
    bench = Bench()
    bench.place(F.OPG, kind, symbol=symbol, trail="1" if kind is T.TRAILING_STOP else None)
    expected: list[type[object]] = [OrderRejected]
    assert bench.kinds() == expected


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_without_regular_hours_every_hour_trades() -> None:
    bench = Bench(CLOSE + MINUTE_NS)
    bench.trade(10)
    bench.place()
    assert bench.fills() == [("c1", "10@10")]


def test_outside_the_session_only_orders_for_it_trade() -> None:
    bench = Bench(CLOSE + MINUTE_NS, regular_hours=True)
    bench.trade(10)
    bench.place()
    bench.place(F.GTC, T.LIMIT, limit="10")
    bench.place(F.DAY, T.LIMIT, limit="10", extended=True)
    assert bench.fills() == [("c3", "10@10")]
    bench.trade(9)
    assert len(bench.fills()) == 1
    bench.trade(8, at=OPENING + DAY_NS)
    assert bench.fills()[1:] == [("c1", "10@8"), ("c2", "10@10")]


def test_a_resting_order_leaves_the_book_at_the_close_and_comes_back_at_the_opening() -> None:
    bench = Bench(CLOSE - MINUTE_NS, regular_hours=True)
    bench.trade(10)
    bench.place(F.GTC, T.LIMIT, limit="9")
    bench.place(F.DAY, T.LIMIT, limit="9")
    bench.trade(8, at=CLOSE)
    assert bench.kinds()[2:] == [OrderExpired]
    bench.trade(10, at=OPENING + DAY_NS)
    assert bench.fills() == []
    bench.trade(8.9)
    assert bench.fills() == [("c1", "10@9")]


def test_an_immediate_order_outside_the_session_is_cancelled() -> None:
    bench = Bench(CLOSE + MINUTE_NS, regular_hours=True)
    bench.trade(10)
    bench.place(F.IOC)
    expected: list[type[object]] = [OrderAccepted, OrderCanceled]
    assert bench.kinds() == expected


def test_a_decision_at_a_daily_close_trades_at_the_next_open() -> None:
    midnight = ns(f"{MONDAY}00:00:00-05:00")
    bench = Bench(midnight, regular_hours=True)
    bench.bar((10, 11, 9, 10), midnight, DAY_NS)
    bench.place()
    assert bench.fills() == []
    bench.bar((12, 13, 11, 12), midnight + DAY_NS, DAY_NS)
    assert bench.fills() == [("c1", "10@12")]


def test_a_bar_that_holds_the_opening_is_inside_the_session() -> None:
    bench = Bench(OPENING - 60 * MINUTE_NS, regular_hours=True)
    bench.place()
    bench.bar((10, 10, 10, 10), OPENING - 90 * MINUTE_NS, 60 * MINUTE_NS)
    assert bench.fills() == []
    bench.bar((12, 12, 12, 12), OPENING - 30 * MINUTE_NS, 60 * MINUTE_NS)
    assert bench.fills() == [("c1", "10@12")]


def test_crypto_has_no_hours() -> None:
    bench = Bench(CLOSE + MINUTE_NS, regular_hours=True)
    bench.trade(10, symbol=BTC)
    bench.place(F.GTC, symbol=BTC)
    assert bench.fills() == [("c1", "10@10")]


def test_an_elected_stop_is_still_elected_at_the_next_opening() -> None:
    bench = Bench(CLOSE - 2 * MINUTE_NS, regular_hours=True)
    bench.trade(10)
    bench.quote(0.0, 11)
    order = bench.place(F.GTC, T.TRAILING_STOP, side=Side.SELL, trail="1")
    bench.trade(9)
    assert bench.fills() == []
    bench.trade(20, at=CLOSE)
    bench.trade(20, at=OPENING + DAY_NS)
    bench.quote(19, 21)
    assert bench.fills() == [(order.client_order_id, "10@19")]


# -- trails -----------------------------------------------------------------------------------------------------------


async def test_a_trailing_stop_shows_where_it_stands_and_is_elected_there() -> None:
    bench = Bench()
    bench.trade(10)
    order = bench.place(F.GTC, T.TRAILING_STOP, side=Side.SELL, trail="1")
    bench.trade(12)
    found = await bench.broker.find_order(order.client_order_id)
    assert found is not None
    assert found.terms.stop_price == D(11)
    bench.trade(11)
    assert bench.fills() == [("c1", "10@11")]


def test_a_new_trail_keeps_the_mark() -> None:
    bench = Bench()
    bench.trade(10)
    order = bench.place(F.GTC, T.TRAILING_STOP, side=Side.SELL, trail="1")
    bench.trade(12)
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(trail_amount=D(3)))
    replaced = bench.reports[-1]
    assert isinstance(replaced, OrderReplaced)
    assert (replaced.trail_amount, replaced.stop_price) == (D(3), D(9))
    bench.trade(11)
    bench.trade(9)
    assert bench.fills() == [("c1", "10@9")]


def test_a_trail_in_another_unit_or_of_nothing_is_refused() -> None:
    bench = Bench()
    bench.trade(10)
    order = bench.place(F.GTC, T.TRAILING_STOP, side=Side.SELL, trail="1")
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(trail_percent=D(3)))
    bench.broker.modify(order, VenueOrderId("SIM-1"), OrderModification(trail_amount=D(-3)))
    assert bench.kinds()[-2:] == [ReplaceRefused, ReplaceRefused]
    bench.place(F.GTC, T.TRAILING_STOP)
    assert bench.kinds()[-1] is OrderRejected
    both = msgspec.structs.replace(order, client_order_id=ClientOrderId("both"))
    terms = msgspec.structs.replace(order.terms, trail_percent=D(1))
    bench.broker.submit(msgspec.structs.replace(both, terms=terms))
    assert bench.kinds()[-1] is OrderRejected
