"""Messages that come to harm, commands that fail, and fills that beat them, seen by a client that hides nothing."""

from decimal import Decimal

import pytest

from tests.tws.faults import Harm, Spoil
from tests.tws.raw_client import EXECUTION, OPEN_ORDER, ORDER_STATUS, RawClient, until
from tests.tws.server import TwsEmulator


@pytest.mark.parametrize(
    ("harm", "told"), [(Harm.LOST, 0), (Harm.TWICE, 2), (None, 1)], ids=["lost", "twice", "unharmed"]
)
async def test_a_message_is_lost_or_comes_twice(tws: TwsEmulator, raw: RawClient, harm: Harm | None, told: int) -> None:
    if harm is not None:
        tws.faults.spoil.append(Spoil(EXECUTION, harm))
    raw.place(1, "BUY", 1)
    await raw.answered()
    assert len(raw.of(EXECUTION)) == told
    assert tws.faults.spoil == []
    raw.place(2, "BUY", 1)
    await raw.answered()
    assert len(raw.of(EXECUTION)) == told + 1  # once only


async def test_a_message_is_garbled(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.spoil.append(Spoil(OPEN_ORDER, Harm.GARBLED))
    raw.place(1, "BUY", 1, "LMT", limit="100")
    await raw.answered()
    assert [fields[0] for fields in raw.of(OPEN_ORDER)] == ["nonsense"]
    assert len(raw.of(ORDER_STATUS)) == 1


async def test_a_message_is_cut_in_half_with_its_socket(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.spoil.append(Spoil(OPEN_ORDER, Harm.CUT))
    raw.place(1, "BUY", 1, ref="mine")
    await until(lambda: raw.is_closed, "the cut")
    assert not raw.of(OPEN_ORDER)
    assert tws.order("mine").filled == 1


async def test_a_command_fails_with_a_code_and_is_not_carried_out(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.fail_orders.append(10_000)
    raw.place(1, "BUY", 1)
    raw.place(2, "BUY", 1, "LMT", limit="100")
    tws.faults.fail_cancels.append(10_001)
    raw.send(4, 1, 2, "")
    await raw.answered()
    assert {10_000, 10_001} <= set(raw.codes())
    assert [order.order_id for order in tws.working_orders()] == [2]


@pytest.mark.parametrize(("share", "filled"), [("0.5", 5), ("0.01", 1), ("1", 10)])
async def test_a_fill_beats_a_cancel(tws: TwsEmulator, raw: RawClient, share: str, filled: int) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="100", ref="mine")
    await raw.answered()
    tws.faults.fills_before_cancel.append(Decimal(share))
    raw.send(4, 1, 1, "")
    await raw.answered()
    order = tws.order("mine")
    assert order.filled == filled
    assert not order.is_open
    assert tws.position("AAPL") == filled


async def test_what_a_race_left_of_an_order_fills_for_no_more(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="100", ref="mine")
    await raw.answered()
    tws.faults.fills_before_change.append(Decimal("0.5"))
    raw.place(1, "BUY", 10, "LMT", limit="101", ref="mine")
    await raw.answered()
    tws.quote("AAPL", 99.0, 99.5)
    assert tws.order("mine").filled == tws.position("AAPL") == 10


async def test_a_mute_connection_stands_and_a_new_one_is_served(tws: TwsEmulator, raw: RawClient) -> None:
    tws.acts.mute(1)
    count = len(raw.messages)
    raw.place(1, "BUY", 1)
    async with RawClient(tws.port) as other:
        await other.start(2)
        await other.answered()
        assert len(raw.messages) == count
        assert not raw.is_closed
        assert not tws.truth().orders
