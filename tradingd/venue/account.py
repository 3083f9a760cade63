"""The account: cash, positions and what may still be spent.

Owns exact figures: cash is never rounded. Reads executions and prices; never knows an order, only what orders reserve.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, localcontext

import msgspec

from tradingd.core.accounting import EXACT, Position, apply_trade
from tradingd.core.identifiers import Symbol
from tradingd.core.orders import ZERO, Side

_HALF = Decimal("0.5")
_SHORT_COLLATERAL = Decimal("1.5")
_MAINTENANCE = Decimal("0.3")
_FLAT = Position()


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the account is worth and may spend, at one set of prices."""

    cash: Decimal
    equity: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    """Negative or zero."""
    initial_margin: Decimal
    maintenance_margin: Decimal
    buying_power: Decimal
    regt_buying_power: Decimal
    non_marginable_buying_power: Decimal


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """What open orders keep from being spent twice."""

    equities: Decimal = ZERO
    crypto: Decimal = ZERO


@contextmanager
def exact() -> Iterator[None]:
    """Compute money without rounding."""
    with localcontext(EXACT):
        yield


class Account:
    """Cash and positions of the one account."""

    def __init__(self, cash: Decimal, positions: Mapping[Symbol, Position], multiplier: int) -> None:
        self.cash = cash
        self.positions = dict(positions)
        self._multiplier = Decimal(multiplier)

    def quantity(self, symbol: Symbol) -> Decimal:
        """What is held of a symbol, negative when short."""
        return self.positions.get(symbol, _FLAT).quantity

    def apply(self, symbol: Symbol, side: Side, quantity: Decimal, price: Decimal) -> Position:
        """Book one execution and return the position after it."""
        self.cash = EXACT.subtract(self.cash, EXACT.multiply(quantity, price) * side.sign)
        position = apply_trade(self.positions.get(symbol, _FLAT), side, quantity, price, ZERO)
        if position.quantity:
            self.positions[symbol] = position
        else:
            self.positions.pop(symbol, None)
        return position

    def assess(self, marks: Mapping[Symbol, Decimal], reserved: Reserved) -> Figures:
        """Value the account at `marks`; a position without a mark is worth its cost.

        Equities are carried at the account's multiple; crypto is paid in full.
        """
        with exact():
            long_value = short_value = crypto_value = ZERO
            for symbol, position in self.positions.items():
                mark = marks.get(symbol)
                value = position.cost if mark is None else position.quantity * mark
                if "/" in symbol:
                    crypto_value += value
                elif value > 0:
                    long_value += value
                else:
                    short_value += value
            equity = self.cash + long_value + short_value + crypto_value
            gross = long_value - short_value
            margin_equity = equity - crypto_value - reserved.crypto
            spendable = self.cash + short_value * _SHORT_COLLATERAL - reserved.equities - reserved.crypto
            overnight = min(self._multiplier, Decimal(2))
            initial = gross * (_HALF if overnight > 1 else 1)
            return Figures(
                cash=self.cash,
                equity=equity,
                long_market_value=long_value + crypto_value,
                short_market_value=short_value,
                initial_margin=initial + crypto_value,
                maintenance_margin=gross * _MAINTENANCE + crypto_value,
                buying_power=max(ZERO, margin_equity * self._multiplier - gross - reserved.equities),
                regt_buying_power=max(ZERO, margin_equity * overnight - gross - reserved.equities),
                non_marginable_buying_power=max(ZERO, spendable),
            )
