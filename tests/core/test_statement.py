"""A day beside the venue's account: what agrees, what is explained, what is open."""

import msgspec
import pytest
from tests.core.making import (
    ABC,
    DONE,
    FILL,
    FILLED,
    INTENDED,
    V1,
    D,
    accepted,
    at_venue,
    cancel_requested,
    canceled,
    day_of,
    rejected,
    unknown,
    venue_fill,
    venue_order,
    venue_snapshot,
)
from tradingd.core.entries import JournalEntry, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, ExecutionId, VenueOrderId
from tradingd.core.statement import Difference, Part, Standing, Statement, compare
from tradingd.core.venue_view import VenueOrderStatus


def told(statement: Statement) -> list[tuple[Part, Standing, str]]:
    return [(found.part, found.standing, found.explanation) for found in statement.differences]


def test_a_day_that_both_sides_tell_alike_is_clean() -> None:
    statement = at_venue(orders=(FILLED,), fills=(FILL,), held="10", cash="98999.5")
    assert statement.standing is Standing.CLEAN
    assert statement.differences == ()
    assert (statement.orders, statement.executions, statement.bought, statement.fees) == (1, 1, D(1000), D("0.5"))
    assert (statement.cash.ours, statement.cash.venue) == (D("98999.5"), D("98999.5"))


def test_an_execution_of_ours_that_the_books_lack_is_open() -> None:
    second = venue_fill("5", "101", execution="e2")
    statement = at_venue(orders=(FILLED,), fills=(FILL, second), held="10", cash="98999.5")
    assert told(statement) == [(Part.EXECUTION, Standing.OPEN, "of an order of ours, and not in the books")]


def test_an_execution_that_the_venue_does_not_list_is_open() -> None:
    statement = at_venue(orders=(FILLED,), held="10", cash="98999.5")
    assert told(statement) == [(Part.EXECUTION, Standing.OPEN, "the venue's history does not hold it")]


@pytest.mark.parametrize(("quantity", "price"), [("10", "100.01"), ("9", "100")])
def test_an_execution_on_other_terms_is_open(quantity: str, price: str) -> None:
    other = msgspec.structs.replace(FILL, quantity=D(quantity), price=D(price))
    statement = at_venue(orders=(FILLED,), fills=(other,), held="10", cash="98999.5")
    assert told(statement) == [(Part.EXECUTION, Standing.OPEN, "quantity or price differ")]


@pytest.mark.parametrize(("fee", "standing"), [("0", Standing.EXPLAINED), ("0.75", Standing.OPEN)])
def test_a_fee_that_the_venue_lists_apart_is_explained_and_another_one_is_not(fee: str, standing: Standing) -> None:
    other = msgspec.structs.replace(FILL, fee=D(fee))
    statement = at_venue(orders=(FILLED,), fills=(other,), held="10", cash="98999.5")
    assert [(part, stands) for part, stands, _ in told(statement)] == [(Part.FEE, standing)]


def test_a_foreign_execution_is_explained_by_the_correction_that_booked_it() -> None:
    adjusted = PositionAdjusted(
        strategy_id=EXTERNAL, symbol=ABC, quantity=D(5), price=D(100), cause="differs", adjustment_id="ABC#1:10->15"
    )
    foreign = msgspec.structs.replace(
        venue_fill("5", "100", execution="x1"), venue_order_id=VenueOrderId("theirs"), execution_id=ExecutionId("x1")
    )
    statement = at_venue(
        day=day_of(*DONE, adjusted), orders=(FILLED,), fills=(FILL, foreign), held="15", cash="98999.5"
    )
    assert statement.standing is Standing.EXPLAINED
    assert [part for part, _, _ in told(statement)] == [Part.EXECUTION, Part.CORRECTION]
    unbooked = at_venue(orders=(FILLED,), fills=(FILL, foreign), held="10", cash="98999.5")
    assert unbooked.standing is Standing.OPEN


def test_a_position_or_cash_that_differs_is_open_and_less_than_a_cent_is_not() -> None:
    statement = at_venue(orders=(FILLED,), fills=(FILL,), held="11", cash="98989.5")
    assert told(statement) == [
        (Part.POSITION, Standing.OPEN, "the venue has +1"),
        (Part.CASH, Standing.OPEN, "the venue has -10.0"),
    ]
    assert at_venue(orders=(FILLED,), fills=(FILL,), held="10", cash="98999.504").standing is Standing.CLEAN


@pytest.mark.parametrize(
    ("entries", "theirs", "standing"),
    [
        ((INTENDED, accepted()), VenueOrderStatus.WORKING, Standing.CLEAN),
        ((INTENDED, accepted(), canceled()), VenueOrderStatus.CANCELED, Standing.CLEAN),
        ((INTENDED, accepted()), VenueOrderStatus.CANCELED, Standing.OPEN),
        ((INTENDED, accepted(), cancel_requested()), VenueOrderStatus.WORKING, Standing.EXPLAINED),
        ((INTENDED, rejected()), None, Standing.CLEAN),
        ((INTENDED, unknown()), None, Standing.OPEN),
    ],
)
def test_an_order_stands_as_its_end_on_both_sides_says(
    entries: tuple[JournalEntry, ...], theirs: VenueOrderStatus | None, standing: Standing
) -> None:
    orders = () if theirs is None else (venue_order(status=theirs),)
    assert at_venue(day=day_of(*entries), orders=orders).standing is standing


def test_an_order_of_somebody_else_is_named_and_explained() -> None:
    foreign = msgspec.structs.replace(
        venue_order(), venue_order_id=VenueOrderId("theirs"), client_order_id=ClientOrderId("hand")
    )
    statement = at_venue(day=day_of(), orders=(foreign,))
    (found,) = statement.differences
    assert isinstance(found, Difference)
    assert (found.part, found.standing) == (Part.ORDER, Standing.EXPLAINED)
    assert "theirs" in found.subject


def test_what_came_after_the_day_is_not_of_the_day() -> None:
    day = msgspec.structs.replace(day_of(*DONE), end_ns=2_500)
    late = at_venue(day=day, orders=(FILLED,), fills=(FILL,), held="10", cash="98999.5")
    assert (late.executions, late.differences) == (0, ())
    assert V1


def test_while_orders_are_on_their_way_a_difference_proves_nothing() -> None:
    snapshot = venue_snapshot((FILLED,), (FILL,), cash="98999.5")
    still, moving = compare(day_of(*DONE), snapshot), compare(day_of(*DONE), snapshot, moving=True)
    assert (still.standing, moving.standing) == (Standing.OPEN, Standing.EXPLAINED)
    assert len(still.differences) == len(moving.differences)
