"""From a `[[data.feeds]]` table to a feed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union, assert_never

from pydantic import SecretStr

from tradingd.errors import UsageError
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.settings.broker import AlpacaBrokerSettings, BrokerSettings
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.ib import IbBrokerSettings, IbFeedSettings

if TYPE_CHECKING:
    from tradingd.brokers.alpaca.feed import AlpacaFeed
    from tradingd.brokers.ib.feed import IbFeed

AnyFeed: TypeAlias = Union[FileFeed, SyntheticFeed, "AlpacaFeed", "IbFeed"]
"""Every feed; all but files know bars of the past."""

Problem: TypeAlias = Callable[[str, str, dict[str, object]], None]
"""A stable name, a sentence, details."""

_PLANS = frozenset({"iex", "sip", "otc", "boats", "overnight"})
_MUTE_TICKS_S = 60.0
_MUTE_BARS_S = 180.0
"""Bars come once a minute, and for a minute without trades there is none."""


def build_feed(
    settings: FeedSettings,
    broker: BrokerSettings,
    *,
    span: tuple[int, int] | None = None,
    expects_data: Callable[[], bool] = lambda: False,
    on_problem: Problem = lambda _event, _message, _details: None,
    beside: int = 0,
) -> AnyFeed:
    """Make the feed that a table describes.

    `broker` lends its keys to an alpaca feed without keys of its own; `span` is the time that a replay covers;
    `expects_data` tells a live feed whether silence is strange now; `on_problem` takes what an operator should know;
    `beside` is how many feeds at the same gateway come before this one.
    """
    match settings:
        case FileFeedSettings():
            return FileFeed(
                settings.path,
                settings.symbol,
                settings.data_schema,
                interval_ns=settings.interval_ns,
                speed=None if settings.speed == "max" else settings.speed,
            )
        case SyntheticFeedSettings():
            return SyntheticFeed(
                settings.symbols,
                seed=settings.seed,
                start_price=settings.start_price,
                interval_ms=settings.interval_ms,
                volatility=settings.volatility,
                spread_bps=settings.spread_bps,
                span=span,
            )
        case AlpacaFeedSettings():
            # The client libraries are loaded only where they are needed, to keep start-up short.
            from tradingd.brokers.alpaca.feed import AlpacaFeed
            from tradingd.brokers.alpaca.history import AlpacaHistory

            key, secret = _keys(settings, broker)
            plan = settings.url.rstrip("/").rsplit("/", 1)[-1]
            return AlpacaFeed(
                settings.url,
                key,
                secret,
                settings.symbols,
                channels=settings.channels,
                encoding=settings.encoding,
                history=AlpacaHistory(
                    settings.data_url,
                    key,
                    secret,
                    feed=plan if plan in _PLANS else "iex",
                    adjustment=settings.adjustment,
                ),
                expects_data=expects_data,
                mute_after_s=_MUTE_BARS_S if settings.channels == ("bars",) else _MUTE_TICKS_S,
            )
        case IbFeedSettings():
            from tradingd.brokers.ib.feed import IbFeed
            from tradingd.brokers.ib.instruments import read_contracts
            from tradingd.brokers.ib.lines import FeedMode

            account = broker if isinstance(broker, IbBrokerSettings) else None
            port = settings.port or (0 if account is None else account.port)
            if not port:
                raise UsageError("an ib feed needs the port of a gateway: set port, or use an ib [broker]")
            return IbFeed(
                host=settings.host or ("127.0.0.1" if account is None else account.host),
                port=port,
                client_id=settings.client_id_beside(account, beside),
                symbols=settings.symbols,
                contracts={} if account is None else read_contracts(account.contract_tables),
                mode=FeedMode(settings.mode),
                allow_delayed=settings.allow_delayed,
                # Where the broker is there too it asks for bars of the past: to ask twice would be too often.
                offers_history=account is None,
                on_problem=on_problem,
                expects_data=expects_data,
            )
        case _:
            assert_never(settings)


def build_feeds(
    settings: Sequence[FeedSettings],
    broker: BrokerSettings,
    *,
    data_due: Callable[[FeedSettings], Callable[[], bool]] = lambda _table: lambda: False,
    on_problem: Problem = lambda _event, _message, _details: None,
) -> list[AnyFeed]:
    """Make every feed of a configuration, each connection to a gateway with a client id of its own.

    `data_due` returns what tells whether silence of a table's feed is strange now.
    """
    feeds: list[AnyFeed] = []
    gateway = 0
    for table in settings:
        due = data_due(table)
        feeds.append(build_feed(table, broker, expects_data=due, on_problem=on_problem, beside=gateway))
        gateway += isinstance(table, IbFeedSettings)
    return feeds


def _keys(settings: AlpacaFeedSettings, broker: BrokerSettings) -> tuple[str, str]:
    lender = broker if isinstance(broker, AlpacaBrokerSettings) else settings
    key: SecretStr | None = settings.api_key or lender.api_key
    secret: SecretStr | None = settings.api_secret or lender.api_secret
    if key is None or secret is None:
        raise UsageError(f"the feed {settings.url} needs api_key and api_secret")
    return key.get_secret_value(), secret.get_secret_value()
