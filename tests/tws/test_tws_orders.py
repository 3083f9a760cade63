"""What becomes of orders: types, times in force, brackets, groups, changes, and the codes of refusals."""

from decimal import Decimal

import pytest

from tests.tws.raw_client import COMMISSION, EXECUTION, OPEN_ORDER, ORDER_STATUS, RawClient, until
from tests.tws.records import Status
from tests.tws.server import TwsEmulator


async def test_a_market_order_is_told_as_tws_tells_it(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 100)
    await until(lambda: raw.of(COMMISSION), "the commission")
    told = raw.order(OPEN_ORDER, ORDER_STATUS, EXECUTION, COMMISSION)
    assert told == [OPEN_ORDER, ORDER_STATUS, EXECUTION, OPEN_ORDER, ORDER_STATUS, COMMISSION]
    assert raw.statuses(1) == ["Submitted", "Filled"]
    assert tws.position("AAPL") == 100


async def test_a_fill_can_come_in_slices_each_with_its_own_commission(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.fill_slice = Decimal(40)
    raw.place(1, "BUY", 1000)
    await until(lambda: len(raw.of(COMMISSION)) == 25, "the commissions")
    assert sum(Decimal(fields[2]) for fields in raw.of(COMMISSION)) == 5
    assert len({fields[1] for fields in raw.of(COMMISSION)}) == 25


@pytest.mark.parametrize(
    ("order_type", "limit", "aux", "status"),
    [
        ("LMT", "189.00", "", "Submitted"),
        ("STP", "", "191.00", "PreSubmitted"),
        ("STP LMT", "192", "191", "PreSubmitted"),
    ],
)
async def test_an_order_that_waits_is_told_where_it_stands(
    raw: RawClient, order_type: str, limit: str, aux: str, status: str
) -> None:
    raw.place(1, "BUY", 10, order_type, limit=limit, aux=aux)
    await until(lambda: raw.statuses(1), "the status")
    assert raw.statuses(1) == [status]


async def test_a_stop_is_elected_by_a_print_and_then_fills(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "SELL", 10, "STP", aux="189.50")
    await raw.answered()
    tws.quote("AAPL", 189.2, 189.4)
    tws.trade("AAPL", 189.3)
    await until(lambda: "Filled" in raw.statuses(1), "the fill")
    assert tws.position("AAPL") == -10


async def test_a_trail_by_amount_follows_and_is_elected_on_the_way_back(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "SELL", 10, "TRAIL", aux="1.00")
    await raw.answered()
    tws.trade("AAPL", 195.0)
    assert tws.working_orders()[0].trail_stop_price == Decimal("194.0")
    tws.trade("AAPL", 194.0)
    await until(lambda: "Filled" in raw.statuses(1), "the fill")


async def test_immediate_orders_never_rest(tws: TwsEmulator, raw: RawClient) -> None:
    tws.quote("AAPL", 189.9, 190.1, ask_size=30)
    raw.place(1, "BUY", 100, "LMT", limit="190.10", tif="FOK")
    raw.place(2, "BUY", 100, "LMT", limit="190.10", tif="IOC")
    await until(lambda: "Cancelled" in raw.statuses(2), "the end")
    assert raw.statuses(1)[-1] == "Cancelled"
    assert tws.position("AAPL") == 30


async def test_a_gtd_order_ends_with_its_time() -> None:
    now = [1_764_000_000 * 10**9]
    async with TwsEmulator(clock=lambda: now[0]) as tws, RawClient(tws.port) as raw:
        await raw.start()
        tws.quote("AAPL", 189.9, 190.1)
        raw.place(1, "BUY", 1, "LMT", limit="100", tif="GTD", good_till="20251124 18:00:00 UTC")
        await raw.answered()
        assert raw.statuses(1) == ["Submitted"]
        now[0] += 10**9 * 7200
        await until(lambda: raw.statuses(1)[-1] == "Cancelled", "the expiry")
        assert raw.codes()[-1] == 202


async def test_day_orders_end_with_the_day_and_gtc_orders_stay(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 1, "LMT", limit="100")
    raw.place(2, "BUY", 1, "LMT", limit="100", tif="GTC")
    await raw.answered()
    tws.acts.end_day()
    assert [order.order_id for order in tws.working_orders()] == [2]


@pytest.mark.parametrize(
    ("order_type", "tif", "which"),
    [("MOC", "DAY", "CLS"), ("LOC", "DAY", "CLS"), ("MKT", "OPG", "OPG"), ("LMT", "OPG", "OPG")],
)
async def test_an_auction_order_waits_for_its_auction(
    tws: TwsEmulator, raw: RawClient, order_type: str, tif: str, which: str
) -> None:
    raw.place(1, "BUY", 5, order_type, limit="200" if order_type.startswith("L") else "", tif=tif)
    await raw.answered()
    assert raw.statuses(1) == ["PreSubmitted"]
    tws.acts.hold_auction("AAPL", "OPG" if which == "CLS" else "CLS", 188.0)
    assert tws.position("AAPL") == 0
    tws.acts.hold_auction("AAPL", which, 188.0)
    assert tws.position("AAPL") == 5


async def test_outside_regular_hours_only_marked_orders_trade(tws: TwsEmulator, raw: RawClient) -> None:
    tws.acts.set_hours(regular=False, extended=True)
    raw.place(1, "BUY", 1, "LMT", limit="191")
    raw.place(2, "BUY", 1, "LMT", limit="191", outside_rth=True)
    await until(lambda: "Filled" in raw.statuses(2), "the fill")
    assert raw.statuses(1) == ["PreSubmitted"]
    assert 399 in raw.codes()
    tws.acts.set_hours(regular=True)
    await until(lambda: "Filled" in raw.statuses(1), "the fill after the opening")


async def test_a_bracket_is_parked_until_its_last_order_and_begins_with_the_fill_of_the_first(
    tws: TwsEmulator, raw: RawClient
) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="189", transmit=False)
    raw.place(2, "SELL", 10, "LMT", limit="195", parent=1, transmit=False)
    await raw.answered()
    assert not raw.of(OPEN_ORDER)
    raw.place(3, "SELL", 10, "STP", aux="185", parent=1)
    await raw.answered()
    assert [raw.statuses(n) for n in (1, 2, 3)] == [["Submitted"], ["PreSubmitted"], ["PreSubmitted"]]
    tws.quote("AAPL", 188.5, 189.0)
    await until(lambda: "Submitted" in raw.statuses(2), "the profit taker at work")
    tws.quote("AAPL", 195.0, 195.2)
    await until(lambda: "Filled" in raw.statuses(2), "the profit")
    await raw.answered()
    assert raw.statuses(3)[-1] == "Cancelled"
    assert tws.position("AAPL") == 0
    assert not tws.working_orders()


