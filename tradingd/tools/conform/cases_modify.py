"""Execution cases: new terms for working orders."""

from decimal import Decimal

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, Order, OrderCanceled, OrderReplaced, ReplaceRefused, Side
from tradingd.core.venue_view import VenueOrder
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.MODIFY)

S = OrderStatus


async def replaced(bench: Bench, order: Order, count: int = 1) -> OrderReplaced:
    """Wait for the n-th replace of an order, and see the venue say the same."""
    report = await bench.expect(OrderReplaced, order, count)
    found = await there(bench, order)
    same(found.venue_order_id, bench.venue_id(order), "the venue's id of the order")
    same(found.quantity, report.quantity, "the quantity there")
    if report.limit_price is not None:
        same(found.terms.limit_price, report.limit_price, "the limit there")
    same(bench.state(order).status, S.ACCEPTED, "the status after the replace")
    return report


async def there(bench: Bench, order: Order) -> VenueOrder:
    """The order as the venue has it."""
    found = await bench.find(order)
    if found is None:
        raise Failed(f"{order.client_order_id} is not found")
    return found


@case("E61", "a limit price is moved up", C.REPLACE_PRICE)
async def limit_moves_up(bench: Bench) -> None:
    order = bench.resting()
    accepted = await bench.place(order)
    price = bench.prices.far_below + bench.prices.tick
    bench.modify(order, limit_price=price)
    report = await replaced(bench, order)
    same(report.limit_price, price, "the limit that is reported")
    same(report.replaces, accepted.venue_order_id, "the venue's id that is replaced")
    same(report.quantity, order.quantity, "the quantity that is reported")


