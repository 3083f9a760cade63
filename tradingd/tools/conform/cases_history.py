"""Data cases: bars of the past."""

from itertools import pairwise

from tradingd.core.market import DAY_NS, MINUTE_NS, PriceBar, find_defect
from tradingd.errors import TradingdError
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.cases_connect import NOWHERE
from tradingd.tools.conform.data_bench import DataBench
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[DataBench] = CaseList(Chapter.HISTORY)


async def some_bars(bench: DataBench) -> tuple[int, int, list[PriceBar]]:
    """A range of time with its bars; there must be some."""
    start, end = await bench.past()
    bars = list(await bench.history(start, end))
    if len(bars) < 3:
        raise Failed(f"the last hours have {len(bars)} bars of {bench.symbol}: nothing to try the case on")
    return start, end, bars


@case("D23", "a range is half open: the bar at its beginning is in it, the bar at its end is not", C.HISTORY)
async def range_is_half_open(bench: DataBench) -> None:
    start, end, bars = await some_bars(bench)
    check(all(start <= bar.ts_open < end for bar in bars), "a bar lies outside of the range")
    first, last = bars[0], bars[-1]
    inner = await bench.history(first.ts_open, last.ts_open)
    same([bar.ts_open for bar in inner], [bar.ts_open for bar in bars[:-1]], "the bars up to the last one's open")


@case("D24", "bars of the past begin on multiples of their length", C.HISTORY)
async def bars_are_aligned(bench: DataBench) -> None:
    _, _, bars = await some_bars(bench)
    for bar in bars:
        same((bar.interval_ns, bar.ts_open % MINUTE_NS), (MINUTE_NS, 0), "length, and rest of the open time")
        same(bar.ts_event, bar.ts_open + bar.interval_ns, "the event time")
        same(bar.symbol, bench.symbol, "the symbol")


@case("D25", "bars of the past are in order, each once", C.HISTORY)
async def bars_are_in_order(bench: DataBench) -> None:
    _, _, bars = await some_bars(bench)
    for before, after in pairwise(bars):
        check(before.ts_open < after.ts_open, f"a bar of {after.ts_open} follows one of {before.ts_open}")


@case("D26", "bars of the past are sound, and closed", C.HISTORY)
async def bars_are_sound(bench: DataBench) -> None:
    _, _, bars = await some_bars(bench)
    for bar in bars:
        same(find_defect(bar), None, f"the defect of {bar}")
        check(bar.ts_event <= bench.harness.now(), "a bar is not over yet")


@case("D27", "two adjoining ranges give what the whole gives", C.HISTORY)
async def ranges_join(bench: DataBench) -> None:
    start, end, bars = await some_bars(bench)
    middle = bars[len(bars) // 2].ts_open
    halves = [*await bench.history(start, middle), *await bench.history(middle, end)]
    same([values(bar) for bar in halves], [values(bar) for bar in bars], "the two halves")


@case("D28", "the same question has the same answer", C.HISTORY)
async def answers_are_stable(bench: DataBench) -> None:
    start, end, bars = await some_bars(bench)
    again = await bench.history(start, end)
    same([values(bar) for bar in again], [values(bar) for bar in bars], "the second answer")


@case("D29", "an empty range, and one the wrong way round, give nothing", C.HISTORY)
async def empty_range_is_empty(bench: DataBench) -> None:
    start, end, _ = await some_bars(bench)
    same(list(await bench.history(start, start)), [], "an empty range")
    same(list(await bench.history(end, start)), [], "a range the wrong way round")


@case("D30", "the future has no bars", C.HISTORY)
async def future_is_empty(bench: DataBench) -> None:
    now = bench.harness.now()
    same(list(await bench.history(now + MINUTE_NS, now + DAY_NS)), [], "tomorrow")


@case("D31", "the bar that is under way is not in the past yet", C.HISTORY, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def present_is_not_past(bench: DataBench) -> None:
    _, end, bars = await some_bars(bench)
    await bench.trade(100.0)
    found = await bench.history(bars[0].ts_open, bench.harness.now() + MINUTE_NS)
    check(all(bar.ts_event <= bench.harness.now() for bar in found), "a bar that is under way is given")
    check(any(bar.ts_event == end for bar in found), "the last closed bar is missing")


@case("D32", "a symbol that does not exist has no bars, or is refused", C.HISTORY)
async def unknown_symbol_has_none(bench: DataBench) -> None:
    start, end = await bench.past()
    try:
        bars = await bench.history(start, end, symbol=NOWHERE)
    except TradingdError as error:
        check(bool(str(error)), "the refusal says nothing")
    else:
        same(list(bars), [], "its bars")


@case("D33", "longer bars are made of the shorter ones in them", C.HISTORY, C.MARKET_CONTROL)
async def longer_bars_fit(bench: DataBench) -> None:
    start, end, bars = await some_bars(bench)
    length = 5 * MINUTE_NS
    longer = [bar for bar in await bench.history(start, end, interval_ns=length) if bar.ts_event <= end]
    check(bool(longer), "there are no five-minute bars")
    for bar in longer:
        parts = [part for part in bars if bar.ts_open <= part.ts_open < bar.ts_event]
        if bar.ts_open < start or not parts:
            continue
        expected = (parts[0].open, max(p.high for p in parts), min(p.low for p in parts), parts[-1].close)
        same((bar.open, bar.high, bar.low, bar.close), expected, f"the five minutes from {bar.ts_open}")


@case(
    "D34",
    "the past joins the present: no bar is missing between them, and none is in both with other figures",
    C.HISTORY,
    C.BARS,
    C.MARKET_CONTROL,
    C.CLOCK_CONTROL,
)
async def past_joins_present(bench: DataBench) -> None:
    _, end = await bench.past()
    await bench.start()
    for price in (100.0, 101.0):
        await bench.next_minute()
        await bench.trade(price)
    await bench.next_minute()
    await bench.trade(102.0)
    await bench.until(lambda: len(bench.bars()) >= 2, "bars are delivered")
    past = await bench.history(end - 3 * MINUTE_NS, bench.harness.now())
    joined = {bar.ts_open: values(bar) for bar in past}
    live = {bar.ts_open: values(bar) for bar in bench.bars()}
    for ts_open, bar in live.items():
        same(joined.get(ts_open, bar), bar, f"the bar of {ts_open}, of which the past says something else")
    opens = sorted(joined | live)
    gaps = [(before, after) for before, after in pairwise(opens) if after - before != MINUTE_NS]
    same(gaps, [], "the gaps between past and present")


def values(bar: PriceBar) -> tuple[int, float, float, float, float, float]:
    """What two deliveries of a bar must agree on."""
    return bar.ts_open, bar.open, bar.high, bar.low, bar.close, bar.volume