async def test_the_orders_of_a_bracket_end_with_the_first(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="180", transmit=False)
    raw.place(2, "SELL", 10, "LMT", limit="195", parent=1)
    raw.send(4, 1, 1, "")
    await until(lambda: "Cancelled" in raw.statuses(2), "the end of the attached order")
    assert not tws.working_orders()


async def test_one_filled_order_of_a_group_cancels_the_others(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="189", oca="g", oca_type=1)
    raw.place(2, "BUY", 10, "LMT", limit="188", oca="g", oca_type=1)
    raw.place(3, "BUY", 10, "LMT", limit="188")
    await raw.answered()
    tws.quote("AAPL", 188.8, 189.0)
    await until(lambda: "Cancelled" in raw.statuses(2), "the other")
    assert [order.order_id for order in tws.working_orders()] == [3]


async def test_a_part_filled_in_a_reducing_group_reduces_the_others(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="189", oca="g", oca_type=3)
    raw.place(2, "BUY", 10, "LMT", limit="188", oca="g", oca_type=3)
    await raw.answered()
    tws.quote("AAPL", 188.8, 189.0, ask_size=4)
    assert [(o.order_id, int(o.remaining)) for o in tws.working_orders()] == [(1, 6), (2, 6)]
    tws.quote("AAPL", 187.8, 188.0)
    assert tws.position("AAPL") == 10


async def test_a_change_keeps_the_order_and_its_permanent_id(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 10, "LMT", limit="189")
    await raw.answered()
    perm_id = tws.working_orders()[0].perm_id
    raw.place(1, "BUY", 20, "LMT", limit="188.5")
    await raw.answered()
    (order,) = tws.working_orders()
    assert (order.perm_id, order.quantity, order.limit_price) == (perm_id, Decimal(20), Decimal("188.5"))
    raw.place(1, "BUY", 20, "LMT", limit="190.5")
    await until(lambda: "Filled" in raw.statuses(1), "the fill of what became marketable")


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"order_type": "LMT", "limit": "189.001"}, 110),
        ({"order_type": "STP", "aux": "189.001"}, 110),
        ({"order_type": "LMT"}, 321),
        ({"order_type": "PEG MID"}, 387),
        ({"tif": "XYZ"}, 201),
        ({"quantity": 0}, 434),
        ({"quantity": "1.5"}, 10243),
        ({"quantity": 1_000_000}, 201),
        ({"parent": 77}, 135),
        ({"exchange": "TSE"}, 200),
        ({"name": "PENY", "order_type": "LMT", "limit": "1.0001"}, 110),
    ],
)
async def test_an_order_that_is_none_gets_its_code(
    tws: TwsEmulator, raw: RawClient, terms: dict[str, object], code: int
) -> None:
    given = {"quantity": 1, "order_type": "MKT", **terms}
    raw.place(1, "BUY", given.pop("quantity"), given.pop("order_type"), **given)  # type: ignore[arg-type]  # a table
    await until(lambda: code in raw.codes(), f"code {code}")
    assert not tws.working_orders()
    assert tws.position("AAPL") == 0


