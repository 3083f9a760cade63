"""Leaving a position: every race between entry, stop and target, as tables and as a random walk."""

from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.plans.bench import Bench, guard
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, OrderTerms, OrderType, Side
from tradingd.core.plans.records import EXITS, Bracket, ExistingPosition, Single
from tradingd.core.plans.view import working

D = Decimal
S = OrderStatus
ENTRY = Single(terms=OrderTerms(order_type=OrderType.LIMIT, limit_price=D(100)))


def entered(protection: Bracket, filled: str = "10") -> Bench:
    """A bracket whose entry has filled, in part or whole."""
    bench = Bench(ENTRY, protection=protection).at(100).go().accept("entry")
    return bench.fill("entry", filled)


def resting(protection: Bracket | None = None, filled: str = "10") -> Bench:
    """The same with its stop at the venue."""
    return entered(protection or guard(), filled).accept("stop")


def test_no_exit_before_a_fill_and_then_one_for_what_filled() -> None:
    bench = Bench(ENTRY, protection=guard()).at(100).go().accept("entry")
    assert list(bench.orders) == ["entry"]
    bench.fill("entry", "4")
    assert bench.quantity("stop") == 4
    bench.fill("entry", "3")
    assert bench.quantity("stop") == 4  # not known yet to the venue: nothing more is asked of it
    bench.accept("stop")
    assert (bench.quantity("stop"), bench.story["stop"]) == (D(7), S.PENDING_REPLACE)
    bench.fill("entry", "3").replace("stop")
    assert bench.quantity("stop") == 10
    assert list(bench.orders) == ["entry", "stop"]


def test_an_entry_that_is_cancelled_part_filled_leaves_its_stop() -> None:
    bench = resting(filled="4")
    bench.state = msgspec.structs.replace(bench.state, entry_over=True)
    bench.go().cancel("entry")
    assert (bench.quantity("stop"), bench.story["stop"], bench.ended) == (D(4), S.ACCEPTED, None)


def test_an_entry_that_comes_to_nothing_ends_the_plan() -> None:
    bench = Bench(ENTRY, protection=guard()).at(100).go().reject("entry")
    assert bench.ended is not None
    assert bench.ended.reason == "0 of 10 filled"


def test_a_stop_that_fills_ends_the_entry_and_the_plan() -> None:
    bench = resting(filled="4").fill("stop", "4")
    assert (bench.story["entry"], bench.ended) == (S.PENDING_CANCEL, None)
    bench.cancel("entry")
    assert (bench.held, bench.ended is not None) == (D(0), True)


def test_the_target_waits_for_the_confirmed_cancel_and_takes_what_is_left() -> None:
    bench = resting().at(110).go()
    assert bench.story == {"entry": S.FILLED, "stop": S.PENDING_CANCEL}
    bench.fill("stop", "3").cancel("stop")
    assert bench.quantity("target") == 7
    bench.accept("target").fill("target", "7")
    assert (bench.held, bench.ended is not None, bench.alarms) == (D(0), True, [])


def test_a_target_that_is_touched_while_the_stop_fills_is_never_sent() -> None:
    bench = resting().at(110).go().fill("stop", "10").refuse_cancel("stop").go()
    assert (list(bench.orders), bench.held) == (["entry", "stop"], D(0))
    assert bench.ended is not None


def test_a_cancel_that_is_refused_leaves_the_stop_as_it_is() -> None:
    bench = resting().at(110).go().refuse_cancel("stop").at(105).go()
    assert bench.story == {"entry": S.FILLED, "stop": S.ACCEPTED}


def test_a_stop_in_doubt_is_a_working_stop() -> None:
    bench = entered(guard()).doubt("stop").at(110).go().at(90).go()
    assert bench.story == {"entry": S.FILLED, "stop": S.UNKNOWN}


