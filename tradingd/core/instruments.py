"""What can be traded in which steps: ticks, lots and the rounding that goes with them."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from enum import StrEnum

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.orders import SPOT, Contract, OrderTerms, Side

ONE = Decimal(1)
_CENT = Decimal("0.01")
_SUB_PENNY = Decimal("0.0001")
_NANO = Decimal("0.000000001")


def is_sensible(value: Decimal) -> bool:
    """True for a finite number below 10^18: anything else is a mistake, and arithmetic on it may overflow."""
    return value.is_finite() and value.adjusted() < 18


class AssetClass(StrEnum):
    """Kinds of instrument that venues treat differently."""

    EQUITY = "EQUITY"
    CRYPTO = "CRYPTO"
    FX = "FX"
    FUTURE = "FUTURE"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """Trading steps of one symbol.

    `price_increment` None means the equity rule: 0.01 from one dollar up, 0.0001 below.
    """

    symbol: Symbol
    asset_class: AssetClass
    price_increment: Decimal | None
    quantity_increment: Decimal
    min_quantity: Decimal
    min_notional: Decimal = Decimal(0)
    shortable: bool = True
    fractionable: bool = True
    tradable: bool = True
    multiplier: Decimal = ONE
    """Value of one unit at a price of one, in `currency`."""
    currency: str = "USD"
    price_bands: tuple[tuple[Decimal, Decimal], ...] = ()
    """Where the tick depends on the price: the lower bound of each band with its tick, ascending. Goes before
    `price_increment`."""

    @property
    def contract(self) -> Contract:
        """How a price becomes money."""
        if self.multiplier == ONE and self.asset_class is not AssetClass.FUTURE:
            return SPOT
        return Contract(multiplier=self.multiplier, margined=self.asset_class is AssetClass.FUTURE)

    def tick(self, price: Decimal) -> Decimal:
        """The price step that applies at this price."""
        if self.price_bands:
            step = self.price_bands[0][1]
            for lower, increment in self.price_bands:
                if price < lower:
                    break
                step = increment
            return step
        if self.price_increment is not None:
            return self.price_increment
        return _CENT if price >= ONE else _SUB_PENNY

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """Round to the tick, only ever away from aggression: a buy down, a sell up."""
        step = self.tick(price)
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        return (price / step).to_integral_value(rounding=rounding) * step

    def round_terms(self, terms: OrderTerms, side: Side) -> OrderTerms:
        """Round both prices to the tick; what is no price is left for the risk rules to name."""

        def rounded(price: Decimal | None) -> Decimal | None:
            if price is None or not is_sensible(price) or price <= 0:
                return price
            return self.round_price(price, side)

        return msgspec.structs.replace(
            terms, limit_price=rounded(terms.limit_price), stop_price=rounded(terms.stop_price)
        )

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Round towards zero to a whole number of lots; what is no sensible number stays as it is."""
        if not is_sensible(quantity):
            return quantity
        return (quantity / self.quantity_increment).to_integral_value(rounding=ROUND_DOWN) * self.quantity_increment


def default_instrument(symbol: Symbol) -> Instrument:
    """What a symbol is taken for before a venue has described it: a pair with a slash is crypto, the rest equities."""
    if "/" in symbol:
        return Instrument(
            symbol=symbol,
            asset_class=AssetClass.CRYPTO,
            price_increment=_NANO,
            quantity_increment=_NANO,
            min_quantity=_NANO,
            shortable=False,
        )
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.EQUITY,
        price_increment=None,
        quantity_increment=_NANO,
        min_quantity=_NANO,
    )
