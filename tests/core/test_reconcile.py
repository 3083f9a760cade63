"""What a venue's snapshot proves about the books, case by case."""

from collections.abc import Collection

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import (
    ABC,
    V1,
    V2,
    V3,
    D,
    accepted,
    account_opened,
    cancel_requested,
    canceled,
    filled,
    order,
    replace_requested,
    replaced,
    unknown,
    venue_fill,
    venue_order,
    venue_snapshot,
)
from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, JournalEntry, OrderAdopted, OrderIntended, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, VenueOrderId
from tradingd.core.order_state import NOT_AT_VENUE, OrderStatus
from tradingd.core.reconcile import ReconciliationPlan, diff
from tradingd.core.venue_view import VenueFill, VenueOrderStatus, VenueSnapshot

W = VenueOrderStatus
S = OrderStatus
OURS = ClientOrderId("s1-1")
INTENDED = OrderIntended(order=order())


def books_of(*entries: JournalEntry) -> Books:
    books = Books()
    for entry in (account_opened(), *entries):
        books.apply(entry)
    return books


def apply(books: Books, plan: ReconciliationPlan) -> None:
    for entry in (*plan.reports, *plan.adoptions, *plan.adjustments):
        books.apply(entry)


def settle(books: Books, venue: VenueSnapshot, *, settled: Collection[str] = ()) -> ReconciliationPlan:
    """Diff, apply, and prove that the next comparison has nothing left to apply."""
    plan = diff(books, venue, now_ns=10_000, settled=[ClientOrderId(order_id) for order_id in settled])
    apply(books, plan)
    again = diff(books, venue, now_ns=11_000, settled=[ClientOrderId(order_id) for order_id in settled])
    assert not again.reports
    assert not again.adoptions
    if not plan.adoptions:
        assert not again.adjustments
    return plan


def names(plan: ReconciliationPlan) -> list[str]:
    return [type(report).__name__ for report in plan.reports]


def test_books_and_venue_that_agree_need_no_plan() -> None:
    books = books_of(INTENDED, accepted(), filled("4", cum="4"))
    venue = venue_snapshot(
        (venue_order(filled_quantity="4"),), (venue_fill("4", execution="activity", cum="4"),), {"ABC": "4"}, "99600"
    )
    assert diff(books, venue, now_ns=1).empty


CASES: list[tuple[str, tuple[JournalEntry, ...], VenueSnapshot, list[str], OrderStatus, str]] = [
    ("missed acknowledgement", (), venue_snapshot((venue_order(),)), ["OrderAccepted"], S.ACCEPTED, "0"),
    ("unknown order found", (unknown(),), venue_snapshot((venue_order(),)), ["OrderAccepted"], S.ACCEPTED, "0"),
    (
        "missed fill",
        (accepted(),),
        venue_snapshot((venue_order(filled_quantity="4"),), (venue_fill("4", cum="4"),), {"ABC": "4"}, "99600"),
        ["OrderFilled"],
        S.ACCEPTED,
        "4",
    ),
    (
        "missed everything up to the last fill",
        (),
        venue_snapshot(
            (venue_order(status=W.FILLED, filled_quantity="10"),),
            (venue_fill("4", cum="4"), venue_fill("6", execution="e2", cum="10")),
            {"ABC": "10"},
            "99000",
        ),
        ["OrderAccepted", "OrderFilled", "OrderFilled"],
        S.FILLED,
        "10",
    ),
    (
        "missed cancel",
        (accepted(),),
        venue_snapshot((venue_order(status=W.CANCELED),)),
        ["OrderCanceled"],
        S.CANCELED,
        "0",
    ),
    (
        "missed cancel after a part",
        (accepted(), filled("4", cum="4")),
        venue_snapshot(
            (venue_order(status=W.CANCELED, filled_quantity="4"),), (venue_fill("4", cum="4"),), {"ABC": "4"}, "99600"
        ),
        ["OrderCanceled"],
        S.CANCELED,
        "4",
    ),
    (
        "missed expiry",
        (accepted(),),
        venue_snapshot((venue_order(status=W.EXPIRED),)),
        ["OrderExpired"],
        S.EXPIRED,
        "0",
    ),
    (
        "missed reject",
        (unknown(),),
        venue_snapshot((venue_order(status=W.REJECTED),)),
        ["OrderRejected"],
        S.REJECTED,
        "0",
    ),
    (
        "replaced by somebody else",
        (accepted(),),
        venue_snapshot(
            (
                venue_order(status=W.REPLACED, replaced_by=V2),
                venue_order("their-own-id", V2, quantity="30", limit="99", replaces=V1),
            )
        ),
        ["OrderReplaced"],
        S.ACCEPTED,
        "0",
    ),
    (
        "replaced twice, filled across the legs",
        (accepted(), replace_requested("20")),
        venue_snapshot(
            (
                venue_order(status=W.REPLACED, replaced_by=V2, filled_quantity="3"),
                venue_order("x", V2, W.REPLACED, quantity="20", replaces=V1, replaced_by=V3, filled_quantity="3"),
                venue_order("y", V3, quantity="30", replaces=V2, filled_quantity="5"),
            ),
            (venue_fill("3", cum="3"), venue_fill("2", execution="e2", cum="5", venue_id=V3)),
            {"ABC": "5"},
            "99500",
        ),
        ["OrderReplaced", "OrderReplaced", "OrderFilled", "OrderFilled"],
        S.ACCEPTED,
        "5",
    ),
    (
        "a replace that came too late because the order had filled",
        (accepted(), replace_requested("20"), filled("10", cum="10")),
        venue_snapshot(
            (venue_order(status=W.FILLED, filled_quantity="10"),), (venue_fill("10", cum="10"),), {"ABC": "10"}, "99000"
        ),
        ["ReplaceRefused"],
        S.FILLED,
        "10",
    ),
    (
        "late fill of an order that the books hold for cancelled",
        (accepted(), canceled()),
        venue_snapshot(
            (venue_order(status=W.CANCELED, filled_quantity="4"),), (venue_fill("4", cum="4"),), {"ABC": "4"}, "99600"
        ),
        ["OrderFilled"],
        S.CANCELED,
        "4",
    ),
]


