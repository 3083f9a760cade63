"""Equity over time, and what can be said of its shape. Pure.

Returns are simple ones, as fractions: 0.01 is one percent. A figure that is not defined is None, never NaN or infinite.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from tradingd.core.orders import ZERO

_FLAT = 1e-12
"""A deviation below this is rounding of a constant series, not risk."""


class EquityPoint(msgspec.Struct, frozen=True, gc=False):
    """Equity at one instant."""

    ts: int
    equity: Decimal
    flow: Decimal = ZERO
    """Money that came in since the point before, or went out when below zero: it is in the equity."""


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall of equity below an earlier peak."""

    fraction: float
    """Share of the peak that was lost."""
    amount: Decimal
    ts_peak: int
    ts_trough: int
    ts_recovery: int | None
    """First time at or above the peak again; None while it has not come back."""


def max_drawdown(points: Sequence[EquityPoint]) -> Drawdown | None:
    """Find the deepest fall as a share of its peak; the earliest of equals, None when equity never fell.

    A peak of zero or less has no share that could be lost and is passed over.
    """
    deepest: tuple[Decimal, EquityPoint, EquityPoint] | None = None
    peak: EquityPoint | None = None
    for point in points:
        if peak is None or point.equity >= peak.equity:
            peak = point
        elif peak.equity > 0:
            share = (peak.equity - point.equity) / peak.equity
            if deepest is None or share > deepest[0]:
                deepest = (share, peak, point)
    if deepest is None:
        return None
    share, top, trough = deepest
    recovery = next((p.ts for p in points if p.ts > trough.ts and p.equity >= top.equity), None)
    return Drawdown(
        fraction=float(share),
        amount=top.equity - trough.equity,
        ts_peak=top.ts,
        ts_trough=trough.ts,
        ts_recovery=recovery,
    )


def without_flows(points: Sequence[EquityPoint]) -> Sequence[EquityPoint]:
    """The curve of the same returns of an account that starts alike and that nothing comes to or leaves.

    A deposit or a withdrawal is no return: what follows it is measured on what was there after it.
    """
    if not any(point.flow for point in points):
        return points
    curve: list[EquityPoint] = []
    level = real = ZERO
    for point in points:
        result = point.equity - point.flow
        if not curve:
            level = point.equity
        elif real > 0 and level > 0:
            level = level * result / real
        else:
            level += result - real
        real = point.equity
        curve.append(EquityPoint(point.ts, level))
    return curve


def daily_points(points: Sequence[EquityPoint], day_of: Callable[[int], int]) -> list[EquityPoint]:
    """The last point of each day that has one, in order; `points` are in order of time and without flows."""
    last = {day_of(point.ts): point for point in points}
    return list(last.values())


def simple_returns(equity: Sequence[Decimal]) -> list[float]:
    """Change from each value to the next as a share of the former.

    The series ends where equity reached zero or less: what follows is no return on anything.
    """
    returns: list[float] = []
    for before, after in itertools.pairwise(equity):
        if before <= ZERO:
            break
        returns.append(float(after / before - 1))
    return returns


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean, None of nothing."""
    return math.fsum(values) / len(values) if values else None


def sample_deviation(values: Sequence[float]) -> float | None:
    """Standard deviation with n - 1 in the denominator; None for fewer than two values."""
    if len(values) < 2:
        return None
    centre = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))
    return 0.0 if deviation < _FLAT else deviation


def downside_deviation(values: Sequence[float], target: float) -> float | None:
    """Root mean square of the shortfalls below `target`, counting every value in the mean; None of nothing."""
    if not values:
        return None
    deviation = math.sqrt(math.fsum(min(value - target, 0.0) ** 2 for value in values) / len(values))
    return 0.0 if deviation < _FLAT else deviation
