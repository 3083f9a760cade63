"""Contracts with a multiplier, and such as are held on margin: what they are worth, and what they do to cash."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import ABC, S1, D, account_opened, filled, order, trade, venue_fill, venue_order, venue_snapshot
from tradingd.core.accounting import Position, apply_trade, value_of
from tradingd.core.books import Books
from tradingd.core.entries import OrderIntended, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.order_state import intend
from tradingd.core.orders import SPOT, ZERO, Contract, Side
from tradingd.core.portfolio import PortfolioSnapshot, PortfolioState
from tradingd.core.reconcile import diff
from tradingd.core.venue_view import VenueOrderStatus, VenuePosition

FUTURE = Contract(multiplier=D(50), margined=True)


def opened(cash: str = "100000") -> PortfolioState:
    portfolio = PortfolioState()
    portfolio.open_account(D(cash))
    return portfolio


@pytest.mark.parametrize(
    ("asset_class", "multiplier", "contract"),
    [
        (AssetClass.EQUITY, "1", SPOT),
        (AssetClass.FX, "1", SPOT),
        (AssetClass.FUTURE, "50", FUTURE),
        (AssetClass.FUTURE, "1", Contract(margined=True)),
        (AssetClass.EQUITY, "100", Contract(multiplier=D(100))),
    ],
)
def test_an_instrument_tells_how_its_price_becomes_money(
    asset_class: AssetClass, multiplier: str, contract: Contract
) -> None:
    instrument = Instrument(
        symbol=ABC,
        asset_class=asset_class,
        price_increment=D("0.25"),
        quantity_increment=D(1),
        min_quantity=D(1),
        multiplier=D(multiplier),
    )
    assert instrument.contract == contract


def test_the_tick_of_a_price_band_applies_from_its_lower_bound_up() -> None:
    instrument = Instrument(
        symbol=ABC,
        asset_class=AssetClass.EQUITY,
        price_increment=D("0.01"),
        quantity_increment=D(1),
        min_quantity=D(1),
        price_bands=((ZERO, D("0.0001")), (D(1), D("0.01")), (D(100), D("0.05"))),
    )
    ticks = [instrument.tick(D(price)) for price in ("0.9999", "1", "99.99", "100", "5000")]
    assert ticks == [D("0.0001"), D("0.01"), D("0.01"), D("0.05"), D("0.05")]


def test_a_future_moves_cash_by_profit_and_fees_alone() -> None:
    """Two bought at 5000 and one more at 5010; two sold at 5020: 50 a point, average 15010 / 3."""
    portfolio = opened()
    for side, quantity, price in (("BUY", "2", "5000"), ("BUY", "1", "5010")):
        portfolio.apply(msgspec.structs.replace(trade(Side(side), quantity, price, "2.25"), contract=FUTURE))
    assert portfolio.settled_cash == D(100_000) - D("4.50")
    portfolio.mark(ABC, 5020.0)
    assert portfolio.equity() == D(100_000) - D("4.50") + (2 * 20 + 10) * 50
    assert portfolio.exposure() == (D(3 * 5020 * 50), D(3 * 5020 * 50))
    portfolio.apply(msgspec.structs.replace(trade(Side.SELL, "3", "5020", "2.25"), contract=FUTURE))
    assert portfolio.settled_cash == portfolio.cash == portfolio.equity() == D(100_000) - D("6.75") + D(2500)
    assert portfolio.lines[S1, ABC].realised_pnl == D(2500)


def test_a_price_without_a_mark_is_the_average_as_quoted() -> None:
    portfolio = opened()
    portfolio.adjust_position(EXTERNAL, ABC, D(-2), D(5000), FUTURE)
    assert portfolio.price(ABC) == D(5000)
    assert portfolio.lines[EXTERNAL, ABC].average_price == D(5000)
    assert portfolio.settled_cash == D(100_000), "it has cost nothing"
    assert portfolio.equity() == D(100_000)
    kept = msgspec.json.encode(portfolio.snapshot())
    restored = PortfolioState(msgspec.json.decode(kept, type=PortfolioSnapshot))
    assert restored.settled_cash == D(100_000)
    assert restored.contract(ABC) == FUTURE


def test_an_open_order_reserves_its_value_with_the_multiplier() -> None:
    portfolio = opened()
    portfolio.reserve(intend(msgspec.structs.replace(order(quantity="2", limit="5000"), contract=FUTURE)))
    assert portfolio.open_exposure(ABC).buy_value == D(2 * 5000 * 50)


trades = st.tuples(
    st.sampled_from(Side),
    st.decimals("1", "50", places=0),
    st.decimals("1", "9999.75", places=2),
    st.decimals("-1", "9", places=2),
)


@given(st.lists(trades, max_size=30), st.sampled_from([SPOT, FUTURE, Contract(multiplier=D("0.1"))]))
def test_over_any_trades_the_ledger_sums_to_zero_and_equity_does_not_know_how_cash_is_settled(
    made: list[tuple[Side, Decimal, Decimal, Decimal]], contract: Contract
) -> None:
    portfolio = opened()
    net = paid = ZERO
    for side, quantity, price, fee in made:
        portfolio.apply(msgspec.structs.replace(trade(side, str(quantity), str(price), str(fee)), contract=contract))
        net += quantity * side.sign
        paid += value_of(contract, quantity * side.sign, price) + fee
        portfolio.mark(ABC, float(price))
        portfolio.check()
        assert portfolio.equity() == D(100_000) - paid + value_of(contract, net, Decimal(repr(float(price))))
        held = portfolio.lines[S1, ABC]
        settled = D(100_000) + held.realised_pnl - held.fees if contract.margined else portfolio.cash
        assert portfolio.settled_cash == settled


def test_reconciliation_compares_cash_as_the_venue_counts_it() -> None:
    books = Books()
    bought = msgspec.structs.replace(order(quantity="2"), contract=FUTURE)
    for entry in (account_opened(), OrderIntended(order=bought), filled("1", price="5000", cum="1")):
        books.apply(entry)
    venue = venue_snapshot(
        (venue_order(status=VenueOrderStatus.FILLED, quantity="2", filled_quantity="2"),),
        (venue_fill("1", cum="1", price="5000"), venue_fill("1", execution="e2", price="5010", cum="2")),
        {},
        "100000",
    )
    position = VenuePosition(symbol=ABC, quantity=D(2), average_price=D(5005), contract=FUTURE)
    venue = msgspec.structs.replace(venue, positions=(position,))
    plan = diff(books, venue, now_ns=10_000)
    assert [type(report).__name__ for report in plan.reports] == ["OrderFilled"]
    assert plan.adjustments == ()


def test_a_position_found_at_the_venue_comes_with_its_contract() -> None:
    books = Books()
    books.apply(account_opened())
    position = VenuePosition(symbol=ABC, quantity=D(2), average_price=D(5005), contract=FUTURE)
    venue = msgspec.structs.replace(venue_snapshot((), (), {}, "100000"), positions=(position,))
    (found,) = diff(books, venue, now_ns=10_000).adjustments
    assert isinstance(found, PositionAdjusted)
    assert (found.quantity, found.contract) == (D(2), FUTURE)
    books.apply(found)
    assert diff(books, venue, now_ns=10_000).adjustments == ()
    assert books.portfolio.settled_cash == D(100_000)


def test_turning_a_position_around_keeps_the_contract() -> None:
    position = apply_trade(
        apply_trade(Position(), Side.BUY, D(2), D(10), ZERO, contract=FUTURE),
        Side.SELL,
        D(5),
        D(12),
        ZERO,
        contract=FUTURE,
    )
    assert (position.quantity, position.cost, position.realised_pnl) == (D(-3), D(-3 * 12 * 50), D(2 * 2 * 50))
    assert position.average_price == D(12)
