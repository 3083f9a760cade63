"""Delays between attempts."""

import random

import pytest
from tradingd.runtime.backoff import Backoff, asked_wait_s


def test_delays_double_up_to_the_cap_and_keep_at_least_half() -> None:
    backoff = Backoff(1.0, 8.0, random.Random(1))
    delays = [backoff.next_delay() for _ in range(50)]
    for delay, ceiling in zip(delays, [1, 2, 4, 8] + [8] * 46, strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert backoff.failures == 50


def test_a_reset_starts_over() -> None:
    backoff = Backoff(1.0, 64.0, random.Random(1))
    for _ in range(6):
        backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() <= 1.0


def test_a_seed_repeats_the_delays() -> None:
    first, second = (Backoff(0.5, 30.0, random.Random(7)) for _ in range(2))
    assert [first.next_delay() for _ in range(5)] == [second.next_delay() for _ in range(5)]


def test_a_year_of_failures_does_not_overflow() -> None:
    backoff = Backoff(0.5, 30.0)
    backoff.failures = 10**7
    assert backoff.next_delay() <= 30.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7", "X-Ratelimit-Reset": "1060", "X-Ratelimit-Remaining": "0"}, 7.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:16:45 GMT"}, 5.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:16:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"X-Ratelimit-Reset": "1012", "X-Ratelimit-Remaining": "0"}, 12.0),
        ({"X-Ratelimit-Reset": "1012", "X-Ratelimit-Remaining": "55"}, None),
        ({"X-Ratelimit-Reset": "900"}, 0.0),
        ({"X-Ratelimit-Reset": "never"}, None),
    ],
)
def test_the_wait_that_a_venue_asks_for(headers: dict[str, str], wait: float | None) -> None:
    assert asked_wait_s(headers, 1000 * 1_000_000_000) == wait
