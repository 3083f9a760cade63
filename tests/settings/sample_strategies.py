"""Strategies that configurations of these tests name."""

from decimal import Decimal
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from tradingd.strategies.base import Strategy


class CrossParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    fast: int = Field(default=10, gt=0, description="Bars in the fast average.")
    width: Decimal = Decimal(2)
    long_only: bool = True
    label: str = "x"


class Cross(Strategy[CrossParams]):
    Params: ClassVar[type[BaseModel]] = CrossParams


class LaxParams(BaseModel):
    size: int = 1


class Lax(Strategy[LaxParams]):
    """Its parameters' model says nothing of unknown keys."""

    Params: ClassVar[type[BaseModel]] = LaxParams


class NotAStrategy:
    """A class of another kind."""
