"""Coming by a quantity, each way: one order, a watched stop, two parts, slices, a chase; and what follows it."""

from decimal import Decimal

import pytest
from tests.core.plans.bench import STARTED, Bench
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.plans.records import (
    EmulatedStop,
    RepriceEntry,
    Single,
    TwapEntry,
    UnfilledAction,
    UnfilledTimeout,
    ZeroCross,
)
from tradingd.core.plans.step import needs_prices, to_come
from tradingd.core.signals import FollowUp

D = Decimal
S = OrderStatus
LIMIT = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(98), time_in_force=TimeInForce.GTC)
MARKET = OrderTerms()


def patience(action: UnfilledAction) -> UnfilledTimeout:
    return UnfilledTimeout(after_ns=10 * NS_PER_SECOND, action=action)


def coming(bench: Bench) -> Decimal:
    return to_come(bench.state, bench.orders.values())


@pytest.mark.parametrize("ends", ["fill", "cancel", "reject"])
def test_one_order_is_sent_once_and_its_end_is_the_plans(ends: str) -> None:
    bench = Bench(Single(terms=LIMIT))
    assert coming(bench) == 10
    bench.go()
    assert coming(bench) == 0
    match ends:
        case "fill":
            bench.accept("entry").fill("entry", "4").fill("entry", "6")
        case "cancel":
            bench.accept("entry").cancel("entry")
        case _:
            bench.reject("entry")
    assert bench.ended is not None
    assert list(bench.orders) == ["entry"]


def test_an_order_in_doubt_is_not_sent_again() -> None:
    bench = Bench(Single(terms=LIMIT)).go().doubt("entry").after(1000).go()
    assert (list(bench.orders), bench.ended) == (["entry"], None)


def test_what_has_a_time_is_cancelled_then() -> None:
    bench = Bench(Single(terms=LIMIT), until=STARTED + 5 * NS_PER_SECOND).go().accept("entry")
    assert bench.after(4.9).go().story["entry"] is S.ACCEPTED
    assert bench.after(0.1).go().story["entry"] is S.PENDING_CANCEL
    assert bench.cancel("entry").ended is not None
    never = Bench(Single(terms=LIMIT), until=STARTED).go()
    assert (never.orders, never.ended is not None) == ({}, True)


# -- patience ---------------------------------------------------------------------------------------------------------


def test_what_is_left_goes_at_market_after_the_confirmed_cancel() -> None:
    bench = Bench(Single(terms=LIMIT), patience=patience(UnfilledAction.MARKET)).go().accept("entry")
    bench.fill("entry", "3").after(10).go()
    assert bench.story == {"entry": S.PENDING_CANCEL}
    bench.fill("entry", "2").cancel("entry")  # a fill between the request and its confirmation
    assert bench.quantity("rest") == 5
    assert bench.fill("rest", "5").ended is not None


def test_nothing_is_left_when_it_fills_before_its_cancel() -> None:
    bench = Bench(Single(terms=LIMIT), patience=patience(UnfilledAction.MARKET)).go().accept("entry").after(10).go()
    bench.fill("entry", "10").refuse_cancel("entry").go()
    assert (list(bench.orders), bench.ended is not None) == (["entry"], True)


def test_a_cancel_in_doubt_sends_nothing_at_market() -> None:
    bench = Bench(Single(terms=LIMIT), patience=patience(UnfilledAction.MARKET)).go().doubt("entry").after(60).go()
    assert list(bench.orders) == ["entry"]


def test_an_order_that_somebody_else_cancels_early_is_not_sent_at_market() -> None:
    bench = Bench(Single(terms=LIMIT), patience=patience(UnfilledAction.MARKET)).go().accept("entry").after(5)
    assert bench.cancel("entry").ended is not None
    assert list(bench.orders) == ["entry"]


def test_a_price_is_renewed_each_time() -> None:
    bench = Bench(Single(terms=LIMIT), patience=patience(UnfilledAction.REPRICE)).at(bid=99, ask=100).go()
    assert needs_prices(bench.state)
    bench.accept("entry").after(9).go()
    assert bench.story["entry"] is S.ACCEPTED
    bench.after(1).go().replace("entry")
    assert bench.orders["entry"].terms.limit_price == D(99)
    assert bench.at(bid=99.5, ask=100).after(9).go().story["entry"] is S.ACCEPTED
    assert bench.after(1).go().story["entry"] is S.PENDING_REPLACE


