"""Figures, times and names as TWS writes them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tradingd.brokers.ib.wire import execution_name, number, read_time, write_time
from tradingd.core.market import NS_PER_SECOND


@pytest.mark.parametrize(
    ("told", "figure"),
    [
        (100.0, "100"),
        (0.1, "0.1"),
        (189.90, "189.9"),
        (-0.35, "-0.35"),
        ("4750", "4750"),
        (0.00005, "0.00005"),
        (1.7976931348623157e308, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        (None, None),
    ],
)
def test_a_figure_is_what_was_written_or_absent(told: Any, figure: str | None) -> None:
    assert number(told) == (None if figure is None else Decimal(figure))


@pytest.mark.parametrize(
    ("exec_id", "name"),
    [
        ("0000e0d5.6b039cb2.01.01", "0000e0d5.6b039cb2.01.01"),
        ("0000e0d5.6b039cb2.01.02", "0000e0d5.6b039cb2.01.01"),
        ("0000e0d5.6b039cb2.02.01", "0000e0d5.6b039cb2.02.01"),
        ("0000e0d5.6b039cb2.01.10", "0000e0d5.6b039cb2.01.01"),
        ("odd", "odd"),
        ("odd.x", "odd.x"),
    ],
)
def test_a_correction_has_the_name_of_what_it_corrects(exec_id: str, name: str) -> None:
    assert execution_name(exec_id) == name


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260211 09:30:00 US/Eastern", "2026-02-11T14:30:00"),
        ("20260711 09:30:00 America/New_York", "2026-07-11T13:30:00"),
        ("20260211-14:30:00", "2026-02-11T14:30:00"),
        ("20260211 14:30:00 UTC", "2026-02-11T14:30:00"),
        ("", None),
        ("20260211", None),
        ("20260211 25:00:00 UTC", None),
        ("20260211 14:30:00 Nowhere/At_All", None),
    ],
)
def test_a_time_is_read_in_its_zone(text: str, moment: str | None) -> None:
    wanted = None
    if moment is not None:
        wanted = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * NS_PER_SECOND
    assert read_time(text) == wanted


def test_a_time_is_written_so_that_it_is_read_back() -> None:
    ts = 1_770_836_400 * NS_PER_SECOND
    assert read_time(write_time(ts)) == ts
