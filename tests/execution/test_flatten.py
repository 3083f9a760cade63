"""Cancel everything, wait, close each position once."""

from decimal import Decimal

from tests.core.making import ABC, S1, S2, accepted, account_opened, canceled, filled, order
from tradingd.core.books import Books
from tradingd.core.entries import OrderIntended
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.orders import Side
from tradingd.core.scopes import Scope
from tradingd.execution.flatten import Flattening

Closed = tuple[StrategyId, Symbol, Decimal]


def holding() -> Books:
    books = Books()
    for entry in (
        account_opened(),
        OrderIntended(order=order("s1-1")),
        filled("10"),
        OrderIntended(order=order("s2-1", Side.SELL, "4", strategy=S2)),
        filled("4", order_id="s2-1"),
    ):
        books.apply(entry)
    return books


def test_an_account_that_is_flat_is_done_at_once() -> None:
    assert Flattening(Books(), lambda *_: None).step()


def test_positions_wait_for_open_orders_and_are_closed_once() -> None:
    books, closed = holding(), list[Closed]()

    def close(strategy: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        closed.append((strategy, symbol, quantity))
        side = Side.SELL if quantity > 0 else Side.BUY
        books.apply(OrderIntended(order=order(f"close-{strategy}", side, str(abs(quantity)), strategy=strategy)))

    books.apply(OrderIntended(order=order("s1-2", limit="90")))
    flattening = Flattening(books, close)
    assert not flattening.step()
    assert closed == []
    books.apply(accepted("s1-2"))
    books.apply(canceled("s1-2"))
    assert not flattening.step()
    assert closed == [(S1, ABC, Decimal(10))], "the side of the account's net position comes first"
    assert not flattening.step()
    books.apply(filled("10", order_id="close-s1"))
    assert not flattening.step()
    assert closed == [(S1, ABC, Decimal(10)), (S2, ABC, Decimal(-4))]
    books.apply(filled("4", order_id="close-s2"))
    assert flattening.step()
    assert len(closed) == 2
    assert flattening.left() == []


def test_only_what_it_covers_is_waited_for_and_closed() -> None:
    books, asked = holding(), list[Closed]()
    books.apply(OrderIntended(order=order("s1-2", limit="90")))
    flattening = Flattening(books, lambda *line: asked.append(line), Scope(S2).covers)
    assert flattening.step(), "the order of another strategy is not waited for"
    assert asked == [(S2, ABC, Decimal(-4))]
    assert flattening.left() == ["-4 ABC of s2"]


def test_what_could_not_be_sent_ends_it_and_is_told() -> None:
    books, asked = holding(), list[Closed]()
    flattening = Flattening(books, lambda *line: asked.append(line))
    assert flattening.step(), "nothing was sent: no report will come"
    assert flattening.left() == ["10 ABC of s1", "-4 ABC of s2"]
    assert len(asked) == 2
