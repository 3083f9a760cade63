"""The judge, on hand-made books: what agrees passes, and each way to be wrong has its name."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.core.making import accepted, account_opened, filled, order
from tests.journal.story import Written
from tradingd.core.entries import HaltEngaged, JournalEntry, OrderIntended, RunEnd, RunStarted
from tradingd.core.identifiers import VenueOrderId
from tradingd.core.orders import Side
from tradingd.tools.drills.judge import judge_books, judge_secret
from tradingd.tools.drills.truth import VenueTruth
from tradingd.venue.wire import time_text

LATER = "2026-01-05T12:00:00Z"


def story() -> list[JournalEntry]:
    """Two orders, each acknowledged and filled."""
    entries: list[JournalEntry] = [RunStarted(run=1, version="0", config_hash="c", previous=RunEnd.NONE)]
    entries.append(account_opened())
    for number in (1, 2):
        name, venue_id = f"s1-{number}", VenueOrderId(f"v{number}")
        entries += [
            OrderIntended(order=order(name)),
            accepted(name, venue_id),
            filled("10", "100.25", order_id=name, execution=f"e{number}", cum="10", venue_id=venue_id),
        ]
    return entries


def write(folder: Path, entries: list[JournalEntry]) -> Written:
    written = Written(folder)
    written.append(*entries)
    written.writer.close()
    return written


def agreeing(written: Written) -> VenueTruth:
    """What a venue would say of which these books are the whole truth."""
    books = written.books
    orders: list[dict[str, Any]] = []
    fills: list[dict[str, Any]] = []
    for state in books.orders:
        venue_id = str(state.venue_order_id)
        orders.append(
            {
                "id": venue_id,
                "client_order_id": state.client_order_id,
                "replaces": None,
                "replaced_by": None,
                "status": "filled" if state.is_terminal else "new",
                "submitted_at": LATER,
            }
        )
        if state.filled_quantity:
            quantity = str(state.filled_quantity)
            fills.append({"id": f"x::{venue_id}", "order_id": venue_id, "qty": quantity, "cum_qty": quantity})
    net = {symbol: quantity for symbol, quantity in books.portfolio.net.items() if quantity}
    return VenueTruth(books.portfolio.cash, orders, fills, {str(symbol): quantity for symbol, quantity in net.items()})


def found(venue: VenueTruth, written: Written) -> list[str]:
    return [breach.invariant for breach in judge_books(venue, written.folder)]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return write(tmp_path / "journal", story())


def test_books_that_agree_hold(written: Written) -> None:
    assert found(agreeing(written), written) == []


def test_a_cent_too_many_is_told(written: Written) -> None:
    venue = agreeing(written)
    assert found(VenueTruth(venue.cash + Decimal("0.01"), venue.orders, venue.fills, venue.positions), written) == [
        "I2"
    ]


def test_a_position_that_differs_is_told(written: Written) -> None:
    venue = agreeing(written)
    assert found(VenueTruth(venue.cash, venue.orders, venue.fills, {}), written) == ["I2"]


def test_an_order_that_was_never_intended_is_told_unless_it_is_somebody_elses(written: Written) -> None:
    venue = agreeing(written)
    venue.orders.append(
        {"id": "v9", "client_order_id": "by-hand-1", "replaces": None, "replaced_by": None, "status": "canceled",
         "submitted_at": LATER}
    )  # fmt: skip
    assert found(venue, written) == ["I1"]
    assert judge_books(venue, written.folder, is_foreign=lambda name: name.startswith("by-hand")) == []


def test_an_order_at_the_venue_before_its_intent_is_told(written: Written) -> None:
    venue = agreeing(written)
    venue.orders[0]["submitted_at"] = time_text(0)
    assert found(venue, written) == ["I1"]


def test_two_live_legs_of_one_order_are_told(written: Written) -> None:
    venue = agreeing(written)
    first = venue.orders[0]
    first["status"] = "new"
    venue.orders.append(first | {"id": "v9", "replaces": first["id"], "client_order_id": "of the venue"})
    first["replaced_by"] = "v9"
    assert "I1" in found(venue, written)


def test_a_fill_that_the_journal_lacks_is_told(written: Written) -> None:
    venue = agreeing(written)
    venue.fills.append(venue.fills[0] | {"id": "x::other", "cum_qty": "20"})
    assert found(venue, written) == ["I8", "I8"]


def test_a_fill_that_the_venue_never_made_is_told(written: Written) -> None:
    venue = agreeing(written)
    venue.fills.pop()
    assert found(venue, written) == ["I8"]


def test_an_end_that_the_venue_does_not_know_is_told(written: Written) -> None:
    venue = agreeing(written)
    venue.orders[0]["status"] = "new"
    assert found(venue, written) == ["I5"]


def test_an_order_in_doubt_is_told(tmp_path: Path) -> None:
    written = write(tmp_path / "journal", [*story(), OrderIntended(order=order("s1-9"))])
    venue = agreeing(written)
    venue.orders.pop()
    assert found(venue, written) == ["I7"]


def test_an_order_after_the_halt_is_told_unless_it_only_reduces(tmp_path: Path) -> None:
    halt = HaltEngaged(reason="enough", operator="me")
    more = write(tmp_path / "more", [*story(), halt, OrderIntended(order=order("s1-9"))])
    assert "I9" in found(agreeing(more), more)
    less = write(tmp_path / "less", [*story(), halt, OrderIntended(order=order("s1-9", side=Side.SELL))])
    assert "I9" not in found(agreeing(less), less)


def test_a_journal_that_cannot_be_read_is_a_breach(written: Written) -> None:
    venue = agreeing(written)
    (segment,) = written.folder.glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], *lines[2:]]))
    (breach,) = judge_books(venue, written.folder)
    assert "cannot be read" in breach.what


def test_a_secret_is_found_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "log").write_text("before s3cret after")
    (breach,) = judge_secret("s3cret", [tmp_path / "state"])
    assert breach.invariant == "I15"
    assert "s3cret" not in breach.what
    assert list(judge_secret("other", [tmp_path / "state"])) == []
