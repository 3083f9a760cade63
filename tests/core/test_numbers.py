"""How figures read."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tradingd.core import numbers

D = Decimal


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.money, D("1234567.5"), "1,234,567.50"),
        (numbers.money, D("-0.001"), "0.00"),
        (numbers.money, D("-98.765"), "-98.76"),
        (numbers.money, None, "-"),
        (numbers.signed_money, D("12"), "+12.00"),
        (numbers.signed_money, D("-12"), "-12.00"),
        (numbers.price, D("420.10"), "420.10"),
        (numbers.price, D("420.545"), "420.545"),
        (numbers.price, D("61000"), "61,000.00"),
        (numbers.price, D("0.00001234"), "0.00001234"),
        (numbers.price, D(570) / D(3), "190.00"),
        (numbers.price, D("190.0166666666666666666"), "190.017"),
        (numbers.price, D("61234.56789012345"), "61,234.57"),
        (numbers.price, D("1E+3"), "1,000.00"),
        (numbers.quantity, D("10.000"), "10"),
        (numbers.quantity, D("1E+3"), "1,000"),
        (numbers.quantity, D("0.250"), "0.25"),
        (numbers.plain, D("1E+3"), "1000"),
        (numbers.plain, D("420.5450"), "420.545"),
        (numbers.percent, 1.5, "1.50 %"),
        (numbers.percent, -0.001, "0.00 %"),
        (numbers.share, 0.0125, "1.25 %"),
        (numbers.ratio, None, "-"),
    ],
)
def test_figures_read_as_a_trader_writes_them(write: Callable[[object], str], value: object, text: str) -> None:
    assert write(value) == text
