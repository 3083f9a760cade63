"""Ticks and lots."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import ABC, D
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, default_instrument
from tradingd.core.orders import OrderTerms, OrderType, Side

EQUITY = default_instrument(ABC)
CRYPTO = default_instrument(Symbol("BTC/USD"))


@pytest.mark.parametrize(
    ("price", "side", "rounded"),
    [
        ("10.019", Side.BUY, "10.01"),
        ("10.011", Side.SELL, "10.02"),
        ("10.01", Side.BUY, "10.01"),
        ("10.01", Side.SELL, "10.01"),
        ("0.99999", Side.BUY, "0.9999"),
        ("0.99991", Side.SELL, "1.0000"),
        ("1.00", Side.BUY, "1.00"),
        ("1.009", Side.BUY, "1.00"),
    ],
)
def test_an_equity_price_is_rounded_away_from_aggression(price: str, side: Side, rounded: str) -> None:
    assert EQUITY.round_price(D(price), side) == D(rounded)


def test_an_instrument_with_its_own_tick_keeps_to_it() -> None:
    future = msgspec.structs.replace(EQUITY, price_increment=D("0.25"))
    assert future.round_price(D("100.30"), Side.BUY) == D("100.25")
    assert future.round_price(D("100.30"), Side.SELL) == D("100.50")


@pytest.mark.parametrize(("quantity", "rounded"), [("1.9", "1"), ("-1.9", "-1"), ("0.9", "0"), ("2", "2")])
def test_a_quantity_is_rounded_towards_zero(quantity: str, rounded: str) -> None:
    whole = msgspec.structs.replace(EQUITY, quantity_increment=D(1))
    assert whole.round_quantity(D(quantity)) == D(rounded)


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_stays_for_the_rules_to_name(quantity: str) -> None:
    assert not EQUITY.round_quantity(D(quantity)).is_finite()
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D(quantity))
    limit = EQUITY.round_terms(terms, Side.BUY).limit_price
    assert limit is not None
    assert not limit.is_finite()


def test_both_prices_of_an_order_are_rounded() -> None:
    terms = OrderTerms(order_type=OrderType.STOP_LIMIT, limit_price=D("10.019"), stop_price=D("10.011"))
    rounded = EQUITY.round_terms(terms, Side.SELL)
    assert (rounded.limit_price, rounded.stop_price) == (D("10.02"), D("10.02"))
    assert EQUITY.round_terms(OrderTerms(), Side.SELL) == OrderTerms()


def test_a_symbol_is_taken_for_what_its_spelling_says() -> None:
    assert EQUITY.asset_class is AssetClass.EQUITY
    assert CRYPTO.asset_class is AssetClass.CRYPTO
    assert not CRYPTO.shortable


@given(st.decimals("0.0001", "1000000", places=9), st.sampled_from(Side))
def test_rounding_moves_a_price_by_less_than_a_tick_and_once(price: Decimal, side: Side) -> None:
    rounded = EQUITY.round_price(price, side)
    assert abs(rounded - price) < EQUITY.tick(price)
    assert (rounded - price) * side.sign <= 0
    assert EQUITY.round_price(rounded, side) == rounded