def test_a_late_fill_of_the_stop_takes_back_what_was_sold_too_much() -> None:
    bench = resting().at(110).go().cancel("stop").accept("target").fill("target", "10", go=False)
    bench.fill("stop", "4")  # it had filled before its cancel, and that is heard of last
    assert (bench.held, bench.quantity("back"), bench.orders["back"].order.side) == (D(-4), D(4), Side.BUY)
    assert bench.alarms == ["target and stop both filled, 4 too much: it is taken back"]
    bench.fill("back", "4")
    assert (bench.held, bench.ended is not None) == (D(0), True)


def test_a_late_fill_of_the_stop_makes_the_target_smaller() -> None:
    bench = resting().at(110).go().cancel("stop").accept("target").fill("stop", "4")
    assert (bench.quantity("target"), bench.story["target"]) == (D(6), S.PENDING_REPLACE)


def test_a_target_that_does_not_fill_gives_way_when_the_market_falls_back() -> None:
    bench = resting().at(110).go().cancel("stop").accept("target")
    assert bench.at(109).go().story["target"] is S.ACCEPTED  # a moment is given to it
    assert bench.at(111).after(10).go().story["target"] is S.ACCEPTED
    assert bench.at(109).go().story["target"] is S.PENDING_CANCEL
    bench.fill("target", "2").cancel("target")
    assert bench.quantity("stop#2") == 8


def test_a_stop_that_was_reached_while_the_target_was_out_is_reached_for_good() -> None:
    bench = resting().at(110).go().cancel("stop").accept("target").at(94).go()
    bench.at(99).go().cancel("target")
    assert bench.orders["exit"].terms.order_type is OrderType.MARKET
    assert bench.fill("exit", "10").ended is not None


def test_a_stop_that_expires_is_sent_again_and_one_that_is_refused_is_watched() -> None:
    bench = resting().cancel("stop")
    assert bench.quantity("stop#2") == 10
    bench.reject("stop#2")
    assert (bench.state.stop_watched, len(bench.orders)) == (True, 3)
    bench.at(94.9).go()
    assert bench.orders["exit"].terms.order_type is OrderType.MARKET


def test_an_exit_that_is_refused_is_an_alarm() -> None:
    bench = entered(guard(rests=False)).at(94).go().reject("exit")
    assert bench.ended is not None
    assert bench.ended.alarm


def test_a_stop_limit_leaves_at_its_limit() -> None:
    bench = entered(guard(limit="94.5"))
    terms = bench.orders["stop"].terms
    assert (terms.order_type, terms.stop_price, terms.limit_price) == (OrderType.STOP_LIMIT, D(95), D("94.5"))
    watched = entered(guard(limit="94.5", rests=False)).at(94.8).go()
    assert watched.orders["exit"].terms.limit_price == D("94.5")


def test_a_target_alone_rests() -> None:
    bench = entered(guard(stop=None), filled="4").accept("target")
    assert bench.quantity("target") == 4
    bench.fill("entry", "6").replace("target").fill("target", "10")
    assert bench.ended is not None


def test_where_orders_must_not_meet_the_stop_waits_for_the_entry() -> None:
    bench = entered(guard(waits=True), filled="4")
    assert list(bench.orders) == ["entry"]
    bench.at(94).go()
    assert bench.story == {"entry": S.PENDING_CANCEL}
    bench.at(96).cancel("entry")
    assert bench.quantity("exit") == 4


def test_a_trail_moves_one_way_and_keeps_its_level_over_the_target() -> None:
    bench = entered(guard(stop=None, target="120", trail="5")).accept("stop")
    assert bench.orders["stop"].terms.stop_price == D(95)
    bench.at(106).go().replace("stop")
    assert bench.orders["stop"].terms.stop_price == D(101)
    bench.at(103).go()
    assert bench.orders["stop"].terms.stop_price == D(101)
    bench.at(120).go().cancel("stop").accept("target").at(117).after(4).go().cancel("target")
    assert bench.orders["stop#2"].terms.stop_price == D(115)


