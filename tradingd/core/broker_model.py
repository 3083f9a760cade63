"""What one venue takes, as data, and the judgement of an order against it before it leaves.

Owns the rules that every venue's description is read by. Reads an order, its instrument, the position and the working
orders; emits breaches, each with the remedy. Never knows a venue's name or the present time: tables of venues stand in
`brokers/`, and an order brings the time that it was made at.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.instruments import AssetClass, Instrument, is_sensible
from tradingd.core.order_state import OrderState
from tradingd.core.orders import (
    ZERO,
    Breach,
    DenialCode,
    Order,
    OrderModification,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)
from tradingd.core.sessions import is_past_auction_cutoff

_ONE, _HUNDRED = Decimal(1), Decimal(100)
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)

Pair = tuple[OrderType, TimeInForce]


class Figure(StrEnum):
    """What new terms may change."""

    QUANTITY = "quantity"
    LIMIT = "limit price"
    STOP = "stop price"
    TRAIL = "trail"


class ClassRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue takes of one asset class."""

    pairs: frozenset[Pair]
    """Types with the times in force that they are taken with."""
    extended_hours: frozenset[Pair] = frozenset()
    """Those of them that may trade outside the regular session."""
    fractional: frozenset[Pair] = frozenset()
    """Those of them that may ask for part of a unit; of an asset class without whole units, all."""
    trail_by_amount: bool = True
    trail_by_percent: bool = True
    replaceable: frozenset[Figure] = frozenset(Figure)
    min_notional: Decimal = ZERO
    """Least value of an order that opens or enlarges a position."""
    shortable: bool = True


class BrokerModel(msgspec.Struct, frozen=True, kw_only=True):
    """One venue."""

    name: str
    by_class: Mapping[AssetClass, ClassRules]
    splits_zero_crossing: bool = False
    """True where one order may not turn a long position into a short one, or back: it has to be sent as two."""
    refuses_self_cross: frozenset[OrderType] = frozenset()
    """Types that the venue will not take while they could trade with an order of the same account, nor such against
    them; empty where it does not look."""
    auction_cutoffs: bool = False
    """True where OPG and CLS orders are refused from shortly before the auction until the evening."""

    def supports(self, terms: OrderTerms, asset_class: AssetClass) -> bool:
        """Tell whether the venue itself can do what the terms ask for, complete or not."""
        return not _unsupported(self, terms, asset_class)


def refusals(
    model: BrokerModel,
    order: Order,
    instrument: Instrument,
    *,
    position: Decimal,
    working: Iterable[OrderState],
) -> tuple[Breach, ...]:
    """Everything that the venue would refuse about an order; `position` is the account's, `working` all open orders.

    Figures that are no positive numbers are left to the risk rules, which name them.
    """
    terms = order.terms
    breaches = _unsupported(model, terms, instrument.asset_class)
    breaches += _incomplete(order)
    if model.auction_cutoffs and is_past_auction_cutoff(terms.time_in_force, order.ts_created):
        breaches.append(
            _breach(
                DenialCode.TIME_IN_FORCE,
                f"{model.name} takes no {terms.time_in_force} orders now: send it before 09:28 (OPG) or 15:50 (CLS), "
                "or after 19:00, New York time",
            )
        )
    breaches += _off_tick(order, instrument)
    rules = model.by_class.get(instrument.asset_class)
    if rules is None or not is_sensible(order.quantity) or order.quantity <= 0:
        return tuple(breaches)
    peers = []
    if model.splits_zero_crossing or model.refuses_self_cross:
        peers = [
            state
            for state in working
            if state.order.symbol == order.symbol
            and state.client_order_id != order.client_order_id
            and state.open_quantity > 0
        ]
    breaches += _off_lot(model, rules, order, instrument)
    breaches += _too_small(model, rules, order, instrument, position)
    breaches += _wrong_side_of_zero(model, rules, order, instrument, position=position, peers=peers)
    breaches += _self_cross(model, order, peers)
    return tuple(breaches)


def replace_refusals(
    model: BrokerModel, terms: OrderTerms, details: OrderModification, asset_class: AssetClass
) -> tuple[Breach, ...]:
    """What the venue would refuse about new terms because of which figures they change."""
    rules = model.by_class.get(asset_class)
    changed = {
        Figure.QUANTITY: details.quantity is not None,
        Figure.LIMIT: details.limit_price is not None,
        Figure.STOP: details.stop_price is not None,
        Figure.TRAIL: details.trail_amount is not None or details.trail_percent is not None,
    }
    trails = terms.order_type is OrderType.TRAILING_STOP
    has = {
        Figure.QUANTITY: True,
        Figure.LIMIT: terms.order_type in _LIMITED,
        Figure.STOP: terms.order_type in _STOPS and not trails,
        Figure.TRAIL: trails,
    }
    breaches = []
    for figure in Figure:
        if not changed[figure]:
            continue
        if not has[figure]:
            breaches.append(
                _breach(DenialCode.ORDER_TERMS, f"a {terms.order_type} order has no {figure} to change: leave it out")
            )
        elif rules is None or figure not in rules.replaceable:
            remedy = "cancel the order and send another"
            breaches.append(
                _breach(DenialCode.ORDER_TERMS, f"{model.name} cannot change the {figure} of a working order: {remedy}")
            )
    if details.trail_amount is not None and terms.trail_percent is not None:
        breaches.append(_breach(DenialCode.ORDER_TERMS, "the order trails by percent: change trail_percent"))
    if details.trail_percent is not None and terms.trail_amount is not None:
        breaches.append(_breach(DenialCode.ORDER_TERMS, "the order trails by amount: change trail_amount"))
    return tuple(breaches)


