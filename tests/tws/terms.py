"""The terms of an order: what TWS refuses at once, and what the matching makes of the rest.

Reads orders and contracts. Emits refusals with the codes of TWS.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.matching import MatchOrder
from tradingd.core.orders import OrderTerms, OrderType, Side, TimeInForce

from tests.tws.contracts import IbContract
from tests.tws.records import IbOrder
from tests.tws.requests import OrderAsked

ORDER_TYPES: Mapping[str, OrderType] = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
    "MOC": OrderType.MARKET,
    "LOC": OrderType.LIMIT,
}
TIMES_IN_FORCE = ("", "DAY", "GTC", "IOC", "FOK", "GTD", "OPG")
AUCTIONS: Mapping[tuple[str, str], TimeInForce] = {
    ("MOC", "DAY"): TimeInForce.CLS,
    ("LOC", "DAY"): TimeInForce.CLS,
    ("MKT", "OPG"): TimeInForce.OPG,
    ("LMT", "OPG"): TimeInForce.OPG,
}
_VALIDATING = "Error validating request.-'bW' : cause - "


class NotAnOrder(Exception):
    """A refusal of placeOrder; `takes_id` tells whether the order id counts as used after it."""

    def __init__(self, code: int, text: str, *, takes_id: bool = False) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.takes_id = takes_id


def check(asked: OrderAsked, contract: IbContract, accounts: Sequence[str]) -> None:
    """Refuse what is not an order for this contract."""
    if not asked.contract.exchange:
        raise NotAnOrder(321, f"{_VALIDATING}Missing order exchange")
    if asked.action not in ("BUY", "SELL"):
        raise NotAnOrder(321, f"{_VALIDATING}Invalid order action {asked.action}")
    if asked.account and asked.account not in accounts:
        raise NotAnOrder(321, f"{_VALIDATING}Invalid account code {asked.account}")
    if not asked.account and len(accounts) > 1:
        raise NotAnOrder(435, "You must specify an account.")
    if asked.order_type not in ORDER_TYPES:
        raise NotAnOrder(387, "Unsupported order type for this exchange and security type.")
    auction = (asked.order_type, asked.tif or "DAY") in AUCTIONS
    if asked.tif not in TIMES_IN_FORCE or (asked.order_type in ("MOC", "LOC") or asked.tif == "OPG") != auction:
        said = f"The time-in-force {asked.tif} is invalid for this combination of exchange and security type."
        raise NotAnOrder(201, f"Order rejected - reason:{said}", takes_id=True)
    if asked.quantity <= 0:
        raise NotAnOrder(434, "The order size cannot be zero.")
    if asked.quantity % contract.size_increment:
        raise NotAnOrder(10243, "Fractional-sized order cannot be placed via API. Please use desktop version instead.")
    _check_prices(asked, contract)


def _check_prices(asked: OrderAsked, contract: IbContract) -> None:
    needed: list[Decimal | None] = []
    if asked.order_type in ("LMT", "STP LMT", "LOC"):
        needed.append(asked.limit_price)
    if asked.order_type in ("STP", "STP LMT"):
        needed.append(asked.aux_price)
    if asked.order_type == "TRAIL":
        if not (asked.aux_price or asked.trailing_percent):
            raise NotAnOrder(321, f"{_VALIDATING}Trailing amount or percent must be given")
        if asked.trail_stop_price is not None:
            needed.append(asked.trail_stop_price)
        elif not asked.trailing_percent:
            needed.append(asked.aux_price)
    for price in needed:
        if price is None or price <= 0:
            raise NotAnOrder(321, f"{_VALIDATING}The price of a {asked.order_type} order must be given and positive")
        if not contract.takes(price):
            raise NotAnOrder(110, "The price does not conform to the minimum price variation for this contract.")


def match_order(order: IbOrder, symbol: Symbol) -> MatchOrder:
    """What the matching is to work: the rest of an order."""
    kind = ORDER_TYPES[order.order_type]
    side = Side.BUY if order.action == "BUY" else Side.SELL
    trails = kind is OrderType.TRAILING_STOP
    percent = order.trailing_percent if trails and order.trailing_percent else None
    amount = order.aux_price if trails and percent is None else None
    mark = order.high_water
    if trails and mark is None and order.trail_stop_price is not None:
        mark = _mark_of(order.trail_stop_price, amount, percent, side)
    return MatchOrder(
        order_id=str(order.perm_id),
        symbol=symbol,
        side=side,
        quantity=order.remaining,
        terms=OrderTerms(
            order_type=kind,
            limit_price=order.limit_price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
            stop_price=order.aux_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
            time_in_force=_time_in_force(order),
            trail_amount=amount,
            trail_percent=percent,
            extended_hours=order.outside_rth,
        ),
        ts_arrived=order.placed_ns,
        elected=order.elected,
        high_water=mark,
    )


def _time_in_force(order: IbOrder) -> TimeInForce:
    return AUCTIONS.get((order.order_type, order.tif)) or TimeInForce(order.tif)


def _mark_of(stop: Decimal, amount: Decimal | None, percent: Decimal | None, side: Side) -> Decimal:
    """The best price from which a trail would have come to this stop."""
    away = 1 if side is Side.SELL else -1
    if amount is not None:
        return stop + away * amount
    assert percent is not None, "a trail has one of the two distances"
    return stop / (1 - away * percent / 100)
