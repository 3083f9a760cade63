"""From Alpaca's records to ours. No I/O.

Owns: status words, symbol spelling, instruments.
Never: trusts a status word that it does not know: such an order counts as working.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradingd.brokers.alpaca.wire import (
    WireAccount,
    WireActivity,
    WireAsset,
    WireOrder,
    WirePosition,
)
from tradingd.core.identifiers import ClientOrderId, ExecutionId, Symbol, VenueOrderId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.orders import ZERO, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.timestamps import parse_timestamp
from tradingd.core.venue_view import AccountInfo, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition

_STATUSES = {
    "filled": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELED,
    "expired": VenueOrderStatus.EXPIRED,
    "rejected": VenueOrderStatus.REJECTED,
    "replaced": VenueOrderStatus.REPLACED,
}
_ORDER_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
    "trailing_stop": OrderType.TRAILING_STOP,
}
_TIMES_IN_FORCE = {
    "day": TimeInForce.DAY,
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "opg": TimeInForce.OPG,
    "cls": TimeInForce.CLS,
}
_NANO = Decimal("0.000000001")
_ONE = Decimal(1)


def order_status(word: str) -> VenueOrderStatus:
    """Reduce a status word; an unknown one is working, never terminal."""
    return _STATUSES.get(word, VenueOrderStatus.WORKING)


def is_working(word: str) -> bool:
    """True unless the word is one of the venue's terminal ones."""
    return word not in _STATUSES


def venue_time(text: str | None, default: int) -> int:
    """Nanoseconds of a time that the venue may have left out or misspelt."""
    if not text:
        return default
    try:
        return parse_timestamp(text)
    except ValueError:
        return default


class SymbolBook:
    """Spells every symbol as orders do: crypto positions come as `BTCUSD`, orders as `BTC/USD`."""

    def __init__(self) -> None:
        self._by_asset_id: dict[str, Symbol] = {}
        self._by_squeezed: dict[str, Symbol] = {}

    def learn(self, asset: WireAsset) -> None:
        """Take note of an asset's one true spelling."""
        symbol = Symbol(asset.symbol)
        self._by_asset_id[asset.id] = symbol
        if "/" in symbol:
            self._by_squeezed[symbol.replace("/", "")] = symbol

    def knows(self, asset_id: str, symbol: str) -> bool:
        """True when a crypto spelling can be told."""
        return asset_id in self._by_asset_id or "/" in symbol or symbol in self._by_squeezed

    def spell(self, symbol: str, asset_id: str = "", asset_class: str = "") -> Symbol:
        """The symbol as orders spell it; an equity may share its letters with a squeezed pair."""
        known = self._by_asset_id.get(asset_id)
        if known is not None:
            return known
        if asset_class and asset_class != "crypto":
            return Symbol(symbol)
        return self._by_squeezed.get(symbol, Symbol(symbol))


def to_instrument(asset: WireAsset) -> Instrument:
    """Describe an asset; equities follow the tick rule of their price, crypto the asset's own steps."""
    tradable = asset.tradable and asset.status == "active"
    if asset.asset_class == "crypto":
        step = asset.min_trade_increment or _NANO
        return Instrument(
            symbol=Symbol(asset.symbol),
            asset_class=AssetClass.CRYPTO,
            price_increment=asset.price_increment or _NANO,
            quantity_increment=step,
            min_quantity=asset.min_order_size or step,
            shortable=False,
            fractionable=asset.fractionable,
            tradable=tradable,
        )
    step = _NANO if asset.fractionable else _ONE
    return Instrument(
        symbol=Symbol(asset.symbol),
        asset_class=AssetClass.EQUITY,
        price_increment=None,
        quantity_increment=step,
        min_quantity=step,
        shortable=asset.shortable,
        fractionable=asset.fractionable,
        tradable=tradable,
    )


def is_paper_number(account_number: str) -> bool:
    """True for the numbers of the paper service, which begin with PA; those of real money are figures."""
    return account_number.startswith("PA")


def to_account(account: WireAccount, account_kind: str) -> AccountInfo:
    """The account in our terms."""
    return AccountInfo(
        account_id=account.id,
        account_kind=account_kind,
        currency=account.currency,
        cash=account.cash,
        equity=account.equity,
        buying_power=account.buying_power,
        multiplier=account.multiplier,
        shorting_enabled=account.shorting_enabled,
    )


def flatten(orders: Iterable[WireOrder]) -> Iterator[WireOrder]:
    """Every order and every leg of a bracket; the shell of a multi-leg order, which has no symbol, is left out."""
    for order in orders:
        if order.symbol and order.side:
            yield order
        yield from flatten(order.legs or ())


def to_venue_order(order: WireOrder, client_order_id: ClientOrderId, symbols: SymbolBook) -> VenueOrder:
    """The order in our terms, under the given name."""
    submitted = venue_time(order.submitted_at or order.created_at, 0)
    filled = order.filled_qty or ZERO
    # A notional order has no quantity until it is done; zero is the one figure that no other order has.
    unknown = ZERO if is_working(order.status) else filled
    return VenueOrder(
        client_order_id=client_order_id,
        venue_order_id=VenueOrderId(order.id),
        symbol=symbols.spell(order.symbol or "", order.asset_id or "", order.asset_class or ""),
        side=to_side(order.side or "buy"),
        quantity=unknown if order.qty is None else order.qty,
        filled_quantity=filled,
        average_fill_price=order.filled_avg_price or None,
        terms=OrderTerms(
            order_type=_ORDER_TYPES.get(order.type or "", OrderType.MARKET),
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            time_in_force=_TIMES_IN_FORCE.get(order.time_in_force or "", TimeInForce.DAY),
            trail_amount=order.trail_price,
            trail_percent=order.trail_percent,
            extended_hours=bool(order.extended_hours),
        ),
        status=order_status(order.status),
        replaces=VenueOrderId(order.replaces) if order.replaces else None,
        replaced_by=VenueOrderId(order.replaced_by) if order.replaced_by else None,
        ts_submitted=submitted,
        ts_updated=venue_time(order.updated_at, submitted),
        changing=order.status in ("pending_cancel", "pending_replace"),
        notional=order.notional,
    )


def to_fill(activity: WireActivity, symbols: SymbolBook) -> VenueFill:
    """The execution in our terms.

    The id is the activity's own and is not promised to be the stream's execution id: order and `cum_quantity` tell
    that both are one execution. The venue lists fees apart, by day.
    """
    return VenueFill(
        execution_id=ExecutionId(activity.id),
        venue_order_id=VenueOrderId(activity.order_id),
        symbol=symbols.spell(activity.symbol),
        side=to_side(activity.side),
        quantity=abs(activity.qty),
        price=activity.price,
        fee=ZERO,
        cum_quantity=activity.cum_qty,
        ts_event=parse_timestamp(activity.transaction_time),
    )


def to_position(position: WirePosition, symbols: SymbolBook) -> VenuePosition:
    """The position in our terms."""
    quantity = position.qty
    if position.side == "short" and quantity > 0:
        quantity = -quantity
    return VenuePosition(
        symbol=symbols.spell(position.symbol, position.asset_id, position.asset_class),
        quantity=quantity,
        average_price=position.avg_entry_price,
    )


def to_side(word: str) -> Side:
    """`sell_short` is a sell."""
    return Side.BUY if word == "buy" else Side.SELL
