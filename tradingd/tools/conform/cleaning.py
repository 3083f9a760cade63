"""The end of an execution case: no order at work, the position as before, and nothing that was odd left unsaid.

Reads: the bench and its account. Emits: sentences about what is wrong, and about what could not be cleaned up.
"""

import asyncio
from collections import Counter

from tradingd.core.broker_events import ForeignOrderEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import (
    ZERO,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderType,
    Side,
)
from tradingd.errors import TradingdError
from tradingd.tools.conform.bench import Bench, held
from tradingd.tools.conform.record import Failed

_SKEW_NS = 5 * NS_PER_SECOND
"""How far the clock of a venue may be from ours."""
_LOOK_S = 0.05
_ENDS = (OrderCanceled, OrderExpired, OrderRejected)


def audit(bench: Bench) -> list[str]:
    """What must be true of the reports of every case, and is not."""
    wrong = [*bench.failures]
    if not bench.tolerant:
        wrong += bench.anomalies
    if not (bench.tolerant or bench.expects_problems):
        wrong += [f"the adapter reports a problem: {name}: {text}" for name, text in bench.problems.all]
    now = bench.now()
    ends: Counter[str] = Counter()
    executions: dict[str, OrderFilled] = {}
    for event in bench.events.all:
        kind = type(event).__name__
        if not bench.opened_ns - NS_PER_SECOND <= event.ts_recv <= now + NS_PER_SECOND:
            wrong.append(f"{kind} says that it was received at {event.ts_recv}, which is no time of this case")
        if isinstance(event, OrderStreamUp | OrderStreamDown):
            continue
        if isinstance(event, ForeignOrderEvent):
            if event.order.client_order_id.startswith(bench.prefix):
                wrong.append(f"our own order {event.order.client_order_id} is reported as foreign")
            continue
        if event.ts_event > event.ts_recv + _SKEW_NS or event.ts_event < bench.opened_ns - _SKEW_NS:
            wrong.append(f"{kind} of {event.client_order_id} has the time {event.ts_event}, not one of this case")
        if isinstance(event, _ENDS):
            ends[event.client_order_id] += 1
        if isinstance(event, OrderFilled):
            known = executions.setdefault(event.execution_id, event)
            if known.client_order_id != event.client_order_id:
                wrong.append(f"execution {event.execution_id} is reported of two orders")
            if event.quantity <= 0 or event.price <= 0:
                wrong.append(f"execution {event.execution_id} is {event.quantity} at {event.price}")
    if not bench.tolerant:
        wrong += [f"{name} ended {count} times" for name, count in ends.items() if count > 1]
    return wrong


async def clean_up(bench: Bench) -> list[str]:
    """Take the case's orders back and its position off; return what is left all the same."""
    try:
        async with asyncio.timeout(4 * bench.harness.patience_s):
            for name in ("halt", "conform"):
                bench.kill_switch.open(name)
            if not bench.connected:
                await bench.come_back()
            if bench.harness.market is not None and bench.prices.bid:
                await bench.quote(bench.prices.bid, bench.prices.ask)
            await _cancel_all(bench)
            return await _flatten(bench)
    except (TradingdError, TimeoutError, Failed) as error:
        orders = [name for name, state in bench.states.items() if state.open_quantity]
        return [f"clean-up failed ({error or type(error).__name__}); look after orders {', '.join(orders) or 'none'}"]


async def _cancel_all(bench: Bench) -> None:
    asked: set[str] = set()
    while working := await bench.working():
        for order in working:
            if order.venue_order_id not in asked:
                asked.add(order.venue_order_id)
                bench.adapter.cancel(bench.sent[order.client_order_id], order.venue_order_id)
        await asyncio.sleep(_LOOK_S)


async def _flatten(bench: Bench) -> list[str]:
    now = await bench.snapshot(bench.now())
    left = []
    for symbol in bench.harness.symbols:
        moved = held(now, symbol) - held(bench.before, symbol)
        if not moved or not bench.prices.bid:
            continue
        side = Side.SELL if moved > 0 else Side.BUY
        tif = bench.lifetime_of(symbol)
        order = bench.order(side, quantity=abs(moved), symbol=symbol, order_type=OrderType.MARKET, tif=tif)
        bench.submit(order)
        try:
            await bench.reach(order, OrderStatus.FILLED)
        except Failed as failed:
            left.append(f"the position of {symbol} is {moved:+f} against before: {failed}")
            continue
        if rest := await _moved(bench, symbol):
            left.append(f"the position of {symbol} is {rest:+f} against before")
    return left


async def _moved(bench: Bench, symbol: Symbol) -> object:
    return held(await bench.snapshot(bench.now()), symbol) - held(bench.before, symbol) or ZERO
