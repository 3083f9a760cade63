"""Where a trailing stop stands, as pure functions of the best price so far.

Owns the arithmetic that the matching, the simulated broker and whoever else trails a stop share. Figures are exact: a
stop is where election compares, not a price that is sent to a market, so it is not rounded to the tick.
"""

from decimal import Decimal

from tradingd.core.accounting import EXACT
from tradingd.core.orders import OrderTerms, Side

_HUNDRED = Decimal(100)
_STEP = Decimal("1e-9")


def trailing_distance(terms: OrderTerms, mark: Decimal) -> Decimal:
    """The distance that the stop keeps from a mark, in money."""
    if terms.trail_amount is not None:
        return terms.trail_amount
    assert terms.trail_percent is not None, "a trailing stop has one of the two distances"
    return EXACT.divide(EXACT.multiply(mark, terms.trail_percent), _HUNDRED).quantize(_STEP, context=EXACT)


def trailing_stop(terms: OrderTerms, side: Side, mark: Decimal) -> Decimal:
    """The stop price for a mark: below the highest price for a sell, above the lowest for a buy."""
    distance = trailing_distance(terms, mark)
    return EXACT.add(mark, distance) if side is Side.BUY else EXACT.subtract(mark, distance)
