"""Position accounting at average cost, exact in `Decimal`.

A position keeps its total cost rather than its average price, so that no division enters the books: over any sequence
of trades `cash + cost = start + realised - fees` holds to the last digit. The average price is derived for display.
"""

from decimal import Context, Decimal

import msgspec

from tradingd.core.orders import SPOT, ZERO, Contract, Side

# 60 digits hold every product of a price, a quantity and their sums that a venue can quote; the default 28 do not.
EXACT = Context(prec=60)
_COST_STEP = Decimal("1e-18")


def value_of(contract: Contract, quantity: Decimal, price: Decimal) -> Decimal:
    """What a quantity is worth at a price, exactly."""
    value = EXACT.multiply(quantity, price)
    return value if contract is SPOT else EXACT.multiply(value, contract.multiplier)


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Quantity (negative when short), its signed cost, and what was realised and paid on the way."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    """Before fees."""
    fees: Decimal = ZERO
    contract: Contract = SPOT

    @property
    def average_price(self) -> Decimal | None:
        """Average entry price of what is open, None when flat."""
        return self.cost / self.quantity / self.contract.multiplier if self.quantity else None

    def unrealised_pnl(self, price: Decimal) -> Decimal:
        """Profit or loss of the open quantity at `price`."""
        return EXACT.subtract(value_of(self.contract, self.quantity, price), self.cost)


def apply_trade(
    position: Position, side: Side, quantity: Decimal, price: Decimal, fee: Decimal, *, contract: Contract = SPOT
) -> Position:
    """Return the position after one execution: increase, reduce, close, or flip through zero.

    A flip closes the whole old side at the trade's price and opens the rest at it.
    """
    signed = quantity if side is Side.BUY else -quantity
    held = position.quantity
    fees = EXACT.add(position.fees, fee)
    value = value_of(contract, signed, price)
    if held == 0 or (held > 0) == (signed > 0):
        return Position(
            quantity=EXACT.add(held, signed),
            cost=EXACT.add(position.cost, value),
            realised_pnl=position.realised_pnl,
            fees=fees,
            contract=contract,
        )
    left = EXACT.add(held, signed)
    if left == 0 or (left > 0) != (held > 0):
        opened_cost = value_of(contract, left, price)
        closed_value = value_of(contract, held, price)
        realised = EXACT.subtract(closed_value, position.cost)
        return Position(
            quantity=left,
            cost=opened_cost,
            realised_pnl=EXACT.add(position.realised_pnl, realised),
            fees=fees,
            contract=contract,
        )
    # A reduction takes its share of the cost; the share is cut to 18 decimals and what is cut stays with the rest.
    share = EXACT.divide(EXACT.multiply(position.cost, -signed), held).quantize(_COST_STEP, context=EXACT)
    realised = EXACT.subtract(-value, share)
    return Position(
        quantity=left,
        cost=EXACT.subtract(position.cost, share),
        realised_pnl=EXACT.add(position.realised_pnl, realised),
        fees=fees,
        contract=contract,
    )


def merge_positions(position: Position, other: Position) -> Position:
    """Return both as one, results and fees included; what one holds long and the other short is closed.

    It is closed at the prices that were paid: results less cost of the two are those of the one, to the last digit.
    """
    both = msgspec.structs.replace(
        position,
        realised_pnl=EXACT.add(position.realised_pnl, other.realised_pnl),
        fees=EXACT.add(position.fees, other.fees),
        contract=other.contract if position.contract is SPOT else position.contract,
    )
    held, added = position.quantity, other.quantity
    quantity = EXACT.add(held, added)
    cost = EXACT.add(position.cost, other.cost)
    if held * added >= 0:
        return msgspec.structs.replace(both, quantity=quantity, cost=cost)
    # The side that is left keeps its average price; the rest of the cost is what the two realised together.
    larger = position if abs(held) >= abs(added) else other
    kept = EXACT.divide(EXACT.multiply(larger.cost, quantity), larger.quantity).quantize(_COST_STEP, context=EXACT)
    return msgspec.structs.replace(
        both,
        quantity=quantity,
        cost=kept,
        realised_pnl=EXACT.add(both.realised_pnl, EXACT.subtract(kept, cost)),
    )
