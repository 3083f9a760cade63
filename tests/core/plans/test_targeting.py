"""A target is reached over orders that could still fill, and never passed."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import ABC, S1, S2, XYZ, D, order
from tests.core.plans.bench import Bench
from tradingd.core.identifiers import PlanId
from tradingd.core.order_state import OrderState, OrderStatus, intend
from tradingd.core.orders import Order, OrderTerms, OrderType, Side
from tradingd.core.plans.records import ExistingPosition, Plan, PlanState, Single, TargetPosition
from tradingd.core.plans.targeting import approach, entering, peers_of, pursued, still_to_leave

BUY, SELL = Side.BUY, Side.SELL
S = OrderStatus


def working(
    side: Side, quantity: str, *, limit: str | None = None, stop: str | None = None, leg: str = ""
) -> OrderState:
    made: Order = order("w", side, quantity, limit=limit, stop=stop)
    return msgspec.structs.replace(intend(msgspec.structs.replace(made, leg=leg)), status=S.ACCEPTED)


CASES: dict[str, tuple[str, str, Sequence[OrderState], str, int, bool]] = {
    # target, held, what works -> quantity to send, orders to cancel, whether it waits
    "flat to long": ("10", "0", [], "10", 0, False),
    "long to flat": ("0", "10", [], "-10", 0, False),
    "there already": ("10", "10", [], "0", 0, False),
    "across zero, the first half": ("-5", "10", [], "-10", 0, False),
    "a resting entry is cancelled before a sale": ("0", "10", [working(BUY, "10", limit="97")], "0", 1, True),
    "a resting entry is cancelled before a purchase": ("10", "0", [working(BUY, "10", limit="97")], "0", 1, True),
    "a resting entry is cancelled at the target too": ("10", "10", [working(BUY, "1", limit="97")], "0", 1, True),
    "a resting exit would carry a sale too far": ("4", "10", [working(SELL, "5", limit="120")], "0", 1, True),
    "a resting exit stays where the position grows": ("20", "10", [working(SELL, "10", stop="90")], "10", 0, False),
    "a resting exit stays where nothing changes": ("10", "10", [working(SELL, "10", stop="90")], "0", 0, False),
    "a market order on the way is counted": ("10", "0", [working(BUY, "10")], "0", 0, False),
    "a market order on part of the way is counted": ("10", "0", [working(BUY, "4")], "6", 0, False),
    "a market order that goes too far is cancelled": ("3", "0", [working(BUY, "10")], "0", 1, True),
    "a market order the other way is cancelled": ("0", "10", [working(BUY, "5")], "0", 1, True),
    "an exit of a plan makes room by itself": ("4", "10", [working(SELL, "10", stop="90", leg="stop")], "0", 0, True),
    "an exit of a plan has made room": ("4", "10", [working(SELL, "4", stop="90", leg="stop")], "-6", 0, False),
    "what two exits sold too much is bought back first": ("10", "0", [working(BUY, "2", leg="back")], "0", 0, True),
    "a short is bought back": ("0", "-10", [working(SELL, "5", limit="120")], "0", 1, True),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
def test_the_next_stretch_counts_only_what_can_still_fill(
    case: tuple[str, str, Sequence[OrderState], str, int, bool], *, mirrored: bool
) -> None:
    goal, held, peers, quantity, cancelled, waits = case
    sign = -1 if mirrored else 1
    if mirrored:
        peers = [
            msgspec.structs.replace(state, order=msgspec.structs.replace(state.order, side=state.order.side.opposite))
            for state in peers
        ]
    look = approach(D(goal) * sign, D(held) * sign, peers)
    assert (look.quantity, len(look.obstacles), look.waits) == (D(quantity) * sign, cancelled, waits)


sizes = st.integers(1, 20).map(Decimal)
orders = st.builds(
    lambda side, size, resting: working(side, str(size), limit="97" if resting else None),
    st.sampled_from(Side),
    sizes,
    st.booleans(),
)


@given(st.integers(-20, 20).map(Decimal), st.integers(-20, 20).map(Decimal), st.lists(orders, max_size=4))
def test_whatever_of_it_fills_the_target_is_never_passed(goal: Decimal, held: Decimal, peers: list[OrderState]) -> None:
    look = approach(goal, held, peers)
    if look.waits:
        assert not look.quantity
        return
    stretch = Decimal(0) if held * goal < 0 else goal
    same = [state.open_quantity * state.order.side.sign for state in peers if state.order.side.sign * look.missing > 0]
    if look.missing:
        assert abs(look.quantity + sum(same)) == abs(look.missing) or not look.quantity
        reached = held + look.quantity + sum(same)
        assert (reached - stretch) * look.missing <= 0


def target(goal: str, held: str) -> Bench:
    side = BUY if D(goal) > D(held) else SELL
    return Bench(TargetPosition(goal=D(goal)), side=side, quantity=str(abs(D(goal) - D(held))), held=held).go()


def test_it_goes_to_zero_before_it_goes_beyond() -> None:
    bench = target("-5", "10")
    assert bench.accept("part1").fill("part1", "4").story == {"part1": S.ACCEPTED}
    bench.fill("part1", "6").accept("part2").fill("part2", "5")
    assert (bench.held, bench.ended is not None) == (D(-5), True)


def test_it_is_given_up_when_its_order_comes_to_nothing() -> None:
    bench = target("10", "0").reject("part1")
    assert bench.ended is not None
    assert bench.ended.reason == "given up at 0, target 10: its order ended rejected"


def test_an_order_in_doubt_is_waited_for() -> None:
    bench = target("0", "10").doubt("part1")
    assert (bench.ended, list(bench.orders)) == (None, ["part1"])


def test_what_is_below_the_venues_step_is_left() -> None:
    bench = target("0", "0.4")
    assert bench.ended is not None
    assert bench.ended.reason == "0.4 held, target 0"


def test_the_accounts_zero_is_not_crossed_by_one_order_either() -> None:
    bench = Bench(TargetPosition(goal=D(10)), quantity="10", held="0", account="-4").go()
    assert bench.orders["part1"].quantity == 4
    bench.accept("part1").fill("part1", "4").accept("part2").fill("part2", "6")
    assert (bench.held, bench.account, bench.ended is not None) == (D(10), D(6), True)


def test_what_others_do_meanwhile_is_made_up_for_so_often_and_no_oftener() -> None:
    bench = target("10", "0")
    for part in range(1, 9):
        bench.accept(f"part{part}")
        bench.held -= 1
        bench.fill(f"part{part}", str(bench.orders[f"part{part}"].quantity))
    assert bench.ended is not None and bench.ended.alarm
    assert "it keeps moving away" in bench.ended.reason


def test_exits_of_plans_leave_alone_what_the_target_will_take() -> None:
    assert still_to_leave(D(4), D(10), []) == 6
    assert still_to_leave(D(-4), D(10), []) == 10
    assert still_to_leave(D(4), D(10), [working(SELL, "5")]) == 1
    assert still_to_leave(D(20), D(10), []) == 0


def test_plans_and_orders_are_told_apart_by_strategy_and_symbol() -> None:
    def state(name: str, method: Single | ExistingPosition | TargetPosition, *, over: bool = False) -> PlanState:
        plan = Plan(
            plan_id=PlanId(name), strategy_id=S1, symbol=ABC, side=BUY, quantity=D(1), method=method,
            trace_id=order().trace_id, ts_started=0,
        )  # fmt: skip
        return PlanState(plan=plan, entry_over=over)

    market = Single(terms=OrderTerms(order_type=OrderType.MARKET))
    plans = {
        PlanId("a"): state("a", market, over=True),
        PlanId("b"): state("b", market),
        PlanId("c"): state("c", ExistingPosition()),
        PlanId("d"): state("d", TargetPosition(goal=D(3))),
    }
    assert [one.plan.plan_id for one in entering(plans, S1, ABC)] == ["b"]
    found = pursued(plans, S1, ABC)
    assert found is not None and found.plan.plan_id == "d"
    assert pursued(plans, S2, ABC) is None and pursued(plans, S1, XYZ) is None
    mine = working(BUY, "1")
    theirs = msgspec.structs.replace(mine, order=order("t", strategy=S2))
    assert peers_of([mine, theirs], S1, ABC) == (mine,)
    assert peers_of([mine], S1, ABC, besides=mine.order.plan_id) == ()
