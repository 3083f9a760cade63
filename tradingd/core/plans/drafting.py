"""From a signal to a plan: whether one is needed at this venue, and which."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT
from tradingd.core.broker_model import BrokerModel, refusals
from tradingd.core.identifiers import PlanId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState
from tradingd.core.orders import (
    ZERO,
    Breach,
    DenialCode,
    Order,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
    ValidationResponse,
)
from tradingd.core.plans.checking import protection_faults, signal_faults, slice_quantity
from tradingd.core.plans.records import (
    Bracket,
    EmulatedStop,
    EntryMethod,
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

_HUNDRED = Decimal(100)
_LASTING = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD)
_OF_THE_TERMS = frozenset({DenialCode.ORDER_TERMS, DenialCode.PRICE_TICK})
_PASSING = frozenset({DenialCode.SELF_CROSS, DenialCode.ZERO_CROSSING})
"""What may be otherwise by the time that an order goes out."""


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft has to know of the place that its orders go to."""

    model: BrokerModel
    instrument: Instrument
    account: Decimal
    """The account's position in the symbol."""
    working: tuple[OrderState, ...]

    def supports(self, terms: OrderTerms) -> bool:
        """Tell whether the venue can do what the terms ask for."""
        return self.model.supports(terms, self.instrument.asset_class)

    def refusals(self, order: Order) -> tuple[Breach, ...]:
        """What the venue would refuse about an order."""
        return refusals(self.model, order, self.instrument, position=self.account, working=self.working)


def draft(
    signal: TradingSignal, order: Order, plan_id: PlanId, venue: Venue, patience: UnfilledTimeout | None
) -> Plan | ValidationResponse | None:
    """Make the plan that a signal needs, None for one that a single order is enough for; or say what is wrong."""
    if faults := signal_faults(signal, order, venue.instrument):
        return refused(faults)
    method, until_ns = _way(signal, order, venue)
    if isinstance(method, EmulatedStop) or until_ns:
        breaches = [breach for breach in venue.refusals(order) if breach.code in _OF_THE_TERMS]
        if isinstance(method, EmulatedStop):
            sent = msgspec.structs.replace(order, terms=method.sent)
            breaches += [breach for breach in venue.refusals(sent) if breach.code not in _PASSING | _OF_THE_TERMS]
        if breaches:
            return ValidationResponse(breaches=tuple(breaches))
    if isinstance(method, ZeroCross):
        breaches = [breach for breach in venue.refusals(order) if breach.code is not DenialCode.ZERO_CROSSING]
        if breaches:
            return ValidationResponse(breaches=tuple(breaches))
    if isinstance(signal.algorithm, Reprice):
        reprice = signal.algorithm
        action = UnfilledAction.MARKET if reprice.remainder is Remainder.MARKET else UnfilledAction.CANCEL
        patience = UnfilledTimeout(after_ns=round(reprice.timeout_s * NS_PER_SECOND), action=action)
    elif order.terms.order_type is not OrderType.LIMIT or order.terms.time_in_force not in _LASTING:
        patience = None
    needed = signal.protection or signal.then or signal.algorithm or patience or until_ns
    if isinstance(method, Single) and not needed:
        return None
    return Plan(
        plan_id=plan_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        method=method,
        until_ns=until_ns,
        patience=patience,
        guard=None if signal.protection is None else guard(signal.protection, venue, order.side.opposite),
        then=signal.then,
        trace_id=order.trace_id,
        ts_started=order.ts_created,
    )


def draft_protection(
    signal: OcoSignal, order: Order, plan_id: PlanId, venue: Venue, held: Decimal
) -> Plan | ValidationResponse:
    """Make the plan that protects a position that is there; `order` is what closing it would be."""
    if not held:
        return refused([f"{signal.strategy_id} holds no {signal.symbol} that could be protected"])
    side = Side.BUY if held > 0 else Side.SELL
    if faults := protection_faults(signal.protection, side, order.reference_price):
        return refused(faults)
    return Plan(
        plan_id=plan_id,
        strategy_id=signal.strategy_id,
        symbol=signal.symbol,
        side=side,
        quantity=abs(held),
        method=ExistingPosition(),
        guard=guard(signal.protection, venue, side.opposite),
        trace_id=signal.trace_id,
        ts_started=order.ts_created,
    )


def refused(faults: Iterable[str]) -> ValidationResponse:
    """A refusal for terms that cannot be."""
    return ValidationResponse(
        breaches=tuple(Breach(code=DenialCode.ORDER_TERMS, message=message) for message in faults)
    )


