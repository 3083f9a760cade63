"""The order that takes another's place: the terms of PATCH, judged.

A quantity is the total of the order, filled part included; the new order goes on from what the old one had filled.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from tradingd.core.orders import OrderType, TimeInForce
from tradingd.venue.assets import Asset
from tradingd.venue.errors import unprocessable
from tradingd.venue.intake import ReplaceBody, check_price, check_quantity, check_trail_percent, number
from tradingd.venue.records import OrderRecord, OrderStatus

_ONE = Decimal(1)


def build_replacement(
    old: OrderRecord, body: ReplaceBody, asset: Asset, now: int, make_id: Callable[[], str]
) -> OrderRecord:
    """Build the new order; raises a `Refusal` when the old one cannot be replaced, or not by this."""
    if old.status is OrderStatus.ACCEPTED or not old.is_open:
        raise unprocessable(f"cannot replace order in {old.status.value} status")
    if old.notional is not None or old.qty is None:
        raise unprocessable("notional orders cannot be replaced")
    trail = number(body.trail, "trail")
    if trail is not None and old.order_type is not OrderType.TRAILING_STOP:
        raise unprocessable("only trailing stop orders have a trail")
    qty = number(body.qty, "qty") or old.qty
    limit_price = number(body.limit_price, "limit_price")
    stop_price = number(body.stop_price, "stop_price")
    kind = old.order_type.value.lower()
    if limit_price is not None and old.order_type not in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        raise unprocessable(f"{kind} orders must not have a limit_price")
    if stop_price is not None and old.order_type not in (OrderType.STOP, OrderType.STOP_LIMIT):
        raise unprocessable(f"{kind} orders must not have a stop_price")
    check_price(limit_price, asset, "limit_price")
    check_price(stop_price, asset, "stop_price")
    check_quantity(qty)
    tif = _time_in_force(old, body, asset)
    # The one `trail` is in the unit that the order was placed with.
    trail_price = trail if trail and old.trail_price is not None else old.trail_price
    trail_percent = trail if trail and old.trail_percent is not None else old.trail_percent
    check_trail_percent(trail_percent)
    if (qty, limit_price or old.limit_price, stop_price or old.stop_price, trail_price, trail_percent, tif) == (
        old.qty,
        old.limit_price,
        old.stop_price,
        old.trail_price,
        old.trail_percent,
        old.time_in_force,
    ):
        raise unprocessable("order parameters are not changed")
    if qty <= old.filled_qty:
        raise unprocessable("qty must be > filled_qty")
    if qty != old.qty and qty % _ONE and not asset.crypto:
        raise unprocessable("qty must be a whole number")
    new = msgspec.structs.replace(
        old,
        id=make_id(),
        client_order_id=body.client_order_id or make_id(),
        qty=qty,
        work_qty=qty,
        limit_price=limit_price or old.limit_price,
        stop_price=stop_price or old.stop_price,
        trail_price=trail_price,
        trail_percent=trail_percent,
        time_in_force=tif,
        # A moved stop must be reached anew; an elected one keeps working.
        elected=old.elected and stop_price is None and trail is None,
        created_at=now,
        submitted_at=now,
        updated_at=now,
        replaces=old.id,
    )
    if new.hwm is not None:
        new.trail(new.hwm)
    return new


def _time_in_force(old: OrderRecord, body: ReplaceBody, asset: Asset) -> TimeInForce:
    if body.time_in_force is None:
        return old.time_in_force
    try:
        tif = TimeInForce(body.time_in_force.upper())
    except ValueError as error:
        raise unprocessable(f"invalid time_in_force {body.time_in_force!r}") from error
    if tif not in ((TimeInForce.GTC,) if asset.crypto else (TimeInForce.DAY, TimeInForce.GTC)):
        raise unprocessable("an order can be replaced by a day or gtc order only")
    return tif
