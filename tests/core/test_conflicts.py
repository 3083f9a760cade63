"""Where a configuration contradicts what is held: found after an edit, and never without one."""

import msgspec
import pytest
from tests.core.making import ABC, PLAN, S1, S2, XYZ, D, accepted, account_opened, filled, order
from tradingd.core.books import Books
from tradingd.core.conflicts import (
    GROSS,
    LEVERAGE,
    SHORT,
    ConfigurationFacts,
    Conflict,
    ConflictKind,
    LimitFact,
    StrategyFacts,
    acceptance,
    find_conflicts,
    find_refusals,
    transfers_due,
)
from tradingd.core.entries import JournalEntry, OrderIntended, PositionAdjusted, RunEnd, RunStarted
from tradingd.core.identifiers import EXTERNAL, StrategyId, Symbol
from tradingd.core.orders import Side
from tradingd.core.plans.records import PlanStarted

NEW = StrategyId("new")
ONE = StrategyFacts(strategy_id=S1, class_path="a:A", symbols=(ABC, XYZ))


def facts(*strategies: StrategyFacts, limits: tuple[LimitFact, ...] = (), **changes: object) -> ConfigurationFacts:
    made = ConfigurationFacts(
        strategies=strategies, fed=frozenset({ABC, XYZ}), limits=limits, broker="sim", account_kind="paper"
    )
    return msgspec.structs.replace(made, **changes)


BEFORE = facts(ONE)


def books(*entries: JournalEntry, before: ConfigurationFacts | None = BEFORE) -> Books:
    """Books after a run with a configuration; by default it holds 10 ABC of s1, bought at 100."""
    made = Books()
    made.apply(msgspec.structs.replace(account_opened(), broker="sim", account_kind="paper"))
    declared = None if before is None else before.declaration
    made.apply(RunStarted(run=1, version="0", config_hash="c", previous=RunEnd.NONE, declared=declared))
    for entry in entries or (OrderIntended(order=order()), accepted(), filled("10")):
        made.apply(entry)
    return made


def kinds(found: tuple[Conflict, ...]) -> list[ConflictKind]:
    return [one.kind for one in found]


def test_the_file_of_the_run_before_is_no_conflict() -> None:
    assert find_conflicts(BEFORE, books()) == ()


def test_a_strategy_that_is_gone_says_what_it_holds_and_every_way_out() -> None:
    [conflict] = find_conflicts(facts(StrategyFacts(strategy_id=NEW, class_path="a:A", symbols=(ABC,))), books())
    assert conflict.kind is ConflictKind.STRATEGY_GONE
    assert conflict.message == '"s1" is not in the file, and holds 10 ABC at 100.00'
    ways = "\n".join(conflict.ways_out)
    assert 'formerly = "s1" into the table of "new"' in ways
    assert "tradingd transfer s1 OTHER" in ways
    assert "retired = true" in ways
    assert conflict.place == ("strategies", 0, "id")
    assert not conflict.acceptable


@pytest.mark.parametrize(
    ("entries", "held"),
    [
        ([OrderIntended(order=order(limit="90"))], "has 1 working order (BUY 10 ABC LIMIT)"),
        ([PlanStarted(plan=PLAN)], "has 1 plan (s1-5 on ABC)"),
    ],
)
def test_orders_and_plans_without_a_position_are_not_left_alone_either(entries: list[JournalEntry], held: str) -> None:
    [conflict] = find_conflicts(facts(), books(*entries))
    assert held in conflict.message


def test_a_strategy_that_holds_nothing_may_go() -> None:
    flat = books(
        OrderIntended(order=order()),
        filled("10"),
        OrderIntended(order=order("s1-2", Side.SELL)),
        filled("10", "101", order_id="s1-2", execution="e2"),
    )
    assert find_conflicts(facts(), flat) == ()


