"""Bars from ticks and bigger bars from smaller ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tradingd.core.bars import BarAggregator, BarBuilder, BarSource, format_interval, parse_interval
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, PriceBar, QuoteTick, TradeTick

AAPL = Symbol("AAPL")
SECOND = NS_PER_SECOND


def trade(ts: int, price: float, size: float = 1.0) -> TradeTick:
    return TradeTick(symbol=AAPL, price=price, size=size, ts_event=ts, ts_recv=ts + 5)


def quote(ts: int, bid: float, ask: float) -> QuoteTick:
    return QuoteTick(symbol=AAPL, bid=bid, ask=ask, bid_size=1, ask_size=1, ts_event=ts, ts_recv=ts)


def fold(builder: BarBuilder, ticks: list[TradeTick]) -> list[PriceBar]:
    return [bar for tick in ticks for bar in builder.apply(tick)]


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("1m", 60), ("5m", 300), ("1h", 3600), ("1d", 86_400), ("90m", 5400)]
)
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_interval(text) == seconds * SECOND


@pytest.mark.parametrize("text", ["", "m", "0m", "-1m", "1", "1 m", "1M", "1.5m", "1min", "٣m", "1m\n", "9999999s"])
def test_anything_else_is_no_interval(text: str) -> None:
    with pytest.raises(ValueError, match="interval"):
        parse_interval(text)


@given(st.integers(1, 999_999), st.sampled_from("smhd"))
def test_an_interval_survives_writing_and_reading(number: int, unit: str) -> None:
    interval_ns = parse_interval(f"{number}{unit}")
    assert parse_interval(format_interval(interval_ns)) == interval_ns


@pytest.mark.parametrize("interval_ns", [0, -SECOND, 1, SECOND + 1])
def test_only_whole_seconds_can_be_written(interval_ns: int) -> None:
    with pytest.raises(ValueError, match="whole number of seconds"):
        format_interval(interval_ns)


def test_a_bar_holds_the_trades_of_its_interval_and_closes_with_the_first_one_after() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    start = 100 * MINUTE_NS
    assert fold(builder, [trade(start, 10, 2), trade(start + 1, 12, 3), trade(start + MINUTE_NS - 1, 9, 5)]) == []
    (bar,) = builder.apply(trade(start + MINUTE_NS, 11))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10, 12, 9, 9, 10)
    assert (bar.ts_open, bar.ts_event, bar.interval_ns) == (start, start + MINUTE_NS, MINUTE_NS)
    assert bar.ts_recv == start + MINUTE_NS + 5


def test_an_interval_without_a_trade_gives_no_bar() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    bars = fold(builder, [trade(0, 10), trade(5 * MINUTE_NS, 11), trade(9 * MINUTE_NS, 12)])
    assert [bar.ts_open for bar in bars] == [0, 5 * MINUTE_NS]


def test_the_clock_closes_a_bar_once_and_not_too_soon() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    assert builder.close_until(MINUTE_NS) == []
    builder.apply(trade(10, 10))
    assert builder.close_until(MINUTE_NS - 1) == []
    (bar,) = builder.close_until(MINUTE_NS)
    assert bar.ts_recv == MINUTE_NS
    assert builder.close_until(2 * MINUTE_NS) == []


def test_a_tick_for_a_closed_bar_is_dropped_and_counted() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    builder.apply(trade(10, 10))
    builder.close_until(MINUTE_NS)
    assert builder.apply(trade(MINUTE_NS - 1, 99)) == []
    builder.apply(trade(5 * MINUTE_NS, 11))
    assert builder.apply(trade(3 * MINUTE_NS, 99)) == []
    assert builder.late == 2
    (bar,) = builder.close_until(6 * MINUTE_NS)
    assert bar.high == 11


def test_quote_bars_are_made_of_mids_and_skip_one_sided_quotes() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS, BarSource.QUOTES)
    builder.apply(quote(0, 10, 12))
    builder.apply(quote(1, 0, 50))
    builder.apply(trade(2, 99))
    builder.apply(quote(3, 12, 14))
    (bar,) = builder.close_until(MINUTE_NS)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (11, 13, 11, 13, 0)


def test_trade_bars_leave_quotes_alone() -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    builder.apply(quote(0, 10, 12))
    assert builder.close_until(MINUTE_NS) == []


@pytest.mark.parametrize("interval_ns", [0, -1])
def test_an_interval_must_be_positive(interval_ns: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        BarBuilder(AAPL, interval_ns)
    with pytest.raises(ValueError, match="positive"):
        BarAggregator(AAPL, interval_ns)


TICKS = st.lists(
    st.tuples(st.integers(0, 20 * MINUTE_NS), st.integers(1, 10_000), st.integers(1, 1_000)), min_size=1, max_size=60
).map(lambda rows: [trade(ts, price / 4, float(size)) for ts, price, size in sorted(rows)])


@given(TICKS)
def test_bars_keep_volume_high_and_low_of_the_ticks(ticks: list[TradeTick]) -> None:
    builder = BarBuilder(AAPL, MINUTE_NS)
    bars = fold(builder, ticks) + builder.close_until(30 * MINUTE_NS)
    assert sum(bar.volume for bar in bars) == sum(tick.size for tick in ticks)
    assert max(bar.high for bar in bars) == max(tick.price for tick in ticks)
    assert min(bar.low for bar in bars) == min(tick.price for tick in ticks)
    assert bars[0].open == ticks[0].price and bars[-1].close == ticks[-1].price
    assert builder.late == 0
    assert all(bar.ts_open % MINUTE_NS == 0 for bar in bars)
    assert [bar.ts_open for bar in bars] == sorted({tick.ts_event // MINUTE_NS * MINUTE_NS for tick in ticks})


@given(TICKS, st.lists(st.integers(0, 59), max_size=10))
def test_asking_the_clock_in_between_changes_no_bar(ticks: list[TradeTick], asks: list[int]) -> None:
    plain, asked = BarBuilder(AAPL, MINUTE_NS), BarBuilder(AAPL, MINUTE_NS)
    expected = fold(plain, ticks) + plain.close_until(30 * MINUTE_NS)
    bars: list[PriceBar] = []
    for index, tick in enumerate(ticks):
        if index in asks:
            bars += asked.close_until(tick.ts_event)
        bars += asked.apply(tick)
    bars += asked.close_until(30 * MINUTE_NS)
    assert [shape(bar) for bar in bars] == [shape(bar) for bar in expected]


@given(TICKS, st.sampled_from([2, 5, 10]))
def test_bigger_bars_are_the_same_from_ticks_and_from_smaller_bars(ticks: list[TradeTick], factor: int) -> None:
    small, big = BarBuilder(AAPL, MINUTE_NS), BarBuilder(AAPL, factor * MINUTE_NS)
    aggregator = BarAggregator(AAPL, factor * MINUTE_NS)
    minutes = fold(small, ticks) + small.close_until(40 * MINUTE_NS)
    expected = fold(big, ticks) + big.close_until(40 * MINUTE_NS)
    bars = [bar for minute in minutes for bar in aggregator.apply(minute)] + aggregator.close_until(40 * MINUTE_NS)
    assert [shape(bar) for bar in bars] == [shape(bar) for bar in expected]
    assert aggregator.late == 0


def shape(bar: PriceBar) -> tuple[float, ...]:
    assert math.isfinite(bar.volume)
    return (bar.ts_open, bar.ts_event, bar.interval_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)


def minute_bar(number: int, interval_ns: int = MINUTE_NS) -> PriceBar:
    ts = number * interval_ns
    return PriceBar(
        symbol=AAPL, interval_ns=interval_ns, ts_open=ts, open=1, high=2, low=1, close=2, volume=3,
        ts_event=ts + interval_ns, ts_recv=ts + interval_ns,
    )  # fmt: skip


def test_a_bigger_bar_closes_with_its_last_part() -> None:
    aggregator = BarAggregator(AAPL, 5 * MINUTE_NS)
    closed = [aggregator.apply(minute_bar(number)) for number in range(5)]
    assert closed[:4] == [[], [], [], []]
    assert [bar.volume for bar in closed[4]] == [15]


def test_a_repeated_or_late_part_counts_once() -> None:
    aggregator = BarAggregator(AAPL, 2 * MINUTE_NS)
    aggregator.apply(minute_bar(0))
    aggregator.apply(minute_bar(0))
    (bar,) = aggregator.apply(minute_bar(1))
    assert aggregator.apply(minute_bar(1)) == []
    assert bar.volume == 6
    assert aggregator.late == 2


def test_parts_must_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        BarAggregator(AAPL, 5 * MINUTE_NS).apply(minute_bar(0, 2 * MINUTE_NS))


def test_a_part_as_long_as_the_whole_passes_through() -> None:
    (bar,) = BarAggregator(AAPL, MINUTE_NS).apply(minute_bar(7))
    assert shape(bar) == shape(minute_bar(7))
