"""Checks across sections: what each value alone cannot tell.

Owns: strategies against their classes, symbols against feeds, feeds against the disk and each other, keys against the
broker. Emits: problems. Imports the strategies' modules, and nothing else with side effects.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from tradingd.core.bars import format_interval
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MINUTE_NS
from tradingd.settings.broker import AlpacaBrokerSettings
from tradingd.settings.explain import explain
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.ib import IbBrokerSettings, IbFeedSettings
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.params import StrategyClassMissing, import_strategy, make_strategy, validate_params
from tradingd.settings.problems import KeyPath, Problem, near_miss, suggest
from tradingd.settings.sections import StrategySettings

FEEDS: KeyPath = ("data", "feeds")


def check_settings(loaded: LoadedSettings) -> list[Problem]:
    """Find everything that is wrong between the sections of a configuration."""
    problems = [
        *_check_broker(loaded),
        *_check_feeds(loaded),
        *_check_strategies(loaded),
        *_check_symbols(loaded),
        *_check_claims(loaded),
        *_check_risk_symbols(loaded),
    ]
    return sorted(problems, key=lambda p: (p.line == 0, p.line, p.column, p.key))


def _check_broker(loaded: LoadedSettings) -> Iterator[Problem]:
    broker = loaded.settings.broker
    if isinstance(broker, AlpacaBrokerSettings):
        for key in ("api_key", "api_secret"):
            if getattr(broker, key) is None:
                yield loaded.problem(
                    ("broker", key),
                    "is missing",
                    f"set TRADINGD_BROKER__{key.upper()} or load the systemd credential broker.{key}",
                )


def _check_feeds(loaded: LoadedSettings) -> Iterator[Problem]:
    broker = loaded.settings.broker
    has_keys = isinstance(broker, AlpacaBrokerSettings)
    taken: dict[tuple[str, str], int] = {}
    yield from _check_endpoints(loaded)
    for index, feed in enumerate(loaded.settings.data.feeds):
        path: KeyPath = (*FEEDS, index)
        match feed:
            case FileFeedSettings():
                yield from _check_file(loaded, path, feed)
            case SyntheticFeedSettings():
                for symbol in feed.start_price:
                    if symbol not in feed.symbols:
                        remedy = suggest(symbol, feed.symbols)
                        yield loaded.problem((*path, "start_price", symbol), "is no symbol of this feed", remedy)
            case AlpacaFeedSettings():
                yield from _check_stream(loaded, path, feed, has_keys)
            case IbFeedSettings():
                yield from _check_gateway(loaded, path, feed)
        for symbol in feed.symbols:
            for schema in feed.schemas:
                first = taken.setdefault((symbol, schema), index)
                if first != index and loaded.is_complete(FEEDS):
                    other = loaded.original((*FEEDS, first))[-1]
                    yield loaded.problem(
                        (*path, "symbol" if isinstance(feed, FileFeedSettings) else "symbols"),
                        f"{schema} of {symbol} already come from data.feeds[{other}]",
                        "one feed for each symbol and kind of data",
                    )


def _check_endpoints(loaded: LoadedSettings) -> Iterator[Problem]:
    """A key has one connection to each stream: a second one is turned away for ever."""
    taken: dict[tuple[str, SecretStr | None], int] = {}
    for index, feed in enumerate(loaded.settings.data.feeds):
        if not isinstance(feed, AlpacaFeedSettings):
            continue
        lender = loaded.settings.broker if isinstance(loaded.settings.broker, AlpacaBrokerSettings) else feed
        first = taken.setdefault((feed.url.rstrip("/"), feed.api_key or lender.api_key), index)
        if first != index and loaded.is_complete(FEEDS):
            other = loaded.original((*FEEDS, first))[-1]
            yield loaded.problem(
                (*FEEDS, index, "url"),
                f"data.feeds[{other}] reads {feed.url} already, and a key has one connection there",
                f"put all symbols and channels into data.feeds[{other}]",
            )


def _check_claims(loaded: LoadedSettings) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for index, strategy in enumerate(loaded.settings.strategies):
        path: KeyPath = ("strategies", index, "claims")
        for symbol in strategy.claims:
            if symbol not in strategy.symbols and not strategy.retired:
                remedy = suggest(symbol, strategy.symbols)
                yield loaded.problem(path, f"{symbol} is no symbol of this strategy", remedy)
            owner = taken.setdefault(symbol, strategy.id)
            if owner != strategy.id:
                yield loaded.problem(path, f"{symbol} is claimed by {owner} already", "one strategy claims a symbol")


def _check_file(loaded: LoadedSettings, path: KeyPath, feed: FileFeedSettings) -> Iterator[Problem]:
    if not feed.path.exists():
        siblings = [p.name for p in feed.path.parent.iterdir()] if feed.path.parent.is_dir() else []
        meant = near_miss(feed.path.name, siblings)
        yield loaded.problem(
            (*path, "path"), f"there is no file {feed.path}", f"did you mean {meant}?" if meant else ""
        )
    elif not feed.path.is_file():
        yield loaded.problem((*path, "path"), f"{feed.path} is not a file")
    elif not os.access(feed.path, os.R_OK):
        yield loaded.problem((*path, "path"), f"{feed.path} cannot be read by this user")


def _check_stream(loaded: LoadedSettings, path: KeyPath, feed: AlpacaFeedSettings, has_keys: bool) -> Iterator[Problem]:
    for key in ("api_key", "api_secret"):
        if getattr(feed, key) is None and not has_keys:
            yield loaded.problem((*path, key), "is missing", "set it here or use the keys of an alpaca [broker]")
    if (urlsplit(feed.url).hostname or "").endswith("alpaca.markets"):
        crypto = "/crypto/" in feed.url
        for at, symbol in enumerate(feed.symbols):
            if ("/" in symbol) != crypto:
                kind = "crypto" if crypto else "stock"
                yield loaded.problem((*path, "symbols", at), f"{symbol} is not on a {kind} stream", "use a feed each")


def _check_gateway(loaded: LoadedSettings, path: KeyPath, feed: IbFeedSettings) -> Iterator[Problem]:
    broker = loaded.settings.broker
    at_ib = broker if isinstance(broker, IbBrokerSettings) else None
    if at_ib is None and not feed.port:
        yield loaded.problem((*path, "port"), "is missing", "set it here or use an ib [broker]")
    feeds = [other for other in loaded.settings.data.feeds if isinstance(other, IbFeedSettings)]
    own = {id(other): other.client_id_beside(at_ib, taken) for taken, other in enumerate(feeds)}
    rivals = [other for other in feeds if other is not feed and own[id(other)] == own[id(feed)]]
    if (at_ib is not None and own[id(feed)] == at_ib.client_id) or rivals:
        yield loaded.problem(
            (*path, "client_id"),
            f"{own[id(feed)]} is taken",
            "each connection has a client id of its own",
        )


def _check_strategies(loaded: LoadedSettings) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, strategy in enumerate(loaded.settings.strategies):
        path: KeyPath = ("strategies", index)
        first = seen.setdefault(strategy.id, index)
        if first != index:
            other = loaded.original(("strategies", first))[-1]
            yield loaded.problem(
                (*path, "id"), f'"{strategy.id}" is the id of strategies[{other}] too', "choose another"
            )
        if strategy.class_path and not strategy.retired:
            yield from _check_class(loaded, path, strategy)
    yield from _check_formerly(loaded)


def _check_formerly(loaded: LoadedSettings) -> Iterator[Problem]:
    """A former id is nobody's any more, and one strategy's alone."""
    strategies = loaded.settings.strategies
    ids = {strategy.id for strategy in strategies}
    heirs: dict[str, str] = {}
    for index, strategy in enumerate(strategies):
        former = strategy.formerly
        if former is None:
            continue
        path: KeyPath = ("strategies", index, "formerly")
        if former in ids:
            yield loaded.problem(
                path,
                f'"{former}" is a strategy of this file',
                f"a former id is one that no table has; between two: tradingd transfer {former} {strategy.id}",
            )
        elif heirs.setdefault(former, strategy.id) != strategy.id:
            yield loaded.problem(path, f'"{former}" is what {heirs[former]} was formerly', "one strategy takes it over")


def _check_class(loaded: LoadedSettings, path: KeyPath, strategy: StrategySettings) -> Iterator[Problem]:
    try:
        found = import_strategy(strategy.class_path)
    except StrategyClassMissing as error:
        yield loaded.problem((*path, "class"), str(error), error.remedy)
        return
    try:
        params = validate_params(found, strategy.params)
    except ValidationError as error:
        findings = explain(found.Params, error, strategy.params)
        wrong = {finding.path for finding in findings}
        for finding in findings:
            yield loaded.problem((*path, "params", *finding.path), finding.message, finding.remedy)
    else:
        wrong = set()
        try:
            make_strategy(found, strategy.id, strategy.symbols, params)
        except StrategyClassMissing as error:
            yield loaded.problem((*path, "class"), str(error), error.remedy)
    if found.Params.model_config.get("extra") != "allow":
        known = {field.alias or name for name, field in found.Params.model_fields.items()}
        for key in strategy.params:
            # A model that ignores unknown keys would trade with a default where a typo stands.
            if key not in known and key not in found.Params.model_fields and (key,) not in wrong:
                yield loaded.problem((*path, "params", key), "unknown key", suggest(key, known))


def _check_symbols(loaded: LoadedSettings) -> Iterator[Problem]:
    settings = loaded.settings
    allowed = settings.risk.allowed_symbols
    feeds: dict[Symbol, list[tuple[int, FeedSettings]]] = defaultdict(list)
    for index, feed in enumerate(settings.data.feeds):
        for symbol in feed.symbols:
            feeds[symbol].append((index, feed))
    for number, strategy in enumerate(settings.strategies):
        if strategy.retired:
            continue  # what it holds is compared with the feeds, whatever symbols stand here
        path: KeyPath = ("strategies", number)
        for at, symbol in enumerate(strategy.symbols):
            if allowed is not None and symbol not in allowed:
                remedy = suggest(symbol, allowed)
                yield loaded.problem((*path, "symbols", at), f"{symbol} is not in risk.allowed_symbols", remedy)
            # A feed that could not be read may well deliver the symbol.
            if not loaded.is_complete(FEEDS):
                continue
            if symbol not in feeds:
                remedy = _symbol_remedy(symbol, list(feeds))
                yield loaded.problem((*path, "symbols", at), f"no feed delivers {symbol}", remedy)
            else:
                yield from _check_bars(loaded, path, strategy, symbol, feeds[symbol])


def _symbol_remedy(symbol: str, delivered: list[Symbol]) -> str:
    if not delivered:
        return "there is no [[data.feeds]] table"
    meant = near_miss(symbol, delivered)
    listed = f"the feeds deliver {', '.join(delivered)}"
    return f"did you mean {meant}? {listed}" if meant else listed


def _check_bars(
    loaded: LoadedSettings,
    path: KeyPath,
    strategy: StrategySettings,
    symbol: Symbol,
    feeds: list[tuple[int, FeedSettings]],
) -> Iterator[Problem]:
    """Bars can be made of ticks, or of smaller bars that add up."""
    if any(schema != "bars" for _, feed in feeds for schema in feed.schemas):
        return
    for index, feed in feeds:
        interval_ns = feed.interval_ns if isinstance(feed, FileFeedSettings) else MINUTE_NS
        if strategy.interval_ns % interval_ns:
            given = format_interval(interval_ns)
            number = loaded.original((*FEEDS, index))[-1]
            yield loaded.problem(
                (*path, "bars"),
                f"bars of {strategy.bars} cannot be made for {symbol}",
                f"data.feeds[{number}] delivers bars of {given}: use a multiple of {given}",
            )


def _check_risk_symbols(loaded: LoadedSettings) -> Iterator[Problem]:
    """A limit under a misspelt symbol would limit nothing."""
    settings = loaded.settings
    traded = {symbol for strategy in settings.strategies for symbol in strategy.symbols}
    if not traded or not loaded.is_complete(("strategies",)):
        return
    if any(strategy.retired and not strategy.symbols for strategy in settings.strategies):
        return  # it has the symbols that it holds, which the journal knows
    for symbol in settings.risk.symbols:
        if symbol not in traded:
            remedy = suggest(symbol, traded)
            yield loaded.problem(("risk", "symbols", symbol), f"no strategy trades {symbol}", remedy)
