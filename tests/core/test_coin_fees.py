"""Fees that are taken in coin and told by nobody: when a difference is known for one, and whose it is."""

import pytest
from tests.core.making import S1, S2, V2, D, account_opened, filled, order, trade, venue_snapshot
from tradingd.core.books import Books
from tradingd.core.coin_fees import COIN_FEE_CAUSE, SALE_FEE_CAUSE, is_fee_of, shares_of_fee
from tradingd.core.entries import CashAdjusted, OrderIntended, PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, Symbol
from tradingd.core.orders import Side
from tradingd.core.reconcile import EVERYTHING, diff
from tradingd.execution.reconciler import Reconciler

PAIR = Symbol("BTC/USD")
UNKNOWN = "the venue's position differs from the books"


def books_that_bought(*, fee: str = "0", symbol: Symbol = PAIR) -> Books:
    """Two of the first strategy and one of the second, at 100 each."""
    books = Books()
    books.apply(account_opened())
    books.apply(OrderIntended(order=order("s1-1", quantity="2", symbol=symbol)))
    books.apply(filled("2", execution="e1", fee=fee))
    books.apply(OrderIntended(order=order("s2-1", quantity="1", symbol=symbol, strategy=S2)))
    books.apply(filled("1", order_id="s2-1", execution="e2", fee=fee, venue_id=V2))
    return books


def adjustments(books: Books, held: str, cash: str = "99700") -> list[PositionAdjusted | CashAdjusted]:
    return list(diff(books, venue_snapshot((), (), {PAIR: held}, cash), now_ns=1).adjustments)


@pytest.mark.parametrize(
    ("missing", "traded", "fee"),
    [
        ("0.0025", "1", True),
        ("0.001", "1", True),
        ("0.003", "1", True),
        ("0.0009", "1", False),
        ("0.0031", "1", False),
        ("-0.0025", "1", False),
        ("0", "0", False),
    ],
)
def test_a_fee_has_the_size_of_one(missing: str, traded: str, fee: bool) -> None:
    assert is_fee_of(D(missing), D(traded)) is fee


def test_a_fee_is_shared_by_what_each_bought_to_the_last_digit() -> None:
    shares = shares_of_fee(D("0.008"), {S1: D(2), S2: D(1)})
    assert shares == {S1: D("0.005333333"), S2: D("0.002666667")}
    assert shares_of_fee(D("0.008"), {}) == {}


def test_a_position_that_lacks_a_fee_is_corrected_where_it_was_bought_with_its_cause_named() -> None:
    books = books_that_bought()
    found = adjustments(books, "2.9925")
    assert [(one.strategy_id, one.quantity, one.cause) for one in found if isinstance(one, PositionAdjusted)] == [
        (S1, D("-0.005"), COIN_FEE_CAUSE),
        (S2, D("-0.0025"), COIN_FEE_CAUSE),
    ]
    assert len({one.adjustment_id for one in found}) == 2
    for one in found:
        books.apply(one)
    assert books.portfolio.quantity_of(S1, PAIR) == D("1.995")
    assert adjustments(books, "2.9925") == []
    # Nothing was bought since: the same difference again is no fee.
    assert [one.cause for one in adjustments(books, "2.985")] == [UNKNOWN]


@pytest.mark.parametrize("held", ["2.9", "2.999", "3.0075"], ids=["too much", "too little", "more than was bought"])
def test_another_difference_is_of_unknown_cause_and_nobodys(held: str) -> None:
    (found,) = adjustments(books_that_bought(), held)
    assert isinstance(found, PositionAdjusted)
    assert (found.strategy_id, found.cause) == (EXTERNAL, UNKNOWN)


def test_a_venue_that_told_its_fee_takes_no_other() -> None:
    (found,) = adjustments(books_that_bought(fee="0.25"), "2.9925", "99699.50")
    assert found.cause == UNKNOWN


def test_a_share_is_no_coin() -> None:
    books = books_that_bought(symbol=Symbol("ABC"))
    (found,) = diff(books, venue_snapshot((), (), {"ABC": "2.9925"}, "99700"), now_ns=1).adjustments
    assert found.cause == UNKNOWN


def test_what_a_sale_brought_less_is_named_too() -> None:
    books = books_that_bought()
    books.portfolio.apply(trade(Side.SELL, "1", "100", symbol=PAIR))
    (found,) = adjustments(books, "2", "99799.75")
    assert isinstance(found, CashAdjusted)
    assert (found.amount, found.cause) == (D("-0.25"), SALE_FEE_CAUSE)


def test_trades_before_the_last_agreement_explain_nothing() -> None:
    books = books_that_bought()
    reconciler = Reconciler(books, scope=EVERYTHING)
    assert reconciler.judge(venue_snapshot((), (), {PAIR: "3"}, "99700"), now_ns=1, undisturbed=True).plan.empty
    assert [one.cause for one in adjustments(books, "2.9925")] == [UNKNOWN]