# -- what the venue can do at all -------------------------------------------------------------------------------------


def _unsupported(model: BrokerModel, terms: OrderTerms, asset_class: AssetClass) -> list[Breach]:
    rules = model.by_class.get(asset_class)
    if rules is None:
        return [_breach(DenialCode.ORDER_TYPE, f"{model.name} does not trade {asset_class}: use another broker")]
    pair = (terms.order_type, terms.time_in_force)
    if pair not in rules.pairs:
        times = _listed(time for kind, time in rules.pairs if kind is terms.order_type)
        if not times:
            types = _listed(kind for kind, _ in rules.pairs)
            message = f"{model.name} takes no {terms.order_type} orders of {asset_class}: use one of {types}"
            return [_breach(DenialCode.ORDER_TYPE, message)]
        message = f"{model.name} takes {terms.order_type} orders of {asset_class} as {times}, not {pair[1]}"
        return [_breach(DenialCode.TIME_IN_FORCE, message)]
    breaches = []
    if terms.extended_hours and pair not in rules.extended_hours:
        taken = _listed(f"{kind} {time}" for kind, time in rules.extended_hours) or "nothing"
        message = f"{model.name} trades {taken} outside the regular session: use that, or leave extended_hours off"
        breaches.append(_breach(DenialCode.EXTENDED_HOURS, message))
    if terms.order_type is OrderType.TRAILING_STOP:
        for asked, taken_so, other in (
            (terms.trail_percent, rules.trail_by_percent, "trail_amount"),
            (terms.trail_amount, rules.trail_by_amount, "trail_percent"),
        ):
            if asked is not None and not taken_so:
                breaches.append(
                    _breach(DenialCode.ORDER_TYPE, f"{model.name} does not trail by this: give {other} instead")
                )
    return breaches


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words)))


# -- whether the terms say one thing ----------------------------------------------------------------------------------


def _incomplete(order: Order) -> list[Breach]:
    terms = order.terms
    kind = terms.order_type
    trails = kind is OrderType.TRAILING_STOP
    told = []
    if kind in _LIMITED and terms.limit_price is None:
        told.append(f"a {kind} order needs a limit price: give limit_price")
    if kind not in _LIMITED and terms.limit_price is not None:
        told.append(f"a {kind} order takes no limit price: leave limit_price out")
    if kind in _STOPS and not trails and terms.stop_price is None:
        told.append(f"a {kind} order needs a stop price: give stop_price")
    if kind not in _STOPS and terms.stop_price is not None:
        told.append(f"a {kind} order takes no stop price: leave stop_price out")
    trail = (terms.trail_amount, terms.trail_percent)
    if trails and trail.count(None) != 1:
        which = "not both" if None not in trail else "and there is none"
        told.append(f"a trailing stop has one distance, {which}: give trail_amount or trail_percent")
    if not trails and trail != (None, None):
        told.append(f"a {kind} order does not trail: leave trail_amount and trail_percent out")
    for distance in trail:
        if distance is not None and (not is_sensible(distance) or distance <= 0):
            told.append(f"a trail is a positive number, not {distance}")
    if terms.trail_percent is not None and is_sensible(terms.trail_percent) and terms.trail_percent >= _HUNDRED:
        told.append(f"a trail of {terms.trail_percent} % can never be reached: give less than 100")
    if terms.time_in_force is TimeInForce.GTD:
        if terms.expires_ns is None:
            told.append("a GTD order needs the time that it ends at: give expires")
        elif terms.expires_ns <= order.ts_created:
            told.append("a GTD order ends after it begins: give a time to come")
    elif terms.expires_ns is not None:
        told.append(f"a {terms.time_in_force} order has no time of its own: leave expires out, or use GTD")
    return [_breach(DenialCode.ORDER_TERMS, message) for message in told]


def _off_tick(order: Order, instrument: Instrument) -> list[Breach]:
    breaches = []
    trails = order.terms.order_type is OrderType.TRAILING_STOP
    for name, price in (("limit", order.terms.limit_price), ("stop", None if trails else order.terms.stop_price)):
        if price is None or not is_sensible(price) or price <= 0:
            continue
        tick = instrument.tick(price)
        if EXACT.remainder(price, tick):
            message = f"the {name} price {price} is off the tick: round it to a multiple of {tick:f}"
            breaches.append(_breach(DenialCode.PRICE_TICK, message, value=str(price), limit=f"{tick:f}"))
    return breaches


