"""Position accounting at average cost, exact in `Decimal`.

A position keeps its total cost rather than its average price, so that no division enters the books: over any sequence
of trades `cash + cost = start + realised - fees` holds to the last digit. The average price is derived for display.
"""

from decimal import Context, Decimal

import msgspec

from tradingd.core.orders import ZERO, Side

# 60 digits hold every product of a price, a quantity and their sums that a venue can quote; the default 28 do not.
EXACT = Context(prec=60)
_COST_STEP = Decimal("1e-18")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Quantity (negative when short), its signed cost, and what was realised and paid on the way."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    """Before fees."""
    fees: Decimal = ZERO

    @property
    def average_price(self) -> Decimal | None:
        """Average entry price of what is open, None when flat."""
        return self.cost / self.quantity if self.quantity else None

    def unrealised_pnl(self, price: Decimal) -> Decimal:
        """Profit or loss of the open quantity at `price`."""
        return EXACT.subtract(EXACT.multiply(self.quantity, price), self.cost)


def apply_trade(position: Position, side: Side, quantity: Decimal, price: Decimal, fee: Decimal) -> Position:
    """Return the position after one execution: increase, reduce, close, or flip through zero.

    A flip closes the whole old side at the trade's price and opens the rest at it.
    """
    signed = quantity if side is Side.BUY else -quantity
    held = position.quantity
    fees = EXACT.add(position.fees, fee)
    value = EXACT.multiply(signed, price)
    if held == 0 or (held > 0) == (signed > 0):
        return Position(
            quantity=EXACT.add(held, signed),
            cost=EXACT.add(position.cost, value),
            realised_pnl=position.realised_pnl,
            fees=fees,
        )
    left = EXACT.add(held, signed)
    if left == 0 or (left > 0) != (held > 0):
        opened_cost = EXACT.multiply(left, price)
        closed_value = EXACT.multiply(held, price)
        realised = EXACT.subtract(closed_value, position.cost)
        return Position(
            quantity=left, cost=opened_cost, realised_pnl=EXACT.add(position.realised_pnl, realised), fees=fees
        )
    # A reduction takes its share of the cost; the share is cut to 18 decimals and what is cut stays with the rest.
    share = EXACT.divide(EXACT.multiply(position.cost, -signed), held).quantize(_COST_STEP, context=EXACT)
    realised = EXACT.subtract(-value, share)
    return Position(
        quantity=left,
        cost=EXACT.subtract(position.cost, share),
        realised_pnl=EXACT.add(position.realised_pnl, realised),
        fees=fees,
    )