def test_a_trail_alone_is_the_venues() -> None:
    bench = entered(guard(stop=None, target=None, trail="5", trails_there=True))
    assert bench.orders["stop"].terms.order_type is OrderType.TRAILING_STOP


def test_exits_are_bounded_by_what_is_held() -> None:
    bench = resting()
    bench.held = D(6)  # the strategy sold some of it elsewhere
    assert (bench.go().quantity("stop"), bench.story["stop"]) == (D(6), S.PENDING_REPLACE)
    bench.replace("stop")
    bench.others = D(2)
    assert bench.go().quantity("stop") == 4
    bench.replace("stop")
    bench.held = bench.others = ZERO
    assert bench.go().story["stop"] is S.PENDING_CANCEL
    assert bench.cancel("stop").ended is not None


def test_protection_of_what_is_held_has_no_entry() -> None:
    bench = Bench(ExistingPosition(), protection=guard(), held="10").at(100).go()
    assert list(bench.orders) == ["stop"]
    assert bench.accept("stop").fill("stop", "10").ended is not None


def test_a_short_position_is_the_mirror_image() -> None:
    bench = (
        Bench(ExistingPosition(), side=Side.SELL, protection=guard("90", "105"), held="-10").at(100).go().accept("stop")
    )
    assert bench.orders["stop"].order.side is Side.BUY
    bench.at(89).go().cancel("stop")
    assert bench.orders["target"].terms.limit_price == D(90)


def test_a_stop_that_revives_beside_another_exit_is_cancelled() -> None:
    bench = entered(guard()).reject("stop").at(94).go().accept("exit")
    bench.orders["stop"] = msgspec.structs.replace(bench.orders["stop"], status=S.ACCEPTED)
    bench.go()
    assert len(working(bench.orders.values())) == 2
    assert S.PENDING_CANCEL in (bench.story["stop"], bench.story["exit"])


# -- a random walk ----------------------------------------------------------------------------------------------------

moves = st.lists(
    st.tuples(
        st.sampled_from(["accept", "fill", "cancel", "price", "wait", "doubt", "reject", "replace", "refuse"]),
        st.integers(0, 5),
        st.integers(1, 10),
        st.sampled_from([90.0, 94.0, 96.0, 100.0, 109.0, 110.0, 112.0]),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(moves, st.sampled_from([guard(), guard(rests=False), guard(waits=True), guard(stop=None, trail="5")]))
def test_whatever_comes_one_exit_works_and_no_more_is_sold_than_was_bought(
    walk: list[tuple[str, int, int, float]], protection: Bracket
) -> None:
    bench = Bench(ENTRY, protection=protection).at(100).go()
    for kind, which, size, price in walk:
        live = working(bench.orders.values())
        if kind == "price":
            bench.at(price).go()
        elif kind == "wait":
            bench.after(size).go()
        elif live:
            state = live[which % len(live)]
            name = state.client_order_id
            if kind == "accept" and state.status is S.PENDING_SUBMIT:
                bench.accept(name)
            elif kind == "fill":
                bench.fill(name, str(min(D(size), state.open_quantity)))
            elif kind == "cancel" and state.venue_order_ids:
                bench.cancel(name)
            elif kind == "doubt" and state.status is S.PENDING_SUBMIT:
                bench.doubt(name)
            elif kind == "reject" and state.status is S.PENDING_SUBMIT:
                bench.reject(name)
            elif kind == "replace" and state.status is S.PENDING_REPLACE:
                bench.replace(name)
            elif kind == "refuse" and state.status is S.PENDING_CANCEL:
                bench.refuse_cancel(name).go()
        exits = [state for state in bench.orders.values() if state.order.leg in EXITS]
        assert len(working(exits)) <= 1
        assert sum((state.open_quantity for state in exits), ZERO) <= bench.held
        assert 0 <= bench.held <= 10
        assert [name for name in bench.orders if name.startswith("entry")] == ["entry"]
        if bench.ended is not None:
            break
