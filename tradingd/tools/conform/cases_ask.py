"""Execution cases: what the venue says when it is asked."""

from decimal import Decimal

from tradingd.core.executions import execution_names
from tradingd.core.market import MINUTE_NS
from tradingd.core.orders import ZERO, Order, OrderFilled, Side
from tradingd.core.venue_view import VenueFill, VenueOrderStatus
from tradingd.tools.conform.bench import Bench, held
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.ASK)


def names_of(fills: list[OrderFilled]) -> list[set[str]]:
    """The names that each execution goes by, as the stream told them."""
    return [set(execution_names(fill)) for fill in fills]


def listed_names(fill: VenueFill) -> set[str]:
    """The names that an execution goes by, as a query tells them."""
    names = {str(fill.execution_id)}
    if fill.cum_quantity is not None:
        names.add(f"{fill.venue_order_id}@{fill.cum_quantity.normalize():f}")
    return names


async def listed(bench: Bench, order: Order) -> list[VenueFill]:
    """The executions of an order in a snapshot of this case."""
    ids = bench.state(order).venue_order_ids
    return [fill for fill in (await bench.snapshot(bench.opened_ns)).fills if fill.venue_order_id in ids]


@case("E94", "open_orders lists exactly the orders that work, with their terms, oldest first")
async def open_orders_are_exact(bench: Bench) -> None:
    orders = [bench.resting(lots=lots) for lots in (1, 2, 3, 4)]
    for order in orders:
        await bench.place(order)
    await bench.cancelled(orders[1])
    found = await bench.working()
    left = [order for order in orders if order is not orders[1]]
    same([item.client_order_id for item in found], [order.client_order_id for order in left], "the orders that work")
    for item, order in zip(found, left, strict=True):
        same((item.quantity, item.side, item.symbol), (order.quantity, order.side, order.symbol), "an order there")
        same(item.terms.limit_price, order.terms.limit_price, "its limit")
        same(item.status, VenueOrderStatus.WORKING, "its status")


@case("E95", "an order is found by our id while it works, and with what it came to afterwards", C.OPEN_MARKET)
async def orders_are_found(bench: Bench) -> None:
    working, cancelled, filled = bench.resting(), bench.resting(), bench.order()
    await bench.place(working)
    await bench.place(cancelled)
    await bench.cancelled(cancelled)
    await bench.fill(filled)
    expected = (
        (working, VenueOrderStatus.WORKING),
        (cancelled, VenueOrderStatus.CANCELED),
        (filled, VenueOrderStatus.FILLED),
    )
    for order, status in expected:
        found = await bench.find(order)
        if found is None:
            raise Failed(f"{order.client_order_id} is not found")
        same((found.client_order_id, found.status), (order.client_order_id, status), "the order that is found")
        same(found.filled_quantity, bench.state(order).filled_quantity, "its filled quantity")


@case("E96", "an order that was never sent is not found, and that is no error")
async def unsent_order_is_not_found(bench: Bench) -> None:
    same(await bench.find(bench.resting()), None, "what is found")


@case(
    "E97", "the snapshot lists every order of the case, done or at work, with the quantity that filled", C.OPEN_MARKET
)
async def snapshot_lists_orders(bench: Bench) -> None:
    working, cancelled, filled = bench.resting(), bench.resting(), bench.order()
    await bench.place(working)
    await bench.place(cancelled)
    await bench.cancelled(cancelled)
    await bench.fill(filled)
    snapshot = await bench.snapshot(bench.opened_ns - MINUTE_NS)
    found = {item.client_order_id: item for item in snapshot.orders}
    for order in (working, cancelled, filled):
        if order.client_order_id not in found:
            raise Failed(f"{order.client_order_id} is not in the snapshot")
        item = found[order.client_order_id]
        same(item.filled_quantity, bench.state(order).filled_quantity, "its filled quantity")
    same(found[working.client_order_id].status, VenueOrderStatus.WORKING, "the status of the one that works")


