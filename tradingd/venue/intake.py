"""An order request: read from JSON and judged by itself, before account and market are asked.

Reads the body of POST and PATCH; gives order records or raises a `Refusal`. Combinations follow Alpaca: equities trade
market, limit, stop, stop-limit and trailing stop as day and gtc, and the first two as ioc or fok, or in the auctions as
opg or cls; crypto trades market, limit and stop-limit as gtc or ioc; fractions and notional amounts are simple day
orders that do not trail.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from tradingd.core.orders import OrderType, Side, TimeInForce
from tradingd.venue.assets import Asset
from tradingd.venue.errors import Refusal, malformed, unprocessable
from tradingd.venue.records import OrderClass, OrderRecord, OrderStatus, Role

_MAX_CLIENT_ID = 128
_NINE_PLACES = -9
_ONE, _WHOLE = Decimal(1), Decimal(100)
_SMALLEST, _LARGEST = Decimal("1e-12"), Decimal("1e12")
_STOP_DISTANCE = Decimal("0.01")

Number = str | int | float | None


class TakeProfitBody(msgspec.Struct):
    """The profit-taking leg of a request."""

    limit_price: Number = None


class StopLossBody(msgspec.Struct):
    """The loss-stopping leg of a request."""

    stop_price: Number = None
    limit_price: Number = None


class OrderBody(msgspec.Struct):
    """The body of POST /v2/orders; numbers come as strings or numbers."""

    symbol: str | None = None
    qty: Number = None
    notional: Number = None
    side: str | None = None
    type: str | None = None
    time_in_force: str | None = None
    limit_price: Number = None
    stop_price: Number = None
    trail_price: Number = None
    trail_percent: Number = None
    extended_hours: bool | None = None
    client_order_id: str | None = None
    order_class: str | None = None
    take_profit: TakeProfitBody | None = None
    stop_loss: StopLossBody | None = None


class ReplaceBody(msgspec.Struct):
    """The body of PATCH /v2/orders/{id}."""

    qty: Number = None
    time_in_force: str | None = None
    limit_price: Number = None
    stop_price: Number = None
    trail: Number = None
    client_order_id: str | None = None


_Body = TypeVar("_Body", OrderBody, ReplaceBody)
_Word = TypeVar("_Word", Side, OrderType, TimeInForce)


def decode(raw: bytes, kind: type[_Body]) -> _Body:
    """Read a body; what is not JSON of the right types is refused with 400."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(f"request body format is invalid: {error}") from error


def number(value: Number, name: str) -> Decimal | None:
    """Read a positive finite number, None when it is absent."""
    if value is None or value == "":
        return None
    try:
        parsed = Decimal(value) if isinstance(value, str) else Decimal(repr(value))
    except ArithmeticError as error:
        raise malformed(f"{name} is not a number") from error
    if not parsed.is_finite() or parsed <= 0:
        raise unprocessable(f"{name} must be > 0")
    if not _SMALLEST <= parsed <= _LARGEST:
        raise unprocessable(f"{name} is out of range")
    return parsed


