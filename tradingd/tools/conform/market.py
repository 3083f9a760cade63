"""The prices and sizes of a case, made from a recent quote and the instrument's steps.

Never: reads a market; what it is given was read a moment ago.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.core.matching import to_decimal
from tradingd.core.orders import Side

_FAR = Decimal("0.8"), Decimal("1.2")
_CRYPTO_VALUE = Decimal(15)
"""What a smallest order of a pair is worth; venues ask for ten dollars, and prices move."""


@dataclass(frozen=True)
class Prices:
    """One symbol's market when a case began."""

    bid: float
    ask: float
    instrument: Instrument

    @classmethod
    def none(cls) -> "Prices":
        """Before anything is known."""
        return cls(0.0, 0.0, default_instrument(Symbol("?")))

    @property
    def mid(self) -> Decimal:
        """Between bid and ask."""
        return to_decimal((self.bid + self.ask) / 2)

    @property
    def lot(self) -> Decimal:
        """The smallest sensible quantity: one whole unit, or of a pair what the venue's least value asks for."""
        step, least = self.instrument.quantity_increment, self.instrument.min_quantity
        if self.instrument.asset_class is AssetClass.EQUITY:
            return max(Decimal(1), least)
        wanted = max(_CRYPTO_VALUE / self.mid, least)
        return (wanted / step).to_integral_value(rounding=ROUND_CEILING) * step

    @property
    def far_below(self) -> Decimal:
        """A price that a buy order rests at."""
        return self.instrument.round_price(self.mid * _FAR[0], Side.BUY)

    @property
    def far_above(self) -> Decimal:
        """A price that a sell order rests at."""
        return self.instrument.round_price(self.mid * _FAR[1], Side.SELL)

    @property
    def tick(self) -> Decimal:
        """The price step."""
        return self.instrument.tick(self.mid)

    def near(self, percent: str, side: Side) -> Decimal:
        """The middle moved by so many percent, on the tick, rounded away from trading."""
        return self.instrument.round_price(self.mid * (100 + Decimal(percent)) / 100, side)

    @property
    def marketable_buy(self) -> Decimal:
        """A limit that buys at once."""
        return self.near("2", Side.BUY)

    @property
    def marketable_sell(self) -> Decimal:
        """A limit that sells at once."""
        return self.near("-2", Side.SELL)