async def test_ticks_depend_on_the_price(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 1, "LMT", name="PENY", limit="0.9999")
    await until(lambda: raw.statuses(1), "the order")
    assert 110 not in raw.codes()


async def test_ids_are_used_once_and_changes_fit_the_order(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(5, "BUY", 1)
    raw.place(4, "BUY", 1)
    await raw.answered()
    raw.place(5, "BUY", 1)
    await raw.answered()
    raw.place(6, "BUY", 1, "LMT", limit="100")
    raw.place(6, "SELL", 1, "LMT", limit="100")
    await raw.answered()
    assert [code for code in raw.codes() if code < 2000] == [103, 104, 105]
    assert tws.working_orders()[0].action == "BUY"


async def test_cancels_of_what_cannot_be_cancelled_get_their_code(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(4, 1, 99, "")
    raw.place(1, "BUY", 1)
    raw.send(4, 1, 1, "")
    tws.faults.hold_cancels = True
    raw.place(2, "BUY", 1, "LMT", limit="100")
    raw.send(4, 1, 2, "")
    await raw.answered()
    tws.faults.hold_cancels = False
    raw.send(4, 1, 2, "")
    await raw.answered()
    assert [code for code in raw.codes() if code not in range(2100, 2200)] == [10147, 10148, 161]
    tws.acts.finish_cancels()
    await until(lambda: raw.codes()[-1] == 202, "the cancel")


async def test_orders_of_others_are_seen_and_only_a_global_cancel_ends_them(tws: TwsEmulator, raw: RawClient) -> None:
    other = tws.acts.order_by_client(9, "AAPL", "BUY", Decimal(5), price=Decimal(180))
    by_hand = tws.acts.order_by_hand("AAPL", "BUY", Decimal(5), price=Decimal(180))
    raw.send(5, 1)
    await until(lambda: raw.of(53), "the end of the own orders")
    assert not raw.of(OPEN_ORDER)
    raw.send(16, 1)
    await until(lambda: len(raw.of(53)) == 2, "the end of all orders")
    told = [(fields[23], fields[24]) for fields in raw.of(OPEN_ORDER)]
    assert told == [("9", str(other.perm_id)), ("0", str(by_hand.perm_id))]
    raw.send(4, 1, other.order_id, "")
    await until(lambda: 10147 in raw.codes(), "the refusal")
    raw.send(58, 1)
    await raw.answered()
    assert not tws.working_orders()


async def test_client_0_binds_what_is_typed_and_the_master_hears_all() -> None:
    async with (
        TwsEmulator(master_client_id=8) as tws,
        RawClient(tws.port) as zero,
        RawClient(tws.port) as master,
        RawClient(tws.port) as third,
    ):
        tws.quote("AAPL", 189.9, 190.1)
        await zero.start(0)
        await master.start(8)
        await third.start(3)
        zero.send(15, 1, 1)
        await zero.answered()
        tws.acts.order_by_hand("AAPL", "BUY", Decimal(5), price=Decimal(180))
        await until(lambda: zero.of(100), "the binding")
        assert int(zero.of(100)[0][2]) < 0
        assert zero.statuses(tws.working_orders()[0].order_id) == ["Submitted"]
        third.place(1, "BUY", 1)
        await until(lambda: master.of(COMMISSION), "the master's commission report")
        assert not zero.of(EXECUTION)


async def test_positions_and_figures_follow_trades(tws: TwsEmulator, raw: RawClient) -> None:
    raw.send(61, 1)
    raw.send(6, 2, 1, "")
    raw.send(74, 1, 5, "DU1234567", "")
    raw.send(76, 1, 6, "DU1234567", "", 0)
    await until(lambda: raw.of(62) and raw.of(54) and raw.of(72) and raw.of(74), "the ends")
    raw.place(1, "BUY", 100)
    await until(lambda: raw.of(61) and raw.of(7) and raw.of(71), "the changes")
    assert raw.of(61)[-1][-2:] == ["100", "190.11"]
    raw.place(2, "SELL", 100)
    await until(lambda: raw.of(61)[-1][-2] == "0", "the flat position")
    assert Decimal(raw.of(COMMISSION)[-1][4]) == Decimal("-22.00")
    assert tws.truth().cash["DU1234567/USD"] == Decimal("999978.00")


async def test_a_read_only_api_takes_no_orders(tws: TwsEmulator, raw: RawClient) -> None:
    tws.faults.read_only = True
    raw.place(1, "BUY", 1)
    raw.send(4, 1, 1, "")
    raw.send(58, 1)
    await raw.answered()
    assert [code for code in raw.codes() if code < 2000] == [321, 321, 321]
    assert not tws.truth().orders


async def test_an_execution_can_be_corrected(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 100)
    await until(lambda: raw.of(COMMISSION), "the fill")
    (execution,) = tws.truth().executions
    corrected = tws.acts.correct_execution(execution.exec_id, Decimal("190.00"))
    await until(lambda: len(raw.of(EXECUTION)) == 2, "the correction")
    assert corrected.exec_id == execution.exec_id.removesuffix("01") + "02"
    assert tws.truth().cash["DU1234567/USD"] == Decimal("980999.00")
    raw.send(7, 3, 4, 0, "", "", "", "", "", "")
    await until(lambda: raw.of(55), "the end of the executions")
    assert [fields[13] for fields in raw.of(EXECUTION) if fields[0] == "4"] == [corrected.exec_id]


async def test_executions_can_be_filtered(tws: TwsEmulator, raw: RawClient) -> None:
    tws.quote("MSFT", 400.0, 400.2)
    raw.place(1, "BUY", 1)
    raw.place(2, "SELL", 1, name="MSFT")
    tws.acts.order_by_client(9, "AAPL", "BUY", Decimal(3), order_type="MKT")
    filters = {
        10: (0, "", "", "", "", "", ""),
        11: (0, "", "", "MSFT", "", "", ""),
        12: (9, "", "", "", "", "", ""),
        13: (0, "", "", "", "", "", "SELL"),
        14: (0, "", "20991231-00:00:00", "", "", "", ""),
    }
    for req_id, filtered in filters.items():
        raw.send(7, 3, req_id, *filtered)
    await until(lambda: len(raw.of(55)) == len(filters), "the ends")
    counts = {n: sum(fields[0] == str(n) for fields in raw.of(EXECUTION)) for n in filters}
    assert counts == {10: 3, 11: 1, 12: 1, 13: 1, 14: 0}


async def test_a_liquidation_is_a_fill_of_nobodys_order(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 100)
    await until(lambda: raw.of(COMMISSION), "the fill")
    tws.acts.liquidate("AAPL", Decimal(-100), Decimal("180.00"))
    await until(lambda: len(raw.of(COMMISSION)) == 2, "the liquidation")
    told = raw.of(EXECUTION)[-1]
    assert (told[1], told[21], told[22]) == ("-1", "0", "1")
    assert tws.position("AAPL") == 0


async def test_the_exchange_can_end_or_refuse_an_order_by_itself(tws: TwsEmulator, raw: RawClient) -> None:
    raw.place(1, "BUY", 1, "LMT", limit="100")
    raw.place(2, "BUY", 1, "LMT", limit="100")
    await raw.answered()
    first, second = tws.working_orders()
    tws.acts.end_order(first.perm_id, "Exchange closed")
    tws.acts.reject_order(second.perm_id, "No shares to be had")
    await raw.answered()
    assert (raw.statuses(1)[-1], raw.statuses(2)[-1]) == ("Cancelled", "Inactive")
    assert raw.codes()[-2:] == [202, 201]
    assert tws.truth().orders[second.perm_id].status is Status.INACTIVE


async def test_a_future_costs_margin_and_moves_cash_only_when_closed() -> None:
    async with TwsEmulator() as tws, RawClient(tws.port) as raw:
        await raw.start()
        tws.quote("ESZ6", 6000.00, 6000.25)
        raw.place(1, "BUY", 2, name="ESZ6")
        await until(lambda: raw.of(COMMISSION), "the fill")
        assert tws.truth().cash["DU1234567/USD"] == Decimal("999995.50")
        tws.quote("ESZ6", 6010.25, 6010.50)
        raw.place(2, "SELL", 2, name="ESZ6")
        await until(lambda: len(raw.of(COMMISSION)) == 2, "the fill")
        assert tws.truth().cash["DU1234567/USD"] == Decimal("1000991.00")
