"""What a bad day can cost, by hand-checked figures."""

from decimal import Decimal

import pytest
from tradingd.core.worst_day import DayLimits, LossKind, concerns, exposure_bound, share_of, worst_day

D = Decimal
EVERY = DayLimits(
    max_daily_loss=D(1_000),
    max_gross_exposure=D(100_000),
    max_leverage=D(2),
    max_order_value=D(10_000),
    price_collar_pct=D(5),
)

DAYS = {
    # limits, equity -> daily loss, gap, last order, sum, share of equity
    "the shipped limits on a full account": (EVERY, D(100_000), (D(1_000), D(10_000), D(500)), D(11_500), D("11.5")),
    "leverage is the tighter bound": (EVERY, D(20_000), (D(1_000), D(4_000), D(500)), D(5_500), D("27.5")),
    "an unknown equity has no share": (EVERY, None, (D(1_000), D(10_000), D(500)), D(11_500), None),
    "no equity, nothing to hold": (EVERY, D(0), (D(1_000), D(0), D(500)), D(1_500), None),
    "debts hold nothing either": (EVERY, D(-50), (D(1_000), D(0), D(500)), D(1_500), None),
    "no limit on the day": (
        DayLimits(max_gross_exposure=D(1_000), max_order_value=D(100), price_collar_pct=D(1)),
        D(1_000),
        (None, D(100), D(1)),
        None,
        None,
    ),
    "nothing bounds what is held": (
        DayLimits(max_daily_loss=D(10), max_order_value=D(100), price_collar_pct=D(1)),
        D(1_000),
        (D(10), None, D(1)),
        None,
        None,
    ),
    "no limit at all": (DayLimits(), D(1_000), (None, None, None), None, None),
    "a fraction of a cent is kept": (
        DayLimits(
            max_daily_loss=D("0.001"), max_gross_exposure=D("0.01"), max_order_value=D("0.1"), price_collar_pct=D("0.1")
        ),
        D(1),
        (D("0.001"), D("0.001"), D("0.0001")),
        D("0.0021"),
        D("0.2"),
    ),
}


@pytest.mark.parametrize("name", DAYS)
def test_the_worst_day(name: str) -> None:
    limits, equity, parts, total, share = DAYS[name]
    day = worst_day(limits, equity)
    assert tuple(loss.amount for loss in day.losses) == parts
    assert (day.total, day.share_pct) == (total, share)
    assert [loss.kind for loss in day.losses] == list(LossKind)
    assert all(loss.sentence.endswith(".") for loss in day.losses)


def test_a_stated_gap_is_what_is_held_times_the_gap() -> None:
    day = worst_day(EVERY, D(100_000), gap_pct=D(25))
    assert day.gap_pct == 25
    assert day.losses[1].amount == 25_000
    assert "gap by 25 %" in day.losses[1].sentence


BOUNDS = ["max_daily_loss", "max_gross_exposure", "max_order_value"]
CONCERNS = {
    "none": (EVERY, D(100_000), []),
    "a tenth of the equity is just right": (EVERY, D(40_000), []),
    "both shares too large": (EVERY, D(5_000), ["max_daily_loss", "max_order_value"]),
    "the order alone": (EVERY, D(39_000), ["max_order_value"]),
    "without an equity only absence tells": (EVERY, None, []),
    "nothing is set": (DayLimits(), D(1_000), ["max_daily_loss", "max_gross_exposure", "max_order_value"]),
    "nothing is set and nothing known": (
        DayLimits(),
        None,
        ["max_daily_loss", "max_gross_exposure", "max_order_value"],
    ),
}


@pytest.mark.parametrize("name", CONCERNS)
def test_limits_that_are_absent_or_wide_are_named(name: str) -> None:
    limits, equity, named = CONCERNS[name]
    found = concerns(limits, equity)
    assert [concern.limit for concern in found] == named
    assert all(f"risk.{concern.limit}" in concern.remedy for concern in found)


def test_a_remedy_names_a_figure_that_would_be_right() -> None:
    daily, order = concerns(EVERY, D(5_000))
    assert daily.message == "a day may lose 20.0 % of the equity before trading halts"
    assert daily.remedy == "lower risk.max_daily_loss to 500 or less, 10 % of the equity"
    assert order.remedy == "lower risk.max_order_value to 1250 or less, 25 % of the equity"


def test_the_tighter_bound_on_what_is_held_counts() -> None:
    assert exposure_bound(EVERY, D(10)) == 20
    assert exposure_bound(EVERY, None) == 100_000
    assert exposure_bound(DayLimits(max_leverage=D(3)), D(10)) == 30
    assert exposure_bound(DayLimits(), D(10)) is None


def test_a_share_is_told_of_a_positive_equity_alone() -> None:
    assert share_of(D(1), D(3)) == D("33.3")
    assert [share_of(D(1), D(0)), share_of(D(1), D(-1)), share_of(None, D(1)), share_of(D(1), None)] == [None] * 4
