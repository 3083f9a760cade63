"""Market data and history: who gets which, and when they get none."""

import time
from datetime import UTC, datetime

from tests.tws.history_requests import ask_history, minutes
from tests.tws.raw_client import (
    COMMISSION,
    EXECUTION,
    OPEN_ORDER,
    ORDER_STATUS,
    RawClient,
    contract_fields,
    until,
)
from tests.tws.server import TwsEmulator


async def test_without_a_subscription_there_are_delayed_ticks_for_who_asks(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.delayed_data = True
    request = (1, 11, 5, *contract_fields("AAPL"), 0, "", 0, 0, "")
    raw.send(*request)
    await until(lambda: 354 in raw.codes(), "the refusal")
    raw.send(59, 1, 3)
    raw.send(*request)
    await until(lambda: raw.of(1), "delayed ticks")
    assert 10167 in raw.codes()
    assert raw.of(58)[-1] == ["1", "5", "3"]
    assert {fields[2] for fields in raw.of(1)} == {"66", "67"}


async def test_a_competing_session_takes_the_data(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(1, 11, 5, *contract_fields("AAPL"), 0, "", 0, 0, "")
    await until(lambda: raw.of(1), "ticks")
    count = len(raw.of(1))
    tws.acts.begin_competing_session()
    tws.quote("AAPL", 180.0, 180.2)
    await raw.answered()
    assert raw.codes()[-1] == 10197
    assert len(raw.of(1)) == count
    tws.acts.end_competing_session()
    tws.quote("AAPL", 180.0, 180.2)
    await until(lambda: len(raw.of(1)) > count, "ticks again")


async def test_a_snapshot_ends(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(1, 11, 5, *contract_fields("AAPL"), 0, "", 1, 0, "")
    await until(lambda: raw.of(57), "the end")
    count = len(raw.of(1))
    tws.quote("AAPL", 180.0, 180.2)
    await raw.answered()
    assert len(raw.of(1)) == count


async def test_an_absent_side_is_told_as_minus_one(tws: TwsEmulator, raw: RawClient) -> None:
    tws.quote("AAPL", 189.0, 0.0, ask_size=0)
    raw.send(1, 11, 5, *contract_fields("AAPL"), 0, "", 0, 0, "")
    await until(lambda: len(raw.of(1)) == 2, "ticks")
    assert raw.of(1)[1][2:5] == ["2", "-1", "0"]


async def test_historical_pacing_is_that_of_interactive_brokers() -> None:
    now = [time.time_ns()]
    async with TwsEmulator(clock=lambda: now[0]) as tws, RawClient(tws.port) as raw:
        await raw.start(1)
        tws.load_bars(minutes(3))
        tws.faults.historical_pacing = True
        tws.faults.pace_limit = 0
        for req_id in (1, 2):
            ask_history(raw, req_id)
        await raw.answered()
        assert raw.codes()[-1] == 162
        now[0] += 16 * 10**9
        for n in range(60):
            ask_history(raw, 10 + n, duration=f"{n + 2} D")
        await raw.answered()
        assert raw.codes().count(162) == 2
        assert len(raw.of(17)) == 60


async def test_history_can_be_cut_short_empty_or_silent(tws: TwsEmulator, raw: RawClient) -> None:
    ask_history(raw, 1)
    await until(lambda: 162 in raw.codes(), "no data")
    tws.load_bars(minutes(5))
    tws.faults.historical_limit = 2
    ask_history(raw, 2)
    await until(lambda: raw.of(17), "the bars")
    assert raw.of(17)[0][3] == "2"
    tws.faults.historical_silent = True
    ask_history(raw, 3)
    await raw.answered()
    assert len(raw.of(17)) == 1


async def test_statuses_and_orders_are_told_alike_on_all_versions() -> None:
    counts = set()
    for version in (157, 176, 178):
        async with TwsEmulator(server_version=version) as tws, RawClient(tws.port) as raw:
            await raw.start(1)
            tws.quote("AAPL", 189.9, 190.1)
            raw.place(1, "BUY", 1)
            await until(lambda: raw.of(COMMISSION), "the fill")
            counts.add(tuple(raw.order(OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION)))
    assert len(counts) == 1


async def test_history_is_paged_by_its_end(tws: TwsEmulator, raw: RawClient) -> None:
    bars = minutes(10)
    tws.load_bars(bars)
    end = datetime.fromtimestamp(bars[6].ts_open // 10**9, UTC)
    raw.send(
        20, 1, *contract_fields("AAPL"), 0, f"{end:%Y%m%d %H:%M:%S} UTC", "1 min", "180 S", 0, "TRADES", 2, 0, ""
    )  # fmt: skip
    await until(lambda: raw.of(17), "the bars")
    assert raw.of(17)[0][4::8] == [str(bar.ts_open // 10**9) for bar in bars[3:6]]


async def test_an_ambiguous_description_gets_200(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(1, 11, 5, 0, "ES", "FUT", "", 0, "", "", "CME", "", "USD", "", "", 0, "", 0, 0, "")
    raw.send(1, 11, 6, 0, "ES", "FUT", "202612", 0, "", "", "CME", "", "USD", "", "", 0, "", 0, 0, "")
    await until(lambda: raw.of(58), "the one that is meant")
    assert [fields[1] for fields in raw.of(4) if fields[2] == "200"] == ["5"]
    assert raw.of(58)[0][1] == "6"
