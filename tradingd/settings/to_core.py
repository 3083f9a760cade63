"""From settings to what the core works with: limits, rules, and what to build of each symbol. Pure."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from tradingd.core.bars import parse_interval
from tradingd.core.books import Books
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.conflicts import (
    GROSS,
    LEVERAGE,
    QUANTITY,
    SHORT,
    VALUE,
    ConfigurationFacts,
    LimitFact,
    Place,
    StrategyFacts,
    symbols_held,
)
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.instruments import ONE, AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import ZERO
from tradingd.core.plans.records import UnfilledAction, UnfilledTimeout
from tradingd.core.reconcile import Cadence, Scope
from tradingd.core.risk import OrderLimits, RiskRules
from tradingd.core.risk_metrics import RiskLimits
from tradingd.core.sessions import is_weekday_session, next_new_york_midnight, next_weekday_close
from tradingd.core.symbol_plan import SymbolPlan
from tradingd.core.trading_day import TradingDays
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.ib import IbBrokerSettings, IbFeedSettings
from tradingd.settings.risk import RiskOverrides, RiskSettings
from tradingd.settings.root import Settings


class _Delivery(msgspec.Struct, frozen=True):
    """What one feed delivers of each of its symbols."""

    symbols: tuple[Symbol, ...]
    ticks: bool
    trades: bool
    bar_interval: int | None
    realtime: bool


def _delivery(feed: FeedSettings) -> _Delivery:
    match feed:
        case FileFeedSettings():
            kind = feed.data_schema
            bars = feed.interval_ns if kind == "bars" else None
            return _Delivery((Symbol(feed.symbol),), kind != "bars", kind == "trades", bars, False)
        case SyntheticFeedSettings():
            return _Delivery(tuple(feed.symbols), True, True, None, True)
        case AlpacaFeedSettings():
            channels = feed.channels
            bars = parse_interval("1m") if "bars" in channels else None
            ticks = "quotes" in channels or "trades" in channels
            return _Delivery(tuple(feed.symbols), ticks, "trades" in channels, bars, True)
        case IbFeedSettings():
            bars = feed.bar_interval_ns
            return _Delivery(tuple(feed.symbols), bars is None, bars is None, bars, True)


_FINEST = Decimal("0.000000001")
_HALF_PIP = Decimal("0.00005")


def contract_instruments(settings: Settings) -> dict[Symbol, Instrument]:
    """What the configuration says of symbols that their names do not tell, for a venue that knows no better.

    The tick of a future is the venue's to say: here it may have any price.
    """
    broker = settings.broker
    if not isinstance(broker, IbBrokerSettings):
        return {}
    described: dict[Symbol, Instrument] = {}
    for symbol in traded_symbols(settings):
        contract = broker.contracts.get(symbol)
        kind = contract.sec_type if contract is not None else "CASH" if "/" in symbol else "STK"
        if kind == "CASH":
            described[symbol] = Instrument(
                symbol=symbol,
                asset_class=AssetClass.FX,
                price_increment=_HALF_PIP,
                quantity_increment=ONE,
                min_quantity=ONE,
            )
        elif contract is not None and kind == "FUT":
            described[symbol] = Instrument(
                symbol=symbol,
                asset_class=AssetClass.FUTURE,
                price_increment=_FINEST,
                quantity_increment=ONE,
                min_quantity=ONE,
                fractionable=False,
                multiplier=Decimal(contract.multiplier or 1),
                currency=contract.currency,
            )
    return described


def trading_days(settings: Settings) -> TradingDays:
    """The days that losses, returns, reports and statements are counted by."""
    return TradingDays(settings.daemon.trading_day_zone)


def to_ns(seconds: float) -> int:
    """Seconds of the configuration in nanoseconds."""
    return round(seconds * NS_PER_SECOND)


def cadence(settings: Settings) -> Cadence:
    """How often the venue is asked."""
    execution = settings.execution
    return Cadence(
        in_flight_ns=to_ns(execution.in_flight_interval_s),
        open_orders_ns=to_ns(execution.open_orders_interval_s),
        everything_ns=to_ns(execution.reconcile_interval_s),
        max_queries=execution.max_queries,
    )


def unfilled_timeouts(settings: Settings) -> dict[StrategyId, UnfilledTimeout]:
    """How long each strategy's limit orders may work; those that may for ever are left out."""
    return {
        strategy.id: UnfilledTimeout(
            after_ns=to_ns(strategy.unfilled_timeout_s), action=UnfilledAction(strategy.unfilled_action)
        )
        for strategy in settings.strategies
        if strategy.unfilled_timeout_s
    }


