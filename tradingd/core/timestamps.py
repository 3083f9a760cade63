"""RFC 3339 text to integer nanoseconds, fast.

Owns: a small cache of dates and times of day, since market data repeats both. Never accepts a time without a zone.
"""

from datetime import date, datetime

from tradingd.core.market import DAY_NS, NS_PER_SECOND

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CACHE_LIMIT = 100_000  # every second of a day fits; a hostile file cannot grow it without bound
_days: dict[str, int] = {}
_seconds: dict[str, int] = {}


def _day_ns(text: str) -> int:
    # `fromisoformat` also reads week dates (2013-W01-1), which RFC 3339 does not have.
    if text[4:5] != "-" or text[7:8] != "-":
        raise ValueError(f"{text!r} is not a date")
    day = (date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL) * DAY_NS
    if len(_days) >= _CACHE_LIMIT:
        _days.clear()
    _days[text] = day
    return day


def _second_ns(text: str) -> int:
    """Nanoseconds of a time of day such as `T08:01:00`."""
    hour, minute, second = text[1:3], text[4:6], text[7:9]
    digits = hour + minute + second
    shaped = len(text) == 9 and text[0] in "Tt " and text[3] == text[6] == ":"
    # `isdecimal` alone takes the digits of every script.
    if not (shaped and digits.isascii() and digits.isdecimal()):
        raise ValueError(f"{text!r} is not a time of day")
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:  # 60: a leap second counts as the next minute's first
        raise ValueError(f"{text!r} is not a time of day")
    value = (int(hour) * 3600 + int(minute) * 60 + int(second)) * NS_PER_SECOND
    if len(_seconds) >= _CACHE_LIMIT:
        _seconds.clear()
    _seconds[text] = value
    return value


def parse_timestamp(text: str) -> int:
    """Nanoseconds UTC of an RFC 3339 time with up to nine fractional digits; raises `ValueError`."""
    day = _days.get(text[:10])
    if day is None:
        day = _day_ns(text[:10])
    second = _seconds.get(text[10:19])
    if second is None:
        second = _second_ns(text[10:19])
    size = len(text)
    if size == 20 and text[19] == "Z":  # whole seconds: most files
        return day + second
    if size == 30 and text[29] == "Z" and text[19] == "." and text[20:29].isdecimal():  # nanoseconds: most streams
        return day + second + int(text[20:29])
    return day + second + _tail_ns(text[19:], text)


def _tail_ns(rest: str, text: str) -> int:
    """Nanoseconds that a fraction and a zone add: `.25Z`, `+00:00`, `.123456789-05:00`."""
    fraction = 0
    if rest[:1] == ".":
        end = 1
        while rest[end : end + 1].isdecimal():
            end += 1
        digits = rest[1:end]
        if not digits or not digits.isascii():
            raise ValueError(f"{text!r} is not an RFC 3339 time")
        fraction = int(digits[:9].ljust(9, "0"))
        rest = rest[end:]
    if rest in ("Z", "z", "+00:00"):
        return fraction
    if len(rest) != 6 or rest[0] not in "+-":
        raise ValueError(f"{text!r} is not an RFC 3339 time with a zone")
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{rest}").utcoffset()
    assert offset is not None  # six characters of offset were given
    return fraction - int(offset.total_seconds()) * NS_PER_SECOND


def format_timestamp(ts_ns: int) -> str:
    """RFC 3339 UTC text with nanoseconds, as venues take it in a query."""
    seconds, fraction = divmod(ts_ns, NS_PER_SECOND)
    days, second = divmod(seconds, 86_400)
    day = date.fromordinal(_EPOCH_ORDINAL + days).isoformat()
    return f"{day}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{fraction:09d}Z"
