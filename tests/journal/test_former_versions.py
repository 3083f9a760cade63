"""A journal that a former version wrote opens, proves and goes on.

It holds a bracket that is armed, a TWAP half-way, a resting order, two strategies opposed in a symbol, one of them
quarantined, saved state, a denial, a clean end, and a second run that was halted and then killed.
"""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from tradingd.core.books import Books
from tradingd.core.entries import RunEnd, RunStarted
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.plans.records import Single, TwapEntry
from tradingd.journal.history import read_history
from tradingd.journal.segments import load
from tradingd.journal.verify import verify
from tradingd.journal.writer import Durability, JournalWriter

D = Decimal
FORMER = Path(__file__).parent / "of_a_former_version"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FORMER, tmp_path / "journal"))


def check(books: Books) -> None:
    one, two, abc, xyz = StrategyId("one"), StrategyId("two"), Symbol("ABC"), Symbol("XYZ")
    held = {key: line.quantity for key, line in books.portfolio.lines.items()}
    assert held == {(one, abc): D(10), (two, abc): D(-3), (one, xyz): D(3)}
    assert books.portfolio.cash == D("99142.0")
    assert [type(state.plan.method) for state in books.plans.values()] == [Single, TwapEntry]
    assert sorted(state.order.leg for state in books.orders.open) == ["", "stop"]
    assert books.halt is not None and (books.halt.reason, books.halt.operator) == ("a look", "anna")
    assert (list(books.halted_symbols), list(books.quarantined)) == ([xyz], [two])
    assert books.strategy_states[one].state == {"seen": 3}


def test_it_folds_to_the_same_books(folder: Path) -> None:
    books, tail = load(folder)
    assert tail.bad is None
    check(books)
    books.portfolio.check()


def test_every_line_of_it_proves(folder: Path) -> None:
    assert verify(folder).damage == ()


def test_it_goes_on_and_its_next_segment_opens_with_all_of_it(folder: Path) -> None:
    books, tail = load(folder)
    writer = JournalWriter(folder, tail, durability=Durability.PROCESS, take_snapshot=books.snapshot)
    started = RunStarted(run=books.run + 1, version="later", config_hash="", previous=RunEnd.KILLED)
    writer.append(tail.ts + 86_400 * NS_PER_SECOND, started)
    books.apply(started)
    writer.close()
    again, _ = load(folder)
    assert len(list(folder.glob("*.jsonl"))) == 2
    assert again.run == books.run
    check(again)


def test_its_trades_can_be_asked_for(folder: Path) -> None:
    trades = read_history(folder, 0, 1 << 62).trades
    assert [(str(trade.strategy_id), trade.symbol, trade.side.sign * trade.quantity) for trade in trades] == [
        ("one", "ABC", D(10)),
        ("two", "ABC", D(-3)),
        ("one", "XYZ", D(3)),
    ]