def reconciliation_scope(settings: Settings) -> Scope:
    """Whose the things are that no order of ours explains."""
    claims = {Symbol(symbol): strategy.id for strategy in settings.strategies for symbol in strategy.claims}
    if settings.execution.external == "ignore":
        return Scope(claims=claims, only=frozenset(traded_symbols(settings)))
    return Scope(claims=claims)


def price_due(settings: Settings, clock: Callable[[], int]) -> Callable[[Symbol], bool]:
    """Return what tells whether a symbol's market is open now: shares at a real venue keep the exchange's hours.

    Currencies, pairs, futures and an invented market are taken to trade at any time.
    """
    broker, feeds = settings.broker, settings.data.feeds
    invented = {symbol for feed in feeds if isinstance(feed, SyntheticFeedSettings) for symbol in feed.symbols}
    contracts = broker.contracts if isinstance(broker, IbBrokerSettings) else {}
    others = {symbol for symbol, contract in contracts.items() if contract.sec_type != "STK"}
    calendar = NewYorkStockExchange()

    def is_due(symbol: Symbol) -> bool:
        if "/" in symbol or symbol in invented or symbol in others:
            return True
        now = clock()
        return is_weekday_session(now) and calendar.is_open(now)

    return is_due


def next_close(settings: Settings) -> Callable[[int], int]:
    """When the next session ends that a statement is taken after: crypto alone has New York's midnights."""
    crypto = all("/" in symbol for symbol in traded_symbols(settings))
    return next_new_york_midnight if crypto else next_weekday_close


def symbol_plans(settings: Settings) -> tuple[SymbolPlan, ...]:
    """One plan for each symbol that a feed delivers."""
    wanted: dict[Symbol, set[int]] = {}
    for strategy in settings.strategies:
        for symbol in strategy.symbols:
            wanted.setdefault(symbol, set()).add(strategy.interval_ns)
    plans: dict[Symbol, SymbolPlan] = {}
    for delivery in map(_delivery, settings.data.feeds):
        for symbol in delivery.symbols:
            before = plans.get(symbol)
            plans[symbol] = SymbolPlan(
                symbol=symbol,
                intervals=tuple(sorted(wanted.get(symbol, ()))),
                ticks=delivery.ticks or (before is not None and before.ticks),
                trades=delivery.trades or (before is not None and before.trades),
                bar_interval=delivery.bar_interval if before is None else before.bar_interval or delivery.bar_interval,
                realtime=delivery.realtime and (before is None or before.realtime),
            )
    return tuple(plans.values())


def traded_symbols(settings: Settings) -> tuple[Symbol, ...]:
    """Every symbol that a strategy trades, each once, in the order of the file."""
    return tuple(dict.fromkeys(symbol for strategy in settings.strategies for symbol in strategy.symbols))


def _limits(overrides: RiskOverrides) -> OrderLimits:
    return OrderLimits(
        max_order_value=overrides.max_order_value,
        max_order_quantity=overrides.max_order_quantity,
        max_position_quantity=overrides.max_position_quantity,
        max_position_value=overrides.max_position_value,
    )


