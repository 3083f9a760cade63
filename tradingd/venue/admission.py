"""Whether the account can afford an order, and what the order keeps from others while it is open.

An order that closes a position takes shares of it; every other order takes buying power, at a price with a margin for
what a market or stop order may yet cost. Of the two exits of one entry only one can trade, so they take shares once.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.matching import SimulatedMarket, to_decimal
from tradingd.core.orders import ZERO, OrderType, Side
from tradingd.settings.venue import VenueSettings
from tradingd.venue.account import Account, Figures, Reserved, exact
from tradingd.venue.errors import insufficient_buying_power, insufficient_quantity, not_permitted, unprocessable
from tradingd.venue.records import OrderClass, OrderRecord, OrderStatus
from tradingd.venue.wire import decimal_text

_CHEAP = Decimal(50)
_COLLAR_CHEAP, _COLLAR = Decimal("1.04"), Decimal("1.025")
_SHORT_COLLAR = Decimal("1.03")
_MIN_CRYPTO, _MIN_NOTIONAL = Decimal(10), Decimal(1)
_STOP_DISTANCE = Decimal("0.01")
_ONE = Decimal(1)
_NINE_PLACES = Decimal("0.000000001")


class Admission:
    """Judges orders against the account and the open orders; changes only the order that it judges."""

    def __init__(
        self,
        settings: VenueSettings,
        account: Account,
        market: SimulatedMarket,
        open_orders: Iterable[OrderRecord],
        marks: Callable[[], Mapping[Symbol, Decimal]],
    ) -> None:
        self._shorting = settings.shorting_enabled and settings.multiplier > 1
        self._account = account
        self._market = market
        self._open = open_orders
        self._marks = marks

    def figures(self, leaving_out: OrderRecord | None = None) -> Figures:
        """The account's figures with what open orders reserve, `leaving_out` not counted."""
        equities = crypto = ZERO
        with exact():
            for record in self._open:
                if record.opening and record is not leaving_out and record.status is not OrderStatus.HELD:
                    cost = _cost(record) or ZERO
                    crypto, equities = (crypto + cost, equities) if record.crypto else (crypto, equities + cost)
        return self._account.assess(self._marks(), Reserved(equities=equities, crypto=crypto))

    def held_for_orders(self, symbol: Symbol, leaving_out: OrderRecord | None = None) -> tuple[Decimal, list[str]]:
        """Shares of a position that open orders will close, and the orders' ids."""
        closing = Side.SELL if self._account.quantity(symbol) > 0 else Side.BUY
        by_family: dict[str, Decimal] = {}
        ids = []
        for record in self._open:
            if record.symbol != symbol or record.opening or record is leaving_out or record.side is not closing:
                continue
            if record.status is OrderStatus.HELD:
                continue
            family = record.family if record.is_exit else record.id
            if leaving_out is None or not leaving_out.is_exit or family != leaving_out.family:
                by_family[family] = max(by_family.get(family, ZERO), record.leaves)
                ids.append(record.id)
        return sum(by_family.values(), ZERO), ids

    def admit(self, record: OrderRecord, instead_of: OrderRecord | None = None) -> None:
        """Settle whether an order opens or closes and what it reserves; raises a `Refusal` when it cannot be had.

        `instead_of` is the order that it would replace, whose own reservation does not count against it.
        """
        if instead_of is None:
            self._check_against_market(record)
        self._check_wash_trade(record)
        held = self._account.quantity(record.symbol)
        closes = (held > 0 and record.side is Side.SELL) or (held < 0 and record.side is Side.BUY)
        if record.order_class is OrderClass.OCO and not closes:
            raise unprocessable("oco orders must be exit orders")
        record.opening = not closes
        if closes:
            self._check_shares(record, abs(held), instead_of)
            return
        if record.side is Side.SELL:
            self._check_short(record)
        self.reserve(record, instead_of)

    def reserve(self, record: OrderRecord, instead_of: OrderRecord | None = None) -> None:
        """Settle what an opening order reserves; raises a `Refusal` when that is more than there is.

        Without any known price nothing is reserved, and this is asked again at the first one.
        """
        record.reserve_price = self._reserve_price(record)
        with exact():
            cost = _cost(record)
        if cost is None:
            return
        smallest = _MIN_CRYPTO if record.crypto else _MIN_NOTIONAL if record.notional is not None else ZERO
        if cost < smallest:
            raise not_permitted(
                f"cost basis must be >= minimal amount of order {smallest}", cost_basis=decimal_text(cost)
            )
        figures = self.figures(instead_of)
        power = figures.non_marginable_buying_power if record.crypto else figures.buying_power
        if cost > power:
            raise insufficient_buying_power(power, cost)

    def settle(self, record: OrderRecord, price: float) -> None:
        """Settle what had to wait for a price: reservation and size; raises a `Refusal` as `reserve` does."""
        if record.opening and record.reserve_price is None:
            self.reserve(record, instead_of=record)
        if record.notional is not None and record.work_qty is None:
            per_unit = record.limit_price or to_decimal(price)
            size = (record.notional / per_unit).quantize(_NINE_PLACES, rounding=ROUND_DOWN)
            if size <= 0:
                raise unprocessable("notional is too small")
            record.work_qty = size

    def _check_against_market(self, record: OrderRecord) -> None:
        mark = self._market.book(record.symbol).mark
        if mark <= 0 or record.stop_price is None or record.order_type is OrderType.TRAILING_STOP:
            return
        if (to_decimal(mark) - record.stop_price) * record.side.sign > 0:
            word = "above" if record.side is Side.BUY else "below"
            raise unprocessable(f"stop price must be {word} the current price {mark}")

    def _check_wash_trade(self, record: OrderRecord) -> None:
        """Refuse a limit order that would trade with one of the account's own."""
        if record.order_type is not OrderType.LIMIT or record.limit_price is None:
            return
        for other in self._open:
            if (
                other.symbol == record.symbol
                and other.side is not record.side
                and other.order_type is OrderType.LIMIT
                and other.limit_price is not None
                and other.status is not OrderStatus.HELD
                and other.family != record.family
                and (record.limit_price - other.limit_price) * record.side.sign >= 0
            ):
                raise not_permitted(
                    "potential wash trade detected. use complex orders",
                    existing_order_id=other.id,
                    reject_reason="opposite side limit order exists",
                )

    def check_legs(self, entry: OrderRecord, legs: list[OrderRecord]) -> None:
        """Refuse a stop-loss on the wrong side of the market that a market entry will trade at."""
        price = self._market.book(entry.symbol).opposite_price(entry.side)
        if price <= 0 or entry.order_type is not OrderType.MARKET:
            return
        for leg in legs:
            if leg.stop_price is not None and (to_decimal(price) - leg.stop_price) * entry.side.sign < _STOP_DISTANCE:
                relation = "<= base_price - 0.01" if entry.side is Side.BUY else ">= base_price + 0.01"
                raise unprocessable(f"stop_loss.stop_price must be {relation}")

    def _check_shares(self, record: OrderRecord, existing: Decimal, instead_of: OrderRecord | None) -> None:
        wanted = record.leaves
        if record.work_qty is None and record.notional is not None:
            price = self._market.book(record.symbol).opposite_price(record.side)
            wanted = record.notional / to_decimal(price) if price > 0 else ZERO
        promised, related = self.held_for_orders(record.symbol, instead_of)
        if wanted > existing - promised:
            raise insufficient_quantity(record.symbol, wanted, existing, promised, related)

    def _check_short(self, record: OrderRecord) -> None:
        if record.crypto:
            coin = record.symbol.partition("/")[0]
            wanted = decimal_text(record.leaves)
            raise not_permitted(
                f"insufficient balance for {coin} (requested: {wanted}, available: 0)",
                available="0",
                balance="0",
                symbol=coin,
            )
        if not self._shorting:
            raise not_permitted("account is not allowed to short")
        if record.notional is not None or record.leaves % _ONE:
            raise unprocessable("fractional orders cannot be sold short")

    def _reserve_price(self, record: OrderRecord) -> Decimal | None:
        book = self._market.book(record.symbol)
        market = book.opposite_price(Side.BUY) or book.mark
        ask = to_decimal(market) if market > 0 else None
        if record.side is Side.SELL:
            collared = None if ask is None else ask * _SHORT_COLLAR
            prices = [price for price in (record.limit_price, record.stop_price, collared) if price is not None]
            return max(prices, default=None)
        if record.limit_price is not None:
            return record.limit_price
        price = record.stop_price or ask
        if price is None:
            return None
        return price * (_COLLAR_CHEAP if price < _CHEAP else _COLLAR)


def _cost(record: OrderRecord) -> Decimal | None:
    """What the unfilled part of an opening order reserves, None while that is unknown."""
    if record.notional is not None and record.work_qty is None:
        return record.notional
    return None if record.reserve_price is None else record.leaves * record.reserve_price
