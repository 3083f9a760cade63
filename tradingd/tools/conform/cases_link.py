"""Execution cases: links that break, answers that are lost, other people's orders, and the last gate."""

from decimal import Decimal

from tradingd.core.broker_events import ForeignOrderEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import (
    ZERO,
    CancelUnknown,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    ReplaceUnknown,
)
from tradingd.errors import VenueUnavailable
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.cases_ask import listed
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.LINK)


async def back_again(bench: Bench) -> None:
    """Wait until the stream was lost and is up again."""
    await bench.until(lambda: bench.count(OrderStreamDown) >= 1, "the loss of the stream is reported")
    await bench.until(lambda: bench.count(OrderStreamUp) >= 2, "the stream comes back")


@case("E115", "a lost order stream is reported as down, and as up once it is back", C.FAULTS)
async def lost_stream_comes_back(bench: Bench) -> None:
    await bench.play(kind="stream_cut")
    await back_again(bench)
    kinds = [type(event) for event in bench.events.all if isinstance(event, OrderStreamUp | OrderStreamDown)]
    same(kinds, [OrderStreamUp, OrderStreamDown, OrderStreamUp], "what was reported of the stream")
    await bench.place(bench.resting())


@case("E116", "a fill during a loss of the link is in the snapshot afterwards", C.FAULTS, C.MARKET_CONTROL)
async def fill_during_a_loss(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    await bench.play(kind="link_cut", seconds=0.3)
    await bench.until(lambda: bench.count(OrderStreamDown) >= 1, "the loss of the stream is reported")
    await bench.quote(94.5, 94.9)
    await back_again(bench)
    fills = await listed(bench, order)
    same(sum((fill.quantity for fill in fills), ZERO), order.quantity, "the executions in the snapshot")


@case(
    "E117", "an order sent while the venue cannot be reached is not called taken, and is nowhere afterwards", C.FAULTS
)
async def order_into_a_dead_link(bench: Bench) -> None:
    await bench.play(kind="link_cut", seconds=0.3)
    await bench.until(lambda: bench.count(OrderStreamDown) >= 1, "the loss of the stream is reported")
    order = bench.resting()
    bench.submit(order)
    await bench.until(lambda: bool(bench.reports(order)), "something is said of the order")
    check(not bench.reports(order, OrderAccepted), "it was acknowledged without a link")
    await back_again(bench)
    found = await bench.find(order)
    if bench.reports(order, OrderRejected):
        same(found, None, "what the venue has of an order that is reported as refused")


@case("E118", "a submit whose answer is lost is unknown or acknowledged, and never refused", C.FAULTS)
async def lost_answer_to_a_submit(bench: Bench) -> None:
    for kind in ("answer_lost", "answer_cut", "answer_garbage", "answer_empty"):
        await bench.play(kind=kind, on="submit")
        order = bench.resting()
        bench.submit(order)
        await bench.expect(OrderAccepted, order)
        same(bench.reports(order, OrderRejected), [], f"the refusals after {kind}")
        found = await bench.find(order)
        same(found and found.venue_order_id, bench.venue_id(order), f"the venue's id after {kind}")


@case("E119", "a submit that never arrived is unknown, and the venue says that it has no such order", C.FAULTS)
async def lost_submit(bench: Bench) -> None:
    await bench.play(kind="request_lost", on="submit")
    order = bench.resting()
    bench.submit(order)
    await bench.expect(OrderUnknown, order)
    same(await bench.find(order), None, "what the venue has")


@case("E120", "a server error to a submit is unknown, and a refusal for the rate is a refusal", C.FAULTS)
async def errors_to_a_submit(bench: Bench) -> None:
    await bench.play(kind="answer_status", on="submit", status=503)
    doubtful = bench.resting()
    bench.submit(doubtful)
    await bench.expect(OrderUnknown, doubtful)
    same(bench.reports(doubtful, OrderRejected), [], "the refusals after a 503")
    await bench.play(kind="answer_status", on="submit", status=429)
    limited = bench.resting()
    bench.submit(limited)
    await bench.expect(OrderRejected, limited)
    same(await bench.working(), [], "the orders that work")


@case("E121", "a cancel whose answer is lost is unknown until the order's own end is told", C.FAULTS)
async def lost_answer_to_a_cancel(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.play(kind="answer_lost", on="cancel")
    bench.cancel(order)
    await bench.reach(order, OrderStatus.CANCELED)
    later = bench.resting()
    await bench.place(later)
    await bench.play(kind="answer_status", on="cancel", status=503)
    bench.cancel(later)
    await bench.expect(CancelUnknown, later)
    same(bench.state(later).is_terminal, False, "whether an order in doubt has ended")


@case("E122", "a change whose answer is lost is told once the venue shows what became of it", C.FAULTS, C.REPLACE_PRICE)
async def lost_answer_to_a_change(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    price = bench.prices.far_below + bench.prices.tick
    await bench.play(kind="answer_lost", on="replace")
    bench.modify(order, limit_price=price)
    await bench.until(lambda: bench.state(order).terms.limit_price == price, "the change is told")
    await bench.play(kind="answer_status", on="replace", status=503)
    bench.modify(order, limit_price=price + bench.prices.tick)
    await bench.expect(ReplaceUnknown, order, 1 + len(bench.reports(order, ReplaceUnknown)))


@case("E123", "an execution that comes twice is booked once", C.FAULTS, C.OPEN_MARKET)
async def doubled_execution(bench: Bench) -> None:
    await bench.play(kind="frame_twice", event="execution")
    order = bench.order()
    await bench.fill(order)
    await bench.settle()
    same(bench.state(order).filled_quantity, order.quantity, "what was booked")
    same(len(bench.fills(order)), 1, "the number of executions")


@case("E124", "an execution whose message is lost is in the snapshot", C.FAULTS, C.OPEN_MARKET)
async def lost_execution(bench: Bench) -> None:
    await bench.play(kind="frame_lost", event="execution")
    order = bench.order()
    await bench.place(order)
    await bench.settle()
    fills = await listed(bench, order)
    same(sum((fill.quantity for fill in fills), ZERO), order.quantity, "the executions in the snapshot")


@case("E125", "a message that cannot be read is reported as a problem, and the stream goes on", C.FAULTS, C.OPEN_MARKET)
async def unreadable_message(bench: Bench) -> None:
    await bench.play(kind="frame_garbage", event="execution")
    order = bench.order()
    await bench.place(order)
    await bench.problems.until(
        lambda: bool(bench.problems.all), bench.harness.patience_s, lambda: "the message was passed over in silence"
    )
    await bench.settle()
    fills = await listed(bench, order)
    same(sum((fill.quantity for fill in fills), ZERO), order.quantity, "the executions in the snapshot")


@case(
    "E126",
    "a question that the venue fails to answer is an error or is asked again, and never half an answer",
    C.FAULTS,
)
async def failed_question(bench: Bench) -> None:
    orders = [bench.resting() for _ in range(2)]
    for order in orders:
        await bench.place(order)
    await bench.play(kind="answer_status", on="orders", status=503)
    check(await counted(bench) in (None, len(orders)), "part of the orders was given, after an error")
    await bench.play(kind="answer_cut", on="orders")
    count = await counted(bench)
    check(count in (None, len(orders)), f"{count} orders were given, after half an answer")
    if count is None and bench.count(OrderStreamDown):
        await back_again(bench)
    same(len(await bench.working()), len(orders), "the number of orders that work")


async def counted(bench: Bench) -> int | None:
    """Count the orders that work; None when the question ends in an error."""
    try:
        return len(await bench.working())
    except VenueUnavailable:
        return None


@case("E127", "an order of somebody else is reported as foreign, and not as one of ours", C.FOREIGN)
async def foreign_order_is_told(bench: Bench) -> None:
    other = await bench.other_hand()
    order = other.resting()
    await other.place(order)
    await bench.until(lambda: bench.count(ForeignOrderEvent) >= 1, "somebody else's order is reported")
    events = [event for event in bench.events.all if isinstance(event, ForeignOrderEvent)]
    same({event.order.client_order_id for event in events}, {order.client_order_id}, "the foreign orders")
    same(events[0].order.symbol, order.symbol, "its symbol")
    same(bench.anomalies, [], "reports that fit no order")
    found = {item.client_order_id for item in await bench.adapter.open_orders()}
    check(order.client_order_id in found, "the foreign order is not among the open orders")


@case("E128", "a fill of somebody else is in the snapshot, and moves the position", C.FOREIGN, C.OPEN_MARKET)
async def foreign_fill_is_listed(bench: Bench) -> None:
    other = await bench.other_hand()
    order = other.order()
    await other.fill(order)
    await bench.until(lambda: bench.count(ForeignOrderEvent) >= 1, "somebody else's order is reported")
    snapshot = await bench.snapshot(bench.opened_ns)
    ids = set(other.state(order).venue_order_ids)
    quantity = sum((fill.quantity for fill in snapshot.fills if fill.venue_order_id in ids), ZERO)
    same(quantity, order.quantity, "the foreign executions in the snapshot")
    same(await bench.position(), order.quantity, "the position")
    same(bench.count(OrderFilled), 0, "the fills that were reported as ours")


@case("E129", "while the gate is closed no order leaves, and each is refused with the gate's reason", C.LATCH)
async def closed_gate(bench: Bench) -> None:
    bench.kill_switch.close("conform", "closed by the case")
    order = bench.resting()
    bench.submit(order)
    rejected = await bench.expect(OrderRejected, order)
    check("closed by the case" in rejected.reason, f"the reason is {rejected.reason}")
    same(await bench.find(order), None, "what the venue has")
    bench.kill_switch.open("conform")
    await bench.place(bench.resting())


@case("E130", "a closed gate lets cancels through", C.LATCH)
async def closed_gate_lets_cancels_through(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    bench.kill_switch.close("conform", "closed by the case")
    await bench.cancelled(order)
    bench.kill_switch.open("conform")


@case("E131", "after close a command is answered as not sent or unknown, and never as taken", C.RESTART, C.LATCH)
async def command_after_close(bench: Bench) -> None:
    adapter = bench.adapter
    await bench.leave()
    order = bench.stray_from(adapter)
    adapter.submit(order)
    await bench.until(lambda: bool(bench.reports(order)), "something is said of the order")
    for report in bench.reports(order):
        if not isinstance(report, OrderRejected | OrderUnknown):
            raise Failed(f"{type(report).__name__} is said of an order that was sent after close")
    await bench.come_back()
    same(await bench.find(order), None, "what the venue has")
