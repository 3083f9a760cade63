"""How figures read: the one place where money, prices, quantities and shares are put into words.

Owns: separators, decimals and signs. Never: rounds anything that is booked or sent to a program.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from tradingd.core.encoding import plain_decimal

ABSENT = "-"
_CENT = Decimal("0.01")
_LONG = 8
"""A price with more decimals than this is an average that no venue quoted."""
_AVERAGE = Context(prec=6, rounding=ROUND_HALF_EVEN)


def money(value: Decimal | None) -> str:
    """Money with separators and two decimals: 1,234.50."""
    if value is None:
        return ABSENT
    rounded = value.quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{rounded if rounded else abs(rounded):,.2f}"


def signed_money(value: Decimal | None) -> str:
    """Money whose sign is always there: +1,234.50."""
    text = money(value)
    return text if text.startswith("-") or value is None else f"+{text}"


def price(value: Decimal | None) -> str:
    """A price with the decimals that it was quoted with, two at least; an average has six digits that count."""
    if value is None:
        return ABSENT
    value = value.normalize() if value else abs(value)
    if _decimals(value) > _LONG:
        value = _round_average(value)
    return f"{value:,.{max(_decimals(value), 2)}f}"


def quantity(value: Decimal | None) -> str:
    """A quantity with separators and without zeros at its end: 1,000, 0.25."""
    if value is None:
        return ABSENT
    return f"{value.normalize() if value else abs(value):,f}"


def plain(value: Decimal) -> str:
    """Any figure as programs may read it too: no separators, no zeros at its end, no exponent."""
    return plain_decimal(value.normalize() if value else value)


def percent(value: float | Decimal | None) -> str:
    """A figure that is percent already, with two decimals: 1.25 %."""
    return ABSENT if value is None else f"{_unsigned_zero(float(value), 2)} %"


def share(value: float | None) -> str:
    """A plain fraction as percent: 0.0125 is 1.25 %."""
    return ABSENT if value is None else percent(value * 100)


def ratio(value: float | Decimal | None) -> str:
    """A ratio with two decimals."""
    return ABSENT if value is None else _unsigned_zero(float(value), 2)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _round_average(value: Decimal) -> Decimal:
    short = _AVERAGE.create_decimal(value)
    cents = value.quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return (cents if _decimals(short) < 2 else short).normalize()


def _unsigned_zero(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text