@case(
    "E98",
    "the snapshot lists each execution once, under a name that the stream told it by",
    C.MARKET_CONTROL,
    C.PARTIAL_FILLS,
)
async def snapshot_lists_fills_once(bench: Bench) -> None:
    order = bench.order(lots=5, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=2)
    bench.submit(order)
    await bench.filled_lots(order, 2)
    await bench.quote(99.5, 100.5, lots=9)
    heard = names_of(await bench.filled(order))
    fills = await listed(bench, order)
    same(len(fills), len(heard), "the number of executions in the snapshot")
    for fill in fills:
        matches = sum(bool(listed_names(fill) & names) for names in heard)
        same(matches, 1, f"how many executions of the stream {fill.execution_id} is")
    times = [fill.ts_event for fill in fills]
    same(times, sorted(times), "the times of the executions")


@case("E99", "the snapshot's executions have the quantity, the price and the side that were reported", C.OPEN_MARKET)
async def snapshot_fills_agree(bench: Bench) -> None:
    for side in (Side.BUY, Side.SELL):
        order = bench.order(side)
        heard = await bench.fill(order)
        fills = await listed(bench, order)
        same({fill.side for fill in fills}, {side}, "the side")
        same(
            sorted((fill.quantity, fill.price) for fill in fills),
            sorted((fill.quantity, fill.price) for fill in heard),
            "the executions",
        )


@case("E100", "executions from before the asked-for time are left out", C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def snapshot_begins_where_asked(bench: Bench) -> None:
    early = bench.order()
    await bench.fill(early)
    await bench.market.advance(120)
    since = bench.now()
    late = bench.order()
    await bench.fill(late)
    fills = (await bench.snapshot(since)).fills
    same({fill.venue_order_id for fill in fills}, {bench.venue_id(late)}, "the orders of the executions")
    same(await bench.position(), bench.prices.lot * 2, "the position, which counts both")


@case("E101", "the snapshot of a new account is empty, and that is no error", C.FRESH_ACCOUNT)
async def new_account_is_empty(bench: Bench) -> None:
    snapshot = await bench.snapshot(0)
    same((snapshot.orders, snapshot.fills, snapshot.positions), ((), (), ()), "what a new account holds")
    same(await bench.adapter.open_orders(), (), "the open orders of a new account")
    check(snapshot.account.cash > 0, "a new account has no cash")


@case("E102", "position, executions and account of one snapshot agree", C.OPEN_MARKET)
async def snapshot_agrees_with_itself(bench: Bench) -> None:
    await bench.fill(bench.order(lots=2))
    await bench.fill(bench.order(Side.SELL))
    snapshot = await bench.snapshot(bench.opened_ns)
    ids = {name for state in bench.states.values() for name in state.venue_order_ids}
    traded = sum((f.quantity * f.side.sign for f in snapshot.fills if f.venue_order_id in ids), ZERO)
    same(held(snapshot, bench.symbol) - held(bench.before, bench.symbol), traded, "the position's change")
    same(snapshot.account.account_id, bench.account.account_id, "the account")


@case("E103", "the snapshot of a changed order shows its present terms, under our id", C.REPLACE_PRICE)
async def snapshot_knows_new_terms(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    price = bench.prices.far_below + bench.prices.tick
    bench.modify(order, limit_price=price)
    await bench.until(lambda: bench.state(order).terms.limit_price == price, "the change is reported")
    snapshot = await bench.snapshot(bench.opened_ns - MINUTE_NS)
    mine = [item for item in snapshot.orders if item.client_order_id == order.client_order_id]
    at_work = [item for item in mine if item.status is VenueOrderStatus.WORKING]
    same([item.terms.limit_price for item in at_work], [price], "the limits of what works")
    same(at_work[0].venue_order_id, bench.venue_id(order), "the venue's id")
