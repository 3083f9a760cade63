"""Execution cases: what a venue will not take is refused once, with a reason, and leaves no trace."""

from decimal import Decimal

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, CancelRefused, Order, OrderAccepted, OrderRejected, OrderType, OrderUnknown
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.cases_connect import NOWHERE
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.REFUSE)

_TOO_MANY = 10_000_000


async def refused(bench: Bench, order: Order) -> OrderRejected:
    """Send an order and see it refused, once, with a code and a reason."""
    bench.submit(order)
    rejected = await bench.expect(OrderRejected, order)
    check(bool(rejected.code), "the refusal has no code")
    check(bool(rejected.reason), "the refusal has no reason")
    await bench.settle()
    same([type(report) for report in bench.reports(order)], [OrderRejected], "the reports of a refused order")
    same(await bench.working(), [], "the orders that work")
    return rejected


@case("E78", "a price off the tick is refused", C.TICK_RULES)
async def price_off_the_tick(bench: Bench) -> None:
    await refused(bench, bench.order(limit=bench.prices.far_below + bench.prices.tick / 10))


@case("E79", "a quantity of zero is refused")
async def quantity_of_zero(bench: Bench) -> None:
    await refused(bench, bench.order(quantity=ZERO, limit=bench.prices.far_below))


@case("E80", "a symbol that the venue does not know is refused", C.SYMBOL_DIRECTORY)
async def unknown_symbol(bench: Bench) -> None:
    await refused(bench, bench.stray(NOWHERE))


@case("E81", "an order for more than the account can pay is refused", C.BUYING_POWER)
async def too_large(bench: Bench) -> None:
    await refused(bench, bench.order(lots=_TOO_MANY, limit=bench.prices.far_below))


@case("E82", "a limit order without a limit is refused")
async def limit_without_a_price(bench: Bench) -> None:
    await refused(bench, bench.order(order_type=OrderType.LIMIT))


@case("E83", "the same client order id sent twice never makes two orders")
async def same_id_twice(bench: Bench) -> None:
    bench.tolerant = True
    order = bench.resting()
    first = await bench.place(order)
    before = len(bench.reports(order))
    bench.submit(order)
    await bench.until(lambda: len(bench.reports(order)) > before, "the second submit is answered")
    await bench.settle()
    for report in bench.reports(order, OrderAccepted):
        same(report.venue_order_id, first.venue_order_id, "the venue's id in an acknowledgement")
    working = await bench.working()
    same([item.venue_order_id for item in working], [first.venue_order_id], "the orders that work")


@case("E84", "the id of an order that has filled is not used again", C.OPEN_MARKET)
async def spent_id_twice(bench: Bench) -> None:
    bench.tolerant = True
    order = bench.order()
    await bench.fill(order)
    before = len(bench.reports(order))
    bench.submit(order)
    await bench.until(lambda: len(bench.reports(order)) > before, "the second submit is answered")
    await bench.settle()
    last = bench.reports(order)[-1]
    check(isinstance(last, OrderRejected | OrderUnknown), f"the second submit is answered by {last}")
    same(await bench.position(), bench.prices.lot, "the position")
    same(bench.state(order).status, OrderStatus.FILLED, "the status")


@case("E85", "a refused order is not found at the venue, and cannot be cancelled")
async def refused_order_leaves_no_trace(bench: Bench) -> None:
    order = bench.order(quantity=ZERO, limit=bench.prices.far_below)
    await refused(bench, order)
    same(await bench.find(order), None, "what is found under its id")
    bench.cancel(order, bench.no_such_id)
    await bench.expect(CancelRefused, order)


@case("E86", "after a refusal the next order is taken as if nothing had been")
async def next_order_is_taken(bench: Bench) -> None:
    await refused(bench, bench.order(order_type=OrderType.LIMIT, quantity=Decimal(1)))
    await bench.place(bench.resting())
