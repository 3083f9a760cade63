"""Bodies that are sent, frames that are read, and what they become."""

import json

import msgspec
import pytest
from tests.brokers.alpaca.making import D, make_order
from tests.brokers.scripted_venue import AAPL, BTC, order_json, update_json
from tradingd.brokers.alpaca.convert import (
    SymbolBook,
    flatten,
    order_status,
    to_fill,
    to_instrument,
    to_position,
    to_venue_order,
)
from tradingd.brokers.alpaca.wire import (
    Authorization,
    Listening,
    StreamFault,
    TradeUpdate,
    WireActivity,
    WireAsset,
    WireOrder,
    WirePosition,
    decode_stream_message,
    encode_authenticate,
    encode_listen,
    encode_new_order,
    encode_replacement,
)
from tradingd.core.identifiers import ClientOrderId, Symbol
from tradingd.core.instruments import AssetClass
from tradingd.core.orders import OrderModification, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.venue_view import VenueOrderStatus


def test_a_market_order_has_no_price_keys() -> None:
    assert json.loads(encode_new_order(make_order())) == {
        "symbol": "AAPL",
        "qty": "10",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": "t-1",
    }


def test_small_quantities_are_spelled_without_an_exponent() -> None:
    terms = OrderTerms(
        order_type=OrderType.STOP_LIMIT,
        limit_price=D("1E+2"),
        stop_price=D("99.50"),
        time_in_force=TimeInForce.GTC,
    )
    order = make_order(symbol=Symbol("BTC/USD"), side=Side.SELL, quantity=D("0.000000010"), terms=terms)
    assert json.loads(encode_new_order(order)) == {
        "symbol": "BTC/USD",
        "qty": "0.000000010",
        "side": "sell",
        "type": "stop_limit",
        "time_in_force": "gtc",
        "client_order_id": "t-1",
        "limit_price": "100",
        "stop_price": "99.50",
    }


def test_a_trailing_stop_sends_its_distance_and_never_where_it_stands() -> None:
    terms = OrderTerms(order_type=OrderType.TRAILING_STOP, trail_amount=D("1.50"), stop_price=D("98.5"))
    sent = json.loads(encode_new_order(make_order(side=Side.SELL, terms=terms)))
    assert (sent["type"], sent["trail_price"]) == ("trailing_stop", "1.50")
    assert not {"stop_price", "trail_percent", "limit_price", "extended_hours"} & set(sent)
    terms = OrderTerms(order_type=OrderType.TRAILING_STOP, trail_percent=D("2E+0"))
    assert json.loads(encode_new_order(make_order(terms=terms)))["trail_percent"] == "2"
    assert json.loads(encode_replacement(OrderModification(trail_amount=D("2.5")))) == {"trail": "2.5"}
    assert json.loads(encode_replacement(OrderModification(trail_percent=D("3")))) == {"trail": "3"}


@pytest.mark.parametrize(("tif", "word"), [(TimeInForce.OPG, "opg"), (TimeInForce.CLS, "cls")])
def test_auction_orders_and_extended_hours_are_named(tif: TimeInForce, word: str) -> None:
    assert json.loads(encode_new_order(make_order(terms=OrderTerms(time_in_force=tif))))["time_in_force"] == word
    terms = OrderTerms(order_type=OrderType.LIMIT, limit_price=D("9"), extended_hours=True)
    assert json.loads(encode_new_order(make_order(terms=terms)))["extended_hours"] is True


def test_an_order_that_trails_is_read_as_one() -> None:
    found = order_json(
        type="trailing_stop", limit_price=None, stop_price="98.5", trail_price="1.5", hwm="100", extended_hours=None
    )
    order = to_venue_order(msgspec.convert(found, WireOrder, strict=False), ClientOrderId("x"), SymbolBook())
    assert order.terms == OrderTerms(order_type=OrderType.TRAILING_STOP, stop_price=D("98.5"), trail_amount=D("1.5"))
    found = order_json(type="limit", time_in_force="opg", limit_price="5", extended_hours=True)
    order = to_venue_order(msgspec.convert(found, WireOrder, strict=False), ClientOrderId("x"), SymbolBook())
    assert (order.terms.time_in_force, order.terms.extended_hours) == (TimeInForce.OPG, True)


def test_a_replacement_names_only_what_changes() -> None:
    assert json.loads(encode_replacement(OrderModification(limit_price=D("99.9")))) == {"limit_price": "99.9"}
    assert json.loads(encode_replacement(OrderModification(quantity=D("3"), stop_price=D("5")))) == {
        "qty": "3",
        "stop_price": "5",
    }


def test_the_streams_control_messages() -> None:
    assert json.loads(encode_authenticate("k", "s")) == {
        "action": "authenticate",
        "data": {"key_id": "k", "secret_key": "s"},
    }
    assert json.loads(encode_listen()) == {"action": "listen", "data": {"streams": ["trade_updates"]}}


