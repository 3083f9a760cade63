"""Data cases: what a feed delivers while it runs."""

from itertools import pairwise

from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, find_defect
from tradingd.errors import CredentialsRefused, UsageError
from tradingd.feeds.base import FeedState, FeedStatus
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.cases_connect import NOWHERE
from tradingd.tools.conform.data_bench import DataBench
from tradingd.tools.conform.record import Failed, check, same

C = Capability

case: CaseList[DataBench] = CaseList(Chapter.STREAM)

_SKEW_NS = 5 * NS_PER_SECOND
_MANY = 300


async def some_events(bench: DataBench, count: int = 5) -> None:
    """Run the feed until it has delivered something; where the market can be moved, it is."""
    await bench.start()
    if bench.harness.market is not None:
        for number in range(count):
            await bench.market.quote(bench.symbol, 99.0 + number, 99.5 + number, 10)
            await bench.trade(99.25 + number)
    await bench.until(lambda: len(bench.events) >= count, f"{count} events are delivered")


async def shown(bench: DataBench, bid: float) -> None:
    """Show a quote and wait for it: a feed may conflate what comes at once."""
    await bench.market.quote(bench.symbol, bid, bid + 0.5, 10)
    await bench.until(lambda: any(quote.bid == bid for quote in bench.quotes()), "a quote is delivered")


@case("D01", "the feed says that it is up, and for which symbols")
async def feed_is_up(bench: DataBench) -> None:
    await bench.start()
    up = [item for item in bench.heard.all if isinstance(item, FeedStatus) and item.state is FeedState.UP]
    same(set(up[0].symbols), set(bench.harness.symbols), "the symbols of the status")
    check(bool(up[0].feed and up[0].detail), "the status does not say what is up")


@case("D02", "the feed's states follow each other as they can", C.OPEN_MARKET)
async def states_follow(bench: DataBench) -> None:
    await some_events(bench)
    await bench.stop()
    for before, after in pairwise(bench.states):
        check(before is not after, f"the feed is {after} twice in a row")
    check(FeedState.DOWN not in bench.states, "the feed was down though nothing broke")


@case("D03", "nothing is delivered before the feed is up", C.OPEN_MARKET)
async def nothing_before_up(bench: DataBench) -> None:
    await some_events(bench)
    first_event = next(at for at, item in enumerate(bench.heard.all) if not isinstance(item, FeedStatus))
    states = [item.state for item in bench.heard.all[:first_event] if isinstance(item, FeedStatus)]
    check(FeedState.UP in states, f"an event came while the states were {states}")


@case(
    "D04", "quotes arrive, with a bid no higher than the offer and sizes no less than nothing", C.QUOTES, C.OPEN_MARKET
)
async def quotes_are_sound(bench: DataBench) -> None:
    await some_events(bench)
    if bench.harness.market is not None:
        for number in range(3):
            await shown(bench, 90.0 + number)
    await bench.until(lambda: len(bench.quotes()) >= 3, "quotes are delivered")
    for quote in bench.quotes():
        same(find_defect(quote), None, f"the defect of {quote}")


@case("D05", "a quote is delivered with the very figures that were shown", C.QUOTES, C.MARKET_CONTROL)
async def quotes_are_exact(bench: DataBench) -> None:
    await bench.start()
    await bench.market.quote(bench.symbol, 123.45, 123.47, 7)
    await bench.until(lambda: any(quote.bid == 123.45 for quote in bench.quotes()), "the quote is delivered")
    quote = next(quote for quote in bench.quotes() if quote.bid == 123.45)
    same((quote.ask, quote.bid_size, quote.ask_size), (123.47, 7.0, 7.0), "offer and sizes")


@case("D06", "trades arrive, with a price and a size", C.TRADES, C.OPEN_MARKET)
async def trades_are_sound(bench: DataBench) -> None:
    await some_events(bench)
    await bench.until(lambda: len(bench.trades()) >= 2, "trades are delivered")
    for trade in bench.trades():
        same(find_defect(trade), None, f"the defect of {trade}")


@case("D07", "a trade is delivered with the very figures that were printed, once", C.TRADES, C.MARKET_CONTROL)
async def trades_are_exact(bench: DataBench) -> None:
    await bench.start()
    await bench.trade(111.11, 17)
    await bench.trade(222.22, 19)
    await bench.until(lambda: any(trade.price == 222.22 for trade in bench.trades()), "the trades are delivered")
    found = [(trade.price, trade.size) for trade in bench.trades() if trade.price in (111.11, 222.22)]
    same(found, [(111.11, 17.0), (222.22, 19.0)], "the trades")


