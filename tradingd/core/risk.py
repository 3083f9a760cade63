"""Pre-trade rules: pure judgements of one order against limits, the portfolio and the last good price.

Every rule that is broken is named; nothing is judged by its absence: a limit that is None was switched off on purpose
by the configuration. Worst-case figures count the position, every open and unknown order on the same side, and the
order. An order that can only reduce the position passes every limit: a way out is never closed.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.instruments import Instrument, is_sensible
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import ZERO, Breach, DenialCode, Order, OrderType, Side, ValidationResponse
from tradingd.core.portfolio import OpenExposure, PortfolioState

_HUNDRED = Decimal(100)


class OrderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one scope: the account, a symbol, or a strategy. None switches a limit off."""

    max_order_value: Decimal | None = None
    max_order_quantity: Decimal | None = None
    max_position_quantity: Decimal | None = None
    max_position_value: Decimal | None = None


class RiskRules(msgspec.Struct, frozen=True, kw_only=True):
    """All pre-trade limits of one account."""

    account: OrderLimits
    by_symbol: Mapping[Symbol, OrderLimits] = {}
    by_strategy: Mapping[StrategyId, OrderLimits] = {}
    max_gross_exposure: Decimal | None
    max_leverage: Decimal
    price_collar_pct: Decimal
    max_orders_per_minute: int
    allow_short: bool
    allowed_symbols: frozenset[Symbol]
    stale_after_ns: int
    """A symbol whose last good price is older takes no new orders; 0 switches the rule off."""


class MarketView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a symbol at the moment of judgement."""

    instrument: Instrument
    price: Decimal | None
    age_ns: int
    """Time since the last good price arrived, by the process's own clock."""


