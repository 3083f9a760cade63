"""A new journal beside one that still holds something of the same account."""

from pathlib import Path

import pytest
from tests.core.making import D, account_opened, filled, order
from tests.journal.story import Written, story
from tradingd.assembly.adapters import require_no_other_journal
from tradingd.core.entries import OrderIntended
from tradingd.core.orders import Side
from tradingd.errors import UsageError
from tradingd.journal.neighbours import held_elsewhere

ACCOUNT = account_opened()
OURS = (ACCOUNT.broker, ACCOUNT.account_id)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The folder of a new journal, whose account another one beside it has traded."""
    former = Written(tmp_path / "former" / "journal")
    former.append(*story())
    former.writer.close()
    return tmp_path / "new" / "journal"


def test_what_the_other_one_holds_is_said_with_the_way_back(new: Path) -> None:
    with pytest.raises(UsageError, match=r"former/journal: s1 holds 20 ABC at 100.25 \(set daemon.state_dir back"):
        require_no_other_journal(new, *OURS)


def test_one_of_another_account_or_broker_is_no_obstacle(new: Path) -> None:
    assert held_elsewhere(new, ACCOUNT.broker, "another") is None
    assert held_elsewhere(new, "another", ACCOUNT.account_id) is None


def test_one_that_holds_nothing_any_more_is_no_obstacle(new: Path) -> None:
    former = Written(new.parents[1] / "former" / "journal")
    former.append(OrderIntended(order=order("s1-9", Side.SELL, "20")), filled("20", order_id="s1-9", execution="z"))
    former.writer.close()
    assert former.books.portfolio.quantity(order().symbol) == D(0)
    assert held_elsewhere(new, *OURS) is None


def test_its_own_and_one_that_cannot_be_read_are_no_obstacle(new: Path) -> None:
    former = new.parents[1] / "former" / "journal"
    assert held_elsewhere(former, *OURS) is None
    next(former.glob("*.jsonl")).write_text("nonsense\n" * 3)
    assert held_elsewhere(new, *OURS) is None
