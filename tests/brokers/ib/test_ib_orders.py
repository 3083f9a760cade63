"""Our orders as the orders of TWS, and back; and the table of what it takes."""

import pytest
from tests.brokers.ib.making import D, order, resting, wire_order
from tradingd.brokers.ib.library import load_library
from tradingd.brokers.ib.model import IB
from tradingd.brokers.ib.orders import Terms, build_order, exact_float, read_terms
from tradingd.core.broker_model import refusals
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.orders import DenialCode, Order, OrderModification, OrderTerms, OrderType, Side, TimeInForce

SHARES = Instrument(
    symbol=order().symbol,
    asset_class=AssetClass.EQUITY,
    price_increment=D("0.01"),
    quantity_increment=D(1),
    min_quantity=D(1),
    fractionable=False,
)


def wanted(asked: Order) -> Terms:
    return Terms(quantity=asked.quantity, terms=asked.terms)


@pytest.mark.parametrize("text", ["100", "0.1", "189.97", "0.0001", "123456789.12", "-1.5"])
def test_a_figure_goes_out_as_it_was_meant(text: str) -> None:
    assert D(repr(exact_float(D(text)))) == D(text)


@pytest.mark.parametrize("text", ["0.10000000000000000001", "12345678901234567.89"])
def test_a_figure_that_no_double_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more digits"):
        exact_float(D(text))


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (order(), {"orderType": "MKT", "tif": "DAY", "action": "BUY", "totalQuantity": 100.0}),
        (resting(), {"orderType": "LMT", "lmtPrice": 180.0}),
        (order(order_type=OrderType.STOP, stop_price=D(195)), {"orderType": "STP", "auxPrice": 195.0}),
        (
            order(order_type=OrderType.STOP_LIMIT, stop_price=D(195), limit_price=D(196)),
            {"orderType": "STP LMT", "auxPrice": 195.0, "lmtPrice": 196.0},
        ),
        (
            order(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D(2), stop_price=D(188)),
            {"orderType": "TRAIL", "auxPrice": 2.0, "trailStopPrice": 188.0, "action": "SELL"},
        ),
        (order(order_type=OrderType.TRAILING_STOP, trail_percent=D("1.5")), {"trailingPercent": 1.5}),
        (order(time_in_force=TimeInForce.CLS), {"orderType": "MOC", "tif": "DAY"}),
        (resting(time_in_force=TimeInForce.CLS), {"orderType": "LOC", "tif": "DAY", "lmtPrice": 180.0}),
        (order(time_in_force=TimeInForce.OPG), {"orderType": "MKT", "tif": "OPG"}),
        (
            resting(time_in_force=TimeInForce.GTD, expires_ns=1_770_836_400 * 10**9),
            {"tif": "GTD", "goodTillDate": "20260211-19:00:00"},
        ),
        (resting(extended_hours=True), {"outsideRth": True}),
    ],
)
async def test_an_order_in_the_words_of_tws(asked: Order, fields: dict[str, object]) -> None:
    built = build_order(load_library(), asked, wanted(asked), order_id=12, account="DU1")
    assert {name: getattr(built, name) for name in fields} == fields
    assert (built.orderId, built.orderRef, built.account, built.transmit) == (12, "t-1", "DU1", True)


async def test_orders_of_one_group_cancel_each_other() -> None:
    built = build_order(load_library(), order(), wanted(order()), order_id=12, account="DU1", oca_group="g")
    assert (built.ocaGroup, built.ocaType) == ("g", 1)


def test_prices_that_a_type_does_not_have_are_left_out() -> None:
    assert read_terms(wire_order(order_type="MKT", limit_price=D(0))).terms == OrderTerms()
    assert read_terms(wire_order(order_type="MIDPRICE", limit_price=D(180))).terms.limit_price == 180
    assert read_terms(wire_order(order_type="REL", limit_price=D(0))).terms.order_type is OrderType.MARKET
    trailing = read_terms(wire_order(order_type="TRAIL", aux_price=D(0), trail_percent=D(2), trail_stop=D(185))).terms
    assert (trailing.trail_amount, trailing.trail_percent, trailing.stop_price) == (None, D(2), D(185))


def test_a_modify_changes_what_it_names() -> None:
    changed = wanted(resting()).changed_by(OrderModification(limit_price=D(181)))
    assert (changed.quantity, changed.terms.limit_price) == (D(100), D(181))
    assert not changed.says_the_same(wanted(resting()))
    assert wanted(resting()).changed_by(OrderModification(quantity=D(100))).says_the_same(wanted(resting()))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (order(quantity="1.5"), DenialCode.LOT),
        (order(time_in_force=TimeInForce.FOK), DenialCode.TIME_IN_FORCE),
        (order(extended_hours=True), DenialCode.EXTENDED_HOURS),
        (resting(price="180.001"), DenialCode.PRICE_TICK),
    ],
)
def test_what_is_refused_here_is_told_before_it_leaves(asked: Order, code: DenialCode) -> None:
    assert [breach.code for breach in refusals(IB, asked, SHARES, position=D(0), working=())] == [code]


@pytest.mark.parametrize(
    "asked",
    [
        order(side=Side.SELL, quantity="200"),  # through zero in one order
        resting(extended_hours=True, time_in_force=TimeInForce.GTC),
        resting(time_in_force=TimeInForce.FOK),
        order(time_in_force=TimeInForce.CLS),
    ],
)
def test_what_is_taken_there_passes(asked: Order) -> None:
    assert refusals(IB, asked, SHARES, position=D(100), working=()) == ()
