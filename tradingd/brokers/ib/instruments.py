"""From symbols to contracts, and from what TWS says of a contract to its trading steps.

Owns: how a symbol is read, and the questions that settle what it is. Never: takes one of several contracts that a
description fits.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tradingd.brokers.ib.inbox import rule_key
from tradingd.brokers.ib.library import Library
from tradingd.brokers.ib.questions import Key, QuestionRefused
from tradingd.brokers.ib.wire import number
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.errors import UsageError, VenueUnavailable

_UNKNOWN_CONTRACT = 200
_CLASSES = {"STK": AssetClass.EQUITY, "CASH": AssetClass.FX, "FUT": AssetClass.FUTURE}
_ONE = Decimal(1)
_MAX_CANDIDATES = 12


class ContractSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of a symbol; the empty parts are left to TWS, as long as one contract fits."""

    symbol: str
    """The symbol as TWS spells it: AAPL, ES, EUR."""
    sec_type: str = "STK"
    exchange: str = ""
    currency: str = "USD"
    primary_exchange: str = ""
    expiry: str = ""
    """Of a future: YYYYMM or YYYYMMDD."""
    local_symbol: str = ""
    con_id: int = 0
    multiplier: str = ""
    trading_class: str = ""


def read_contracts(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, ContractSpec]:
    """The configuration's tables, one for each symbol, as contracts."""
    return {symbol: msgspec.convert(table, ContractSpec) for symbol, table in tables.items()}


class Session(msgspec.Struct, frozen=True):
    """One stretch of trading, ns UTC."""

    begin_ns: int
    end_ns: int


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A configured symbol as TWS knows it."""

    instrument: Instrument
    con_id: int
    exchange: str
    trading_hours: tuple[Session, ...]
    liquid_hours: tuple[Session, ...]
    contract: Any
    """The library's contract, as orders and requests name it."""


class Ask(Protocol):
    """How questions are put; see `IbSession.ask`."""

    def __call__(self, key: Key | None, send: Callable[[Any, int], None], *, what: str) -> Awaitable[list[Any]]:
        """Put one."""
        ...


def read_symbol(symbol: Symbol, table: Mapping[str, ContractSpec]) -> ContractSpec:
    """What a symbol means: the configuration's word for it, a pair with a slash, or else a share in the United
    States."""
    found = table.get(symbol)
    if found is not None:
        return found
    first, slash, second = symbol.partition("/")
    if slash:
        return ContractSpec(symbol=first, sec_type="CASH", exchange="IDEALPRO", currency=second)
    return ContractSpec(symbol=symbol.replace(".", " "), exchange="SMART")


def to_contract(library: Library, spec: ContractSpec) -> Any:
    """The library's contract of a description."""
    defaults = {"STK": "SMART", "CASH": "IDEALPRO"}
    return library.contract(
        symbol=spec.symbol,
        secType=spec.sec_type,
        exchange=spec.exchange or ("" if spec.con_id else defaults.get(spec.sec_type, "")),
        currency=spec.currency,
        primaryExchange=spec.primary_exchange,
        lastTradeDateOrContractMonth=spec.expiry,
        localSymbol=spec.local_symbol,
        conId=spec.con_id,
        multiplier=spec.multiplier,
        tradingClass=spec.trading_class,
    )


async def describe(
    symbol: Symbol, spec: ContractSpec, library: Library, ask: Ask, problem: Callable[[str, str, dict[str, Any]], None]
) -> Described:
    """Ask TWS what a symbol is. Raises `VenueUnavailable`, or `UsageError` where no contract fits, or more than one."""
    if spec.sec_type not in _CLASSES:
        raise UsageError(f"{symbol}: contracts of type {spec.sec_type} are not traded here (STK, CASH or FUT would be)")
    wanted = to_contract(library, spec)
    try:
        found = await ask(
            None, lambda client, number: client.reqContractDetails(number, wanted), what=f"the contract {symbol}"
        )
    except QuestionRefused as error:
        if error.code == _UNKNOWN_CONTRACT:
            raise UsageError(
                f"Interactive Brokers knows no contract {symbol} ({_described(spec)}): correct broker.contracts for it"
            ) from error
        raise
    details = _only(symbol, spec, found)
    bands = await _bands(symbol, details, ask, problem)
    contract = details.contract
    return Described(
        instrument=_instrument(symbol, spec, details, bands),
        con_id=int(contract.conId),
        exchange=contract.exchange,
        trading_hours=read_hours(details.tradingHours, details.timeZoneId),
        liquid_hours=read_hours(details.liquidHours, details.timeZoneId),
        contract=contract,
    )


