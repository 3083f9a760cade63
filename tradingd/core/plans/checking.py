"""What is wrong with a wish that needs a plan, in sentences for the one who wrote it."""

import math
from decimal import ROUND_DOWN, Decimal

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.instruments import AssetClass, Instrument, is_sensible
from tradingd.core.orders import Order, OrderType, Side, TimeInForce
from tradingd.core.signals import FollowUp, Protection, Remainder, Reprice, TradingSignal, Twap

_HUNDRED = Decimal(100)
MIN_SLICE_S = 2
"""The daemon looks at the clock once a second: a slice whose time is shorter could be missed."""
_LASTING = (TimeInForce.DAY, TimeInForce.GTC)


def is_amount(value: object) -> bool:
    """True for a positive `Decimal` that books can take."""
    return isinstance(value, Decimal) and is_sensible(value) and value > 0


def protection_faults(protection: Protection, side: Side, reference: Decimal) -> list[str]:
    """Judge where a position of this side is to be left, against the price that it is come by at (0: not known)."""
    told = [
        f"a price or trail is a positive number, not {figure}"
        for figure in protection.figures
        if figure is not None and not is_amount(figure)
    ]
    if told:
        return told
    if protection.take_profit is None and not protection.stops:
        told.append("there is nothing to leave the position at: give take_profit, stop_loss or a trail")
    if protection.trail_amount is not None and protection.trail_percent is not None:
        told.append("a stop trails by an amount or by a percentage, not by both: leave one out")
    if protection.trails and protection.stop_loss is not None:
        told.append("a stop is at a price or it trails: leave stop_loss or the trail out")
    if protection.stop_limit is not None and protection.stop_loss is None:
        told.append("a limit of the stop needs a stop: give stop_loss")
    if protection.trail_percent is not None and protection.trail_percent >= _HUNDRED:
        told.append(f"a trail of {protection.trail_percent} % can never be reached: give less than 100")
    target, stop = protection.take_profit, protection.stop_loss
    if target is not None and stop is not None and (target - stop) * side.sign <= 0:
        told.append(f"the target {target} of a {side.lower()} lies on the wrong side of its stop {stop}")
    elif reference > 0:
        for name, price, sign in (("target", target, side.sign), ("stop", stop, -side.sign)):
            if price is not None and (price - reference) * sign <= 0:
                told.append(f"the {name} {price} of a {side.lower()} lies on the wrong side of {reference}")
    return told


def algorithm_faults(algorithm: object, order: Order, instrument: Instrument) -> list[str]:
    """Judge an algorithm for an order; one that does not exist is a fault as well."""
    match algorithm:
        case None:
            return []
        case Twap():
            return _twap_faults(algorithm, order, instrument)
        case Reprice():
            return _reprice_faults(algorithm, order)
        case _:
            return [f"there is no algorithm {algorithm!r}: give Twap or Reprice"]


def _is_time(seconds: object) -> bool:
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return number and 0 < seconds < math.inf  # type: ignore[operator]  # `number` says that it is one


def _twap_faults(twap: Twap, order: Order, instrument: Instrument) -> list[str]:
    told = []
    if not _is_time(twap.duration_s):
        told.append(f"a TWAP lasts some seconds, not {twap.duration_s!r}")
    if type(twap.slices) is not int or twap.slices < 1:
        told.append(f"a TWAP has one slice or more, not {twap.slices!r}")
    elif not told and twap.duration_s / twap.slices < MIN_SLICE_S:
        told.append(f"a TWAP has {MIN_SLICE_S} s or more for each slice: use fewer slices, or a longer time")
    elif is_amount(order.quantity):
        size = slice_quantity(order.quantity, twap.slices, instrument)
        value = value_of(order.contract, size, order.working_price)
        if size < instrument.min_quantity or size <= 0 or value < instrument.min_notional:
            told.append(f"a slice of {size:f} is less than the venue takes: use fewer slices")
    if order.terms.order_type not in (OrderType.MARKET, OrderType.LIMIT) or order.terms.time_in_force not in _LASTING:
        told.append(
            "the slices of a TWAP are DAY or GTC orders, at market or with a limit: give limit_price or nothing"
        )
    return [*told, *_remainder_faults(twap.remainder)]


def slice_quantity(quantity: Decimal, slices: int, instrument: Instrument) -> Decimal:
    """What each slice of a quantity is: in whole lots, of equities in whole shares where the quantity is."""
    size = instrument.round_quantity(EXACT.divide(quantity, Decimal(slices)))
    if instrument.asset_class is AssetClass.EQUITY and quantity == quantity.to_integral_value() and size >= 1:
        return size.to_integral_value(rounding=ROUND_DOWN)
    return size


def _reprice_faults(reprice: Reprice, order: Order) -> list[str]:
    told = [
        f"the {name} of REPRICE is some seconds, not {seconds!r}"
        for name, seconds in (("interval", reprice.interval_s), ("timeout", reprice.timeout_s))
        if not _is_time(seconds)
    ]
    if not is_amount(reprice.max_chase_pct) or reprice.max_chase_pct >= _HUNDRED:
        told.append(f"max_chase_pct is more than 0 and less than 100, not {reprice.max_chase_pct!r}")
    if order.terms.order_type is not OrderType.MARKET or order.terms.time_in_force not in _LASTING:
        told.append("REPRICE finds its own prices: leave them out, and use DAY or GTC")
    elif order.reference_price <= 0:
        told.append("REPRICE needs a price to begin at, and none has been seen yet")
    return [*told, *_remainder_faults(reprice.remainder)]


def _remainder_faults(remainder: object) -> list[str]:
    match remainder:
        case Remainder():
            return []
        case _:
            return [f"what remains is given Remainder.CANCEL or Remainder.MARKET, not {remainder!r}"]


def signal_faults(signal: TradingSignal, order: Order, instrument: Instrument) -> list[str]:
    """Everything that is wrong with what a signal asks for beyond one order."""
    told = algorithm_faults(signal.algorithm, order, instrument)
    if signal.reduce_only:
        told.append("reduce_only goes with one order that the venue works: no take_profit, stop_loss, algorithm, then")
    if signal.protection is not None:
        terms = order.terms
        reference = terms.limit_price or terms.stop_price or order.reference_price
        told += protection_faults(signal.protection, order.side, reference)
    if signal.then is not None:
        told += _follow_up_faults(signal.then)
    return told


def _follow_up_faults(then: FollowUp) -> list[str]:
    return [] if is_amount(then.quantity) else [f"the order that follows has a positive quantity, not {then.quantity}"]
