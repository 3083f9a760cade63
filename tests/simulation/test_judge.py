"""A judge that finds nothing must be shown to find something: each test commits one crime in a faultless run."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.simulation.faults import Fault
from tests.simulation.link import Link
from tests.simulation.plans import STRATEGIES, draw
from tests.simulation.plans import Plan as RunPlan
from tests.simulation.world import Outcome, World
from tradingd.core.entries import CashAdjusted, HaltEngaged, OrderIntended
from tradingd.core.identifiers import ClientOrderId, ExecutionId, PlanId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import Breach, DenialCode, Order, OrderDenied, OrderFilled, OrderRejected, Side
from tradingd.core.plans.records import Plan, PlanStarted, TargetPosition
from tradingd.journal.segments import segment_paths

Crime = Callable[[World], None]


def faultless() -> RunPlan:
    """A busy run without a fault."""
    plan = draw(4)
    events = tuple(event for event in plan.events if not isinstance(event, Fault))
    return msgspec.structs.replace(plan, events=events, tight=False)


def run_with(crime: Crime | None, folder: Path) -> Outcome:
    world = World(faultless(), folder)
    if crime is not None:
        world.agenda.after(20 * NS_PER_SECOND, "crime", lambda: crime(world))
    return world.run()


def link_of(world: World) -> Link:
    assert world.daemon is not None
    assert world.daemon.link is not None
    return world.daemon.link


def orders_of(world: World, status: OrderStatus) -> list[OrderState]:
    assert world.daemon is not None
    found = [state for state in world.daemon.books.orders if state.status is status]
    assert found, f"the run has no order that is {status} by then"
    return found


def record(world: World, entry: object) -> None:
    assert world.daemon is not None
    world.daemon.logger.record(entry)  # type: ignore[arg-type]  # entries of several kinds


def invented_fill(state: OrderState, execution_id: str) -> OrderFilled:
    venue_order_id = state.venue_order_id
    assert venue_order_id is not None
    return OrderFilled(
        client_order_id=state.client_order_id,
        venue_order_id=venue_order_id,
        execution_id=ExecutionId(execution_id),
        quantity=Decimal(1),
        price=Decimal(50),
        ts_event=1,
        ts_recv=1,
    )


def sends_without_intent(world: World) -> None:
    order = orders_of(world, OrderStatus.FILLED)[0].order
    link_of(world).submit(msgspec.structs.replace(order, client_order_id=ClientOrderId("unheard-of")))


def sends_twice(world: World) -> None:
    link_of(world).submit(orders_of(world, OrderStatus.FILLED)[0].order)


def forgets_a_halt(world: World) -> None:
    record(world, HaltEngaged(reason="journaled, and not heeded", operator="nobody"))


def books_what_never_happened(world: World) -> None:
    assert world.daemon is not None
    world.daemon.modules.broker.handle(invented_fill(orders_of(world, OrderStatus.ACCEPTED)[0], "dreamt"))


def books_twice(world: World) -> None:
    state = orders_of(world, OrderStatus.FILLED)[0]
    fill = next(fill for fill in world.venue.truth.fills if fill.execution_id in state.executions)
    report = msgspec.structs.replace(
        invented_fill(state, fill.execution_id), quantity=fill.quantity, price=fill.price, fee=fill.fee
    )
    record(world, report)


def takes_silence_for_a_refusal(world: World) -> None:
    assert world.daemon is not None
    state = orders_of(world, OrderStatus.ACCEPTED)[0]
    world.daemon.modules.broker.handle(
        OrderRejected(client_order_id=state.client_order_id, code="", reason="no answer", ts_event=1, ts_recv=1)
    )


def changes_books_by_the_journal_alone(world: World) -> None:
    record(world, CashAdjusted(amount=Decimal(7), cause="nobody"))


def rewrites_the_past(world: World) -> None:
    path = segment_paths(world.journal)[-1]
    with path.open("ab") as file:
        file.write(b'{"seq":1}\n')


def trades_for_a_strategy_that_the_file_does_not_name(world: World) -> None:
    world.judge.on_start({}, 30)


def opens_for_a_strategy_that_is_retired(world: World) -> None:
    world.judge.on_start(dict.fromkeys(STRATEGIES, True), 30)


def _sale_of_what_is_held(world: World, quantity: Decimal) -> Order:
    state = orders_of(world, OrderStatus.FILLED)[0]
    held = world.judge.books.portfolio.quantity(state.order.symbol)
    assert held
    return msgspec.structs.replace(
        state.order,
        client_order_id=ClientOrderId("made-up"),
        side=Side.SELL if held > 0 else Side.BUY,
        quantity=quantity,
    )


def denies_a_reduction(world: World) -> None:
    order = _sale_of_what_is_held(world, Decimal("0.001"))
    breach = Breach(code=DenialCode.HALTED, message="trading is halted")
    record(
        world,
        OrderDenied(client_order_id=order.client_order_id, ts_event=1, ts_recv=1, order=order, breaches=(breach,)),
    )


def overshoots_a_target(world: World) -> None:
    order = msgspec.structs.replace(
        _sale_of_what_is_held(world, Decimal(1_000)), plan_id=PlanId("made-up"), leg="part1"
    )
    plan = Plan(
        plan_id=order.plan_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        method=TargetPosition(goal=Decimal(0)),
        trace_id=order.trace_id,
        ts_started=1,
    )
    record(world, PlanStarted(plan=plan))
    record(world, OrderIntended(order=order))
    link_of(world).submit(order)


CRIMES: list[tuple[Crime, set[str]]] = [
    (sends_without_intent, {"I1"}),
    (sends_twice, {"I1"}),
    (forgets_a_halt, {"I9"}),
    (books_what_never_happened, {"I2"}),
    (books_twice, {"I8"}),
    (takes_silence_for_a_refusal, {"I7"}),
    (changes_books_by_the_journal_alone, {"I13", "I3", "liveness"}),
    (rewrites_the_past, {"I10"}),
    (trades_for_a_strategy_that_the_file_does_not_name, {"I16"}),
    (opens_for_a_strategy_that_is_retired, {"I16"}),
    (denies_a_reduction, {"I14"}),
    (overshoots_a_target, {"I15"}),
]


def test_a_faultless_run_is_found_to_be_one(tmp_path: Path) -> None:
    outcome = run_with(None, tmp_path)
    assert outcome.invariant is None, outcome.message
    assert outcome.entries["OrderFilled"] > 20


@pytest.mark.parametrize(("crime", "invariants"), CRIMES, ids=[crime.__name__ for crime, _ in CRIMES])
def test_the_judge_sees(crime: Crime, invariants: set[str], tmp_path: Path) -> None:
    outcome = run_with(crime, tmp_path)
    assert outcome.invariant in invariants, outcome.message
