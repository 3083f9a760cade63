"""An order, a fill and a decision in the words of a trader. Pure."""

from decimal import Decimal

from tradingd.core.accounting import EXACT, Position, value_of
from tradingd.core.numbers import plain, price, signed_money
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Order, OrderTerms, OrderType, Trade
from tradingd.core.signals import TradingSignal


def terms_in_words(terms: OrderTerms) -> str:
    """What is asked of the market: `market`, `limit 420.13`, `stop 99.00`, `trailing stop 2 %`."""
    match terms.order_type:
        case OrderType.LIMIT:
            return f"limit {price(terms.limit_price)}"
        case OrderType.STOP:
            return f"stop {price(terms.stop_price)}"
        case OrderType.STOP_LIMIT:
            return f"stop {price(terms.stop_price)} limit {price(terms.limit_price)}"
        case OrderType.TRAILING_STOP:
            away = price(terms.trail_amount) if terms.trail_percent is None else f"{plain(terms.trail_percent)} %"
            return f"trailing stop {away}"
        case OrderType.MARKET:
            return "market"


def order_in_words(order: Order, state: OrderState | None = None) -> str:
    """Side, quantity, symbol and price of an order, as it is by now where its state is given."""
    quantity, terms = (order.quantity, order.terms) if state is None else (state.quantity, state.terms)
    return f"{order.side} {plain(quantity)} {order.symbol} {terms_in_words(terms)}"


def signal_in_words(signal: TradingSignal) -> str:
    """A strategy's decision: side, quantity, symbol and price."""
    return f"{signal.action} {plain(signal.quantity)} {signal.symbol} {terms_in_words(signal.terms)}"


class Fill:
    """One execution, with what it did to the position before it."""

    def __init__(self, trade: Trade, state: OrderState, before: Position, after: Position) -> None:
        self._trade, self._order = trade, state.order
        self._closed = _closed(before.quantity, after.quantity)
        self._entry = before.average_price
        self.profit = EXACT.subtract(after.realised_pnl, before.realised_pnl) if self._closed else None
        """What closing has made, before fees; None for a fill that closes nothing."""

    @property
    def slippage(self) -> Decimal | None:
        """How much worse than at the signal's price the fill was, in money; below zero better. None without a price."""
        reference = self._order.reference_price
        if not reference:
            return None
        away = EXACT.multiply(EXACT.subtract(self._trade.price, reference), Decimal(self._trade.side.sign))
        return value_of(self._trade.contract, self._trade.quantity, away) or Decimal(0)

    def details(self) -> dict[str, object]:
        """Profit and slippage as details of a line of the log, where there are any."""
        found = {"profit": self.profit, "slippage": self.slippage}
        return {name: value for name, value in found.items() if value is not None}

    def in_words(self) -> str:
        """Side, quantity, symbol and price; what was closed and made; how the price was against the signal's."""
        trade = self._trade
        text = f"{trade.side} {plain(trade.quantity)} {trade.symbol} at {price(trade.price)}"
        if self.profit is not None:
            entry, profit = price(self._entry), signed_money(self.profit)
            text += f", closes {plain(self._closed)} from {entry}: profit {profit} before fees"
        slippage = self.slippage
        if slippage == 0:
            text += ", the signal's price"
        elif slippage is not None:
            word = "worse" if slippage > 0 else "better"
            text += (
                f", {signed_money(abs(slippage))[1:]} {word} than at the signal's {price(self._order.reference_price)}"
            )
        return text


def _closed(before: Decimal, after: Decimal) -> Decimal:
    if not before or (after and (after > 0) == (before > 0) and abs(after) >= abs(before)):
        return Decimal(0)
    return abs(before) if not after or (after > 0) != (before > 0) else abs(before) - abs(after)
