"""What a case may need of the account that it is tried on, and what an account's own description says that it has.

Owns: the words and the reasons by which a case is left out. Reads: a broker's model, an instrument, the account.
"""

from enum import StrEnum

from tradingd.core.broker_model import BrokerModel, ClassRules, Figure
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.orders import OrderType, TimeInForce
from tradingd.core.venue_view import AccountInfo


class Capability(StrEnum):
    """Something that not every account, venue or harness has; the text is the reason for leaving a case out."""

    MARKET_CONTROL = "the market cannot be moved here"
    CLOCK_CONTROL = "the clock cannot be moved here"
    FAULTS = "faults cannot be played here"
    FOREIGN = "nobody else can place orders here"
    LATCH = "orders are held back before they reach this adapter"
    RESTART = "the account cannot be left and come back to"
    STRANGER = "wrong keys are not tried here"
    FRESH_ACCOUNT = "the account has a past of its own"
    OPEN_MARKET = "the market is closed now"
    SYMBOL_DIRECTORY = "every symbol is known here"
    TICK_RULES = "the venue takes any price"
    BUYING_POWER = "the venue gives credit without end"
    PARTIAL_FILLS = "an order cannot be filled in parts here"

    DAY = "the venue takes no DAY orders"
    GTC = "the venue takes no GTC orders"
    IOC = "the venue takes no IOC limit orders"
    FOK = "the venue takes no FOK limit orders"
    GTD = "the venue takes no GTD orders"
    OPG = "the venue takes no orders on open"
    CLS = "the venue takes no orders on close"
    STOP = "the venue takes no stop orders"
    STOP_LIMIT = "the venue takes no stop-limit orders"
    TRAIL_AMOUNT = "the venue trails no stop by an amount"
    TRAIL_PERCENT = "the venue trails no stop by percent"
    EXTENDED_HOURS = "the venue takes no orders for extended hours"
    FRACTIONAL = "the venue takes no parts of a unit"
    SHORTING = "the account may not sell short"
    NO_SHORTING = "the account may sell short"
    REPLACE_PRICE = "the venue changes no limit price"
    REPLACE_QUANTITY = "the venue changes no quantity"
    REPLACE_STOP = "the venue changes no stop price"
    REPLACE_TRAIL = "the venue changes no trail"
    CRYPTO = "no crypto pair is configured"
    MULTI_SYMBOL = "only one symbol is configured"

    QUOTES = "the feed brings no quotes"
    TRADES = "the feed brings no trades"
    BARS = "the feed brings no bars"
    HISTORY = "the source has no bars of the past"


_C = Capability
_LIMIT = OrderType.LIMIT
_LIFETIMES = {
    TimeInForce.DAY: _C.DAY,
    TimeInForce.GTC: _C.GTC,
    TimeInForce.IOC: _C.IOC,
    TimeInForce.FOK: _C.FOK,
    TimeInForce.GTD: _C.GTD,
    TimeInForce.OPG: _C.OPG,
    TimeInForce.CLS: _C.CLS,
}
_FIGURES = {
    Figure.LIMIT: _C.REPLACE_PRICE,
    Figure.QUANTITY: _C.REPLACE_QUANTITY,
    Figure.STOP: _C.REPLACE_STOP,
    Figure.TRAIL: _C.REPLACE_TRAIL,
}


def lasting(rules: ClassRules) -> TimeInForce:
    """How long an order lives here that is to rest: the day, where the venue knows days."""
    return TimeInForce.DAY if (_LIMIT, TimeInForce.DAY) in rules.pairs else TimeInForce.GTC


def derived_capabilities(model: BrokerModel, instrument: Instrument, account: AccountInfo) -> frozenset[Capability]:
    """What follows from the broker's own description of itself, for one symbol."""
    rules = model.by_class.get(instrument.asset_class)
    if rules is None:
        return frozenset()
    found = {word for time, word in _LIFETIMES.items() if (_LIMIT, time) in rules.pairs}
    found |= {_FIGURES[figure] for figure in rules.replaceable}
    rest = lasting(rules)
    if (OrderType.STOP, rest) in rules.pairs:
        found.add(_C.STOP)
    if (OrderType.STOP_LIMIT, rest) in rules.pairs:
        found.add(_C.STOP_LIMIT)
    if (OrderType.TRAILING_STOP, rest) in rules.pairs:
        found |= {_C.TRAIL_AMOUNT} if rules.trail_by_amount else set()
        found |= {_C.TRAIL_PERCENT} if rules.trail_by_percent else set()
    if (_LIMIT, rest) in rules.extended_hours and instrument.asset_class is AssetClass.EQUITY:
        found.add(_C.EXTENDED_HOURS)
    if (OrderType.MARKET, rest) in rules.fractional and instrument.fractionable:
        found.add(_C.FRACTIONAL)
    may_short = rules.shortable and instrument.shortable and account.shorting_enabled
    found.add(_C.SHORTING if may_short else _C.NO_SHORTING)
    return frozenset(found)
