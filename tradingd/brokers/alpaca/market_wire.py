"""Market-data v2 on the wire, sans I/O: frames of bytes in, typed messages and events out.

Owns: every field name of the protocol. One typed decode reads a whole frame; only a frame with something strange in it
is read again message by message, so that one bad message costs no other. JSON and msgpack, told apart by the first
byte, since a server may answer control messages in either.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec.msgpack import Ext

from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick
from tradingd.core.timestamps import parse_timestamp

WireTime: TypeAlias = str | Ext
"""RFC 3339 text in JSON, the timestamp extension in msgpack."""

_TIMESTAMP_EXTENSION = -1
_JSON_STARTS = b'[{" \t\r\n'


class Success(msgspec.Struct, tag_field="T", tag="success", frozen=True):
    """`connected`, then `authenticated`."""

    msg: str = ""


class StreamError(msgspec.Struct, tag_field="T", tag="error", frozen=True):
    """The server's complaint."""

    code: int = 0
    msg: str = ""


class Subscription(msgspec.Struct, tag_field="T", tag="subscription", frozen=True):
    """All that is subscribed now."""

    trades: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()


class QuoteMessage(msgspec.Struct, tag_field="T", tag="q", gc=False):
    """Best bid and offer; a side that is not quoted has price 0."""

    symbol: Symbol = msgspec.field(name="S")
    time: WireTime = msgspec.field(name="t")
    bid: float = msgspec.field(name="bp", default=0.0)
    ask: float = msgspec.field(name="ap", default=0.0)
    bid_size: float = msgspec.field(name="bs", default=0.0)
    ask_size: float = msgspec.field(name="as", default=0.0)


class TradeMessage(msgspec.Struct, tag_field="T", tag="t", gc=False):
    """One trade of the market."""

    symbol: Symbol = msgspec.field(name="S")
    time: WireTime = msgspec.field(name="t")
    price: float = msgspec.field(name="p")
    size: float = msgspec.field(name="s")


class BarMessage(msgspec.Struct, tag_field="T", tag="b", gc=False):
    """A minute bar, just after its close; `time` is its start."""

    symbol: Symbol = msgspec.field(name="S")
    time: WireTime = msgspec.field(name="t")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    volume: float = msgspec.field(name="v", default=0.0)


class UpdatedBar(BarMessage, tag_field="T", tag="u", gc=False):
    """A minute bar again, half a minute later, with the trades that were reported late."""


class TradeCorrection(msgspec.Struct, tag_field="T", tag="c", gc=False):
    """A trade that was printed wrong; comes unasked with the trades."""

    symbol: Symbol = msgspec.field(name="S", default=Symbol(""))
    trade_id: int | str = msgspec.field(name="oi", default="")
    price: float = msgspec.field(name="op", default=0.0)
    size: float = msgspec.field(name="os", default=0.0)
    corrected_price: float = msgspec.field(name="cp", default=0.0)
    corrected_size: float = msgspec.field(name="cs", default=0.0)


class TradeCancel(msgspec.Struct, tag_field="T", tag="x", gc=False):
    """A trade that was taken back; comes unasked with the trades."""

    symbol: Symbol = msgspec.field(name="S", default=Symbol(""))
    trade_id: int | str = msgspec.field(name="i", default="")
    price: float = msgspec.field(name="p", default=0.0)
    size: float = msgspec.field(name="s", default=0.0)


# Known and left alone: nobody subscribes to them here; a halt shows as silence, which the data handler sees.
class DailyBar(msgspec.Struct, tag_field="T", tag="d", gc=False):
    """The running bar of the day."""


class TradingStatus(msgspec.Struct, tag_field="T", tag="s", gc=False):
    """A halt or a resumption."""


class PriceLimits(msgspec.Struct, tag_field="T", tag="l", gc=False):
    """The band of a limit-up, limit-down rule."""


class Imbalance(msgspec.Struct, tag_field="T", tag="i", gc=False):
    """More orders on one side of an auction than on the other."""


class OrderBook(msgspec.Struct, tag_field="T", tag="o", gc=False):
    """Levels of a crypto book."""


Message: TypeAlias = (
    QuoteMessage
    | TradeMessage
    | BarMessage
    | UpdatedBar
    | Success
    | StreamError
    | Subscription
    | TradeCorrection
    | TradeCancel
    | DailyBar
    | TradingStatus
    | PriceLimits
    | Imbalance
    | OrderBook
)

DATA_MESSAGES = (QuoteMessage, TradeMessage, BarMessage)
"""The messages that become events, revised bars among them; `isinstance` with a union is slower than with a tuple."""

_KNOWN_TAGS = frozenset({"q", "t", "b", "success", "error", "subscription", "u", "d", "s", "c", "x", "l", "i", "o"})