# -- watched stops ----------------------------------------------------------------------------------------------------


def armed(kind: OrderType, *, trail: str | None = None, stop: str | None = None) -> EmulatedStop:
    terms = OrderTerms(
        order_type=kind,
        stop_price=None if stop is None else D(stop),
        trail_amount=None if trail is None else D(trail),
    )
    return EmulatedStop(terms=terms, sent=MARKET)


@pytest.mark.parametrize(
    ("side", "stop", "prints", "reached"),
    [
        (Side.BUY, "105", [104.99], False),
        (Side.BUY, "105", [105.0], True),
        (Side.BUY, "105", [106.0, 100.0], True),  # between two looks
        (Side.SELL, "95", [95.01], False),
        (Side.SELL, "95", [95.0], True),
        (Side.SELL, "95", [94.0, 100.0], True),
    ],
)
def test_a_watched_stop_is_elected_by_a_print(side: Side, stop: str, prints: list[float], *, reached: bool) -> None:
    bench = Bench(armed(OrderType.STOP, stop=stop), side=side).at(100).go().at(*prints).go()
    assert list(bench.orders) == (["entry"] if reached else [])


def test_quotes_elect_where_there_never_was_a_print() -> None:
    bench = Bench(armed(OrderType.STOP, stop="95"), side=Side.SELL).at(bid=95, ask=96).go()
    assert list(bench.orders) == ["entry"]
    bench = Bench(armed(OrderType.STOP, stop="95"), side=Side.SELL).at(96, bid=95, ask=96).go()
    assert list(bench.orders) == []


def test_a_watched_trail_follows_one_way() -> None:
    bench = Bench(armed(OrderType.TRAILING_STOP, trail="2"), side=Side.SELL).at(100).go()
    assert bench.state.entry_mark == 100
    assert bench.at(104).go().at(103).go().state.entry_mark == 104
    assert list(bench.at(102.01).go().orders) == []
    assert list(bench.at(102).go().orders) == ["entry"]


def test_a_print_that_moves_a_trail_is_not_held_against_an_earlier_one() -> None:
    bench = Bench(armed(OrderType.TRAILING_STOP, trail="2"), side=Side.SELL).at(100).go()
    assert list(bench.at(99, 103, 102).go().orders) == []
    assert list(bench.at(102, 105, 103).go().orders) == ["entry"]


# -- across zero ------------------------------------------------------------------------------------------------------


def test_the_part_to_zero_goes_first_and_the_rest_once_it_has_filled() -> None:
    bench = Bench(ZeroCross(terms=MARKET), side=Side.SELL, quantity="15", held="10").go()
    assert (list(bench.orders), bench.quantity("part1"), coming(bench)) == (["part1"], D(10), D(-5))
    bench.fill("part1", "9")
    assert list(bench.orders) == ["part1"]
    bench.fill("part1", "1")
    assert bench.quantity("part2") == 5
    assert bench.fill("part2", "5").ended is not None


def test_a_first_part_that_comes_to_nothing_is_the_end() -> None:
    bench = Bench(ZeroCross(terms=LIMIT), side=Side.SELL, quantity="15", held="10").go().accept("part1").cancel("part1")
    assert (list(bench.orders), bench.ended is not None) == (["part1"], True)


def test_the_rest_is_what_it_is_by_then() -> None:
    bench = Bench(ZeroCross(terms=MARKET), side=Side.SELL, quantity="15", held="10").go().fill("part1", "10", go=False)
    bench.account = D(2)  # somebody else bought meanwhile
    assert bench.go().quantity("part2") == 2


# -- slices -----------------------------------------------------------------------------------------------------------


def twap(*, rest: bool = True, terms: OrderTerms = MARKET) -> TwapEntry:
    return TwapEntry(terms=terms, duration_ns=30 * NS_PER_SECOND, slices=3, slice_quantity=D(3), sends_rest=rest)


def test_slices_come_in_their_time() -> None:
    bench = Bench(twap()).go().fill("slice1", "3").after(9).go()
    assert list(bench.orders) == ["slice1"]
    bench.after(1).go().fill("slice2", "3").after(10).go()
    assert bench.quantity("slice3") == 4
    assert bench.fill("slice3", "4").ended is not None