def test_what_came_from_outside_is_nobodys_and_no_conflict() -> None:
    adopted = PositionAdjusted(strategy_id=EXTERNAL, symbol=Symbol("NEW"), quantity=D(5), price=D(10), cause="x")
    assert find_conflicts(BEFORE, books(adopted)) == ()


def test_formerly_hands_over_once_and_is_no_conflict_at_any_start() -> None:
    heir = facts(StrategyFacts(strategy_id=NEW, class_path="a:A", symbols=(ABC,), formerly=S1))
    held = books()
    assert find_conflicts(heir, held) == ()
    [transfer] = transfers_due(heir, held)
    held.apply(transfer)
    assert transfers_due(heir, held) == ()
    assert find_conflicts(heir, held) == ()


def test_a_strategy_that_takes_another_one_over_must_have_its_symbols() -> None:
    two = StrategyFacts(strategy_id=S2, class_path="b:B", symbols=(XYZ,))
    held = books(before=facts(ONE, two))
    heir = facts(msgspec.structs.replace(two, formerly=S1))
    assert kinds(find_conflicts(heir, held)) == [ConflictKind.SYMBOL_LOST]
    assert find_conflicts(facts(msgspec.structs.replace(two, formerly=S1, symbols=(XYZ, ABC))), held) == ()


def test_a_new_name_and_a_new_class_at_once_is_a_new_class() -> None:
    heir = facts(StrategyFacts(strategy_id=NEW, class_path="b:B", symbols=(ABC,), formerly=S1))
    assert kinds(find_conflicts(heir, books())) == [ConflictKind.CLASS_CHANGED]


def test_another_class_is_refused_until_it_is_accepted_and_then_never_again() -> None:
    other = facts(msgspec.structs.replace(ONE, class_path="b:B"))
    held = books()
    [conflict] = find_refusals(other, held, accept=False)
    assert conflict.kind is ConflictKind.CLASS_CHANGED
    assert "was of class a:A and holds 10 ABC at 100.00; b:B would go on with it" in conflict.message
    assert find_refusals(other, held, accept=True) == ()
    entry = acceptance(other, held, "ann")
    assert entry is not None
    assert entry.accepted == (conflict.message,)
    held.apply(entry)
    assert find_refusals(other, held, accept=False) == ()
    assert acceptance(other, held, "ann") is None


def test_a_symbol_that_was_taken_out_while_it_is_held_is_refused() -> None:
    fewer = facts(msgspec.structs.replace(ONE, symbols=(XYZ,)))
    [conflict] = find_refusals(fewer, books(), accept=True)
    assert conflict.kind is ConflictKind.SYMBOL_LOST
    assert '"s1" no longer has ABC, and holds 10 ABC at 100.00' in conflict.message
    assert any("tradingd close --strategy s1 --symbol ABC" in method for method in conflict.ways_out)
    assert any("tradingd transfer s1 OTHER ABC" in method for method in conflict.ways_out)


def test_a_symbol_that_was_given_to_another_strategy_names_that_one() -> None:
    moved = facts(msgspec.structs.replace(ONE, symbols=(XYZ,)), StrategyFacts(strategy_id=S2, symbols=(ABC,)))
    [conflict] = find_conflicts(moved, books())
    assert "hand it over: tradingd transfer s1 s2 ABC" in conflict.ways_out


def test_a_symbol_that_a_strategy_never_listed_was_not_lost() -> None:
    """Strategies may trade each other's symbols: a restart with the same file must not be refused for it."""
    same = facts(msgspec.structs.replace(ONE, symbols=(XYZ,)), StrategyFacts(strategy_id=S2, symbols=(ABC,)))
    assert find_conflicts(same, books(before=same)) == ()


def test_a_retired_strategy_keeps_what_it_holds_whatever_class_and_symbols_it_has() -> None:
    assert find_conflicts(facts(StrategyFacts(strategy_id=S1, retired=True)), books()) == ()