def check_price(price: Decimal | None, asset: Asset, name: str) -> None:
    """Refuse a price off the tick: two decimals from one dollar up, four below; crypto by its own increment."""
    if price is not None and price % asset.instrument.tick(price):
        raise unprocessable(f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria")


def check_quantity(quantity: Decimal | None) -> None:
    """Refuse more than nine decimals."""
    exponent = 0 if quantity is None else quantity.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < _NINE_PLACES:
        raise unprocessable("qty and notional take at most 9 decimal places")


def _word(text: str | None, kind: type[_Word], name: str) -> _Word:
    if text is None:
        raise malformed(f"{name} is required")
    try:
        return kind(text.upper())
    except ValueError as error:
        raise unprocessable(f"invalid {name} {text!r}") from error


def build_orders(body: OrderBody, asset: Asset, now: int, make_id: Callable[[], str]) -> list[OrderRecord]:
    """Turn a request into its order and the legs that it brings; `opening` and the reservation are not yet known."""
    side = _word(body.side, Side, "side")
    order_class = _order_class(body.order_class)
    order_type = _word(body.type, OrderType, "type")
    tif = _word(body.time_in_force, TimeInForce, "time_in_force")
    if tif is TimeInForce.GTD:
        raise unprocessable(f"invalid time_in_force {body.time_in_force!r}")
    qty, notional = number(body.qty, "qty"), number(body.notional, "notional")
    if (qty is None) == (notional is None):
        raise unprocessable("qty or notional is required" if qty is None else "only one of qty or notional is accepted")
    check_quantity(qty)
    check_quantity(notional)
    limit_price, stop_price = _prices(body, order_type, asset)
    trail_price, trail_percent = _trail(body, order_type)
    extended = bool(body.extended_hours)
    if body.client_order_id is not None and len(body.client_order_id) > _MAX_CLIENT_ID:
        raise unprocessable(f"client_order_id must be no more than {_MAX_CLIENT_ID} characters")
    _check_combination(asset, order_type, tif, order_class, extended)
    if notional is not None or (qty is not None and qty % _ONE):
        _check_fraction(asset, order_type, tif, order_class, notional is not None)
    order_id = make_id()
    order = OrderRecord(
        id=order_id,
        client_order_id=body.client_order_id or make_id(),
        symbol=asset.symbol,
        crypto=asset.crypto,
        side=side,
        qty=qty,
        notional=notional,
        work_qty=qty,
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        trail_price=trail_price,
        trail_percent=trail_percent,
        time_in_force=tif,
        order_class=order_class,
        role=Role.TAKE_PROFIT if order_class is OrderClass.OCO else Role.ENTRY,
        parent_id=None,
        extended_hours=extended,
        opening=True,
        reserve_price=None,
        status=OrderStatus.NEW,
        created_at=now,
        submitted_at=now,
        updated_at=now,
        expires_at=None,
    )
    return [order, *_build_legs(order, body, asset, make_id)]


def _order_class(text: str | None) -> OrderClass:
    if not text or text == "simple":
        return OrderClass.SIMPLE
    try:
        return OrderClass(text)
    except ValueError as error:
        raise unprocessable(f"invalid order_class {text!r}") from error


def _prices(body: OrderBody, order_type: OrderType, asset: Asset) -> tuple[Decimal | None, Decimal | None]:
    limit_price, stop_price = number(body.limit_price, "limit_price"), number(body.stop_price, "stop_price")
    if body.order_class == OrderClass.OCO and limit_price is None and body.take_profit is not None:
        limit_price = number(body.take_profit.limit_price, "take_profit.limit_price")
    for wanted, price, name in (
        (order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT), limit_price, "limit_price"),
        (order_type in (OrderType.STOP, OrderType.STOP_LIMIT), stop_price, "stop_price"),
    ):
        kind = order_type.value.lower()
        if wanted and price is None:
            raise unprocessable(f"{kind} orders require {name}")
        if not wanted and price is not None:
            raise unprocessable(f"{kind} orders must not have a {name}")
        check_price(price, asset, name)
    return limit_price, stop_price


def _trail(body: OrderBody, order_type: OrderType) -> tuple[Decimal | None, Decimal | None]:
    price, percent = number(body.trail_price, "trail_price"), number(body.trail_percent, "trail_percent")
    if order_type is OrderType.TRAILING_STOP and (price is None) == (percent is None):
        raise unprocessable("trailing stop orders require either trail_price or trail_percent")
    if order_type is not OrderType.TRAILING_STOP and (price is not None or percent is not None):
        raise unprocessable(f"{order_type.value.lower()} orders must not have a trail_price or trail_percent")
    check_trail_percent(percent)
    return price, percent


def check_trail_percent(percent: Decimal | None) -> None:
    """Refuse a distance that no price can fall by."""
    if percent is not None and percent >= _WHOLE:
        raise unprocessable("trail_percent must be < 100")


def _check_combination(
    asset: Asset, order_type: OrderType, tif: TimeInForce, order_class: OrderClass, extended: bool
) -> None:
    # Neither of them rests: they trade at once or in an auction.
    immediate = tif in (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS)
    if asset.crypto:
        if tif not in (TimeInForce.GTC, TimeInForce.IOC):
            raise unprocessable("invalid crypto time_in_force")
        if order_type in (OrderType.STOP, OrderType.TRAILING_STOP):
            raise unprocessable("invalid order type for crypto order")
        if order_class is not OrderClass.SIMPLE:
            raise unprocessable("crypto orders not allowed for advanced order_class")
    elif immediate and order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise unprocessable(f"{tif.value.lower()} orders must be market or limit orders")
    if order_class is not OrderClass.SIMPLE and (immediate or extended):
        raise unprocessable("complex orders must be day or gtc and trade in regular hours")
    if order_type is OrderType.TRAILING_STOP and order_class is not OrderClass.SIMPLE:
        raise unprocessable("trailing stop orders must be simple orders")
    if extended and (order_type is not OrderType.LIMIT or immediate):
        raise unprocessable("extended hours order must be DAY or GTC limit orders")


