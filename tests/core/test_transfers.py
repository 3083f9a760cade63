"""What one strategy held becomes another's by one entry: nothing is lost, doubled or made."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import (
    ABC,
    PLAN,
    S1,
    S2,
    XYZ,
    D,
    accepted,
    account_opened,
    canceled,
    encoded,
    filled,
    fold,
    order,
    reread,
)
from tradingd.core.books import Books
from tradingd.core.conflicts import has_anything, symbols_held
from tradingd.core.entries import (
    JournalEntry,
    OrderIntended,
    PositionAdjusted,
    StrategyQuarantined,
    StrategyStateSaved,
    StrategyTransferred,
)
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.orders import ZERO, Side
from tradingd.core.plans.records import PlanStarted

HELD: list[JournalEntry] = [
    account_opened(),
    OrderIntended(order=order("s1-1")),
    accepted("s1-1"),
    filled("10", "100.25", order_id="s1-1", execution="a", fee="0.07"),
    OrderIntended(order=order("s1-2", Side.SELL, "4")),
    filled("4", "101", order_id="s1-2", execution="b", fee="0.03"),
    OrderIntended(order=order("s1-3", quantity="5", limit="90")),
    accepted("s1-3"),
    OrderIntended(order=order("s1-4", symbol=XYZ, quantity="2")),
    filled("2", "50", order_id="s1-4", execution="c"),
    PlanStarted(plan=PLAN),
    StrategyStateSaved(strategy_id=S1, state={"turns": 1}),
    StrategyQuarantined(strategy_id=S1, reason="ValueError: x"),
]
WHOLE = StrategyTransferred(source=S1, target=S2, operator="formerly")
IN_ABC = StrategyTransferred(source=S1, target=S2, symbol=ABC, operator="ann")


def test_everything_goes_over_and_nothing_is_left() -> None:
    before, books = fold(HELD), fold([*HELD, WHOLE])
    assert not has_anything(books, S1)
    assert symbols_held(books, S2) == (ABC, XYZ)
    assert books.portfolio.lines[S2, ABC] == before.portfolio.lines[S1, ABC]
    assert books.portfolio.net == before.portfolio.net
    assert books.portfolio.cash == before.portfolio.cash
    assert {state.order.strategy_id for state in books.orders} == {S2}
    assert [state.plan.strategy_id for state in books.plans.values()] == [S2]
    assert books.strategy_states[S2].state == {"turns": 1}
    assert books.quarantined[S2].strategy_id == S2
    assert books.portfolio.open_exposure_of(S2, ABC) == before.portfolio.open_exposure_of(S1, ABC)
    assert books.portfolio.open_exposure_of(S1, ABC).buy_quantity == ZERO
    assert books.portfolio.reserved_value() == before.portfolio.reserved_value()
    books.portfolio.check()


def test_a_second_time_changes_nothing() -> None:
    assert encoded(fold([*HELD, WHOLE, WHOLE])) == encoded(fold([*HELD, WHOLE]))


def test_a_symbol_alone_goes_over_and_the_rest_stays() -> None:
    books = fold([*HELD, IN_ABC])
    assert (symbols_held(books, S1), symbols_held(books, S2)) == ((XYZ,), (ABC,))
    assert list(books.strategy_states) == [S1]
    assert list(books.quarantined) == [S1]


def test_a_later_fill_of_an_order_is_the_new_owners() -> None:
    books = fold([*HELD, WHOLE])
    trade = books.apply(filled("5", "90", order_id="s1-3", execution="d"))
    assert trade is not None
    assert trade.strategy_id == S2
    assert books.portfolio.quantity_of(S2, ABC) == D(11)


def test_a_fill_that_comes_after_the_end_of_an_order_is_the_new_owners_too() -> None:
    books = fold([*HELD, canceled("s1-3"), WHOLE])
    trade = books.apply(filled("5", "90", order_id="s1-3", execution="d"))
    assert trade is not None
    assert trade.strategy_id == S2


def test_saved_state_that_the_new_owner_has_stays() -> None:
    own = StrategyStateSaved(strategy_id=S2, state={"own": True})
    books = fold([*HELD, own, WHOLE])
    assert {name: saved.state for name, saved in books.strategy_states.items()} == {S2: {"own": True}}


def test_a_snapshot_after_a_transfer_stands_for_all_before_it() -> None:
    books = fold([*HELD, WHOLE])
    again = Books()
    again.apply(reread(books.snapshot()))
    assert encoded(again) == encoded(books)
    assert again.portfolio.reserved_value() == books.portfolio.reserved_value()


def test_long_of_one_and_short_of_the_other_close_at_the_prices_that_were_paid() -> None:
    short: list[JournalEntry] = [
        OrderIntended(order=order("s2-1", Side.SELL, "2", strategy=S2)),
        filled("2", "110.25", order_id="s2-1", execution="z"),
    ]
    books = fold([*HELD[:4], *short, WHOLE])
    line = books.portfolio.lines[S2, ABC]
    assert (line.quantity, line.average_price, line.realised_pnl, line.fees) == (D(8), D("100.25"), D(20), D("0.07"))


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3"]),
        st.sampled_from([ABC, XYZ]),
        st.integers(-20, 20).filter(bool),
        st.integers(1, 9999),
    )
    | st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["s1", "s2", "s3"]), st.sampled_from([ABC, None])),
    max_size=30,
)


@given(MOVES)
def test_whatever_is_handed_over_the_account_is_worth_what_it_was(moves: list[tuple[object, ...]]) -> None:
    books = fold([account_opened()])
    books.portfolio.marks.update({ABC: 50.0, XYZ: 20.0})
    for number, move in enumerate(moves):
        match move:
            case str(name), str(symbol), int(quantity), int(cents):
                side = Side.BUY if quantity > 0 else Side.SELL
                wanted = order(str(number), side, str(abs(quantity)), symbol=Symbol(symbol), strategy=S1)
                books.apply(OrderIntended(order=msgspec.structs.replace(wanted, strategy_id=name)))
                price = str(D(cents) / 100)
                books.apply(filled(str(abs(quantity)), price, order_id=str(number), execution=str(number), fee="0.01"))
            case str(source), str(target), (str() | None) as symbol if source != target:
                before = books.portfolio
                worth, net, cash = before.equity(), dict(before.net), before.cash
                transfer = StrategyTransferred(source=source, target=target, symbol=symbol, operator="x")  # type: ignore[arg-type]
                books.apply(transfer)
                assert (books.portfolio.equity(), books.portfolio.net, books.portfolio.cash) == (worth, net, cash)
                assert not has_anything(books, transfer.source, transfer.symbol)
        books.portfolio.check()


@pytest.mark.parametrize("entry", [WHOLE, IN_ABC])
def test_a_transfer_from_a_strategy_that_never_was_changes_nothing(entry: StrategyTransferred) -> None:
    held: list[JournalEntry] = [
        account_opened(),
        PositionAdjusted(strategy_id=S2, symbol=ABC, quantity=D(1), price=D(1), cause="x"),
    ]
    assert encoded(fold([*held, entry])) == encoded(fold(held))
    assert fold(held).orders.get(ClientOrderId("s1-1")) is None
