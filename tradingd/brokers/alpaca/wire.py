"""Alpaca's JSON as typed records, and the bodies that we send. No I/O.

Owns: field names and number spelling of the trading API and of the `trade_updates` stream.
Never: judges what an answer means for an order (`outcomes`), or names our own types (`convert`).
Numbers of trading objects are JSON strings and become `Decimal`; times stay strings until somebody needs them.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec

from tradingd.core.orders import Order, OrderModification, OrderType, Side, TimeInForce

_ORDER_TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
}
# GTD does not exist there: `model` says so before an order comes here.
_TIMES_IN_FORCE = {
    TimeInForce.DAY: "day",
    TimeInForce.GTC: "gtc",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.OPG: "opg",
    TimeInForce.CLS: "cls",
}

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for an answer or a frame that cannot be read, bytes that are no UTF-8 among them."""


# -- answers of the trading API ---------------------------------------------------------------------------------------


class WireOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order object; what a multi-leg or notional order leaves out is None."""

    id: str
    client_order_id: str
    status: str
    symbol: str | None = None
    asset_id: str | None = None
    asset_class: str | None = None
    side: str | None = None
    type: str | None = None
    time_in_force: str | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    """Money to spend, in the place of a quantity; this program places no such orders, others may."""
    filled_qty: Decimal | None = None
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    """Of a trailing stop where it stands now: the venue moves it with its high-water mark (`hwm`)."""
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    created_at: str | None = None
    submitted_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None
    """When the venue itself ends the order; long-lived ones too, by its rule on aged orders."""
    legs: list["WireOrder"] | None = None


class WireAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The account object, reduced to what we use."""

    id: str
    account_number: str = ""
    status: str = ""
    currency: str = "USD"
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    multiplier: Decimal = Decimal(1)
    shorting_enabled: bool = False
    trading_blocked: bool = False
    account_blocked: bool = False
    trade_suspended_by_user: bool = False


class WireClock(msgspec.Struct, frozen=True, kw_only=True):
    """The market clock, reduced to what we use."""

    timestamp: str = ""


class WirePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position object; `qty` is negative for a short, crypto symbols come without their slash."""

    symbol: str
    asset_id: str = ""
    asset_class: str = ""
    qty: Decimal
    avg_entry_price: Decimal
    side: str = ""


class WireActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A FILL of the account's activities."""

    id: str
    transaction_time: str
    price: Decimal
    qty: Decimal
    side: str
    symbol: str
    order_id: str
    cum_qty: Decimal | None = None


class WireAsset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset object; the key of its class is `class` here and `asset_class` in orders."""

    id: str
    asset_class: str = msgspec.field(name="class")
    symbol: str
    status: str = "active"
    tradable: bool = True
    shortable: bool = False
    fractionable: bool = False
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None


class WireErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a refusal; neither key is promised."""

    code: int | None = None
    message: str = ""


# -- the order stream -------------------------------------------------------------------------------------------------


class TradeUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an order; `qty` and `price` belong to this execution alone."""

    event: str
    order: WireOrder
    timestamp: str | None = None
    execution_id: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The stream's verdict on our keys."""

    status: str
    message: str = ""


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """The streams that this connection now delivers."""

    streams: list[str]


class StreamFault(msgspec.Struct, frozen=True, kw_only=True):
    """A general complaint of the stream, or a kind of message that we do not know."""

    message: str


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    stream: str = ""
    action: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class _ErrorData(msgspec.Struct, frozen=True, kw_only=True):
    error_message: str = ""


StreamMessage: TypeAlias = TradeUpdate | Authorization | Listening | StreamFault

_envelopes = msgspec.json.Decoder(_Envelope)
_updates = msgspec.json.Decoder(TradeUpdate)
_authorizations = msgspec.json.Decoder(Authorization)
_listenings = msgspec.json.Decoder(Listening)
_errors = msgspec.json.Decoder(_ErrorData)


def decode_stream_message(frame: bytes) -> StreamMessage:
    """Decode one frame, text or binary alike (paper answers in binary ones); raises one of `UNREADABLE`."""
    envelope = _envelopes.decode(frame)
    match envelope.stream:
        case "trade_updates":
            return _updates.decode(envelope.data)
        case "authorization":
            return _authorizations.decode(envelope.data)
        case "listening":
            return _listenings.decode(envelope.data)
        case _ if envelope.action == "error":
            return StreamFault(message=_errors.decode(envelope.data).error_message)
        case _:
            return StreamFault(message=f"unknown message: stream={envelope.stream!r} action={envelope.action!r}")


def encode_authenticate(api_key: str, api_secret: str) -> bytes:
    """The first message of a stream connection."""
    data = {"key_id": api_key, "secret_key": api_secret}
    return msgspec.json.encode({"action": "authenticate", "data": data})


def encode_listen() -> bytes:
    """The subscription message."""
    return msgspec.json.encode({"action": "listen", "data": {"streams": ["trade_updates"]}})


# -- request bodies ---------------------------------------------------------------------------------------------------


class _NewOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    symbol: str
    qty: str
    side: str
    type: str
    time_in_force: str
    client_order_id: str
    limit_price: str | None = None
    stop_price: str | None = None
    trail_price: str | None = None
    trail_percent: str | None = None
    extended_hours: bool = False


class _Replacement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    qty: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    trail: str | None = None


_encoder = msgspec.json.Encoder()


def encode_new_order(order: Order) -> bytes:
    """The body of `POST /v2/orders`."""
    terms = order.terms
    trails = terms.order_type is OrderType.TRAILING_STOP
    return _encoder.encode(
        _NewOrder(
            symbol=order.symbol,
            qty=_plain(order.quantity),
            side="buy" if order.side is Side.BUY else "sell",
            type=_ORDER_TYPES[terms.order_type],
            time_in_force=_TIMES_IN_FORCE[terms.time_in_force],
            client_order_id=order.client_order_id,
            limit_price=_plain_or_none(terms.limit_price),
            stop_price=None if trails else _plain_or_none(terms.stop_price),
            trail_price=_plain_or_none(terms.trail_amount),
            trail_percent=_plain_or_none(terms.trail_percent),
            extended_hours=terms.extended_hours,
        )
    )


def encode_replacement(details: OrderModification) -> bytes:
    """The body of `PATCH /v2/orders/{id}`; `qty` is the total of the order, its filled part included.

    The venue has one `trail`, in the unit that the order was placed with.
    """
    trail = details.trail_percent if details.trail_amount is None else details.trail_amount
    return _encoder.encode(
        _Replacement(
            qty=_plain_or_none(details.quantity),
            limit_price=_plain_or_none(details.limit_price),
            stop_price=_plain_or_none(details.stop_price),
            trail=_plain_or_none(trail),
        )
    )


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else _plain(value)


def _plain(value: Decimal) -> str:
    # str() would spell small crypto quantities with an exponent, which the venue refuses.
    return format(value, "f")
