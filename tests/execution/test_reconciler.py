"""When the venue is asked, and which of its answers are believed."""

from tests.core.making import (
    D,
    account_opened,
    filled,
    order,
    venue_snapshot,
)
from tradingd.core.books import Books
from tradingd.core.entries import CashAdjusted, JournalEntry, OrderIntended, RunEnd, RunStarted
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.reconcile import EVERYTHING
from tradingd.execution.reconciler import SINCE_MARGIN_NS, Reconciler

SECOND = NS_PER_SECOND


def reconciler_of(*entries: JournalEntry) -> tuple[Books, Reconciler]:
    books = Books()
    for entry in (account_opened(), *entries):
        books.apply(entry)
    return books, Reconciler(books, scope=EVERYTHING)


def test_a_difference_is_believed_when_two_undisturbed_snapshots_show_the_same() -> None:
    _, reconciler = reconciler_of()
    short = venue_snapshot(cash="99990")
    first = reconciler.judge(short, now_ns=1, undisturbed=True)
    assert (first.adjustments, first.ask_again) == ((), True)
    second = reconciler.judge(short, now_ns=2, undisturbed=True)
    assert [item.amount for item in second.adjustments if isinstance(item, CashAdjusted)] == [D(-10)]
    assert not second.ask_again


def test_a_difference_beside_a_fill_or_that_changes_is_not_believed() -> None:
    _, reconciler = reconciler_of()
    assert reconciler.judge(venue_snapshot(cash="99990"), now_ns=1, undisturbed=True).ask_again
    assert reconciler.judge(venue_snapshot(cash="99990"), now_ns=2, undisturbed=False).adjustments == ()
    assert reconciler.judge(venue_snapshot(cash="99980"), now_ns=3, undisturbed=True).adjustments == ()
    assert reconciler.judge(venue_snapshot(cash="99980"), now_ns=4, undisturbed=True).adjustments


def test_a_difference_that_went_away_has_to_be_shown_twice_again() -> None:
    _, reconciler = reconciler_of()
    for cash in ("99990", "100000", "99990"):
        assert reconciler.judge(venue_snapshot(cash=cash), now_ns=1, undisturbed=True).adjustments == ()


def test_not_found_counts_for_one_comparison_only() -> None:
    _, reconciler = reconciler_of(OrderIntended(order=order()))
    unknown = {ClientOrderId("s1-1")}
    first = reconciler.judge(venue_snapshot(), now_ns=1, undisturbed=True, not_found=unknown)
    assert len(first.plan.reports) == 1
    assert reconciler.judge(venue_snapshot(), now_ns=2, undisturbed=True).plan.reports == ()


def test_the_venue_is_asked_from_before_the_oldest_thing_in_doubt() -> None:
    now = 1_000 * SECOND
    _, empty = reconciler_of()
    assert empty.since_ns(now, now) == now - SINCE_MARGIN_NS
    late = filled("1", ts=500 * SECOND)
    _, with_fill = reconciler_of(OrderIntended(order=order(quantity="1")), late)
    assert with_fill.since_ns(now, now) == 500 * SECOND - SINCE_MARGIN_NS
    _, with_order = reconciler_of(OrderIntended(order=order()), filled("1", ts=500 * SECOND))
    assert with_order.since_ns(now, now) == 0
    empty.found(300 * SECOND)
    empty.found(400 * SECOND)
    assert empty.since_ns(now, now) == 300 * SECOND - SINCE_MARGIN_NS


def test_after_a_loss_of_entries_the_venue_is_asked_from_the_last_good_one_until_the_books_agree() -> None:
    now = 1_000 * SECOND
    start = RunStarted(run=2, version="", config_hash="", previous=RunEnd.QUARANTINED, recovered_from_ts=400 * SECOND)
    _, reconciler = reconciler_of(start)
    assert reconciler.since_ns(now, now) == 400 * SECOND - SINCE_MARGIN_NS
    reconciler.judge(venue_snapshot(cash="99990"), now_ns=1, undisturbed=True)
    assert reconciler.since_ns(now, now) == 400 * SECOND - SINCE_MARGIN_NS, "not yet"
    reconciler.judge(venue_snapshot(), now_ns=2, undisturbed=True)
    assert reconciler.since_ns(now, now) == now - SINCE_MARGIN_NS
