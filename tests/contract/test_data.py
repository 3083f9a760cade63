"""Every feed against the same numbered cases."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest
from tests.contract.alpaca_data_bench import alpaca_data_harness
from tests.contract.ib_data_bench import ib_data_harness
from tradingd.brokers.ib.lines import FeedMode
from tradingd.core.identifiers import Symbol
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.tools.conform.case import DataCase
from tradingd.tools.conform.cases import DATA
from tradingd.tools.conform.feed_harness import FeedHarness
from tradingd.tools.conform.harness import DataHarness
from tradingd.tools.conform.runner import Verdict, play_data


@asynccontextmanager
async def synthetic_harness() -> AsyncIterator[FeedHarness]:
    """An invented market that is in a hurry."""
    symbols = (Symbol("AAPL"), Symbol("MSFT"))
    yield FeedHarness(
        lambda: SyntheticFeed(symbols, interval_ms=5),
        ("quotes", "trades"),
        is_open=lambda _: True,
        has_history=True,
        patience_s=5.0,
    )


FEEDS: dict[str, Callable[[], AbstractAsyncContextManager[DataHarness]]] = {
    "synthetic": synthetic_harness,
    "alpaca": alpaca_data_harness,
    "ib": partial(ib_data_harness, FeedMode.TICK_BY_TICK),
    "ib-ticks": partial(ib_data_harness, FeedMode.TICKS),
    "ib-bars": partial(ib_data_harness, FeedMode.BARS_1M),
}


@pytest.mark.parametrize(
    ("feed", "case"),
    [pytest.param(feed, case, id=f"{feed}-{case.number}") for feed in FEEDS for case in DATA],
)
async def test_data(feed: str, case: DataCase) -> None:
    async with FEEDS[feed]() as harness:
        result = await play_data(case, harness)
    if result.verdict is Verdict.SKIPPED:
        pytest.skip("; ".join(result.reasons))
    assert result.verdict is Verdict.HELD, "\n".join((case.title, *result.reasons))