def _only(symbol: Symbol, spec: ContractSpec, found: Sequence[Any]) -> Any:
    # One contract is told once for each exchange that it trades at.
    by_id = {int(details.contract.conId): details for details in reversed(found)}
    if not by_id:
        raise VenueUnavailable(f"TWS described no contract {symbol}")
    if len(by_id) == 1:
        return next(iter(by_id.values()))
    candidates = sorted(
        f"con_id {con_id}: {d.contract.localSymbol} {d.contract.lastTradeDateOrContractMonth}".rstrip()
        + f" {d.contract.exchange} {d.contract.primaryExchange} {d.contract.currency}".rstrip()
        for con_id, d in by_id.items()
    )
    shown = "; ".join(candidates[:_MAX_CANDIDATES])
    raise UsageError(
        f"{symbol} ({_described(spec)}) fits {len(by_id)} contracts: give its con_id in broker.contracts ({shown})"
    )


def _described(spec: ContractSpec) -> str:
    return " ".join(str(value) for value in msgspec.structs.asdict(spec).values() if value)


async def _bands(
    symbol: Symbol, details: Any, ask: Ask, problem: Callable[[str, str, dict[str, Any]], None]
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Ticks by price at the exchange that orders go to; none where TWS does not tell the rule."""
    exchanges, rules = details.validExchanges.split(","), details.marketRuleIds.split(",")
    by_exchange = dict(zip(exchanges, rules, strict=False))
    rule = by_exchange.get(details.contract.exchange) or (rules[0] if rules else "")
    if not rule.isdecimal():
        return ()
    try:
        bands = await ask(
            rule_key(int(rule)), lambda client, _: client.reqMarketRule(int(rule)), what=f"the price steps of {symbol}"
        )
    except VenueUnavailable as error:
        problem("broker.no_market_rule", f"{symbol} is rounded by its smallest tick alone: {error}", {"symbol": symbol})
        return ()
    return tuple(sorted((low, step) for low, step in bands if low is not None and step))


def _instrument(
    symbol: Symbol, spec: ContractSpec, details: Any, bands: tuple[tuple[Decimal, Decimal], ...]
) -> Instrument:
    # Orders for parts of a unit are refused over this interface (10243), whatever the contract's smallest size says.
    return Instrument(
        symbol=symbol,
        asset_class=_CLASSES[spec.sec_type],
        price_increment=bands[0][1] if len(bands) == 1 else number(details.minTick) or None,
        quantity_increment=max(number(details.sizeIncrement) or _ONE, _ONE),
        min_quantity=max(number(details.minSize) or _ONE, _ONE),
        fractionable=False,
        multiplier=number(details.contract.multiplier or 1) or _ONE,
        currency=details.contract.currency or spec.currency,
        price_bands=bands if len(bands) > 1 else (),
    )


def read_hours(text: str, zone: str) -> tuple[Session, ...]:
    """Read the hours of a contract: `20260131:0930-20260131:1600;20260201:CLOSED`, in the exchange's zone."""
    try:
        place = ZoneInfo(zone)
    except (ValueError, ZoneInfoNotFoundError):
        return ()
    sessions = []
    for part in text.split(";"):
        begin, dash, end = part.partition("-")
        if not dash:
            continue
        try:
            opens, closes = (datetime.strptime(moment, "%Y%m%d:%H%M").replace(tzinfo=place) for moment in (begin, end))
        except ValueError:
            continue
        sessions.append(Session(int(opens.timestamp()) * NS_PER_SECOND, int(closes.timestamp()) * NS_PER_SECOND))
    return tuple(sessions)
