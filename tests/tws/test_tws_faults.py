"""The switches about orders and executions, seen by a client from which nothing is hidden."""

from decimal import Decimal

from tests.tws.faults import CommissionReports
from tests.tws.raw_client import (
    COMMISSION,
    EXECUTION,
    OPEN_ORDER,
    RawClient,
    until,
)
from tests.tws.server import TwsEmulator
from tests.tws.wire import UNSET_DOUBLE


async def test_a_swallowed_order_leaves_no_trace(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.swallow_orders = 2
    for order_id in (1, 2, 3):
        raw.place(order_id, "BUY", 1)
    await until(lambda: raw.of(COMMISSION), "the third order")
    assert [order.order_id for order in tws.truth().orders.values()] == [3]
    assert not raw.statuses(1)


async def test_an_order_can_be_taken_and_its_answer_lost(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.cut_after_orders = 1
    raw.place(1, "BUY", 1, ref="mine")
    await until(lambda: raw.is_closed, "the cut")
    assert not raw.of(OPEN_ORDER)
    assert tws.order("mine").filled == 1


async def test_a_socket_can_be_cut_before_an_order_is_taken(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.cut_before_orders = 1
    raw.place(1, "BUY", 1)
    await until(lambda: raw.is_closed, "the cut")
    assert not tws.truth().orders


async def test_an_order_and_a_cancel_can_be_refused_or_swallowed(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.reject_orders = 1
    tws.faults.swallow_cancels = 1
    raw.place(1, "BUY", 1)
    raw.place(2, "BUY", 1, "LMT", limit="100")
    raw.send(4, 1, 2, "")
    await raw.answered()
    assert 201 in raw.codes()
    assert [order.order_id for order in tws.working_orders()] == [2]
    raw.send(4, 1, 2, "")
    await raw.answered()
    assert not tws.working_orders()


async def test_a_preset_tells_that_it_set_the_time_in_force(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.presets_tell_tif = True
    raw.place(1, "BUY", 1, "LMT", limit="100", tif="")
    await until(lambda: 10349 in raw.codes(), "the notice")
    assert tws.working_orders()[0].tif == "DAY"


async def test_an_execution_can_come_before_its_order(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.execution_first = True
    raw.place(1, "BUY", 1)
    await until(lambda: raw.of(COMMISSION), "the fill")
    assert raw.order(OPEN_ORDER, EXECUTION)[0] == EXECUTION


async def test_statuses_can_be_doubled_left_out_or_late(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.duplicate_status = 2
    tws.faults.duplicate_executions = 1
    raw.place(1, "BUY", 1)
    await until(lambda: raw.of(COMMISSION), "the fill")
    assert raw.statuses(1) == ["Submitted"] * 3 + ["Filled"] * 3
    assert len({fields[13] for fields in raw.of(EXECUTION)}) == 1
    assert len(raw.of(EXECUTION)) == 2
    tws.faults.duplicate_status = tws.faults.duplicate_executions = 0
    tws.faults.drop_status = True
    raw.place(2, "BUY", 1)
    await until(lambda: len(raw.of(COMMISSION)) == 2, "the second fill")
    assert not raw.statuses(2)
    tws.faults.drop_status = False
    tws.faults.status_delay_s = 0.05
    raw.place(3, "BUY", 1)
    await until(lambda: len(raw.of(COMMISSION)) == 3, "the third fill")
    assert not raw.statuses(3)
    await until(lambda: "Filled" in raw.statuses(3), "the late status")


async def test_commission_reports_can_be_late(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.commission_reports = CommissionReports.LATE
    raw.place(1, "BUY", 1)
    await until(lambda: raw.of(EXECUTION), "the fill")
    await raw.answered()
    assert not raw.of(COMMISSION)
    tws.acts.send_commissions()
    await until(lambda: raw.of(COMMISSION), "the report")


async def test_commission_reports_can_be_missing_unset_or_provisional(tws: TwsEmulator, raw: RawClient) -> None:
    for order_id, kind in enumerate(
        (CommissionReports.MISSING, CommissionReports.SENTINEL, CommissionReports.PROVISIONAL), start=1
    ):
        tws.faults.commission_reports = kind
        raw.place(order_id, "BUY", 100)
        await until(lambda: len(raw.of(EXECUTION)) == len(tws.truth().executions) == order_id, "the fill")  # noqa: B023  # awaited before the loop goes on
    tws.acts.send_commissions()
    await raw.answered()
    ids = [execution.exec_id for execution in tws.truth().executions]
    told = [(fields[1], fields[2]) for fields in raw.of(COMMISSION)]
    assert told == [(ids[1], UNSET_DOUBLE), (ids[2], "0"), (ids[2], "1.00")]


async def test_ends_can_be_withheld_and_executions_forgotten(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 1)
    await until(lambda: raw.of(COMMISSION), "the fill")
    tws.faults.withhold_executions_end = True
    tws.faults.withhold_open_orders_end = True
    raw.send(7, 3, 1, 0, "", "", "", "", "", "")
    raw.send(5, 1)
    await raw.answered()
    assert (len(raw.of(EXECUTION)), raw.of(55), raw.of(53)) == (2, [], [])
    tws.faults.withhold_executions_end = False
    tws.faults.empty_executions = True
    raw.send(7, 3, 2, 0, "", "", "", "", "", "")
    await until(lambda: raw.of(55), "the end")
    assert len(raw.of(EXECUTION)) == 2


async def test_midnight_of_the_servers_zone_empties_the_executions() -> None:
    now = [1_764_000_000 * 10**9]
    async with TwsEmulator(clock=lambda: now[0]) as tws, RawClient(tws.port) as raw:
        await raw.start(1)
        tws.quote("AAPL", 189.9, 190.1)
        raw.place(1, "BUY", 1)
        await until(lambda: raw.of(COMMISSION), "the fill")
        now[0] += 86_400 * 10**9
        raw.send(7, 3, 2, 0, "", "", "", "", "", "")
        raw.send(99, 0)
        await until(lambda: raw.of(55) and raw.messages[-1] == ["102"], "the ends")
        assert len(raw.of(EXECUTION)) == 1
        assert not raw.of(101)
        assert tws.position("AAPL") == 1


async def test_only_own_executions_can_be_told(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.only_own_executions = True
    tws.acts.order_by_client(9, "AAPL", "BUY", Decimal(3), order_type="MKT")
    raw.send(7, 3, 2, 0, "", "", "", "", "", "")
    await until(lambda: raw.of(55), "the end")
    assert not raw.of(EXECUTION)