def test_a_held_symbol_without_a_feed_is_refused_until_it_is_accepted() -> None:
    blind = facts(StrategyFacts(strategy_id=S1, retired=True), fed=frozenset({XYZ}))
    held = books()
    [conflict] = find_refusals(blind, held, accept=False)
    assert conflict.kind is ConflictKind.NO_FEED
    assert conflict.message.startswith('no feed delivers ABC, and "s1" holds 10 ABC')
    entry = acceptance(blind, held, "ann")
    assert entry is not None
    held.apply(entry)
    assert find_refusals(blind, held, accept=False) == ()


def limit(key: str, value: str, **scope: object) -> LimitFact:
    made = LimitFact(key=key, limit=D(value), place=("risk", key.rpartition(".")[2]))
    return msgspec.structs.replace(made, **scope)


POSITION = "risk.max_position_value"
OF_S1 = "strategies.s1.max_position_quantity"


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (
            [limit(GROSS, "5000")],
            limit(GROSS, "900"),
            "900 (it was 5000) is below what is held: gross exposure 1,000.00",
        ),
        ([limit(LEVERAGE, "2")], limit(LEVERAGE, "0.001"), "below what is held: leverage"),
        ([limit(POSITION, "5000")], limit(POSITION, "900"), "is below what is held: ABC worth 1,000.00"),
        ([], limit(OF_S1, "9", strategy_id=S1), "9 (it was no limit) is below what is held: units of ABC 10.00"),
        ([], limit("risk.symbols.ABC.max_position_value", "9", symbol=ABC), "9 (it was no limit) is below"),
    ],
)
def test_a_limit_that_is_lowered_below_what_is_held_is_refused(
    before: list[LimitFact], now: LimitFact, said: str
) -> None:
    held = books(before=facts(ONE, limits=tuple(before)))
    [conflict] = find_refusals(facts(ONE, limits=(now,)), held, accept=False)
    assert conflict.kind is ConflictKind.LIMIT_LOWERED
    assert said in conflict.message
    assert find_refusals(facts(ONE, limits=(now,)), held, accept=True) == ()


def test_a_limit_of_another_symbol_or_strategy_is_not_held_against_this_one() -> None:
    others = (limit("x.max_position_value", "9", symbol=XYZ), limit("y.max_position_value", "9", strategy_id=S2))
    assert find_conflicts(facts(ONE, limits=others), books()) == ()


def test_a_limit_that_the_market_broke_is_no_reason_to_refuse_a_restart() -> None:
    same = facts(ONE, limits=(limit(POSITION, "1050"),))
    held = books(before=same)
    held.portfolio.mark(ABC, 120.0)
    assert find_conflicts(same, held) == ()


def test_shorts_that_are_held_when_they_are_no_longer_allowed_are_refused() -> None:
    short = books(OrderIntended(order=order(side=Side.SELL)), filled("10"))
    [conflict] = find_refusals(facts(ONE, limits=(limit(SHORT, "0"),)), short, accept=False)
    assert conflict.message == "shorts are no longer allowed, and 10 ABC are held short"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"broker": "other"}, 'the journal is of an account at "sim", the file names "other"'),
        ({"account_kind": "live"}, "the journal is of a paper account, the file names a live one"),
        ({"account_id": "U999"}, "the file names U999"),
    ],
)
def test_another_account_is_refused_before_anything_else_and_cannot_be_accepted(
    changes: dict[str, str], said: str
) -> None:
    [conflict] = find_refusals(msgspec.structs.replace(facts(), **changes), books(), accept=True)
    assert said in conflict.message


def test_a_journal_of_an_earlier_version_knows_neither_classes_nor_limits_and_still_names_orphans() -> None:
    old = books(before=None)
    lower = (limit(GROSS, "1"),)
    assert find_conflicts(facts(msgspec.structs.replace(ONE, class_path="b:B"), limits=lower), old) == ()
    assert kinds(find_conflicts(facts(), old)) == [ConflictKind.STRATEGY_GONE]
