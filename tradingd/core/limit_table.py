"""Every limit beside what it limits: how far each one is used, and which are broken. Pure.

Owns: which figure belongs to which limit, in the scope of the account, a symbol, or a strategy. Reads: the portfolio,
the rules, the assessment of the account. Never: judges an order; that is `core.risk`.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.accounting import value_of
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.order_state import OrderState
from tradingd.core.orders import ZERO
from tradingd.core.portfolio import OpenExposure, PortfolioState
from tradingd.core.risk import OrderLimits, RiskRules
from tradingd.core.risk_metrics import RiskLimits, RiskMetrics

ACCOUNT = "account"


class Unit(StrEnum):
    """What a limit is counted in."""

    MONEY = "money"
    QUANTITY = "quantity"
    PERCENT = "percent"
    RATIO = "ratio"
    COUNT = "count"


_SHARES = (Unit.PERCENT, Unit.RATIO)
_FINE = Decimal("1e-6")


def _short(value: Decimal | None) -> Decimal | None:
    """A quotient without the digits that nobody reads."""
    return None if value is None else value.quantize(_FINE)


class LimitUse(msgspec.Struct, frozen=True, kw_only=True):
    """One limit and how far it is used."""

    name: str
    """The key of the configuration that sets it."""
    scope: str
    """`account`, a symbol, or a strategy with the symbol that it holds."""
    unit: Unit
    value: Decimal | None
    """What is there now; None where it is not known yet."""
    limit: Decimal
    headroom: Decimal | None
    """What is left of the limit once every open order has filled; below zero what is too much."""
    broken: bool


class LimitTable(msgspec.Struct, frozen=True, kw_only=True):
    """All limits, the broken ones first."""

    limits: tuple[LimitUse, ...]
    unpriced: tuple[Symbol, ...]
    """Symbols that are held without a fresh price: they count at the worst that is known."""

    @property
    def within_limits(self) -> bool:
        """True when no limit is broken."""
        return not any(use.broken for use in self.limits)


def limit_table(
    portfolio: PortfolioState,
    rules: RiskRules,
    limits: RiskLimits,
    metrics: RiskMetrics,
    *,
    open_orders: Iterable[OrderState],
    sent_last_minute: int,
) -> LimitTable:
    """Put every limit beside what it limits."""
    uses = [
        *_losses(limits, metrics),
        *_exposure(portfolio, rules, metrics),
        *_orders(rules, tuple(open_orders), sent_last_minute),
        *_positions(portfolio, rules),
    ]
    held = sorted(symbol for symbol, quantity in portfolio.net.items() if quantity)
    return LimitTable(
        limits=tuple(sorted(uses, key=lambda use: not use.broken)),
        unpriced=tuple(symbol for symbol in held if symbol not in portfolio.marks or symbol in portfolio.unpriced),
    )


def _use(  # noqa: PLR0917 - private, a row of a table
    name: str, scope: str, unit: Unit, value: Decimal | None, limit: Decimal, worst: Decimal | None, *, at: bool = False
) -> LimitUse:
    """`worst` is the value with all open orders; `at` breaks a limit on reaching it, else on passing it."""
    broken = value is not None and (value >= limit if at else value > limit)
    if unit in _SHARES:
        value, worst = _short(value), _short(worst)
    headroom = None if worst is None else limit - worst
    return LimitUse(name=name, scope=scope, unit=unit, value=value, limit=limit, headroom=headroom, broken=broken)


def _losses(limits: RiskLimits, metrics: RiskMetrics) -> list[LimitUse]:
    uses = []
    if limits.max_daily_loss is not None:
        loss = metrics.daily_loss
        uses.append(_use("max_daily_loss", ACCOUNT, Unit.MONEY, loss, limits.max_daily_loss, loss, at=True))
    if limits.max_drawdown_pct is not None:
        fall = metrics.drawdown_pct
        uses.append(_use("max_drawdown_pct", ACCOUNT, Unit.PERCENT, fall, limits.max_drawdown_pct, fall, at=True))
    if limits.max_var_99_pct is not None:
        tail = None if metrics.var_99_pct is None else Decimal(f"{metrics.var_99_pct:.4f}")
        uses.append(_use("max_var_99_pct", ACCOUNT, Unit.PERCENT, tail, limits.max_var_99_pct, tail))
    return uses


def _exposure(portfolio: PortfolioState, rules: RiskRules, metrics: RiskMetrics) -> list[LimitUse]:
    gross = portfolio.counted_gross()
    worst = gross + portfolio.reserved_value()
    uses = []
    if rules.max_gross_exposure is not None:
        uses.append(_use("max_gross_exposure", ACCOUNT, Unit.MONEY, gross, rules.max_gross_exposure, worst))
    power = metrics.equity * rules.max_leverage
    if metrics.equity > 0:
        now, then = (value / metrics.equity for value in (gross, worst))
        uses.append(_use("max_leverage", ACCOUNT, Unit.RATIO, now, rules.max_leverage, then))
    else:
        # Without equity there is no ratio, and nothing may be held.
        uses.append(_use("max_leverage", ACCOUNT, Unit.MONEY, gross, max(power, ZERO), worst))
    return uses


def _orders(rules: RiskRules, open_orders: tuple[OrderState, ...], sent_last_minute: int) -> list[LimitUse]:
    rate, sent = Decimal(rules.max_orders_per_minute), Decimal(sent_last_minute)
    scopes: list[tuple[str, OrderLimits, tuple[OrderState, ...]]] = [(ACCOUNT, rules.account, open_orders)]
    scopes += [
        (symbol, limits, tuple(state for state in open_orders if state.order.symbol == symbol))
        for symbol, limits in sorted(rules.by_symbol.items())
    ]
    scopes += [
        (strategy_id, limits, tuple(state for state in open_orders if state.order.strategy_id == strategy_id))
        for strategy_id, limits in sorted(rules.by_strategy.items())
    ]
    uses = [_use("max_orders_per_minute", ACCOUNT, Unit.COUNT, sent, rate, sent)]
    for scope, limits, orders in scopes:
        if limits.max_order_value is not None:
            values = (abs(value_of(o.order.contract, o.open_quantity, o.worst_price)) for o in orders)
            largest = max(values, default=ZERO)
            uses.append(_use("max_order_value", scope, Unit.MONEY, largest, limits.max_order_value, ZERO))
        if limits.max_order_quantity is not None:
            most = max((o.open_quantity for o in orders), default=ZERO)
            uses.append(_use("max_order_quantity", scope, Unit.QUANTITY, most, limits.max_order_quantity, ZERO))
    return uses


def _positions(portfolio: PortfolioState, rules: RiskRules) -> list[LimitUse]:
    uses: list[LimitUse] = []
    symbols = sorted({*rules.allowed_symbols, *(s for s, q in portfolio.net.items() if q), *rules.by_symbol})
    for symbol in symbols:
        held, exposure = portfolio.quantity(symbol), portfolio.open_exposure(symbol)
        limits = _tighter(rules.account, rules.by_symbol.get(symbol))
        uses += _position(portfolio, symbol, symbol, held, exposure, limits)
        if not rules.allow_short and held < 0:
            uses.append(_use("allow_short", symbol, Unit.QUANTITY, -held, ZERO, -held))
    for (strategy_id, symbol), position in sorted(portfolio.lines.items()):
        own = rules.by_strategy.get(strategy_id)
        exposure = portfolio.open_exposure_of(strategy_id, symbol)
        if own is not None:
            uses += _position(portfolio, _scope_of(strategy_id, symbol), symbol, position.quantity, exposure, own)
    return uses


def _scope_of(strategy_id: StrategyId, symbol: Symbol) -> str:
    return f"{strategy_id} {symbol}"


def _position(  # noqa: PLR0917 - private, each argument named by its caller's variable
    portfolio: PortfolioState, scope: str, symbol: Symbol, held: Decimal, open_orders: OpenExposure, limits: OrderLimits
) -> list[LimitUse]:
    size = abs(held)
    worst = max(abs(held + open_orders.buy_quantity), abs(held - open_orders.sell_quantity))
    uses = []
    if limits.max_position_quantity is not None:
        most = limits.max_position_quantity
        uses.append(_use("max_position_quantity", scope, Unit.QUANTITY, size, most, worst))
    if limits.max_position_value is not None:
        contract, price = portfolio.contract(symbol), portfolio.counted_price(symbol)
        value = None if price is None and size else value_of(contract, size, price or ZERO)
        max_value = None if price is None and worst else value_of(contract, worst, price or ZERO)
        limit = limits.max_position_value
        uses.append(_use("max_position_value", scope, Unit.MONEY, value, limit, max_value))
    return uses


def _tighter(account: OrderLimits, own: OrderLimits | None) -> OrderLimits:
    if own is None:
        return account
    return OrderLimits(
        max_position_quantity=_least(account.max_position_quantity, own.max_position_quantity),
        max_position_value=_least(account.max_position_value, own.max_position_value),
    )


def _least(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return min((value for value in (one, other) if value is not None), default=None)