@pytest.mark.parametrize(("rest", "last"), [(True, 7), (False, 4)])
def test_a_slice_that_was_missed_is_not_made_up_for_but_by_the_last(*, rest: bool, last: int) -> None:
    bench = Bench(twap(rest=rest)).go().fill("slice1", "3").after(20).go()
    assert list(bench.orders) == ["slice1", "slice3"]
    assert bench.quantity("slice3") == last


def test_a_slice_that_still_works_is_cancelled_before_the_next() -> None:
    bench = Bench(twap(terms=LIMIT)).go().accept("slice1").fill("slice1", "1").after(10).go()
    assert bench.story == {"slice1": S.PENDING_CANCEL}
    assert bench.cancel("slice1").quantity("slice2") == 3


def test_a_slice_in_doubt_holds_the_next_back() -> None:
    bench = Bench(twap()).go().doubt("slice1").after(15).go()
    assert list(bench.orders) == ["slice1"]


def test_nothing_is_sent_when_the_time_is_over() -> None:
    bench = Bench(twap()).go().fill("slice1", "3").after(30).go()
    assert (list(bench.orders), bench.ended is not None) == (["slice1"], True)


def test_a_clock_that_is_set_back_sends_no_slice_twice() -> None:
    bench = Bench(twap()).go().fill("slice1", "3").after(10).go().fill("slice2", "3").after(-5).go().after(-20).go()
    assert list(bench.orders) == ["slice1", "slice2"]


def test_a_slice_that_the_venue_refuses_is_the_end() -> None:
    bench = Bench(twap()).go().reject("slice1").after(10).go()
    assert (list(bench.orders), bench.ended is not None) == (["slice1"], True)


# -- the chase --------------------------------------------------------------------------------------------------------


def chase(action: UnfilledAction = UnfilledAction.CANCEL, side: Side = Side.BUY) -> Bench:
    bound = D(101) if side is Side.BUY else D(99)
    method = RepriceEntry(time_in_force=TimeInForce.DAY, interval_ns=NS_PER_SECOND, bound=bound)
    return Bench(method, side=side, patience=patience(action))


def test_a_chase_follows_the_touch_at_its_pace_and_within_its_bound() -> None:
    bench = chase().at(bid=99, ask=100).go().accept("entry")
    assert bench.orders["entry"].terms.limit_price == D(99)
    assert bench.at(bid=100, ask=101).after(0.5).go().story["entry"] is S.ACCEPTED
    bench.after(0.5).go().replace("entry")
    assert bench.orders["entry"].terms.limit_price == D(100)
    bench.at(bid=105, ask=106).after(1).go().replace("entry")
    assert bench.orders["entry"].terms.limit_price == D(101)
    assert bench.after(1).go().story["entry"] is S.ACCEPTED
    assert bench.after(7).go().story["entry"] is S.PENDING_CANCEL
    assert bench.cancel("entry").ended is not None


def test_a_chase_that_sells_rests_at_the_offer() -> None:
    bench = chase(side=Side.SELL).at(bid=97, ask=98).go()
    assert bench.orders["entry"].terms.limit_price == D(99)


def test_a_chase_may_end_at_market() -> None:
    bench = chase(UnfilledAction.MARKET).at(bid=99, ask=100).go().accept("entry").fill("entry", "4").after(10).go()
    assert bench.cancel("entry").quantity("rest") == 6
    assert bench.fill("rest", "6").ended is not None


def test_a_chase_without_a_price_waits() -> None:
    assert chase().go().orders == {}


# -- what follows -----------------------------------------------------------------------------------------------------


def test_the_second_order_follows_a_whole_first_alone() -> None:
    then = FollowUp(side=Side.SELL, quantity=D(5))
    bench = Bench(Single(terms=LIMIT), then=then).go().accept("entry").fill("entry", "9")
    assert list(bench.orders) == ["entry"]
    bench.fill("entry", "1")
    assert (list(bench.orders), bench.ended is not None) == (["entry", "then"], True)
    bench = Bench(Single(terms=LIMIT), then=then).go().accept("entry").fill("entry", "9").cancel("entry")
    assert (list(bench.orders), bench.ended is not None) == (["entry"], True)
