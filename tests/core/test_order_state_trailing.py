"""Trailing stops through the order state machine: the venue moves their stop, and only new terms are a replace."""

from decimal import Decimal

import msgspec
import pytest
from tests.core import making
from tradingd.core.order_state import OrderState, OrderStatus, apply_report, intend
from tradingd.core.orders import OrderTerms, OrderType, Side

D = Decimal


def trailing_order() -> OrderState:
    terms = OrderTerms(order_type=OrderType.TRAILING_STOP, trail_amount=D(2))
    made = msgspec.structs.replace(making.order(), terms=terms)
    return apply_report(intend(made), making.accepted()).state


def test_a_replaced_trail_is_known_by_its_distance_and_not_by_where_the_stop_stands() -> None:
    """The venue moves the stop of a trailing order: told again with another stop, a replace is still the same one."""
    new = msgspec.structs.replace(
        making.replaced(), quantity=D(10), limit_price=None, stop_price=D(97), trail_amount=D(3)
    )
    state = apply_report(trailing_order(), new).state
    assert (state.terms.trail_amount, state.terms.stop_price) == (D(3), D(97))
    asked = apply_report(state, msgspec.structs.replace(making.replace_requested(), quantity=D(5))).state
    moved = msgspec.structs.replace(new, stop_price=D(99))
    again = apply_report(asked, moved)
    assert (again.changed, again.state.status) == (False, OrderStatus.PENDING_REPLACE)


def test_a_replace_that_names_no_trail_leaves_it() -> None:
    new = msgspec.structs.replace(making.replaced(), limit_price=None)
    terms = apply_report(trailing_order(), new).state.terms
    assert (terms.trail_amount, terms.trail_percent) == (D(2), None)


@pytest.mark.parametrize(
    ("side", "trail", "price"),
    [
        (Side.BUY, {"trail_amount": D(2)}, 102),
        (Side.BUY, {"trail_percent": D(5)}, 105),
        (Side.SELL, {"trail_amount": D(2)}, 100),
    ],
)
def test_exposure_of_a_trail_is_counted_where_its_stop_begins(
    side: Side, trail: dict[str, Decimal], price: int
) -> None:
    terms = OrderTerms(order_type=OrderType.TRAILING_STOP, **trail)  # type: ignore[arg-type]
    made = msgspec.structs.replace(making.order(side=side), terms=terms)
    assert made.working_price == intend(made).worst_price == price
    placed = msgspec.structs.replace(made, terms=msgspec.structs.replace(terms, stop_price=D(90)))
    assert placed.working_price == 90
