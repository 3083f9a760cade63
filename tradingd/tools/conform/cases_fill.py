"""Execution cases: executions, their quantities, prices and names, and what they do to position and cash."""

from decimal import Decimal

from tradingd.core.matching import to_decimal
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, OrderCanceled, OrderFilled, OrderRejected, Side, TimeInForce
from tradingd.tools.conform.bench import Bench, held
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.FILL)


@case("E26", "a market buy pays the offer and a market sell gets the bid", C.MARKET_CONTROL)
async def market_orders_meet_the_quote(bench: Bench) -> None:
    await bench.quote(99.5, 100.5)
    (bought,) = await bench.fill(bench.order(lots=2))
    same(bought.price, Decimal("100.5"), "the price of a buy")
    (sold,) = await bench.fill(bench.order(Side.SELL, 2))
    same(sold.price, Decimal("99.5"), "the price of a sell")


@case("E27", "a marketable limit order fills at its limit or better", C.OPEN_MARKET)
async def limits_are_kept(bench: Bench) -> None:
    buy = bench.order(limit=bench.prices.marketable_buy)
    for fill in await bench.fill(buy):
        check(fill.price <= bench.prices.marketable_buy, f"bought at {fill.price} with a limit below that")
    sell = bench.order(Side.SELL, limit=bench.prices.marketable_sell)
    for fill in await bench.fill(sell):
        check(fill.price >= bench.prices.marketable_sell, f"sold at {fill.price} with a limit above that")


@case("E28", "an execution has an id, names the venue's order, and its quantity is its own", C.OPEN_MARKET)
async def executions_are_named(bench: Bench) -> None:
    order = bench.order(lots=2)
    fills = await bench.fill(order)
    for fill in fills:
        check(bool(fill.execution_id), "an execution has no id")
        check(fill.venue_order_id in bench.state(order).venue_order_ids, f"{fill.venue_order_id} is not the order's id")
    same(sum((fill.quantity for fill in fills), ZERO), order.quantity, "the sum of the executions")
    check(len({fill.execution_id for fill in fills}) == len(fills), "two executions share an id")


@case("E29", "partial fills add up to the order, each with an id of its own", C.MARKET_CONTROL, C.PARTIAL_FILLS)
async def partial_fills_add_up(bench: Bench) -> None:
    order = bench.order(lots=10, limit=Decimal(101))
    for shown, so_far in ((3, 3), (4, 7), (5, 10)):
        await bench.quote(99.5, 100.5, lots=shown)
        if so_far == 3:
            bench.submit(order)
        await bench.filled_lots(order, so_far)
    fills = await bench.filled(order)
    same([fill.quantity / bench.prices.lot for fill in fills], [3, 4, 3], "the executions, in lots")
    same(len({fill.execution_id for fill in fills}), 3, "the number of execution ids")


@case("E30", "a cumulative quantity, where one is given, is what had filled by then", C.MARKET_CONTROL, C.PARTIAL_FILLS)
async def cumulative_quantities_fit(bench: Bench) -> None:
    order = bench.order(lots=5, limit=Decimal(101))
    await bench.quote(99.5, 100.5, lots=2)
    bench.submit(order)
    await bench.filled_lots(order, 2)
    await bench.quote(99.5, 100.5, lots=9)
    total = ZERO
    for fill in await bench.filled(order):
        total += fill.quantity
        check(fill.cum_quantity in (None, total), f"cumulative {fill.cum_quantity} after {total} had filled")


