"""What the limits of a configuration are worth on the account that it names. Pure.

Reads: settings, equity and where each limit was written. Emits: a row for each limit, and warnings.
"""

from collections.abc import Iterator
from decimal import Decimal

from tradingd.core.numbers import money
from tradingd.core.worst_day import DayLimits, WorstDay, concerns, share_of, worst_day
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.risk import RiskOverrides, RiskSettings
from tradingd.settings.root import Settings
from tradingd.tools.doctor.findings import Finding, LimitRow, Part, ok, warning

_PART = Part.LIMITS
_HUNDRED = Decimal(100)
_MONEY = ("max_order_value", "max_position_value", "max_gross_exposure", "max_daily_loss")
_UNITS = ("max_order_quantity", "max_position_quantity")
_PERCENT = ("max_drawdown_pct", "max_var_99_pct")
_EXPECTED = ("max_daily_loss", "max_gross_exposure", "max_order_value")
"""Limits that an owner should have written down, since no built-in figure can fit every account."""


def day_limits(settings: Settings, multiplier: Decimal | None) -> DayLimits:
    """The limits that bound a day; the account's own multiplier caps the leverage where it is known."""
    risk = settings.risk
    return DayLimits(
        max_daily_loss=risk.max_daily_loss,
        max_gross_exposure=risk.max_gross_exposure,
        max_leverage=risk.max_leverage if multiplier is None else min(risk.max_leverage, multiplier),
        max_order_value=risk.max_order_value,
        price_collar_pct=risk.price_collar_pct,
    )


def limit_rows(settings: Settings, equity: Decimal | None) -> tuple[LimitRow, ...]:
    """Every limit that is in force, the account's first."""
    risk = settings.risk
    rows = list(_rows("account", risk, equity))
    for scope, overrides in [
        *((strategy.id, strategy.risk) for strategy in settings.strategies),
        *risk.symbols.items(),
    ]:
        rows += _rows(scope, overrides, equity)
    return tuple(rows)


def _rows(scope: str, limits: RiskSettings | RiskOverrides, equity: Decimal | None) -> Iterator[LimitRow]:
    for name in (*_MONEY, *_UNITS, *_PERCENT, "max_leverage", "price_collar_pct", "max_orders_per_minute"):
        value = getattr(limits, name, None)
        if value is None:
            continue
        money, unit = None, "units"
        if name in _MONEY:
            money, unit = value, "money"
        elif name in _PERCENT:
            money, unit = None if equity is None else equity * value / _HUNDRED, "percent"
        elif name == "max_leverage":
            money, unit = None if equity is None else equity * value, "times equity"
        elif name == "price_collar_pct":
            money, unit = _cost_of_collar(limits, value), "percent"
        elif name == "max_orders_per_minute":
            value, unit = Decimal(value), "a minute"
        yield LimitRow(scope=scope, limit=name, value=value, unit=unit, money=money, share_pct=share_of(money, equity))


def _cost_of_collar(limits: RiskSettings | RiskOverrides, percent: Decimal) -> Decimal | None:
    """What one order of the largest size can cost by its price alone."""
    return None if limits.max_order_value is None else limits.max_order_value * percent / _HUNDRED


def judge_limits(
    loaded: LoadedSettings, equity: Decimal | None, multiplier: Decimal | None
) -> tuple[list[Finding], WorstDay]:
    """Judge the limits against the equity, and sum up the worst day."""
    limits = day_limits(loaded.settings, multiplier)
    day = worst_day(limits, equity)
    findings = [
        warning(
            _PART,
            name,
            f"{name} is not in the configuration: the built-in {getattr(limits, name):f} holds",
            f"write risk.{name} as you want it",
        )
        for name in _EXPECTED
        if loaded.provenance(("risk", name)) == "default"
    ]
    findings += [warning(_PART, found.limit, found.message, found.remedy) for found in concerns(limits, equity)]
    if not findings:
        measured = "" if equity is None else f", measured by an equity of {money(equity)}"
        findings.append(ok(_PART, "limits", f"every limit that bounds a day is set{measured}"))
    return findings, day
