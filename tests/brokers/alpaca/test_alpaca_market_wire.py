"""Frames of market-data v2, without a socket."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext
from tradingd.brokers.alpaca import market_wire
from tradingd.core.identifiers import Symbol

TIME = "2021-02-22T15:51:44Z"


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_every_message_of_the_protocol_is_known(encode: Any) -> None:
    frame = encode(
        [
            {"T": "success", "msg": "connected"},
            {"T": "error", "code": 406, "msg": "connection limit exceeded"},
            {"T": "subscription", "trades": ["AAPL"], "quotes": [], "bars": ["*"], "lulds": [], "news": []},
            {"T": "q", "S": "BTC/USD", "bp": 1.5, "bs": 0.25, "ap": 2, "as": 3, "t": TIME},
            {"T": "t", "S": "BTC/USD", "p": 1, "s": 0.001, "i": 1, "tks": "B", "t": TIME},
            {"T": "b", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "t": TIME},
            {"T": "u", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "t": TIME},
            *({"T": tag, "S": "AAPL", "t": TIME} for tag in "cxdslio"),
        ]
    )
    decoded = market_wire.decode_frame(frame)
    assert (decoded.undecodable, decoded.unknown) == ((), 0)
    assert [type(message).__name__ for message in decoded.messages] == [
        "Success", "StreamError", "Subscription", "QuoteMessage", "TradeMessage", "BarMessage",
        "UpdatedBar", "TradeCorrection", "TradeCancel", "DailyBar", "TradingStatus", "PriceLimits", "Imbalance",
        "OrderBook",
    ]  # fmt: skip


def test_the_tag_may_stand_anywhere_in_a_message() -> None:
    (message,) = market_wire.decode_frame(b'[{"S":"A","p":1,"s":2,"t":"2021-02-22T15:51:44Z","T":"t"}]').messages
    assert isinstance(message, market_wire.TradeMessage)


def test_one_bad_message_costs_no_other() -> None:
    frame = msgspec.json.encode([{"T": "t", "S": "A", "p": None, "s": 1, "t": TIME}, {"T": "n"}, {"T": "d"}, 5, {}])
    decoded = market_wire.decode_frame(frame)
    assert [type(message) for message in decoded.messages] == [market_wire.DailyBar]
    assert decoded.unknown == 1
    assert [bad.symbol for bad in decoded.undecodable] == [Symbol("A"), Symbol(""), Symbol("")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TIME, 1_614_009_104_000_000_000),
        (Ext(-1, (1_614_009_104).to_bytes(4, "big")), 1_614_009_104_000_000_000),
        (Ext(-1, ((5 << 34) | 1_614_009_104).to_bytes(8, "big")), 1_614_009_104_000_000_005),
        (Ext(-1, (7).to_bytes(4, "big") + (-1).to_bytes(8, "big", signed=True)), -1_000_000_000 + 7),
    ],
)
def test_wire_times(value: market_wire.WireTime, expected: int) -> None:
    assert market_wire.time_ns(value) == expected


@pytest.mark.parametrize("value", ["noon", Ext(-1, b"abc"), Ext(5, b"abcd")])
def test_what_is_no_time_is_refused(value: market_wire.WireTime) -> None:
    with pytest.raises(ValueError, match=r"."):
        market_wire.time_ns(value)


@given(st.binary(max_size=80))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    market_wire.decode_frame(data)


VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
MESSAGE = st.dictionaries(st.sampled_from(["T", "S", "t", "p", "s", "bp", "code", "msg", "c"]), VALUE, max_size=5)


@given(st.lists(st.one_of(MESSAGE, st.sampled_from("qtbus").map(lambda tag: {"T": tag})), max_size=4), st.booleans())
def test_every_message_of_a_frame_is_accounted_for(messages: list[dict[str, Any]], packed: bool) -> None:
    frame = msgspec.msgpack.encode(messages) if packed else msgspec.json.encode(messages)
    decoded = market_wire.decode_frame(frame)
    assert len(decoded.messages) + len(decoded.undecodable) + decoded.unknown == len(messages)
