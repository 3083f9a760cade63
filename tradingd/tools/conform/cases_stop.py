"""Execution cases: stops are elected by the market reaching them, and trail it where they are told to."""

from decimal import Decimal

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import Order, Side
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.STOP)


async def stays(bench: Bench, order: Order, *prices: float) -> None:
    """Bring the market to prices that must not fill an order."""
    for price in prices:
        await bench.move(price)
        await bench.settle()
        same(bench.fills(order), [], f"the executions with the market at {price}")


@case("E43", "a buy stop is elected when the market touches it, and not before", C.STOP, C.MARKET_CONTROL)
async def buy_stop_is_touched(bench: Bench) -> None:
    order = bench.order(stop=Decimal(105))
    await bench.place(order)
    await stays(bench, order, 104.9)
    await bench.move(105.0)
    (fill,) = await bench.filled(order)
    check(abs(fill.price - 105) <= Decimal("0.02"), f"it bought at {fill.price}")


@case("E44", "a sell stop is elected when the market touches it, and not before", C.STOP, C.MARKET_CONTROL)
async def sell_stop_is_touched(bench: Bench) -> None:
    await bench.fill(bench.order())
    order = bench.order(Side.SELL, stop=Decimal(95))
    await bench.place(order)
    await stays(bench, order, 95.1)
    await bench.move(95.0)
    (fill,) = await bench.filled(order)
    check(abs(fill.price - 95) <= Decimal("0.02"), f"it sold at {fill.price}")


@case(
    "E45", "an elected stop-limit order waits at its limit when the market is beyond it", C.STOP_LIMIT, C.MARKET_CONTROL
)
async def stop_limit_waits_at_its_limit(bench: Bench) -> None:
    order = bench.order(stop=Decimal(105), limit=Decimal(106))
    await bench.place(order)
    await stays(bench, order, 104.9, 108.0)
    await bench.move(105.5)
    for fill in await bench.filled(order):
        check(fill.price <= Decimal(106), f"it bought at {fill.price} with a limit of 106")


@case(
    "E46",
    "a stop that trails by an amount follows the market up and is elected on the way back",
    C.TRAIL_AMOUNT,
    C.MARKET_CONTROL,
)
async def trailing_amount_follows(bench: Bench) -> None:
    await bench.fill(bench.order())
    order = bench.order(Side.SELL, trail_amount=Decimal(2))
    await bench.place(order)
    await stays(bench, order, 104.0, 102.1)
    await bench.move(102.0)
    await bench.filled(order)


@case(
    "E47",
    "a stop that trails by percent follows the market down and is elected on the way back",
    C.TRAIL_PERCENT,
    C.MARKET_CONTROL,
)
async def trailing_percent_follows(bench: Bench) -> None:
    order = bench.order(trail_percent=Decimal(5))
    await bench.place(order)
    await stays(bench, order, 90.0, 94.4)
    await bench.move(94.5)
    await bench.filled(order)


@case(
    "E48", "the venue says where a trailing stop stands, and that it never goes back", C.TRAIL_AMOUNT, C.MARKET_CONTROL
)
async def trailing_stop_never_goes_back(bench: Bench) -> None:
    await bench.fill(bench.order())
    order = bench.order(Side.SELL, trail_amount=Decimal(5))
    await bench.place(order)
    stops = []
    for price in (103.0, 101.0):
        await bench.move(price)
        await bench.settle()
        found = await bench.find(order)
        if found is None:
            raise Failed("the order is not found")
        stops.append(found.terms.stop_price)
    same(stops, [Decimal(98), Decimal(98)], "where the stop stood after a high of 103, and after falling from it")


@case("E49", "a stop that was cancelled is never elected", C.STOP, C.MARKET_CONTROL)
async def cancelled_stop_is_dead(bench: Bench) -> None:
    order = bench.order(stop=Decimal(105))
    await bench.place(order)
    await bench.cancelled(order)
    await stays(bench, order, 106.0)
    same(bench.state(order).status, OrderStatus.CANCELED, "the status")
