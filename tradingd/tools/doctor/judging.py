"""Verdicts on an account, its permissions, its symbols and the orders that a configuration names. Pure.

Reads: what the venue said, and the settings. Never: guesses what orders a strategy's own code sends.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from tradingd.core.broker_model import BrokerModel, Pair, replace_refusals
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.numbers import money
from tradingd.core.orders import OrderModification, OrderTerms, OrderType, TimeInForce
from tradingd.core.venue_view import AccountInfo
from tradingd.settings.root import Settings
from tradingd.settings.sections import StrategySettings
from tradingd.tools.doctor.findings import Finding, Part, SymbolTerms, failed, ok, warning

_ONE = Decimal(1)

# -- the account ------------------------------------------------------------------------------------------------------


def judge_account(account: AccountInfo, problems: Mapping[str, str], settings: Settings) -> list[Finding]:
    """Judge what the venue says of the account; `problems` are the adapter's own words by the problem's name."""
    return [
        _judge_kind(account, problems.get("broker.account_kind"), settings),
        _judge_standing(account, problems.get("broker.account_blocked")),
        _judge_currency(account, settings),
        *_judge_leverage(account, settings),
    ]


def _judge_kind(account: AccountInfo, problem: str | None, settings: Settings) -> Finding:
    if problem is not None or account.account_kind != settings.account_kind:
        return failed(
            Part.ACCOUNT,
            "kind",
            problem or f"the account is a {account.account_kind} account, and {settings.account_kind} is declared",
            "correct broker.account_kind and the addresses, or use the other account's keys",
        )
    return ok(Part.ACCOUNT, "kind", f"{account.account_id} is a {account.account_kind} account, as declared")


def _judge_standing(account: AccountInfo, problem: str | None) -> Finding:
    if problem is not None:
        return failed(Part.ACCOUNT, "standing", problem, "ask the broker why before anything else")
    if account.equity <= 0:
        text = f"the account's equity is {money(account.equity)} {account.currency}"
        return failed(Part.ACCOUNT, "standing", f"{text}: nothing can be bought", "pay money in")
    equity, cash, buying_power = money(account.equity), money(account.cash), money(account.buying_power)
    text = f"equity {equity}, cash {cash}, buying power {buying_power}"
    return ok(Part.ACCOUNT, "standing", f"the account may trade: {text} {account.currency}")


def _judge_currency(account: AccountInfo, settings: Settings) -> Finding:
    base = settings.portfolio.base_currency
    if account.currency != base:
        return failed(
            Part.ACCOUNT,
            "currency",
            f"the account is kept in {account.currency}, and the limits are meant in {base}",
            f'set portfolio.base_currency = "{account.currency}" and every limit in it',
        )
    return ok(Part.ACCOUNT, "currency", f"the account is kept in {base}")


def _judge_leverage(account: AccountInfo, settings: Settings) -> Iterator[Finding]:
    if settings.risk.max_leverage > account.multiplier:
        yield warning(
            Part.ACCOUNT,
            "leverage",
            f"max_leverage is {settings.risk.max_leverage:f}, and the account's own multiplier {account.multiplier:f} "
            "holds in its place",
            f"set risk.max_leverage to {account.multiplier:f} or less",
        )


def judge_shorting(account: AccountInfo, settings: Settings, instruments: Iterable[Instrument]) -> Finding:
    """Whether what `risk.allow_short` allows is allowed at the venue too."""
    check = "shorting"
    equities = [found for found in instruments if found.asset_class is AssetClass.EQUITY]
    if not settings.risk.allow_short:
        return ok(Part.ACCOUNT, check, "risk.allow_short = false: nothing will be sold short")
    if equities and not account.shorting_enabled:
        return warning(
            Part.ACCOUNT,
            check,
            "risk.allow_short = true, and the account may not sell short",
            "set risk.allow_short = false, or apply for margin at the broker",
        )
    fixed = [found.symbol for found in equities if not found.shortable]
    if fixed:
        return warning(
            Part.ACCOUNT,
            check,
            f"risk.allow_short = true, and the venue lends no {', '.join(fixed)}",
            "set risk.allow_short = false, or let the strategies of these symbols buy alone",
        )
    return ok(Part.ACCOUNT, check, "the account may sell short" if equities else "nothing here is sold short anywhere")


# -- a symbol ---------------------------------------------------------------------------------------------------------


def judge_symbol(instrument: Instrument, model: BrokerModel, strategies: Iterable[StrategySettings]) -> list[Finding]:
    """Whether the venue trades it, and takes the orders that the configuration names for it."""
    symbol, check = instrument.symbol, f"{instrument.symbol}"
    if not instrument.tradable:
        text = f"the venue does not trade {symbol} now"
        return [failed(Part.SYMBOLS, check, text, f"take {symbol} out of the strategies, or ask the broker")]
    refused = _refusals(instrument, model, strategies)
    if refused:
        return refused
    steps = "parts of a unit" if instrument.fractionable else "whole units"
    short = "" if instrument.shortable else ", not sold short"
    return [ok(Part.SYMBOLS, check, f"{instrument.asset_class.lower()}, tradable in {steps}{short}")]


def _refusals(instrument: Instrument, model: BrokerModel, strategies: Iterable[StrategySettings]) -> list[Finding]:
    found = []
    flatten = OrderTerms(time_in_force=_lasting(instrument))
    if not model.supports(flatten, instrument.asset_class):
        found.append(_not_taken(instrument, model, "tradingd flatten closes with MARKET orders"))
    for strategy in strategies:
        for key, quantity in _fractions(strategy):
            if not instrument.fractionable and instrument.asset_class is not AssetClass.CRYPTO:
                text = f"{strategy.id} has params.{key} = {quantity:f}, and {instrument.symbol} trades in whole units"
                found.append(
                    warning(Part.SYMBOLS, f"{instrument.symbol}", text, f"make params.{key} of {strategy.id} whole")
                )
        found += _patience_refusals(instrument, model, strategy)
    return found


def _patience_refusals(instrument: Instrument, model: BrokerModel, strategy: StrategySettings) -> Iterator[Finding]:
    if not strategy.unfilled_timeout_s:
        return
    action = f"{strategy.id} has unfilled_action = {strategy.unfilled_action}"
    limit = OrderTerms(order_type=OrderType.LIMIT, limit_price=_ONE, time_in_force=_lasting(instrument))
    if not model.supports(limit, instrument.asset_class):
        yield _not_taken(instrument, model, f"{action}, which is about LIMIT orders")
    elif strategy.unfilled_action == "reprice":
        details = OrderModification(limit_price=_ONE)
        if replace_refusals(model, limit, details, instrument.asset_class):
            yield failed(
                Part.SYMBOLS,
                f"{instrument.symbol}",
                f"{action}, and {model.name} changes no price of a working {instrument.asset_class.lower()} order",
                f"set unfilled_action of {strategy.id} to cancel or market",
            )


def _not_taken(instrument: Instrument, model: BrokerModel, why: str) -> Finding:
    return failed(
        Part.SYMBOLS,
        f"{instrument.symbol}",
        f"{why}, and {model.name} takes none of {instrument.asset_class.lower()} {instrument.symbol}",
        f"trade {instrument.symbol} with another broker",
    )


def _lasting(instrument: Instrument) -> TimeInForce:
    """The time in force of an order that names none, as the execution engine makes it fit."""
    return TimeInForce.GTC if instrument.asset_class is AssetClass.CRYPTO else TimeInForce.DAY


def _fractions(strategy: StrategySettings) -> Iterator[tuple[str, Decimal]]:
    """Parameters that by their name are quantities, and by their value part of a unit."""
    for key, value in strategy.params.items():
        if not key.endswith("quantity") or isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            continue
        if number.is_finite() and number % _ONE:
            yield key, number


def terms_of(instrument: Instrument, model: BrokerModel, strategies: Iterable[StrategySettings]) -> SymbolTerms:
    """What the venue takes of a symbol, for programs to read."""
    rules = model.by_class.get(instrument.asset_class)
    return SymbolTerms(
        symbol=instrument.symbol,
        strategies=tuple(strategy.id for strategy in strategies),
        asset_class=instrument.asset_class.value,
        tradable=instrument.tradable,
        shortable=instrument.shortable and (rules is None or rules.shortable),
        fractionable=instrument.fractionable,
        min_quantity=instrument.min_quantity,
        quantity_increment=instrument.quantity_increment,
        order_types=_by_type(() if rules is None else rules.pairs),
        extended_hours=_by_type(() if rules is None else rules.extended_hours),
    )


def _by_type(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for kind, time in sorted(pairs):
        listed.setdefault(kind.value, []).append(time.value)
    return listed


def strategies_of(settings: Settings, symbol: Symbol) -> list[StrategySettings]:
    """The strategies that trade a symbol."""
    return [strategy for strategy in settings.strategies if symbol in strategy.symbols]
