"""Position accounting against figures worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import D
from tradingd.core.accounting import Position, apply_trade
from tradingd.core.orders import Side

B, S = Side.BUY, Side.SELL
Deal = tuple[Side, str, str, str]


def book(*deals: Deal) -> Position:
    position = Position()
    for side, quantity, price, fee in deals:
        position = apply_trade(position, side, D(quantity), D(price), D(fee))
    return position


@pytest.mark.parametrize(
    ("name", "deals", "quantity", "cost", "realised", "fees"),
    [
        ("open long", [(B, "10", "100.25", "0.10")], "10", "1002.50", "0", "0.10"),
        ("open short", [(S, "10", "100.25", "0.10")], "-10", "-1002.50", "0", "0.10"),
        ("increase long", [(B, "10", "100", "0"), (B, "5", "106", "0")], "15", "1530", "0", "0"),
        ("increase short", [(S, "10", "100", "0"), (S, "5", "94", "0")], "-15", "-1470", "0", "0"),
        ("reduce long at a profit", [(B, "10", "100", "1"), (S, "4", "110", "1")], "6", "600", "40", "2"),
        ("reduce long at a loss", [(B, "10", "100", "1"), (S, "4", "90.5", "1")], "6", "600", "-38", "2"),
        ("reduce short at a profit", [(S, "10", "100", "0"), (B, "4", "90", "0")], "-6", "-600", "40", "0"),
        ("reduce short at a loss", [(S, "10", "100", "0"), (B, "4", "110.25", "0")], "-6", "-600", "-41", "0"),
        ("close long", [(B, "3", "10.01", "0"), (S, "3", "10.03", "0")], "0", "0", "0.06", "0"),
        ("close short", [(S, "3", "10.01", "0"), (B, "3", "10.03", "0")], "0", "0", "-0.06", "0"),
        ("flip long to short", [(B, "10", "100", "0"), (S, "25", "104", "0.5")], "-15", "-1560", "40", "0.5"),
        ("flip short to long", [(S, "10", "100", "0"), (B, "25", "96", "0.5")], "15", "1440", "40", "0.5"),
        (
            "average of three, reduced twice",
            [(B, "1", "10", "0"), (B, "1", "11", "0"), (B, "1", "12", "0"), (S, "1", "12", "0"), (S, "1", "12", "0")],
            "1",
            "11",
            "2",
            "0",
        ),
        ("a maker's rebate", [(B, "10", "100", "-0.25")], "10", "1000", "0", "-0.25"),
        ("satoshis", [(B, "0.000000001", "64123.45", "0")], "0.000000001", "0.00006412345", "0", "0"),
    ],
)
def test_a_position_comes_to_what_was_worked_out_by_hand(
    *, name: str, deals: list[Deal], quantity: str, cost: str, realised: str, fees: str
) -> None:
    position = book(*deals)
    got = (position.quantity, position.cost, position.realised_pnl, position.fees)
    assert got == (D(quantity), D(cost), D(realised), D(fees)), name


def test_the_average_price_and_the_open_profit_follow_from_the_cost() -> None:
    long, short = book((B, "10", "100", "0")), book((S, "10", "100", "0"))
    assert (long.average_price, short.average_price) == (D(100), D(100))
    assert (long.unrealised_pnl(D(103)), short.unrealised_pnl(D(103))) == (D(30), D(-30))
    assert Position().average_price is None
    assert Position().unrealised_pnl(D(103)) == 0


def test_what_a_share_of_the_cost_cannot_express_stays_with_the_rest() -> None:
    position = book((B, "3", "1", "0"), (B, "4", "2", "0"), (S, "1", "2", "0"))
    assert position.cost + (D(2) - position.realised_pnl) == D(11)
    closed = apply_trade(position, S, D(6), D(2), D(0))
    assert (closed.cost, closed.realised_pnl) == (D(0), D(3))


quantities = st.decimals("0.000000001", "1000000", places=9)
prices = st.decimals("0.0001", "1000000", places=4)
fees = st.decimals("-10", "1000", places=6)


@given(st.lists(st.tuples(st.sampled_from(Side), quantities, prices, fees), max_size=40))
def test_cash_and_cost_are_always_what_was_put_in_and_won_less_fees(
    deals: list[tuple[Side, Decimal, Decimal, Decimal]],
) -> None:
    start = cash = D(1_000_000)
    position, held = Position(), D(0)
    for side, quantity, price, fee in deals:
        position = apply_trade(position, side, quantity, price, fee)
        cash -= side.sign * quantity * price + fee
        held += side.sign * quantity
        assert position.quantity == held
        assert cash + position.cost == start + position.realised_pnl - position.fees
        assert position.quantity or not position.cost


@given(quantities, prices, prices)
def test_a_round_trip_realises_exactly_the_difference(quantity: Decimal, bought: Decimal, sold: Decimal) -> None:
    position = apply_trade(apply_trade(Position(), B, quantity, bought, D(0)), S, quantity, sold, D(0))
    assert (position.quantity, position.cost) == (D(0), D(0))
    assert position.realised_pnl == quantity * sold - quantity * bought
