"""Market data as Alpaca's streams and REST spell it, in JSON and in msgpack."""

import struct
from collections.abc import Sequence
from enum import Enum, auto

import msgspec

from tradingd.core.market import NS_PER_SECOND, QuoteTick, TradeTick
from tradingd.venue.bars import BarNews
from tradingd.venue.store import StoredBar
from tradingd.venue.wire import time_text

Message = dict[str, object]
"""One object of a stream; its first key is `T`, which some clients read before anything else; `t` is in ns."""

MIRRORS = ("corrections", "cancelErrors")
"""Channels that a subscription to trades brings along."""
STOCK_CHANNELS = (
    "trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "imbalances", *MIRRORS,
)  # fmt: skip
CRYPTO_CHANNELS = ("trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars")

_TIMESTAMP_EXT = -1
_JSON_ENCODER = msgspec.json.Encoder()
_MSGPACK_ENCODER = msgspec.msgpack.Encoder()


class Codec(Enum):
    """How one connection writes."""

    JSON = auto()
    MSGPACK = auto()

    def encode(self, message: Message) -> bytes:
        """Encode one message of an array."""
        ts = message.get("t")
        if self is Codec.JSON:
            return _JSON_ENCODER.encode(message | {"t": time_text(ts)} if isinstance(ts, int) else message)
        return _MSGPACK_ENCODER.encode(message | {"t": _timestamp(ts)} if isinstance(ts, int) else message)

    def join(self, messages: Sequence[bytes]) -> bytes:
        """Put encoded messages into one array."""
        if self is Codec.JSON:
            return b"[" + b",".join(messages) + b"]"
        count = len(messages)
        head = bytes((0x90 | count,)) if count < 16 else struct.pack(">BH", 0xDC, count)
        return head + b"".join(messages)

    def decode(self, raw: bytes) -> object:
        """Read one request, None when it cannot be read."""
        try:
            return msgspec.json.decode(raw) if self is Codec.JSON else msgspec.msgpack.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def _timestamp(ts_ns: int) -> msgspec.msgpack.Ext:
    """The msgpack timestamp extension in its 64-bit form: nanoseconds in 30 bits, seconds in 34."""
    seconds, nanoseconds = divmod(ts_ns, NS_PER_SECOND)
    return msgspec.msgpack.Ext(_TIMESTAMP_EXT, struct.pack(">Q", nanoseconds << 34 | seconds))


def trade_message(trade: TradeTick, trade_id: int) -> Message:
    """A trade on the stream."""
    if "/" in trade.symbol:
        return {"T": "t", "S": trade.symbol, "p": trade.price, "s": trade.size, "i": trade_id, "t": trade.ts_event,
                "tks": "B"}  # fmt: skip
    return {"T": "t", "S": trade.symbol, "i": trade_id, "x": "V", "p": trade.price, "s": trade.size, "c": ["@"],
            "z": "C", "t": trade.ts_event}  # fmt: skip


def quote_message(quote: QuoteTick) -> Message:
    """A quote on the stream."""
    if "/" in quote.symbol:
        return {"T": "q", "S": quote.symbol, "bp": quote.bid, "bs": quote.bid_size, "ap": quote.ask,
                "as": quote.ask_size, "t": quote.ts_event}  # fmt: skip
    return {"T": "q", "S": quote.symbol, "bx": "V", "bp": quote.bid, "bs": quote.bid_size, "ax": "V", "ap": quote.ask,
            "as": quote.ask_size, "c": ["R"], "z": "C", "t": quote.ts_event}  # fmt: skip


def book_message(quote: QuoteTick) -> Message:
    """The best level of each side as a whole order book."""
    bids = [{"p": quote.bid, "s": quote.bid_size}] if quote.bid > 0 else []
    asks = [{"p": quote.ask, "s": quote.ask_size}] if quote.ask > 0 else []
    return {"T": "o", "S": quote.symbol, "b": bids, "a": asks, "t": quote.ts_event, "r": True}


def bar_message(news: BarNews) -> Message:
    """A bar on the stream."""
    bar = news.bar
    return {"T": news.kind.value, "S": bar.symbol} | _bar_fields(bar) | {"t": bar.ts_open}


def _bar_fields(bar: StoredBar) -> Message:
    return {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume, "n": bar.trades,
            "vw": bar.vwap}  # fmt: skip


def bar_json(bar: StoredBar) -> Message:
    """A bar in an answer of the data API."""
    return {"t": time_text(bar.ts_open)} | _bar_fields(bar)


def quote_json(quote: QuoteTick) -> Message:
    """A quote in an answer of the data API."""
    return _without_head(quote_message(quote))


def trade_json(trade: TradeTick) -> Message:
    """A trade in an answer of the data API."""
    # The stream counts trades; a single answer has no place in that count.
    return _without_head(trade_message(trade, trade.ts_event // 1000))


def _without_head(message: Message) -> Message:
    ts = message["t"]
    assert isinstance(ts, int)
    return {key: value for key, value in message.items() if key not in ("T", "S")} | {"t": time_text(ts)}