class _Glance(msgspec.Struct):
    """What can be said of a message that did not decode."""

    tag: Any = msgspec.field(name="T", default="")
    symbol: Any = msgspec.field(name="S", default="")


class Undecodable(NamedTuple):
    """A message that is not what it says it is."""

    symbol: Symbol
    detail: str


class Frame(NamedTuple):
    """What a frame held; `unknown` counts messages of kinds that the protocol has gained since."""

    messages: Sequence[Message]
    undecodable: Sequence[Undecodable] = ()
    unknown: int = 0


_json_frame = msgspec.json.Decoder(list[Message])
_json_raw = msgspec.json.Decoder(list[msgspec.Raw])
_json_one = msgspec.json.Decoder(Message)
_json_glance = msgspec.json.Decoder(_Glance)
_msgpack_frame = msgspec.msgpack.Decoder(list[Message])
_msgpack_raw = msgspec.msgpack.Decoder(list[msgspec.Raw])
_msgpack_one = msgspec.msgpack.Decoder(Message)
_msgpack_glance = msgspec.msgpack.Decoder(_Glance)


def decode_frame(frame: bytes) -> Frame:
    """Read every message of a frame; never raises."""
    is_json = frame[:1] in _JSON_STARTS
    try:
        return Frame(_json_frame.decode(frame) if is_json else _msgpack_frame.decode(frame))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_one_by_one(frame, is_json)


def _decode_one_by_one(frame: bytes, is_json: bool) -> Frame:
    try:
        parts = _json_raw.decode(frame) if is_json else _msgpack_raw.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Frame((), (Undecodable(Symbol(""), f"frame of {len(frame)} bytes: {error}"),))
    messages: list[Message] = []
    bad: list[Undecodable] = []
    unknown = 0
    for part in parts:
        try:
            messages.append(_json_one.decode(part) if is_json else _msgpack_one.decode(part))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            glance = _glance(part, is_json)
            if isinstance(glance.tag, str) and glance.tag and glance.tag not in _KNOWN_TAGS:
                unknown += 1
            else:
                symbol = Symbol(glance.symbol if isinstance(glance.symbol, str) else "")
                bad.append(Undecodable(symbol, f"message {glance.tag!r}: {error}"))
    return Frame(messages, bad, unknown)


def _glance(part: msgspec.Raw, is_json: bool) -> _Glance:
    try:
        return _json_glance.decode(part) if is_json else _msgpack_glance.decode(part)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Glance()


def time_ns(value: WireTime) -> int:
    """Nanoseconds UTC of a wire time; raises `ValueError`."""
    if type(value) is str:
        return parse_timestamp(value)
    assert isinstance(value, Ext)  # the union has no third member
    data = bytes(value.data)
    if value.code != _TIMESTAMP_EXTENSION:
        raise ValueError(f"msgpack extension {value.code} is no time")
    if len(data) == 8:
        packed = int.from_bytes(data, "big")
        return (packed & 0x3_FFFF_FFFF) * NS_PER_SECOND + (packed >> 34)
    if len(data) == 4:
        return int.from_bytes(data, "big") * NS_PER_SECOND
    if len(data) == 12:
        fraction, seconds = struct.unpack(">Iq", data)
        return int(seconds) * NS_PER_SECOND + int(fraction)
    raise ValueError(f"a msgpack time of {len(data)} bytes")


def to_event(message: QuoteMessage | TradeMessage | BarMessage | UpdatedBar, ts_recv: int) -> MarketDataEvent:
    """The event that a data message stands for; raises `ValueError` for a time that cannot be read."""
    ts = time_ns(message.time)
    if type(message) is QuoteMessage:
        return QuoteTick(
            symbol=message.symbol,
            bid=message.bid,
            ask=message.ask,
            bid_size=message.bid_size,
            ask_size=message.ask_size,
            ts_event=ts,
            ts_recv=ts_recv,
        )
    if type(message) is TradeMessage:
        return TradeTick(symbol=message.symbol, price=message.price, size=message.size, ts_event=ts, ts_recv=ts_recv)
    assert isinstance(message, BarMessage)  # the union has no fourth member
    return PriceBar(
        symbol=message.symbol,
        interval_ns=MINUTE_NS,
        ts_open=ts,
        open=message.open,
        high=message.high,
        low=message.low,
        close=message.close,
        volume=message.volume,
        ts_event=ts + MINUTE_NS,
        ts_recv=ts_recv,
    )


def encode_request(request: dict[str, Any], encoding: str) -> bytes:
    """A request in the session's encoding."""
    return msgspec.msgpack.encode(request) if encoding == "msgpack" else msgspec.json.encode(request)
