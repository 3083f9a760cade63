"""The `[risk]` tables: limits of the whole account, of one symbol and of one strategy."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from tradingd.settings.fields import NonNegativeInt, PositiveDecimal, PositiveInt, Section, SymbolList


class RiskOverrides(Section):
    """Tighter limits for one symbol or one strategy; what is left out is not limited further."""

    max_order_value: PositiveDecimal | None = Field(default=None, description="Largest value of one order.")
    max_order_quantity: PositiveDecimal | None = Field(default=None, description="Largest quantity of one order.")
    max_position_quantity: PositiveDecimal | None = Field(default=None, description="Largest position in units.")
    max_position_value: PositiveDecimal | None = Field(default=None, description="Largest position by value.")


class RiskSettings(Section):
    """Limits that every order and the whole account must keep; money is in the base currency."""

    max_order_value: PositiveDecimal = Field(default=Decimal(10_000), description="Largest value of one order.")
    max_order_quantity: PositiveDecimal = Field(
        default=Decimal(1_000_000), description="Largest quantity of one order."
    )
    max_position_quantity: PositiveDecimal | None = Field(
        default=None, description="Largest position of a symbol in units; not limited when left out."
    )
    max_position_value: PositiveDecimal = Field(
        default=Decimal(25_000), description="Largest position of a symbol by value."
    )
    max_gross_exposure: PositiveDecimal = Field(
        default=Decimal(100_000), description="Largest sum of all positions' values, long and short."
    )
    price_collar_pct: PositiveDecimal = Field(
        default=Decimal(5), description="How far from the last good price an order's price may be, in percent."
    )
    max_orders_per_minute: PositiveInt = Field(default=120, description="Orders that may leave within any minute.")
    max_repeated_orders: NonNegativeInt = Field(
        default=30,
        description="How often within a minute a strategy may ask for the very same order; past it the strategy is "
        "stopped. 0 turns the check off.",
    )
    max_refused_orders: PositiveInt = Field(
        default=100,
        description="How many orders of a strategy may be refused within a minute, whatever their terms; past it the "
        "strategy is stopped.",
    )
    max_daily_loss: PositiveDecimal = Field(
        default=Decimal(1_000), description="Loss since the start of the day that halts trading."
    )
    max_drawdown_pct: Annotated[PositiveDecimal, Field(le=100)] = Field(
        default=Decimal(10), description="Fall of equity from its peak, in percent, that halts trading."
    )
    max_leverage: PositiveDecimal = Field(default=Decimal(2), description="Largest gross exposure divided by equity.")
    max_var_99_pct: PositiveDecimal | None = Field(
        default=None, description="Largest one-day 99 percent value at risk, in percent of equity; off when left out."
    )
    allow_short: bool = Field(default=True, description="Whether a position may be negative.")
    allowed_symbols: SymbolList | None = Field(
        default=None, description="The only symbols that may be traded; every strategy's symbols when left out."
    )
    symbols: dict[str, RiskOverrides] = Field(default={}, description='Limits of one symbol: [risk.symbols."AAPL"].')
