"""Execution cases: the reports themselves, one order and many."""

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderAccepted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected, OrderReplaced
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.REPORT)

_BURST = 20
_ENDS = (OrderCanceled, OrderExpired, OrderRejected)


@case("E87", "every report carries our id of the order, and the venue's")
async def reports_carry_both_ids(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.cancelled(order)
    for event in bench.reports(order):
        if isinstance(event, OrderAccepted | OrderCanceled | OrderReplaced | OrderFilled):
            check(bool(event.venue_order_id), f"{type(event).__name__} does not name the venue's order")
    same(bench.anomalies, [], "reports that fit no order")


@case("E88", "the reports of an order come in the order of its life, and so do their times")
async def reports_are_in_order(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.cancelled(order)
    kinds = [type(report) for report in bench.reports(order)]
    same((kinds[0], OrderCanceled in kinds), (OrderAccepted, True), "the reports of an order that was cancelled")
    accepted, cancelled = bench.reports(order, OrderAccepted)[0], bench.reports(order, OrderCanceled)[0]
    check(accepted.ts_event <= cancelled.ts_event, "the cancel is stamped before the acknowledgement")
    received = [report.ts_recv for report in bench.reports(order)]
    same(received, sorted(received), "the times of reception")


@case("E89", "an order ends once, and nothing is reported of it after that")
async def nothing_after_the_end(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.cancelled(order)
    count = len(bench.reports(order))
    await bench.settle()
    same(bench.reports(order)[count:], [], "what was reported after the end")
    same(sum(isinstance(report, _ENDS) for report in bench.reports(order)), 1, "the number of ends")


@case("E90", "a filled order is not also reported as ended in another way", C.OPEN_MARKET)
async def a_fill_is_the_end(bench: Bench) -> None:
    order = bench.order()
    await bench.fill(order)
    await bench.settle()
    same([type(report) for report in bench.reports(order) if isinstance(report, _ENDS)], [], "other ends")
    same(len(bench.reports(order, OrderFilled)), len(bench.fills(order)), "each execution reported once")


@case("E91", "of two orders sent at once each is told its own story")
async def two_orders_at_once(bench: Bench) -> None:
    first, second = bench.resting(), bench.resting(lots=2)
    bench.submit(first)
    bench.submit(second)
    for order in (first, second):
        await bench.expect(OrderAccepted, order)
    check(bench.venue_id(first) != bench.venue_id(second), "both have one venue id")
    by_id = {item.client_order_id: item.quantity for item in await bench.working()}
    expected = {order.client_order_id: order.quantity for order in (first, second)}
    same(by_id, expected, "the quantities at the venue")


@case("E92", "a burst of orders is acknowledged, each one, and every one can be taken back")
async def burst_is_acknowledged(bench: Bench) -> None:
    orders = [bench.resting() for _ in range(_BURST)]
    for order in orders:
        bench.submit(order)
    for order in orders:
        await bench.expect(OrderAccepted, order)
    same(len({bench.venue_id(order) for order in orders}), _BURST, "the number of venue ids")
    same(len(await bench.working()), _BURST, "the number of orders that work")
    for order in orders:
        bench.cancel(order)
    for order in orders:
        await bench.reach(order, OrderStatus.CANCELED)
    same(await bench.working(), [], "the orders that work in the end")


@case("E93", "orders for several symbols are told apart", C.MULTI_SYMBOL)
async def symbols_are_told_apart(bench: Bench) -> None:
    orders = []
    for symbol in bench.harness.symbols[:3]:
        prices = await bench.prices_of(symbol)
        tif = bench.lifetime_of(symbol)
        orders.append(bench.order(symbol=symbol, quantity=prices.lot, limit=prices.far_below, tif=tif))
    for order in orders:
        await bench.place(order)
    found = {item.client_order_id: item.symbol for item in await bench.working()}
    same(found, {order.client_order_id: order.symbol for order in orders}, "the symbols at the venue")
