"""Fees that come late or not at all, and corrections of executions."""

from decimal import Decimal

import pytest
from tests.brokers.ib.making import D, order
from tests.brokers.scripted_venue import Recorder
from tests.tws.faults import CommissionReports
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.core.identifiers import ExecutionId
from tradingd.core.orders import FeeReported, OrderFilled


@pytest.mark.parametrize("reports", [CommissionReports.LATE, CommissionReports.PROVISIONAL])
async def test_a_late_fee_is_told_when_it_comes(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator, reports: CommissionReports
) -> None:
    tws.faults.commission_reports = reports
    broker.submit(order())
    fill = await recorder.first(OrderFilled)
    assert fill.fee_pending
    before = len(recorder.of(FeeReported))
    tws.acts.send_commissions()
    last = await recorder.first(FeeReported, before + 1)
    assert last.fee == tws.truth().executions[0].commission


async def test_a_fee_without_a_figure_is_no_fee(broker: IbBroker, recorder: Recorder, tws: TwsEmulator) -> None:
    tws.faults.commission_reports = CommissionReports.SENTINEL
    broker.submit(order())
    await recorder.first(OrderFilled)
    snapshot = await broker.snapshot(0)
    assert snapshot.fills[0].fee_pending
    assert recorder.of(FeeReported) == []


async def test_a_corrected_price_is_told_and_is_no_other_execution(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    broker.submit(order())
    fill = await recorder.first(OrderFilled)
    tws.acts.correct_execution(fill.execution_id, D("189.5"))
    await recorder.wait(lambda: any(name == "broker.execution_revised" for name, _, _ in recorder.problems))
    snapshot = await broker.snapshot(0)
    assert [(one.execution_id, one.quantity) for one in snapshot.fills] == [(fill.execution_id, D(100))]
    assert len(recorder.of(OrderFilled)) == 1


async def test_a_corrected_quantity_adds_what_was_missing(
    broker: IbBroker, recorder: Recorder, tws: TwsEmulator
) -> None:
    tws.faults.fill_slice = Decimal(40)
    broker.submit(order(quantity="40"))
    fill = await recorder.first(OrderFilled)
    revised = tws.acts.correct_execution(fill.execution_id, fill.price, D(45))
    added = await recorder.first(OrderFilled, 2)
    assert (added.execution_id, added.quantity) == (revised.exec_id, 5)
    snapshot = await broker.snapshot(0)
    assert {one.execution_id: one.quantity for one in snapshot.fills} == {
        fill.execution_id: 40,
        ExecutionId(revised.exec_id): 5,
    }