@case("D08", "a bar comes when its interval is over, and not before", C.BARS, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def bars_are_closed(bench: DataBench) -> None:
    await bench.start()
    await bench.next_minute()
    for price in (100.0, 103.0, 101.0):
        await bench.trade(price)
    if C.TRADES in bench.harness.offers:
        await bench.until(
            lambda: bool(bench.trades()) and bench.trades()[-1].price == 101.0, "the trades are delivered"
        )
    minute = bench.harness.now() // MINUTE_NS * MINUTE_NS
    check(all(bar.ts_open < minute for bar in bench.bars()), "the bar of a minute came while it was under way")
    await bench.next_minute()
    await bench.trade(102.0)
    await bench.until(lambda: any(bar.ts_open == minute for bar in bench.bars()), "the closed bar is delivered")


@case(
    "D09",
    "a bar begins on a multiple of its length, and its event time is its end",
    C.BARS,
    C.MARKET_CONTROL,
    C.CLOCK_CONTROL,
)
async def bars_are_aligned(bench: DataBench) -> None:
    await bars_of(bench, 2)
    for bar in bench.bars():
        same(bar.ts_open % bar.interval_ns, 0, "the rest of its open time by its length")
        same(bar.ts_event, bar.ts_open + bar.interval_ns, "its event time")
        check(bar.ts_event <= bar.ts_recv + _SKEW_NS, "it was received before it was over")


@case("D10", "a bar's prices are those of the trades in it", C.BARS, C.TRADES, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def bars_fit_the_trades(bench: DataBench) -> None:
    await bars_of(bench, 2)
    bar = bench.bars()[-1]
    inside = [trade for trade in bench.trades() if bar.ts_open <= trade.ts_event < bar.ts_event]
    prices = [trade.price for trade in inside]
    same(
        (bar.open, bar.high, bar.low, bar.close),
        (prices[0], max(prices), min(prices), prices[-1]),
        "open, high, low and close",
    )
    same(bar.volume, sum(trade.size for trade in inside), "the volume")
    same(find_defect(bar), None, "its defect")


@case("D11", "the bars of a symbol come in order, each once", C.BARS, C.MARKET_CONTROL, C.CLOCK_CONTROL)
async def bars_come_in_order(bench: DataBench) -> None:
    await bars_of(bench, 4)
    opens = [bar.ts_open for bar in bench.bars()]
    same(opens, sorted(set(opens)), "the open times")


async def bars_of(bench: DataBench, count: int) -> None:
    """Run the feed until it has delivered so many bars of minutes that the case traded in."""
    await bench.start()
    await bench.next_minute()
    first = bench.harness.now()
    for number in range(count):
        for price in (100.0, 104.0, 98.0, 101.0):
            await bench.trade(price + number)
        await bench.next_minute()
    await bench.trade(100.0)
    await bench.until(lambda: sum(bar.ts_event > first for bar in bench.bars()) >= count, f"{count} bars are delivered")


@case("D12", "no event is from the future, and each says when it was received", C.OPEN_MARKET)
async def times_are_plausible(bench: DataBench) -> None:
    before = bench.harness.now()
    await some_events(bench)
    for event in bench.events:
        check(event.ts_event <= event.ts_recv + _SKEW_NS, f"{event} is from the future")
        check(before - NS_PER_SECOND <= event.ts_recv <= bench.harness.now(), f"{event} was received at no such time")


@case("D13", "the quotes of a symbol come in the order of their times, and so do its trades", C.OPEN_MARKET)
async def events_are_in_order(bench: DataBench) -> None:
    await some_events(bench, 8)
    for kind in (bench.quotes(), bench.trades()):
        times = [event.ts_event for event in kind]
        same(times, sorted(times), "the times of the events")


@case("D14", "the times of reception never go back", C.OPEN_MARKET)
async def reception_is_in_order(bench: DataBench) -> None:
    await some_events(bench, 8)
    times = [event.ts_recv for event in bench.events]
    same(times, sorted(times), "the times of reception")


@case("D15", "several symbols come over one feed, each with its own prices", C.MULTI_SYMBOL, C.QUOTES, C.MARKET_CONTROL)
async def symbols_are_apart(bench: DataBench) -> None:
    await bench.start()
    prices = {symbol: 50.0 * (number + 1) for number, symbol in enumerate(bench.harness.symbols)}
    for symbol, price in prices.items():
        await bench.market.quote(symbol, price, price + 1, 5)
    await bench.until(
        lambda: all(any(quote.bid == price for quote in bench.quotes(name)) for name, price in prices.items()),
        "every symbol is quoted",
    )
    for symbol, price in prices.items():
        same(bench.quotes(symbol)[-1].bid, price, f"the bid of {symbol}")


@case("D16", "every symbol that was asked for is delivered", C.MULTI_SYMBOL, C.OPEN_MARKET)
async def every_symbol_is_delivered(bench: DataBench) -> None:
    await bench.start()
    if bench.harness.market is not None:
        for symbol in bench.harness.symbols:
            await bench.market.quote(symbol, 10.0, 10.1, 5)
            await bench.trade(10.05, symbol=symbol)
    wanted = set(bench.harness.symbols)
    await bench.until(lambda: {event.symbol for event in bench.events} >= wanted, f"{', '.join(wanted)} are delivered")


@case("D17", "a symbol that was not asked for is not delivered", C.MULTI_SYMBOL, C.MARKET_CONTROL, C.QUOTES)
async def others_are_not_delivered(bench: DataBench) -> None:
    asked, other = bench.harness.symbols[:2]
    await bench.start(symbols=(asked,))
    await bench.market.quote(other, 10.0, 10.1, 5)
    await bench.market.quote(asked, 20.0, 20.1, 5)
    await bench.until(lambda: any(quote.bid == 20.0 for quote in bench.quotes(asked)), "the quote is delivered")
    same({event.symbol for event in bench.events}, {asked}, "the symbols that were delivered")


@case(
    "D18",
    "a symbol that does not exist is refused or brings nothing, and what exists still comes",
    C.SYMBOL_DIRECTORY,
    C.MARKET_CONTROL,
)
async def unknown_symbol_brings_nothing(bench: DataBench) -> None:
    try:
        await bench.start(symbols=(bench.symbol, NOWHERE))
    except UsageError as error:
        check(NOWHERE in str(error), f"the refusal does not name {NOWHERE}: {error}")
        return
    await bench.trade(33.3)
    await bench.until(lambda: any(trade.price == 33.3 for trade in bench.trades()), "what exists is delivered")
    same([event for event in bench.events if event.symbol == NOWHERE], [], "the events of what does not exist")


@case("D19", "a burst of trades arrives whole and in order", C.TRADES, C.MARKET_CONTROL)
async def burst_arrives(bench: DataBench) -> None:
    await bench.start()
    for number in range(_MANY):
        await bench.trade(10.0 + number / 100, 1 + number)
    await bench.until(lambda: any(trade.size == _MANY for trade in bench.trades()), "the last trade is delivered")
    sizes = [trade.size for trade in bench.trades()]
    same(sizes[-_MANY:], [float(number) for number in range(1, _MANY + 1)], "the trades")


@case("D20", "a cancelled feed ends at once and without an error, and delivers nothing more", C.OPEN_MARKET)
async def stop_is_clean(bench: DataBench) -> None:
    await some_events(bench)
    await bench.stop()
    count = len(bench.events)
    if bench.harness.market is not None:
        await bench.trade(77.7)
    else:
        await bench.settle()
    same(len(bench.events), count, "the events after the end")


@case("D21", "a feed that is started again delivers again", C.OPEN_MARKET)
async def second_start_delivers(bench: DataBench) -> None:
    await some_events(bench)
    await bench.stop()
    count = len(bench.events)
    await bench.start()
    if bench.harness.market is not None:
        await bench.trade(88.8)
        await bench.market.quote(bench.symbol, 88.0, 89.0, 5)
    await bench.until(lambda: len(bench.events) > count, "events come again")


@case("D22", "wrong keys end the feed for good, as such, and their text is not repeated", C.STRANGER)
async def wrong_keys_end_it(bench: DataBench) -> None:
    try:
        await bench.run_to_its_end(bench.harness.make_stranger())
    except CredentialsRefused as error:
        check("not-the-secret" not in str(error), f"the refusal repeats the secret: {error}")
    else:
        raise Failed("the feed ended without an error")
