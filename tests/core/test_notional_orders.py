"""Orders of others that were placed by what they may spend: no quantity until they have ended."""

import msgspec
from tests.core.making import V1, D, account_opened, filled, venue_fill, venue_order, venue_snapshot
from tradingd.core.books import Books
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.order_state import OrderStatus, apply_report
from tradingd.core.reconcile import diff
from tradingd.core.venue_view import VenueOrder, VenueOrderStatus

THEIRS = ClientOrderId("app-1")


def spending(status: VenueOrderStatus, filled_quantity: str = "0", quantity: str = "0") -> VenueOrder:
    order = venue_order(THEIRS, V1, status, quantity=quantity, filled_quantity=filled_quantity)
    return msgspec.structs.replace(order, notional=D(500))


def test_it_is_adopted_fills_without_alarm_and_ends_when_the_venue_says_so() -> None:
    books = Books()
    books.apply(account_opened())
    plan = diff(books, venue_snapshot((spending(VenueOrderStatus.WORKING),)), now_ns=1)
    (adoption,) = plan.adoptions
    books.apply(adoption)
    state = books.orders.get(THEIRS)
    assert state is not None and (state.status, state.quantity) == (OrderStatus.ACCEPTED, D(0))

    for quantity, execution, cum in (("3", "e1", "3"), ("2", "e2", "5")):
        fill = filled(quantity, order_id=THEIRS, execution=execution, cum=cum)
        assert apply_report(state, fill).anomaly is None
        books.apply(fill)
        state = books.orders.get(THEIRS)
        assert state is not None and state.status is OrderStatus.ACCEPTED
    assert books.portfolio.quantity(plan.adoptions[0].order.symbol) == D(5)

    done = spending(VenueOrderStatus.FILLED, "5", "5")
    venue = venue_snapshot((done,), (venue_fill("5", cum="5"),), {"ABC": "5"}, "99500")
    plan = diff(books, venue, now_ns=2)
    for report in plan.reports:
        books.apply(report)
    state = books.orders.get(THEIRS)
    assert state is not None and state.is_terminal
    assert books.orders.open_count == 0
    assert diff(books, venue, now_ns=3).empty


def test_one_that_had_filled_in_part_when_it_was_found_counts_that_part_once() -> None:
    books = Books()
    books.apply(account_opened())
    venue = venue_snapshot((spending(VenueOrderStatus.WORKING, "2"),), (), {"ABC": "2"}, "99800")
    plan = diff(books, venue, now_ns=1)
    for entry in (*plan.adoptions, *plan.adjustments):
        books.apply(entry)
    state = books.orders.get(THEIRS)
    assert state is not None and not state.is_terminal
    assert diff(books, venue, now_ns=2).empty
