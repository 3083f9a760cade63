"""Waiting, within a bound, for what a command comes to."""

import time
from collections.abc import Callable

POLL_S = 0.1


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Look again until the condition holds or the time is over; True when it holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(POLL_S, left))
    return True