@pytest.mark.parametrize(
    ("name", "entries", "venue", "expected", "status", "booked"), CASES, ids=[case[0] for case in CASES]
)
def test_what_was_missed_enters_as_ordinary_reports(
    *,
    name: str,
    entries: tuple[JournalEntry, ...],
    venue: VenueSnapshot,
    expected: list[str],
    status: OrderStatus,
    booked: str,
) -> None:
    books = books_of(INTENDED, *entries)
    plan = settle(books, venue)
    assert names(plan) == expected
    assert not plan.unresolved
    assert not plan.incomplete
    assert not plan.adjustments, "fills explain what positions and cash differ by"
    state = books.orders.get(OURS)
    assert state is not None
    assert (state.status, state.filled_quantity) == (status, D(booked))
    assert diff(books, venue, now_ns=12_000).empty


def test_a_replace_that_was_missed_brings_its_terms() -> None:
    books = books_of(INTENDED, accepted())
    legs = (
        venue_order(status=W.REPLACED, replaced_by=V2),
        venue_order("x", V2, quantity="30", limit="99", replaces=V1),
    )
    settle(books, venue_snapshot(legs))
    state = books.orders.get(OURS)
    assert state is not None
    assert (state.quantity, state.terms.limit_price, state.venue_order_id) == (D(30), D(99), V2)


@pytest.mark.parametrize("entries", [(), (unknown(),), (cancel_requested(),)], ids=["sent", "unknown", "cancelling"])
def test_an_order_that_the_venue_does_not_show_is_unresolved_until_it_was_asked_for(
    entries: tuple[JournalEntry, ...],
) -> None:
    books = books_of(INTENDED, *entries)
    plan = diff(books, venue_snapshot(positions={"ABC": "3"}), now_ns=1)
    assert (plan.unresolved, plan.reports, plan.adjustments) == ((OURS,), (), ())
    assert not plan.empty
    asked = diff(books, venue_snapshot(), now_ns=1, not_found={OURS})
    assert names(asked) == ["OrderRejected"]
    apply(books, asked)
    state = books.orders.get(OURS)
    assert state is not None
    assert state.status is S.REJECTED
    assert getattr(asked.reports[0], "code", "") == NOT_AT_VENUE
    assert diff(books, venue_snapshot(), now_ns=2).empty


def test_not_found_proves_nothing_against_an_execution_in_the_history() -> None:
    books = books_of(INTENDED, accepted())
    venue = venue_snapshot((), (venue_fill("4", cum="4"),), {"ABC": "4"}, "99600")
    plan = diff(books, venue, now_ns=1, not_found={OURS})
    assert names(plan) == ["OrderFilled"]
    assert plan.unresolved == (OURS,)