# -- whether the size is one that the venue trades --------------------------------------------------------------------


def _off_lot(model: BrokerModel, rules: ClassRules, order: Order, instrument: Instrument) -> list[Breach]:
    lot = instrument.quantity_increment
    if EXACT.remainder(order.quantity, lot):
        message = f"the quantity {order.quantity} is off the lot: round it to a multiple of {lot:f}"
        return [_breach(DenialCode.LOT, message, value=str(order.quantity), limit=f"{lot:f}")]
    if instrument.asset_class is AssetClass.CRYPTO or not EXACT.remainder(order.quantity, _ONE):
        return []
    pair = (order.terms.order_type, order.terms.time_in_force)
    if not instrument.fractionable:
        why = f"{order.symbol} trades in whole units"
    elif pair not in rules.fractional:
        taken = _listed(f"{kind} {time}" for kind, time in rules.fractional) or "no order"
        why = f"{model.name} takes part of a unit with {taken} alone"
    else:
        return []
    return [_breach(DenialCode.LOT, f"{why}: round the quantity {order.quantity} to a whole number", limit="1")]


def _too_small(
    model: BrokerModel, rules: ClassRules, order: Order, instrument: Instrument, position: Decimal
) -> list[Breach]:
    if order.quantity < instrument.min_quantity:
        least = f"{instrument.min_quantity:f}"
        message = f"the quantity {order.quantity} is below the venue's minimum: order {least} or more"
        return [_breach(DenialCode.ORDER_MINIMUM, message, value=str(order.quantity), limit=least)]
    if position * order.side.sign < 0 and order.quantity <= abs(position):
        return []
    min_value = max(rules.min_notional, instrument.min_notional)
    price = order.working_price
    if not is_sensible(price) or price <= 0:
        return []
    value = value_of(order.contract, order.quantity, price)
    if value >= min_value:
        return []
    message = f"an order at {model.name} is worth {min_value} or more, and this one {value:.2f}: order more"
    return [_breach(DenialCode.ORDER_MINIMUM, message, value=f"{value:.2f}", limit=str(min_value))]


# -- what it would do to the position and to other orders -------------------------------------------------------------


def _wrong_side_of_zero(
    model: BrokerModel,
    rules: ClassRules,
    order: Order,
    instrument: Instrument,
    *,
    position: Decimal,
    peers: list[OrderState],
) -> list[Breach]:
    closes = position * order.side.sign < 0
    if not closes:
        if order.side is Side.BUY:
            return []
        if not (rules.shortable and instrument.shortable):
            message = f"{order.symbol} cannot be sold short: sell what is held"
            return [_breach(DenialCode.SHORT_NOT_ALLOWED, message)]
        if instrument.asset_class is AssetClass.EQUITY and EXACT.remainder(order.quantity, _ONE):
            return [_breach(DenialCode.LOT, "a short sale is in whole units: round the quantity", limit="1")]
        return []
    if not model.splits_zero_crossing:
        return []
    promised = sum((state.open_quantity for state in peers if state.order.side is order.side), ZERO)
    left = max(abs(position) - promised, ZERO)
    if order.quantity <= left:
        return []
    message = (
        f"{model.name} refuses an order that crosses zero: {order.side.lower()} at most {left:f} "
        f"(position {position:f}, {promised:f} of it in other orders), and the rest once flat"
    )
    return [_breach(DenialCode.ZERO_CROSSING, message, value=str(order.quantity), limit=f"{left:f}")]


def _self_cross(model: BrokerModel, order: Order, peers: list[OrderState]) -> list[Breach]:
    if order.terms.order_type not in model.refuses_self_cross:
        return []
    for state in peers:
        if (
            state.order.side is not order.side
            and state.terms.order_type in model.refuses_self_cross
            and _could_meet(order.side, order.terms, state.terms)
        ):
            message = (
                f"it could trade with our own {state.order.side.lower()} order {state.client_order_id}, "
                f"which {model.name} refuses: cancel that one first, or price this one away from it"
            )
            return [_breach(DenialCode.SELF_CROSS, message, value=state.client_order_id)]
    return []


def _could_meet(side: Side, ours: OrderTerms, theirs: OrderTerms) -> bool:
    """Tell whether two opposite orders could trade with each other at prices that are known now."""
    if ours.order_type in _STOPS and theirs.order_type in _STOPS:
        return False  # neither is in the market
    if OrderType.MARKET in (ours.order_type, theirs.order_type):
        return True
    here = ours.stop_price if ours.limit_price is None else ours.limit_price
    there = theirs.stop_price if theirs.limit_price is None else theirs.limit_price
    # Of a stop that the venue trails it is not known where it stands.
    return here is not None and there is not None and (here - there) * side.sign >= 0


def _breach(code: DenialCode, message: str, *, value: str = "", limit: str = "") -> Breach:
    return Breach(code=code, message=message, value=value, limit=limit)
