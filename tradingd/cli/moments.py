"""Times as people write them on a command line. Pure."""

import re
from datetime import date

from tradingd.core.market import MINUTE_NS, NS_PER_SECOND
from tradingd.core.timestamps import parse_timestamp
from tradingd.errors import UsageError
from tradingd.reporting.times import Times

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


def parse_since(text: str | None, now_ns: int, *, times: Times, option: str = "--since") -> int | None:
    """Read an age such as `10m`, `2h` or `1d`, a moment, or a date: its midnight in the zone of `times`."""
    age = _AGE.fullmatch(text or "")
    if age is not None:
        return now_ns - int(age[1]) * _UNITS[age[2]]
    try:
        if text is not None and _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            return times.midnight(day.year, day.month, day.day)
        return parse_moment(option, text)
    except (UsageError, ValueError) as error:
        raise UsageError(
            f"{option}: {text!r} is neither an age nor a time (write 30s, 10m, 2h, 1d, 2026-03-02, or "
            "2026-03-02T14:30:00Z)"
        ) from error
