"""What a halt or a command is about."""

import pytest
from tradingd.core.books import Books
from tradingd.core.entries import (
    HaltReleased,
    OperatorCommand,
    ScopeHalted,
    ScopeReleased,
    StrategyQuarantined,
    SymbolHalted,
)
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.scopes import ACCOUNT, Scope

A, B = StrategyId("a"), StrategyId("b")
X, Y = Symbol("X"), Symbol("Y")


@pytest.mark.parametrize(
    ("scope", "name", "covered"),
    [
        (ACCOUNT, "the account", {(A, X), (A, Y), (B, X)}),
        (Scope(strategy_id=A), "strategy a", {(A, X), (A, Y)}),
        (Scope(symbol=X), "X", {(A, X), (B, X)}),
        (Scope(A, X), "X of strategy a", {(A, X)}),
    ],
)
def test_it_covers_what_it_names(scope: Scope, name: str, covered: set[tuple[StrategyId, Symbol]]) -> None:
    assert str(scope) == name
    assert {key for key in ((A, X), (A, Y), (B, X)) if scope.covers(*key)} == covered


def halted(scope: Scope) -> ScopeHalted:
    return ScopeHalted(strategy_id=scope.strategy_id, symbol=scope.symbol, reason="odd", operator="me")


def released(scope: Scope) -> ScopeReleased:
    return ScopeReleased(strategy_id=scope.strategy_id, symbol=scope.symbol, operator="me")


def test_a_release_lifts_exactly_what_it_names() -> None:
    books = Books()
    scopes = [Scope(A), Scope(symbol=X), Scope(A, X)]
    for scope in scopes:
        books.apply(halted(scope))
    books.apply(SymbolHalted(symbol=X, reason="split"))
    books.apply(SymbolHalted(symbol=Y, reason="split"))
    for strategy in (A, B):
        books.apply(StrategyQuarantined(strategy_id=strategy, reason="raised"))
    books.apply(released(Scope(A, X)))
    assert list(books.halted_scopes) == scopes[:2]
    assert (set(books.halted_symbols), set(books.quarantined)) == ({X, Y}, {A, B})
    books.apply(released(Scope(symbol=X)))
    assert (list(books.halted_scopes), set(books.halted_symbols)) == (scopes[:1], {Y})
    books.apply(released(Scope(A)))
    assert (books.halted_scopes, set(books.quarantined)) == ({}, {B})


def test_a_release_of_the_account_lifts_everything() -> None:
    books = Books()
    books.apply(halted(Scope(A, X)))
    books.apply(HaltReleased(operator="me"))
    assert books.halted_scopes == {}


def test_a_snapshot_remembers_it_and_a_command_changes_nothing() -> None:
    books = Books()
    books.apply(halted(Scope(A, X)))
    before = books.snapshot()
    books.apply(OperatorCommand(command="flatten", operator="me", reason="home"))
    assert books.snapshot() == before
    again = Books()
    again.apply(before)
    assert again.halted_scopes == books.halted_scopes
