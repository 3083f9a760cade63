"""How the session comes up, goes down, and comes back, over the real library and an emulated TWS."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, SYMBOLS, D, Making, order, resting
from tests.brokers.scripted_venue import Recorder
from tests.tws.faults import OrdersWhileDown
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.broker_events import OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.orders import (
    CancelRefused,
    OrderAccepted,
    OrderCanceled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
)
from tradingd.errors import UsageError, VenueUnavailable

Running = Callable[[IbBroker], Any]
# Wednesday 14:00 and 00:30 in New York: a time of trading, and the nightly reset.
NOON_NS, NIGHT_NS = 1_770_836_400 * 10**9, 1_770_787_800 * 10**9


PATIENT_S = 30.0
"""A bound of the session itself that a busy machine does not reach."""


async def unreachables(recorder: Recorder) -> list[tuple[str, dict[str, object]]]:
    """Wait until the session says that it cannot be reached; message and details of each time it did."""

    def said() -> list[tuple[str, dict[str, object]]]:
        return [
            (message, dict(details))
            for name, message, details in recorder.problems
            if name == "broker.stream_unreachable"
        ]

    await recorder.wait(lambda: bool(said()))
    return said()


async def test_the_account_is_told(make_broker: Making) -> None:
    account = await make_broker().connect([AAPL])
    assert (account.account_id, account.account_kind, account.currency) == ("DU1234567", "paper", "USD")
    assert account.cash == account.equity == 1_000_000


@pytest.mark.parametrize(
    ("accounts", "arguments", "said"),
    [
        (("U7654321",), {}, "account_kind"),
        (("DU1",), {"account_kind": "live"}, "account_kind"),
        (("DU1", "DU2"), {}, "broker.account"),
        (("DU1",), {"account": "DU3"}, "no account DU3"),
    ],
    ids=["live behind paper", "paper behind live", "which of two", "not of this login"],
)
async def test_a_wrong_account_is_refused_before_any_order(
    recorder: Recorder, make_broker: Making, accounts: tuple[str, ...], arguments: dict[str, Any], said: str
) -> None:
    async with TwsEmulator(accounts=accounts) as tws:
        broker = make_broker(port=tws.port, **arguments)
        with pytest.raises(UsageError, match=said):
            await broker.connect([AAPL])
        async with asyncio.timeout(5):
            while tws.sessions:  # noqa: ASYNC110 - the emulator has no event for it; it has hung up, and does not keep the client id
                await asyncio.sleep(0.01)


async def test_one_of_several_accounts_is_traded(make_broker: Making, recorder: Recorder, running: Running) -> None:
    async with TwsEmulator(accounts=("DU1", "DU2")) as tws:
        tws.quote("AAPL", 189.9, 190.1)
        broker = make_broker(port=tws.port, account="DU2")
        await broker.connect([AAPL])
        async with running(broker):
            await recorder.first(OrderStreamUp)
            broker.submit(order())
            await recorder.first(OrderAccepted)
            assert tws.position("AAPL", "DU2") == 100
            assert len((await broker.snapshot(0)).positions) == 1
            await broker.close()


async def test_an_address_where_nothing_listens_is_waited_for(make_broker: Making, tws: TwsEmulator) -> None:
    tws.acts.shut_down()
    with pytest.raises(VenueUnavailable, match="nothing listens"):
        await make_broker(clock=lambda: NOON_NS).connect([AAPL])


async def test_a_gateway_that_waits_for_the_second_factor_is_waited_for(make_broker: Making, tws: TwsEmulator) -> None:
    tws.faults.mute_handshake = True
    with pytest.raises(VenueUnavailable, match="second factor"):
        await make_broker(timeout_s=0.2).connect([AAPL])


async def test_a_client_id_that_a_dead_socket_holds_is_waited_for(make_broker: Making, tws: TwsEmulator) -> None:
    first = make_broker()
    await first.connect([AAPL])
    tws.faults.client_id_linger_s = 1.0
    await first.close()
    second = make_broker()
    await second.connect([AAPL])
    assert list(tws.sessions) == [7]


async def test_a_client_id_in_use_is_refused_with_the_remedy(make_broker: Making) -> None:
    await make_broker().connect([AAPL])
    with pytest.raises(UsageError, match=r"broker\.client_id"):
        await make_broker(id_wait_s=0.2).connect([AAPL])


@pytest.mark.parametrize("symbol", ["NOSUCH", "ES"])
async def test_a_symbol_that_no_contract_fits_is_refused(make_broker: Making, symbol: str) -> None:
    with pytest.raises(UsageError, match=symbol):
        await make_broker().connect([Symbol(symbol)])


async def test_a_list_without_its_end_is_no_connection(make_broker: Making, tws: TwsEmulator) -> None:
    tws.faults.withhold_open_orders_end = True
    broker = make_broker(timeout_s=0.3)
    with pytest.raises(VenueUnavailable, match="open orders"):
        await broker.connect([AAPL])
    tws.faults.withhold_open_orders_end = False
    await broker.connect([AAPL])


async def test_commands_without_a_connection_are_not_sent(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker = make_broker()
    await broker.connect([AAPL])
    broker.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    tws.acts.shut_down()
    await recorder.wait(lambda: True)
    await broker.close()
    broker.submit(order("t-2"))
    broker.cancel(resting(), venue_id)
    assert [report.code for report in recorder.of(OrderRejected)] == ["not_sent"]
    assert len(recorder.of(CancelRefused)) == 1


@pytest.mark.parametrize("taken", [True, False])
async def test_an_order_at_a_cut_is_unknown_and_then_found_or_not(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator, taken: bool
) -> None:
    tws.faults.cut_after_orders, tws.faults.cut_before_orders = int(taken), int(not taken)
    broker.submit(resting())
    assert (await recorder.first(OrderUnknown)).client_order_id == "t-1"
    await recorder.first(OrderStreamDown)
    await recorder.first(OrderStreamUp, 2)
    found = await broker.find_order(ClientOrderId("t-1"))
    assert (found is not None) is taken
    if taken:
        # The list of open orders at the reconnect told it, with the name that it needs to be cancelled by.
        venue_id = (await recorder.first(OrderAccepted)).venue_order_id
        broker.cancel(resting(), venue_id)
        await recorder.first(OrderCanceled)


async def test_order_ids_never_go_back(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    broker.submit(resting("t-1"))
    await recorder.first(OrderAccepted)
    tws.faults.next_valid_id_shift = -50
    tws.acts.cut()
    await recorder.first(OrderStreamUp, 2)
    broker.submit(resting("t-2"))
    await recorder.first(OrderAccepted, 2)
    ids = [one.order_id for one in tws.truth().orders.values()]
    assert ids == sorted(set(ids))
    assert len(tws.working_orders()) == 2


async def test_a_new_process_knows_its_orders_again(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    first = make_broker()
    await first.connect([AAPL])
    first.submit(resting())
    venue_id = (await recorder.first(OrderAccepted)).venue_order_id
    await first.close()
    tws.faults.next_valid_id_shift = -50
    second = make_broker()
    second.adopt({venue_id: ClientOrderId("t-1")})
    await second.connect([AAPL])
    async with running(second):
        second.submit(resting("t-2"))
        await recorder.first(OrderAccepted, 2)
        second.modify(resting(), venue_id, OrderModification(quantity=D(70)))
        assert (await recorder.first(OrderReplaced)).quantity == 70
        second.cancel(resting(), venue_id)
        assert (await recorder.first(OrderCanceled)).client_order_id == "t-1"
    assert [one.order_ref for one in tws.working_orders()] == ["t-2"]


async def test_fills_while_the_link_is_down_are_in_the_next_snapshot(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(resting())
    await recorder.first(OrderAccepted)
    tws.acts.lose_link()
    assert "1100" in (await recorder.first(OrderStreamDown)).reason
    tws.quote("AAPL", 179.0, 179.5)
    tws.acts.restore_link()
    await recorder.first(OrderStreamUp, 2)
    snapshot = await broker.snapshot(0)
    assert [fill.quantity for fill in snapshot.fills] == [100]
    assert snapshot.positions[0].quantity == 100


@pytest.mark.parametrize("data_lost", [True, False])
async def test_the_link_is_back_with_1101_as_with_1102(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator, data_lost: bool
) -> None:
    tws.acts.lose_link()
    await recorder.first(OrderStreamDown)
    tws.acts.restore_link(data_lost=data_lost)
    await recorder.first(OrderStreamUp, 2)
    assert len(recorder.of(OrderStreamDown)) == 1


async def test_after_2110_a_farm_that_is_back_is_enough(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    tws.acts.break_server_link()
    assert "2110" in (await recorder.first(OrderStreamDown)).reason
    tws.link_is_down = False
    tws.acts.restore_market_farm()
    await recorder.first(OrderStreamUp, 2)


async def test_an_order_that_is_lost_while_the_link_is_down_is_unknown(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.acts.lose_link()
    await recorder.first(OrderStreamDown)
    tws.faults.orders_while_down = OrdersWhileDown.LOST
    broker.submit(order())
    await recorder.first(OrderUnknown)


async def test_a_start_while_the_link_is_down_waits_for_it(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    tws.acts.lose_link()
    broker = make_broker()
    await broker.connect([AAPL])
    async with running(broker):
        broker.submit(resting())
        await recorder.first(OrderUnknown)
        assert recorder.of(OrderStreamUp) == []
        tws.acts.restore_link()
        await recorder.first(OrderStreamUp)


async def test_a_host_that_falls_silent_is_found_out(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    broker = make_broker(probe_s=0.1, timeout_s=0.3)
    await broker.connect([AAPL])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        tws.acts.stall()
        assert "not answered" in (await recorder.first(OrderStreamDown)).reason
        tws.acts.resume()
        await recorder.first(OrderStreamUp, 2)


async def test_a_restart_of_the_gateway_is_waited_out(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    broker = make_broker(clock=lambda: NOON_NS, timeout_s=PATIENT_S, probe_s=PATIENT_S)
    await broker.connect([AAPL])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        tws.acts.shut_down()
        await recorder.first(OrderStreamDown)
        await unreachables(recorder)
        await tws.acts.start_up()
        await recorder.first(OrderStreamUp, 2)


async def test_at_night_a_disconnect_is_said_to_be_expected(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator, running: Running
) -> None:
    # On a busy machine an answer may take long: what is asked here must not fail for that.
    broker = make_broker(clock=lambda: NIGHT_NS, timeout_s=PATIENT_S, probe_s=PATIENT_S)
    await broker.connect([AAPL])
    async with running(broker):
        await recorder.first(OrderStreamUp)
        tws.acts.shut_down()
        assert "nightly reset" in (await recorder.first(OrderStreamDown)).reason
        unreachable = await unreachables(recorder)
        assert unreachable[0][1]["expected"] is True
        assert "nightly reset" in unreachable[0][0]


async def test_a_changed_port_is_followed(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    port = await tws.acts.change_port()
    await recorder.first(OrderStreamUp, 2)
    assert ("broker.port_changed", {"port": port}) in [(name, details) for name, _, details in recorder.problems]


async def test_another_account_after_a_login_is_refused(
    make_broker: Making, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker = make_broker()
    await broker.connect([AAPL])
    task = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    tws.accounts = ("U9",)
    tws.acts.cut()
    with pytest.raises(UsageError, match="live account"):
        async with asyncio.timeout(5):
            await task
    assert recorder.of(OrderStreamDown) != []


async def test_what_a_listener_raises_is_a_fault_of_the_program(
    make_broker: Making, recorder: Recorder, running: Running
) -> None:
    broker = make_broker()
    await broker.connect(SYMBOLS)
    async with running(broker):
        await recorder.first(OrderStreamUp)
        recorder.fault = RuntimeError("a fault")
        broker.submit(resting())
        await recorder.wait(lambda: bool(recorder.failures))
        assert str(recorder.failures[0]) == "a fault"
    recorder.failures.clear()
    recorder.fault = None


async def test_a_message_that_cannot_be_read_is_told_with_its_text(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    from tests.tws.wire import frame

    tws.sessions[7].send(frame(11, "nonsense"))
    await recorder.wait(lambda: any(name == "broker.frame_undecodable" for name, _, _ in recorder.problems))
    assert "nonsense" in recorder.problems[-1][2]["raw"]
    assert await broker.open_orders() == ()


@pytest.mark.parametrize("version", [157, 163, 164, 166, 170, 174, 176])
async def test_every_version_of_the_protocol_that_the_library_takes(
    make_broker: Making, recorder: Recorder, running: Running, version: int
) -> None:
    async with TwsEmulator(server_version=version, zone="UTC") as tws:
        tws.quote("AAPL", 189.9, 190.1)
        broker = make_broker(port=tws.port)
        await broker.connect([AAPL])
        async with running(broker):
            broker.submit(order())
            await recorder.first(OrderAccepted)
            broker.submit(resting("t-2"))
            await recorder.first(OrderAccepted, 2)
            snapshot = await broker.snapshot(0)
            assert [fill.quantity for fill in snapshot.fills] == [100]
            assert {view.client_order_id for view in snapshot.orders} == {"t-1", "t-2"}
            await broker.close()
