"""Times as people write them on a command line. Pure."""

import re

from tradingd.core.market import MINUTE_NS, NS_PER_SECOND
from tradingd.errors import UsageError
from tradingd.feeds.timestamps import parse_timestamp

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AGE = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_UNITS = {"s": NS_PER_SECOND, "m": MINUTE_NS, "h": 60 * MINUTE_NS, "d": 1440 * MINUTE_NS}


def parse_moment(option: str, text: str | None) -> int | None:
    """Nanoseconds UTC of an RFC 3339 time or of a date's midnight. Raises `UsageError` that names the option."""
    if text is None:
        return None
    try:
        return parse_timestamp(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no time (write 2026-03-02 for midnight UTC, or 2026-03-02T14:30:00Z)"
        ) from error


def parse_span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Read `--from` and `--to`; the first must come before the second."""
    start_ns, end_ns = parse_moment("--from", start), parse_moment("--to", end)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise UsageError(f"--from {start} does not come before --to {end}")
    return start_ns, end_ns


def parse_since(text: str | None, now_ns: int) -> int | None:
    """Read `--since`: an age such as `10m`, `2h` or `1d`, or a moment."""
    age = _AGE.fullmatch(text or "")
    if age is not None:
        return now_ns - int(age[1]) * _UNITS[age[2]]
    try:
        return parse_moment("--since", text)
    except UsageError as error:
        raise UsageError(
            f"--since: {text!r} is neither an age nor a time (write 30s, 10m, 2h, 1d, or 2026-03-02T14:30:00Z)"
        ) from error