def _check_fraction(
    asset: Asset, order_type: OrderType, tif: TimeInForce, order_class: OrderClass, notional: bool
) -> None:
    if order_class is not OrderClass.SIMPLE:
        raise unprocessable("fractional orders must be simple orders")
    if not asset.instrument.fractionable:
        raise unprocessable(f'asset "{asset.symbol}" is not fractionable')
    if not asset.crypto and tif is not TimeInForce.DAY:
        raise unprocessable("fractional orders must be DAY orders")
    if order_type is OrderType.TRAILING_STOP:
        raise unprocessable("fractional orders cannot be trailing stop orders")
    if notional and order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise unprocessable("notional orders must be market or limit orders")


def _build_legs(order: OrderRecord, body: OrderBody, asset: Asset, make_id: Callable[[], str]) -> list[OrderRecord]:
    profit = None if body.take_profit is None else number(body.take_profit.limit_price, "take_profit.limit_price")
    stop = None if body.stop_loss is None else number(body.stop_loss.stop_price, "stop_loss.stop_price")
    stop_limit = None if body.stop_loss is None else number(body.stop_loss.limit_price, "stop_loss.limit_price")
    for price, name in ((profit, "take_profit.limit_price"), (stop, "stop_loss.stop_price"), (stop_limit, "stop_loss")):
        check_price(price, asset, name)
    match order.order_class:
        case OrderClass.SIMPLE:
            if body.take_profit is not None or body.stop_loss is not None:
                raise unprocessable("take_profit and stop_loss need an order_class")
            return []
        case OrderClass.OCO:
            if order.order_type is not OrderType.LIMIT or stop is None:
                raise unprocessable("oco orders require a limit order and stop_loss.stop_price")
            _check_sides(order.side.opposite, order.limit_price, stop, None)
            return [_build_leg(order, Role.STOP_LOSS, stop, stop_limit, make_id)]
        case OrderClass.BRACKET if profit is None or stop is None:
            raise unprocessable("bracket orders require take_profit.limit_price and stop_loss.stop_price")
        case OrderClass.OTO if (profit is None) == (stop is None):
            raise unprocessable("oto orders require either take_profit or stop_loss")
        case OrderClass.BRACKET | OrderClass.OTO:
            _check_sides(order.side, profit, stop, order.limit_price)
            legs = [] if profit is None else [_build_leg(order, Role.TAKE_PROFIT, None, profit, make_id)]
            return legs if stop is None else [*legs, _build_leg(order, Role.STOP_LOSS, stop, stop_limit, make_id)]


def _check_sides(entry: Side, profit: Decimal | None, stop: Decimal | None, base: Decimal | None) -> None:
    """Refuse exits on the wrong side of each other or of the price that the entry is limited to."""
    sign = entry.sign
    if profit is not None and stop is not None and (profit - stop) * sign <= 0:
        relation = "greater" if sign > 0 else "less"
        raise unprocessable(f"take_profit.limit_price must be {relation} than stop_loss.stop_price")
    if stop is not None and base is not None and (base - stop) * sign < _STOP_DISTANCE:
        relation = "<= base_price - 0.01" if sign > 0 else ">= base_price + 0.01"
        raise unprocessable(f"stop_loss.stop_price must be {relation}")


def _build_leg(
    order: OrderRecord, role: Role, stop: Decimal | None, limit: Decimal | None, make_id: Callable[[], str]
) -> OrderRecord:
    stop_type = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    side = order.side if order.order_class is OrderClass.OCO else order.side.opposite
    return msgspec.structs.replace(
        order,
        id=make_id(),
        client_order_id=make_id(),
        side=side,
        order_type=OrderType.LIMIT if stop is None else stop_type,
        limit_price=limit,
        stop_price=stop,
        role=role,
        parent_id=order.id,
        opening=False,
        status=OrderStatus.HELD,
    )


def asset_missing(symbol: str | None) -> Refusal:
    """The refusal of a symbol that is not traded here."""
    return malformed("symbol is required") if symbol is None else unprocessable(f'asset "{symbol}" not found')
