"""Execution cases: cancels of what works, of what is done, and of what never was."""

from decimal import Decimal

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, CancelRefused, OrderCanceled, Side
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.CANCEL)

S = OrderStatus


@case("E50", "a working order is cancelled, and the report names the venue's order")
async def working_order_is_cancelled(bench: Bench) -> None:
    order = bench.resting()
    accepted = await bench.place(order)
    cancelled = await bench.cancelled(order)
    same(cancelled.venue_order_id, accepted.venue_order_id, "the venue's id in the cancel")
    check(cancelled.filled_quantity in (None, ZERO), f"the cancel says that {cancelled.filled_quantity} had filled")
    same(await bench.working(), [], "the orders that work")


@case("E51", "the cancel of an order that the venue does not know is refused, with a reason")
async def unknown_order_is_not_cancelled(bench: Bench) -> None:
    order = bench.resting()
    bench.cancel(order, bench.no_such_id)
    refused = await bench.expect(CancelRefused, order)
    check(bool(refused.reason), "the refusal gives no reason")
    same(bench.reports(order, OrderCanceled), [], "the cancels")


@case("E52", "the cancel of a filled order is refused, and the order stays filled", C.OPEN_MARKET)
async def filled_order_is_not_cancelled(bench: Bench) -> None:
    order = bench.order()
    await bench.fill(order)
    bench.cancel(order)
    await bench.expect(CancelRefused, order)
    same(bench.state(order).status, S.FILLED, "the status")
    same(bench.reports(order, OrderCanceled), [], "the cancels")


@case("E53", "an order that is cancelled twice at once ends once")
async def two_cancels_end_it_once(bench: Bench) -> None:
    bench.expects_problems = True
    order = bench.resting()
    await bench.place(order)
    bench.cancel(order)
    bench.cancel(order)
    await bench.expect(OrderCanceled, order)
    await bench.settle()
    same(len(bench.reports(order, OrderCanceled)), 1, "the number of cancels")
    same(bench.state(order).status, S.CANCELED, "the status")


@case("E54", "the cancel of a cancelled order is refused")
async def cancelled_order_is_not_cancelled(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.cancelled(order)
    bench.cancel(order)
    await bench.expect(CancelRefused, order)
    same(bench.state(order).status, S.CANCELED, "the status")


@case("E55", "a cancel after a partial fill leaves what had filled", C.MARKET_CONTROL, C.PARTIAL_FILLS)
async def partial_fill_stays(bench: Bench) -> None:
    order = bench.order(lots=10, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=4)
    bench.submit(order)
    await bench.filled_lots(order, 4)
    cancelled = await bench.cancelled(order)
    check(
        cancelled.filled_quantity in (None, bench.prices.lot * 4),
        f"the cancel says that {cancelled.filled_quantity} had filled",
    )
    same(await bench.position() / bench.prices.lot, Decimal(4), "the position, in lots")
    found = await bench.find(order)
    same(found and found.status, VenueOrderStatus.CANCELED, "the status at the venue")


@case("E56", "a cancel that races a fill ends the order once, and the position is what was reported", C.MARKET_CONTROL)
async def cancel_races_a_fill(bench: Bench) -> None:
    bench.expects_problems = True
    orders = [bench.order(limit=Decimal(95)) for _ in range(3)]
    for order in orders:
        await bench.place(order)
    for number, order in enumerate(orders):
        if number == 1:
            await bench.quote(94.5, 94.9)
        bench.cancel(order)
    await bench.until(lambda: all(bench.state(order).is_terminal for order in orders), "every order ends")
    await bench.quote(99.5, 100.5)
    await bench.settle()
    same(bench.state(orders[0]).is_terminal, True, "the end of the first")
    reported = sum((bench.state(order).filled_quantity for order in orders), ZERO)
    same(await bench.position(), reported, "the position against the executions that were reported")


@case("E57", "a cancel of which a part fills just before is told with the fill", C.FAULTS, C.PARTIAL_FILLS)
async def fill_before_the_cancel_is_told(bench: Bench) -> None:
    order = bench.resting(lots=10)
    await bench.place(order)
    await bench.play(kind="fill_race", before="cancel", fills="part")
    cancelled = await bench.cancelled(order)
    await bench.settle()
    filled = bench.state(order).filled_quantity
    check(filled > 0, "the fill was not reported")
    check(cancelled.filled_quantity in (None, filled), f"the cancel tells of {cancelled.filled_quantity}, not {filled}")
    same(await bench.position(), filled, "the position")


@case("E58", "a cancel of an order that fills whole just before is refused", C.FAULTS)
async def fill_beats_the_cancel(bench: Bench) -> None:
    order = bench.resting(lots=2)
    await bench.place(order)
    await bench.play(kind="fill_race", before="cancel", fills="all")
    bench.cancel(order)
    await bench.filled(order)
    await bench.expect(CancelRefused, order)
    same(bench.reports(order, OrderCanceled), [], "the cancels")


@case("E59", "cancelling one order leaves the others")
async def others_stay(bench: Bench) -> None:
    first, second = bench.resting(), bench.resting()
    await bench.place(first)
    await bench.place(second)
    await bench.cancelled(first)
    same([order.client_order_id for order in await bench.working()], [second.client_order_id], "the orders that work")
    same(bench.state(second).status, S.ACCEPTED, "the other's status")


@case("E60", "an order to sell what is held is cancelled, and what is held stays", C.OPEN_MARKET)
async def exit_is_cancelled(bench: Bench) -> None:
    await bench.fill(bench.order())
    exit_order = bench.resting(Side.SELL)
    await bench.place(exit_order)
    await bench.cancelled(exit_order)
    same(await bench.position(), bench.prices.lot, "the position")