def _way(signal: TradingSignal, order: Order, venue: Venue) -> tuple[EntryMethod, int]:
    terms = order.terms
    match signal.algorithm:
        case Twap() as twap:
            return (
                TwapEntry(
                    terms=terms,
                    duration_ns=round(twap.duration_s * NS_PER_SECOND),
                    slices=twap.slices,
                    slice_quantity=slice_quantity(order.quantity, twap.slices, venue.instrument),
                    sends_rest=twap.remainder is Remainder.MARKET,
                ),
                0,
            )
        case Reprice() as reprice:
            away = EXACT.divide(EXACT.multiply(order.reference_price, reprice.max_chase_pct), _HUNDRED)
            return (
                RepriceEntry(
                    time_in_force=terms.time_in_force,
                    interval_ns=round(reprice.interval_s * NS_PER_SECOND),
                    bound=order.reference_price + away * order.side.sign,
                ),
                0,
            )
        case None:
            pass
    if not venue.supports(terms):
        return _emulated(terms, venue) or (Single(terms=terms), 0)
    against = -venue.account * order.side.sign
    promised = any(
        state.order.symbol == order.symbol and state.order.side is order.side and state.open_quantity > 0
        for state in venue.working
    )
    if venue.model.splits_zero_crossing and ZERO < against < order.quantity and not promised:
        return ZeroCross(terms=terms), 0
    return Single(terms=terms), 0


def _emulated(terms: OrderTerms, venue: Venue) -> tuple[EntryMethod, int] | None:
    """How what the venue does not offer is done from here; None for what only a venue can do."""
    if terms.time_in_force not in _LASTING:
        return None
    until_ns = terms.expires_ns or 0
    lasting = (TimeInForce.GTC, TimeInForce.DAY) if until_ns else (terms.time_in_force, TimeInForce.GTC)
    for time_in_force in lasting:
        plain = msgspec.structs.replace(terms, time_in_force=time_in_force, expires_ns=None)
        if venue.supports(plain) and until_ns:
            return Single(terms=plain), until_ns
    if terms.order_type in (OrderType.MARKET, OrderType.LIMIT):
        return None
    for time_in_force in lasting:
        sent = OrderTerms(
            order_type=OrderType.MARKET if terms.limit_price is None else OrderType.LIMIT,
            limit_price=terms.limit_price,
            time_in_force=time_in_force,
            extended_hours=terms.extended_hours,
        )
        if venue.supports(sent):
            return EmulatedStop(terms=terms, sent=sent), until_ns
    return None


def guard(protection: Protection, venue: Venue, side: Side) -> Bracket:
    """How a position is left at this venue."""
    protection = _on_tick(protection, venue.instrument, side)
    lasting = TimeInForce.GTC
    if not venue.supports(OrderTerms(order_type=OrderType.LIMIT, limit_price=Decimal(1), time_in_force=lasting)):
        lasting = TimeInForce.DAY
    trail = OrderTerms(
        order_type=OrderType.TRAILING_STOP,
        time_in_force=lasting,
        trail_amount=protection.trail_amount,
        trail_percent=protection.trail_percent,
    )
    # With a target the stop has to be put back where it stood, and a venue's own trail would begin anew.
    trails_there = protection.trails and protection.take_profit is None and venue.supports(trail)
    kind = OrderType.STOP if protection.stop_limit is None else OrderType.STOP_LIMIT
    fixed = OrderTerms(order_type=kind, time_in_force=lasting)
    return Bracket(
        protection=protection,
        stop_rests=protection.stops and (trails_there or venue.supports(fixed)),
        trails_there=trails_there,
        waits=bool(venue.model.refuses_self_cross - {OrderType.LIMIT}),
        time_in_force=lasting,
        fraction_time_in_force=_for_fractions(venue, lasting),
    )


def _for_fractions(venue: Venue, lasting: TimeInForce) -> TimeInForce:
    rules = venue.model.by_class.get(venue.instrument.asset_class)
    if rules is None or venue.instrument.asset_class is AssetClass.CRYPTO:
        return lasting
    return lasting if (OrderType.LIMIT, lasting) in rules.fractional else TimeInForce.DAY


def _on_tick(protection: Protection, instrument: Instrument, side: Side) -> Protection:
    def rounded(price: Decimal | None) -> Decimal | None:
        return None if price is None else instrument.round_price(price, side)

    return msgspec.structs.replace(
        protection,
        take_profit=rounded(protection.take_profit),
        stop_loss=rounded(protection.stop_loss),
        stop_limit=rounded(protection.stop_limit),
    )
