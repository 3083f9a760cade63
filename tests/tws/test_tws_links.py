"""Lost links and data farms, stalls and pacing, seen by a client from which nothing is hidden."""

import asyncio

import pytest

from tests.tws.faults import OrdersWhileDown
from tests.tws.history_requests import ask_history, minutes
from tests.tws.raw_client import (
    COMMISSION,
    EXECUTION,
    RawClient,
    contract_fields,
    until,
)
from tests.tws.server import TwsEmulator


async def test_fills_during_a_lost_link_are_never_pushed(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="189")
    await raw.answered()
    tws.acts.lose_link()
    tws.quote("AAPL", 188.0, 188.5)
    tws.acts.restore_link()
    await raw.answered()
    assert raw.codes()[-2:] == [1100, 1102]
    assert not raw.of(EXECUTION)
    assert tws.position("AAPL") == 10
    raw.send(7, 3, 9, 0, "", "", "", "", "", "")
    await until(lambda: raw.of(55), "the executions")
    assert len(raw.of(EXECUTION)) == len(raw.of(COMMISSION)) == 1


@pytest.mark.parametrize(("policy", "position"), [(OrdersWhileDown.HELD, 1), (OrdersWhileDown.LOST, 0)])
async def test_orders_of_a_lost_link_are_held_or_lost(
    tws: TwsEmulator, raw: RawClient, policy: OrdersWhileDown, position: int
) -> None:
    tws.faults.orders_while_down = policy
    tws.acts.lose_link()
    raw.place(1, "BUY", 1)
    await raw.answered()
    assert tws.position("AAPL") == 0
    tws.acts.restore_link()
    assert tws.position("AAPL") == position


async def test_after_1101_the_subscriptions_are_gone(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(1, 11, 5, *contract_fields("AAPL"), 0, "", 0, 0, "")
    await until(lambda: raw.of(1), "ticks")
    tws.acts.lose_link()
    tws.acts.restore_link(data_lost=True)
    count = len(raw.of(1))
    tws.quote("AAPL", 189.0, 189.2)
    await raw.answered()
    assert raw.codes()[-1] == 1101
    assert len(raw.of(1)) == count


async def test_a_nightly_reset_ends_by_itself(tws: TwsEmulator, raw: RawClient) -> None:
    tws.acts.nightly_reset(0.02)
    await until(lambda: 1102 in raw.codes(), "the end")
    assert 1100 in raw.codes()


async def test_a_broken_server_link_is_told_as_2110(tws: TwsEmulator, raw: RawClient) -> None:
    tws.acts.break_server_link()
    await until(lambda: 2110 in raw.codes(), "the warning")
    assert tws.link_is_down


async def test_a_lost_data_farm_silences_ticks_and_history(tws: TwsEmulator, raw: RawClient) -> None:
    tws.load_bars(minutes(3))
    raw.send(1, 11, 5, *contract_fields("AAPL"), 0, "", 0, 0, "")
    await until(lambda: raw.of(1), "ticks")
    count = len(raw.of(1))
    tws.acts.lose_market_farm()
    tws.acts.lose_history_farm()
    tws.quote("AAPL", 180.0, 180.2)
    ask_history(raw, 6)
    await raw.answered()
    assert raw.codes()[-2:] == [2103, 2105]
    assert (len(raw.of(1)), raw.of(17)) == (count, [])
    tws.acts.restore_market_farm()
    tws.acts.restore_history_farm()
    tws.quote("AAPL", 181.0, 181.2)
    ask_history(raw, 7)
    await until(lambda: len(raw.of(1)) > count and raw.of(17), "data")


async def test_a_stalled_tws_neither_reads_nor_answers_until_it_goes_on(tws: TwsEmulator, raw: RawClient) -> None:
    tws.acts.stall()
    raw.place(1, "BUY", 1)
    raw.send(49, 1)
    async with RawClient(tws.port) as second:
        await asyncio.sleep(0.05)  # nothing comes: there is no condition to wait for
        assert second.version == 0
        assert not raw.of(49)
        assert tws.position("AAPL") == 0
        tws.acts.resume()
        await until(lambda: second.version and raw.of(COMMISSION), "the answers")


async def test_a_client_that_is_too_fast_is_warned_and_then_cut(raw: RawClient) -> None:
    for _ in range(160):
        raw.send(49, 1)
    await until(lambda: raw.is_closed, "the cut")
    assert raw.codes().count(100) == 3
