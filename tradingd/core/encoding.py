"""How values are spelled in every document that a program may read.

Owns: decimals as strings without an exponent, times as RFC 3339 UTC with nanoseconds, enumerations by their value.
By the convention of all our records a whole number in a field named `ts` or `ts_…` is a time in nanoseconds.
Never: writes NaN or infinity, which JSON does not have: such a float becomes null.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

import msgspec

from tradingd.core.market import NS_PER_SECOND


def rfc3339(ts: int) -> str:
    """A time in nanoseconds as RFC 3339 UTC text with nine fractional digits."""
    seconds, nanos = divmod(ts, NS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def plain_decimal(value: Decimal) -> str:
    """A decimal without exponent, and without a sign on zero."""
    return format(value if value else abs(value), "f")


def to_json(obj: object, *, indent: int = 2) -> str:
    """One JSON document of records, mappings, sequences and plain values, in the spelling of this module."""
    return msgspec.json.format(msgspec.json.encode(to_plain(obj)), indent=indent).decode()


def to_plain(obj: object) -> object:
    """Turn records into plain dictionaries, lists and strings, tags included."""
    match obj:
        case None | bool() | int():
            return obj
        case Enum():
            return obj.value
        case str():
            return obj
        case float():
            # Twelve digits: what is beyond them is the rounding of sums, and no figure.
            return float(f"{obj:.12g}") if math.isfinite(obj) else None
        case Decimal():
            return plain_decimal(obj) if obj.is_finite() else None
        case msgspec.Struct():
            return _plain_struct(obj)
        case Mapping():
            return {str(to_plain(key)): _plain_field(str(key), value) for key, value in obj.items()}
        case list() | tuple() | set() | frozenset():
            return [to_plain(item) for item in obj]
        case _:
            raise TypeError(f"{type(obj).__name__} has no spelling in our documents")


def _plain_struct(obj: msgspec.Struct) -> dict[str, object]:
    config = obj.__struct_config__
    plain: dict[str, object] = {}
    if config.tag_field is not None:
        plain[config.tag_field] = config.tag
    for name, key in zip(obj.__struct_fields__, obj.__struct_encode_fields__, strict=True):
        plain[key] = _plain_field(name, getattr(obj, name))
    return plain


def _plain_field(name: str, value: object) -> object:
    is_time = (name == "ts" or name.startswith("ts_")) and isinstance(value, int) and not isinstance(value, bool)
    return rfc3339(value) if is_time and isinstance(value, int) else to_plain(value)
