"""Execution cases: bars of the past, as the broker itself gives them."""

from itertools import pairwise

from tradingd.core.market import DAY_NS, MINUTE_NS, find_defect
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[Bench] = CaseList(Chapter.HISTORY)

_REACH_NS = 5 * DAY_NS


@case("E132", "the broker's bars are closed, sound, in order, each once, and inside of the range", C.HISTORY)
async def bars_are_sound(bench: Bench) -> None:
    if bench.harness.market is not None:
        for price in (100.0, 102.0, 101.0):
            await bench.move(price)
            await bench.market.advance(60)
    end = bench.now()
    start = end - _REACH_NS
    bars = await bench.adapter.fetch_bars(bench.symbol, MINUTE_NS, start, end)
    check(bool(bars), "the last days have no bars")
    for bar in bars:
        same(find_defect(bar), None, f"the defect of {bar}")
        same((bar.symbol, bar.interval_ns, bar.ts_open % MINUTE_NS), (bench.symbol, MINUTE_NS, 0), "the bar")
        check(start <= bar.ts_open < end and bar.ts_event <= bench.now(), "a bar lies outside, or is not over")
    check(all(before.ts_open < after.ts_open for before, after in pairwise(bars)), "the bars are not in order")
    last = bars[-1].ts_open
    without = await bench.adapter.fetch_bars(bench.symbol, MINUTE_NS, start, last)
    same(len(without), len(bars) - 1, "the number of bars before the last one's open time")


@case("E133", "an empty range and the future have no bars at the broker", C.HISTORY)
async def nothing_where_nothing_is(bench: Bench) -> None:
    now = bench.now()
    same(list(await bench.adapter.fetch_bars(bench.symbol, MINUTE_NS, now, now)), [], "an empty range")
    future = await bench.adapter.fetch_bars(bench.symbol, MINUTE_NS, now + MINUTE_NS, now + DAY_NS)
    same(list(future), [], "the future")