def risk_rules(settings: Settings, *, multiplier: Decimal | None = None) -> RiskRules:
    """The pre-trade rules; the venue's own margin multiplier caps `max_leverage` where it is known."""
    risk = settings.risk
    leverage = risk.max_leverage if multiplier is None else min(risk.max_leverage, multiplier)
    allowed = risk.allowed_symbols or traded_symbols(settings)
    stale_after_ns = round(settings.data.stale_after_s * NS_PER_SECOND)
    return RiskRules(
        account=OrderLimits(
            max_order_value=risk.max_order_value,
            max_order_quantity=risk.max_order_quantity,
            max_position_quantity=risk.max_position_quantity,
            max_position_value=risk.max_position_value,
        ),
        by_symbol={Symbol(symbol): _limits(overrides) for symbol, overrides in risk.symbols.items()},
        by_strategy={StrategyId(strategy.id): _limits(strategy.risk) for strategy in settings.strategies},
        max_gross_exposure=risk.max_gross_exposure,
        max_leverage=leverage,
        price_collar_pct=risk.price_collar_pct,
        max_orders_per_minute=risk.max_orders_per_minute,
        allow_short=risk.allow_short,
        allowed_symbols=frozenset(map(Symbol, allowed)),
        stale_after_ns=stale_after_ns,
    )


def risk_limits(settings: Settings) -> RiskLimits:
    """The limits whose breach halts trading."""
    risk = settings.risk
    return RiskLimits(
        max_daily_loss=risk.max_daily_loss,
        max_drawdown_pct=risk.max_drawdown_pct,
        max_leverage=None,
        max_gross_exposure=None,
        max_var_99_pct=risk.max_var_99_pct,
    )


def configuration_facts(settings: Settings) -> ConfigurationFacts:
    """What of the configuration is compared with the books before anything trades."""
    broker = settings.broker
    return ConfigurationFacts(
        strategies=tuple(
            StrategyFacts(
                strategy_id=strategy.id,
                class_path=strategy.class_path,
                symbols=strategy.symbols,
                retired=strategy.retired,
                formerly=strategy.formerly,
            )
            for strategy in settings.strategies
        ),
        fed=frozenset(Symbol(symbol) for feed in settings.data.feeds for symbol in feed.symbols),
        limits=tuple(_limit_facts(settings)),
        broker=broker.kind,
        account_kind=settings.account_kind,
        account_id=broker.account if isinstance(broker, IbBrokerSettings) else "",
    )


def _limit_facts(settings: Settings) -> Iterator[LimitFact]:
    risk = settings.risk
    yield LimitFact(key=GROSS, limit=risk.max_gross_exposure, place=("risk", "max_gross_exposure"))
    yield LimitFact(key=LEVERAGE, limit=risk.max_leverage, place=("risk", "max_leverage"))
    if not risk.allow_short:
        yield LimitFact(key=SHORT, limit=ZERO, place=("risk", "allow_short"))
    yield from _position_limits("risk", ("risk",), risk)
    for symbol, limits in risk.symbols.items():
        place: Place = ("risk", "symbols", symbol)
        yield from _position_limits(f"risk.symbols.{symbol}", place, limits, symbol=Symbol(symbol))
    for index, strategy in enumerate(settings.strategies):
        place = ("strategies", index, "risk")
        yield from _position_limits(f"strategies.{strategy.id}", place, strategy.risk, strategy_id=strategy.id)


def _position_limits(
    key: str,
    place: Place,
    limits: RiskSettings | RiskOverrides,
    *,
    symbol: Symbol | None = None,
    strategy_id: StrategyId | None = None,
) -> Iterator[LimitFact]:
    for name, limit in ((QUANTITY, limits.max_position_quantity), (VALUE, limits.max_position_value)):
        if limit is not None:
            yield LimitFact(
                key=f"{key}.{name}", limit=limit, place=(*place, name), symbol=symbol, strategy_id=strategy_id
            )


def with_held_symbols(settings: Settings, books: Books) -> Settings:
    """Give every retired strategy the symbols that it holds, beside those that the file gives it."""
    strategies = tuple(
        strategy.model_copy(
            update={"symbols": tuple(dict.fromkeys((*strategy.symbols, *symbols_held(books, strategy.id))))}
        )
        if strategy.retired
        else strategy
        for strategy in settings.strategies
    )
    return settings.model_copy(update={"strategies": strategies})