@case("E62", "a limit price is moved down", C.REPLACE_PRICE)
async def limit_moves_down(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    price = bench.prices.far_below - bench.prices.tick
    bench.modify(order, limit_price=price)
    same((await replaced(bench, order)).limit_price, price, "the limit that is reported")


@case("E63", "a quantity is raised, by the order's new total", C.REPLACE_QUANTITY)
async def quantity_rises(bench: Bench) -> None:
    order = bench.resting(lots=2)
    await bench.place(order)
    bench.modify(order, lots=3)
    report = await replaced(bench, order)
    same(report.quantity / bench.prices.lot, Decimal(3), "the quantity that is reported, in lots")
    same(report.limit_price, order.terms.limit_price, "the limit, which was not to change")


@case("E64", "a quantity is lowered, by the order's new total", C.REPLACE_QUANTITY)
async def quantity_falls(bench: Bench) -> None:
    order = bench.resting(lots=3)
    await bench.place(order)
    bench.modify(order, lots=2)
    same((await replaced(bench, order)).quantity / bench.prices.lot, Decimal(2), "the quantity, in lots")


@case("E65", "price and quantity are changed in one", C.REPLACE_PRICE, C.REPLACE_QUANTITY)
async def both_change(bench: Bench) -> None:
    order = bench.resting(lots=2)
    await bench.place(order)
    price = bench.prices.far_below + bench.prices.tick
    bench.modify(order, lots=4, limit_price=price)
    report = await replaced(bench, order)
    same((report.quantity / bench.prices.lot, report.limit_price), (Decimal(4), price), "the new terms")
    await bench.settle()
    same(len(bench.reports(order, OrderReplaced)), 1, "the number of replaces")


@case("E66", "a stop price is moved", C.STOP, C.REPLACE_STOP)
async def stop_moves(bench: Bench) -> None:
    order = bench.order(stop=bench.prices.far_above)
    await bench.place(order)
    price = bench.prices.far_above + bench.prices.tick
    bench.modify(order, stop_price=price)
    same((await replaced(bench, order)).stop_price, price, "the stop that is reported")
    same((await there(bench, order)).terms.stop_price, price, "the stop there")


@case("E67", "the distance of a trailing stop is changed", C.TRAIL_AMOUNT, C.REPLACE_TRAIL)
async def trail_changes(bench: Bench) -> None:
    order = bench.order(trail_amount=Decimal(20))
    await bench.place(order)
    bench.modify(order, trail_amount=Decimal(15))
    await replaced(bench, order)
    same((await there(bench, order)).terms.trail_amount, Decimal(15), "the trail there")


@case("E68", "an order that is changed again and again keeps our id, and links each of the venue's", C.REPLACE_PRICE)
async def chain_keeps_our_id(bench: Bench) -> None:
    order = bench.resting()
    names = [(await bench.place(order)).venue_order_id]
    for number in range(1, 5):
        bench.modify(order, limit_price=bench.prices.far_below + bench.prices.tick * number)
        report = await replaced(bench, order, number)
        same(report.replaces, names[-1], f"the venue's id that change {number} replaces")
        names.append(report.venue_order_id)
    same(len(await bench.working()), 1, "the number of orders that work")
    await bench.cancelled(order)
    await bench.settle()
    same(len(bench.reports(order, OrderCanceled)), 1, "the number of cancels")


@case("E69", "a filled order is not changed", C.REPLACE_PRICE, C.OPEN_MARKET)
async def filled_order_is_not_changed(bench: Bench) -> None:
    order = bench.order(limit=bench.prices.marketable_buy)
    await bench.fill(order)
    bench.modify(order, limit_price=bench.prices.far_below)
    check(bool((await bench.expect(ReplaceRefused, order)).reason), "the refusal gives no reason")
    same(bench.state(order).status, S.FILLED, "the status")


@case("E70", "a cancelled order is not changed", C.REPLACE_PRICE)
async def cancelled_order_is_not_changed(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.cancelled(order)
    bench.modify(order, limit_price=bench.prices.far_below + bench.prices.tick)
    await bench.expect(ReplaceRefused, order)
    same(bench.state(order).status, S.CANCELED, "the status")
    same(await bench.working(), [], "the orders that work")


@case(
    "E71",
    "a quantity at or below what has filled is refused, and the order goes on",
    C.REPLACE_QUANTITY,
    C.PARTIAL_FILLS,
    C.MARKET_CONTROL,
)
async def filled_part_is_not_undone(bench: Bench) -> None:
    order = bench.order(lots=10, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=4)
    bench.submit(order)
    await bench.filled_lots(order, 4)
    bench.modify(order, lots=4)
    await bench.expect(ReplaceRefused, order)
    same(bench.state(order).status, S.ACCEPTED, "the status")
    await bench.quote(99.5, 100.5)
    await bench.filled(order)
    same(bench.state(order).filled_quantity, order.quantity, "what filled in the end")


@case("E72", "a partly filled order goes on to its new total", C.REPLACE_QUANTITY, C.PARTIAL_FILLS, C.MARKET_CONTROL)
async def new_total_counts_the_filled_part(bench: Bench) -> None:
    order = bench.order(lots=10, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=4)
    bench.submit(order)
    await bench.filled_lots(order, 4)
    bench.modify(order, lots=6)
    await bench.expect(OrderReplaced, order)
    same(bench.state(order).open_quantity / bench.prices.lot, Decimal(2), "what is left to fill, in lots")
    await bench.quote(99.5, 100.5)
    await bench.filled(order)
    same(await bench.position() / bench.prices.lot, Decimal(6), "the position, in lots")


@case(
    "E73", "an order that is moved into the market fills at its new limit or better", C.REPLACE_PRICE, C.MARKET_CONTROL
)
async def moved_into_the_market(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    bench.modify(order, limit_price=bench.prices.marketable_buy)
    for fill in await bench.filled(order):
        check(fill.price <= bench.prices.marketable_buy, f"bought at {fill.price}, above the new limit")
    same(len(bench.reports(order, OrderReplaced)), 1, "the number of replaces")


@case("E74", "an order that was changed is cancelled under its new venue id", C.REPLACE_PRICE)
async def changed_order_is_cancelled(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    bench.modify(order, limit_price=bench.prices.far_below + bench.prices.tick)
    report = await bench.expect(OrderReplaced, order)
    same((await bench.cancelled(order)).venue_order_id, report.venue_order_id, "the venue's id in the cancel")
    same(await bench.working(), [], "the orders that work")


@case("E75", "a change that is refused leaves the old terms at work", C.REPLACE_PRICE, C.TICK_RULES)
async def refused_change_changes_nothing(bench: Bench) -> None:
    order = bench.resting()
    accepted = await bench.place(order)
    bench.modify(order, limit_price=bench.prices.far_below + bench.prices.tick / 10)
    await bench.expect(ReplaceRefused, order)
    found = await there(bench, order)
    same(found.terms.limit_price, order.terms.limit_price, "the limit there")
    same(found.venue_order_id, accepted.venue_order_id, "the venue's id of the order")
    same(bench.state(order).status, S.ACCEPTED, "the status")


@case(
    "E76",
    "a change that a fill beats is refused, and the order is filled under its old terms",
    C.REPLACE_PRICE,
    C.FAULTS,
)
async def fill_beats_the_change(bench: Bench) -> None:
    order = bench.resting(lots=2)
    await bench.place(order)
    await bench.play(kind="fill_race", before="replace", fills="all")
    bench.modify(order, limit_price=bench.prices.far_below + bench.prices.tick)
    await bench.filled(order)
    await bench.expect(ReplaceRefused, order)
    same(bench.reports(order, OrderReplaced), [], "the replaces")


@case("E77", "an order to sell what is held is changed, and what is held stays", C.REPLACE_PRICE, C.OPEN_MARKET)
async def exit_is_changed(bench: Bench) -> None:
    await bench.fill(bench.order())
    order = bench.resting(Side.SELL)
    await bench.place(order)
    bench.modify(order, limit_price=bench.prices.far_above + bench.prices.tick)
    await replaced(bench, order)
    same(bench.state(order).filled_quantity, ZERO, "what filled")
