"""From a configuration to the accounts and feeds that cases are tried on.

Reads: settings. Never: opens a connection.
"""

from functools import partial

from tradingd.assembly.feeds import build_feed
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, default_instrument
from tradingd.errors import UsageError
from tradingd.settings.feeds import FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.root import Settings
from tradingd.settings.to_core import traded_symbols
from tradingd.tools.conform.feed_harness import FeedHarness
from tradingd.tools.conform.harness import kept
from tradingd.tools.conform.runner import OpenDataHarness
from tradingd.tools.conform.venue_harness import SYMBOLS

INSIST = "place test orders in my live account"
"""What a user has to say, word for word, before a case touches real money."""
_MAX_SYMBOLS = 3


def check_account(settings: Settings, insisted: str | None) -> None:
    """Refuse an account where real money is at stake, unless the user insists in so many words."""
    if insisted is not None and insisted != INSIST:
        raise UsageError(f'--insist takes one sentence, word for word: "{INSIST}"')
    if settings.account_kind != "paper" and insisted is None:
        raise UsageError(
            "the configuration names a live account, and the cases buy and sell in it: "
            f'use a paper account, or add --insist "{INSIST}"'
        )


def is_equity(symbol: Symbol) -> bool:
    """Tell whether a symbol is spelt as one of an exchange with hours."""
    return default_instrument(symbol).asset_class is AssetClass.EQUITY


def account_symbols(settings: Settings) -> tuple[Symbol, ...]:
    """What the cases trade on the user's account: his strategies' symbols, else his feeds', equities first."""
    named = traded_symbols(settings) or tuple(Symbol(name) for feed in settings.data.feeds for name in feed.symbols)
    if not named:
        raise UsageError("there is nothing to trade: add a [[strategies]] or a [[data.feeds]] table with symbols")
    return tuple(sorted(dict.fromkeys(named), key=lambda symbol: not is_equity(symbol)))[:_MAX_SYMBOLS]


def feed_harnesses(settings: Settings) -> list[OpenDataHarness]:
    """Every configured feed, as it is."""
    return [partial(kept, _feed_harness(table, settings)) for table in settings.data.feeds]


def _feed_harness(table: FeedSettings, settings: Settings) -> FeedHarness:
    exchange = NewYorkStockExchange()
    has_hours = any(is_equity(Symbol(name)) for name in table.symbols)
    invented = isinstance(table, FileFeedSettings | SyntheticFeedSettings)
    return FeedHarness(
        partial(build_feed, table, settings.broker),
        table.schemas,
        is_open=lambda now: invented or not has_hours or exchange.is_open(now),
        has_history=not isinstance(table, FileFeedSettings),
    )


def venue_symbols(settings: Settings) -> tuple[Symbol, ...]:
    """What the cases' own venue trades: the user's equities, and what the cases ask for besides."""
    named = [symbol for symbol in traded_symbols(settings) if is_equity(symbol)]
    return tuple(dict.fromkeys((*named[:1], *SYMBOLS)))
