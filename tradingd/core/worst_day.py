"""What one bad day can cost under the limits in force, and which limits are too wide for the account.

Owns: the sum, and the shares of equity from which on a limit is worth a warning. Pure: limits and equity in, figures
and sentences out. Never: says how likely a day is.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.accounting import EXACT
from tradingd.core.orders import ZERO

_HUNDRED = Decimal(100)
GAP_PCT = Decimal(10)
"""How far prices are taken to jump while nothing can be done: overnight, in a halt of the exchange, in an outage."""
MAX_DAILY_LOSS_PCT = Decimal(10)
"""Warn when the daily loss limit exceeds this share of equity."""
MAX_ORDER_PCT = Decimal(25)
"""Warn when one order may exceed this share of equity."""


class DayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that bound a day; money in the base currency, None where there is no limit."""

    max_daily_loss: Decimal | None = None
    max_gross_exposure: Decimal | None = None
    max_leverage: Decimal | None = None
    max_order_value: Decimal | None = None
    price_collar_pct: Decimal | None = None


class LossKind(StrEnum):
    """Where a day's loss comes from."""

    LIMIT = "daily loss limit"
    GAP = "gap"
    LAST_ORDER = "last order"


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the worst day; `amount` None means that nothing bounds it."""

    kind: LossKind
    amount: Decimal | None
    share_pct: Decimal | None
    """Of the equity; None where either is not known."""
    sentence: str


class WorstDay(msgspec.Struct, frozen=True, kw_only=True):
    """The parts and their sum, which is None when a part has no bound."""

    gap_pct: Decimal
    losses: tuple[Loss, ...]
    total: Decimal | None
    share_pct: Decimal | None


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that is absent or wide, and what would be right."""

    limit: str
    message: str
    remedy: str


def share_of(amount: Decimal | None, equity: Decimal | None) -> Decimal | None:
    """An amount in percent of the equity, to a tenth; None where there is no sensible answer."""
    if amount is None or equity is None or equity <= 0:
        return None
    return EXACT.divide(EXACT.multiply(amount, _HUNDRED), equity).quantize(Decimal("0.1"))


def exposure_bound(limits: DayLimits, equity: Decimal | None) -> Decimal | None:
    """The most that all positions may be worth together: the smaller of the two limits on it."""
    bounds = [] if limits.max_gross_exposure is None else [limits.max_gross_exposure]
    if limits.max_leverage is not None and equity is not None:
        bounds.append(EXACT.multiply(max(equity, ZERO), limits.max_leverage))
    return min(bounds, default=None)


def worst_day(limits: DayLimits, equity: Decimal | None, *, gap_pct: Decimal = GAP_PCT) -> WorstDay:
    """Sum up what can be lost from one day's start to its end; `equity` None when the account is not known."""
    exposure = exposure_bound(limits, equity)
    gap = None if exposure is None else _percent(exposure, gap_pct)
    last = None
    if limits.max_order_value is not None and limits.price_collar_pct is not None:
        last = _percent(limits.max_order_value, limits.price_collar_pct)
    losses = tuple(
        Loss(kind=kind, amount=amount, share_pct=share_of(amount, equity), sentence=sentence)
        for kind, amount, sentence in (
            (LossKind.LIMIT, limits.max_daily_loss, _limit_sentence(limits)),
            (LossKind.GAP, gap, _gap_sentence(exposure, gap_pct)),
            (LossKind.LAST_ORDER, last, _order_sentence(limits)),
        )
    )
    amounts = [loss.amount for loss in losses if loss.amount is not None]
    total = sum(amounts, ZERO) if len(amounts) == len(losses) else None
    return WorstDay(gap_pct=gap_pct, losses=losses, total=total, share_pct=share_of(total, equity))


def concerns(limits: DayLimits, equity: Decimal | None) -> tuple[Concern, ...]:
    """Name every limit that is absent, or wide for an account of this equity."""
    found = []
    if limits.max_daily_loss is None:
        found.append(_absent("max_daily_loss", "no loss halts trading", MAX_DAILY_LOSS_PCT, equity))
    elif (share := share_of(limits.max_daily_loss, equity)) is not None and share > MAX_DAILY_LOSS_PCT:
        message = f"a day may lose {share:f} % of the equity before trading halts"
        found.append(_wide("max_daily_loss", message, MAX_DAILY_LOSS_PCT, equity))
    if limits.max_gross_exposure is None:
        found.append(_absent("max_gross_exposure", "nothing but margin bounds what is held", _HUNDRED, equity))
    if limits.max_order_value is None:
        found.append(_absent("max_order_value", "one order may be of any size", MAX_ORDER_PCT, equity))
    elif (share := share_of(limits.max_order_value, equity)) is not None and share > MAX_ORDER_PCT:
        message = f"one order may be {share:f} % of the equity"
        found.append(_wide("max_order_value", message, MAX_ORDER_PCT, equity))
    return tuple(found)


def _absent(limit: str, message: str, max_pct: Decimal, equity: Decimal | None) -> Concern:
    remedy = f"set risk.{limit}{_suggested(max_pct, equity)}"
    return Concern(limit=limit, message=f"there is no {limit}: {message}", remedy=remedy)


def _wide(limit: str, message: str, max_pct: Decimal, equity: Decimal | None) -> Concern:
    return Concern(limit=limit, message=message, remedy=f"lower risk.{limit}{_suggested(max_pct, equity)}")


def _suggested(max_pct: Decimal, equity: Decimal | None) -> str:
    if equity is None or equity <= 0:
        return ""
    most = _percent(equity, max_pct).to_integral_value()
    return f" to {most:f} or less, {max_pct:f} % of the equity"


def _percent(amount: Decimal, percent: Decimal) -> Decimal:
    return EXACT.divide(EXACT.multiply(amount, percent), _HUNDRED)


def _limit_sentence(limits: DayLimits) -> str:
    if limits.max_daily_loss is None:
        return "Nothing halts trading for a day's loss, so the day has no bound."
    return "Trading halts once the day has lost max_daily_loss; a halt sends no new orders and closes no position."


def _gap_sentence(exposure: Decimal | None, gap_pct: Decimal) -> str:
    if exposure is None:
        return "Nothing bounds what is held, so a gap has no bound either."
    return f"What is held, at most {exposure:,.2f}, may gap by {gap_pct:f} % before anybody can act on the halt."


def _order_sentence(limits: DayLimits) -> str:
    if limits.max_order_value is None or limits.price_collar_pct is None:
        return "Nothing bounds what an order that is on its way at the halt may cost."
    return (
        "An order on its way at the halt may still fill, with a limit up to price_collar_pct from the last good price; "
        "a market order has no bound but the market."
    )
