"""Data cases: connections that break, fall silent, or say what cannot be read."""

from tradingd.core.identifiers import Symbol
from tradingd.feeds.base import FeedState, FeedStatus
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.data_bench import DataBench
from tradingd.tools.conform.record import check, same

C = Capability

case: CaseList[DataBench] = CaseList(Chapter.LOSS)


async def hears(bench: DataBench, price: float, symbol: Symbol | None = None) -> None:
    """Print a trade and wait for it."""
    name = symbol or bench.symbol
    await bench.trade(price, symbol=name)
    await bench.until(lambda: any(trade.price == price for trade in bench.trades(name)), f"a trade of {name} comes")


async def comes_back(bench: DataBench, ups: int = 2) -> None:
    """Wait until the feed was down and is up once more than it was."""
    await bench.until(lambda: FeedState.DOWN in bench.states, "the loss is reported")
    await bench.until(lambda: bench.states.count(FeedState.UP) >= ups, "the feed comes back")


@case("D35", "a lost connection is reported as down, with a reason", C.FAULTS)
async def loss_is_told(bench: DataBench) -> None:
    await bench.start()
    await bench.harness.cut()
    await comes_back(bench)
    down = [item for item in bench.heard.all if isinstance(item, FeedStatus) and item.state is FeedState.DOWN]
    check(bool(down[0].detail), "no reason is given")


@case("D36", "after a loss every symbol is subscribed to again", C.FAULTS, C.MARKET_CONTROL, C.TRADES)
async def loss_is_made_good(bench: DataBench) -> None:
    await bench.start()
    await hears(bench, 11.1)
    await bench.harness.cut()
    await comes_back(bench)
    for number, symbol in enumerate(bench.harness.symbols):
        await hears(bench, 22.0 + number, symbol)


@case("D37", "nothing from before a loss is delivered a second time after it", C.FAULTS, C.MARKET_CONTROL, C.TRADES)
async def nothing_comes_twice(bench: DataBench) -> None:
    await bench.start()
    await hears(bench, 11.1)
    await bench.harness.cut()
    await comes_back(bench)
    await hears(bench, 22.2)
    same([trade.price for trade in bench.trades()].count(11.1), 1, "how often the first trade came")


@case("D38", "several losses in a row are each made good", C.FAULTS, C.MARKET_CONTROL, C.TRADES)
async def several_losses(bench: DataBench) -> None:
    await bench.start()
    for number in range(3):
        await hears(bench, 11.0 + number)
        await bench.harness.cut()
        await comes_back(bench, number + 2)
    await hears(bench, 44.4)


@case(
    "D39",
    "a connection that stands and is mute while data are due is noticed and replaced",
    C.FAULTS,
    C.MARKET_CONTROL,
    C.TRADES,
)
async def mute_stream_is_noticed(bench: DataBench) -> None:
    await bench.start(impatient=True)
    await hears(bench, 11.1)
    await bench.harness.mute()
    await comes_back(bench)
    await hears(bench, 22.2)


@case("D40", "what cannot be read is counted, and the feed goes on", C.FAULTS, C.MARKET_CONTROL, C.TRADES)
async def unreadable_message_is_counted(bench: DataBench) -> None:
    await bench.start()
    await bench.harness.garble()
    await bench.until(lambda: bool(bench.turned()), "what cannot be read is told")
    await hears(bench, 11.1)
    check(FeedState.DOWN not in bench.states, "the feed went down")


@case("D41", "a feed can be stopped while its connection is lost", C.FAULTS)
async def stop_while_lost(bench: DataBench) -> None:
    await bench.start()
    await bench.harness.cut()
    await bench.until(lambda: FeedState.DOWN in bench.states, "the loss is reported")
    await bench.stop()