def test_more_filled_than_the_history_lists_is_incomplete_and_invents_nothing() -> None:
    books = books_of(INTENDED, accepted())
    venue = venue_snapshot(
        (venue_order(status=W.FILLED, filled_quantity="10"),), (venue_fill("4", cum="4"),), {"ABC": "10"}, "99000"
    )
    plan = settle(books, venue)
    assert names(plan) == ["OrderFilled"]
    assert plan.incomplete == (OURS,)
    assert not plan.adjustments
    state = books.orders.get(OURS)
    assert state is not None
    assert (state.status, state.filled_quantity) == (S.ACCEPTED, D(4))


def test_a_foreign_order_is_adopted_once_and_counted() -> None:
    books = books_of()
    venue = venue_snapshot((venue_order("theirs", limit="99"),))
    plan = settle(books, venue)
    assert [adoption.order.strategy_id for adoption in plan.adoptions] == [EXTERNAL]
    assert books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert diff(books, venue, now_ns=12_000).empty


@pytest.mark.parametrize("status", [W.FILLED, W.CANCELED, W.EXPIRED, W.REJECTED, W.REPLACED])
def test_a_foreign_order_that_is_done_is_left_alone(status: VenueOrderStatus) -> None:
    assert diff(books_of(), venue_snapshot((venue_order("theirs", status=status),)), now_ns=1).empty


def test_what_an_adopted_order_had_filled_before_is_booked_once() -> None:
    books = books_of()
    before = (venue_fill("2", execution="a", cum="2"), venue_fill("3", execution="b", cum="5"))
    first = venue_snapshot((venue_order("theirs", filled_quantity="5"),), before, {"ABC": "5"}, "99500")
    plan = settle(books, first)
    assert plan.adoptions[0].already_filled == D(5)
    assert books.portfolio.quantity(ABC) == D(5)
    assert diff(books, first, now_ns=12_000).empty
    after = (*before, venue_fill("5", execution="c", cum="10"))
    done = venue_snapshot(
        (venue_order("theirs", status=W.FILLED, filled_quantity="10"),), after, {"ABC": "10"}, "99000"
    )
    assert names(settle(books, done)) == ["OrderFilled"]
    assert books.portfolio.quantity(ABC) == D(10)
    state = books.orders.get(ClientOrderId("theirs"))
    assert state is not None
    assert (state.status, state.average_price) == (S.FILLED, D(100))


def test_positions_and_cash_that_nothing_explains_are_adjusted() -> None:
    books = books_of(INTENDED, accepted(), filled("4", cum="4"))
    venue = venue_snapshot((venue_order(filled_quantity="4"),), (), {"ABC": "1", "XYZ": "-2"}, "99000")
    plan = settle(books, venue)
    positions = {item.symbol: item.quantity for item in plan.adjustments if isinstance(item, PositionAdjusted)}
    assert positions == {"ABC": D(-3), "XYZ": D(-2)}
    assert [item.amount for item in plan.adjustments if isinstance(item, CashAdjusted)] == [D(-600)]
    books.portfolio.check()
    assert diff(books, venue, now_ns=12_000).empty


@pytest.mark.parametrize(("cash", "adjusted"), [("99999.9901", False), ("99999.99", True), ("100000.01", True)])
def test_cash_that_a_venue_shows_in_cents_may_differ_by_less_than_one(cash: str, adjusted: bool) -> None:
    assert bool(diff(books_of(), venue_snapshot(cash=cash), now_ns=1).adjustments) is adjusted


def test_a_request_of_a_former_run_that_left_no_trace_is_taken_for_lost_only_when_told_to() -> None:
    working = venue_snapshot((venue_order(),))
    for request, refusal in ((cancel_requested(), "CancelRefused"), (replace_requested(), "ReplaceRefused")):
        books = books_of(INTENDED, accepted(), request)
        assert not diff(books, working, now_ns=1).reports
        assert names(settle(books, working, settled=["s1-1"])) == [refusal]
        state = books.orders.get(OURS)
        assert state is not None
        assert (state.status, state.open_quantity) == (S.ACCEPTED, D(10))
    both = books_of(INTENDED, accepted(), replace_requested(), cancel_requested())
    assert names(settle(both, working, settled=["s1-1"])) == ["ReplaceRefused", "CancelRefused"]


# -- any venue, any part of its events missed -------------------------------------------------------------------------