def test_stream_frames_decode_to_one_record_per_kind() -> None:
    def decode(message: object) -> object:
        return decode_stream_message(json.dumps(message).encode())

    assert decode({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}) == (
        Authorization(status="authorized")
    )
    assert decode({"stream": "listening", "data": {"streams": ["trade_updates"]}}) == Listening(
        streams=["trade_updates"]
    )
    assert decode({"action": "error", "data": {"error_message": "slow"}}) == StreamFault(message="slow")
    assert decode({"stream": "weather"}) == StreamFault(message="unknown message: stream='weather' action=''")
    update = decode(update_json("fill", order_json(filled_qty="10"), price="100.4", qty="4", position_qty="10"))
    assert isinstance(update, TradeUpdate)
    assert (update.event, update.price, update.qty, update.order.filled_qty) == ("fill", D("100.4"), D("4"), D("10"))


@pytest.mark.parametrize("frame", [b"", b"\x81\xa1T", b"[]", b'{"stream":"trade_updates","data":{"event":"new"}}'])
def test_a_frame_that_cannot_be_read_raises_the_codecs_error(frame: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_stream_message(frame)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("filled", VenueOrderStatus.FILLED),
        ("canceled", VenueOrderStatus.CANCELED),
        ("expired", VenueOrderStatus.EXPIRED),
        ("rejected", VenueOrderStatus.REJECTED),
        ("replaced", VenueOrderStatus.REPLACED),
        *[
            (word, VenueOrderStatus.WORKING)
            for word in ("new", "accepted", "pending_cancel", "done_for_day", "held", "a_word_of_next_year")
        ],
    ],
)
def test_only_the_venues_terminal_words_are_terminal(word: str, status: VenueOrderStatus) -> None:
    assert order_status(word) is status


def convert(cls: type, value: dict[str, object]) -> object:
    return msgspec.json.decode(json.dumps(value).encode(), type=cls)


def test_an_order_of_the_venue_in_our_terms() -> None:
    wire = convert(WireOrder, order_json(filled_qty="4", filled_avg_price="100.25", status="partially_filled"))
    assert isinstance(wire, WireOrder)
    order = to_venue_order(wire, ClientOrderId("t-1"), SymbolBook())
    assert order.quantity == D(10)
    assert order.filled_quantity == D(4)
    assert order.average_fill_price == D("100.25")
    assert order.terms == OrderTerms(order_type=OrderType.LIMIT, limit_price=D("100.5"))
    assert order.ts_submitted == 1_772_461_800_000_000_002
    assert order.ts_updated == order.ts_submitted + 1


def test_legs_of_any_depth_are_flattened_and_shells_left_out() -> None:
    leg = order_json("leg", id="L1", status="held")
    shell = order_json("shell", id="S1", symbol=None, side=None, legs=[order_json("inner", id="L2")])
    parent = order_json("t-1", id="P1", legs=[leg])
    orders = [convert(WireOrder, one) for one in (parent, shell)]
    assert [order.id for order in flatten(orders)] == ["P1", "L1", "L2"]  # type: ignore[arg-type]


def test_crypto_is_spelled_as_orders_spell_it_and_equities_are_left_alone() -> None:
    book = SymbolBook()
    asset = convert(WireAsset, BTC)
    assert isinstance(asset, WireAsset)
    book.learn(asset)
    position = convert(
        WirePosition,
        {"symbol": "BTCUSD", "asset_id": BTC["id"], "asset_class": "crypto", "qty": "0.5", "avg_entry_price": "60000"},
    )
    assert isinstance(position, WirePosition)
    assert to_position(position, book).symbol == "BTC/USD"
    assert book.spell("BTCUSD") == "BTC/USD"
    assert book.spell("BTCUSD", "another-id", "us_equity") == "BTCUSD"


def test_a_short_position_is_negative_however_the_venue_says_so() -> None:
    for qty, side in (("-5", "short"), ("5", "short")):
        position = WirePosition(symbol="AAPL", qty=D(qty), avg_entry_price=D(100), side=side)
        assert to_position(position, SymbolBook()).quantity == D(-5)


def test_a_fill_activity_in_our_terms() -> None:
    activity = WireActivity(
        id="20260302093001500::x",
        transaction_time="2026-03-02T09:30:01.5-05:00",
        price=D("100.4"),
        qty=D("4"),
        side="sell_short",
        symbol="AAPL",
        order_id="O1",
        cum_qty=D("4"),
    )
    fill = to_fill(activity, SymbolBook())
    assert (fill.side, fill.cum_quantity, fill.ts_event) == (Side.SELL, D(4), 1_772_461_801_500_000_000)


def test_instruments_come_with_the_steps_of_their_class() -> None:
    equity, crypto = convert(WireAsset, AAPL), convert(WireAsset, BTC)
    whole = convert(WireAsset, AAPL | {"fractionable": False, "shortable": False, "status": "inactive"})
    assert isinstance(equity, WireAsset)
    assert isinstance(crypto, WireAsset)
    assert isinstance(whole, WireAsset)
    assert to_instrument(equity).price_increment is None
    assert to_instrument(equity).quantity_increment == D("0.000000001")
    assert (to_instrument(whole).quantity_increment, to_instrument(whole).tradable) == (D(1), False)
    described = to_instrument(crypto)
    assert (described.asset_class, described.price_increment, described.min_quantity, described.shortable) == (
        AssetClass.CRYPTO,
        D("0.01"),
        D("0.000016"),
        False,
    )
