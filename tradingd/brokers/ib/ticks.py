"""Market data as the library decodes it. No I/O."""

from typing import TypeAlias

import msgspec


class WireTick(msgspec.Struct, frozen=True, gc=False):
    """tickPrice or tickSize: one figure of a subscription; `size` comes with a price, or alone with `price` None."""

    req_id: int
    kind: int
    price: float | None
    size: float


class WireStamp(msgspec.Struct, frozen=True, gc=False):
    """tickString with the time of the last trade, in seconds."""

    req_id: int
    seconds: int


class WirePrint(msgspec.Struct, frozen=True, gc=False):
    """One trade, tick by tick."""

    req_id: int
    seconds: int
    price: float
    size: float


class WireQuote(msgspec.Struct, frozen=True, gc=False):
    """One change of the quote, tick by tick."""

    req_id: int
    seconds: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


class WireBar(msgspec.Struct, frozen=True, gc=False):
    """One real-time bar of five seconds, or one of history; `date` is its beginning, in seconds or as a day."""

    req_id: int
    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class WireDataType(msgspec.Struct, frozen=True, gc=False):
    """marketDataType: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    req_id: int
    kind: int


MarketRecord: TypeAlias = WireTick | WireStamp | WirePrint | WireQuote | WireBar | WireDataType
