"""The books as a fold, and the snapshot that may stand for its beginning."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import (
    ABC,
    PLAN,
    S1,
    S2,
    V1,
    V2,
    D,
    accepted,
    account_opened,
    cancel_requested,
    canceled,
    denied,
    encoded,
    filled,
    fold,
    order,
    rejected,
    replace_requested,
    replaced,
    reread,
    unknown,
)
from tradingd.core.books import DAYS_KEPT, track_equity
from tradingd.core.entries import (
    CashAdjusted,
    EquitySampled,
    EquityTrack,
    HaltEngaged,
    HaltReleased,
    JournalEntry,
    OrderAdopted,
    OrderIntended,
    PositionAdjusted,
    RunEnd,
    RunStarted,
    RunStopped,
    StrategyQuarantined,
    StrategyStateSaved,
    order_named_by,
)
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, PlanId, Symbol
from tradingd.core.market import DAY_NS
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderTerms, Side
from tradingd.core.plans.records import PlanEnded, PlanMoved, PlanStarted, TwapEntry
from tradingd.errors import InvariantBroken


def equity(ts: int, value: str, **marks: float) -> EquitySampled:
    return EquitySampled(
        ts=ts,
        equity=D(value),
        cash=D(value),
        gross=D(0),
        net=D(0),
        marks={Symbol(symbol): price for symbol, price in marks.items()},
    )


SLICES = TwapEntry(terms=OrderTerms(), duration_ns=10, slices=2, slice_quantity=D(5), sends_rest=True)

STORY: list[JournalEntry] = [
    RunStarted(run=1, version="0", config_hash="c", previous=RunEnd.NONE),
    account_opened(),
    OrderIntended(order=order("s1-1")),
    accepted("s1-1"),
    filled("4", "100.125", execution="a", cum="4", fee="0.07"),
    OrderIntended(order=order("s2-2", Side.SELL, "3", limit="101", strategy=S2)),
    unknown("s2-2"),
    denied("s1-3"),
    replace_requested("20", order_id="s1-1"),
    replaced("20", order_id="s1-1"),
    filled("16", "100.25", execution="b", cum="20", venue_id=V2),
    StrategyStateSaved(strategy_id=S1, state={"turns": 1, "armed": True, "note": None, "level": 1.5}),
    OrderAdopted(order=order("theirs", quantity="8", strategy=EXTERNAL), venue_order_id=V1, already_filled=D(2)),
    PositionAdjusted(strategy_id=EXTERNAL, symbol=ABC, quantity=D(2), price=D(99), cause="x"),
    CashAdjusted(amount=D("-198.005"), cause="x"),
    equity(1, "100000", ABC=101.5),
    HaltEngaged(reason="drawdown", operator="risk_manager"),
    StrategyQuarantined(strategy_id=S2, reason="ValueError: x"),
    RunStopped(run=1, reason="stop"),
    RunStarted(run=2, version="0", config_hash="c", previous=RunEnd.CLEAN),
    equity(DAY_NS + 1, "99000.5", ABC=99.0),
    accepted("s2-2", V2),
    cancel_requested("s2-2"),
    canceled("s2-2"),
    HaltReleased(operator="cli"),
    OrderIntended(order=order("s1-4", Side.SELL, "1", stop="90")),
    rejected("s1-4"),
    PlanStarted(plan=PLAN),
    PlanMoved(plan_id=PLAN.plan_id, stop_mark=D("104.5"), stop_watched=True),
    PlanEnded(plan_id=PLAN.plan_id, reason="10 closed"),
    PlanStarted(plan=msgspec.structs.replace(PLAN, plan_id=PlanId("s1-6"), method=SLICES, guard=None)),
]


def test_the_fold_holds_what_happened() -> None:
    books = fold(STORY)
    assert (books.run, books.run_ended, books.halt, books.quarantined) == (2, False, None, {})
    first = books.orders.get(ClientOrderId("s1-1"))
    assert first is not None
    assert (first.status, first.filled_quantity) == (OrderStatus.FILLED, D(20))
    assert [state.client_order_id for state in books.orders.open] == ["theirs"]
    assert books.orders.open_count == 1
    assert len(books.orders) == 4
    assert ClientOrderId("s1-3") not in books.orders
    assert books.portfolio.quantity(ABC) == D(22)
    assert books.portfolio.marks == {"ABC": 99.0}
    assert books.strategy_states[S1].state == {"turns": 1, "armed": True, "note": None, "level": 1.5}
    assert books.last_fill_ts == 3_000
    books.portfolio.check()


def test_apply_returns_the_trade_that_an_entry_makes() -> None:
    books = fold(STORY[:4])
    trade = books.apply(STORY[4])
    assert trade is not None
    assert (trade.quantity, trade.fee, trade.strategy_id) == (D(4), D("0.07"), S1)
    assert books.apply(STORY[4]) is None


def test_a_report_about_an_order_that_was_never_intended_breaks_the_books() -> None:
    with pytest.raises(InvariantBroken, match="s1-1"):
        fold([account_opened(), accepted("s1-1")])


def test_a_halt_and_quarantines_last_until_they_are_released() -> None:
    halted = fold(STORY[:18])
    assert halted.halt is not None
    assert list(halted.quarantined) == [S2]


@pytest.mark.parametrize("cut", range(len(STORY) + 1))
def test_a_snapshot_stands_for_everything_before_it(cut: int) -> None:
    snapshot = reread(fold(STORY[:cut]).snapshot())
    resumed = fold([snapshot, *STORY[cut:]])
    whole = fold(STORY)
    assert encoded(resumed) == encoded(whole)
    assert resumed.portfolio.net == whole.portfolio.net
    assert resumed.portfolio.marks == whole.portfolio.marks
    assert resumed.portfolio.reserved_value() == whole.portfolio.reserved_value()
    assert [state.client_order_id for state in resumed.orders.open] == [
        state.client_order_id for state in whole.orders.open
    ]


@given(st.lists(st.sampled_from(STORY[3:]), max_size=40), st.data())
def test_a_snapshot_stands_for_any_beginning(entries: list[JournalEntry], data: st.DataObject) -> None:
    known = {"s1-1", "s2-2", "theirs", "s1-4"}
    intents: list[JournalEntry] = [entry for entry in STORY if isinstance(entry, OrderIntended | OrderAdopted)]
    story = [account_opened(), *intents, *entries]
    assert {order_named_by(entry) for entry in story if isinstance(entry, OrderIntended)} <= known
    cut = data.draw(st.integers(0, len(story)))
    assert encoded(fold([reread(fold(story[:cut]).snapshot()), *story[cut:]])) == encoded(fold(story))


def test_pruning_forgets_orders_that_ended_before_and_no_others() -> None:
    books = fold(STORY)
    books.orders.prune(3_500)
    kept = {state.client_order_id for state in books.orders}
    assert kept == {"theirs", "s2-2", "s1-4"}
    assert books.orders.by_venue_id(V2) is None or books.orders.by_venue_id(V2) in list(books.orders)
    books.orders.prune(10**18)
    assert [state.client_order_id for state in books.orders] == ["theirs"]
    assert books.orders.open_count == 1


def test_the_orders_of_a_plan_that_is_pursued_are_never_forgotten() -> None:
    part = msgspec.structs.replace(order("s1-7"), plan_id=PLAN.plan_id, leg="entry")
    books = fold([account_opened(), PlanStarted(plan=PLAN), OrderIntended(order=part), rejected("s1-7")])
    books.orders.prune(10**18, books.plans)
    assert [state.order.leg for state in books.orders.of_plan(PLAN.plan_id)] == ["entry"]
    books.apply(PlanEnded(plan_id=PLAN.plan_id, reason="over"))
    books.orders.prune(10**18, books.plans)
    assert (len(books.orders), books.orders.of_plan(PLAN.plan_id)) == (0, ())


def test_a_day_opens_at_the_last_equity_of_the_day_before() -> None:
    track = EquityTrack()
    for ts, value in ((0, "100"), (DAY_NS - 1, "90"), (DAY_NS, "95"), (DAY_NS + 5, "80"), (3 * DAY_NS, "85")):
        track = track_equity(track, equity(ts, value))
    assert (track.peak, track.day_open, track.last) == (D(100), D(80), D(85))
    assert track.daily == (D(90), D(80))


def test_a_year_of_days_is_kept() -> None:
    track = EquityTrack()
    for day in range(400):
        track = track_equity(track, equity(day * DAY_NS, str(day)))
    assert len(track.daily) == DAYS_KEPT
    assert track.daily[-1] == D(398)
