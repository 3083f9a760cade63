"""Kinds of value that settings are made of: strict about type, finite, positive.

Owns: how a TOML value becomes a typed one. Never turns text into a number or a switch, and never repeats a secret in
an error.
"""

import math
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, Strict, WithJsonSchema

from tradingd.core.bars import parse_interval
from tradingd.core.identifiers import Symbol


class Section(BaseModel):
    """Base of every table: unknown keys are errors, types are taken as written, values never change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _decimal(value: Any) -> Any:
    """Take a TOML integer, float or string as an exact decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic makes a message of a ValueError alone
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    return number


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _interval(text: str) -> str:
    parse_interval(text)
    return text


def _speed(value: Any) -> Any:
    if value == "max":
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ValueError('must be a positive number or "max"')
    return float(value)


def _unique(values: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    doubles = sorted({value for value in values if values.count(value) > 1})
    if doubles:
        raise ValueError(f"names {', '.join(doubles)} twice")
    return values


PositiveDecimal: TypeAlias = Annotated[Decimal, Field(gt=0), BeforeValidator(_decimal)]
"""A limit: an exact number above zero."""

AnyDecimal: TypeAlias = Annotated[Decimal, Field(ge=0), BeforeValidator(_decimal)]
"""An exact number, zero allowed."""

PositiveFloat: TypeAlias = Annotated[float, AfterValidator(_finite), Field(gt=0)]
"""A finite number above zero."""

NonNegativeFloat: TypeAlias = Annotated[float, AfterValidator(_finite), Field(ge=0)]
"""A finite number, zero allowed; zero usually means "off"."""

PositiveInt: TypeAlias = Annotated[int, Field(gt=0)]
"""A whole number above zero."""

NonNegativeInt: TypeAlias = Annotated[int, Field(ge=0)]
"""A whole number, zero allowed; zero usually means "off"."""

IntervalText: TypeAlias = Annotated[str, AfterValidator(_interval)]
"""`5s`, `1m`, `1h`, `1d`."""

SymbolText: TypeAlias = Annotated[Symbol, Field(pattern=r"^\S{1,24}$")]
"""A symbol as the venue spells it."""

# Only the container is lax (TOML has arrays, not tuples); what is in it stays strict.
SymbolList: TypeAlias = Annotated[tuple[SymbolText, ...], Field(min_length=1), AfterValidator(_unique), Strict(False)]
"""At least one symbol, none twice."""

OptionalSymbols: TypeAlias = Annotated[tuple[SymbolText, ...], AfterValidator(_unique), Strict(False)]
"""Any number of symbols, none twice."""

Speed: TypeAlias = Annotated[
    float | Literal["max"],
    BeforeValidator(_speed),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "max"}]}),
]
"""A multiple of real time, or as fast as the machine can."""

Secret: TypeAlias = Annotated[SecretStr, Field(min_length=1)]
"""A key that no output may show."""
