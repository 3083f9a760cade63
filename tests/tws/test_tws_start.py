"""How sessions begin and end: client ids, order ids, refused and lost connections."""

import asyncio

import pytest

from tests.tws.raw_client import (
    RawClient,
    until,
)
from tests.tws.server import TwsEmulator


async def test_a_good_start_tells_accounts_the_next_id_and_the_farms(raw: RawClient) -> None:
    await until(lambda: len(raw.codes()) == 3, "the farms")
    assert raw.of(15) == [["1", "DU1234567"]]
    assert raw.of(9) == [["1", "1"]]
    assert raw.codes() == [2104, 2106, 2158]


async def test_a_client_id_is_taken_once(tws: TwsEmulator, raw: RawClient) -> None:
    async with RawClient(tws.port) as second:
        await second.start(1)
        await until(lambda: second.is_closed, "the close")
        assert second.codes() == [326]
    assert not raw.is_closed


async def test_a_half_dead_socket_keeps_its_client_id_for_a_while(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.client_id_linger_s = 60.0
    await raw.close()
    await until(lambda: not tws.sessions, "the end of the session")
    async with RawClient(tws.port) as second:
        await second.start(1)
        assert second.codes() == [326]
    tws.faults.client_id_linger_s = 0.0
    async with RawClient(tws.port) as third:
        await third.start(1)
        assert third.of(9)


@pytest.mark.parametrize(("shift", "told"), [(-100, "1"), (-2, "3"), (1000, "1005")])
async def test_the_next_valid_id_can_roll_back_or_jump(tws: TwsEmulator, raw: RawClient, shift: int, told: str) -> None:
    raw.place(4, "BUY", 1)
    await raw.answered()
    tws.faults.next_valid_id_shift = shift
    raw.send(8, 1, 1)
    await until(lambda: len(raw.of(9)) == 2, "the next id")
    assert raw.of(9)[-1][1] == told


async def test_the_floor_of_ids_outlives_the_connection(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(41, "BUY", 1)
    await raw.answered()
    await raw.close()
    await until(lambda: not tws.sessions, "the end of the session")
    async with RawClient(tws.port) as second:
        await second.start(1)
        assert second.of(9) == [["1", "42"]]


async def test_a_tws_that_waits_for_the_second_factor_never_tells_its_version(tws: TwsEmulator) -> None:
    tws.faults.mute_handshake = True
    async with RawClient(tws.port) as raw:
        await asyncio.sleep(0.05)  # nothing comes: there is no condition to wait for
        assert raw.version == 0
        assert not raw.is_closed


async def test_a_client_that_is_too_old_is_sent_away(tws: TwsEmulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", tws.port)
    writer.write(b"API\0\x00\x00\x00\x0av200..225 ")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_noise_on_the_port_is_hung_up_on(tws: TwsEmulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", tws.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_restart_refuses_connects_and_keeps_orders(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 1, "LMT", limit="100", tif="GTC")
    await raw.answered()
    tws.acts.shut_down()
    await until(lambda: raw.is_closed, "the close")
    with pytest.raises(ConnectionRefusedError):
        await RawClient(tws.port).open()
    await tws.acts.start_up()
    async with RawClient(tws.port) as again:
        await again.start(1)
        again.send(5, 1)
        await until(lambda: again.of(53), "the open orders")
        assert again.statuses(1) == ["Submitted"]


async def test_a_changed_port_is_told_before_the_drop(tws: TwsEmulator, raw: RawClient) -> None:
    before = tws.port
    port = await tws.acts.change_port()
    await until(lambda: raw.is_closed, "the drop")
    assert raw.codes()[-1] == 1300
    assert port != before
    async with RawClient(port) as again:
        await again.start(1)
        assert again.of(9)