class OrderRate:
    """A sliding window of one minute over the orders that were let through.

    Orders that only reduce a position have as much again: a strategy that trades too much can still leave.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: deque[int] = deque()

    def full(self, now_ns: int, *, only_reduces: bool = False) -> bool:
        """True when one more order would break the limit."""
        horizon = now_ns - 60 * NS_PER_SECOND
        while self._sent and self._sent[0] <= horizon:
            self._sent.popleft()
        return len(self._sent) >= (2 * self._limit if only_reduces else self._limit)

    def sent(self, now_ns: int) -> int:
        """How many orders were let through within the last minute."""
        self.full(now_ns)
        return len(self._sent)

    def count(self, now_ns: int) -> None:
        """Count one order as sent."""
        self._sent.append(now_ns)


def validate(
    order: Order,
    portfolio: PortfolioState,
    rules: RiskRules,
    market: MarketView,
    *,
    rate_full: bool,
    only_reduces: bool = False,
) -> ValidationResponse:
    """Judge one order; an answer without breaches approves it.

    `only_reduces` is the answer of `reduces`: such an order passes every limit but the order rate, of which reductions
    have a share of their own, and but a limit of its own strategy's position where that would grow.
    """
    form = _check_form(order, market)
    if form:
        # Figures that are not numbers cannot be compared with limits: say so and stop.
        return ValidationResponse(breaches=tuple(form))
    limits, breaches = _check_limits(order, portfolio, rules, market), _check_own_position(order, portfolio, rules)
    if rate_full:
        breaches.append(
            Breach(
                code=DenialCode.ORDER_RATE,
                message=f"{rules.max_orders_per_minute} orders have left within a minute (max_orders_per_minute)",
                limit=str(rules.max_orders_per_minute),
            )
        )
    if only_reduces:
        return ValidationResponse(breaches=tuple(breaches), waived=tuple(limits))
    return ValidationResponse(breaches=(*limits, *breaches))


def _check_limits(order: Order, portfolio: PortfolioState, rules: RiskRules, market: MarketView) -> list[Breach]:
    if market.price is None:
        # Without a price nothing can be valued: that is said first, and alone.
        message = f"no good price of {order.symbol} has been seen yet"
        return [*_check_allowed(order, rules), Breach(code=DenialCode.PRICE_MISSING, message=message)]
    value = value_of(order.contract, order.quantity, order.working_price)
    breaches = _check_allowed(order, rules) + _check_market(order, market.price, rules, market)
    scopes = [("account", rules.account)]
    if (by_symbol := rules.by_symbol.get(order.symbol)) is not None:
        scopes.append((order.symbol, by_symbol))
    for scope, limits in scopes:
        breaches += _check_order_size(order, value, limits, scope)
        breaches += _check_position(order, portfolio, limits, scope=scope, strategy_id=None)
    if (by_strategy := rules.by_strategy.get(order.strategy_id)) is not None:
        breaches += _check_order_size(order, value, by_strategy, order.strategy_id)
    return breaches + _check_account(order, portfolio, rules, market, value)


def _check_own_position(order: Order, portfolio: PortfolioState, rules: RiskRules) -> list[Breach]:
    """Judge the position of the order's strategy, which may grow while the account's gets smaller."""
    limits, owner = rules.by_strategy.get(order.strategy_id), order.strategy_id
    return [] if limits is None else _check_position(order, portfolio, limits, scope=owner, strategy_id=owner)


def reduces(order: Order, portfolio: PortfolioState, *, replaced: Decimal = ZERO) -> bool:
    """True for an order that can only bring the account's position in its symbol nearer to zero.

    Counted in the worst case: with every order on its side that is open or unknown filled as well. `replaced` is what
    of them this order takes the place of.
    """
    held, open_orders = portfolio.quantity(order.symbol), portfolio.open_exposure(order.symbol)
    return is_sensible(order.quantity) and order.quantity <= reducible(order.side, held, open_orders, replaced)


def reduces_own(order: Order, portfolio: PortfolioState, *, replaced: Decimal = ZERO) -> bool:
    """True for an order that can only bring the position of its own strategy nearer to zero; see `reduces`."""
    held = portfolio.quantity_of(order.strategy_id, order.symbol)
    open_orders = portfolio.open_exposure_of(order.strategy_id, order.symbol)
    return is_sensible(order.quantity) and order.quantity <= reducible(order.side, held, open_orders, replaced)


def reducible(side: Side, held: Decimal, open_orders: OpenExposure, replaced: Decimal = ZERO) -> Decimal:
    """How much one more order of a side may be for and still only reduce what is held; 0 where nothing may.

    Counted in the worst case: every order of that side that is open or unknown, less `replaced`, fills as well.
    """
    promised = open_orders.sell_quantity if side is Side.SELL else open_orders.buy_quantity
    return max(-held * side.sign - promised + replaced, ZERO)


def _check_form(order: Order, market: MarketView) -> list[Breach]:
    breaches = []
    if not market.instrument.tradable:
        breaches.append(Breach(code=DenialCode.SYMBOL_NOT_ALLOWED, message=f"the venue does not trade {order.symbol}"))
    if not is_sensible(order.quantity) or order.quantity <= 0:
        breaches.append(
            Breach(
                code=DenialCode.QUANTITY_INVALID,
                message=f"quantity {order.quantity:f} is not a positive number after rounding to the lot",
                value=str(order.quantity),
            )
        )
    elif order.quantity < market.instrument.min_quantity:
        breaches.append(
            Breach(
                code=DenialCode.QUANTITY_INVALID,
                message=f"quantity {order.quantity:f} is below the venue's minimum "
                f"({market.instrument.min_quantity:f})",
                value=str(order.quantity),
                limit=str(market.instrument.min_quantity),
            )
        )
    terms = order.terms
    needs_limit = terms.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    needs_stop = terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    for name, needed, price in (("limit", needs_limit, terms.limit_price), ("stop", needs_stop, terms.stop_price)):
        if needed and price is None:
            breaches.append(
                Breach(code=DenialCode.PRICE_INVALID, message=f"a {terms.order_type} order needs a {name} price")
            )
        elif not needed and price is not None:
            breaches.append(
                Breach(code=DenialCode.PRICE_INVALID, message=f"a {terms.order_type} order takes no {name} price")
            )
        elif price is not None and (not is_sensible(price) or price <= 0):
            breaches.append(
                Breach(
                    code=DenialCode.PRICE_INVALID, message=f"{name} price is not a positive number", value=str(price)
                )
            )
    return breaches


def _check_allowed(order: Order, rules: RiskRules) -> list[Breach]:
    if order.symbol in rules.allowed_symbols:
        return []
    return [Breach(code=DenialCode.SYMBOL_NOT_ALLOWED, message=f"{order.symbol} is not in allowed_symbols")]


def _check_market(order: Order, last: Decimal, rules: RiskRules, market: MarketView) -> list[Breach]:
    breaches = []
    if rules.stale_after_ns and market.age_ns > rules.stale_after_ns:
        breaches.append(
            Breach(
                code=DenialCode.PRICE_STALE,
                message=f"the last good price of {order.symbol} is {market.age_ns / NS_PER_SECOND:.1f} s old, "
                f"more than stale_after_s ({rules.stale_after_ns / NS_PER_SECOND:g} s)",
                value=f"{market.age_ns / NS_PER_SECOND:.1f} s",
                limit=f"{rules.stale_after_ns / NS_PER_SECOND:g} s",
            )
        )
    for price in (order.terms.limit_price, order.terms.stop_price):
        if price is not None:
            away = abs(price - last) / last * _HUNDRED
            if away > rules.price_collar_pct:
                breaches.append(
                    Breach(
                        code=DenialCode.PRICE_COLLAR,
                        message=f"price {price:f} is {away:.2f} % from the last good price {last:f}, more than "
                        f"price_collar_pct ({rules.price_collar_pct:f} %)",
                        value=str(price),
                        limit=f"{rules.price_collar_pct} %",
                    )
                )
    return breaches


def _check_order_size(order: Order, value: Decimal, limits: OrderLimits, scope: str) -> list[Breach]:
    breaches = []
    if limits.max_order_quantity is not None and order.quantity > limits.max_order_quantity:
        breaches.append(
            Breach(
                code=DenialCode.ORDER_QUANTITY,
                message=f"order quantity {order.quantity:f} is above max_order_quantity of {scope} "
                f"({limits.max_order_quantity:f})",
                value=str(order.quantity),
                limit=str(limits.max_order_quantity),
            )
        )
    if limits.max_order_value is not None and value > limits.max_order_value:
        breaches.append(
            Breach(
                code=DenialCode.ORDER_VALUE,
                message=f"order value {value:,.2f} is above max_order_value of {scope} ({limits.max_order_value:,.2f})",
                value=f"{value:.2f}",
                limit=str(limits.max_order_value),
            )
        )
    return breaches


def _check_position(
    order: Order,
    portfolio: PortfolioState,
    limits: OrderLimits,
    *,
    scope: str,
    strategy_id: StrategyId | None,
) -> list[Breach]:
    if limits.max_position_quantity is None and limits.max_position_value is None:
        return []
    if strategy_id is None:
        held = portfolio.quantity(order.symbol)
        open_orders = portfolio.open_exposure(order.symbol)
    else:
        held = portfolio.quantity_of(strategy_id, order.symbol)
        open_orders = portfolio.open_exposure_of(strategy_id, order.symbol)
    if order.side is Side.BUY:
        worst = held + open_orders.buy_quantity + order.quantity
    else:
        worst = held - open_orders.sell_quantity - order.quantity
    if min(held, ZERO) <= worst <= max(held, ZERO):
        return []  # an order that can only reduce the position is never refused for the position's size
    breaches = []
    if limits.max_position_quantity is not None and abs(worst) > limits.max_position_quantity:
        breaches.append(
            Breach(
                code=DenialCode.POSITION_LIMIT,
                message=f"position with all open orders would be {worst:f}, above max_position_quantity of {scope} "
                f"({limits.max_position_quantity:f})",
                value=str(worst),
                limit=str(limits.max_position_quantity),
            )
        )
    if limits.max_position_value is not None:
        value = abs(value_of(order.contract, worst, order.working_price))
        if value > limits.max_position_value:
            breaches.append(
                Breach(
                    code=DenialCode.POSITION_VALUE,
                    message=f"position with all open orders would be worth {value:,.2f}, above max_position_value of "
                    f"{scope} ({limits.max_position_value:,.2f})",
                    value=f"{value:.2f}",
                    limit=str(limits.max_position_value),
                )
            )
    return breaches


def _check_account(
    order: Order, portfolio: PortfolioState, rules: RiskRules, market: MarketView, value: Decimal
) -> list[Breach]:
    breaches = []
    held = portfolio.quantity(order.symbol)
    open_orders = portfolio.open_exposure(order.symbol)
    if order.side is Side.SELL:
        after = held - open_orders.sell_quantity - order.quantity
        opening = min(max(-after, ZERO), order.quantity)
        if opening > 0 and not (rules.allow_short and market.instrument.shortable):
            breaches.append(
                Breach(
                    code=DenialCode.SHORT_NOT_ALLOWED,
                    message=f"selling {order.quantity:f} could leave {order.symbol} short at {after:f}, "
                    "and that is not allowed",
                    value=str(after),
                )
            )
    else:
        after = held + open_orders.buy_quantity + order.quantity
        opening = min(max(after, ZERO), order.quantity)
    if opening <= 0:
        return breaches
    added = EXACT.divide(EXACT.multiply(value, opening), order.quantity)
    net = portfolio.exposure()[1]
    worst_gross = portfolio.counted_gross() + portfolio.reserved_value() + added
    if rules.max_gross_exposure is not None and worst_gross > rules.max_gross_exposure:
        breaches.append(
            Breach(
                code=DenialCode.GROSS_EXPOSURE,
                message=f"gross exposure with all open orders would be {worst_gross:,.2f}, above max_gross_exposure "
                f"({rules.max_gross_exposure:,.2f})",
                value=f"{worst_gross:.2f}",
                limit=str(rules.max_gross_exposure),
            )
        )
    power = EXACT.multiply(portfolio.cash + net, rules.max_leverage)
    if worst_gross > power:
        breaches.append(
            Breach(
                code=DenialCode.BUYING_POWER,
                message=f"gross exposure with all open orders would be {worst_gross:,.2f}, above equity times "
                f"max_leverage ({power:,.2f})",
                value=f"{worst_gross:.2f}",
                limit=f"{power:.2f}",
            )
        )
    return breaches
