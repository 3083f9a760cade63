"""Execution cases: each type of order with each time in force is taken, or ends as it says."""

from decimal import Decimal

from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, Order, OrderAccepted, OrderRejected, Side, TimeInForce
from tradingd.core.sessions import is_past_auction_cutoff
from tradingd.core.venue_view import VenueOrder, VenueOrderStatus
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.SUBMIT)

T = TimeInForce

_INTO_THE_EVENING_S = 8 * 3600
"""From noon in New York to a time at which auctions of the next day take orders."""


async def rests(bench: Bench, order: Order) -> VenueOrder:
    """Place an order and see it at the venue with its own terms."""
    accepted = await bench.place(order)
    found = await bench.find(order)
    if found is None:
        raise Failed(f"{order.client_order_id} was accepted and is not found")
    same(found.venue_order_id, accepted.venue_order_id, "the venue's id of the order")
    same(found.status, VenueOrderStatus.WORKING, "the order's status at the venue")
    same((found.symbol, found.side, found.quantity), (order.symbol, order.side, order.quantity), "the order there")
    same(found.filled_quantity, ZERO, "the filled quantity of an order that rests")
    same(found.terms.order_type, order.terms.order_type, "the order's type there")
    same(found.terms.asked, order.terms.asked, "the order's prices there")
    same(found.terms.time_in_force, order.terms.time_in_force, "the order's time in force there")
    return found


async def ends_unfilled(bench: Bench, order: Order) -> None:
    """Send an order that finds nothing and must not wait."""
    bench.submit(order)
    await bench.until(lambda: bench.state(order).is_terminal, "the order ends at once")
    state = bench.state(order)
    check(state.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED), f"the order ended as {state.status}")
    same(state.filled_quantity, ZERO, "what filled")
    same(await bench.working(), [], "the orders that work")


@case("E09", "a market order is taken and fills whole", C.OPEN_MARKET)
async def market_order_fills(bench: Bench) -> None:
    order = bench.order()
    await bench.fill(order)
    same(bench.state(order).filled_quantity, order.quantity, "what filled")


@case("E10", "a limit order for the day rests with its own terms", C.DAY)
async def day_limit_rests(bench: Bench) -> None:
    await rests(bench, bench.resting(tif=T.DAY))


@case("E11", "a limit order until cancelled rests with its own terms", C.GTC)
async def gtc_limit_rests(bench: Bench) -> None:
    await rests(bench, bench.resting(tif=T.GTC))


@case("E12", "a limit order to sell rests with its own terms", C.SHORTING)
async def sell_limit_rests(bench: Bench) -> None:
    await rests(bench, bench.resting(Side.SELL))


@case("E13", "a stop order rests with its stop price", C.STOP)
async def stop_rests(bench: Bench) -> None:
    await rests(bench, bench.order(stop=bench.prices.far_above))


@case("E14", "a stop-limit order rests with both its prices", C.STOP_LIMIT)
async def stop_limit_rests(bench: Bench) -> None:
    limit = bench.prices.far_above
    await rests(bench, bench.order(stop=bench.prices.near("15", Side.BUY), limit=limit))


@case("E15", "a stop that trails by an amount rests with that amount", C.TRAIL_AMOUNT)
async def trailing_amount_rests(bench: Bench) -> None:
    distance = bench.instrument.round_price(bench.prices.mid / 5, Side.BUY)
    await rests(bench, bench.order(trail_amount=distance))


@case("E16", "a stop that trails by percent rests with that percentage", C.TRAIL_PERCENT)
async def trailing_percent_rests(bench: Bench) -> None:
    await rests(bench, bench.order(trail_percent=Decimal(20)))


@case("E17", "an IOC limit order that finds nothing is gone at once, unfilled", C.IOC, C.OPEN_MARKET)
async def ioc_ends(bench: Bench) -> None:
    await ends_unfilled(bench, bench.resting(tif=T.IOC))


@case("E18", "a FOK limit order that finds nothing is gone at once, unfilled", C.FOK, C.OPEN_MARKET)
async def fok_ends(bench: Bench) -> None:
    await ends_unfilled(bench, bench.resting(tif=T.FOK))


@case("E19", "a GTD order rests until its time, and the venue knows that time", C.GTD)
async def gtd_rests(bench: Bench) -> None:
    expires = bench.seconds(7 * 86_400)
    limit = bench.prices.far_below
    found = await rests(bench, bench.order(limit=limit, tif=T.GTD, expires_ns=expires))
    # Some venues keep whole seconds.
    kept = found.terms.expires_ns
    check(kept is not None and abs(kept - expires) <= 1_000_000_000, f"the venue keeps {kept} for {expires}")


async def waits_for_its_auction(bench: Bench, tif: TimeInForce) -> None:
    """Place an order for an auction and take it back; between cut-off and evening it is refused instead."""
    if bench.adapter.model.auction_cutoffs and is_past_auction_cutoff(tif, bench.now()):
        refused = bench.resting(tif=tif)
        bench.submit(refused)
        await bench.expect(OrderRejected, refused)
        if not bench.capabilities >= {C.CLOCK_CONTROL, C.MARKET_CONTROL}:
            return
        await bench.market.advance(_INTO_THE_EVENING_S)
    order = bench.resting(tif=tif)
    await bench.place(order)
    same(bench.state(order).status, OrderStatus.ACCEPTED, "the order's status")
    await bench.cancelled(order)


@case("E20", "an order on open waits for its auction and can be taken back, or is refused after the cut-off", C.OPG)
async def order_on_open_waits(bench: Bench) -> None:
    await waits_for_its_auction(bench, T.OPG)


@case("E21", "an order on close waits for its auction and can be taken back, or is refused after the cut-off", C.CLS)
async def order_on_close_waits(bench: Bench) -> None:
    await waits_for_its_auction(bench, T.CLS)


@case("E22", "a limit order for extended hours is taken, and the venue says that it is one", C.EXTENDED_HOURS)
async def extended_hours_are_kept(bench: Bench) -> None:
    found = await rests(bench, bench.order(limit=bench.prices.far_below, extended_hours=True))
    check(found.terms.extended_hours, "the venue does not know that the order is for extended hours")


@case("E23", "part of a unit can be bought where the model says so", C.FRACTIONAL, C.OPEN_MARKET)
async def fraction_fills(bench: Bench) -> None:
    order = bench.order(quantity=bench.prices.lot + Decimal("0.5"))
    await bench.fill(order)
    same(bench.state(order).filled_quantity, order.quantity, "what filled")


@case("E24", "a crypto order rests under the symbol as it was sent", C.CRYPTO)
async def crypto_rests(bench: Bench) -> None:
    symbol = bench.crypto
    assert symbol is not None, "the case needs CRYPTO"
    prices = await bench.prices_of(symbol)
    order = bench.order(symbol=symbol, quantity=prices.lot, limit=prices.far_below, tif=T.GTC)
    await rests(bench, order)
    await bench.cancelled(order)


@case("E25", "every acknowledgement of an order names the same venue order")
async def acknowledgements_agree(bench: Bench) -> None:
    order = bench.resting()
    await bench.place(order)
    await bench.settle()
    names = {report.venue_order_id for report in bench.reports(order, OrderAccepted)}
    same(len(names), 1, "the number of venue ids that acknowledgements give one order")
