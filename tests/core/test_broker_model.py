"""What a venue would refuse about an order: a case for every code, and the whole table of what is taken."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from tests.core import making
from tradingd.brokers.alpaca.model import ALPACA, paper_venue_model
from tradingd.brokers.simulated.model import SIMULATED
from tradingd.core.broker_model import BrokerModel, ClassRules, Figure, refusals, replace_refusals
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, apply_report, intend
from tradingd.core.orders import (
    Breach,
    DenialCode,
    Order,
    OrderModification,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)

D = Decimal
C, T, F = DenialCode, OrderType, TimeInForce
EQUITY, CRYPTO = AssetClass.EQUITY, AssetClass.CRYPTO
ABC, BTC = Symbol("ABC"), Symbol("BTC/USD")
BUY, SELL = Side.BUY, Side.SELL


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND


MORNING = ns("2026-01-05T08:00:00-05:00")
NOON = ns("2026-01-05T12:00:00-05:00")


def terms(
    kind: OrderType = T.MARKET,
    tif: TimeInForce = F.DAY,
    *,
    limit: str | None = None,
    stop: str | None = None,
    trail: str | None = None,
    percent: str | None = None,
    expires: int | None = None,
    extended: bool = False,
) -> OrderTerms:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else D(text)

    return OrderTerms(
        order_type=kind,
        time_in_force=tif,
        limit_price=number(limit),
        stop_price=number(stop),
        trail_amount=number(trail),
        trail_percent=number(percent),
        expires_ns=expires,
        extended_hours=extended,
    )


def order(
    asked: OrderTerms,
    side: Side = BUY,
    quantity: str = "10",
    *,
    symbol: Symbol = ABC,
    at: int = NOON,
    name: str = "s1-1",
) -> Order:
    made = making.order(name, side, quantity, symbol=symbol)
    return msgspec.structs.replace(made, terms=asked, ts_created=at)


def working(asked: OrderTerms, side: Side, quantity: str = "10", symbol: Symbol = ABC) -> OrderState:
    made = order(asked, side, quantity, symbol=symbol, name="s2-7")
    return apply_report(intend(made), making.accepted("s2-7")).state


def instrument(symbol: Symbol = ABC, **changes: object) -> Instrument:
    return msgspec.structs.replace(default_instrument(symbol), **changes)


def codes(
    model: BrokerModel,
    made: Order,
    *,
    position: str = "0",
    peers: Iterable[OrderState] = (),
    traded: Instrument | None = None,
) -> list[DenialCode]:
    told = refusals(model, made, traded or instrument(made.symbol), position=D(position), working=peers)
    return [breach.code for breach in told]


ALONE: dict[str, tuple[Order, list[DenialCode]]] = {
    "a market order": (order(terms()), []),
    "a limit order before the open": (order(terms(T.LIMIT, F.GTC, limit="100", extended=True)), []),
    "a trailing stop in money": (order(terms(T.TRAILING_STOP, F.GTC, trail="1"), SELL), []),
    "a trailing stop in percent": (order(terms(T.TRAILING_STOP, percent="1.5"), SELL), []),
    "an order on open": (order(terms(T.LIMIT, F.OPG, limit="100"), at=MORNING), []),
    "half a share for the day": (order(terms(), quantity="0.5"), []),
    "a coin": (order(terms(T.MARKET, F.GTC), quantity="0.5", symbol=BTC), []),
    "a type that the class does not have": (order(terms(T.STOP, F.GTC, stop="90"), symbol=BTC), [C.ORDER_TYPE]),
    "a type that no coin trails by": (order(terms(T.TRAILING_STOP, F.GTC, trail="1"), symbol=BTC), [C.ORDER_TYPE]),
    "a time in force that the type does not have": (order(terms(T.STOP, F.IOC, stop="110")), [C.TIME_IN_FORCE]),
    "an order good till a date": (order(terms(T.MARKET, F.GTD, expires=NOON + 1)), [C.TIME_IN_FORCE]),
    "a stop in the auction": (order(terms(T.STOP, F.OPG, stop="110"), at=MORNING), [C.TIME_IN_FORCE]),
    "an order on open too late": (order(terms(T.MARKET, F.OPG)), [C.TIME_IN_FORCE]),
    "an order on close too late": (
        order(terms(T.MARKET, F.CLS), at=ns("2026-01-05T15:50:00-05:00")),
        [C.TIME_IN_FORCE],
    ),
    "a market order outside the session": (order(terms(extended=True)), [C.EXTENDED_HOURS]),
    "an immediate order outside the session": (
        order(terms(T.LIMIT, F.IOC, limit="100", extended=True)),
        [C.EXTENDED_HOURS],
    ),
    "a limit order without a limit": (order(terms(T.LIMIT)), [C.ORDER_TERMS]),
    "a market order with a limit": (order(terms(limit="100")), [C.ORDER_TERMS]),
    "a stop order without a stop": (order(terms(T.STOP)), [C.ORDER_TERMS]),
    "a limit order with a stop": (order(terms(T.LIMIT, limit="100", stop="99")), [C.ORDER_TERMS]),
    "a stop-limit order with neither": (order(terms(T.STOP_LIMIT)), [C.ORDER_TERMS, C.ORDER_TERMS]),
    "a trail with both distances": (order(terms(T.TRAILING_STOP, trail="1", percent="1"), SELL), [C.ORDER_TERMS]),
    "a trail with no distance": (order(terms(T.TRAILING_STOP), SELL), [C.ORDER_TERMS]),
    "a trail of nothing": (order(terms(T.TRAILING_STOP, trail="0"), SELL), [C.ORDER_TERMS]),
    "a trail that is no number": (order(terms(T.TRAILING_STOP, percent="NaN"), SELL), [C.ORDER_TERMS]),
    "a trail of everything": (order(terms(T.TRAILING_STOP, percent="100"), SELL), [C.ORDER_TERMS]),
    "a trailing stop with a limit": (order(terms(T.TRAILING_STOP, trail="1", limit="90"), SELL), [C.ORDER_TERMS]),
    "a market order that trails": (order(terms(trail="1")), [C.ORDER_TERMS]),
    "a day order with an end": (order(terms(expires=NOON + 1)), [C.ORDER_TERMS]),
    "a limit off the tick": (order(terms(T.LIMIT, limit="100.005")), [C.PRICE_TICK]),
    "a stop off the tick": (order(terms(T.STOP, stop="110.001")), [C.PRICE_TICK]),
    "four decimals below a dollar": (order(terms(T.LIMIT, limit="0.1234")), []),
    "five decimals below a dollar": (order(terms(T.LIMIT, limit="0.12345")), [C.PRICE_TICK]),
    "less than the smallest step": (order(terms(), quantity="1.0000000001"), [C.LOT]),
    "half a share till cancelled": (order(terms(T.LIMIT, F.GTC, limit="100"), quantity="0.5"), [C.LOT]),
    "half a share sold short": (order(terms(), SELL, "0.5"), [C.LOT]),
    "a coin that is not held": (order(terms(T.MARKET, F.GTC), SELL, symbol=BTC), [C.SHORT_NOT_ALLOWED]),
    "a coin worth less than ten dollars": (
        order(terms(T.LIMIT, F.GTC, limit="9"), quantity="1", symbol=BTC),
        [C.ORDER_MINIMUM],
    ),
    "everything at once": (
        order(terms(T.STOP, F.IOC, limit="1.001", expires=1), quantity="0.5", at=NOON),
        [C.TIME_IN_FORCE, C.ORDER_TERMS, C.ORDER_TERMS, C.ORDER_TERMS, C.PRICE_TICK, C.LOT],
    ),
    "figures that are no numbers are left to the risk rules": (order(terms(T.LIMIT, limit="NaN"), quantity="NaN"), []),
    "a quantity of nothing is left to the risk rules": (order(terms(), quantity="0"), []),
}


@pytest.mark.parametrize(("made", "expected"), ALONE.values(), ids=ALONE.keys())
def test_an_order_by_itself(made: Order, expected: list[DenialCode]) -> None:
    assert codes(ALPACA, made) == expected


LIMIT_100 = terms(T.LIMIT, limit="100")
AMONG_OTHERS: dict[str, tuple[Order, str, Sequence[OrderState], list[DenialCode]]] = {
    "a sale of what is held": (order(terms(), SELL, "10"), "10", (), []),
    "a sale of more than is held": (order(terms(), SELL, "11"), "10", (), [C.ZERO_CROSSING]),
    "a purchase beyond a short": (order(terms(), BUY, "11"), "-10", (), [C.ZERO_CROSSING]),
    "a sale of what another order sells": (
        order(terms(), SELL, "6"), "10", (working(LIMIT_100, SELL, "5"),), [C.ZERO_CROSSING],
    ),
    "a sale of what is left": (order(terms(), SELL, "5"), "10", (working(LIMIT_100, SELL, "5"),), []),
    "a longer short": (order(terms(), SELL, "11"), "-10", (), []),
    "a purchase on top": (order(terms(), BUY, "11"), "10", (), []),
    "a part of a coin worth little, sold": (
        order(terms(T.MARKET, F.GTC), SELL, "0.01", symbol=BTC), "1", (), [],
    ),
    "a limit that meets our own": (
        order(terms(T.LIMIT, limit="100"), SELL), "10", (working(LIMIT_100, BUY),), [C.SELF_CROSS],
    ),
    "a limit away from our own": (order(terms(T.LIMIT, limit="100.01"), SELL), "10", (working(LIMIT_100, BUY),), []),
    "a market order against our own limit": (order(terms(), BUY), "10", (working(LIMIT_100, SELL),), [C.SELF_CROSS]),
    "a market order against our own stop": (
        order(terms(), BUY), "10", (working(terms(T.STOP, stop="90"), SELL),), [C.SELF_CROSS],
    ),
    "a limit below our own stop": (
        order(terms(T.LIMIT, limit="89"), BUY), "10", (working(terms(T.STOP, stop="90"), SELL),), [],
    ),
    "a limit while our own trails": (
        order(terms(T.LIMIT, limit="89"), BUY), "10", (working(terms(T.TRAILING_STOP, trail="5"), SELL),), [],
    ),
    "two stops that wait": (
        order(terms(T.STOP, stop="110"), BUY), "10", (working(terms(T.STOP, stop="90"), SELL),), [],
    ),
    "an order of another symbol": (order(terms(), BUY), "0", (working(LIMIT_100, SELL, symbol=Symbol("X")),), []),
    "an order that takes its own place": (
        order(terms(T.LIMIT, limit="101"), SELL, "10", name="s2-7"), "10", (working(LIMIT_100, SELL),), [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "position", "peers", "expected"), AMONG_OTHERS.values(), ids=AMONG_OTHERS.keys())
def test_an_order_among_others(
    made: Order, position: str, peers: Sequence[OrderState], expected: list[DenialCode]
) -> None:
    assert codes(ALPACA, made, position=position, peers=peers) == expected


def test_a_terminal_order_is_in_nobodys_way() -> None:
    over = apply_report(working(LIMIT_100, BUY), making.canceled("s2-7")).state
    assert codes(ALPACA, order(LIMIT_100, SELL), position="10", peers=[over]) == []


def test_an_instrument_has_its_own_minimum_lot_and_no_shorts() -> None:
    coarse = instrument(quantity_increment=D(100), min_quantity=D(200), fractionable=False, shortable=False)
    assert codes(ALPACA, order(terms(), quantity="150"), traded=coarse) == [C.LOT, C.ORDER_MINIMUM]
    assert codes(ALPACA, order(terms(), SELL, "200"), traded=coarse) == [C.SHORT_NOT_ALLOWED]
    whole = instrument(fractionable=False)
    assert codes(ALPACA, order(terms(), quantity="0.5"), traded=whole) == [C.LOT]
    dear = instrument(min_notional=D(2000))
    assert codes(ALPACA, order(terms()), traded=dear) == [C.ORDER_MINIMUM]
    assert codes(ALPACA, order(terms()), position="-10", traded=dear) == []


def test_a_class_that_the_venue_does_not_trade() -> None:
    shares_only = msgspec.structs.replace(ALPACA, by_class={EQUITY: ALPACA.by_class[EQUITY]})
    assert codes(shares_only, order(terms(T.MARKET, F.GTC), symbol=BTC)) == [C.ORDER_TYPE]
    assert not shares_only.supports(terms(T.MARKET, F.GTC), CRYPTO)


def test_a_venue_that_trails_in_one_way() -> None:
    rules = ClassRules(pairs=frozenset({(T.TRAILING_STOP, F.DAY)}), trail_by_percent=False)
    model = BrokerModel(name="X", by_class={EQUITY: rules})
    assert model.supports(terms(T.TRAILING_STOP, trail="1"), EQUITY)
    assert not model.supports(terms(T.TRAILING_STOP, percent="1"), EQUITY)
    assert codes(model, order(terms(T.TRAILING_STOP, percent="1"), SELL)) == [C.ORDER_TYPE]


def test_a_venue_that_does_not_look_refuses_no_crossing() -> None:
    crossing = order(terms(), SELL, "11")
    assert codes(SIMULATED, crossing, position="10", peers=[working(LIMIT_100, BUY)]) == []


def test_the_paper_venue_compares_limit_orders_alone_and_may_never_close() -> None:
    always, exchange = paper_venue_model(always_open=True), paper_venue_model(always_open=False)
    assert codes(always, order(terms()), peers=[working(LIMIT_100, SELL)]) == []
    assert codes(always, order(LIMIT_100), peers=[working(LIMIT_100, SELL)]) == [C.SELF_CROSS]
    assert codes(always, order(terms(T.MARKET, F.OPG))) == []
    assert codes(exchange, order(terms(T.MARKET, F.OPG))) == [C.TIME_IN_FORCE]


def test_good_till_a_date_needs_one_to_come() -> None:
    assert codes(SIMULATED, order(terms(T.MARKET, F.GTD))) == [C.ORDER_TERMS]
    assert codes(SIMULATED, order(terms(T.MARKET, F.GTD, expires=NOON))) == [C.ORDER_TERMS]
    assert codes(SIMULATED, order(terms(T.MARKET, F.GTD, expires=NOON + 1))) == []


@pytest.mark.parametrize("asset_class", AssetClass)
@pytest.mark.parametrize("model", [ALPACA, SIMULATED], ids=lambda model: model.name)
def test_supports_is_the_table_of_pairs(model: BrokerModel, asset_class: AssetClass) -> None:
    rules = model.by_class.get(asset_class, ClassRules(pairs=frozenset()))
    for kind in OrderType:
        for tif in TimeInForce:
            assert model.supports(terms(kind, tif), asset_class) is ((kind, tif) in rules.pairs)
            extended = model.supports(terms(kind, tif, extended=True), asset_class)
            assert extended is ((kind, tif) in rules.pairs & rules.extended_hours)
    assert rules.extended_hours <= rules.pairs
    assert rules.fractional <= rules.pairs


REPLACEMENTS: dict[str, tuple[OrderTerms, OrderModification, list[DenialCode]]] = {
    "a new quantity": (terms(), OrderModification(quantity=D(5)), []),
    "a new limit": (terms(T.LIMIT, limit="100"), OrderModification(limit_price=D(99)), []),
    "a limit that the order has not": (terms(), OrderModification(limit_price=D(99)), [C.ORDER_TERMS]),
    "a stop of one that trails": (
        terms(T.TRAILING_STOP, trail="1"),
        OrderModification(stop_price=D(99)),
        [C.ORDER_TERMS],
    ),
    "a new trail": (terms(T.TRAILING_STOP, trail="1"), OrderModification(trail_amount=D(2)), []),
    "a trail in the other unit": (
        terms(T.TRAILING_STOP, trail="1"),
        OrderModification(trail_percent=D(2)),
        [C.ORDER_TERMS],
    ),
    "a trail in the one unit": (
        terms(T.TRAILING_STOP, percent="1"),
        OrderModification(trail_amount=D(2)),
        [C.ORDER_TERMS],
    ),
    "a trail of an order that does not": (terms(), OrderModification(trail_amount=D(2)), [C.ORDER_TERMS]),
}


@pytest.mark.parametrize(("asked", "details", "expected"), REPLACEMENTS.values(), ids=REPLACEMENTS.keys())
def test_new_terms(asked: OrderTerms, details: OrderModification, expected: list[DenialCode]) -> None:
    assert [breach.code for breach in replace_refusals(ALPACA, asked, details, EQUITY)] == expected


def test_a_venue_that_cannot_change_a_figure() -> None:
    fixed = ClassRules(pairs=frozenset({(T.LIMIT, F.DAY)}), replaceable=frozenset({Figure.LIMIT}))
    model = BrokerModel(name="X", by_class={EQUITY: fixed})
    details = OrderModification(quantity=D(5), limit_price=D(99))
    (breach,) = replace_refusals(model, terms(T.LIMIT, limit="100"), details, EQUITY)
    assert breach.message == "X cannot change the quantity of a working order: cancel the order and send another"


def test_every_refusal_says_what_to_do_about_it() -> None:
    told: list[Breach] = []
    for made, _ in ALONE.values():
        told += refusals(ALPACA, made, instrument(made.symbol), position=D(0), working=())
    for made, position, peers, _ in AMONG_OTHERS.values():
        told += refusals(ALPACA, made, instrument(made.symbol), position=D(position), working=peers)
    assert {breach.code for breach in told} == {
        C.ORDER_TYPE,
        C.TIME_IN_FORCE,
        C.EXTENDED_HOURS,
        C.ORDER_TERMS,
        C.PRICE_TICK,
        C.LOT,
        C.ORDER_MINIMUM,
        C.SHORT_NOT_ALLOWED,
        C.ZERO_CROSSING,
        C.SELF_CROSS,
    }
    silent = [breach.message for breach in told if ":" not in breach.message and ", not " not in breach.message]
    assert silent == []
