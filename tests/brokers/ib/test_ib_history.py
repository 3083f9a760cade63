"""Bars of the past: paged, paced, and complete or not at all."""

import asyncio
import time
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, Making
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.brokers.ib.history import HistoryPace, IbHistory, to_bar
from tradingd.brokers.ib.questions import QuestionRefused
from tradingd.brokers.ib.ticks import WireBar
from tradingd.core.market import DAY_NS, MINUTE_NS, PriceBar
from tradingd.errors import VenueUnavailable

NOW_NS = time.time_ns() // MINUTE_NS * MINUTE_NS


def minutes(count: int, first_ns: int) -> list[PriceBar]:
    return [
        PriceBar(
            symbol=AAPL,
            interval_ns=MINUTE_NS,
            ts_open=first_ns + number * MINUTE_NS,
            open=100.0 + number,
            high=101.0 + number,
            low=99.0 + number,
            close=100.5 + number,
            volume=1000.0,
            ts_event=first_ns + (number + 1) * MINUTE_NS,
            ts_recv=0,
        )
        for number in range(count)
    ]


async def test_bars_come_in_order_over_several_pages(broker: IbBroker, tws: TwsEmulator) -> None:
    first = NOW_NS - 3 * DAY_NS
    tws.load_bars(minutes(4000, first))
    bars = await broker.fetch_bars(AAPL, MINUTE_NS, first, first + 4000 * MINUTE_NS)
    assert [bar.ts_open for bar in bars] == [first + number * MINUTE_NS for number in range(4000)]
    assert (bars[0].open, bars[0].close, bars[0].volume, bars[0].symbol) == (100.0, 100.5, 1000.0, AAPL)


async def test_the_bar_under_way_and_what_was_not_asked_for_are_left_out(broker: IbBroker, tws: TwsEmulator) -> None:
    tws.load_bars(minutes(11, NOW_NS - 10 * MINUTE_NS))
    bars = await broker.fetch_bars(AAPL, MINUTE_NS, NOW_NS - 5 * MINUTE_NS, NOW_NS + 60 * MINUTE_NS)
    closed = [bar.ts_open for bar in bars]
    assert closed[0] == NOW_NS - 5 * MINUTE_NS
    assert all(ts + MINUTE_NS <= time.time_ns() for ts in closed)


async def test_bars_of_a_day_are_told_by_the_day(broker: IbBroker, tws: TwsEmulator) -> None:
    tws.load_bars(minutes(60, NOW_NS - 3 * DAY_NS))
    (bar,) = await broker.fetch_bars(AAPL, DAY_NS, NOW_NS - 10 * DAY_NS, NOW_NS - DAY_NS)
    assert bar.ts_open % DAY_NS == 0


async def test_no_data_is_no_bars(broker: IbBroker) -> None:
    assert list(await broker.fetch_bars(AAPL, MINUTE_NS, NOW_NS - DAY_NS, NOW_NS)) == []


async def test_lengths_that_are_not_offered_have_no_bars(broker: IbBroker) -> None:
    assert list(await broker.fetch_bars(AAPL, 7 * MINUTE_NS, NOW_NS - DAY_NS, NOW_NS)) == []


async def test_an_answer_that_does_not_come_is_none(make_broker: Making, tws: TwsEmulator) -> None:
    broker = make_broker(timeout_s=0.2)
    await broker.connect([AAPL])
    tws.faults.historical_silent = True
    with pytest.raises(VenueUnavailable):
        await broker.fetch_bars(AAPL, MINUTE_NS, NOW_NS - DAY_NS, NOW_NS)


async def test_a_refusal_for_pacing_is_tried_again(broker: IbBroker) -> None:
    calls: list[str] = []

    async def ask(key: object, send: object, **_: Any) -> list[WireBar]:
        calls.append("asked")
        if len(calls) < 3:
            raise QuestionRefused(
                162, "Historical Market Data Service error message:API historical data query cancelled"
            )
        return [WireBar(1, "1770836400", 1.0, 2.0, 0.5, 1.5, 10.0)]

    history = IbHistory(ask, time.time_ns, retry_s=0.0)
    history.pace = HistoryPace(lambda: 100.0 * len(calls))
    ts = 1_770_836_400 * 10**9
    bars = await history.fetch(broker.contracts[AAPL], MINUTE_NS, ts, ts + MINUTE_NS)
    assert (len(bars), len(calls)) == (1, 3)


def test_the_pace_keeps_both_limits() -> None:
    now = 0.0
    pace = HistoryPace(lambda: now)
    assert pace.wait_s("a") == 0.0
    pace.sent("a")
    assert (pace.wait_s("a"), pace.wait_s("b")) == (15.0, 0.0)
    for number in range(59):
        now += 0.5
        pace.sent(number)
    assert pace.wait_s("c") == pytest.approx(600 - now)
    now = 600.5
    assert pace.wait_s("c") == 0.0


async def test_a_turn_is_waited_for() -> None:
    began = asyncio.get_running_loop().time()
    pace = HistoryPace(lambda: 14.9 + asyncio.get_running_loop().time() - began)
    pace.sent("a")
    await asyncio.wait_for(pace.turn("b"), 1.0)


def test_a_day_without_trades_is_counted_as_none() -> None:
    bar = to_bar(WireBar(1, "20260211", 1.0, 2.0, 0.5, 1.5, -1.0), AAPL, DAY_NS)
    assert (bar.ts_open, bar.volume) == (20_495 * DAY_NS, 0.0)
