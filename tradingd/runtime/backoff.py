"""How long to wait before the next attempt.

Owns: the count of failures in a row. Never sleeps and never reads a clock: the caller waits, and says when all is well.
"""

import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from tradingd.core.market import NS_PER_SECOND


class Backoff:
    """Delays that double from `first_s` up to `cap_s`, each shortened by up to half at random.

    The jitter keeps many clients of one venue from coming back in step after its outage. `rng` makes it repeatable.
    """

    def __init__(self, first_s: float = 0.5, cap_s: float = 30.0, rng: random.Random | None = None) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        # Jitter needs no secrecy.
        self._rng = rng if rng is not None else random.Random()  # noqa: S311
        self.failures = 0

    def next_delay(self) -> float:
        """Count one more failure and return the seconds to wait before the next attempt."""
        # The exponent is bounded so that a year of failures cannot overflow a float.
        ceiling = min(self._cap_s, self._first_s * (1 << min(self.failures, 32)))
        self.failures += 1
        return ceiling * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Forget the failures: the attempt held."""
        self.failures = 0


def asked_wait_s(headers: Mapping[str, str], now_ns: int) -> float | None:
    """Seconds that the venue asks us to wait: `Retry-After` (seconds or a date) before `X-Ratelimit-Reset`."""
    now_s = now_ns / NS_PER_SECOND
    after = headers.get("Retry-After")
    if after is not None:
        if after.strip().isdecimal():
            return float(after)
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - now_s)
        except ValueError:
            return None
    reset = headers.get("X-Ratelimit-Reset", "").strip()
    # The header also comes with answers that are not about the rate; a reset in the past asks for nothing.
    if not reset.isdecimal() or headers.get("X-Ratelimit-Remaining", "0").strip() != "0":
        return None
    return max(0.0, float(reset) - now_s)
