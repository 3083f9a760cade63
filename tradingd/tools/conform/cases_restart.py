"""Execution cases: the program ends and comes back; the account went on meanwhile."""

from decimal import Decimal

from tradingd.core.executions import execution_names
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, OrderAccepted, OrderFilled, OrderReplaced, OrderUnknown
from tradingd.core.venue_view import VenueOrderStatus
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.cases_ask import listed
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.RESTART)


@case("E104", "closing leaves working orders where they are", C.RESTART)
async def orders_stay(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.restart()
    same([item.client_order_id for item in await bench.working()], [order.client_order_id], "the orders that work")
    same(bench.state(order).status, OrderStatus.ACCEPTED, "the status by the reports")


@case("E105", "an order of a former run is found, adopted and cancelled under our id", C.RESTART)
async def former_order_is_cancelled(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.restart()
    found = await bench.find(order)
    same(found and found.venue_order_id, bench.venue_id(order), "the venue's id of the order")
    await bench.cancelled(order)
    same(await bench.working(), [], "the orders that work")


@case("E106", "an order of a former run is changed under our id", C.RESTART, C.REPLACE_PRICE)
async def former_order_is_changed(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.restart()
    price = bench.prices.far_below + bench.prices.tick
    bench.modify(order, limit_price=price)
    same((await bench.expect(OrderReplaced, order)).limit_price, price, "the limit that is reported")


@case("E107", "an order of a former run fills as ours", C.RESTART, C.MARKET_CONTROL)
async def former_order_fills(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    await bench.restart()
    await bench.quote(94.5, 94.9)
    await bench.filled(order)


@case("E108", "a changed order of a former run fills as ours", C.RESTART, C.MARKET_CONTROL, C.REPLACE_PRICE)
async def former_changed_order_fills(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    bench.modify(order, limit_price=Decimal(96))
    await bench.expect(OrderReplaced, order)
    await bench.restart()
    await bench.quote(94.5, 94.9)
    await bench.filled(order)
    same(len(bench.reports(order, OrderReplaced)), 1, "the number of replaces")


@case(
    "E109",
    "a fill while nobody listened is in the snapshot afterwards, and is not told as new",
    C.RESTART,
    C.MARKET_CONTROL,
)
async def missed_fill_is_listed(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    await bench.leave()
    await bench.quote(94.5, 94.9)
    await bench.quote(99.5, 100.5)
    await bench.come_back()
    fills = await listed(bench, order)
    same(sum((fill.quantity for fill in fills), ZERO), order.quantity, "the executions in the snapshot")
    found = await bench.find(order)
    same(found and found.status, VenueOrderStatus.FILLED, "the status at the venue")
    same(await bench.working(), [], "the orders that work")
    same(await bench.position(), order.quantity, "the position")


@case(
    "E110", "of a fill before and one after a leave each is listed once", C.RESTART, C.MARKET_CONTROL, C.PARTIAL_FILLS
)
async def fills_around_a_leave(bench: Bench) -> None:
    order = bench.order(lots=10, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=4)
    bench.submit(order)
    await bench.filled_lots(order, 4)
    heard = {name for fill in bench.fills(order) for name in execution_names(fill)}
    await bench.leave()
    await bench.quote(99.5, 100.5, lots=6)
    await bench.come_back()
    fills = await listed(bench, order)
    same([fill.quantity / bench.prices.lot for fill in fills], [4, 6], "the executions, in lots")
    again = {str(fills[0].execution_id), f"{fills[0].venue_order_id}@{fills[0].cum_quantity or 0:f}"} & heard
    check(bool(again), f"the first execution is listed as {fills[0].execution_id}, which the stream did not call it")


@case(
    "E111",
    "an order that ended while nobody listened is found as ended",
    C.RESTART,
    C.DAY,
    C.MARKET_CONTROL,
    C.CLOCK_CONTROL,
)
async def missed_end_is_found(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.market.advance(1)
    await bench.leave()
    await bench.market.advance(20 * 3600)
    await bench.come_back()
    found = await bench.find(order)
    # Some venues call the end of the day a cancel, and some forget the order with the day.
    ends = (None, VenueOrderStatus.EXPIRED, VenueOrderStatus.CANCELED)
    check((found and found.status) in ends, f"the status at the venue is {found and found.status}")
    same(await bench.working(), [], "the orders that work")


@case("E112", "an order sent just before the end is at the venue or is not; the venue says which", C.RESTART)
async def order_under_way_at_the_end(bench: Bench) -> None:
    order = bench.resting()
    bench.submit(order)
    await bench.leave()
    if not bench.reports(order, OrderAccepted):
        check(bool(bench.reports(order, OrderUnknown)), "nothing was said of an order that was under way")
    await bench.come_back()
    found = await bench.find(order)
    at_work = [item.client_order_id for item in await bench.working()]
    same(at_work, [] if found is None else [order.client_order_id], "the orders that work")


@case("E113", "positions and cash are the same to the next run", C.RESTART, C.OPEN_MARKET)
async def position_stays(bench: Bench) -> None:
    order = bench.order()
    await bench.fill(order)
    cash = (await bench.snapshot(bench.opened_ns)).account.cash
    await bench.restart()
    after = await bench.snapshot(bench.opened_ns)
    same(await bench.position(), bench.prices.lot, "the position")
    same(after.account.cash, cash, "the cash")
    same(len(bench.reports(order, OrderFilled)), len(bench.fills(order)), "the reports of the executions")


@case("E114", "several runs in a row leave one order one order", C.RESTART)
async def many_runs(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    for _ in range(3):
        await bench.restart()
    working = await bench.working()
    if len(working) != 1:
        raise Failed(f"{len(working)} orders work")
    same(working[0].venue_order_id, bench.venue_id(order), "the venue's id")
    await bench.cancelled(order)