@case("E31", "a resting limit order fills when the market reaches it, and not before", C.MARKET_CONTROL)
async def resting_limit_waits(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    await bench.quote(95.01, 95.02)
    await bench.settle()
    same(bench.fills(order), [], "the executions while the market was above the limit")
    await bench.quote(94.5, 94.9)
    for fill in await bench.filled(order):
        check(fill.price <= Decimal(95), f"bought at {fill.price} with a limit of 95")


@case(
    "E32", "of an IOC order what the market shows fills, and the rest is gone", C.MARKET_CONTROL, C.PARTIAL_FILLS, C.IOC
)
async def ioc_remainder_ends(bench: Bench) -> None:
    await bench.quote(99.5, 100.5, lots=4)
    order = bench.order(lots=10, limit=Decimal(101), tif=TimeInForce.IOC)
    bench.submit(order)
    await bench.until(lambda: bench.state(order).is_terminal, "the order ends")
    await bench.quote(99.5, 100.5)
    await bench.settle()
    same(bench.state(order).filled_quantity / bench.prices.lot, Decimal(4), "what filled, in lots")
    same(await bench.position() / bench.prices.lot, Decimal(4), "the position, in lots")


@case("E33", "a FOK order larger than the market shows fills not at all", C.MARKET_CONTROL, C.PARTIAL_FILLS, C.FOK)
async def fok_fills_nothing(bench: Bench) -> None:
    await bench.quote(99.5, 100.5, lots=4)
    order = bench.order(lots=5, limit=Decimal(101), tif=TimeInForce.FOK)
    bench.submit(order)
    await bench.until(lambda: bench.state(order).is_terminal, "the order ends")
    await bench.quote(99.5, 100.5)
    await bench.settle()
    same(bench.fills(order), [], "the executions")
    same(await bench.position(), ZERO, "the position")


@case("E34", "a FOK order that the market can fill fills whole", C.OPEN_MARKET, C.FOK)
async def fok_fills_whole(bench: Bench) -> None:
    order = bench.order(limit=bench.prices.marketable_buy, tif=TimeInForce.FOK)
    await bench.fill(order)
    same(bench.reports(order, OrderCanceled), [], "the cancels")


@case("E35", "a GTD order ends at its time as expired, and not before", C.GTD, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def gtd_expires(bench: Bench) -> None:
    order = bench.order(limit=bench.prices.far_below, tif=TimeInForce.GTD, expires_ns=bench.seconds(600))
    await bench.place(order)
    await bench.market.advance(300)
    await bench.settle()
    same(bench.state(order).status, OrderStatus.ACCEPTED, "the status before its time")
    await bench.market.advance(400)
    await bench.reach(order, OrderStatus.EXPIRED)


@case("E36", "an order for the day ends with the day, unfilled", C.DAY, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def day_order_expires(bench: Bench) -> None:
    order = bench.resting(tif=TimeInForce.DAY)
    await bench.place(order)
    # The simulated market learns which day it is from the first data after the order.
    await bench.market.advance(1)
    await bench.market.advance(20 * 3600)
    await bench.until(lambda: bench.state(order).is_terminal, "the order ends with its day")
    # Some venues call the end of the day a cancel.
    check(
        bench.state(order).status in (OrderStatus.EXPIRED, OrderStatus.CANCELED), f"it is {bench.state(order).status}"
    )
    same(bench.state(order).filled_quantity, ZERO, "what filled")


@case("E37", "what was bought and sold again leaves no position", C.OPEN_MARKET)
async def round_trip_is_flat(bench: Bench) -> None:
    await bench.fill(bench.order())
    same(await bench.position(), bench.prices.lot, "the position after buying")
    await bench.fill(bench.order(Side.SELL))
    same(await bench.position(), ZERO, "the position after selling again")
    await bench.settle()


@case("E38", "a short sale makes a negative position", C.SHORTING, C.OPEN_MARKET, C.FRESH_ACCOUNT)
async def short_sale_is_negative(bench: Bench) -> None:
    order = bench.order(Side.SELL)
    await bench.fill(order)
    same(await bench.position(), -bench.prices.lot, "the position")


@case("E39", "a pair that is not held cannot be sold where the venue lends none", C.CRYPTO, C.BUYING_POWER)
async def pair_is_not_sold_short(bench: Bench) -> None:
    symbol = bench.crypto
    assert symbol is not None, "the case needs CRYPTO"
    prices = await bench.prices_of(symbol)
    quantity = held(bench.before, symbol) + prices.lot
    order = bench.order(Side.SELL, symbol=symbol, quantity=quantity, limit=prices.far_above, tif=TimeInForce.GTC)
    bench.submit(order)
    rejected = await bench.expect(OrderRejected, order)
    check(bool(rejected.reason), "the refusal gives no reason")


@case("E40", "the snapshot's position has the quantity and the average price of the executions", C.MARKET_CONTROL)
async def position_is_averaged(bench: Bench) -> None:
    fees = ZERO
    for ask in (100.5, 101.5):
        await bench.quote(ask - 1, ask)
        order = bench.order(lots=2)
        await bench.fill(order)
        await bench.fees_told(order)
        fees += bench.state(order).fees
    snapshot = await bench.snapshot(bench.opened_ns)
    (position,) = (item for item in snapshot.positions if item.symbol == bench.symbol)
    same(position.quantity / bench.prices.lot, Decimal(4), "the position, in lots")
    # Some venues count the fees in.
    most = Decimal(101) + fees / position.quantity / bench.contract.multiplier
    average = position.average_price
    check(Decimal("100.99") <= average <= most + Decimal("0.01"), f"the average price is {average}, and 101 was paid")


@case("E41", "cash moves by what was paid, and by the fees that were reported", C.OPEN_MARKET, C.FRESH_ACCOUNT)
async def cash_moves_by_the_fills(bench: Bench) -> None:
    order = bench.order(lots=3)
    fills = await bench.fill(order)
    await bench.fees_told(order)
    paid = sum((fill.quantity * fill.price for fill in fills), ZERO) + bench.state(order).fees
    cash = (await bench.snapshot(bench.opened_ns)).account.cash
    same(bench.before.account.cash - cash, paid, "what cash went down by")


@case("E42", "executions carry the time at which they happened", C.MARKET_CONTROL)
async def executions_are_timed(bench: Bench) -> None:
    order = bench.order(limit=Decimal(95))
    await bench.place(order)
    before = bench.now()
    await bench.quote(94.5, 94.9)
    (fill,) = await bench.filled(order)
    check(before - 1_000_000_000 <= fill.ts_event <= bench.now() + 1_000_000_000, f"it is stamped {fill.ts_event}")
    same(to_decimal(float(fill.price)), fill.price, "the price, read as people write it")
    same(len(bench.reports(order, OrderFilled)), 1, "the reports of one execution")
