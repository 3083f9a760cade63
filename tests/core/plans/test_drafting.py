"""From a signal to a plan: what each venue needs help with, and what is refused."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.core.making import order as make_order
from tests.core.plans.bench import SHARES
from tradingd.brokers.alpaca.model import ALPACA, paper_venue_model
from tradingd.brokers.simulated.model import SIMULATED
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import PlanId, StrategyId, Symbol, TraceId
from tradingd.core.instruments import Instrument, default_instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import intend
from tradingd.core.orders import (
    DenialCode,
    Order,
    OrderTerms,
    OrderType,
    Side,
    SignalAction,
    TimeInForce,
    ValidationResponse,
)
from tradingd.core.plans.drafting import Venue, draft, draft_protection
from tradingd.core.plans.records import (
    EmulatedStop,
    ExistingPosition,
    Plan,
    RepriceEntry,
    Single,
    TwapEntry,
    UnfilledAction,
    UnfilledTimeout,
    ZeroCross,
)
from tradingd.core.signals import OcoSignal, Protection, Remainder, Reprice, TradingSignal, Twap

D = Decimal
BTC = default_instrument(Symbol("BTC/USD"))
COIN = msgspec.structs.replace(BTC, price_increment=D("0.01"), quantity_increment=D("0.0001"), min_quantity=D("0.0001"))
PAPER = paper_venue_model(always_open=True)
PATIENT = UnfilledTimeout(after_ns=5, action=UnfilledAction.CANCEL)


def terms(kind: OrderType = OrderType.MARKET, **changes: Any) -> OrderTerms:
    return OrderTerms(order_type=kind, **changes)


def build(
    wanted: OrderTerms, side: Side, quantity: str, instrument: Instrument, **wishes: Any
) -> tuple[TradingSignal, Order]:
    order = msgspec.structs.replace(make_order(quantity=quantity, side=side, symbol=instrument.symbol), terms=wanted)
    signal = TradingSignal(
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        action=SignalAction(side.value),
        quantity=order.quantity,
        terms=wanted,
        trace_id=order.trace_id,
        ts_event=1_000,
        **wishes,
    )
    return signal, order


def drafted(
    wanted: OrderTerms | None = None,
    *,
    side: Side = Side.BUY,
    quantity: str = "10",
    model: BrokerModel = PAPER,
    instrument: Instrument = SHARES,
    account: str = "0",
    working: tuple[Order, ...] = (),
    patience: UnfilledTimeout | None = None,
    **wishes: Any,
) -> Plan | ValidationResponse | None:
    signal, order = build(wanted or terms(), side, quantity, instrument, **wishes)
    venue = Venue(
        model=model, instrument=instrument, account=D(account), working=tuple(intend(other) for other in working)
    )
    return draft(signal, order, PlanId("p"), venue, patience)


def plan(*arguments: Any, **wishes: Any) -> Plan:
    made = drafted(*arguments, **wishes)
    assert isinstance(made, Plan), made
    return made


def codes(verdict: Plan | ValidationResponse | None) -> set[DenialCode]:
    assert isinstance(verdict, ValidationResponse), verdict
    return {breach.code for breach in verdict.breaches}


@pytest.mark.parametrize("kind", list(OrderType))
def test_an_order_that_the_venue_can_do_needs_no_plan(kind: OrderType) -> None:
    asked = terms(
        kind,
        limit_price=D(99) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=D(101) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        trail_amount=D(1) if kind is OrderType.TRAILING_STOP else None,
    )
    assert drafted(asked) is None
    assert drafted(asked, model=SIMULATED) is None


def test_a_stop_of_a_coin_is_watched_and_goes_at_market() -> None:
    made = plan(terms(OrderType.STOP, stop_price=D(101), time_in_force=TimeInForce.GTC), instrument=COIN)
    assert isinstance(made.method, EmulatedStop)
    assert made.method.sent == OrderTerms(time_in_force=TimeInForce.GTC)
    assert made.guard is None


def test_a_trail_of_a_coin_is_watched_and_its_faults_are_told_at_once() -> None:
    trailing = terms(OrderType.TRAILING_STOP, trail_percent=D(2), time_in_force=TimeInForce.GTC)
    assert isinstance(plan(trailing, instrument=COIN).method, EmulatedStop)
    both = msgspec.structs.replace(trailing, trail_amount=D(1))
    assert codes(drafted(both, instrument=COIN)) == {DenialCode.ORDER_TERMS}
    tiny = drafted(trailing, instrument=COIN, quantity="0.01")
    assert codes(tiny) == {DenialCode.ORDER_MINIMUM}


def test_a_time_to_end_at_is_kept_here() -> None:
    asked = terms(OrderType.LIMIT, limit_price=D(99), time_in_force=TimeInForce.GTD, expires_ns=9_000)
    made = plan(asked)
    assert (made.method, made.until_ns) == (
        Single(terms=terms(OrderType.LIMIT, limit_price=D(99), time_in_force=TimeInForce.GTC)),
        9_000,
    )
    assert drafted(asked, model=SIMULATED) is None
    assert codes(drafted(msgspec.structs.replace(asked, expires_ns=1_000))) == {DenialCode.ORDER_TERMS}


@pytest.mark.parametrize("tif", [TimeInForce.OPG, TimeInForce.CLS, TimeInForce.FOK])
def test_what_only_a_venue_can_do_is_left_to_its_refusal(tif: TimeInForce) -> None:
    assert drafted(terms(OrderType.STOP, stop_price=D(101), time_in_force=tif), instrument=COIN) is None
    assert drafted(terms(time_in_force=tif), instrument=COIN) is None


def test_an_order_across_zero_is_split_unless_the_position_is_promised() -> None:
    assert isinstance(plan(side=Side.SELL, quantity="15", account="10").method, ZeroCross)
    assert drafted(side=Side.SELL, quantity="10", account="10") is None
    assert drafted(side=Side.SELL, quantity="15", account="10", model=SIMULATED) is None
    promised = make_order("other", Side.SELL, "4", limit="120")
    assert drafted(side=Side.SELL, quantity="15", account="10", working=(promised,)) is None
    assert isinstance(plan(side=Side.BUY, quantity="15", account="-10").method, ZeroCross)


def test_patience_is_for_limit_orders_that_last() -> None:
    lasting = terms(OrderType.LIMIT, limit_price=D(99))
    assert plan(lasting, patience=PATIENT).patience == PATIENT
    assert drafted(terms(), patience=PATIENT) is None
    at_once = msgspec.structs.replace(lasting, time_in_force=TimeInForce.IOC)
    assert drafted(at_once, patience=PATIENT) is None


def test_slices_are_whole_shares_and_lots_of_coins() -> None:
    method = plan(algorithm=Twap(duration_s=60, slices=3)).method
    assert isinstance(method, TwapEntry)
    assert (method.slice_quantity, method.duration_ns, method.sends_rest) == (
        D(3),
        60 * NS_PER_SECOND,
        True,
    )
    coins = plan(
        terms(time_in_force=TimeInForce.GTC), algorithm=Twap(duration_s=60, slices=3), instrument=COIN, quantity="1"
    )
    assert isinstance(coins.method, TwapEntry)
    assert coins.method.slice_quantity == D("0.3333")
    assert codes(drafted(quantity="2", algorithm=Twap(duration_s=60, slices=3))) == {DenialCode.ORDER_TERMS}


def test_a_chase_has_its_bound_and_its_end() -> None:
    chase = Reprice(timeout_s=5, max_chase_pct=D(2), remainder=Remainder.MARKET)
    made = plan(algorithm=chase, side=Side.SELL)
    assert isinstance(made.method, RepriceEntry)
    assert made.method.bound == D(98)
    assert made.patience == UnfilledTimeout(after_ns=5 * NS_PER_SECOND, action=UnfilledAction.MARKET)


# -- how a position is left -------------------------------------------------------------------------------------------


def test_a_stop_rests_where_there_is_one() -> None:
    both = Protection(take_profit=D(110), stop_loss=D("95.005"))
    made = plan(protection=both).guard
    assert made is not None
    assert (made.stop_rests, made.waits, made.time_in_force) == (True, False, TimeInForce.GTC)
    assert made.fraction_time_in_force is TimeInForce.DAY
    assert made.protection.stop_loss == D("95.01")  # never further away than was asked for
    careful = plan(protection=both, model=ALPACA).guard
    assert careful is not None
    assert careful.waits
    coin = plan(terms(time_in_force=TimeInForce.GTC), protection=both, instrument=COIN).guard
    assert coin is not None
    assert not coin.stop_rests


def test_a_trail_is_the_venues_unless_there_is_a_target_beside_it() -> None:
    alone = plan(protection=Protection(trail_percent=D(2))).guard
    beside = plan(protection=Protection(trail_percent=D(2), take_profit=D(110))).guard
    assert alone is not None
    assert beside is not None
    assert (alone.trails_there, alone.stop_rests) == (True, True)
    assert (beside.trails_there, beside.stop_rests) == (False, True)


@pytest.mark.parametrize(("held", "side"), [("10", Side.BUY), ("-10", Side.SELL)])
def test_what_is_held_is_protected_on_its_own_side(held: str, side: Side) -> None:
    target, stop = ("110", "95") if side is Side.BUY else ("90", "105")
    wish = OcoSignal(
        strategy_id=StrategyId("s1"),
        symbol=SHARES.symbol,
        protection=Protection(take_profit=D(target), stop_loss=D(stop)),
        trace_id=TraceId("t"),
        ts_event=1,
    )
    venue = Venue(model=PAPER, instrument=SHARES, account=D(held), working=())
    made = draft_protection(wish, make_order(), PlanId("p"), venue, D(held))
    assert isinstance(made, Plan)
    assert (made.method, made.side, made.quantity) == (ExistingPosition(), side, D(10))
    mistaken = msgspec.structs.replace(wish, protection=Protection(take_profit=D(stop), stop_loss=D(target)))
    assert codes(draft_protection(mistaken, make_order(), PlanId("p"), venue, D(held))) == {DenialCode.ORDER_TERMS}
    assert codes(draft_protection(wish, make_order(), PlanId("p"), venue, D(0))) == {DenialCode.ORDER_TERMS}
