"""The portfolio: what it sums up, and what it refuses to believe."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import ABC, S1, S2, XYZ, D, accepted, canceled, filled, order, replace_requested, trade
from tradingd.core.identifiers import EXTERNAL, StrategyId, Symbol
from tradingd.core.order_state import OrderStatus, apply_report, intend
from tradingd.core.orders import ZERO, ExecutionReport, Side, Trade
from tradingd.core.portfolio import PortfolioState
from tradingd.errors import InvariantBroken


def opened(cash: str = "100000") -> PortfolioState:
    portfolio = PortfolioState()
    portfolio.open_account(D(cash))
    return portfolio


def encoded(portfolio: PortfolioState) -> bytes:
    return msgspec.json.encode(portfolio.snapshot())


def test_working_and_unknown_orders_reserve_their_open_quantity() -> None:
    portfolio = opened()
    buy = intend(order("a", quantity="10", limit="101"))
    portfolio.reserve(buy)
    portfolio.reserve(msgspec.structs.replace(intend(order("b", quantity="5")), status=OrderStatus.UNKNOWN))
    portfolio.reserve(intend(order("c", Side.SELL, "7", stop="90", strategy=S2)))
    exposure = portfolio.open_exposure(ABC)
    assert (exposure.buy_quantity, exposure.sell_quantity) == (D(15), D(7))
    assert (exposure.buy_value, exposure.sell_value) == (D(1510), D(630))
    assert portfolio.open_exposure_of(S1, ABC).sell_quantity == 0
    assert portfolio.open_exposure_of(S2, ABC).sell_quantity == D(7)
    assert portfolio.open_exposure(XYZ).buy_quantity == 0
    assert portfolio.reserved_value() == D(2140)


def test_a_reservation_follows_its_order_and_vanishes_with_it() -> None:
    portfolio = opened()
    state = intend(order(quantity="10", limit="101"))
    steps: list[tuple[ExecutionReport, str]] = [
        (accepted(), "10"),
        (filled("4", execution="a"), "6"),
        (replace_requested("20"), "16"),
        (canceled(), "0"),
    ]
    for report, left in steps:
        state = apply_report(state, report).state
        portfolio.reserve(state)
        portfolio.reserve(state)
        assert portfolio.open_exposure(ABC).buy_quantity == D(left)
        assert portfolio.open_exposure_of(S1, ABC).buy_value == D(left) * 101
    assert portfolio.reserved_value() == 0


def test_strategies_share_a_symbol_and_the_account_nets_them() -> None:
    portfolio = opened()
    portfolio.apply(trade(Side.BUY, "10", "100", "1"))
    portfolio.apply(trade(Side.SELL, "4", "110", "1", strategy=S2))
    assert portfolio.quantity(ABC) == D(6)
    assert (portfolio.quantity_of(S1, ABC), portfolio.quantity_of(S2, ABC)) == (D(10), D(-4))
    assert portfolio.cash == D(100_000 - 1000 + 440 - 2)


def test_equity_values_what_is_held_at_the_last_good_price() -> None:
    portfolio = opened()
    portfolio.apply(trade(Side.BUY, "10", "100"))
    portfolio.apply(trade(Side.SELL, "5", "50", symbol=XYZ))
    portfolio.mark(ABC, 120.5)
    portfolio.mark(XYZ, 60.0)
    assert portfolio.exposure() == (D("1505"), D("905"))
    assert portfolio.equity() == D(100_000 - 1000 + 250) + D(905)


def test_a_symbol_without_a_good_price_is_valued_at_cost() -> None:
    portfolio = opened()
    portfolio.apply(trade(Side.BUY, "10", "100"))
    assert portfolio.price(ABC) == D(100)
    assert portfolio.equity() == D(100_000)
    assert portfolio.price(XYZ) is None


@pytest.mark.parametrize(("quantity", "price"), [("10", "95"), ("-10", "95"), ("3", "0"), ("-25", "101.01")])
def test_an_adjusted_position_keeps_the_ledger(quantity: str, price: str) -> None:
    portfolio = opened()
    portfolio.apply(trade(Side.BUY, "10", "100", strategy=EXTERNAL))
    cash = portfolio.cash
    portfolio.adjust_position(EXTERNAL, ABC, D(quantity), D(price))
    portfolio.check()
    assert portfolio.cash == cash
    assert portfolio.quantity(ABC) == D(10) + D(quantity)
    assert portfolio.totals.adjustments == D(quantity) * D(price)


def test_adjusted_cash_keeps_the_ledger() -> None:
    portfolio = opened()
    portfolio.adjust_cash(D("-12.34"))
    portfolio.check()
    assert (portfolio.cash, portfolio.totals.adjustments) == (D("99987.66"), D("-12.34"))


def test_a_ledger_that_does_not_sum_to_zero_raises() -> None:
    portfolio = opened()
    portfolio.cash += D("0.000000001")
    with pytest.raises(InvariantBroken, match="ledger"):
        portfolio.apply(trade(Side.BUY, "1", "1"))


trades = st.builds(
    lambda side, quantity, price, fee, strategy, symbol: trade(
        side, str(quantity), str(price), str(fee), strategy=strategy, symbol=symbol
    ),
    st.sampled_from(Side),
    st.decimals("0.000000001", "100000", places=9),
    st.decimals("0.0001", "100000", places=4),
    st.decimals("0", "10", places=4),
    st.sampled_from([S1, S2]),
    st.sampled_from([ABC, XYZ]),
)


@given(st.lists(trades, max_size=30))
def test_the_fold_is_the_sum_of_its_trades(made: list[Trade]) -> None:
    portfolio = opened()
    quantities: dict[tuple[StrategyId, Symbol], Decimal] = {}
    cash = D(100_000)
    for one in made:
        portfolio.apply(one)
        key = (one.strategy_id, one.symbol)
        quantities[key] = quantities.get(key, ZERO) + one.quantity * one.side.sign
        cash -= one.quantity * one.side.sign * one.price + one.fee
    assert portfolio.cash == cash
    for (strategy, symbol), quantity in quantities.items():
        assert portfolio.quantity_of(strategy, symbol) == quantity
    for symbol in (ABC, XYZ):
        assert portfolio.quantity(symbol) == sum((q for (_, s), q in quantities.items() if s == symbol), ZERO)


@given(st.lists(trades, max_size=20), st.lists(trades, max_size=5))
def test_a_snapshot_goes_on_where_the_fold_was(before: list[Trade], after: list[Trade]) -> None:
    portfolio = opened()
    for one in before:
        portfolio.apply(one)
    again = PortfolioState(msgspec.json.decode(encoded(portfolio), type=type(portfolio.snapshot())))
    assert encoded(again) == encoded(portfolio)
    for one in after:
        portfolio.apply(one)
        again.apply(one)
    assert encoded(again) == encoded(portfolio)
    assert again.net == portfolio.net
