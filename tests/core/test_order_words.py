"""Orders and fills in a trader's words."""

from decimal import Decimal

import pytest
from tests.core.making import accepted, filled, order
from tradingd.core.accounting import Position, apply_trade
from tradingd.core.order_state import OrderState, apply_report, intend
from tradingd.core.order_words import Fill, order_in_words, terms_in_words
from tradingd.core.orders import Order, OrderTerms, OrderType, Side, Trade

D = Decimal


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        (OrderTerms(), "market"),
        (OrderTerms(order_type=OrderType.LIMIT, limit_price=D("420.1")), "limit 420.10"),
        (OrderTerms(order_type=OrderType.STOP, stop_price=D("0.00001234")), "stop 0.00001234"),
        (OrderTerms(order_type=OrderType.STOP_LIMIT, stop_price=D(99), limit_price=D(98)), "stop 99.00 limit 98.00"),
        (OrderTerms(order_type=OrderType.TRAILING_STOP, trail_percent=D("2.50")), "trailing stop 2.5 %"),
        (OrderTerms(order_type=OrderType.TRAILING_STOP, trail_amount=D(3)), "trailing stop 3.00"),
    ],
)
def test_terms_name_their_prices(terms: OrderTerms, text: str) -> None:
    assert terms_in_words(terms) == text


def test_an_order_tells_side_quantity_symbol_and_price() -> None:
    assert order_in_words(order("s1-1", Side.SELL, "10.0", limit="101")) == "SELL 10 ABC limit 101.00"


def executed(sent: Order, quantity: str, price: str) -> tuple[OrderState, Trade]:
    state = apply_report(intend(sent), accepted(sent.client_order_id)).state
    transition = apply_report(state, filled(quantity, price, order_id=sent.client_order_id))
    assert transition.trade is not None
    return transition.state, transition.trade


def fill_of(sent: Order, quantity: str, price: str, before: Position) -> Fill:
    state, trade = executed(sent, quantity, price)
    after = apply_trade(before, trade.side, trade.quantity, trade.price, trade.fee, contract=trade.contract)
    return Fill(trade, state, before, after)


def test_a_fill_that_opens_names_its_slippage_and_no_profit() -> None:
    fill = fill_of(order("s1-1", Side.BUY, "10", reference="100"), "10", "100.02", Position())
    assert (fill.profit, fill.slippage) == (None, D("0.20"))
    assert fill.in_words() == "BUY 10 ABC at 100.02, 0.20 worse than at the signal's 100.00"


def test_a_fill_that_closes_names_its_profit_and_its_slippage() -> None:
    held = Position(quantity=D(10), cost=D(1000))
    fill = fill_of(order("s1-1", Side.SELL, "4", reference="103"), "4", "103.5", held)
    assert fill.in_words() == (
        "SELL 4 ABC at 103.50, closes 4 from 100.00: profit +14.00 before fees, 2.00 better than at the signal's 103.00"
    )


def test_a_fill_that_turns_a_position_around_closes_the_whole_of_it() -> None:
    held = Position(quantity=D(-10), cost=D(-1000))
    fill = fill_of(order("s1-1", Side.BUY, "15", reference="99"), "15", "99", held)
    assert (
        fill.in_words() == "BUY 15 ABC at 99.00, closes 10 from 100.00: profit +10.00 before fees, the signal's price"
    )


def test_a_fill_at_the_price_of_the_signal_says_so_and_has_no_slippage_below_zero() -> None:
    fill = fill_of(order("s1-1", Side.SELL, "10", reference="99"), "10", "99.00", Position())
    assert str(fill.slippage) == "0"
    assert fill.in_words() == "SELL 10 ABC at 99.00, the signal's price"


def test_without_a_price_at_the_signal_there_is_no_slippage() -> None:
    fill = fill_of(order("s1-1", Side.BUY, "1", reference="0"), "1", "99", Position())
    assert fill.slippage is None
    assert fill.in_words() == "BUY 1 ABC at 99.00"