def _venue_life(parts: list[int], end: VenueOrderStatus, replaces: bool) -> tuple[list[JournalEntry], VenueSnapshot]:
    """One order's whole life as reports, and the snapshot that the venue shows after it."""
    reports: list[JournalEntry] = [accepted()]
    fills: list[VenueFill] = []
    legs = [venue_order(quantity="100")]
    done = D(0)
    for number, part in enumerate(parts):
        done += part
        if replaces and number == 1:
            reports.append(replaced("90"))
            legs = [
                msgspec.structs.replace(legs[0], status=W.REPLACED, replaced_by=V2),
                venue_order("x", V2, quantity="90", replaces=V1),
            ]
        leg: VenueOrderId = legs[-1].venue_order_id
        fill = venue_fill(str(part), execution=f"e{number}", cum=str(done), venue_id=leg, ts=3_000 + number)
        reports.append(filled(str(part), execution=f"stream{number}", cum=str(done), venue_id=leg, ts=3_000 + number))
        fills.append(fill)
        legs[-1] = msgspec.structs.replace(legs[-1], filled_quantity=done)
    if end is W.CANCELED:
        reports.append(msgspec.structs.replace(canceled(), venue_order_id=legs[-1].venue_order_id))
    legs[-1] = msgspec.structs.replace(legs[-1], status=end)
    snapshot = venue_snapshot(
        tuple(legs), tuple(fills), {"ABC": str(done)} if done else None, str(100_000 - done * 100)
    )
    return reports, snapshot


@given(
    st.lists(st.integers(1, 9), max_size=6),
    st.sampled_from([W.WORKING, W.CANCELED]),
    st.booleans(),
    st.sets(st.integers(0, 9)),
)
def test_whatever_was_missed_one_plan_makes_books_and_venue_agree(
    parts: list[int], end: VenueOrderStatus, replaces: bool, missed: Collection[int]
) -> None:
    reports, venue = _venue_life(parts, end, replaces)
    heard = [report for number, report in enumerate(reports) if number not in missed]
    books = books_of(OrderIntended(order=order(quantity="100")), *heard)
    apply(books, diff(books, venue, now_ns=10_000))
    assert diff(books, venue, now_ns=11_000).empty
    whole = books_of(OrderIntended(order=order(quantity="100")), *reports)
    assert msgspec.json.encode(books.portfolio.snapshot()) == msgspec.json.encode(whole.portfolio.snapshot())
    state, expected = books.orders.get(OURS), whole.orders.get(OURS)
    assert state is not None
    assert expected is not None
    assert (state.status, state.filled_quantity) == (expected.status, expected.filled_quantity)
    if not state.is_terminal:
        assert (state.quantity, state.venue_order_id) == (expected.quantity, expected.venue_order_id)


def test_an_adoption_names_what_was_filled_before() -> None:
    entry = OrderAdopted(order=order("theirs", quantity="10"), venue_order_id=V1, already_filled=D(4))
    state = books_of(entry).orders.get(ClientOrderId("theirs"))
    assert state is not None
    assert (state.status, state.open_quantity, state.average_price) == (S.ACCEPTED, D(6), None)


def test_legs_that_the_books_hold_in_the_wrong_order_are_put_right() -> None:
    books = books_of(INTENDED, accepted(venue_id=V1), filled("1", venue_id=V2))
    legs = (
        venue_order(venue_id=V1, status=VenueOrderStatus.REPLACED),
        venue_order(venue_id=V2, replaces=V1),
    )
    state = books.orders.get(ClientOrderId("s1-1"))
    assert state is not None
    wrong = msgspec.structs.replace(state, venue_order_ids=(V2, V1))
    books.orders.put(wrong)
    assert names(settle(books, venue_snapshot(legs))) == ["OrderReplaced"]
    put_right = books.orders.get(ClientOrderId("s1-1"))
    assert put_right is not None
    assert put_right.venue_order_ids == (V1, V2)


def test_one_intent_that_works_twice_goes_on_under_the_later_name_while_the_earlier_is_cancelled() -> None:
    books = books_of(INTENDED, accepted())
    twins = (venue_order(venue_id=V1), venue_order(venue_id=V2))
    plan = settle(books, venue_snapshot(twins))
    assert plan.strays == (V1,)
    books.apply(canceled())
    state = books.orders.get(ClientOrderId("s1-1"))
    assert state is not None
    assert (state.status, state.venue_order_id, state.open_quantity) == (S.ACCEPTED, V2, D(10))
